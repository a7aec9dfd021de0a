"""One door to every solver: picks a method for a game and a concept, and says why."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from marlgt.equilibria import Equilibria, Equilibrium
from marlgt.errors import BudgetExceeded, GameError
from marlgt.games._doors import require_budget
from marlgt.games.normal_form import NormalFormGame

__all__ = ["DEFAULT_BUDGET", "METHODS", "Method", "choose", "solve"]

DEFAULT_BUDGET: Literal["default"] = "default"
"""The budget that each method has by itself, in its own unit of work."""


@dataclass(frozen=True)
class Method:
    """A solver that :func:`solve` can call: its module and which of the options of ``solve`` it takes."""

    module: str
    function: str
    options: tuple[str, ...] = ()

    def load(self) -> Callable[..., Equilibrium | Equilibria]:
        """Import the module and return the solver."""
        return cast(
            "Callable[..., Equilibrium | Equilibria]", getattr(importlib.import_module(self.module), self.function)
        )


def _table(*rows: tuple[str, str, tuple[str, ...]]) -> dict[str, Method]:
    return {function: Method(f"marlgt.solvers.{module}", function, options) for function, module, options in rows}


METHODS: Mapping[str, Mapping[str, Method]] = {
    "nash": _table(
        ("vertex_enumeration", "vertices", ("budget",)),
        ("support_enumeration", "supports", ("budget",)),
        ("lemke_howson", "pivoting", ("label",)),
        ("lemke_howson_all_labels", "pivoting", ()),
        ("lemke_howson_race", "pivoting", ("seed",)),
        ("minimax", "matrix_game", ()),
        ("pure_equilibria", "pure", ()),
        ("all_isolated_equilibria", "polynomial", ("budget",)),
        ("find_one", "portfolio", ("seed",)),
        ("iterated_polymatrix", "polymatrix", ("seed",)),
        ("logit", "homotopy", ()),
    )
    | {
        "nashpy.support_enumeration": Method("marlgt.solvers.backends", "nashpy_support_enumeration"),
        "nashpy.vertex_enumeration": Method("marlgt.solvers.backends", "nashpy_vertex_enumeration"),
        "nashpy.lemke_howson": Method("marlgt.solvers.backends", "nashpy_lemke_howson", ("label",)),
        "nashpy.linear_program": Method("marlgt.solvers.backends", "nashpy_linear_program"),
        "openspiel.cfr_plus": Method("marlgt.solvers.backends", "openspiel_cfr_plus"),
    },
    "minimax": _table(
        ("minimax", "matrix_game", ()),
        ("zero_sum_simplex", "matrix_game", ()),
        ("zero_sum_interior_point", "interior_point", ()),
        ("zero_sum_linear_program", "matrix_game", ()),
    ),
    "correlated": _table(("correlated_equilibrium", "correlated", ("objective", "player"))),
    "coarse_correlated": _table(("coarse_correlated_equilibrium", "correlated", ("objective", "player"))),
    "stackelberg": _table(
        ("stackelberg", "commitment", ("leader",)),
        ("stackelberg_pure", "commitment", ("leader",)),
    ),
    "pareto": _table(("pareto_optimal", "efficiency", ())),
    "welfare": _table(("welfare_optimal", "efficiency", ())),
    "fairness": _table(("fairness_optimal", "efficiency", ()), ("maxmin_fair", "efficiency", ())),
    "qre": _table(("quantal_response", "homotopy", ("rationality",))),
    "evolutionarily_stable": _table(("evolutionarily_stable_strategies", "evolution", ("budget",))),
}
"""Every solver behind :func:`solve`, by concept; the names are those of the functions, backends have a dot."""


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
    nash (0, 1) (0, 1)  values (1, 2)  epsilon 0 (exact)  [vertex_enumeration]
    nash (2/3, 1/3) (1/3, 2/3)  values (0.666667, 0.666667)  epsilon 0 (exact)  [vertex_enumeration]
    nash (1, 0) (1, 0)  values (2, 1)  epsilon 0 (exact)  [vertex_enumeration]
    """
    if not isinstance(game, NormalFormGame):
        raise GameError(
            f"game is {type(game).__name__}: give a NormalFormGame, for example NormalFormGame.bimatrix(A, B)"
        )
    methods = METHODS.get(concept) if isinstance(concept, str) else None
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
    if not (isinstance(budget, str) and budget == DEFAULT_BUDGET):
        require_budget(budget, "steps of work")
        options["budget"] = budget
    if method is not None:
        if not isinstance(method, str) or method not in methods:
            hint = _closest(method, methods)
            raise GameError(f"unknown method {method!r} for {concept}{hint}: choose from {', '.join(methods)}")
        return _run(game, concept, method, options, f"{method} was asked for.")
    *earlier, (last, last_why) = choose(game, concept=concept)
    for candidate, why in earlier:
        try:
            answers = _run(game, concept, candidate, options, why)
        except BudgetExceeded:
            continue
        if answers.stopped == "interrupted" or len(answers) > 0:
            return answers
    return _run(game, concept, last, options, last_why)


def choose(game: NormalFormGame, *, concept: str = "nash") -> tuple[tuple[str, str], ...]:
    """Return the methods that :func:`solve` would try for a game, best first, each with the reason.

    A method that enumerates refuses, before it starts, work beyond its budget; then, or if a method finds
    nothing, the next one is tried.
    """
    from marlgt.games.structure import is_constant_sum

    if concept != "nash":
        name = next(iter(METHODS[concept]))
        return ((name, f"The method for {concept.replace('_', ' ')}."),)
    if game.n_players == 1:
        return (("pure_equilibria", "One player: the equilibria are the best actions and their mixtures."),)
    if game.n_players == 2:
        every = ("vertex_enumeration", "Two players, small enough for every extreme equilibrium.")
        if is_constant_sum(game):
            return every, ("minimax", "Two players, constant sum, too large to enumerate: one by linear programming.")
        race = "Two players, too large to enumerate: one by racing Lemke-Howson labels."
        return every, ("lemke_howson_race", race)
    count = game.n_players
    return (
        ("all_isolated_equilibria", f"{count} players, small enough for every isolated equilibrium."),
        ("pure_equilibria", f"{count} players, too large for every equilibrium: the pure ones."),
        ("find_one", f"{count} players, too large for every equilibrium, none pure: one by a portfolio of methods."),
    )


def _run(game: NormalFormGame, concept: str, name: str, options: Mapping[str, Any], why: str) -> Equilibria:
    method = METHODS[concept][name]
    answer = method.load()(game, **{k: options[k] for k in method.options if k in options})
    if isinstance(answer, Equilibria):
        answer.why = f"{why} {answer.why}".rstrip()
        return answer
    return Equilibria([answer], concept=answer.concept, method=answer.method, complete=answer.complete, why=why)


def _closest(name: Any, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(str(name).lower(), known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
