"""Markov chains that pay, and the laws of their returns: what a critic that tells distributions should tell.

Where a chain stands, an outcome is drawn: a reward, normal or certain, and the state that follows, or the end. Nobody
acts. With p_o the probability of outcome o in state s, which pays N(m_o, c_o²) and leads to s', the return's law is

    Z(s) = Σ_o p_o law of N(m_o, c_o²) + γ Z(s'),    nothing for Z(s') where the episode ends

(Bellemare, Dabney & Munos 2017, equation 3, for a fixed policy). A mixture of normals stays one. :func:`return_laws`
begins with normals of the right mean and variance, which a linear system gives (Sobel 1982), and goes through the
equation n times: what is wrong then is at most γⁿ of that (in W₁; and less where chains end), and nothing where the
chain has ended by then, or where the law is normal.

References
----------
M. G. Bellemare, W. Dabney, R. Munos (2017), *A distributional perspective on reinforcement learning*, ICML.
M. J. Sobel (1982), *The variance of discounted Markov decision processes*, Journal of Applied Probability 19.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marlgt.deep.distributions.mixtures import GaussianMixture
from marlgt.errors import GameError
from marlgt.games._doors import require_whole

__all__ = ["Outcome", "RewardChain", "return_laws"]

MOST_COMPONENTS = 20_000
_DIGITS = 9


@dataclass(frozen=True)
class Outcome:
    """What may happen in a state.

    Attributes
    ----------
    probability, reward : float
    successor : int or None
        The state that follows; None where the episode ends.
    scale : float
        Standard deviation of the reward.
    """

    probability: float
    reward: float
    successor: int | None
    scale: float = 0.0


@dataclass(frozen=True)
class RewardChain:
    """A Markov chain that pays, from state 0 on.

    Attributes
    ----------
    name : str
    outcomes : sequence of sequences of Outcome
        Of each state.
    discount : float
        γ.
    time_limit : int or None
        After how many steps an episode is stopped; its return, as it is meant, goes on.
    """

    name: str
    outcomes: Sequence[Sequence[Outcome]]
    discount: float
    time_limit: int | None = None

    def __post_init__(self) -> None:
        n_states = len(self.outcomes)
        for state, own in enumerate(self.outcomes):
            total = sum(outcome.probability for outcome in own)
            if not abs(total - 1) < 1e-9 or min((outcome.probability for outcome in own), default=0.0) < 0:
                raise GameError(
                    f"the outcomes of state {state} have probabilities of sum {total:g}: give at least one, none "
                    "negative, of sum 1"
                )
            for outcome in own:
                if outcome.successor is not None and not 0 <= outcome.successor < n_states:
                    raise GameError(
                        f"state {state} leads to {outcome.successor}, and states are 0 to {n_states - 1}: give one of "
                        "them, or None for the end"
                    )
        if not self.outcomes or not 0 <= self.discount <= 1:
            raise GameError(
                f"a chain has states and a discount from 0 to 1, got {n_states} states and {self.discount:g}"
            )

    def scaled(self, factor: float) -> RewardChain:
        """Return the chain with all rewards times a factor."""
        rows = [
            [Outcome(o.probability, factor * o.reward, o.successor, abs(factor) * o.scale) for o in own]
            for own in self.outcomes
        ]
        return RewardChain(self.name, rows, self.discount, self.time_limit)

    def moments(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the mean and the variance of the return from each state, shape (N,) both.

        Raises
        ------
        GameError
            If returns have none, as an endless chain without discount.
        """
        n_states = len(self.outcomes)
        onward = np.zeros((n_states, n_states))
        for state, own in enumerate(self.outcomes):
            for outcome in own:
                if outcome.successor is not None:
                    onward[state, outcome.successor] += outcome.probability
        paid = np.array([sum(o.probability * o.reward for o in own) for own in self.outcomes])
        means = self._solved(self.discount * onward, paid)
        spread = np.array(
            [
                sum(o.probability * (o.scale**2 + self._return(o, means) ** 2) for o in own) - means[state] ** 2
                for state, own in enumerate(self.outcomes)
            ]
        )
        return means, self._solved(self.discount**2 * onward, spread).clip(min=0.0)

    def _return(self, outcome: Outcome, means: NDArray[np.float64]) -> float:
        following = 0.0 if outcome.successor is None else float(means[outcome.successor])
        return outcome.reward + self.discount * following

    def _solved(self, onward: NDArray[np.float64], paid: NDArray[np.float64]) -> NDArray[np.float64]:
        radius = np.abs(np.linalg.eigvals(onward)).max()
        if radius >= 1 - 1e-12:
            raise GameError(
                f"the returns of {self.name} have no law: it never ends and does not discount; give a discount "
                "below 1, or an end"
            )
        return np.asarray(np.linalg.solve(np.eye(len(paid)) - onward, paid), np.float64)


def return_laws(chain: RewardChain, rounds: int) -> list[GaussianMixture[NDArray[np.float64]]]:
    """Return the law of the discounted return from each state, as if no time limit stopped it.

    Parameters
    ----------
    chain : RewardChain
    rounds : int
        How often the equation is gone through.

    Returns
    -------
    list of GaussianMixture, arrays of shape (K,)
        K differs from state to state; components that are alike are one.

    Examples
    --------
    >>> coin = RewardChain("a coin", [[Outcome(0.5, 0.0, None), Outcome(0.5, 1.0, None)]], discount=1.0)
    >>> return_laws(coin, 1)[0].means
    array([0., 1.])
    """
    require_whole(rounds, "rounds", least=0)
    means, variances = chain.moments()
    laws = [GaussianMixture(np.ones(1), mean[None], variance[None] ** 0.5) for mean, variance in zip(means, variances)]
    for _ in range(rounds):
        laws = [_mixed(chain, own, laws) for own in chain.outcomes]
    return laws


def _mixed(
    chain: RewardChain, own: Sequence[Outcome], laws: Sequence[GaussianMixture[NDArray[np.float64]]]
) -> GaussianMixture[NDArray[np.float64]]:
    parts = []
    for outcome in own:
        if outcome.successor is None:
            parts.append(np.array([[outcome.probability, outcome.reward, outcome.scale]]))
            continue
        law = laws[outcome.successor]
        scales = np.hypot(outcome.scale, chain.discount * law.scales)
        parts.append(
            np.stack([outcome.probability * law.weights, outcome.reward + chain.discount * law.means, scales], -1)
        )
    rows = np.concatenate(parts)
    alike, place = np.unique(rows[:, 1:].round(_DIGITS), axis=0, return_inverse=True)
    if len(alike) > MOST_COMPONENTS:
        raise GameError(
            f"the law of the return of {chain.name} has more than {MOST_COMPONENTS} components: give fewer rounds"
        )
    weights = np.bincount(place.ravel(), rows[:, 0])
    used = weights > 0
    return GaussianMixture(weights[used], alike[used, 0], alike[used, 1])
