"""Empirical games: populations of policies, the games that they play against each other, and their rankings.

- one matrix, solved on a growing part: ``restricted``
- populations grown by best replies: ``responses`` and, for joint play, ``joint_responses``, on ``_populations`` and
  ``_arenas``; what they return: ``results``
- what populations mix: ``meta_solvers``; joint play of greatest entropy: ``maximum_entropy``, on ``_entropy``
- rankings: ``alpharank`` on ``_markov``, ``averaging``, ``ratings``
"""
