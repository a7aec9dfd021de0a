"""Every solver behind ``solve``, by kind of game and concept, and which would be chosen for a game, with the reason.

The names of methods are those of the functions; backends have a dot.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from marlgt.equilibria import Equilibria, Equilibrium
from marlgt.errors import UnsupportedGame
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.normal_form import NormalFormGame
from marlgt.games.stochastic import StochasticGame

__all__ = ["ALIASES", "EXTENSIVE_METHODS", "METHODS", "STOCHASTIC_METHODS", "Game", "Method", "choose", "methods_for"]

Game = NormalFormGame | StochasticGame | ExtensiveGame
"""What ``solve`` takes."""

Choice = tuple[tuple[str, str], ...]
"""Methods to try, best first, each with the reason."""

LARGEST_PROGRAM = 50_000
"""Sequences of both players up to which linear programming solves a zero-sum game within some seconds."""

LARGEST_PIVOTING = 600
"""Sequences of both players up to which complementary pivoting, on a dense tableau, takes seconds."""


@dataclass(frozen=True)
class Method:
    """A solver that ``solve`` can call: its module and which of the options of ``solve`` it takes."""

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
"""The solvers of normal-form games, by concept."""

_ITERATIVE = ("iterations", "gap", "time_limit")

_ZERO_SUM = (
    ("modified_policy_iteration", "stochastic.value_iteration", ()),
    ("shapley_value_iteration", "stochastic.value_iteration", ()),
    ("hoffman_karp", "stochastic.policy_iteration", ()),
    ("pollatschek_avi_itzhak", "stochastic.policy_iteration", ()),
)

STOCHASTIC_METHODS: Mapping[str, Mapping[str, Method]] = {
    "nash": _table(
        *_ZERO_SUM,
        ("plan_common_interest", "stochastic.planning", ()),
        ("stationary_equilibrium", "stochastic.portfolio", ("seed", "time_limit")),
        ("markov_logit", "stochastic.quantal_homotopy", ("time_limit",)),
        ("nash_value_iteration", "stochastic.stage_iteration", ("time_limit",)),
        ("friend_or_foe_value_iteration", "stochastic.friends_and_foes", ("time_limit",)),
    ),
    "minimax": _table(*_ZERO_SUM),
    "qre": _table(("markov_quantal_response", "stochastic.quantal_homotopy", ("rationality", "time_limit"))),
    "correlated": _table(
        ("correlated_value_iteration", "stochastic.stage_iteration", ("objective", "player", "time_limit"))
    ),
}
"""The solvers of stochastic games, by concept."""

_REGRET_METHODS = (
    ("cfr_plus", "extensive.cfr", _ITERATIVE),
    ("cfr", "extensive.cfr", _ITERATIVE),
    ("linear_cfr", "extensive.cfr", _ITERATIVE),
    ("discounted_cfr", "extensive.cfr", _ITERATIVE),
    ("predictive_cfr_plus", "extensive.cfr", _ITERATIVE),
    ("external_sampling_mccfr", "extensive.mccfr", (*_ITERATIVE, "seed")),
    ("outcome_sampling_mccfr", "extensive.mccfr", (*_ITERATIVE, "seed")),
    ("extensive_fictitious_play", "extensive.xfp", _ITERATIVE),
)

EXTENSIVE_METHODS: Mapping[str, Mapping[str, Method]] = {
    "nash": _table(
        ("backward_induction", "extensive.subgame_perfection", ()),
        ("sequence_form_lp", "extensive.sequence_programs", ()),
        ("sequence_form_lcp", "extensive.sequence_pivoting", ()),
        ("reduced_normal_form", "extensive.strategic", ("budget", "seed")),
        *_REGRET_METHODS,
    ),
    "minimax": _table(("sequence_form_lp", "extensive.sequence_programs", ()), *_REGRET_METHODS),
    "subgame_perfect": _table(
        ("subgame_perfect_equilibria", "extensive.subgame_perfection", ("budget",)),
        ("backward_induction", "extensive.subgame_perfection", ()),
    ),
    "extensive_form_correlated": _table(
        ("extensive_form_correlated_equilibrium", "extensive.correlation", ("objective", "player", "budget"))
    ),
    "extensive_form_coarse_correlated": _table(
        ("extensive_form_coarse_correlated_equilibrium", "extensive.correlation", ("objective", "player", "budget"))
    ),
}
"""The solvers of extensive games, by concept."""

ALIASES: Mapping[str, str] = {
    "cfr+": "cfr_plus",
    "lcfr": "linear_cfr",
    "dcfr": "discounted_cfr",
    "pcfr+": "predictive_cfr_plus",
    "predictive_cfr+": "predictive_cfr_plus",
    "mccfr": "external_sampling_mccfr",
    "xfp": "extensive_fictitious_play",
}
"""Other names that the literature uses for methods."""


def methods_for(game: Game) -> Mapping[str, Mapping[str, Method]]:
    """Return the solvers of a game's kind, by concept."""
    if isinstance(game, NormalFormGame):
        return METHODS
    return STOCHASTIC_METHODS if isinstance(game, StochasticGame) else EXTENSIVE_METHODS


