"""What is asked of every learner: properties that are checked on one game, in the seat of one player."""

from __future__ import annotations

import copy
import math
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError
from marlgt.games.stochastic import StochasticGame
from marlgt.learners import Learner, Match, Schedule, TableLearner, Transition, UniformPolicy, load, save
from marlgt.learners.layout import EVERYBODY
from marlgt.testing.properties import NotApplicable

__all__ = ["OF_LEARNERS", "Maker", "transition_of"]

Maker = Callable[[Any, int], Any]

_STEPS, _HORIZON = 18, 5
_GUARD = 12345.6789
_BAD_RATES = (-0.1, math.nan)


def transition_of(game: StochasticGame, cell: tuple[int, ...], place: int, *, truncated: bool) -> Transition:
    """Return what a learner is told of a step to the given one of the successors."""
    paid = [float(own[cell]) for own in game.rewards]
    if game.successor_rewards is not None:
        paid = [float(own[(*cell, place)]) for own in game.successor_rewards]
    following = int(game.successors[(*cell, place)])
    ended = bool(game.terminal[following])
    return Transition(cell[0], cell[1:], tuple(paid), following, ended, truncated and not ended)


def _walked(game: StochasticGame, learner: Any, player: int, steps: int = _STEPS) -> Iterator[tuple[int, Any]]:
    """Play from state to state, the others anyhow; yield each state and action before they are learned from."""
    rng = np.random.default_rng(1)
    state, length = -1, 0
    for _ in range(steps):
        if state < 0:
            state, length = int(rng.choice(game.n_states, p=game.start / game.start.sum())), 0
        action = learner.act(state, rng)
        yield state, action
        if _is_central(learner):
            actions = tuple(int(a) for a in np.unravel_index(int(action), game.n_actions))
        else:
            drawn = [int(rng.choice(np.flatnonzero(own[state]))) for own in game.legal]
            actions = tuple(int(action) if i == player else a for i, a in enumerate(drawn))
        cell = (state, *actions)
        chances = game.probabilities[cell]
        length += 1
        place = int(rng.choice(len(chances), p=chances / chances.sum()))
        step = transition_of(game, cell, place, truncated=length == _HORIZON)
        learner.observe(step)
        state = -1 if step.terminated or step.truncated else step.next_observation


def _is_central(learner: Any) -> bool:
    """Tell whether a learner chooses the actions of all players."""
    return isinstance(learner, TableLearner) and learner.player == EVERYBODY


def _seated(make: Maker, game: StochasticGame, player: int) -> list[Any]:
    learner = make(game, player)
    if _is_central(learner):
        return [learner]
    return [learner if i == player else UniformPolicy(game, i) for i in range(game.n_players)]


def _played(make: Maker, game: StochasticGame, player: int, seeds: tuple[int, ...], *cuts: int) -> list[Any]:
    """Return what the learner knows at the end, for each seed."""
    learners = _seated(make, game, player)
    match = Match(game, learners, seeds=seeds, horizon=_HORIZON)
    for steps in cuts:
        match.advance(steps, record=1)
    place = 0 if len(learners) == 1 else player
    return [_knowledge(own[place]) for own in match.learners]


def _knowledge(learner: Any) -> bytes:
    if isinstance(learner, TableLearner):
        return bytes(learner.memory.tobytes())
    policy = learner.policy()
    rows = policy if isinstance(policy, tuple) else (policy,)
    return b"".join(np.asarray(own, dtype=np.float64).tobytes() for own in rows)


def _keeps_protocol(make: Maker, game: StochasticGame, player: int) -> str | None:
    learner = make(game, player)
    return None if isinstance(learner, Learner) else f"{learner!r} has no act, observe and policy"


def _acts_legally(make: Maker, game: StochasticGame, player: int) -> str | None:
    learner = make(game, player)
    for state, action in _walked(game, learner, player):
        if not isinstance(action, (int, np.integer)):
            return f"in state {state} it played {action!r}, which is no whole number"
        if _is_central(learner):
            if not 0 <= action < math.prod(game.n_actions):
                return f"in state {state} it played {action}, which is the number of no profile"
            profile = np.unravel_index(int(action), game.n_actions)
            fine = all(bool(own[state, a]) for own, a in zip(game.legal, profile))
        else:
            fine = bool(0 <= action < game.n_actions[player]) and bool(game.legal[player][state, int(action)])
        if not fine:
            return f"in state {state} it played {action}, which is not legal"
    return None


def _has_policies(make: Maker, game: StochasticGame, player: int) -> str | None:
    learner = make(game, player)
    for _ in range(2):
        policy = learner.policy()
        rows = policy if isinstance(policy, tuple) else (policy,)
        seats = range(game.n_players) if isinstance(policy, tuple) else (player,)
        for own, seat in zip(rows, seats, strict=True):
            why = _why_no_policy(own, game.legal[seat], game.terminal)
            if why is not None:
                return why
        for _step in _walked(game, learner, player):
            pass
    return None


def _why_no_policy(policy: Any, legal: NDArray[np.bool_], terminal: NDArray[np.bool_]) -> str | None:
    rows = np.asarray(policy, dtype=np.float64)
    if rows.shape != legal.shape:
        return f"its policy has shape {rows.shape}, where {legal.shape} are needed"
    for s in np.flatnonzero(~terminal):
        # Written so that what is not a number fails too.
        if not ((rows[s] >= 0.0).all() and abs(rows[s].sum() - 1.0) <= 1e-9 and not rows[s][~legal[s]].any()):
            return f"its policy in state {s} is {rows[s].tolist()}: no distribution over {legal[s].tolist()}"
    return None


