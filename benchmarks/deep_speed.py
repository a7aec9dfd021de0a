"""Speed of deep value learning, end to end: environments, acting, remembering and the updates that are due.

Figures are CPU seconds on one thread for one environment step of one seed, the least of several rounds, since others
use the machine too; beside them the rate of the median round. Nothing of a training is left out but evaluations and
checkpoints: exploration has come to its end, the replay is filled, and updates are taken at the ratio that the case
names. Peers are not run beside: their rates were measured before, each in its own loop, on the same kind of machine, by
the difference of two lengths of run. Their defaults learn at ratios of their own, which a note tells where they are not
ours.

What seeds cost is told by one process with eight against one with one, in rounds that alternate. A profile calls each
part of a step by itself; the backward pass is a forward and a backward one less a forward one, and `rest` is what the
whole step takes beyond its parts, which is small and may be negative. The start is of a fresh process, from nothing to
a training with its first updates.
"""

from __future__ import annotations

import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from benchmarks.cold_start import cpu_seconds
from benchmarks.harness import Row

AREA = "deep speed"
ROUNDS, SECONDS = 7, 0.7
MANY = 8
SEEDS_ASKED = 2.5
"""Most that eight seeds may cost, in times of one."""
START_ASKED = 2.5
"""CPU seconds of a fresh process to its first updates."""
SB3, EPYMARL_IQL, EPYMARL_QMIX = 1974.0, 273.0, 534.0
BOOK = {"IDQN": 1046.0, "VDN": 1364.0, "QMIX": 833.0}
"""Steps a CPU second of peers: Stable-Baselines3 2.9 (DQN), EPyMARL cbc38c0 and marl-book 2025-03."""
START = (
    "from marlgt.deep import DQN, train; "
    "train(DQN(n_envs=1, learning_starts=64, update_every=4), 'CartPole-v1', steps=200, episodes=1)"
)
FORAGING, FORMATION, CART = "Foraging-8x8-2p-3f-v3", "formation:n_drones=3", "CartPole-v1"
_CONTROL: dict[str, Any] = {"update_every": 4, "batch_size": 32, "target_period": 500}
_GRID: dict[str, Any] = {"n_envs": 64, "update_every": 32, "batch_size": 32}
_RECURRENT: dict[str, Any] = {"n_envs": 64, "recurrent": True, "sequence_length": 10, "update_every": 320}
_DRONES: dict[str, Any] = {"n_envs": 64, "update_every": 32, "batch_size": 64}
_RECORDED = "peers as measured before on the same kind of machine, not beside"
_BOOK_NOTE = f"{_RECORDED}; marl-book takes one update an episode, EPyMARL one of 32 episodes"


NOTHING: Mapping[str, float] = MappingProxyType({})


class Case(NamedTuple):
    """What is trained.

    Attributes
    ----------
    name : str
        Of an algorithm.
    task : str
    settings : dict
    peers : mapping of str to float
        Their steps a CPU second.
    goal : mapping of str to float
        The least ratio asked for.
    note : str
    """

    name: str
    task: str
    settings: dict[str, Any]
    peers: Mapping[str, float] = NOTHING
    goal: Mapping[str, float] = NOTHING
    note: str = ""

    @property
    def title(self) -> str:
        s = self.settings
        windows = f"{s['batch_size']}" if not s.get("recurrent") else f"{s.get('batch_size', 32)} windows of 10 steps"
        kind = "recurrent" if s.get("recurrent") else "feed-forward"
        ratio = f"an update of {windows} in {s['update_every']} steps"
        return f"{self.name} on {self.task}, {kind}, {s['n_envs']} environments, {ratio}"


def _case(name: str, task: str, settings: dict[str, Any], **more: Any) -> Case:
    return Case(name, task, settings, **more)


