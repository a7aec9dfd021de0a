"""What may go wrong with policies under way: odd rewards, odd episodes, odd actions, broken gradients."""

import json
import typing

import numpy as np
import pytest
import torch
from gymnasium import spaces

from marlgt.deep import (
    A2C,
    COMA,
    GMAC,
    IPPO,
    MAPPO,
    PPO,
    REINFORCE,
    TRPO,
    CentralCritic,
    evaluate,
    load_run,
    make_environment,
    resume,
    train,
)
from marlgt.deep.algorithms.naming import ALGORITHMS, algorithm_named
from marlgt.deep.environments.catalogue_games import MatrixEpisodes
from marlgt.deep.environments.protocol import EnvironmentFailed
from marlgt.deep.finiteness import NotFinite
from marlgt.deep.learners.policy_learner import PolicyLearner
from marlgt.errors import BudgetExceeded, GameError, UnsupportedGame
from marlgt.games import NormalFormGame

QUICK = {"n_envs": 4, "rollout_steps": 8, "hidden": (8,)}
POLICIES = [name for name in ALGORITHMS if algorithm_named(name).on_policy]
KINDS = {name: algorithm_named(name) for name in POLICIES}
DIFFERENT = ("REINFORCE", "A2C", "PPO", "TRPO", "MAPPO", "CentralCritic", "COMA", "GMAC")
"""Those of which no other is just another name for several agents."""
PLAN = {"steps": 320, "episodes": 2, "checkpoint_every": 64, "evaluate_every": 64}


def numbers(run):
    return torch.cat([parameter.detach().reshape(-1) for parameter in run.module.parameters()])


def status(folder):
    told = json.loads((folder / "run.json").read_text())
    return told["status"], told["reason"]


class Told:
    """An environment of one agent that is told what to pay, when to end, and which actions there are."""

    spec = None
    metadata: typing.ClassVar = {}
    render_mode = None

    def __init__(self, *, pay=lambda action: 0.0, length=5, actions=None):
        self.observation_space = spaces.Box(-1, 1, (2,), np.float32)
        self.action_space = spaces.Discrete(2) if actions is None else actions
        self.pay, self.length, self.given = pay, length, []

    def reset(self, *, seed=None, options=None):
        self.time = 0
        return np.zeros(2, np.float32), {}

    def step(self, action):
        self.time += 1
        self.given.append(action)
        return np.zeros(2, np.float32), float(self.pay(action)), self.time == self.length, False, {}

    def close(self):
        """Nothing is open."""


def team(scale):
    """A game of two in which both should play 1: it pays `scale`, all else nothing."""
    return NormalFormGame(np.stack([np.diag([0.0, scale])] * 2))


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize(
    "algorithm",
    [
        PPO(n_envs=16, rollout_steps=8, lr=1e-2, hidden=(16,), normalise_values=True),
        PPO(n_envs=16, rollout_steps=8, lr=1e-2, hidden=(16,), normalise_rewards=True),
        GMAC(n_envs=16, rollout_steps=8, epochs=2, minibatches=2, lr=1e-2, hidden=(16,), samples=8),
        TRPO(n_envs=16, rollout_steps=8, minibatches=1, hidden=(16,), kl_radius=0.03, normalise_values=True),
        A2C(n_envs=16, rollout_steps=8, lr=1e-2, hidden=(16,), normalise_advantages=True, normalise_rewards=True),
    ],
    ids=["PPO, values", "PPO, rewards", "GMAC", "TRPO", "A2C"],
)
def test_what_is_normalised_is_learnt_at_every_scale_of_rewards(algorithm, scale):
    run = train(algorithm, team(scale), steps=2560, seeds=(0, 1), episodes=1, evaluate_every=2560)
    assert np.allclose(run.curve.final, scale)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
@pytest.mark.parametrize("name", DIFFERENT)
def test_no_scale_of_rewards_leads_to_numbers_that_are_not_finite(name, scale):
    run = train(KINDS[name](**QUICK, minibatches=1), team(scale), steps=320, episodes=1, evaluate_every=320)
    assert torch.isfinite(numbers(run)).all()
    assert np.isfinite(run.curve.losses[-1]).all()


@pytest.mark.parametrize("normalised", ["normalise_values", "normalise_rewards", "normalise_advantages", None])
@pytest.mark.parametrize("name", ["PPO", "GMAC", "TRPO", "A2C", "REINFORCE"])
def test_rewards_that_never_change_teach_nothing_and_break_nothing(name, normalised):
    switches = {} if normalised is None else {normalised: True}
    for pay in (0.0, -7.0):
        algorithm = KINDS[name](**QUICK, minibatches=1, **switches)
        run = train(algorithm, lambda pay=pay: Told(pay=lambda _: pay), steps=160, episodes=1, evaluate_every=160)
        assert torch.isfinite(numbers(run)).all()
        assert run.curve.final[0] == 5 * pay


