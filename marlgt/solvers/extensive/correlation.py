"""Optimal correlated equilibria in extensive form, by linear programming over the reduced pure strategies.

The variables are the probabilities mu of the profiles of reduced pure strategies and, for every trigger and every
information set h' that may follow it, the worth v of playing on from h' as one likes. With W(s, .) for what a
sequence s of the player earns at once against the others' strategies, a trigger (h, c) asks for

    v(h') >= sum over profiles with (h, c) of mu W(h' a', .) + sum of v(h'') over the h'' after h' a',   every a' at h',
    what is earned below h when (h, c) is recommended and followed  >=  v(h).

This is the definition of von Stengel and Forges (2008) written out, exponential in the number of parallel information
sets. With moves of chance optimal equilibria are NP-hard to find; for two players without them there are programs of
polynomial size (there, section 3), which this is not. A coarse trigger is an information set h, and takes the profiles
whose strategy leads to h.

References
----------
von Stengel, B. and Forges, F. (2008). Extensive-form correlated equilibrium: definition and computational
complexity. Mathematics of Operations Research 33, 1002-1022.
Farina, G., Bianchi, T. and Sandholm, T. (2020). Coarse correlation in extensive-form games. Proceedings of the
34th AAAI Conference on Artificial Intelligence, 1934-1941.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.certificates import TOLERANCE
from marlgt.concepts.trigger_deviations import reply_worths, trigger_regrets
from marlgt.equilibria import Equilibrium
from marlgt.errors import BudgetExceeded, NotConverged
from marlgt.games._doors import require_budget, require_extensive_game
from marlgt.games._plans import played_sequences, size
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.normal_form import NormalFormGame
from marlgt.games.plans import n_pure_strategies, pure_strategies
from marlgt.games.sequence_form import PlayerSequences
from marlgt.linear_programs import solve_linear_program
from marlgt.progress import stopwatch
from marlgt.solvers.correlated import objective_values, on_unit_scale

__all__ = ["extensive_form_coarse_correlated_equilibrium", "extensive_form_correlated_equilibrium"]

ENTRIES = 2e7
"""Entries of the linear program that are allowed by default; some ten seconds."""

Floats = NDArray[np.float64]


def extensive_form_correlated_equilibrium(
    game: ExtensiveGame, *, objective: str | ArrayLike = "welfare", player: int = 0, budget: float | None = ENTRIES
) -> Equilibrium:
    """Return an extensive-form correlated equilibrium that maximises an objective.

    Parameters
    ----------
    game : ExtensiveGame
        With perfect recall; any number of players.
    objective : str or array_like, shape (K_1, ..., K_n)
        As for :func:`~marlgt.solvers.correlated_equilibrium`: a name, or the value of each profile of reduced
        pure strategies.
    player : int
        Whose payoff the libertarian objective is.
    budget : float or None
        Most entries of the linear program, about those of its matrix.

    Returns
    -------
    Equilibrium
        With ``joint`` over the reduced pure strategies, as :func:`~marlgt.games.pure_strategies` lists them, and as
        regrets each player's largest gain from ignoring one recommendation.

    Raises
    ------
    UnsupportedGame
        If a player forgets.
    BudgetExceeded
        If the program is larger than the budget; nothing is built before.
    NotConverged
        If the linear program cannot be solved to the tolerance of certificates.

    Examples
    --------
    >>> import marlgt as gt
    >>> chicken = gt.NormalFormGame.bimatrix([[6, 2], [7, 0]], [[6, 7], [2, 0]])
    >>> e = extensive_form_correlated_equilibrium(gt.ExtensiveGame.from_normal_form(chicken))
    >>> round(float(e.values.sum()), 6), e.concept
    (10.5, 'extensive_form_correlated')
    """
    return _optimum(game, objective, player, budget, coarse=False)


def extensive_form_coarse_correlated_equilibrium(
    game: ExtensiveGame, *, objective: str | ArrayLike = "welfare", player: int = 0, budget: float | None = ENTRIES
) -> Equilibrium:
    """Return an extensive-form coarse correlated equilibrium that maximises an objective.

    Parameters
    ----------
    game, objective, player, budget
        As for :func:`extensive_form_correlated_equilibrium`.

    Returns
    -------
    Equilibrium
        With ``joint`` over the reduced pure strategies, and as regrets each player's largest gain from ignoring all
        recommendations from some information set on.

    Examples
    --------
    >>> import marlgt as gt
    >>> chicken = gt.NormalFormGame.bimatrix([[6, 2], [7, 0]], [[6, 7], [2, 0]])
    >>> e = extensive_form_coarse_correlated_equilibrium(gt.ExtensiveGame.from_normal_form(chicken))
    >>> round(float(e.values.sum()), 6), e.epsilon <= 1e-9
    (10.5, True)
    """
    return _optimum(game, objective, player, budget, coarse=True)


def _optimum(
    game: ExtensiveGame, objective: str | ArrayLike, player: int, budget: float | None, *, coarse: bool
) -> Equilibrium:
    clock = stopwatch()
    require_extensive_game(game)
    require_budget(budget, "entries of the linear program")
    program = _TriggerProgram(game, budget, coarse=coarse)
    normal = NormalFormGame(program.payoffs)
    egalitarian = isinstance(objective, str) and objective == "egalitarian"
    joint, best = np.zeros(0), -math.inf
    for values in objective_values(normal, objective, player):
        floor = on_unit_scale(program.payoffs) if egalitarian else None
        candidate = program.maximize(on_unit_scale(values), floor)
        reached = float((values * candidate).sum())
        if not joint.size or reached > best:
            joint, best = candidate, reached
    concept = "extensive_form_coarse_correlated" if coarse else "extensive_form_correlated"
    values, regrets = trigger_regrets(game, joint, coarse=coarse)
    for array in (joint, values, regrets):
        array.flags.writeable = False
    answer = Equilibrium(
        concept=concept,
        profile=None,
        joint=joint,
        values=values,
        regrets=regrets,
        exact=False,
        method=f"{concept}_equilibrium",
        work={"profiles": joint.size, "rows": program.n_rows},
        seconds=clock(),
    )
    spread = np.where(game.payoff_range > 0.0, game.payoff_range, 1.0)
    rounding = 8.0 * float(np.finfo(np.float64).eps) * float(np.abs(game.terminal_payoffs).max())
    if (regrets > TOLERANCE * spread + rounding).any():
        raise NotConverged(
            f"the linear program left a gain of {answer.epsilon:.1e} from ignoring a recommendation: use answer.best "
            "as it is, or scale the payoffs to comparable sizes",
            best=answer,
        )
    return answer


class _TriggerProgram:
    """The linear program of one game, its matrix built once.

    Attributes
    ----------
    payoffs : ndarray, shape (n, K_1, ..., K_n)
    n_rows : int
    """

    def __init__(self, game: ExtensiveGame, budget: float | None, *, coarse: bool) -> None:
        form = game.sequence_form
        self._coarse = coarse
        self.shape = tuple(n_pure_strategies(game, i) for i in range(game.n_players))
        self._refuse_large(form.players, budget)
        plays = [played_sequences(own, pure_strategies(game, i)) for i, own in enumerate(form.players)]
        columns = np.arange(math.prod(self.shape)).reshape(self.shape)
        self.payoffs = np.empty((game.n_players, *self.shape))
        self._parts: list[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]] = []
        self.n_rows, self._n_columns = 0, columns.size
        for i, own in enumerate(form.players):
            worths = reply_worths(game, i, plays)
            moved = np.moveaxis(columns, i, 0)
            mine = (plays[i].astype(np.float64) @ worths).reshape(moved.shape)
            self.payoffs[i] = np.moveaxis(mine, 0, i)
            # A shift changes following and deviating alike, so that only the scale matters.
            worths /= float(game.payoff_range[i]) or 1.0
            self._add_player(own, plays[i], worths, moved.reshape(self.shape[i], -1))

    def maximize(self, objective: Floats, floor: Floats | None) -> Floats:
        """Return a joint distribution that maximises an objective, or the least expectation of the floors."""
        from scipy.sparse import csr_array

        n_profiles = math.prod(self.shape)
        rows, columns, entries = (np.concatenate([np.zeros(0), *(part[k] for part in self._parts)]) for k in range(3))
        n_rows, n_columns = self.n_rows, self._n_columns
        cost = np.zeros(n_columns)
        cost[:n_profiles] = objective.reshape(-1)
        lower = np.full(n_columns, -np.inf)
        lower[:n_profiles] = 0.0
        if floor is not None:
            # max t  s.t.  t <= the expectation of each floor
            for own in floor:
                rows = np.concatenate([rows, np.full(n_profiles + 1, n_rows)])
                columns = np.concatenate([columns, np.arange(n_profiles), [n_columns]])
                entries = np.concatenate([entries, own.reshape(-1), [-1.0]])
                n_rows += 1
            n_columns += 1
            cost, lower = np.append(np.zeros(n_columns - 1), 1.0), np.append(lower, -np.inf)
        rows = np.concatenate([rows, np.full(n_profiles, n_rows)]).astype(np.int64)
        columns = np.concatenate([columns, np.arange(n_profiles)]).astype(np.int64)
        entries = np.concatenate([entries, np.ones(n_profiles)])
        result = solve_linear_program(
            cost,
            matrix=csr_array((entries, (rows, columns)), shape=(n_rows + 1, n_columns)),
            row_lower=np.append(np.zeros(n_rows), 1.0),
            row_upper=np.append(np.full(n_rows, np.inf), 1.0),
            lower=lower,
            maximize=True,
        )
        if result.status != "optimal":
            raise NotConverged(f"HiGHS found the linear program {result.status}: scale the payoffs to comparable sizes")
        joint = np.maximum(result.x[:n_profiles], 0.0)
        return np.asarray((joint / joint.sum()).reshape(self.shape))

    def _refuse_large(self, players: tuple[PlayerSequences, ...], budget: float | None) -> None:
        n_profiles = math.prod(self.shape)
        limit = math.inf if budget is None else float(budget)
        rows = 1
        for own in players:
            triggers = np.ones(own.n_infosets) if self._coarse else own.n_actions
            for j in range(own.n_infosets):
                if n_profiles * rows > limit:
                    break
                rows += int(triggers[j]) * (1 + sum(int(own.n_actions[k]) for k in _followers(own, j)))
        if n_profiles * rows > limit:
            estimate = float(min(n_profiles * rows, 10**300))
            raise BudgetExceeded(
                f"the linear program has {estimate:.2g} entries or more, for {size(n_profiles)} profiles of reduced "
                f"pure strategies, and the budget is {limit:.2g}: raise it, or minimise regret in extensive form",
                estimate=estimate,
                limit=limit,
            )

    def _add_player(
        self, own: PlayerSequences, plays: NDArray[np.bool_], worths: Floats, columns: NDArray[np.int64]
    ) -> None:
        """Add the rows of all triggers of a player; ``columns`` has a row for each of her strategies."""
        for j in range(own.n_infosets):
            below = _followers(own, j)
            sequences = [_sequences(own, k) for k in below]
            ours = np.concatenate(sequences)
            followed = plays[:, ours].astype(np.float64) @ worths[ours]
            if self._coarse:
                self._add_trigger(own, below, plays[:, own.parent_sequence[j]], worths, followed, columns)
                continue
            for sequence in sequences[0].tolist():
                self._add_trigger(own, below, plays[:, sequence], worths, followed, columns)

    def _add_trigger(
        self,
        own: PlayerSequences,
        below: list[int],
        triggered: NDArray[np.bool_],
        worths: Floats,
        followed: Floats,
        columns: NDArray[np.int64],
    ) -> None:
        value = {j: self._n_columns + k for k, j in enumerate(below)}
        self._n_columns += len(below)
        mine = columns[triggered]
        self._add_row(mine.reshape(-1), followed[triggered].reshape(-1), [value[below[0]]], [-1.0])
        for j in below:
            for sequence in _sequences(own, j).tolist():
                after = [k for k in below if own.parent_sequence[k] == sequence]
                earns = np.flatnonzero(worths[sequence])
                self._add_row(
                    mine[:, earns].reshape(-1),
                    np.tile(-worths[sequence, earns], len(mine)),
                    [value[j], *(value[k] for k in after)],
                    [1.0] + [-1.0] * len(after),
                )

    def _add_row(self, columns: NDArray[Any], entries: Floats, more: list[int], weights: list[float]) -> None:
        """Add a row that is to be nonnegative."""
        kept = np.flatnonzero(entries)
        places = np.concatenate([columns[kept], more])
        self._parts.append((np.full(len(places), self.n_rows), places, np.concatenate([entries[kept], weights])))
        self.n_rows += 1


def _followers(own: PlayerSequences, infoset: int) -> list[int]:
    """Return an information set and those that may follow it, in order."""
    found = [infoset]
    known = {infoset}
    for j in range(infoset + 1, own.n_infosets):
        if int(own.infoset_of_sequence[own.parent_sequence[j]]) in known:
            known.add(j)
            found.append(j)
    return found


def _sequences(own: PlayerSequences, infoset: int) -> NDArray[np.int64]:
    start = int(own.first_sequence[infoset])
    return np.arange(start, start + int(own.n_actions[infoset]))
