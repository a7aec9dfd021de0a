"""What may go wrong with policies: odd rewards, odd episodes, odd actions, broken gradients, files that do not fit."""

import dataclasses
import json
import shutil
import typing

import numpy as np
import pytest
import torch
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from marlgt.deep import (
    A2C,
    COMA,
    GMAC,
    IPPO,
    MAPPO,
    PPO,
    REINFORCE,
    TRPO,
    VDN,
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
from marlgt.errors import BudgetExceeded, GameError, UnreadableFile, UnsupportedGame
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


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        (PPO, {"minibatches": 33}, r"at most the 32 rows of a rollout \(4 copies of 8 steps\), got 33"),
        (TRPO, {"minibatches": 33}, "at most the 32 rows of a rollout"),
        (PPO, {"recurrent": True, "sequence_length": 4, "minibatches": 9}, "at most the 8 rows of a rollout"),
        (PPO, {"recurrent": True, "sequence_length": 3}, "rollout_steps must be a multiple of sequence_length"),
        (PPO, {"trace": 1.5}, "trace must be a number from 0 to 1"),
        (PPO, {"value_weight": -1.0}, "value_weight must not be negative"),
        (PPO, {"entropy_weight": -1.0}, "entropy_weight must not be negative"),
        (PPO, {"entropy_weight_end": -0.1}, "entropy_weight_end must not be negative"),
        (PPO, {"kl_limit": 0.0}, "kl_limit must be a number above 0"),
        (PPO, {"ratio_clip": 0.0}, "ratio_clip must be a number above 0"),
        (PPO, {"critic": "mixture", "value_clip": 0.2}, "value_clip is for a scalar critic"),
        (GMAC, {"huber": 1.0}, "huber is for a scalar critic"),
        (PPO, {"baseline": "mode"}, "a baseline of 'mode' is a mixture critic's"),
        (PPO, {"initial_log_scale": 3.0}, "initial_log_scale must be a number from -5 to 2, got 3"),
        (PPO, {"v_min": 1.0, "v_max": 1.0}, "v_min must be less than v_max"),
        (MAPPO, {"shared_torso": True}, "cannot share the policy's layers"),
        (REINFORCE, {"trace": 0.9}, "REINFORCE learns from whole returns"),
        (TRPO, {"epochs": 2}, "TRPO takes one step of the policy"),
        (TRPO, {"kl_limit": 0.1}, "give TRPO's kl_radius"),
        (TRPO, {"kl_radius": 0.0}, "kl_radius must be a number above 0"),
        (TRPO, {"damping": -0.1}, "damping must not be negative"),
        (TRPO, {"shared_torso": True}, "out of its radius"),
        (COMA, {"critic": "mixture"}, "critic must be 'scalar' for COMA"),
        (CentralCritic, {"target_period": 0}, "target_period must be a whole number of at least 1"),
        (CentralCritic, {"value_weight": 0.0}, "value_weight must be above 0"),
    ],
)
def test_settings_that_do_not_fit_are_one_sentence(kind, changes, message):
    with pytest.raises(GameError, match=message):
        kind(**(QUICK | changes))


FIELDS = [
    (name, field.name, typing.get_type_hints(KINDS[name])[field.name])
    for name in POLICIES
    for field in dataclasses.fields(KINDS[name])
]
SMALL = {"n_envs": 2, "rollout_steps": 4, "hidden": (4,), "minibatches": 1, "samples": 4, "sequence_length": 2}


def near(hint):
    """Values of a type that somebody might give to a setting, small ones, so that what is accepted can be trained."""
    if typing.get_origin(hint) is typing.Literal:
        return st.sampled_from(typing.get_args(hint))
    kinds = {hint, *typing.get_args(hint)}
    chosen = [st.booleans()] if bool in kinds else []
    chosen += [st.integers(-1, 4)] if int in kinds else []
    chosen += [st.sampled_from([-1.0, 0.0, 1e-3, 0.5, 1.0, 3.0])] if float in kinds else []
    chosen += [st.none()] if type(None) in kinds else []
    return st.one_of(chosen or [st.just((0, 1))])


