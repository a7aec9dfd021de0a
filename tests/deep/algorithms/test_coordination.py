"""Coordination: what each way of making a team's value of its agents' reaches, on games small enough to be known."""

import numpy as np
import pytest
import torch

import marlgt as gt
from marlgt.concepts import additive_projection, individual_global_max, monotone_projection, qtran_conditions
from marlgt.deep import DQN, IDQN, PPO, QMIX, QTRAN, VDN, recipe, train
from marlgt.deep.inspection import LearntValues, learnt_values
from marlgt.errors import BudgetExceeded, GameError
from marlgt.games import StochasticGame

QTRAN_MATRIX = np.array([[8.0, -12.0, -12.0], [-12.0, 0.0, 0.0], [-12.0, 0.0, 0.0]])
CLIMBING = np.array([[11.0, -30.0, 0.0], [-30.0, 7.0, 6.0], [0.0, 0.0, 5.0]])
PENALTY = np.array([[10.0, 0.0, -100.0], [0.0, 2.0, 0.0], [-100.0, 0.0, 10.0]])
PAYOFFS = {"qtran_matrix": QTRAN_MATRIX, "climbing": CLIMBING, "penalty:penalty=-100": PENALTY}


def trained(name, task, *, steps=4_000, seeds=4, **changes):
    algorithm = recipe(task).algorithm(name, **changes)
    return train(algorithm, task, steps=steps, seeds=range(seeds), episodes=1, evaluate_every=steps)


def untrained(algorithm, task, seeds=2):
    return train(algorithm, task, steps=algorithm.n_envs, seeds=range(seeds), episodes=1)


@pytest.mark.parametrize("variant", ["base", "alt"])
@pytest.mark.parametrize(("task", "best"), [("qtran_matrix", 8), ("climbing", 11), ("penalty:penalty=-100", 10)])
def test_qtran_finds_the_best_joint_action_and_meets_the_conditions_of_its_theorems(task, best, variant):
    run = trained("QTRAN", task, steps=6_400, variant=variant)
    assert run.curve.final.tolist() == [best] * 4
    values = learnt_values(run)
    assert np.abs(values.joint - PAYOFFS[task]).max() < 0.5
    for seed, greedy in enumerate(values.greedy):
        residual = values.residual[seed]
        assert abs(residual[tuple(greedy)]) < 0.2
        assert residual.min() > -0.5
        if variant == "alt":
            assert np.abs(residual.min(0)).max() < 0.5
            assert np.abs(residual.min(1)).max() < 0.5
        assert individual_global_max(PAYOFFS[task], values.utilities[seed]).holds
    # Penalty games have two best joint actions, whose utilities all but tie.
    if not task.startswith("penalty"):
        found = [
            qtran_conditions(*values_of, value=value, tolerance=0.1)
            for *values_of, value in zip(values.joint, values.utilities, values.state_value)
        ]
        assert all(each.alternative_holds if variant == "alt" else each.holds for each in found)
        assert np.allclose(found[0].residual, values.residual[0], atol=1e-4)


def test_vdn_learns_the_additive_projection_up_to_the_noise_of_its_batches():
    values = learnt_values(trained("VDN", "qtran_matrix", seeds=10))
    # Single rewards are up to 14 beside the best sum of utilities, which leaves each seed about 0.3 from it.
    assert np.abs(values.joint.mean(0) - additive_projection(QTRAN_MATRIX).fit).max() < 0.6
    assert np.allclose(values.joint, values.totals, atol=1e-4)


def test_full_batch_vdn_comes_within_a_twentieth_of_the_additive_projection():
    assert np.abs(full_batch("VDN", 400) - additive_projection(CLIMBING).fit).max() < 0.05


