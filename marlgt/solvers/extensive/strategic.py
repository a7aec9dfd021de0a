"""Equilibria of an extensive game through its reduced normal form, in any number of players.

With perfect recall every mixture of pure strategies has a behaviour policy that plays alike (Kuhn 1953), so the
equilibria of the reduced normal form are those of the tree, up to what is chosen where no play arrives. The normal
form is exponentially large in the tree, so this serves small games, and there it finds every equilibrium.

References
----------
Kuhn, H. W. (1953). Extensive games and the problem of information. In Contributions to the Theory of
Games II, 193-216.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from marlgt.equilibria import Equilibria, Equilibrium
from marlgt.errors import BudgetExceeded
from marlgt.games._doors import require_budget, require_extensive_game, require_seed
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.plans import mixed_to_behavior, n_pure_strategies
from marlgt.games.sequence_form import sequence_form
from marlgt.games.strategic_form import strategic_form
from marlgt.policy_certificates import certified_policies
from marlgt.progress import stopwatch

__all__ = ["reduced_normal_form"]

MAX_PROFILES = 200_000
"""Most profiles of reduced pure strategies of a game that is solved through them."""


def reduced_normal_form(
    game: ExtensiveGame, *, budget: float | Literal["default"] | None = "default", seed: int = 0
) -> Equilibria:
    """Return the equilibria that :func:`~marlgt.solve` finds in the reduced normal form, as behaviour policies.

    For two players these are all extreme equilibria where they can be enumerated, for more all isolated ones, else
    one. Mixtures that play alike are one answer.

    Parameters
    ----------
    game : ExtensiveGame
        With perfect recall.
    budget : float or None
        Most profiles of pure strategies, by default 200,000; None sets no limit.
    seed : int
        For methods that draw random numbers.

    Raises
    ------
    UnsupportedGame
        If a player forgets.
    BudgetExceeded
        If there are more profiles; nothing is built before.
    NotConverged
        If no certified equilibrium was found.

    Examples
    --------
    >>> import marlgt as gt
    >>> answers = reduced_normal_form(gt.games.seltens_horse_tree())
    >>> len(answers) > 0, max(e.epsilon for e in answers) < 1e-9
    (True, True)
    """
    from marlgt.solvers.selection import solve

    require_extensive_game(game)
    most = float(MAX_PROFILES) if budget == "default" else budget
    require_budget(most, "profiles of pure strategies")
    require_seed(seed)
    sequence_form(game)
    profiles = 1
    for i in range(game.n_players):
        profiles *= n_pure_strategies(game, i)
    if most is not None and profiles > most:
        raise BudgetExceeded(
            f"the reduced normal form has {profiles if profiles < 10**15 else 'over 10^15'} profiles, more than the "
            f"budget of {most:g}: use cfr_plus, or for two players sequence_form_lcp",
            estimate=float(min(profiles, 10**300)),
            limit=float(most),
        )
    clock = stopwatch()
    table = strategic_form(game)
    answers = solve(table, seed=seed)
    found: list[Equilibrium] = []
    for e in answers:
        policies = mixed_to_behavior(game, e.profile or ())
        # Different mixtures may play alike.
        if not any(all(np.allclose(p, q, atol=1e-9) for p, q in zip(policies, other.profile or ())) for other in found):
            found.append(certified_policies(game, policies, method="reduced_normal_form", work=e.work, seconds=clock()))
    return Equilibria(
        found,
        concept="nash",
        method="reduced_normal_form",
        complete=answers.complete,
        stopped=answers.stopped,
        why=f"By {answers.method}: {answers.why}",
    )
