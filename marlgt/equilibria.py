"""Answers: what every solver returns, one equilibrium or a sequence of them that may still be growing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError
from marlgt.games.normal_form import Profile

__all__ = ["Certificate", "Equilibria", "Equilibrium"]

_MOST_SHOWN = 64
"""Entries of a joint distribution that are printed."""


@dataclass(frozen=True, init=False)
class Equilibrium:
    """One answer of a solver, with its certificate.

    Attributes
    ----------
    concept : str
        The solution concept: ``"nash"``, ``"correlated"``, ``"stackelberg"`` and so on.
    profile : tuple of ndarray, or None
        One distribution per player; None for a correlated answer. In games with turns or states one policy per
        player, a row for each information set, shape (I_i, A_i), or each state, shape (S, A_i).
    joint : ndarray, shape (A_1, ..., A_n), or None
        A distribution over action profiles, for correlated answers.
    values : ndarray, shape (n,)
        Expected payoffs.
    regrets : ndarray, shape (n,)
        How far each player's defining inequality is from holding, recomputed apart from the solver.
    exact : bool
        Whether values and regrets were computed in rational arithmetic.
    exact_profile : tuple of object ndarray of Fraction, or None
        The same profile, exactly.
    method : str
        The solver's name.
    work : mapping of str to int
        What the solver did, in its own units, for example ``{"pivots": 12}``.
    seconds : float
        Wall time of the whole call that found it.
    complete : bool
        Whether the call found every answer that its concept asks for.
    state_values : ndarray, shape (n, S), or None
        In a stochastic game, what each state is worth to each player.
    error_bound : float or None
        How far an iteration's values can be from the true ones, where a theorem bounds it.
    trace : ndarray, shape (k, 2), or None
        Of an iterative method: iterations, and the gap that was left after them.
    """

    concept: str
    profile: Profile | None
    joint: NDArray[np.float64] | None
    values: NDArray[np.float64]
    regrets: NDArray[np.float64]
    exact: bool
    method: str
    exact_profile: tuple[NDArray[Any], ...] | None = None
    work: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    complete: bool = False
    state_values: NDArray[np.float64] | None = None
    error_bound: float | None = None
    trace: NDArray[np.float64] | None = None

    def __init__(
        self,
        concept: str,
        profile: Profile | None,
        joint: NDArray[np.float64] | None,
        values: NDArray[np.float64],
        regrets: NDArray[np.float64],
        exact: bool,
        method: str,
        exact_profile: tuple[NDArray[Any], ...] | None = None,
        work: Mapping[str, int] | None = None,
        seconds: float = 0.0,
        complete: bool = False,
        state_values: NDArray[np.float64] | None = None,
        error_bound: float | None = None,
        trace: NDArray[np.float64] | None = None,
    ) -> None:
        # All at once: a frozen dataclass sets its fields one by one, which takes three times as long.
        self.__dict__.update(
            concept=concept,
            profile=profile,
            joint=joint,
            values=values,
            regrets=regrets,
            exact=exact,
            method=method,
            exact_profile=exact_profile,
            work={} if work is None else work,
            seconds=seconds,
            complete=complete,
            state_values=state_values,
            error_bound=error_bound,
            trace=trace,
        )

    @property
    def epsilon(self) -> float:
        """The largest regret, zero for a proven equilibrium."""
        return float(self.regrets.max())

    @property
    def supports(self) -> tuple[tuple[int, ...], ...]:
        """The actions that each player plays with positive probability."""
        if self.profile is None:
            raise GameError(f"a {self.concept} answer is a joint distribution and has no supports: use .joint")
        if self.profile[0].ndim == 2:
            raise GameError("the answer holds policies, whose supports differ from row to row: look at .profile")
        return tuple(tuple(int(a) for a in np.flatnonzero(p)) for p in self.profile)

    def __str__(self) -> str:
        values = ", ".join(f"{v:.6g}" for v in self.values)
        epsilon = f"{self.epsilon:.1e}" if self.epsilon else "0"
        proof = f"{epsilon} (exact)" if self.exact else epsilon
        return f"{self.concept} {self._strategies()}  values ({values})  epsilon {proof}  [{self.method}]"

    def _strategies(self) -> str:
        if self.profile is not None and self.profile[0].ndim == 2:
            return " + ".join(f"{len(p)} x {p.shape[1]}" for p in self.profile) + " policies"
        if self.exact_profile is not None:
            return " ".join("(" + ", ".join(str(x) for x in p) + ")" for p in self.exact_profile)
        if self.profile is not None:
            return " ".join("(" + ", ".join(f"{x:.6g}" for x in p) + ")" for p in self.profile)
        joint = np.asarray(self.joint)
        if joint.size > _MOST_SHOWN:
            return f"joint distribution of shape {joint.shape}"
        return np.array2string(joint, precision=6, separator=", ").replace("\n", "")


@dataclass(frozen=True)
class Certificate:
    """What a profile or joint distribution is worth, and what deviating from it gains.

    Attributes
    ----------
    concept : str
        ``"nash"``, ``"correlated"`` or ``"coarse_correlated"``.
    values : ndarray, shape (n,)
    regrets : ndarray, shape (n,)
        The largest gain of each player from a deviation of the concept's kind, never below zero.
    exact : bool
        Whether both were computed in rational arithmetic, so that zero means zero.
    """

    concept: str
    values: NDArray[np.float64]
    regrets: NDArray[np.float64]
    exact: bool

    @property
    def epsilon(self) -> float:
        """The largest regret: the answer is an epsilon-equilibrium for this and no smaller epsilon."""
        return float(self.regrets.max())


class Equilibria(Sequence[Equilibrium]):
    """The answers of one call: a sequence that may still be growing while it is read.

    Iterating over a streamed search yields each answer when it is found; ``len`` and indexing from the
    end wait for the last. Ctrl-C during that wait ends the search, keeps what was found and sets
    :attr:`stopped` to ``"interrupted"``. A generator given as ``stream`` may return, when it ends, False or
    the reason for :attr:`stopped`, to say that it has not found all.

    Attributes
    ----------
    concept : str
    method : str
    why : str
        Why this method was chosen.
    components : tuple of tuple of int, or None
        For solvers that compute them: indices of the answers in each connected component.
    """

    def __init__(
        self,
        found: Iterable[Equilibrium] = (),
        *,
        concept: str,
        method: str,
        complete: bool = False,
        stopped: str = "",
        why: str = "",
        components: tuple[tuple[int, ...], ...] | None = None,
        stream: Iterator[Equilibrium] | None = None,
    ) -> None:
        self._found = list(found)
        self._stream = stream
        self._complete = complete
        self._stopped = stopped
        self.concept = concept
        self.method = method
        self.why = why
        self.components = components

    @property
    def complete(self) -> bool:
        """Whether these are all the answers there are, as far as the method's guarantee goes."""
        self._drain()
        return self._complete

    @property
    def stopped(self) -> str:
        """Why not all were found: ``""``, ``"interrupted"``, ``"budget"`` or a solver's own word for it."""
        self._drain()
        return self._stopped

    def _advance(self) -> bool:
        """Find one more answer of a stream; False when it has ended."""
        if self._stream is None:
            return False
        try:
            self._found.append(next(self._stream))
        except StopIteration as end:
            self._stream = None
            self._complete = end.value is None or end.value is True
            self._stopped = end.value if isinstance(end.value, str) else ""
            self._found = [replace(e, complete=self._complete) for e in self._found]
            return False
        except KeyboardInterrupt:
            self._stream = None
            self._stopped = "interrupted"
            return False
        return True

    def _drain(self) -> None:
        while self._advance():
            pass

    def __len__(self) -> int:
        self._drain()
        return len(self._found)

    def __iter__(self) -> Iterator[Equilibrium]:
        position = 0
        while position < len(self._found) or self._advance():
            yield self._found[position]
            position += 1

    @overload
    def __getitem__(self, index: int) -> Equilibrium: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Equilibrium]: ...
    def __getitem__(self, index: int | slice) -> Equilibrium | Sequence[Equilibrium]:
        if isinstance(index, int) and index >= 0:
            while index >= len(self._found) and self._advance():
                pass
        else:
            self._drain()
        return self._found[index]

    def __repr__(self) -> str:
        self._drain()
        status = "complete" if self._complete else self._stopped or "not known to be all"
        count = len(self._found)
        head = f"{count} {self.concept} answer{'' if count == 1 else 's'} by {self.method}, {status}"
        return "\n".join([head, *(f"  {e}" for e in self._found)])