def test_advantages_without_variance_leave_a_policy_as_it_is():
    algorithm = PPO(**QUICK, minibatches=1, value_weight=0.0, discount=0.0, trace=0.0, lr=0.1)
    run = train(algorithm, lambda: Told(pay=lambda _: 3.0, length=1), steps=320, episodes=1)
    # Advantages over their own deviation would blow up what rounding has left of them.
    assert run.curve.exploration[-1] == pytest.approx(np.log(2), abs=1e-3)


@pytest.mark.parametrize("name", DIFFERENT)
def test_episodes_of_one_step_are_learnt_from(name):
    run = train(KINDS[name](**QUICK, minibatches=1), team(1.0), steps=160, episodes=2)
    assert torch.isfinite(numbers(run)).all()
    assert (run.curve.lengths == 1).all()


def test_the_best_action_of_a_single_step_is_found():
    found = train(
        REINFORCE(lr=3e-2, n_envs=16, rollout_steps=8, hidden=(8,)),
        lambda: Told(pay=lambda action: action == 1, length=1),
        steps=5120,
        episodes=1,
    )
    assert found.curve.final[0] == 1.0


def test_an_environment_that_never_ends_is_trained_on_and_told_when_it_is_evaluated(monkeypatch):
    from marlgt.deep import evaluation

    monkeypatch.setattr(evaluation, "LONGEST", 50)
    with pytest.raises(BudgetExceeded, match="has not ended after 50 steps: give the task a limit of time"):
        train(PPO(**QUICK), lambda: Told(length=-1), steps=64, episodes=1)


def test_rollouts_of_an_environment_that_never_ends_are_learnt_from():
    from marlgt.deep.algorithms.value_algorithm import Spec
    from marlgt.deep.seeded_environments import SeededEnvs

    envs = SeededEnvs(lambda: make_environment(lambda: Told(pay=lambda a: a == 1, length=-1), 4), [0], "cpu")
    envs.reset()
    algorithm = A2C(**QUICK, lr=2e-2, discount=0.9)
    learner = algorithm.learner(Spec.of(envs.envs[0]), [0], steps=10_000, device="cpu")
    for _ in range(600):
        learner.observe(envs.step(learner.act(envs)), envs)
        learner.learn()
    assert int(learner.policy().act(envs.observations)[0, 0, 0]) == 1
    values, _ = learner.products.values(envs.observations.unsqueeze(1), None, learner._memories, None)
    # What is paid for ever, 1 / (1 - discount) = 10.
    assert float(values.detach().mean()) == pytest.approx(10.0, rel=0.25)
    envs.close()


def test_actions_outside_of_the_bounds_are_clipped_before_the_environment_has_them():
    made = []

    def make():
        made.append(Told(actions=spaces.Box(-2.0, 6.0, (1,), np.float32), pay=lambda action: float(action[0])))
        return made[-1]

    run = train(PPO(**QUICK, minibatches=1, initial_log_scale=2.0), make, steps=160, episodes=1)
    given = np.concatenate([env.given for env in made if env.given]).ravel()
    assert given.min() == -2.0
    assert given.max() == 6.0
    assert torch.isfinite(numbers(run)).all()


def test_an_action_that_is_no_number_is_told_with_its_place():
    env = make_environment("Pendulum-v1", 3, continuous=True)
    env.reset(0)
    actions = np.zeros((3, 1, 1), np.float32)
    actions[2] = np.nan
    with pytest.raises(GameError, match=r"actions\[2, 0, 0\] of Pendulum-v1 is not a number"):
        env.step(actions)
    env.step(np.full((3, 1, 1), np.inf))
    assert np.isfinite(env.observations).all()


@pytest.mark.parametrize("name", ["A2C", "PPO", "GMAC", "MAPPO", "TRPO", "COMA"])
def test_gradients_that_are_no_numbers_stop_the_run_and_name_step_and_weights(name, tmp_path, monkeypatch):
    descend, calls = PolicyLearner.descend_on, []

    def poisoned(self, losses, active=None):
        calls.append(1)
        descend(self, losses, active)
        if len(calls) > 4 * self.algorithm.epochs * self.algorithm.minibatches:
            self.parameters.values[:3] = torch.nan

    algorithm = KINDS[name](**QUICK, minibatches=1)
    with monkeypatch.context() as patch:
        patch.setattr(PolicyLearner, "descend_on", poisoned)
        with pytest.raises(
            NotFinite, match=r"environment step \d+, update \d+: the weights .* held a number"
        ) as failed:
            train(algorithm, team(1.0), folder=tmp_path / "run", **PLAN)
    assert status(tmp_path / "run") == ("failed", str(failed.value))
    assert torch.isfinite(numbers(load_run(tmp_path / "run"))).all()
    assert resume(tmp_path / "run", task=team(1.0)).record.status == "finished"


