"""Two ablations of deep value learners: memory where a task needs it, and networks that agents share or do not.

*Memory.* In a corridor a cue at the beginning tells on which side of the end the reward of 1 is; from then on all
observations are alike, save that the end shows. Without memory nothing beats 0.5. DQN with a GRU is compared with the
same network without, and with one that sees the last observations at once (frames), which is enough while the cue is
among them. The return is that of greedy policies.

*Sharing.* Independent deep Q-learners with one network for all (with and without telling agents who they are, by a
one-hot input) or one for each. In the anti-coordination game of three players a safe action pays 1, and another pays 2
to a player who is alone with it, else 0: agents who share a network and are not told apart do the same, which pays 3 in
all at best; acting apart pays 4. Climbing pays both players alike, 11 at best; independent learners miss it however
they share.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.deep_study import COLOURS
from benchmarks.studies import record_study
from marlgt.statistics import bootstrap_interval

SEEDS = 10
EVALUATIONS = 16
LENGTHS = (3, 8)
MEMORY: dict[str, dict[str, Any]] = {
    "recurrent": {"recurrent": True, "sequence_length": 12},
    "not recurrent": {},
    "4 frames": {"frames": 4},
}
SHARING: dict[str, dict[str, Any]] = {
    "one network, no names": {"share": "all", "agent_ids": False},
    "one network, with names": {"share": "all"},
    "a network for each": {"share": "none"},
}
GAMES = ("anti_coordination", "climbing")

COMMON: dict[str, Any] = {"lr": 3e-3, "hidden": (32,), "target_period": 50}
CORRIDOR: dict[str, Any] = {"learning_starts": 500, "buffer_size": 10_000, "epsilon_steps": 4_000, "discount": 0.95}
ONE_SHOT: dict[str, Any] = {
    "n_envs": 4,
    "update_every": 4,
    "learning_starts": 64,
    "buffer_size": 1_000,
    "epsilon_steps": 3_000,
}


class Cue:
    """The corridor, for Gymnasium; the agent walks by herself and turns to a side at its end.

    Parameters
    ----------
    length : int
        Steps from the cue to the end.
    """

    def __init__(self, length: int) -> None:
        from gymnasium import spaces

        self.observation_space, self.action_space = spaces.Box(-1.0, 1.0, (2,), np.float32), spaces.Discrete(2)
        self.length, self.rng = length, np.random.default_rng(0)
        self.place, self.cue = 0, 1.0

    def _seen(self) -> np.ndarray:
        return np.array([self.cue * (self.place == 0), self.place == self.length], np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin, with a new cue."""
        if seed is not None:
            self.rng = np.random.default_rng(seed)
        self.place, self.cue = 0, float(self.rng.choice((-1, 1)))
        return self._seen(), {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Walk on, or turn."""
        over = self.place == self.length
        right = over and (action == 1) == (self.cue > 0)
        self.place += not over
        return self._seen(), float(right), over, False, {}

    def close(self) -> None:
        """Do nothing."""


def trained(algorithm: Any, task: Any, steps: int, seeds: int, episodes: int) -> dict[str, Any]:
    """Return what a training reached."""
    from marlgt.deep import train

    run = train(
        algorithm, task, steps=steps, seeds=range(seeds), episodes=episodes, evaluate_every=steps // EVALUATIONS
    )
    return {
        "steps": steps,
        "final": run.curve.final.tolist(),
        "cpu_seconds": run.record.cpu_seconds,
        "curve": {"steps": run.curve.steps.tolist(), "returns": run.curve.mean_return.tolist()},
    }


def team_payoffs(task: str) -> np.ndarray:
    """Return what each joint action pays the team: the common payoff, or the sum."""
    from marlgt.deep import make_environment

    env: Any = make_environment(task, 1)
    paid = np.asarray(env.game.payoffs, dtype=float)
    team: np.ndarray = paid[0] if env.common_reward else paid.sum(0)
    return team


def every_row(seeds: int) -> list[dict[str, Any]]:
    """Return the rows of both ablations."""
    from marlgt.deep import DQN, IDQN

    rows = []
    for length in LENGTHS:
        for label, changes in MEMORY.items():
            make: Callable[[], Any] = partial(Cue, length)
            steps = 9_600 if length == LENGTHS[0] else 16_000
            row = trained(DQN(**COMMON, **CORRIDOR, **changes), make, steps, seeds, 200)
            rows.append({"panel": f"corridor of {length}", "label": label, "random": 0.5, "optimum": 1.0, **row})
            print(f"  {rows[-1]['panel']}, {label}: {shown(row['final'])}", flush=True)
    for task in GAMES:
        paid = team_payoffs(task)
        for label, changes in SHARING.items():
            row = trained(IDQN(**COMMON, **ONE_SHOT, **changes), task, 4_800, seeds, 1)
            panel = task.replace("_", "-")
            rows.append(
                {"panel": panel, "label": label, "random": float(paid.mean()), "optimum": float(paid.max()), **row}
            )
            print(f"  {panel}, {label}: {shown(row['final'])}", flush=True)
    return rows


def shown(values: Sequence[float]) -> str:
    """Return the interquartile mean with its interval."""
    found = bootstrap_interval(values)
    return f"{float(found.estimate):.2f} [{float(found.low):.2f}, {float(found.high):.2f}]"


def tables(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[list[str]]]:
    """Return a table for each task."""
    made = {}
    for panel in dict.fromkeys(row["panel"] for row in rows):
        own = [row for row in rows if row["panel"] == panel]
        body = [["what", "return, IQM [95 %]", "least to most", "at the optimum", "steps", "CPU-s of a seed"]]
        for row in own:
            hits = sum(value >= 0.95 * row["optimum"] for value in row["final"])
            body.append(
                [row["label"], shown(row["final"]), f"{min(row['final']):.2f} to {max(row['final']):.2f}",
                 f"{hits} of {len(row['final'])}", str(row["steps"]), f"{row['cpu_seconds'] / len(row['final']):.2f}"]
            )  # fmt: skip
        body += [
            ["random actions", f"{own[0]['random']:.2f}", *[""] * 4],
            ["optimum", f"{own[0]['optimum']:g}", *[""] * 4],
        ]
        made[panel.capitalize()] = body
    return made


def study(folder: Path, *, seeds: int = SEEDS) -> None:
    """Train all and write ``deep_ablations`` as .json, .md and .png."""
    rows = every_row(seeds)
    record_study(
        folder,
        "deep_ablations",
        title="Memory and shared networks",
        text=__doc__ or "",
        settings={
            "seeds": f"0 to {seeds - 1}",
            "torch": importlib.metadata.version("torch"),
            "seconds are": "of one core",
            "of all": COMMON,
            "of the corridor": CORRIDOR,
            "of the games": ONE_SHOT,
            "at the optimum": "95 % of it",
        },
        rows=rows,
        tables=tables(rows),
        draw=partial(draw, rows=rows),
        seconds=sum(row["cpu_seconds"] for row in rows),
    )


def draw(figure: Any, *, rows: Sequence[Mapping[str, Any]]) -> None:
    """Draw the curves, a panel for each task."""
    panels = list(dict.fromkeys(row["panel"] for row in rows))
    figure.set_size_inches(3.6 * len(panels), 4.2)
    axes = figure.subplots(1, len(panels))
    groups: list[dict[str, Any]] = [{}, {}]
    for ax, panel in zip(axes, panels):
        own = [row for row in rows if row["panel"] == panel]
        memory = own[0]["label"] in MEMORY
        for k, row in enumerate(own):
            colour = COLOURS[k + (0 if memory else 3)]
            steps = np.array(row["curve"]["steps"])
            bands = [bootstrap_interval(point, resamples=500) for point in row["curve"]["returns"]]
            middle, low, high = (
                np.array([float(getattr(b, part)) for b in bands]) for part in ("estimate", "low", "high")
            )
            ax.fill_between(steps, low, high, color=colour, alpha=0.15, linewidth=0)
            (groups[not memory][row["label"]],) = ax.plot(steps, middle, color=colour, linewidth=1.8)
        groups[1]["random actions"] = ax.axhline(own[0]["random"], color="#999999", linestyle=":")
        groups[1]["optimum"] = ax.axhline(own[0]["optimum"], color="black", linestyle="--", linewidth=1)
        ax.set_title(panel, fontsize=10)
        ax.set_xlabel("environment steps of a seed")
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(alpha=0.25, linewidth=0.6)
    axes[0].set_ylabel("return of greedy policies")
    handles = groups[0] | groups[1]
    figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=8, frameon=False)


if __name__ == "__main__":
    study(Path(__file__).parent / "results")