def full_batch(name, updates):
    """Return the joint values after updates on all nine joint actions of climbing at once."""
    from marlgt.deep.algorithms.value_algorithm import Spec
    from marlgt.deep.interrupts import threads_set
    from marlgt.deep.networks.initialising import initialise
    from marlgt.deep.optimisers import Adam, FlatParameters
    from marlgt.deep.replay.store import Batch

    algorithm = recipe("climbing").algorithm(name, double=False)
    module = algorithm.network(Spec(2, 3, 1, 1, True, False), 1)
    initialise(module, [torch.Generator().manual_seed(0)])
    rows = torch.cartesian_prod(torch.arange(3), torch.arange(3))
    ones = torch.ones(1, 1, 9, 2, 1)
    rewards = torch.tensor(CLIMBING, dtype=torch.float32).reshape(1, 1, 9, 1).expand(1, 1, 9, 2)
    never = torch.zeros(1, 1, 9, dtype=torch.bool)
    states = ones[..., 0, :]
    batch = Batch(
        observations=ones, actions=rows.view(1, 1, 9, 2), rewards=rewards, discounts=torch.zeros(1, 1, 9), reached=ones,
        starts=never, ends=~never, allowed=None, reached_allowed=None, states=states, reached_states=states,
        memory=None, weights=torch.ones(1, 9), indices=torch.zeros(1, 9, dtype=torch.int64),
    )  # fmt: skip
    flat = FlatParameters(module, 1)
    optimiser = Adam(flat, 0.01)
    with threads_set(1):
        for update in range(updates):
            flat.zero_gradients()
            algorithm.loss(module, module, batch, []).elements.mean().backward()
            optimiser.lr = 0.01 * (1 - update / updates)
            optimiser.step()
    with torch.no_grad():
        utilities = algorithm.values(module, torch.ones(1, 1, 2, 1), None)[0][0, 0]
    return (utilities[0][:, None] + utilities[1][None, :]).double().numpy()


def test_qmix_settles_where_its_training_leads_and_not_at_the_best_monotone_fit():
    values = learnt_values(trained("QMIX", "qtran_matrix", steps=6_400))
    errors = ((values.joint - QTRAN_MATRIX) ** 2).mean((1, 2))
    best = monotone_projection(QTRAN_MATRIX)
    assert best.squared_error / 9 == pytest.approx(32.0)
    # The local optimum, -8 in the first row and column and 0 elsewhere, has 35.6 (EQUATIONS 167).
    assert errors == pytest.approx(35.56, abs=1.5)
    assert (QTRAN_MATRIX[tuple(values.greedy.T)] == 0).all()


def test_qmix_gets_8_in_the_two_step_game_and_vdn_7():
    game = gt.solve(gt.games.two_step_game())[0]
    mixed, added = trained("QMIX", "two_step_game", steps=12_800), trained("VDN", "two_step_game", steps=6_400)
    assert mixed.curve.final.tolist() == [8.0] * 4
    assert added.curve.final.tolist() == [7.0] * 4
    exact = {0: [[6.93, 6.93], [7.92, 7.92]], 1: [[7.0, 7.0], [7.0, 7.0]], 2: [[0.0, 1.0], [1.0, 8.0]]}
    assert game.state_values[0][:3] == pytest.approx([7.92, 7.0, 8.0])
    for state, wanted in exact.items():
        seen = np.eye(4)[state]
        values = learnt_values(mixed, observations=[seen, seen], state=seen).joint
        assert np.abs(values.max((1, 2)) - game.state_values[0][state]).max() < 0.05
        assert np.abs(values - wanted).max() < 0.5


def test_central_q_learning_learns_climbing_and_agent_models_of_random_others_lead_to_5():
    central = trained("CentralQ", "climbing")
    assert central.curve.final.tolist() == [11.0] * 4
    values = learnt_values(central)
    assert values.greedy.tolist() == [[0, 0]] * 4
    # Where a team seldom goes a penalty may be thought smaller than it is, but never a reward.
    assert np.abs(np.where(CLIMBING >= 0, values.joint - CLIMBING, 0.0)).max() < 1.0
    assert values.joint[:, CLIMBING < 0].max() < -15.0
    # Against others who act at random the row sums -19, -17 and 5 count.
    assert trained("JALAM", "climbing", steps=2_400).curve.final.tolist() == [5.0] * 4


def test_exploring_makes_the_penalty_too_dear_for_sums_of_values():
    for name in ("VDN", "IDQN"):
        assert trained(name, "penalty:penalty=-100", steps=2_400).curve.final.tolist() == [2.0] * 4