CASES = (
    *(
        _case(
            "DQN",
            CART,
            {**_CONTROL, "n_envs": n_envs},
            peers={"Stable-Baselines3": SB3},
            goal={"Stable-Baselines3": 3.0},
            note=f"{_RECORDED}; the same ratio of updates",
        )
        for n_envs in (1, 16)
    ),
    _case("DQN", "Acrobot-v1", {**_CONTROL, "n_envs": 16}),
    _case("IDQN", FORAGING, _GRID, peers={"marl-book": BOOK["IDQN"], "EPyMARL": EPYMARL_IQL}, note=_BOOK_NOTE),
    _case("VDN", FORAGING, _GRID, peers={"marl-book": BOOK["VDN"]}, note=_BOOK_NOTE),
    _case(
        "QMIX",
        FORAGING,
        _GRID,
        peers={"EPyMARL": EPYMARL_QMIX, "marl-book": BOOK["QMIX"]},
        goal={"EPyMARL": 10.0},
        note=_BOOK_NOTE,
    ),
    _case(
        "QMIX",
        FORAGING,
        {**_GRID, "batch_size": 800, "update_every": 25},
        peers={"EPyMARL": EPYMARL_QMIX},
        note=f"{_RECORDED}; as many transitions a step as EPyMARL, of 32 episodes of 25 steps in an episode",
    ),
    _case("QTRAN", FORAGING, _GRID),
    *(_case(name, FORAGING, _RECURRENT) for name in ("IDQN", "VDN", "QMIX", "QTRAN")),
    *(_case(name, FORMATION, _DRONES) for name in ("IDQN", "QMIX")),
)
SEEDED = (
    _case("DQN", CART, {**_CONTROL, "n_envs": 16}),
    _case("QMIX", FORAGING, _GRID),
    _case("IDQN", FORMATION, _DRONES),
)
PROFILED = (*SEEDED, _case("QMIX", FORAGING, _RECURRENT))


def run() -> list[Row]:
    from marlgt.deep.interrupts import threads_set

    with threads_set(1):
        return list(_rows())


def _rows() -> Iterator[Row]:
    for case in CASES:
        yield rate(case)
        print(f"  {case.title}", file=sys.stderr, flush=True)
    for case in SEEDED:
        yield seeds(case)
    for case in PROFILED:
        yield profile(case)
    yield start()


class Training:
    """Learning under way: what :func:`marlgt.deep.train` does between two evaluations.

    Parameters
    ----------
    case : Case
    n_seeds : int
    device : str
    """

    def __init__(self, case: Case, n_seeds: int = 1, device: str = "cpu") -> None:
        import marlgt.deep
        from marlgt.deep.algorithms.value_algorithm import Spec
        from marlgt.deep.learners.value_learner import ValueLearner
        from marlgt.deep.seeded_environments import SeededEnvs

        self.n_envs, self.n_seeds = case.settings["n_envs"], n_seeds
        filled = max(1_000, 20 * self.n_envs)
        kind = getattr(marlgt.deep, case.name)
        self.algorithm = kind(learning_starts=filled, epsilon_steps=filled, buffer_size=20_000, **case.settings)

        def made() -> Any:
            return self.algorithm.view(marlgt.deep.make_environment(case.task, self.n_envs, device=device))

        self.envs = SeededEnvs(made, range(n_seeds), device)
        self.envs.reset()
        spec = Spec.of(self.envs.envs[0])
        self.learner = ValueLearner(self.algorithm, spec, range(n_seeds), steps=10**9, device=device)
        while self.learner.updates < 20:
            self.step()
        # Rounds take whole cycles, after which no share of an update is left over.
        self.cycle = math.lcm(self.algorithm.update_every, self.n_envs) // self.n_envs

    def step(self) -> None:
        """Take a step in all environments, and the updates that are due."""
        step = self.envs.step(self.learner.act(self.envs))
        self.learner.observe(step, self.envs)
        self.learner.learn()

    def round(self, seconds: float = SECONDS, clock: Callable[[], float] = time.process_time) -> float:
        """Return the seconds of an environment step of all seeds, averaged over some time."""
        started, before = clock(), self.learner.steps
        while clock() - started < seconds:
            for _ in range(self.cycle):
                self.step()
        return (clock() - started) / (self.learner.steps - before)

    def close(self) -> None:
        self.envs.close()


