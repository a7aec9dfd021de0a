"""All algorithms: what they bootstrap from, what they may do, and that each runs on each kind of environment."""

import numpy as np
import pytest
import torch

from marlgt.deep import (
    C51,
    DQN,
    IDQN,
    IQN,
    JALAM,
    QMIX,
    QRDQN,
    QTRAN,
    VDN,
    CentralQ,
    NStepDQN,
    Rainbow,
    evaluate,
    train,
)
from marlgt.deep.algorithms.naming import ALGORITHMS, algorithm_named
from marlgt.deep.learners import learner
from marlgt.errors import BudgetExceeded, GameError

SMALL = {"hidden": (16,), "n_envs": 4, "batch_size": 16, "update_every": 4, "learning_starts": 40}
TOY = {
    **SMALL,
    "n_envs": 10,
    "lr": 1e-2,
    "lr_end": 1e-3,
    "discount": 0.8,
    "target_rate": 0.2,
    "epsilon_end": 1.0,
    "update_every": 2,
    "learning_starts": 10,
}
RECURRENT = {"recurrent": True, "sequence_length": 5, "batch_size": 8, "update_every": 4, "learning_starts": 60}


def test_the_names_of_all_algorithms_lead_to_them():
    assert set(ALGORITHMS) == {algorithm_named(name.lower()).name for name in ALGORITHMS}
    with pytest.raises(GameError, match="there is no algorithm 'QMIXX'; did you mean QMIX"):
        algorithm_named("QMIXX")


def team_values(run, observation, memory=None):
    """Return what the team's greedy joint action is worth in an observation that all agents have, and the memory."""
    algorithm, module, spec = run.algorithm, run.module, run.spec
    seen = torch.as_tensor(observation, dtype=torch.float32).expand(len(run.record.seeds), 1, spec.n_agents, -1)
    with torch.no_grad():
        values, after = algorithm.values(module, seen, memory)
        best = values.max(-1).values
        if isinstance(algorithm, QTRAN):
            features, _ = module.agents.act_features(seen, memory)
            by_agent = module.agents.by_agent(features, 1)[:, 0]
            value = module.joint(by_agent, values.argmax(-1), seen.flatten(2))
        elif isinstance(algorithm, VDN):
            value = module.mixer(best, seen.flatten(2))
        else:
            value = best.sum(-1)
    return value[:, 0].numpy(), after


LEARNERS = [
    DQN(**TOY),
    NStepDQN(**TOY),
    IDQN(share="none", **TOY),
    QRDQN(n_quantiles=5, **TOY),
    C51(v_min=0.0, v_max=6.0, **TOY),
    IQN(n_cosines=16, **TOY),
    JALAM(**TOY),
    VDN(**TOY),
    QMIX(embedding=8, **TOY),
    QTRAN(**TOY),
    QTRAN(variant="alt", joint="table", **TOY),
    IDQN(**{**TOY, **RECURRENT}),
    C51(v_min=0.0, v_max=6.0, **{**TOY, **RECURRENT, "trace": 0.0, "update_every": 2}),
    VDN(**{**TOY, **RECURRENT}),
    QMIX(embedding=8, **{**TOY, **RECURRENT}),
    QTRAN(**{**TOY, **RECURRENT}),
]


def titled(algorithm):
    return f"{algorithm.name}-{getattr(algorithm, 'variant', '')}{'-recurrent' * algorithm.recurrent}"


@pytest.mark.parametrize("algorithm", LEARNERS, ids=titled)
def test_a_truncated_episode_is_worth_what_would_follow_and_a_terminated_one_what_it_paid(algorithm, clock):
    endless = 1 / (1 - 0.8)
    # Each of two agents is paid half a team's reward; those who learn alone have half of its value each.
    run = train(algorithm, lambda: clock(length=5), steps=600, episodes=1, evaluate_every=600)
    memory, seen = None, []
    for _ in range(5):
        value, memory = team_values(run, [1.0], memory)
        seen.append(float(value[0]))
    assert seen == pytest.approx([endless] * 5, abs=0.35)
    run = train(algorithm, lambda: clock(length=3, terminates=True, timed=True), steps=600, episodes=1)
    memory = None
    for time in range(3):
        value, memory = team_values(run, np.eye(4)[time], memory)
        assert float(value[0]) == pytest.approx(sum(0.8**k for k in range(3 - time)), abs=0.2)


