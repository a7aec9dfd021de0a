"""Policy reconstruction: a model of another player's policy, learned from what she was seen to do.

The stream are pairs of what could be observed and the action that followed. A model of memory k counts actions by the
observation and the last k events (what was played before), and mixes contexts of all lengths (MacKay and Peto 1995)::

    p_m(a | c_m) = (n(c_m, a) + strength p_{m-1}(a | c_{m-1})) / (n(c_m) + strength),         p_{-1} uniform

where c_m is the observation with the last m events. Memory 0 is the share of each action in each state, with a
Dirichlet prior; a longer one sees players who react, such as tit for tat. If the player has that memory, the mean of
``-log p(a)`` falls to the conditional entropy of her policy, which no model can be below.

References
----------
Albrecht, S. V. and Stone, P. (2018). Autonomous agents modelling other agents: a comprehensive survey and open
problems. Artificial Intelligence 258, 66-95, section 4.1.
MacKay, D. J. C. and Peto, L. (1995). A hierarchical Dirichlet language model. Natural Language Engineering 1, 289-308.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._doors import nonnegative, require_whole
from marlgt.learners.exploration import epsilon_greedy
from marlgt.learners.schedules import Schedule, as_schedule
from marlgt.learners.settings import checked_player, setting_of
from marlgt.learners.tables import Transition

__all__ = ["ModelledReply", "PolicyReconstruction", "conditional_entropy"]

Floats = NDArray[np.float64]


class PolicyReconstruction:
    """A model of a policy that is learned while it is watched.

    Parameters
    ----------
    n_actions : int
    memory : int
        How many past events its contexts hold at most.
    strength : float
        How many observations the shorter context is worth; 0 trusts the longest context that was seen.

    Attributes
    ----------
    observations : int
        How many actions were seen.
    total_loss : float
        The sum of ``-log p(a)`` over them, each before it was learned from, nats.

    Raises
    ------
    GameError
        For counts that are none, and a negative strength.

    Examples
    --------
    A player who alternates cannot be told from a random one without memory:

    >>> losses = []
    >>> for memory in (0, 1):
    ...     model = PolicyReconstruction(2, memory=memory)
    ...     for t in range(1000):
    ...         model.observe(0, t % 2)
    ...     losses.append(round(model.log_loss, 2))
    >>> losses
    [0.7, 0.01]
    """

    def __init__(self, n_actions: int, *, memory: int = 0, strength: float = 1.0) -> None:
        require_whole(n_actions, "n_actions", least=1)
        require_whole(memory, "memory", least=0)
        self.n_actions, self.memory = n_actions, memory
        self.strength = nonnegative(strength, "strength")
        self.observations = 0
        self.total_loss = 0.0
        self._counts: dict[tuple[Hashable, ...], Floats] = {}
        self._events: tuple[Hashable, ...] = ()

    def predict(self, observation: Hashable) -> Floats:
        """Return the probability of each action after what was seen so far, shape (A,)."""
        guess = np.full(self.n_actions, 1.0 / self.n_actions)
        for context in self._contexts(observation):
            counts = self._counts.get(context)
            if counts is not None:
                guess = (counts + self.strength * guess) / (counts.sum() + self.strength)
        return guess

    def observe(self, observation: Hashable, action: int, *, event: Hashable = None) -> None:
        """Learn that an action followed an observation.

        Parameters
        ----------
        observation : hashable
        action : int
        event : hashable, optional
            What enters the memory, such as the profile of all actions; by default the action.
        """
        require_whole(action, "action", least=0)
        if action >= self.n_actions:
            raise GameError(f"action is {action}: the player has actions 0 to {self.n_actions - 1}")
        chance = float(self.predict(observation)[action])
        self.total_loss += -math.log(chance) if chance > 0 else math.inf
        self.observations += 1
        for context in self._contexts(observation):
            self._counts.setdefault(context, np.zeros(self.n_actions))[action] += 1.0
        if self.memory:
            self._events = (*self._events, action if event is None else event)[-self.memory :]

    def begin(self) -> None:
        """Forget the events, not what was learned: a new episode begins."""
        self._events = ()

    @property
    def log_loss(self) -> float:
        """The mean of ``-log p(a)`` over all that was seen, each before it was learned from, nats."""
        return self.total_loss / max(self.observations, 1)

    def _contexts(self, observation: Hashable) -> list[tuple[Hashable, ...]]:
        events = self._events
        return [(observation, *events[len(events) - m :]) for m in range(len(events) + 1)]


def conditional_entropy(policy: ArrayLike, *, weights: ArrayLike | None = None) -> float:
    """Return the mean entropy of the rows of a policy, nats: the least log-loss of any model of it.

    Parameters
    ----------
    policy : array_like, shape (S, A)
    weights : array_like, shape (S,), optional
        How often each row is met; by default all alike.

    Examples
    --------
    >>> round(conditional_entropy([[0.5, 0.5], [1.0, 0.0]]), 4)
    0.3466
    """
    rows = np.asarray(policy, dtype=np.float64)
    if rows.ndim != 2 or not (rows >= 0).all() or not np.allclose(rows.sum(axis=1), 1.0):
        raise GameError(f"policy is {short(policy)}: give rows of distributions, shape (S, A)")
    met = np.ones(len(rows)) if weights is None else np.asarray(weights, dtype=np.float64)
    if met.shape != (len(rows),) or not ((met >= 0).all() and met.sum() > 0):
        raise GameError(f"weights is {short(weights)}: give {len(rows)} numbers that are not negative, not all 0")
    entropies = -(rows * np.log(np.where(rows > 0, rows, 1.0))).sum(axis=1)
    return float(entropies @ met / met.sum())


class ModelledReply:
    """A learner of joint-action values who replies to reconstructed policies of the others.

    She is JAL-AM with models that remember: her values are of states and profiles, and what an action is worth is the
    mean over what the models say the others will play after the last events. How her own actions change theirs later
    she does not reckon with. She plays step by step, not in the fused loop.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
    player : int or str
    memory : int
        How many past profiles the models of the others remember.
    strength : float
        As in :class:`PolicyReconstruction`.
    learning_rate, epsilon : float or Schedule
        Epsilon-greedy exploration, ties drawn.

    Attributes
    ----------
    models : dict of int to PolicyReconstruction
    values : ndarray, shape (S, A_1, ..., A_n)

    Examples
    --------
    Against tit for tat, who wins matching pennies by differing must change every time, and memory tells her so:

    >>> import marlgt as gt
    >>> game = gt.games.matching_pennies()
    >>> learner = ModelledReply(game, 1, memory=1, epsilon=gt.learners.linear(1.0, 0.0, steps=500))
    >>> copycat = gt.learners.MachinePlayer(gt.learners.tit_for_tat(game, 0))
    >>> run = gt.learners.play(game, [copycat, learner], steps=1000, seed=0, record=2)
    >>> float(run.rewards[0, 1, 1]) > 0.9
    True
    """

    def __init__(
        self,
        game: Any,
        player: int | str = 0,
        *,
        memory: int = 1,
        strength: float = 1.0,
        learning_rate: float | Schedule = 0.1,
        epsilon: float | Schedule = 0.1,
    ) -> None:
        self.setting = setting_of(game)
        self.player = checked_player(self.setting, player)
        counts = self.setting.n_actions
        others = [j for j in range(self.setting.n_players) if j != self.player]
        self.models = {j: PolicyReconstruction(counts[j], memory=memory, strength=strength) for j in others}
        self.values = np.zeros((self.setting.n_states, *counts))
        self.steps = 0
        self._rate = as_schedule(learning_rate, "learning_rate")
        self._epsilon = epsilon_greedy(epsilon).schedule

    def worth(self, observation: int) -> Floats:
        """Return what the own actions are worth against the predictions, shape (A_player,); illegal ones -inf."""
        joint = np.moveaxis(self.values[observation], self.player, 0)
        for j in sorted(self.models, reverse=True):
            joint = joint @ self.models[j].predict(observation)
        return np.where(self.setting.legal[self.player][observation], joint, -np.inf)

    def act(self, observation: int, rng: np.random.Generator) -> int:
        """Return a best reply to the predictions, or with probability epsilon any legal action."""
        worth = self.worth(observation)
        explores = rng.random() < self._epsilon(self.steps)
        return int(rng.choice(np.flatnonzero(np.isfinite(worth) if explores else worth == worth.max())))

    def observe(self, transition: Transition) -> None:
        """Learn the others' policies and the value of the profile from one step."""
        s, actions, rewards, following, terminated, truncated = transition
        profile = tuple(int(a) for a in actions)
        for j, model in self.models.items():
            model.observe(s, profile[j], event=profile)
        target = float(rewards[self.player])
        if not terminated:
            target += self.setting.discount * float(self.worth(following).max())
        place = (s, *profile)
        self.values[place] += self._rate(self.steps) * (target - self.values[place])
        self.steps += 1
        if terminated or truncated:
            for model in self.models.values():
                model.begin()

    def policy(self) -> Floats:
        """Return the best replies, ties shared, to the predictions after the last events, shape (S, A_player)."""
        worth = np.array([self.worth(s) for s in range(self.setting.n_states)])
        best = worth == worth.max(axis=1, keepdims=True)
        rows = best / best.sum(axis=1, keepdims=True)
        return np.asarray(rows[0] if self.setting.one_shot else rows)
