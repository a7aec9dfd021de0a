"""One door to every solver: picks a method for a game and a concept, and says why."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from marlgt.certificates import Equilibria, Equilibrium
from marlgt.errors import BudgetExceeded, GameError
from marlgt.games.normal_form import NormalFormGame

__all__ = ["DEFAULT_BUDGET", "METHODS", "Method", "choose", "solve"]

DEFAULT_BUDGET: Literal["default"] = "default"
"""The budget that each method has by itself, in its own unit of work."""


@dataclass(frozen=True)
class Method:
    """Where a solver lives and which of the options of :func:`solve` it takes."""

    module: str
    function: str
    options: tuple[str, ...] = ()

    def load(self) -> Callable[..., Equilibrium | Equilibria]:
        """Import the module and return the solver."""
        return cast(
            "Callable[..., Equilibrium | Equilibria]", getattr(importlib.import_module(self.module), self.function)
        )


def _own(module: str, function: str, *options: str) -> Method:
    return Method(f"marlgt.solvers.{module}", function, options)


METHODS: Mapping[str, Mapping[str, Method]] = {
    "nash": {
        "pure_enumeration": _own("pure", "pure_equilibria"),
        "support_enumeration": _own("supports", "support_enumeration", "budget"),
        "vertex_enumeration": _own("vertices", "vertex_enumeration", "budget"),
        "lemke_howson": _own("pivoting", "lemke_howson", "label"),
        "lemke_howson_all_labels": _own("pivoting", "lemke_howson_all_labels"),
        "lemke_howson_race": _own("pivoting", "lemke_howson_race", "seed"),
        "zero_sum": _own("matrix_game", "minimax"),
        "all_isolated": _own("polynomial", "all_isolated_equilibria", "budget"),
        "logit": _own("homotopy", "logit"),
        "iterated_polymatrix": _own("polymatrix", "iterated_polymatrix", "seed"),
        "portfolio": _own("portfolio", "find_one", "seed"),
        "nashpy.support_enumeration": _own("backends", "nashpy_support_enumeration"),
        "nashpy.vertex_enumeration": _own("backends", "nashpy_vertex_enumeration"),
        "nashpy.lemke_howson": _own("backends", "nashpy_lemke_howson", "label"),
        "nashpy.linear_program": _own("backends", "nashpy_linear_program"),
        "openspiel.linear_program": _own("backends", "openspiel_linear_program"),
    },
    "minimax": {
        "zero_sum": _own("matrix_game", "minimax"),
        "simplex": _own("matrix_game", "zero_sum_simplex"),
        "interior_point": _own("interior_point", "zero_sum_interior_point"),
        "linear_program": _own("matrix_game", "zero_sum_linear_program"),
    },
    "correlated": {"linear_program": _own("correlated", "correlated_equilibrium", "objective", "player")},
    "coarse_correlated": {"linear_program": _own("correlated", "coarse_correlated_equilibrium", "objective", "player")},
    "stackelberg": {
        "linear_programs": _own("commitment", "stackelberg", "leader"),
        "pure": _own("commitment", "stackelberg_pure", "leader"),
    },
    "pareto": {"enumeration": _own("efficiency", "pareto_optimal")},
    "welfare": {"enumeration": _own("efficiency", "welfare_optimal")},
    "fairness": {
        "nash_product": _own("efficiency", "fairness_optimal"),
        "maxmin": _own("efficiency", "maxmin_fair"),
    },
    "qre": {"homotopy": _own("homotopy", "quantal_response", "rationality")},
    "evolutionarily_stable": {"support_enumeration": _own("evolution", "evolutionarily_stable_strategies")},
}
"""Every solver behind :func:`solve`: by concept, then by name."""


def solve(
    game: NormalFormGame,
    *,
    concept: str = "nash",
    method: str | None = None,
    objective: Any = "welfare",
    player: int = 0,
    rationality: float = 1.0,
    leader: int = 0,
    label: int = 0,
    budget: float | Literal["default"] | None = DEFAULT_BUDGET,
    seed: int = 0,
) -> Equilibria:
    """Solve a game: every Nash equilibrium where that is feasible, else one, always certified.

    Parameters
    ----------
    game : NormalFormGame
    concept : str
        ``"nash"``, ``"minimax"``, ``"correlated"``, ``"coarse_correlated"``, ``"stackelberg"``,
        ``"pareto"``, ``"welfare"``, ``"fairness"``, ``"qre"`` or ``"evolutionarily_stable"``.
    method : str, optional
        A solver by name; :data:`METHODS` lists them. Without it one is chosen, and the result's
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
    seed : int
        For methods that draw random numbers.

    Returns
    -------
    Equilibria
        A sequence of certified answers; ``complete`` tells whether they are all.

    Raises
    ------
    GameError
        For an unknown concept or method.
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
    nash (0, 1) (0, 1)  values (1, 2)  epsilon exact  [vertex_enumeration]
    nash (2/3, 1/3) (1/3, 2/3)  values (0.666667, 0.666667)  epsilon exact  [vertex_enumeration]
    nash (1, 0) (1, 0)  values (2, 1)  epsilon exact  [vertex_enumeration]
    """
    if not isinstance(game, NormalFormGame):
        raise GameError(
            f"game is {type(game).__name__}: give a NormalFormGame, for example NormalFormGame.bimatrix(A, B)"
        )
    methods = METHODS.get(concept)
    if methods is None:
        raise GameError(f"unknown concept {concept!r}{_closest(concept, METHODS)}: choose from {', '.join(METHODS)}")
    options = {
        "objective": objective,
        "player": player,
        "rationality": rationality,
        "leader": leader,
        "label": label,
        "seed": seed,
    }
    if budget != DEFAULT_BUDGET:
        options["budget"] = budget
    if method is not None:
        if method not in methods:
            hint = _closest(method, methods)
            raise GameError(f"unknown method {method!r} for {concept}{hint}: choose from {', '.join(methods)}")
        return _run(game, concept, method, options, f"{method} was asked for.")
    for candidate, why in choose(game, concept=concept):
        try:
            return _run(game, concept, candidate, options, why)
        except BudgetExceeded as error:
            refused = error
    raise refused


def choose(game: NormalFormGame, *, concept: str = "nash") -> tuple[tuple[str, str], ...]:
    """Return the methods that :func:`solve` would try for a game, best first, each with the reason.

    A method that enumerates refuses, before it starts, work beyond its budget; the next one is then tried.
    """
    from marlgt.games.structure import is_constant_sum

    if concept != "nash":
        first = next(iter(METHODS[concept]))
        return ((first, f"{first.replace('_', ' ')} is the method for {concept.replace('_', ' ')}."),)
    if game.n_players == 1:
        return (("pure_enumeration", "One player: the equilibria are the best actions and their mixtures."),)
    if game.n_players == 2:
        enumerate_all = ("vertex_enumeration", "Two players, small enough for every extreme equilibrium.")
        if is_constant_sum(game):
            return (
                enumerate_all,
                ("zero_sum", "Two players, constant sum, too large to enumerate: one by linear programming."),
            )
        return (
            enumerate_all,
            ("lemke_howson_race", "Two players, too large to enumerate: one by racing Lemke-Howson labels."),
        )
    return (
        ("all_isolated", f"{game.n_players} players, small enough for every isolated equilibrium."),
        ("portfolio", f"{game.n_players} players, too large to enumerate: one by a portfolio of methods."),
    )


def _run(game: NormalFormGame, concept: str, name: str, options: Mapping[str, Any], why: str) -> Equilibria:
    method = METHODS[concept][name]
    answer = method.load()(game, **{k: options[k] for k in method.options if k in options})
    if isinstance(answer, Equilibria):
        answer.why = f"{why} {answer.why}".rstrip()
        return answer
    return Equilibria([answer], concept=answer.concept, method=answer.method, complete=answer.complete, why=why)


def _closest(name: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
