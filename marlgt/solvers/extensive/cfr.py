"""Counterfactual regret minimization: every information set minimizes its own regret, and together they solve the game.

In iteration t every information set matches its next policy to the positive regrets of its actions (Hart and
Mas-Colell 2000), measured in counterfactual values: weighted by the chance that the others and chance let it be
reached. A player's regret is at most the sum of the positive parts of those of her information sets (Zinkevich et al.
2007), and in a two-player zero-sum game the average policies, weighted by own reach, are then an equilibrium up to

    NashConv  <=  (sum over players i of  range_i * I_i * sqrt(A_i)) / sqrt(T).

The players move in turn, each against the newest policies of the others, which keeps the bound because every step of
regret matching improves on the policy before it (Burch, Moravcik and Schmid 2019). After iteration t positive regrets
are multiplied by t^alpha / (t^alpha + 1) and negative ones by t^beta / (t^beta + 1), and its policies enter the
average with weight t^gamma (Brown and Sandholm 2019), so that

    CFR = (inf, inf, 0),   CFR+ = (inf, -inf, 1),   linear CFR = (1, 1, 1),   discounted CFR = (1.5, 0, 2).

With three players or more, or where payoffs do not sum to a constant, the average is no equilibrium in general;
its certificate tells what it is.

References
----------
Zinkevich, M., Johanson, M., Bowling, M. and Piccione, C. (2007). Regret minimization in games with incomplete
information. Advances in Neural Information Processing Systems 20.
Tammelin, O. (2014). Solving large imperfect information games using CFR+. arXiv:1407.5042.
Burch, N., Moravcik, M. and Schmid, M. (2019). Revisiting CFR+ and alternating updates. arXiv:1810.11542.
Brown, N. and Sandholm, T. (2019). Solving imperfect-information games via discounted regret minimization.
AAAI Conference on Artificial Intelligence 33, 1829-1836.
Farina, G., Kroer, C. and Sandholm, T. (2021). Faster game solving via predictive Blackwell approachability.
AAAI Conference on Artificial Intelligence 35, 5363-5371.
"""

from __future__ import annotations

import math

from marlgt.equilibria import Equilibrium
from marlgt.games._doors import require_extensive_game
from marlgt.games.extensive import ExtensiveGame
from marlgt.policy_certificates import certified_policies
from marlgt.progress import stopwatch
from marlgt.solvers.extensive._runs import checked_limits, iterate
from marlgt.solvers.extensive.regret_minimizer import RegretMinimizer

__all__ = ["cfr", "cfr_plus", "discounted_cfr", "linear_cfr", "predictive_cfr_plus"]


def cfr(
    game: ExtensiveGame, *, iterations: int = 1000, gap: float | None = None, time_limit: float | None = None
) -> Equilibrium:
    """Return the average policies of counterfactual regret minimization, all iterations alike.

    Converges to an equilibrium in two-player zero-sum games, as 1/sqrt(iterations) at worst; in other games the
    answer's regrets tell how far it is from one.

    Parameters
    ----------
    game : ExtensiveGame
        With perfect recall, of any number of players.
    iterations : int
        At most so many, each an update of every player in turn.
    gap : float, optional
        Stop when the exploitability (NashConv over the number of players) is at most this; it is measured after
        iterations 1, 2, ... ever further apart, by a tenth of those done.
    time_limit : float, optional
        Stop after so many seconds, with the answer reached by then, of one iteration at least.

    Returns
    -------
    Equilibrium
        ``work`` holds the iterations that were run, ``trace`` the exploitability after some of them.

    Raises
    ------
    GameError
        For limits that are no limits.
    UnsupportedGame
        If a player forgets.

    Examples
    --------
    >>> from marlgt.games import TreeBuilder
    >>> tree = TreeBuilder(["Odd", "Even"])
    >>> root = tree.decision(None, 0, "odd", ["one", "two"])
    >>> for own in (1, 2):
    ...     node = tree.decision(root, 1, "even", ["one", "two"])
    ...     for other in (1, 2):
    ...         win = own + other if (own + other) % 2 else -own - other
    ...         _ = tree.terminal(node, [win, -win])
    >>> answer = cfr(tree.build(), iterations=2000)
    >>> bool(abs(answer.values[0] - 1 / 12) < 0.02)
    True

    References
    ----------
    Zinkevich et al. (2007): CFR, here with the players in turn.
    """
    return _solve(game, "cfr", math.inf, math.inf, 0.0, False, (iterations, gap, time_limit))