@pytest.mark.parametrize(
    "algorithm", [*LEARNERS[:5], *LEARNERS[7:11], LEARNERS[13], CentralQ(**TOY), JALAM(**TOY)], ids=titled
)
def test_actions_that_are_not_allowed_are_neither_taken_nor_bootstrapped_from(algorithm, clock, monkeypatch):
    """The network believes them to be worth a thousand, and the environment raises if one is taken."""
    drawn = learner.initialise

    def tempted(module, generators):
        drawn(module, generators)
        bias = module.agents.head.streams.advantages.bias.data
        n_atoms = module.agents.head.streams.n_atoms
        if isinstance(algorithm, (CentralQ, JALAM)):
            joint = torch.arange(9)
            bias[..., (joint % 3 == 2) | (joint // 3 == 2)] += 1000.0
        elif isinstance(algorithm, C51):
            bias[..., -1] += 1000.0
        else:
            bias[..., -n_atoms:] += 1000.0

    monkeypatch.setattr(learner, "initialise", tempted)
    run = train(algorithm, lambda: clock(length=5, masks=True), steps=600, episodes=2, evaluate_every=300)
    allowed = torch.tensor([True, True, False])
    seen = torch.ones(1, 1, run.spec.n_agents, run.spec.observation_size)
    with torch.no_grad():
        values, _ = algorithm.values(run.module, seen, None)
    if isinstance(algorithm, (QTRAN, CentralQ, JALAM)):
        # The joint values are not the utilities, or include what was never tried; models of two actions err by log 2.
        assert torch.isfinite(values).all()
        assert run.curve.losses[-1, 0] < 1.5
        return
    likely = values[0, 0].masked_fill(~allowed, -torch.inf).max(-1).values
    with torch.no_grad():
        mixes = hasattr(run.module, "mixer")
        total = run.module.mixer(likely[None, None], seen.flatten(2)) if mixes else likely.sum()
    assert float(total) == pytest.approx(5.0, abs=0.6)


ENVIRONMENTS = {
    "matrix": "climbing:repeats=5",
    "stochastic": "two_step_game",
    "foraging": "Foraging-5x5-2p-1f-v3",
    "drones": "multihover:n_drones=2,seconds=1",
    "gymnasium": None,
    "pettingzoo": None,
}

# Each row of parts meets each kind of environment, in turn, with a way to share.
PARTS = {
    "DQN": [{}, {"frames": 3, "huber": 1.0}, {"recurrent": True, "sequence_length": 4, "normalised": True}],
    "DoubleDQN": [{"dueling": True, "prioritised": True}, {"standardise_rewards": True, "clip": None}],
    "DuelingDQN": [{"stream": 8, "frames": 2}, {"recurrent": True, "sequence_length": 3, "noisy": True}],
    "PrioritisedDQN": [{"recurrent": True, "sequence_length": 3}, {"n_steps": 4, "target_rate": 0.05}],
    "NStepDQN": [{"standardise_rewards": True}, {"frames": 2, "agent_ids": False}],
    "NoisyDQN": [{"stream": 8, "dueling": True}, {"prioritised": True, "n_steps": 3}],
    "C51": [{"v_max": 3.0}, {"recurrent": True, "trace": 0.0, "sequence_length": 3, "dueling": True}],
    "QRDQN": [{"n_steps": 2, "prioritised": True}, {"recurrent": True, "trace": 0.0, "sequence_length": 3}],
    "IQN": [{"double": True, "noisy": True}, {"recurrent": True, "trace": 0.0, "sequence_length": 3}],
    "Rainbow": [
        {"stream": 8},
        {"distributional": False, "huber": 1.0, "frames": 2, "averaged_policy": True, "target_rate": 0.1},
    ],
    "IDQN": [{"recurrent": True, "sequence_length": 5, "prioritised": True}, {"noisy": True, "n_steps": 2}],
    "CentralQ": [{"prioritised": True}, {"recurrent": True, "sequence_length": 4, "dueling": True}],
    "VDN": [{"n_steps": 3, "prioritised": True, "huber": 1.0}, {"recurrent": True, "trace": 1.0, "frames": 2}],
    "QMIX": [{"hypernetwork_layers": 2, "noisy": True}, {"recurrent": True, "monotone": "softplus"}],
    "QTRAN": [{"variant": "alt", "n_steps": 2}, {"recurrent": True, "joint": "table"}, {"prioritised": True}],
    "JALAM": [{"n_samples": 5, "prioritised": True}, {"recurrent": True, "sequence_length": 3}, {"dueling": True}],
}
SHARES = ["all", "none", (0, 1)]


def combinations():
    for row, (name, parts) in enumerate(PARTS.items()):
        for column, kind in enumerate(ENVIRONMENTS):
            share = SHARES[(row + column) % 3]
            yield name, kind, parts[(column + row // 2) % len(parts)], share


def test_the_combinations_name_every_algorithm_and_use_every_part():
    assert set(PARTS) == {name for name in ALGORITHMS if not algorithm_named(name).on_policy}
    used = {(name, str(parts)) for name, _, parts, _ in combinations()}
    assert used == {(name, str(parts)) for name, rows in PARTS.items() for parts in rows}


@pytest.mark.parametrize(
    ("name", "kind", "parts", "share"), list(combinations()), ids=lambda part: part if isinstance(part, str) else ""
)
def test_every_algorithm_learns_on_every_kind_of_environment(name, kind, parts, share, clock, walk):
    task = {"gymnasium": lambda: walk(masks=True), "pettingzoo": lambda: clock(masks=True)}.get(
        kind, ENVIRONMENTS[kind]
    )
    kind_of = algorithm_named(name)
    if share == (0, 1) and (kind == "gymnasium" or name == "CentralQ"):
        share = "none"
    algorithm = kind_of(**{**SMALL, "n_envs": 6, "update_every": 20, "share": share, **parts})
    run = train(algorithm, task, steps=300, episodes=2, evaluate_every=300, seeds=(1, 2))
    assert run.record.status == "finished"
    assert run.curve.steps.tolist() == [0, 300]
    assert np.isfinite(run.curve.returns).all()
    assert np.isfinite(run.curve.losses[-1]).all()
    parameters = list(run.module.parameters())
    assert all(bool(torch.isfinite(parameter).all()) for parameter in parameters)
    spec = run.spec
    agents = 1 if name == "CentralQ" or kind == "gymnasium" else 2
    assert spec.n_agents == agents
    policy = run.policy()
    policy.begin()
    seen = torch.zeros(2, 5, spec.n_agents, spec.observation_size)
    actions = policy.act(seen)
    assert actions.shape == (2, 5, agents)
    assert actions.dtype == torch.int64
    assert int(actions.min()) >= 0
    assert int(actions.max()) < spec.n_actions
    played = evaluate(run, episodes=3, epsilon=0.3)
    assert played.returns.shape == (2, 3, agents)
    assert played.lengths.min() >= 1


def test_groups_of_agents_may_share_a_network(clock):
    run = train(VDN(share=(0, 1, 0), **SMALL), lambda: clock(n_agents=3), steps=200, episodes=1)
    assert run.module.agents.torso.layers[0].weight.shape[0] == 2


@pytest.mark.parametrize("frames", [1, 2])
def test_a_mask_that_is_told_at_the_first_reset_is_kept_also_under_a_stack_of_frames(frames, walk):
    run = train(DQN(frames=frames, epsilon_end=1.0, **SMALL), lambda: walk(masks=True), steps=400, episodes=2)
    assert run.spec.masked


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: QTRAN(variant="third"), "variant must be one of 'base', 'alt', got 'third'"),
        (lambda: QTRAN(joint="sum"), "joint must be one of 'network', 'table', got 'sum'"),
        (lambda: QTRAN(huber=1.0), "QTRAN squares its errors"),
        (lambda: JALAM(huber=1.0), "JALAM squares its errors"),
        (lambda: JALAM(double=True), "leave double False"),
        (lambda: JALAM(n_samples=0), "n_samples must be a whole number of at least 1"),
        (lambda: C51(huber=1.0), "C51 descends on a cross-entropy"),
        (lambda: Rainbow(huber=1.0), "Rainbow descends on a cross-entropy"),
        (lambda: C51(recurrent=True), "distributions are learnt from single steps: set trace=0"),
        (lambda: C51(v_min=1.0, v_max=0.0), "finite bounds"),
        (lambda: QRDQN(huber=1.0), "set kappa, and leave huber None"),
        (lambda: QRDQN(recurrent=True), "set trace=0"),
        (lambda: QRDQN(n_quantiles=0), "at least one quantile"),
        (lambda: IQN(n_samples=0), "n_samples must be a whole number of at least 1"),
        (lambda: IQN(huber=1.0), "set kappa, and leave huber None"),
        (lambda: IQN(recurrent=True), "set trace=0"),
        (lambda: IQN(kappa=-1.0), "kappa"),
        (lambda: DQN(n_envs=0), "n_envs must be a whole number of at least 1, got 0"),
        (lambda: DQN(discount=1.5), "discount must be a number from 0 to 1, got 1.5"),
        (lambda: DQN(lr=0.0), "lr must be a number above 0, got 0.0"),
        (lambda: DQN(target_rate=2.0), "target_rate must be at most 1"),
        (lambda: DQN(epsilon_start=0.1, epsilon_end=0.5), "epsilon_end must not exceed epsilon_start"),
        (lambda: DQN(hidden=()), "hidden must be a tuple of widths"),
        (lambda: DQN(recurrent=True, n_steps=3), "set trace, not n_steps"),
        (lambda: DQN(buffer_size=10), "buffer_size must hold 2 steps of each of the 16 copies, 32 in all, got 10"),
    ],
)
def test_settings_that_do_not_fit_are_refused(make, message):
    with pytest.raises(GameError, match=message):
        make()


@pytest.mark.parametrize("algorithm", [JALAM(**SMALL), CentralQ(**SMALL)], ids=titled)
def test_joint_actions_beyond_a_table_are_refused(algorithm, clock):
    with pytest.raises(BudgetExceeded, match="4,096"):
        train(algorithm, lambda: clock(n_agents=8), steps=10)
