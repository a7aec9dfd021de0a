"""The state of a run of counterfactual regret minimization, to go on with or to save; :mod:`.cfr` tells the method."""

from __future__ import annotations

import hashlib
import math
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.equilibria import Equilibrium
from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._doors import require_extensive_game, require_path, require_whole
from marlgt.games.extensive import BehaviorProfile, ExtensiveGame
from marlgt.kernels import gear
from marlgt.policy_certificates import certified_policies
from marlgt.solvers.extensive._regret_kernels import best_values, minimize_regret, write_plans
from marlgt.solvers.extensive._runs import CHUNK_STEPS
from marlgt.solvers.extensive._sequence_rows import sequence_rows

__all__ = ["RegretMinimizer"]


class RegretMinimizer:
    """A run of counterfactual regret minimization that can be watched, continued and saved.

    The three exponents choose the method, as :mod:`marlgt.solvers.extensive.cfr` tells.

    Parameters
    ----------
    game : ExtensiveGame
        With perfect recall.
    alpha, beta, gamma : float
        How positive regrets, negative regrets and past policies are discounted; by default CFR+.
    predictive : bool
        Match the policy to the regrets and their prediction; it goes with the alpha and beta of CFR+ only.
    planned : int
        The iterations that are meant to be run: many are worth compiling the passes for.

    Attributes
    ----------
    iterations : int
        The iterations run so far.

    Raises
    ------
    GameError
        For exponents that are no numbers, a negative gamma, or a predictive run with other exponents.
    UnsupportedGame
        If a player forgets.

    Examples
    --------
    >>> import marlgt as gt
    >>> matrix = gt.NormalFormGame.zero_sum([[2, -1], [-1, 1]])
    >>> run = RegretMinimizer(gt.ExtensiveGame.from_normal_form(matrix))
    >>> run.advance(100)
    >>> early = run.exploitability()
    >>> run.advance(900)
    >>> run.iterations, run.exploitability() < early
    (1000, True)
    """

    def __init__(
        self,
        game: ExtensiveGame,
        *,
        alpha: float = math.inf,
        beta: float = -math.inf,
        gamma: float = 1.0,
        predictive: bool = False,
        planned: int = 1000,
    ) -> None:
        require_extensive_game(game)
        for name, value in (("alpha", alpha), ("beta", beta), ("gamma", gamma)):
            if isinstance(value, bool) or not isinstance(value, int | float | np.number) or math.isnan(value):
                raise GameError(f"{name} is {short(value)}: give an exponent, as a number")
        if not 0.0 <= gamma < math.inf:
            raise GameError(f"gamma is {short(gamma)}: give an exponent from 0, so that late iterations count most")
        if predictive and (alpha, beta) != (math.inf, -math.inf):
            raise GameError(
                f"predictive regrets with alpha {short(alpha)} and beta {short(beta)}: only those of CFR+ "
                "(infinity and minus infinity) go with predictions"
            )
        require_whole(planned, "planned", least=1)
        self.game = game
        self.iterations = 0
        self._exponents = (float(alpha), float(beta), float(gamma))
        self._predictive = bool(predictive)
        self._rows = sequence_rows(game.sequence_form)
        self._planned = planned * self._rows.steps
        size = self._rows.n_sequences
        self._regrets = np.zeros(size)
        self._policy = self._rows.uniform_policy()
        self._plan = np.ones(size)
        self._average = np.zeros(size)
        self._worths, self._guesses = np.empty(size), np.empty(size if predictive else 0)
        self._write_plan(self._policy, self._plan)

    @property
    def steps(self) -> float:
        """The inner-loop steps of one iteration."""
        return self._rows.steps

    @property
    def regrets(self) -> tuple[NDArray[np.float64], ...]:
        """The regret of each sequence's last action, one array per player; that of her empty sequence is 0."""
        cuts = self._rows.sequence_offset
        return tuple(self._regrets[cuts[i] : cuts[i + 1]] * scale for i, scale in enumerate(self._rows.scale))

    def advance(self, iterations: int) -> None:
        """Run more iterations, each an update of every player in turn.

        Raises
        ------
        GameError
            If the iterations are no whole number from 1.
        """
        require_whole(iterations, "iterations", least=1)
        rows, run = self._rows, gear(minimize_regret, max(self._planned, iterations * self.steps))
        chunk = max(1, int(CHUNK_STEPS / self.steps))
        end = self.iterations + iterations
        while self.iterations < end:
            number = np.arange(self.iterations + 1, min(end, self.iterations + chunk) + 1, dtype=np.float64)
            alpha, beta, gamma = self._exponents
            run(
                *rows.sets,
                *rows.payoffs,
                rows.slack,
                number**gamma,
                _kept(number, alpha),
                _kept(number, beta),
                self._predictive,
                self._regrets,
                self._policy,
                self._plan,
                self._average,
                self._worths,
                self._guesses,
            )
            self.iterations += len(number)

    def profile(self) -> BehaviorProfile:
        """Return the average policies, uniform where they were never played."""
        return self._rows.behavior(self._average)

    def policy(self) -> BehaviorProfile:
        """Return the policies of the next iteration, which need not converge."""
        return self._rows.behavior(self._policy)

    def exploitability(self) -> float:
        """Return NashConv of the average policies over the number of players."""
        rows, n = self._rows, self._rows.n_players
        total = np.repeat(self._average[rows.sequence_offset[:-1]], np.diff(rows.sequence_offset))
        plan = self._average / total if self.iterations else self._plan
        values, best = np.empty(n), np.empty(n)
        measure = gear(best_values, self._planned)
        measure(*rows.sets, *rows.payoffs, plan, self._worths, np.empty(rows.n_sequences), values, best)
        return rows.exploitability(values, best)

    def equilibrium(self) -> Equilibrium:
        """Return the average policies with their certificate."""
        return certified_policies(
            self.game, self.profile(), method="regret_minimizer", work={"iterations": self.iterations}
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the run to a file of numpy arrays (``.npz``), without pickles.

        Raises
        ------
        GameError
            If the path cannot name a file.
        """
        require_path(path, "path")
        with Path(path).open("wb") as file:
            np.savez(
                file,
                game=np.array(_digest(self._rows)),
                iterations=np.array(self.iterations),
                exponents=np.array(self._exponents),
                predictive=np.array(self._predictive),
                regrets=self._regrets,
                policy=self._policy,
                average=self._average,
            )

    @classmethod
    def load(cls, game: ExtensiveGame, path: str | os.PathLike[str]) -> RegretMinimizer:
        """Return the run that :meth:`save` wrote, to go on exactly where it was.

        Raises
        ------
        GameError
            If the file holds no run, or one of another game.
        """
        require_path(path, "path")
        try:
            with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                saved = {name: file[name] for name in ("game", "iterations", "exponents", "predictive")}
                arrays = [np.asarray(file[name], dtype=np.float64) for name in ("regrets", "policy", "average")]
        except (KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise GameError(
                f"{short(str(path))} holds no run of regret minimization: give a file that save() wrote"
            ) from error
        alpha, beta, gamma = map(float, saved["exponents"])
        run = cls(game, alpha=alpha, beta=beta, gamma=gamma, predictive=bool(saved["predictive"]))
        if str(saved["game"]) != _digest(run._rows) or any(a.shape != run._regrets.shape for a in arrays):
            raise GameError(f"{short(str(path))} holds a run of another game: give the game that it was saved with")
        run.iterations = int(saved["iterations"])
        run._regrets, run._policy, run._average = arrays
        run._write_plan(run._policy, run._plan)
        return run

    def _write_plan(self, policy: NDArray[np.float64], plan: NDArray[np.float64]) -> None:
        rows = self._rows
        write = gear(write_plans, float(rows.n_sequences))
        write(rows.n_actions, rows.first, rows.parent, policy, plan, 0, len(rows.n_actions))


def _kept(number: NDArray[np.float64], exponent: float) -> NDArray[np.float64]:
    """Return what is kept of a regret after the iterations of these numbers: t^a / (t^a + 1), 1 or 0 in the limits."""
    if math.isinf(exponent):
        return np.full(len(number), 1.0 if exponent > 0 else 0.0)
    with np.errstate(over="ignore"):
        return np.asarray(1.0 / (1.0 + number**-exponent))


def _digest(rows: Any) -> str:
    digest = hashlib.sha256()
    for array in (*rows.sets, *rows.payoffs):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