def rate(case: Case) -> Row:
    """Time a training of one seed."""
    training = Training(case)
    found = [training.round() for _ in range(ROUNDS)]
    training.close()
    each, median = min(found), statistics.median(found)
    return Row(
        area=AREA,
        case=case.title,
        ours=each,
        peers={name: 1 / (each * theirs) for name, theirs in case.peers.items()},
        goal=dict(case.goal),
        note=case.note,
        facts={"steps a second": 1 / each, "in the median round": 1 / median},
    )


def seeds(case: Case) -> Row:
    """Time eight seeds in one process against one."""
    one, many = Training(case), Training(case, MANY)
    pairs = [(one.round(), many.round()) for _ in range(ROUNDS)]
    one.close()
    many.close()
    alone, together = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
    ratio = together / alone
    return Row(
        area=AREA,
        case=f"{MANY} seeds at once: {case.title}",
        ours=together / MANY,
        facts={
            "times the seconds of one seed": ratio,
            "in the median round": statistics.median(pair[1] / pair[0] for pair in pairs),
            "steps a second, of all seeds": MANY / together,
            "seeds for the price of one": MANY / ratio,
        },
        facts_goal={"seeds for the price of one": MANY / SEEDS_ASKED},
    )


def profile(case: Case) -> Row:
    """Time the parts of a training, in microseconds for one step of one environment."""
    training = Training(case)
    whole = min(training.round() for _ in range(ROUNDS))
    learner, envs, algorithm = training.learner, training.envs, training.algorithm
    actions = learner.act(envs)
    step = envs.step(actions)
    generators = learner.generators

    def sample() -> Any:
        return learner.replay.sample(
            algorithm.batch_size,
            list(generators.values())[1],
            length=algorithm.window if algorithm.recurrent else 1,
            n_steps=algorithm.n_steps,
            discount=algorithm.discount,
        )

    batch = sample()

    def forward() -> Any:
        loss = algorithm.loss(learner.online, learner.target, batch, list(generators.values())[2])
        return loss.elements.mean((1, 2)).sum()

    def both() -> None:
        learner.parameters.zero_gradients()
        forward().backward()

    per_step = {
        "environment": least(lambda: envs.step(actions)) / training.n_envs,
        "acting": least(lambda: learner.act(envs)) / training.n_envs,
        "remembering": least(lambda: learner.observe(step, envs)) / training.n_envs,
    }
    taken = {"sampling": least(sample), "loss": least(forward), "both": least(both)}
    taken["backward"] = taken.pop("both") - taken["loss"]
    taken["optimiser"] = least(learner.optimiser.step)
    parts = per_step | {name: seconds / algorithm.update_every for name, seconds in taken.items()}
    parts["rest"] = whole - sum(parts.values())
    training.close()
    return Row(
        area=AREA,
        case=f"profile: {case.title}",
        ours=whole,
        facts={f"{name} (us)": 1e6 * seconds for name, seconds in parts.items()},
    )


def least(call: Callable[[], object], *, rounds: int = ROUNDS, seconds: float = 0.1) -> float:
    """Return the CPU seconds of a call, the least of several rounds."""
    for _ in range(5):
        call()
    started = time.process_time()
    call()
    repeats = max(5, round(seconds / max(time.process_time() - started, 1e-6)))
    found = []
    for _ in range(rounds):
        started = time.process_time()
        for _ in range(repeats):
            call()
        found.append((time.process_time() - started) / repeats)
    return min(found)


def start() -> Row:
    """Time a fresh process to the end of a short training."""
    taken = [cpu_seconds(START) for _ in range(ROUNDS)]
    torch = min(cpu_seconds("import torch") for _ in range(ROUNDS))
    each = min(taken)
    return Row(
        area=AREA,
        case="a fresh process that imports marlgt.deep and trains for 200 steps and 34 updates",
        ours=each,
        facts={
            "in the median process": statistics.median(taken),
            "of which import torch": torch,
            "CPU-seconds below 2.5": START_ASKED - each,
        },
        facts_goal={"CPU-seconds below 2.5": 0.0},
    )
