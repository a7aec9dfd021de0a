"""Search in games too large to build, or only worth looking at from one position: exact by depth, or by sampling.

- minimax and alpha-beta: ``alphabeta``, on ``_depth_first`` for rules and ``_tree_kernels`` for the arrays of a tree
- Monte-Carlo tree search: ``montecarlo``, on ``_playouts`` for rules and ``_playout_kernels`` for trees; its formulas:
  ``tree_policies``; with hidden information: ``information_sets``
- what they return: ``results``; trees and nested lists seen as rules: ``_views``
"""