@pytest.mark.parametrize("name", ["VDN", "QMIX"])
@pytest.mark.parametrize("situation", range(10))
def test_the_agents_best_actions_are_best_together_for_vdn_and_qmix(name, situation, untrained_runs):
    draws = np.random.default_rng(situation)
    observations, state = draws.normal(size=(2, 4)), draws.normal(size=4)
    values = learnt_values(untrained_runs[name], observations=observations, state=state)
    for seed in range(len(values.joint)):
        assert individual_global_max(values.joint[seed], values.utilities[seed], tolerance=1e-6).holds


@pytest.fixture(scope="module")
def untrained_runs():
    made = {name: recipe("two_step_game").algorithm(name) for name in ("VDN", "QMIX")}
    return {name: untrained(algorithm, "two_step_game", seeds=10) for name, algorithm in made.items()}


def test_independent_learners_break_individual_global_max_in_qtrans_matrix():
    values = learnt_values(trained("IDQN", "qtran_matrix"))
    assert values.joint is None
    found = [individual_global_max(QTRAN_MATRIX, own) for own in values.utilities]
    assert not any(each.holds for each in found)
    assert [each.loss for each in found] == [8.0] * 4


def chain():
    """Return one agent's walk of three places: small change for going back, 1 for arriving."""
    successors = np.array([[[0], [1]], [[0], [2]], [[2], [2]]])
    rewards = np.array([[[0.05, 0.0], [0.0, 1.0], [0.0, 0.0]]])
    return StochasticGame(
        rewards, successors, np.ones((3, 2, 1)), discount=0.9, start=[1, 0, 0], terminal=[False, False, True]
    )


def two_chains():
    """Return a team of two whose rewards add up, in two states between which nothing leads."""
    rewards = np.zeros((3, 2, 2))
    rewards[0] = np.add.outer([0.0, 1.0], [0.0, 0.5])
    rewards[1] = np.add.outer([2.0, 0.0], [0.0, 1.0])
    successors = np.zeros((3, 2, 2, 1), dtype=int)
    successors[0], successors[1], successors[2] = 1, 2, 2
    return StochasticGame(
        np.stack([rewards, rewards]), successors, np.ones(successors.shape), discount=0.9, start=[1, 0, 0],
        terminal=[False, False, True],
    )  # fmt: skip


@pytest.mark.parametrize(("kind", "make"), [(DQN, chain), (VDN, two_chains), (QMIX, two_chains)])
def test_toys_are_solved_exactly(kind, make):
    game = make()
    settings = dict(recipe("two_step_game").settings, discount=0.9, target_period=30)
    run = train(kind(**settings), game, steps=6_400, seeds=range(2), episodes=1, evaluate_every=6_400)
    exact = np.asarray(gt.solve(game)[0].state_values, dtype=float)[0]
    for state in np.flatnonzero(~game.terminal):
        seen = np.eye(3)[state]
        values = learnt_values(run, observations=[seen] * game.n_players, state=seen)
        best = values.utilities.max(-1)[:, 0] if values.joint is None else values.joint.reshape(2, -1).max(-1)
        assert np.abs(best - exact[state]).max() < 0.05


class Cue:
    """A corridor, for Gymnasium: a cue at its beginning tells on which side of its end the reward is."""

    def __init__(self, length=3):
        from gymnasium import spaces

        self.observation_space, self.action_space = spaces.Box(-1.0, 1.0, (2,), np.float32), spaces.Discrete(2)
        self.length, self.rng = length, np.random.default_rng(0)

    def _seen(self):
        return np.array([self.cue * (self.place == 0), self.place == self.length], np.float32)

    def reset(self, *, seed=None, options=None):
        if seed is not None:
            self.rng = np.random.default_rng(seed)
        self.place, self.cue = 0, float(self.rng.choice((-1, 1)))
        return self._seen(), {}

    def step(self, action):
        over = self.place == self.length
        right = over and (action == 1) == (self.cue > 0)
        self.place += not over
        return self._seen(), float(right), over, False, {}

    def close(self):
        pass