def cfr_plus(
    game: ExtensiveGame, *, iterations: int = 1000, gap: float | None = None, time_limit: float | None = None
) -> Equilibrium:
    """Return the average policies of CFR+: negative regrets are forgotten, iteration t counts t times.

    Parameters, result and errors as for :func:`cfr`.

    References
    ----------
    Tammelin (2014): CFR+, with averaging from the first iteration.
    """
    return _solve(game, "cfr_plus", math.inf, -math.inf, 1.0, False, (iterations, gap, time_limit))


def linear_cfr(
    game: ExtensiveGame, *, iterations: int = 1000, gap: float | None = None, time_limit: float | None = None
) -> Equilibrium:
    """Return the average policies of linear CFR: the regrets and the policies of iteration t count t times.

    Parameters, result and errors as for :func:`cfr`.

    References
    ----------
    Brown and Sandholm (2019): LCFR.
    """
    return _solve(game, "linear_cfr", 1.0, 1.0, 1.0, False, (iterations, gap, time_limit))


def discounted_cfr(
    game: ExtensiveGame,
    *,
    alpha: float = 1.5,
    beta: float = 0.0,
    gamma: float = 2.0,
    iterations: int = 1000,
    gap: float | None = None,
    time_limit: float | None = None,
) -> Equilibrium:
    """Return the average policies of discounted CFR.

    Parameters
    ----------
    alpha, beta : float
        After iteration t positive regrets are multiplied by ``t**alpha / (t**alpha + 1)``, negative ones by
        ``t**beta / (t**beta + 1)``; infinity keeps them whole and minus infinity forgets them.
    gamma : float
        The policies of iteration t count ``t**gamma`` times; not negative.
    game, iterations, gap, time_limit
        As for :func:`cfr`, and so are result and errors.

    References
    ----------
    Brown and Sandholm (2019): DCFR, with the defaults that they recommend.
    """
    return _solve(game, "discounted_cfr", alpha, beta, gamma, False, (iterations, gap, time_limit))


def predictive_cfr_plus(
    game: ExtensiveGame, *, iterations: int = 1000, gap: float | None = None, time_limit: float | None = None
) -> Equilibrium:
    """Return the average policies of predictive CFR+, which expects the next worths to be like the last.

    Iteration t counts ``t**2`` times. On many games it is faster than the others by orders of magnitude; on some
    poker games its authors found discounted CFR to be better. Parameters, result and errors as for :func:`cfr`.

    References
    ----------
    Farina, Kroer and Sandholm (2021): PCFR+, with predictive regret matching plus and quadratic averages.
    """
    return _solve(game, "predictive_cfr_plus", math.inf, -math.inf, 2.0, True, (iterations, gap, time_limit))


def _solve(
    game: ExtensiveGame,
    method: str,
    alpha: float,
    beta: float,
    gamma: float,
    predictive: bool,
    limits: tuple[int, float | None, float | None],
) -> Equilibrium:
    require_extensive_game(game)
    checked = checked_limits(*limits)
    clock = stopwatch()
    run = RegretMinimizer(game, alpha=alpha, beta=beta, gamma=gamma, predictive=predictive, planned=checked[0])
    trace = iterate(run.advance, run.exploitability, limits=checked, steps=run.steps, name=method)
    return certified_policies(
        game,
        run.profile(),
        method=method,
        work={"iterations": run.iterations},
        seconds=clock(),
        trace=trace,
    )
