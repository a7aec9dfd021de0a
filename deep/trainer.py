"""The one loop in which deep learners act, observe and learn, and are evaluated, saved and stopped."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from marlgt.deep.algorithms.algorithm import Algorithm
from marlgt.deep.algorithms.value_algorithm import Spec
from marlgt.deep.devices import require_device
from marlgt.deep.environments import BatchEnv, make_environment
from marlgt.deep.environments.protocol import EnvironmentFailed
from marlgt.deep.evaluation import play_episodes
from marlgt.deep.interrupts import deferred_interrupt
from marlgt.deep.optimisers import FlatParameters
from marlgt.deep.runs.checkpoints import read_checkpoint, write_checkpoint
from marlgt.deep.runs.curves import Curve, Evaluation
from marlgt.deep.runs.records import RunRecord, write_curve, write_run
from marlgt.deep.runs.run import POLICY, Run
from marlgt.deep.seeded_environments import SeededEnvs
from marlgt.errors import GameError, SavingFailed, UnreadableFile
from marlgt.games._arrays import short
from marlgt.progress import progress
from marlgt.whole_files import remove_leftovers, shown_path

__all__ = ["CHECKPOINT", "Plan", "Trainer"]

CHECKPOINT = "checkpoint.safetensors"
"""Everything that a run needs to go on, in its folder until it is finished."""

EVALUATION_COPIES = 2**30
"""Number of the first copy on which a run is evaluated: no training reaches it."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a training is told besides its algorithm and task; kept in the record of the run.

    Attributes
    ----------
    evaluate_every : int
        Environment steps of a seed between evaluations.
    episodes : int
        Episodes of an evaluation, for each seed.
    checkpoint_every : int
        Environment steps of a seed between checkpoints.
    return_threshold, success_threshold : float or None
        A seed whose evaluation reaches all that are given keeps its networks and learns no more.
    threads : int
        Of PyTorch.
    """

    evaluate_every: int
    episodes: int
    checkpoint_every: int
    return_threshold: float | None
    success_threshold: float | None
    threads: int


class Trainer:
    """A run as it goes on."""

    def __init__(
        self,
        algorithm: Algorithm,
        task: Any,
        steps: int,
        seeds: tuple[int, ...],
        plan: Plan,
        folder: str | Path | None,
        device: str,
        tensorboard: bool,
        record: RunRecord | None = None,
    ) -> None:
        self.algorithm, self.task, self.steps, self.seeds, self.plan = algorithm, task, steps, seeds, plan
        self.folder = None if folder is None else Path(folder)
        self.device = require_device(device)
        self.envs = SeededEnvs(lambda: self._made(algorithm.n_envs), seeds, self.device)
        self.examiners = SeededEnvs(lambda: self._made(plan.episodes), seeds, self.device)
        self.envs.reset()
        env = self.envs.envs[0]
        if plan.success_threshold is not None and not env.judged:
            raise GameError(
                f"{env.name} tells no successes, so that none would reach the success_threshold: leave it out"
            )
        self.spec = Spec.of(env)
        try:
            self.learner = algorithm.learner(self.spec, seeds, steps=steps, device=self.device)
        except (RuntimeError, MemoryError) as error:
            # PyTorch has no type of its own for what does not fit into the memory of a processor.
            if "memory" not in str(error).lower() and not isinstance(error, MemoryError):
                raise
            raise GameError(
                f"the networks and the replay of {len(seeds)} seeds do not fit into memory: take a smaller "
                "buffer_size, fewer units or fewer seeds"
            ) from error
        self.curve = Curve(seeds)
        self.record = record or RunRecord.begin(
            algorithm.name,
            algorithm,
            env.name,
            seeds=seeds,
            steps=steps,
            device=device,
            options=dataclasses.asdict(plan),
        )
        self.kept: dict[int, dict[str, torch.Tensor]] = {}
        self.checkpoints = 0
        shape = (len(seeds), algorithm.n_envs)
        self.running = np.zeros(shape)
        self.ended_sum, self.ended_count = np.zeros(len(seeds)), np.zeros(len(seeds))
        self.spent = (self.record.wall_seconds, self.record.cpu_seconds)
        # The note of the progress is made at every step, its mean return once for each evaluation.
        self.noted = (0, math.nan)
        self.tensorboard = tensorboard
        self.sink: Any = None

    def _made(self, n_envs: int) -> BatchEnv:
        env = make_environment(
            self.task,
            n_envs,
            device=str(self.device),
            frames=self.algorithm.frames,
            continuous=self.algorithm.continuous,
        )
        return self.algorithm.view(env)

    def _open_sink(self) -> None:
        if self.tensorboard and self.folder is not None:
            from marlgt.deep.runs.tensorboard_log import TensorBoardLog

            # The point at the checkpoint was written before the checkpoint was.
            told = self.learner.steps + 1 if self.curve.points else 0
            self.sink = TensorBoardLog(self.folder / "tensorboard", self.seeds, resumed_at=told)

    def run(self) -> Run:
        """Train until the steps are done, or every seed has reached the threshold."""
        self.began = (time.perf_counter(), time.process_time())
        self.since = (time.perf_counter(), self.learner.steps)
        description = f"training {self.algorithm.name} on {self.envs.envs[0].name}"
        self._open_sink()
        try:
            with deferred_interrupt() as interrupted, progress(description, total=self.steps) as report:
                if not self.curve.points:
                    self._evaluate()
                    self._save()
                while self.learner.steps < self.steps and len(self.kept) < len(self.seeds):
                    self._step()
                    report(self.learner.steps, self._note())
                    if interrupted():
                        if self.resumable:
                            self._save()
                        raise KeyboardInterrupt
        except KeyboardInterrupt:
            self._end("stopped", "interrupted by the user")
            raise
        except Exception as error:
            self._end("failed", str(error) if isinstance(error, GameError) else f"{type(error).__name__}: {error}")
            raise
        finally:
            self.envs.close()
            self.examiners.close()
            if self.sink is not None:
                self.sink.close()
        return self._finish()

    @property
    def resumable(self) -> bool:
        """Whether the environments can be saved in the middle of an episode."""
        return self.envs.snapshot() is not None

    def _step(self) -> None:
        learner, n_envs = self.learner, self.algorithm.n_envs
        actions = learner.act(self.envs)
        step = self.envs.step(actions)
        self._account(step)
        saves = _crossed(learner.steps, n_envs, self.plan.checkpoint_every)
        anew = saves and not self.resumable
        if anew:
            step = step._replace(truncated=~step.terminated)
        learner.observe(step, self.envs)
        learner.learn()
        if anew:
            self.checkpoints += 1
            self.envs.reset(self.checkpoints * n_envs)
            self.running[:] = 0.0
        last = learner.steps >= self.steps
        if saves or last:
            # What is kept is what the run can go on from.
            learner.require_finite()
        if _crossed(learner.steps - n_envs, n_envs, self.plan.evaluate_every) or last:
            self._evaluate()
        if saves:
            self._save()

    def _account(self, step: Any) -> None:
        rewards = step.rewards.cpu().numpy()
        self.running += rewards[..., 0] if self.spec.common_reward else rewards.sum(-1)
        ends = (step.terminated | step.truncated).cpu().numpy()
        if ends.any():
            self.ended_sum += np.where(ends, self.running, 0.0).sum(1)
            self.ended_count += ends.sum(1)
            self.running[ends] = 0.0

    def _evaluate(self) -> None:
        first = EVALUATION_COPIES + len(self.curve) * self.plan.episodes
        played = play_episodes(self.learner.policy(), self.examiners, first=first)
        returns = played.team_returns.copy()
        rates = played.successes.mean(1) if self.examiners.envs[0].judged else np.full(len(self.seeds), np.nan)
        done = list(self.kept)
        returns[done], rates[done] = np.nan, np.nan
        with np.errstate(invalid="ignore"):
            training = self.ended_sum / np.where(self.ended_count > 0, self.ended_count, np.nan)
        losses = np.array(self.learner.losses())
        training[done], losses[done] = np.nan, np.nan
        now = time.perf_counter()
        steps, seconds = self.learner.steps - self.since[1], now - self.since[0]
        point = Evaluation(
            self.learner.steps,
            returns,
            played.lengths,
            rates,
            training,
            losses,
            exploration=self.learner.exploration,
            steps_per_second=steps * len(self.seeds) / seconds if steps else math.nan,
        )
        self.curve = self.curve.extended(point)
        self.ended_sum[:], self.ended_count[:] = 0.0, 0.0
        for number in range(len(self.seeds)):
            if number not in self.kept and self._reached(returns[number].mean(), rates[number]):
                self.kept[number] = self.learner.judged_parameters.seed_slice(number)
                self.learner.stop(number)
        if self.sink is not None:
            self.sink.add(point)
        self.since = (time.perf_counter(), self.learner.steps)

    def _reached(self, mean_return: float, success_rate: float) -> bool:
        wanted = ((self.plan.return_threshold, mean_return), (self.plan.success_threshold, success_rate))
        given = [(least, got) for least, got in wanted if least is not None]
        return bool(given) and all(got >= least for least, got in given)

    def _note(self) -> str:
        if self.noted[0] != len(self.curve.points):
            with np.errstate(invalid="ignore"):
                known = self.curve.points[-1].returns.mean(1)
            shown = float(np.nanmean(known)) if np.isfinite(known).any() else math.nan
            self.noted = (len(self.curve.points), shown)
        elapsed = time.perf_counter() - self.since[0]
        rate = (self.learner.steps - self.since[1]) * len(self.seeds) / elapsed if elapsed > 0 else 0.0
        return f"return {self.noted[1]:.3g}, {rate:,.0f} steps/s"

    def _proceeded(self) -> RunRecord:
        wall = self.spent[0] + time.perf_counter() - self.began[0]
        cpu = self.spent[1] + time.process_time() - self.began[1]
        return self.record.proceeded(self.learner.steps, wall_seconds=wall, cpu_seconds=cpu)

    def _save(self) -> None:
        if self.folder is None:
            return
        self.record = self._proceeded()
        write_run(self.folder, self.record)
        write_curve(self.folder, self.curve)
        tensors = self.learner.state()
        tensors |= {f"envs.{name}": torch.from_numpy(array) for name, array in (self.envs.snapshot() or {}).items()}
        for number, slices in self.kept.items():
            tensors |= {f"kept.{number}.{name}": value for name, value in slices.items()}
        accounts = np.concatenate((self.running, self.ended_sum[:, None], self.ended_count[:, None]), axis=1)
        tensors["accounts"] = torch.from_numpy(accounts)
        facts = {
            "algorithm": self.record.algorithm,
            "architecture": self._architecture(),
            "checkpoints": self.checkpoints,
            "kept": sorted(self.kept),
            "curve": [point.facts() for point in self.curve.points],
            "seconds": [self.record.wall_seconds, self.record.cpu_seconds],
        }
        write_checkpoint(self.folder / CHECKPOINT, tensors, facts)
        self._save_policy()

    def _architecture(self) -> dict[str, list[int]]:
        """Return the shape of every parameter: the checkpoint holds them as one row of numbers."""
        return {name: list(parameter.shape) for name, parameter in self.learner.module.named_parameters()}

    def _save_policy(self) -> None:
        if self.folder is not None:
            module = self._kept_module()
            write_checkpoint(self.folder / POLICY, dict(module.named_parameters()), {"spec": self.spec._asdict()})

    def load(self) -> None:
        """Take up the last checkpoint."""
        if self.folder is None:
            raise GameError("a run without a folder has no checkpoint: train with a folder")
        remove_leftovers(self.folder / CHECKPOINT)
        path = self.folder / CHECKPOINT
        tensors, facts = read_checkpoint(path)
        try:
            # Checkpoints that do not tell are older than algorithms whose networks are alike.
            name = facts.get("algorithm", self.record.algorithm)
            if name != self.record.algorithm:
                raise GameError(f"it is one of {short(name)}, and the run one of {self.record.algorithm!r}")
            if facts.get("architecture") != self._architecture():
                raise GameError("its networks are of another architecture")
            self._take_up(tensors, facts)
        except EnvironmentFailed:
            raise
        except (GameError, LookupError, TypeError, ValueError, RuntimeError, OverflowError) as error:
            reason = error if isinstance(error, GameError) else f"{type(error).__name__}: {short(error, quoted=False)}"
            raise UnreadableFile(
                f"{shown_path(path)} does not fit the settings in run.json ({reason}): take both from the same run"
            ) from error

    def _take_up(self, tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> None:
        self.learner.load(tensors)
        snapshot = {name[5:]: value.numpy() for name, value in tensors.items() if name.startswith("envs.")}
        self.checkpoints = facts["checkpoints"]
        if snapshot:
            self.envs.restore(snapshot)
        else:
            self.envs.reset(self.checkpoints * self.algorithm.n_envs)
        for number in facts["kept"]:
            prefix = f"kept.{number}."
            self.kept[number] = {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}
            self.learner.stop(number)
        accounts = tensors["accounts"].numpy()
        self.running[:], self.ended_sum[:], self.ended_count[:] = accounts[:, :-2], accounts[:, -2], accounts[:, -1]
        self.curve = Curve(self.seeds, tuple(Evaluation.from_facts(point) for point in facts["curve"]))
        self.spent = tuple(facts["seconds"])

    def _kept_module(self) -> Any:
        module = self.algorithm.network(self.spec, len(self.seeds)).to(self.device)
        flat = FlatParameters(module, len(self.seeds))
        flat.copy_from(self.learner.judged_parameters)
        for number, slices in self.kept.items():
            flat.load_seed_slice(number, slices)
        return module

    def _end(self, status: Any, reason: str) -> None:
        if self.folder is not None:
            # On a full disk the record stays as it was, and the run can be resumed all the same.
            with contextlib.suppress(SavingFailed):
                write_run(self.folder, self._proceeded().ended(status, reason))

    def _finish(self) -> Run:
        self.record = self._proceeded().ended("finished")
        if self.folder is not None:
            write_curve(self.folder, self.curve)
            self._save_policy()
            write_run(self.folder, self.record)
            (self.folder / CHECKPOINT).unlink(missing_ok=True)
        return Run(self.record, self.curve, self.algorithm, self.spec, self._kept_module(), self.task, self.folder)


def _crossed(steps: int, more: int, every: int) -> bool:
    return (steps + more) // every > steps // every
