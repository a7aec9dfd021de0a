"""One door to every solver: picks a method for a game and a concept, and says why."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Literal

from marlgt.equilibria import Equilibria
from marlgt.errors import BudgetExceeded, GameError
from marlgt.games._doors import nonnegative, require_budget, require_whole
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.normal_form import NormalFormGame
from marlgt.games.stochastic import StochasticGame
from marlgt.solvers.methods import ALIASES, METHODS, Game, Method, choose, methods_for

__all__ = ["DEFAULT_BUDGET", "METHODS", "Method", "choose", "solve"]

DEFAULT_BUDGET: Literal["default"] = "default"
"""The budget that each method has by itself, in its own unit of work."""


def solve(
    game: Game,
    *,
    concept: str = "nash",
    method: str | None = None,
    objective: Any = "welfare",
    player: int = 0,
    rationality: float = 1.0,
    leader: int = 0,
    label: int = 0,
    budget: float | Literal["default"] | None = DEFAULT_BUDGET,
    iterations: int | None = None,
    gap: float | None = None,
    time_limit: float | None = None,
    seed: int = 0,
) -> Equilibria:
    """Solve a game: every Nash equilibrium where that is feasible, else one, always certified.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or ExtensiveGame
    concept : str
        For every kind of game ``"nash"``. For normal-form games also ``"minimax"``, ``"correlated"``,
        ``"coarse_correlated"``, ``"stackelberg"``, ``"pareto"``, ``"welfare"``, ``"fairness"``, ``"qre"`` and
        ``"evolutionarily_stable"``; for stochastic games ``"minimax"``, ``"correlated"`` and ``"qre"``; for extensive
        games ``"minimax"``, ``"subgame_perfect"``, ``"extensive_form_correlated"`` and
        ``"extensive_form_coarse_correlated"``.
    method : str, optional
        A solver by name; :mod:`marlgt.solvers.methods` lists them. Without it one is chosen, and the result's
        ``why`` says for which reason.
    objective : str or array_like, shape (A_1, ..., A_n)
        For the correlated concepts: ``"welfare"``, ``"egalitarian"``, ``"republican"``,
        ``"libertarian"``, or the coefficients of a linear objective to maximise.
    player : int
        For the objective ``"libertarian"``: whose payoff to maximise.
    rationality : float
        For ``"qre"``: the precision lambda of the logit response.
    leader : int
        For ``"stackelberg"``: who commits.
    label : int
        For ``"lemke_howson"``: the label dropped first.
    budget : float or None
        The most work allowed, in the method's own unit, estimated before it starts; None sets no
        limit, and enumerations then yield answers as they find them.
    iterations : int, optional
        For iterative methods: the most iterations or sweeps.
    gap : float, optional
        For iterative methods: the gap from equilibrium at which to stop.
    time_limit : float, optional
        For iterative methods: seconds after which to stop.
    seed : int
        For methods that draw random numbers.

    Returns
    -------
    Equilibria
        A sequence of certified answers; ``complete`` tells whether they are all.

    Raises
    ------
    GameError
        For an unknown concept or method, or an option that the method does not take.
    UnsupportedGame
        If the method does not cover the game.
    BudgetExceeded
        If a method named explicitly would exceed its budget.
    NotConverged
        If no certified answer was found; it carries the best one.

    Examples
    --------
    >>> import marlgt as gt
    >>> g = gt.NormalFormGame.bimatrix([[2, 0], [0, 1]], [[1, 0], [0, 2]])
    >>> for e in gt.solve(g):
    ...     print(e)
    nash (0, 1) (0, 1)  values (1, 2)  epsilon 0 (exact)  [vertex_enumeration]
    nash (2/3, 1/3) (1/3, 2/3)  values (0.666667, 0.666667)  epsilon 0 (exact)  [vertex_enumeration]
    nash (1, 0) (1, 0)  values (2, 1)  epsilon 0 (exact)  [vertex_enumeration]
    >>> gt.solve(gt.games.soccer())[0].state_values.shape
    (2, 761)
    """
    if not isinstance(game, NormalFormGame | StochasticGame | ExtensiveGame):
        raise GameError(
            f"game is {type(game).__name__}: give a NormalFormGame, for example NormalFormGame.bimatrix(A, B), a "
            "StochasticGame or an ExtensiveGame"
        )
    known = methods_for(game)
    methods = known.get(concept) if isinstance(concept, str) else None
    if methods is None:
        hint = _other_kinds(game, concept) or _closest(concept, known)
        raise GameError(f"unknown concept {concept!r}{hint}: choose from {', '.join(known)}")
    options: dict[str, Any] = {
        "objective": objective,
        "player": player,
        "rationality": rationality,
        "leader": leader,
        "label": label,
        "seed": seed,
    }
    if not (isinstance(budget, str) and budget == DEFAULT_BUDGET):
        require_budget(budget, "steps of work")
        options["budget"] = budget
    stops = _stopping(iterations, gap, time_limit)
    if method is not None:
        name = ALIASES.get(method, method) if isinstance(method, str) else method
        if not isinstance(name, str) or name not in methods:
            hint = _closest(method, methods)
            raise GameError(f"unknown method {method!r} for {concept}{hint}: choose from {', '.join(methods)}")
        return _run(game, methods[name], options, stops, f"{name} was asked for.")
    *earlier, (last, last_why) = choose(game, concept=concept)
    for candidate, why in earlier:
        try:
            answers = _run(game, methods[candidate], options, stops, why)
        except BudgetExceeded:
            continue
        if answers.stopped == "interrupted" or len(answers) > 0:
            return answers
    return _run(game, methods[last], options, stops, last_why)


def _stopping(iterations: Any, gap: Any, time_limit: Any) -> dict[str, Any]:
    """Return the conditions on which an iterative method is to stop, those that were given, checked."""
    stops: dict[str, Any] = {}
    if iterations is not None:
        require_whole(iterations, "iterations", least=1)
        stops["iterations"] = iterations
    if gap is not None:
        stops["gap"] = nonnegative(gap, "gap")
    if time_limit is not None:
        stops["time_limit"] = nonnegative(time_limit, "time_limit")
    return stops


def _run(game: Game, method: Method, options: Mapping[str, Any], stops: Mapping[str, Any], why: str) -> Equilibria:
    refused = [name for name in stops if name not in method.options]
    if refused:
        takes = [name for name in ("iterations", "gap", "time_limit") if name in method.options]
        instead = f"it takes {' and '.join(takes)}" if takes else "it ends by itself"
        raise GameError(
            f"{method.function} takes no {refused[0]}: {instead}; leave {refused[0]} out or name another method"
        )
    given = {**options, **stops}
    answer = method.load()(game, **{k: given[k] for k in method.options if k in given})
    if isinstance(answer, Equilibria):
        answer.why = f"{why} {answer.why}".rstrip()
        return answer
    return Equilibria([answer], concept=answer.concept, method=answer.method, complete=answer.complete, why=why)


def _other_kinds(game: Game, concept: Any) -> str:
    """Return a hint where the concept is one of the normal form of an extensive or repeated game."""
    if not isinstance(game, NormalFormGame) and concept in METHODS:
        way = ": solve game.normal_form()" if isinstance(game, ExtensiveGame) else ""
        return f" for a {type(game).__name__}{way}"
    return ""


def _closest(name: Any, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(str(name).lower(), known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
