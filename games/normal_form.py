"""Normal-form games: n players, finitely many actions each, one payoff tensor.

A game is the tensor ``payoffs`` of shape ``(n, A_1, ..., A_n)``: ``payoffs[i, a_1, ..., a_n]`` is
what player ``i`` gets when the players choose the actions ``a_1, ..., a_n``. Axes stand in player
order for every player; nothing is rotated. Payoffs given as integers or fractions are kept exactly
beside their float64 form, so that a solver can prove its answer in rational arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import ExactnessError, GameError
from marlgt.games._arrays import exact_and_float, labels_or_default, short
from marlgt.games._comparable import checked_player
from marlgt.games._doors import index_lists, nonnegative, per_player, permutation, require_path, require_sequence
from marlgt.games._exact import as_fractions, nearest_fractions, over_common_denominators

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["NormalFormGame", "Profile"]

Profile = tuple[NDArray[np.float64], ...]
"""One distribution over actions per player, in player order."""


@dataclass(frozen=True, eq=False, repr=False, init=False)
class NormalFormGame:
    """A finite game in normal form: immutable payoffs, exact where they were given exactly.

    Parameters
    ----------
    payoffs : array_like, shape (n, A_1, ..., A_n)
        Integers, fractions or floats; finite, at most 1e150 in magnitude.
    players : sequence of str, optional
        A name for each player.
    actions : sequence of sequences of str, optional
        A label for each action of each player.
    title, comment : str
        Free text, kept in files.

    Attributes
    ----------
    payoffs : ndarray of float64, shape (n, A_1, ..., A_n)
        Read-only.

    Raises
    ------
    GameError
        For payoffs that are ragged, empty, not finite, not real or of the wrong shape.

    Examples
    --------
    >>> from marlgt.games import NormalFormGame
    >>> g = NormalFormGame.bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]])
    >>> g.n_players, g.n_actions, g.is_exact
    (2, (2, 2), True)
    >>> g.values(([0, 1], [0, 1]))
    array([1., 1.])
    """

    payoffs: NDArray[np.float64]
    players: tuple[str, ...]
    actions: tuple[tuple[str, ...], ...]
    title: str
    comment: str
    _exact: NDArray[Any] | None

    def __init__(
        self,
        payoffs: ArrayLike,
        *,
        players: Sequence[str] | None = None,
        actions: Sequence[Sequence[str]] | None = None,
        title: str = "",
        comment: str = "",
    ) -> None:
        values, exact = exact_and_float(payoffs, "payoffs")
        if values.ndim < 2 or values.shape[0] != values.ndim - 1:
            raise GameError(
                f"payoffs must have shape (n, A_1, ..., A_n), got {values.shape}: for two matrices A and B "
                "use NormalFormGame.bimatrix(A, B), for one matrix NormalFormGame.zero_sum(A)"
            )
        if values.size == 0:
            raise GameError(f"payoffs have shape {values.shape}: every player must have at least one action")
        counts = values.shape[1:]
        values.flags.writeable = False
        object.__setattr__(self, "payoffs", values)
        object.__setattr__(self, "_exact", exact)
        object.__setattr__(self, "players", labels_or_default(players, len(counts), "players", first=1))
        if actions is None:
            given: Sequence[Sequence[str] | None] = (None,) * len(counts)
        elif isinstance(actions, str) or not isinstance(actions, Sequence) or len(actions) != len(counts):
            raise GameError(f"actions must hold one list of labels per player ({len(counts)}), got {short(actions)}")
        else:
            given = actions
        object.__setattr__(
            self,
            "actions",
            tuple(
                labels_or_default(labels, count, f"actions[{i}]", first=0)
                for i, (labels, count) in enumerate(zip(given, counts))
            ),
        )
        for name, text in (("title", title), ("comment", comment)):
            if not isinstance(text, str):
                raise GameError(f"{name} is {short(text)}: give text")
            object.__setattr__(self, name, text)

    @classmethod
    def bimatrix(cls, A: ArrayLike, B: ArrayLike, **labels: Any) -> NormalFormGame:
        """Return the two-player game that pays ``A[a, b]`` to the row and ``B[a, b]`` to the column player.

        Parameters
        ----------
        A, B : array_like, shape (A_1, A_2)
        **labels
            ``players``, ``actions``, ``title``, ``comment`` as in the class.
        """
        return cls.from_arrays([A, B], **labels)

    @classmethod
    def zero_sum(cls, A: ArrayLike, **labels: Any) -> NormalFormGame:
        """Return the game in which the row player gets ``A[a, b]`` from the column player.

        Parameters
        ----------
        A : array_like, shape (A_1, A_2)
        """
        values, exact = exact_and_float(A, "A")
        if values.ndim != 2:
            raise GameError(f"A must be a matrix, got shape {values.shape}")
        matrix = values if exact is None else exact
        if matrix.dtype == np.int64 and values.size and np.abs(values).max() > 2.0**62:
            matrix = matrix.astype(object)  # -(-2**63) does not fit int64
        return cls(np.stack([matrix, -matrix]), **labels)

    @classmethod
    def common_interest(cls, rewards: ArrayLike, **labels: Any) -> NormalFormGame:
        """Return the game in which every player gets the same reward.

        Parameters
        ----------
        rewards : array_like, shape (A_1, ..., A_n)
        """
        values, exact = exact_and_float(rewards, "rewards")
        tensor = values if exact is None else exact
        return cls(np.stack([tensor] * max(values.ndim, 1)), **labels)

    @classmethod
    def from_arrays(cls, arrays: Sequence[ArrayLike], **labels: Any) -> NormalFormGame:
        """Return the game with one payoff tensor per player.

        Parameters
        ----------
        arrays : sequence of n array_like, each of shape (A_1, ..., A_n)
        """
        require_sequence(arrays, "arrays", "one payoff tensor per player")
        n = len(arrays)
        names = ("A", "B") if n == 2 else tuple(f"arrays[{i}]" for i in range(n))
        parsed = [exact_and_float(array, name) for array, name in zip(arrays, names)]
        for (values, _), name in zip(parsed, names):
            if values.shape != parsed[0][0].shape:
                raise GameError(
                    f"{name} has shape {values.shape} but {names[0]} has shape {parsed[0][0].shape}: "
                    "every player's payoffs need the same shape"
                )
            if values.ndim != n:
                raise GameError(f"{name} must have {n} axes, one per player, got shape {values.shape}")
        if all(exact is not None for _, exact in parsed):
            return cls(np.array([exact for _, exact in parsed]), **labels)
        return cls(np.array([values for values, _ in parsed]), **labels)

    @classmethod
    def from_nfg(cls, source: str | Path) -> NormalFormGame:
        """Read a game from a ``.nfg`` file, or from the text of one.

        Parameters
        ----------
        source : path or str
            A path, or text that begins with ``NFG``.

        Raises
        ------
        ParseError
            With line and column, for text that does not follow the grammar or exceeds a limit.
        """
        from marlgt.games.files.nfg import parse_nfg, read_nfg

        if isinstance(source, str) and source.lstrip().startswith("NFG"):
            return parse_nfg(source)
        require_path(source, "source")
        return read_nfg(source)

    @property
    def n_players(self) -> int:
        """The number of players."""
        return int(self.payoffs.shape[0])

    @property
    def n_actions(self) -> tuple[int, ...]:
        """The number of actions of each player."""
        return tuple(self.payoffs.shape[1:])

    @property
    def n_profiles(self) -> int:
        """The number of pure action profiles."""
        return int(self.payoffs[0].size)

    @property
    def is_exact(self) -> bool:
        """Whether the payoffs were given as integers or fractions, and so are known exactly."""
        return self._exact is not None

    @cached_property
    def payoff_range(self) -> NDArray[np.float64]:
        """The spread ``max - min`` of each player's payoffs, shape (n,): the unit of a relative tolerance."""
        flat = self.payoffs.reshape(self.n_players, -1)
        if self._exact is not None and (self._exact.dtype == object or np.abs(flat).max() >= 2.0**53):
            # Rounded to floats, payoffs may be equal that are not.
            flat = self._exact.reshape(self.n_players, -1).astype(object)
        return np.asarray(flat.max(axis=1) - flat.min(axis=1), dtype=np.float64)

    @cached_property
    def fractions(self) -> NDArray[Any]:
        """The exact payoffs, an object array of :class:`~fractions.Fraction`, shape (n, A_1, ..., A_n).

        Raises
        ------
        ExactnessError
            If the payoffs are floats; :meth:`rationalize` makes an exact game of them.
        """
        return as_fractions(self._rational)

    @property
    def _rational(self) -> NDArray[Any]:
        if self._exact is None:
            raise ExactnessError(
                "the payoffs are floats, which have no agreed exact value: give integers or fractions, "
                "or call game.rationalize() first"
            )
        return self._exact

    @cached_property
    def integer_payoffs(self) -> tuple[NDArray[Any], tuple[int, ...]]:
        """Exact payoffs over a common denominator per player.

        Returns
        -------
        numerators : object ndarray of int, shape (n, A_1, ..., A_n)
        denominators : tuple of int, length n
            ``payoffs[i] == numerators[i] / denominators[i]``, the denominator positive and least.
        """
        return over_common_denominators(self._rational)

    def rationalize(self, *, max_denominator: int = 10**6) -> NormalFormGame:
        """Return the exact game whose payoffs are the nearest fractions of bounded denominator.

        It reads ``0.1`` as 1/10, not as the binary number nearest to it.
        """
        if isinstance(max_denominator, bool) or not isinstance(max_denominator, int) or max_denominator < 1:
            raise GameError(f"max_denominator is {short(max_denominator)}: give a positive integer such as 10**6")
        if self._exact is not None:
            return self
        return self._like(nearest_fractions(self.payoffs, max_denominator))

    def values(self, profile: Sequence[ArrayLike]) -> NDArray[np.float64]:
        """Return each player's expected payoff under a mixed profile, shape (n,)."""
        from marlgt.games._profiles import checked_profile

        p = checked_profile(self, profile)
        if self.n_players == 2:
            return np.asarray((p[0] @ self.payoffs) @ p[1])
        tensor = self.payoffs
        for distribution in reversed(p):
            tensor = tensor @ distribution
        return np.asarray(tensor)

    def deviation_payoffs(self, profile: Sequence[ArrayLike], player: int) -> NDArray[np.float64]:
        """Return what each action of one player earns against the others' mixed strategies.

        Parameters
        ----------
        profile : sequence of n array_like
        player : int

        Returns
        -------
        ndarray, shape (A_player,)
        """
        from marlgt.games._profiles import checked_profile, deviation_payoffs

        player = checked_player(self, player)
        return deviation_payoffs(self.payoffs[player], checked_profile(self, profile), player)

    def best_replies(self, profile: Sequence[ArrayLike], player: int, *, tolerance: float = 1e-9) -> tuple[int, ...]:
        """Return the actions of one player within ``tolerance`` times the payoff range of the best."""
        payoffs = self.deviation_payoffs(profile, player)
        slack = nonnegative(tolerance, "tolerance") * max(float(self.payoff_range[player]), np.finfo(float).tiny)
        return tuple(int(a) for a in np.flatnonzero(payoffs >= payoffs.max() - slack))

    def restrict(self, kept: Sequence[Sequence[int]]) -> NormalFormGame:
        """Return the game in which each player keeps only the listed actions, in the listed order."""
        chosen = index_lists(kept, self.n_actions)
        index = np.ix_(np.arange(self.n_players), *chosen)
        source = self.payoffs if self._exact is None else self._exact
        labels = [tuple(self.actions[i][a] for a in actions) for i, actions in enumerate(chosen)]
        return self._like(source[index], actions=labels)

    def permute_players(self, order: Sequence[int]) -> NormalFormGame:
        """Return the same game with player ``order[i]`` in place ``i``."""
        order = permutation(order, self.n_players)
        source = self.payoffs if self._exact is None else self._exact
        tensor = np.transpose(source, (0, *(i + 1 for i in order)))[list(order)]
        return self._like(tensor, players=[self.players[i] for i in order], actions=[self.actions[i] for i in order])

    def affine(self, *, scale: ArrayLike = 1, shift: ArrayLike = 0) -> NormalFormGame:
        """Return the game with payoffs ``scale[i] * u_i + shift[i]``: the same equilibria, if scale > 0.

        Parameters
        ----------
        scale, shift : number or array_like, shape (n,)
        """
        n = self.n_players
        factors, exact_factors = per_player(scale, n, "scale")
        shifts, exact_shifts = per_player(shift, n, "shift")
        if not (factors > 0).all():
            raise GameError(f"scale must be positive, got {scale!r}: a negative factor changes the equilibria")
        column = (n,) + (1,) * n
        if self._exact is not None and exact_factors is not None and exact_shifts is not None:
            tensor = self.fractions * exact_factors.astype(object).reshape(column)
            return self._like(tensor + exact_shifts.astype(object).reshape(column))
        return self._like(self.payoffs * factors.reshape(column) + shifts.reshape(column))

    def to_nfg(self, path: str | Path | None = None) -> str:
        """Return the game as ``.nfg`` text, exactly; with a path, write it there too."""
        from marlgt.games.files.nfg import format_nfg, write_nfg

        if path is not None:
            require_path(path, "path")
            write_nfg(self, path)
        return format_nfg(self)

    def _like(
        self,
        payoffs: NDArray[Any],
        *,
        players: Sequence[str] | None = None,
        actions: Sequence[Sequence[str]] | None = None,
    ) -> NormalFormGame:
        """Return a game with other payoffs and this one's words."""
        return NormalFormGame(
            payoffs,
            players=self.players if players is None else players,
            actions=self.actions if actions is None else actions,
            title=self.title,
            comment=self.comment,
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NormalFormGame):
            return NotImplemented
        if self.is_exact and other.is_exact and not np.array_equal(self.fractions, other.fractions):
            return False
        return (
            np.array_equal(self.payoffs, other.payoffs)
            and self.players == other.players
            and self.actions == other.actions
        )

    def __hash__(self) -> int:
        return hash((self.payoffs.shape, self.payoffs.tobytes(), self.players, self.actions))

    def __repr__(self) -> str:
        title = f" {self.title!r}" if self.title else ""
        exact = "exact" if self.is_exact else "float"
        return f"<NormalFormGame{title}: {' x '.join(map(str, self.n_actions))}, {exact}>"

    def __str__(self) -> str:
        from marlgt.games.display import as_text

        return as_text(self)

    def _repr_html_(self) -> str:
        from marlgt.games.display import as_html

        return as_html(self)

    def _repr_latex_(self) -> str:
        from marlgt.games.display import as_latex

        return as_latex(self)