def _repeats_itself(make: Maker, game: StochasticGame, player: int) -> str | None:
    once, again = (_played(make, game, player, (3,), _STEPS)[0] for _ in range(2))
    return None if once == again else "two matches with the same seed taught it different things"


def _ignores_other_seeds(make: Maker, game: StochasticGame, player: int) -> str | None:
    alone = _played(make, game, player, (3,), _STEPS)[0]
    beside = _played(make, game, player, (1, 3), _STEPS)[1]
    return None if alone == beside else "seed 3 taught it other things when it was played beside seed 1"


def _ignores_cuts(make: Maker, game: StochasticGame, player: int) -> str | None:
    whole = _played(make, game, player, (3,), _STEPS)
    parts = _played(make, game, player, (3,), 7, _STEPS - 7)
    return None if whole == parts else f"{_STEPS} steps taught it other things than 7 and {_STEPS - 7}"


def _copies_are_independent(make: Maker, game: StochasticGame, player: int) -> str | None:
    learner = make(game, player)
    for _ in _walked(game, learner, player):
        pass
    before = _knowledge(learner)
    twin = learner.copy() if isinstance(learner, TableLearner) else copy.deepcopy(learner)
    if _knowledge(twin) != before:
        return "a copy does not know what it knew"
    for _ in _walked(game, twin, player):
        pass
    return None if _knowledge(learner) == before else "what a copy learned changed the original"


def _stays_in_memory(make: Maker, game: StochasticGame, player: int) -> str | None:
    learner = _table(make, game, player)
    size = len(learner.memory)
    wide = np.full(3 * size, _GUARD)
    wide[size : 2 * size] = learner.memory
    learner.memory = wide[size : 2 * size]
    for steps, _ in enumerate(_walked(game, learner, player)):
        if learner.steps != steps:
            return f"after {steps} transitions it says that it observed {learner.steps}"
    guards = np.concatenate([wide[:size], wide[2 * size :]])
    return None if (guards == _GUARD).all() else "it wrote outside of its memory"


def _saves_and_loads(make: Maker, game: StochasticGame, player: int) -> str | None:
    learner = _table(make, game, player)
    for _ in _walked(game, learner, player):
        pass
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "learner.npz"
        save(learner, path)
        classes = () if type(learner).__module__.startswith("marlgt.") else (type(learner),)
        again = load(path, game, classes=classes)
    for _ in range(2):
        if _knowledge(again) != _knowledge(learner):
            return "what was saved and loaded is not the same, or does not learn the same"
        for twin in (learner, again):
            for _step in _walked(game, twin, player):
                pass
    return None


def _ends_are_worth_nothing(make: Maker, game: StochasticGame, player: int) -> str | None:
    learner = _table(make, game, player)
    if game.n_states < 2:
        raise NotApplicable
    for _ in _walked(game, learner, player):
        pass
    state = int(np.flatnonzero(~game.terminal)[0])
    actions = tuple(int(np.flatnonzero(own[state])[0]) for own in game.legal)
    known = set()
    for following in range(game.n_states):
        twin = learner.copy()
        twin.observe(Transition(state, actions, (1.0,) * game.n_players, following, terminated=True))
        known.add(_knowledge(twin))
    return None if len(known) == 1 else "what it learned from the end of a game depends on the state that followed"


def _refuses_bad_rates(make: Maker, game: StochasticGame, player: int) -> str | None:
    learner = _table(make, game, player)
    for name, value in learner.settings.items():
        if "rate" not in name or isinstance(value, bool) or not isinstance(value, (int, float, Schedule)):
            continue
        for bad in _BAD_RATES:
            options = {**learner.settings, name: bad}
            seat = () if _is_central(learner) else (player,)
            try:
                type(learner)(game, *seat, **options)
            except GameError:
                continue
            return f"it takes {name}={bad}"
    return None


def _table(make: Maker, game: StochasticGame, player: int) -> TableLearner:
    learner = make(game, player)
    if not isinstance(learner, TableLearner):
        raise NotApplicable
    return learner


OF_LEARNERS: tuple[tuple[str, str, Callable[[Maker, StochasticGame, int], str | None]], ...] = (
    ("protocol", "It acts, observes, and has a policy.", _keeps_protocol),
    ("legal actions", "It plays legal actions only.", _acts_legally),
    ("policies", "Its policy is a distribution over legal actions in every state.", _has_policies),
    ("same seed", "The same seed gives the same bits.", _repeats_itself),
    ("other seeds", "A seed gives the same bits alone and beside others.", _ignores_other_seeds),
    ("cuts", "Steps give the same bits however they are cut into calls.", _ignores_cuts),
    ("copies", "A copy knows the same, and learns for itself.", _copies_are_independent),
    ("memory", "It counts what it observes, and writes into its own memory only.", _stays_in_memory),
    ("saving", "Saved and loaded it knows and learns the same.", _saves_and_loads),
    ("ends", "What follows the end of a game is worth nothing.", _ends_are_worth_nothing),
    ("rates", "Negative rates and those that are no number are refused.", _refuses_bad_rates),
)