def choose(game: Game, *, concept: str = "nash") -> Choice:
    """Return the methods that :func:`~marlgt.solve` would try for a game, best first, each with the reason.

    A method that enumerates refuses, before it starts, work beyond its budget; then, or if a method finds
    nothing, the next one is tried.
    """
    if concept != "nash":
        name = next(iter(methods_for(game)[concept]))
        return ((name, f"The method for {concept.replace('_', ' ')}."),)
    if isinstance(game, NormalFormGame):
        return _for_normal_form(game)
    return _for_stochastic(game) if isinstance(game, StochasticGame) else _for_extensive(game)


def _for_normal_form(game: NormalFormGame) -> Choice:
    from marlgt.games.structure import is_constant_sum

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


def _for_stochastic(game: StochasticGame) -> Choice:
    if game.is_zero_sum:
        return (("modified_policy_iteration", "Two players, zero sum: the value by modified policy iteration."),)
    if game.is_common_interest:
        return (("plan_common_interest", "All rewards are common: the best joint policy by dynamic programming."),)
    return (("stationary_equilibrium", "General sum: one stationary equilibrium by a homotopy."),)


def _for_extensive(game: ExtensiveGame) -> Choice:
    if game.has_perfect_information:
        return (("backward_induction", "Perfect information: a subgame-perfect equilibrium by backward induction."),)
    if game.forgetful_infoset is not None:
        player, j = game.forgetful_infoset
        raise UnsupportedGame(
            f"player {player} forgets at information set {j}: behaviour policies then lack equilibria and best replies "
            "that can be computed, so solve game.normal_form() instead"
        )
    sequences = sum(own.n_sequences for own in game.sequence_form.players)
    if game.n_players == 2 and game.is_constant_sum:
        if sequences <= LARGEST_PROGRAM:
            return (("sequence_form_lp", "Two players, constant sum: the value by linear programming."),)
        return (
            ("predictive_cfr_plus", "Two players, constant sum, too large for linear programs: counterfactual regret."),
        )
    if game.n_players == 2 and sequences <= LARGEST_PIVOTING:
        return (("sequence_form_lcp", "Two players, general sum: one equilibrium by complementary pivoting."),)
    if game.n_players == 2:
        return (
            ("cfr_plus", "Two players, general sum, too large for pivoting: regret minimisation, without guarantee."),
        )
    return (
        ("reduced_normal_form", f"{game.n_players} players: the equilibria of the reduced normal form."),
        (
            "cfr_plus",
            f"{game.n_players} players, too large for the normal form: regret minimisation, without guarantee.",
        ),
    )