@pytest.mark.parametrize("name", ["A2C", "PPO", "GMAC", "TRPO"])
def test_a_loss_that_is_no_number_is_told_before_it_reaches_the_weights(name, tmp_path, monkeypatch):
    kind = KINDS[name]
    told = kind.value_losses

    def broken(self, critic, outputs, targets, before):
        return told(self, critic, outputs, targets, before) * torch.nan

    with monkeypatch.context() as patch:
        patch.setattr(kind, "value_losses", broken)
        with pytest.raises(NotFinite, match=r"update \d+: the loss, whose values grew beyond all bounds"):
            train(kind(**QUICK, minibatches=1), team(1.0), folder=tmp_path / "run", **PLAN)
    assert torch.isfinite(numbers(load_run(tmp_path / "run"))).all()


@pytest.mark.parametrize("name", DIFFERENT)
def test_a_learning_rate_beyond_all_bounds_is_told_or_survived(name):
    wild = KINDS[name](**QUICK, minibatches=1, lr=1e38, clip=None)
    told = ""
    try:
        run = train(wild, team(1.0), steps=640, episodes=1)
    except NotFinite as error:
        told = str(error)
    assert "a lower lr, a clip" in told or torch.isfinite(numbers(run)).all()


@pytest.mark.parametrize(("what", "names"), [("rewards", "rewards"), ("reached", "observations")])
@pytest.mark.parametrize("kind", [PPO, GMAC, COMA])
def test_an_environment_that_gives_no_numbers_stops_the_run(kind, what, names, tmp_path, monkeypatch):
    step, calls = MatrixEpisodes.step, []

    def poisoned(self, actions):
        taken = step(self, actions)
        calls.append(1)
        return taken._replace(**{what: np.full_like(getattr(taken, what), np.nan)}) if len(calls) > 60 else taken

    with monkeypatch.context() as patch:
        patch.setattr(MatrixEpisodes, "step", poisoned)
        with pytest.raises(NotFinite, match=rf"after environment step \d+: the {names} of the environment held"):
            train(kind(**QUICK, minibatches=1), "climbing", folder=tmp_path / "run", **PLAN)
    assert torch.isfinite(numbers(load_run(tmp_path / "run"))).all()
    assert resume(tmp_path / "run").record.status == "finished"


@pytest.mark.parametrize("kind", [COMA, CentralCritic])
def test_numbers_as_actions_are_refused_by_critics_of_actions(kind):
    for task in ("Pendulum-v1", "hover1d-gpd"):
        with pytest.raises(UnsupportedGame, match="learners of action values choose from a list: train PPO"):
            train(kind(), task, steps=10)

    def several():
        return Told(actions=spaces.MultiDiscrete([2, 3]))

    with pytest.raises(UnsupportedGame, match="MultiDiscrete space, and learners of action values choose from a list"):
        train(kind(), several, steps=10)


def test_numbers_without_bounds_are_refused_with_a_wrapper_that_helps():
    def boundless():
        return Told(actions=spaces.Box(-np.inf, np.inf, (1,), np.float32))

    with pytest.raises(UnsupportedGame, match=r"have no bounds.*RescaleAction"):
        train(PPO(), boundless, steps=10)


class Forbidding:
    """A parallel environment of two agents, one of whom may do nothing after some steps."""

    possible_agents = ("left", "right")
    left_over = 10**9

    def __init__(self):
        self.agents, self._seen, self._choices = [], spaces.Box(-1, 9, (2,)), spaces.Discrete(3)

    def observation_space(self, agent):
        return self._seen

    def action_space(self, agent):
        return self._choices

    def _views(self):
        Forbidding.left_over -= 1
        mask = np.zeros(3, np.int8) if Forbidding.left_over < 0 else np.int8([1, 0, 1])
        infos = {"left": {"action_mask": np.int8([0, 1, 1])}, "right": {"action_mask": mask}}
        return dict.fromkeys(self.possible_agents, np.zeros(2, np.float32)), infos

    def reset(self, seed=None, options=None):
        self.agents, self.time = list(self.possible_agents), 0
        return self._views()

    def step(self, actions):
        assert actions["left"] != 0
        assert actions["right"] != 1
        self.time += 1
        views, infos = self._views()
        over = dict.fromkeys(self.agents, self.time >= 4)
        paid, no = dict.fromkeys(self.agents, 1.0), dict.fromkeys(self.agents, False)
        self.agents = [] if self.time >= 4 else self.agents
        return views, paid, over, no, infos

    def close(self):
        """Nothing is open."""


@pytest.mark.parametrize("kind", [IPPO, MAPPO, COMA, TRPO])
def test_masks_are_kept_to_and_one_that_forbids_everything_is_told(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(Forbidding, "left_over", 10**9)
    algorithm = kind(**QUICK, minibatches=1)
    run = train(algorithm, Forbidding, steps=160, episodes=2)
    assert torch.isfinite(numbers(run)).all()
    assert evaluate(run, episodes=3, stochastic=True, epsilon=0.5).lengths.min() == 4
    monkeypatch.setattr(Forbidding, "left_over", 200)
    with pytest.raises(EnvironmentFailed, match="the action_mask of right forbids everything"):
        train(algorithm, Forbidding, folder=tmp_path / "run", **(PLAN | {"steps": 3200}))
    assert status(tmp_path / "run")[0] == "failed"
    assert torch.isfinite(numbers(load_run(tmp_path / "run"))).all()
