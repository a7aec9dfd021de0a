"""The learners by the names that the command line and the benchmarks use, and settings written as text."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.learners.exploration import count_bonus, softmax
from marlgt.learners.schedules import geometric, linear, power
from marlgt.learners.settings import setting_of

__all__ = ["ALGORITHMS", "algorithm_names", "make_learner", "make_learners", "read_settings"]

ALGORITHMS: dict[str, tuple[str, dict[str, Any]]] = {
    "actor_critic": ("ActorCritic", {}),
    "conditional_regret_matching": ("ConditionalRegretMatcher", {}),
    "correlated_q_egalitarian": ("CorrelatedQ", {"objective": "egalitarian", "player": None}),
    "correlated_q_libertarian": ("CorrelatedQ", {"objective": "libertarian"}),
    "correlated_q_republican": ("CorrelatedQ", {"objective": "republican", "player": None}),
    "correlated_q_utilitarian": ("CorrelatedQ", {"objective": "utilitarian", "player": None}),
    "cql": ("CentralQ", {}),
    "distributed_q": ("DistributedQ", {}),
    "double_q": ("DoubleQ", {}),
    "exp3": ("Exp3", {}),
    "expected_sarsa": ("ExpectedSarsa", {}),
    "fictitious_play": ("FictitiousPlayer", {}),
    "fmq": ("FMQ", {}),
    "foe_q": ("FriendOrFoeQ", {}),
    "friend_q": ("FriendOrFoeQ", {"friends": "all"}),
    "giga": ("GIGA", {}),
    "giga_wolf": ("GIGAWoLF", {}),
    "hysteretic_q": ("HystereticQ", {}),
    "iql": ("QLearning", {}),
    "jal_am": ("JALAM", {}),
    "lenient_q": ("LenientQ", {}),
    "minimax_q": ("MinimaxQ", {}),
    "nash_q": ("NashQ", {}),
    "pga_app": ("PGAAPP", {}),
    "phc": ("PHC", {}),
    "random": ("UniformPolicy", {}),
    "regret_matching": ("RegretMatcher", {}),
    "regret_matching_plus": ("RegretMatcherPlus", {}),
    "reinforce": ("Reinforce", {}),
    "sarsa": ("Sarsa", {}),
    "sarsa_lambda": ("SarsaLambda", {}),
    "wolf_phc": ("WoLFPHC", {}),
    "wpl": ("WPL", {}),
}
"""For each name the class in :mod:`marlgt.learners` and the settings that the name stands for."""

_SHORT = {"alpha": "learning_rate", "epsilon": "exploration", "eta": "learning_rate"}
_CALLS: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "linear": (linear, ("first", "last", "steps")),
    "geometric": (geometric, ("first", "factor", "floor")),
    "power": (power, ("first", "exponent", "scale", "floor")),
    "visits": (lambda first, exponent=1.0: power(first, exponent=exponent, per_visit=True), ("first", "exponent")),
    "softmax": (softmax, ("temperature",)),
    "counts": (count_bonus, ("weight",)),
}
_CALL = re.compile(r"([a-z]+)\((.*)\)")


def algorithm_names() -> tuple[str, ...]:
    """Return the names of the algorithms."""
    return tuple(sorted(ALGORITHMS))


def make_learner(name: str, game: Any, player: int, settings: Mapping[str, Any] | None = None) -> Any:
    """Return a learner by the name of its algorithm.

    Parameters
    ----------
    name : str
        One of :func:`algorithm_names`.
    game : NormalFormGame, StochasticGame or observed environment
    player : int
        Not read for algorithms that control everybody.
    settings : mapping, optional
        Arguments of the class; ``alpha`` stands for ``learning_rate`` and ``epsilon`` for ``exploration``.

    Raises
    ------
    GameError
        For a name or a setting that there is not.

    Examples
    --------
    >>> import marlgt as gt
    >>> make_learner("iql", gt.games.matching_pennies(), 0, {"alpha": 0.2})
    <QLearning of player 0 of Matching pennies, repeated, 0 steps observed>
    """
    if name not in ALGORITHMS:
        raise GameError(f"there is no algorithm {name!r}: the algorithms are {', '.join(algorithm_names())}")
    class_name, preset = ALGORITHMS[name]
    make = getattr(importlib.import_module("marlgt.learners"), class_name)
    known = inspect.signature(make).parameters
    wanted = {_full_name(key, known): value for key, value in (settings or {}).items()}
    if len(wanted) < len(settings or {}):
        raise GameError(f"{name} is given a setting and its short name at once: give one of them")
    unknown = sorted(key for key in wanted if key not in known or key in ("game", "player"))
    if unknown:
        own = ", ".join(key for key in known if key not in ("game", "player")) or "none"
        raise GameError(f"{name} has no setting {', '.join(unknown)}: its settings are {own}")
    who = {"player": player} if "player" in known else {}
    return make(game, **{**who, **preset, **wanted})


def make_learners(
    name: str,
    game: Any,
    *,
    against: str | None = None,
    settings: Mapping[str, Any] | None = None,
    others: Mapping[str, Any] | None = None,
) -> list[Any]:
    """Return the learners of a match: one algorithm against itself, or in the first seat against another.

    Parameters
    ----------
    name : str
    game : NormalFormGame, StochasticGame or observed environment
    against : str, optional
        The algorithm of all other players, or ``"nash"`` for the policies of an equilibrium; by default the same.
    settings : mapping, optional
        Of the algorithm, and of the others where they are the same.
    others : mapping, optional
        Of the algorithm of the others.
    """
    setting = setting_of(game)
    first = make_learner(name, game, 0, settings)
    if getattr(first, "player", 0) < 0:
        if against is not None:
            raise UnsupportedGame(f"{name} controls every player, so that nobody is left to play against")
        return [first]
    seats = range(1, setting.n_players)
    if against == "nash":
        from marlgt.learners.fixed import FixedPolicy
        from marlgt.solvers.selection import solve

        answers = solve(game)
        if not len(answers) or answers[0].profile is None:
            raise UnsupportedGame("no equilibrium of this game was found to play against: name another opponent")
        profile = answers[0].profile
        return [first, *(FixedPolicy(game, i, policy=profile[i]) for i in seats)]
    if against is None:
        return [first, *(make_learner(name, game, i, settings) for i in seats)]
    opponents = [make_learner(against, game, i, others) for i in seats]
    if any(getattr(x, "player", 0) < 0 for x in opponents):
        raise UnsupportedGame(f"{against} controls every player, and cannot be an opponent: name another")
    return [first, *opponents]


def _full_name(key: str, known: Mapping[str, Any]) -> str:
    return key if key in known else _SHORT.get(key, key)


def read_settings(texts: Sequence[str]) -> dict[str, Any]:
    """Return settings written as ``name=value``.

    A value is a number, true or false, a word, or a schedule or rule of exploration such as ``linear(1,0.05,80000)``,
    ``geometric(1,0.9999954)``, ``power(1,0.7)``, ``visits(1)``, ``softmax(0.1)`` or ``counts(1)``.

    Raises
    ------
    GameError
        For text of another form.

    Examples
    --------
    >>> read_settings(["alpha=0.1", "epsilon=linear(1,0.05,80000)"])["alpha"]
    0.1
    """
    settings: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip().isidentifier() or not value.strip():
            raise GameError(f"the setting {short(text)} is not name=value: write for example alpha=0.1")
        if name.strip() in settings:
            raise GameError(f"the setting {name.strip()} is given twice: give one value")
        settings[name.strip()] = _value(value.strip())
    return settings


def _value(text: str) -> Any:
    call = _CALL.fullmatch(text)
    if call is not None:
        if call[1] not in _CALLS:
            raise GameError(f"there is no schedule {call[1]!r}: write one of {', '.join(_CALLS)}")
        function, names = _CALLS[call[1]]
        numbers = [_number(part) for part in call[2].split(",") if part.strip()]
        required = 3 if call[1] == "linear" else 2 if call[1] == "geometric" else 1
        if not required <= len(numbers) <= len(names) or any(isinstance(x, str) for x in numbers):
            raise GameError(f"{text} is not {call[1]}({', '.join(names)}): give numbers, at least the first {required}")
        return function(**dict(zip(names, numbers)))
    return {"true": True, "false": False}.get(text.lower(), _number(text))


def _number(text: str) -> Any:
    """Return text as a whole number or a float where it is one."""
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text.strip()