@settings(max_examples=60, deadline=None)
@given(data=st.data(), name=st.sampled_from(POLICIES), count=st.integers(1, 4))
def test_any_settings_are_refused_in_a_sentence_or_train_to_finite_networks(data, name, count):
    known = [entry for entry in FIELDS if entry[0] == name and entry[1] not in ("frames", "one_hot", "share", "hidden")]
    chosen = data.draw(st.lists(st.sampled_from(known), min_size=count, max_size=count, unique_by=lambda e: e[1]))
    changes = {field: data.draw(near(hint), label=field) for _, field, hint in chosen}
    told = ""
    try:
        algorithm = KINDS[name](**(SMALL | changes))
        run = train(algorithm, "climbing:repeats=2", steps=24, episodes=1, evaluate_every=24)
    except GameError as error:
        told = str(error)
    assert 20 < len(told) < 400 or torch.isfinite(numbers(run)).all()


@pytest.mark.parametrize("name", DIFFERENT)
def test_a_single_copy_of_a_single_step_will_do(name):
    algorithm = KINDS[name](n_envs=1, rollout_steps=1, minibatches=1, hidden=(4,), samples=4)
    run = train(algorithm, team(1.0), steps=6, episodes=1)
    assert torch.isfinite(numbers(run)).all()
    assert run.record.steps_done == 6


def test_steps_that_fill_no_rollout_leave_the_networks_as_they_began():
    first, second = (train(PPO(**QUICK), team(1.0), steps=steps, episodes=1) for steps in (1, 4))
    assert torch.equal(numbers(first), numbers(second))
    assert np.isnan(first.curve.losses).all()
    assert np.isnan(first.curve.exploration).all()


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


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A run of PPO that could go on."""
    folder, algorithm = tmp_path_factory.mktemp("runs") / "ppo", PPO(**QUICK, minibatches=2)
    step, calls = MatrixEpisodes.step, []

    def interrupted(self, actions):
        calls.append(self.n_envs)
        if calls.count(4) > 50:
            raise KeyboardInterrupt
        return step(self, actions)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MatrixEpisodes, "step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(algorithm, "climbing", folder=folder, **PLAN)
    return folder


@pytest.fixture
def copied(stopped, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(stopped, folder)
    return folder


def rewrite(folder, change):
    told = json.loads((folder / "run.json").read_text())
    change(told)
    (folder / "run.json").write_text(json.dumps(told))


def test_the_run_that_the_next_tests_damage_goes_on_when_it_is_whole(copied):
    assert resume(copied).record.status == "finished"


@pytest.mark.parametrize("name", ["checkpoint.safetensors", "policy.safetensors"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_files_that_were_cut_short_are_told(copied, name, share):
    path = copied / name
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(UnreadableFile, match=name):
        resume(copied) if name.startswith("checkpoint") else load_run(copied)


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden": [16]},
        {"critic": "mixture"},
        {"shared_torso": True},
        {"normalise_observations": True},
        {"recurrent": True},
    ],
    ids=str,
)
def test_networks_of_another_architecture_are_told(copied, changes):
    changes = {"sequence_length": 8} | changes
    rewrite(copied, lambda told: told["settings"].update(changes))
    with pytest.raises(UnreadableFile, match=r"does not fit the settings in run\.json"):
        load_run(copied)
    with pytest.raises(UnreadableFile):
        resume(copied)


@pytest.mark.parametrize("name", ["DQN", "QMIX", "MAPPO", "COMA", "GMAC", "TRPO"])
def test_a_run_of_policies_is_not_taken_for_another_algorithm(copied, name):
    known = {field.name for field in dataclasses.fields(algorithm_named(name))}

    def renamed(told):
        told["algorithm"] = name
        told["settings"] = {key: told["settings"][key] for key in ("n_envs", "hidden", "rollout_steps") if key in known}

    rewrite(copied, renamed)
    with pytest.raises(UnreadableFile):
        resume(copied)


def test_a_run_of_values_is_not_taken_for_policies(tmp_path):
    algorithm = VDN(n_envs=4, learning_starts=16, hidden=(8,))
    train(algorithm, "climbing:repeats=2", steps=64, episodes=1, folder=tmp_path / "a")
    rewrite(tmp_path / "a", lambda told: told.update(algorithm="PPO", settings={"hidden": [8]}))
    with pytest.raises(UnreadableFile, match=r"does not fit the settings in run\.json"):
        load_run(tmp_path / "a")


def test_weights_that_are_no_numbers_are_told_when_a_run_is_read(copied):
    path = copied / "policy.safetensors"
    tensors = load_file(path)
    name = sorted(tensors)[0]
    tensors[name] = tensors[name][..., :0]
    save_file(tensors, path)
    with pytest.raises(UnreadableFile, match=r"policy\.safetensors"):
        load_run(copied)