@pytest.mark.parametrize("recurrent", [True, False])
def test_only_a_network_that_remembers_finds_what_a_cue_told(recurrent):
    algorithm = DQN(
        lr=3e-3, hidden=(32,), learning_starts=500, buffer_size=10_000, target_period=50, epsilon_steps=3_000,
        discount=0.95, recurrent=recurrent, sequence_length=8,
    )  # fmt: skip
    run = train(algorithm, Cue, steps=6_400, seeds=range(2), episodes=200, evaluate_every=6_400)
    if recurrent:
        assert run.curve.final.min() >= 0.95
    else:
        assert run.curve.final == pytest.approx(0.5, abs=0.15)


@pytest.mark.parametrize(("share", "agent_ids", "best"), [("all", False, 3), ("all", True, 4), ("none", False, 4)])
def test_agents_with_one_network_and_no_names_cannot_act_apart(share, agent_ids, best):
    algorithm = IDQN(
        lr=3e-3, hidden=(32,), n_envs=4, update_every=4, learning_starts=64, buffer_size=1_000, target_period=50,
        epsilon_steps=2_000, share=share, agent_ids=agent_ids,
    )  # fmt: skip
    run = train(algorithm, "anti_coordination", steps=3_000, seeds=range(3), episodes=1, evaluate_every=3_000)
    assert np.median(run.curve.final) == best
    if not agent_ids and share == "all":
        assert (run.curve.final == best).all()


def test_learnt_values_say_what_they_cannot_tell():
    run = untrained(IDQN(), "climbing")
    values = learnt_values(run)
    assert values.utilities.shape == (2, 2, 3)
    assert values.joint is None
    assert values.state_value is None
    with pytest.raises(GameError, match="only QTRAN learns"):
        _ = values.residual
    with pytest.raises(GameError, match=r"observations must have shape \(2, 1\) on this task, got \(3,\)"):
        learnt_values(run, observations=[1, 1, 1])
    with pytest.raises(GameError, match=r"state must have shape \(1,\) on this task, got \(2,\)"):
        learnt_values(run, state=[1, 1])
    central = learnt_values(untrained(recipe("climbing").algorithm("CentralQ"), "climbing"))
    assert central.utilities is None
    assert central.joint.shape == (2, 3, 3)
    with pytest.raises(GameError, match="no utilities of single agents"):
        _ = central.totals
    with pytest.raises(GameError, match="no greedy action"):
        _ = LearntValues(None, None, None).greedy
    with pytest.raises(BudgetExceeded, match="13 agents with 2 actions each have 8,192 joint actions"):
        learnt_values(untrained(VDN(), "anti_coordination:n_players=13", seeds=1))


@pytest.mark.parametrize("joint", ["network", "table"])
@pytest.mark.parametrize("recurrent", [False, True])
def test_the_joint_values_of_qtran_are_those_of_its_network(joint, recurrent):
    run = untrained(QTRAN(joint=joint, recurrent=recurrent), "two_step_game")
    values = learnt_values(run)
    features = run.module.agents.act_features(torch.eye(4)[0].expand(2, 1, 2, 4), None)[0]
    seen, state = run.module.agents.by_agent(features, 1)[:, 0], torch.eye(4)[0].expand(2, 1, 4)
    for actions in ((0, 1), (1, 0)):
        wanted = run.module.joint(seen, torch.tensor([[actions]] * 2), state)[:, 0]
        assert values.joint[(slice(None), *actions)] == pytest.approx(wanted.detach().numpy(), abs=1e-6)
    assert values.state_value == pytest.approx(run.module.value(seen, state)[:, 0].detach().numpy(), abs=1e-6)


def test_utilities_of_noisy_networks_are_read_without_noise_and_noise_comes_back():
    run = untrained(VDN(noisy=True), "climbing")
    first, second = learnt_values(run), learnt_values(run)
    assert np.array_equal(first.utilities, second.utilities)
    assert all(layer.noisy for layer in run.module.modules() if hasattr(layer, "noisy"))


def test_a_run_that_learnt_policies_has_no_values_of_actions():
    run = train(PPO(n_envs=4, rollout_steps=8), "climbing", steps=64, episodes=1)
    with pytest.raises(GameError, match=r"PPO learns policies, not values of actions: ask run.policy\(\)"):
        learnt_values(run)
