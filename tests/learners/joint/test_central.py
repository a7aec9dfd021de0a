"""Central Q-learning against its definition, exact planning, and what scalarisations can and cannot do."""

import json

import numpy as np
import pytest

import marlgt as gt
from marlgt.errors import GameError, UnsupportedGame
from marlgt.games.stochastic import StochasticGame
from marlgt.kernels import compiled
from marlgt.learners import CentralQ, Transition
from marlgt.learners.joint.central import act, observe
from marlgt.testing import check_learner


def random_team(seed, *, n_states=4, counts=(2, 3)):
    """Return a team game that pays everybody the same, and goes anywhere."""
    rng = np.random.default_rng(seed)
    paid = rng.integers(0, 5, size=(n_states, *counts)).astype(float)
    ways = rng.dirichlet(np.ones(n_states), size=(n_states, *counts))
    return StochasticGame.from_dense([paid, paid], ways, discount=0.8)


def stepped(learner, *, steps, seed):
    """Return transitions of random play that a learner has seen."""
    rng = np.random.default_rng(seed)
    setting = learner.setting
    seen = []
    for _ in range(steps):
        state, following = (int(s) for s in rng.integers(setting.n_states, size=2))
        actions = tuple(int(rng.integers(count)) for count in setting.n_actions)
        rewards = tuple(float(r) for r in rng.integers(-3, 6, size=setting.n_players))
        seen.append(Transition(state, actions, rewards, following, bool(rng.random() < 0.2), bool(rng.random() < 0.2)))
        learner.observe(seen[-1])
    return seen


def scalar(kind, rewards):
    least = min(rewards)
    if kind == "sum":
        return sum(rewards)
    return least if kind == "min" or least < 0 else np.prod(rewards)


@pytest.mark.parametrize("kind", ["sum", "min", "product"])
def test_updates_follow_the_definition_for_scalarised_rewards(kind):
    learner = CentralQ(random_team(0), scalarisation=kind, learning_rate=0.3, initial=0.5)
    q = np.full((4, 2, 3), 0.5)
    for s, a, r, following, terminated, _ in stepped(learner, steps=200, seed=1):
        target = scalar(kind, r) + (0.0 if terminated else 0.8 * q[following].max())
        q[s][a] += 0.3 * (target - q[s][a])
    np.testing.assert_allclose(learner.values, q, atol=1e-12)


@pytest.mark.parametrize("kind", ["sum", "min", "product"])
def test_updates_follow_the_definition_for_scalarised_values(kind):
    learner = CentralQ(random_team(0), scalarisation=kind, scalarise="values", learning_rate=0.3, initial=0.5)
    q = np.full((2, 4, 2, 3), 0.5)
    for s, a, r, following, terminated, _ in stepped(learner, steps=200, seed=2):
        worth = np.array([scalar(kind, pair) for pair in q[:, following].reshape(2, -1).T])
        best = np.unravel_index(int(worth.argmax()), (2, 3))
        ahead = [0.0 if terminated else 0.8 * q[i, following][best] for i in range(2)]
        for i in range(2):
            q[i, s][a] += 0.3 * (r[i] + ahead[i] - q[i, s][a])
    np.testing.assert_allclose(learner.table("values").reshape(q.shape), q, atol=1e-12)


def test_the_sum_of_values_is_the_value_of_the_sum():
    one = CentralQ(random_team(0), learning_rate=0.3)
    other = CentralQ(random_team(0), scalarise="values", learning_rate=0.3)
    stepped(one, steps=300, seed=3)
    stepped(other, steps=300, seed=3)
    np.testing.assert_allclose(one.values, other.values, atol=1e-12)


def test_the_sum_cooperates_in_the_prisoners_dilemma_and_learns_nothing_in_a_zero_sum_game():
    # learn.cql_scalarisation; Albrecht, Christianos and Schaefer (2024), section 5.3.1
    dilemma = gt.NormalFormGame.bimatrix([[-1, -5], [0, -3]], [[-1, 0], [-5, -3]])
    run = gt.learners.play_seeds(dilemma, [CentralQ(dilemma)], steps=1000, seeds=range(20), record=1)
    assert all(int(row[0]) == int(column[0]) == 1 for row, column in run.profiles())
    game = gt.games.rock_paper_scissors()
    run = gt.learners.play_seeds(game, [CentralQ(game)], steps=1000, seeds=range(20), record=1)
    assert all(not learner.values.any() for (learner,) in run.learners)


def test_independent_learners_defect_where_the_central_one_cooperates():
    game = gt.games.prisoners_dilemma()
    pair = [gt.learners.QLearning(game, player=i) for i in range(2)]
    run = gt.learners.play_seeds(game, pair, steps=1000, seeds=range(12), record=1)
    assert all(int(row[1]) == int(column[1]) == 1 for row, column in run.profiles())


def test_the_number_of_joint_actions_grows_exponentially():
    # extra2.joint_action_growth
    for n, expected in ((3, 216), (5, 7776)):
        game = gt.NormalFormGame.common_interest(np.zeros((6,) * n))
        assert CentralQ(game).values.size == expected
    with pytest.raises(UnsupportedGame, match="let independent learners play"):
        CentralQ(gt.learners.Setting(("x",) * 12, 1, (6,) * 12, 0.0, (np.ones((1, 6), dtype=bool),) * 12, "large"))


def test_a_central_learner_of_a_team_reaches_the_optimum_of_exact_planning():
    shares = []
    for seed in range(3):
        game = random_team(seed)
        best = gt.solvers.plan_common_interest(game).values[0]
        learner = CentralQ(game, learning_rate=gt.learners.power(1.0, exponent=0.7, per_visit=True), exploration=1.0)
        run = gt.learners.play_seeds(game, [learner], steps=20_000, seeds=range(8), record=1)
        for profile in run.profiles():
            worth = gt.concepts.stationary_values(game, profile)[0] @ game.start
            shares.append(worth / best)
    assert np.mean(shares) > 0.998
    assert min(shares) > 0.97


def test_scalarisations_choose_different_outcomes():
    # Payoffs of the four outcomes: (9, 1), (5, 4), (3, 3.5), (-4, -6).
    game = gt.NormalFormGame.bimatrix([[9, 5], [3, -4]], [[1, 4], [3.5, -6]])
    cases = [("sum", (0, 0)), ("min", (0, 1)), ("product", (0, 1)), ([1, 3], (0, 1)), (0, (0, 0)), (1, (0, 1))]
    for given, expected in cases:
        for way in ("rewards", "values"):
            learner = CentralQ(game, scalarisation=given, scalarise=way, exploration=1.0)
            run = gt.learners.play_seeds(game, [learner], steps=600, seeds=[0, 1, 2], record=1)
            for row, column in run.profiles():
                assert (int(row.argmax()), int(column.argmax())) == expected, (given, way)


def test_egalitarian_rewards_and_values_differ_where_players_are_paid_in_turn():
    # Two steps that pay (1, 0) then (0, 1), or (0.4, 0.4) once: the smallest reward of each step is 0 in the first way.
    rewards = np.zeros((2, 4, 2, 1))
    rewards[:, 0, 0, 0], rewards[:, 0, 1, 0] = (1.0, 0.0), (0.4, 0.4)
    rewards[:, 1, :, 0] = np.array([[0.0], [1.0]])
    successors = np.array([[[[1]], [[3]]], [[[3]], [[3]]], [[[3]], [[3]]], [[[3]], [[3]]]])
    ends = [False, False, False, True]
    game = StochasticGame(
        rewards, successors, np.ones(successors.shape), discount=0.9, start=[1, 0, 0, 0], terminal=ends
    )
    chosen = {}
    for way in ("rewards", "values"):
        learner = CentralQ(game, scalarisation="min", scalarise=way, exploration=1.0)
        run = gt.learners.play_seeds(game, [learner], steps=800, seeds=range(5), record=1)
        chosen[way] = {int(profile[0][0].argmax()) for profile in run.profiles()}
    assert chosen == {"rewards": {1}, "values": {0}}


def test_illegal_profiles_are_neither_played_nor_counted_on():
    rewards = np.zeros((2, 2, 2, 2))
    rewards[:, :, 0, 1] = -1.0
    legal = [[[True, False], [True, True]], [[False, True], [True, True]]]
    successors = np.full((2, 2, 2, 1), 1)
    successors[1] = 0
    game = StochasticGame(rewards, successors, np.ones(successors.shape), discount=0.9, legal=legal)
    run = gt.learners.play_seeds(game, [CentralQ(game, exploration=0.5)], steps=1000, seeds=range(5), record=1)
    played = run.plays.sum(axis=0)
    assert played[0].ravel()[[0, 2, 3]].sum() == 0
    assert (played[1] > 0).all()
    for row, column in run.profiles():
        assert row[0].tolist() == [1.0, 0.0]
        assert column[0].tolist() == [0.0, 1.0]
    # Only -1 can be earned in state 0, and 0 in state 1 before going there.
    assert all(learner.values[1].max() < -0.4 for (learner,) in run.learners)


def test_both_gears_give_the_same_bits_alone_and_beside_others():
    game = random_team(5)
    learner = CentralQ(game, scalarisation="product", scalarise="values")
    together = gt.learners.play_seeds(game, [learner], steps=500, seeds=range(3), record=1)
    alone = gt.learners.play_seeds(game, [learner], steps=500, seeds=[2], record=1)
    assert together.learners[2][0].memory.tobytes() == alone.learners[0][0].memory.tobytes()
    twins = [learner.copy(), learner.copy()]
    for way, twin in zip((observe, compiled(observe)), twins):
        rng = np.random.default_rng(0)
        for _ in range(200):
            s, own, following = (int(x) for x in rng.integers((4, 6, 4)))
            paid, acts = rng.random(2), np.array([own // 3, own % 3])
            way(twin.memory, twin.form, twin.numbers, twin._legal, s, own, acts, paid, following, own % 3, twin._stream)
    assert twins[0].memory.tobytes() == twins[1].memory.tobytes()
    chosen = []
    for way, twin in zip((act, compiled(act)), twins):
        chosen.append([way(twin.memory, twin.form, twin.numbers, twin._legal, s % 4, twin._stream) for s in range(100)])
    assert chosen[0] == chosen[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scalarisation": "mean"}, "give 'sum', 'min', 'product'"),
        ({"scalarisation": [1.0]}, "2 finite weights"),
        ({"scalarisation": [1.0, float("nan")]}, "2 finite weights"),
        ({"scalarisation": 2}, "players 0 to 1"),
        ({"scalarise": "returns"}, "give 'rewards' or 'values'"),
        ({"learning_rate": 1.5}, "every value must be"),
        ({"exploration": 0.0}, "never explores"),
    ],
)
def test_bad_settings_are_refused(options, message):
    with pytest.raises(GameError, match=message):
        CentralQ(gt.games.prisoners_dilemma(), **options)


def test_a_central_learner_is_made_again_from_its_settings():
    game = random_team(1)
    for given in ("product", [0.25, 0.75], 1):
        learner = CentralQ(game, scalarisation=given, scalarise="values")
        again = CentralQ(game, **json.loads(json.dumps(learner.settings)))
        assert again.numbers.tolist() == learner.numbers.tolist()
        assert again.form.tolist() == learner.form.tolist()


def test_the_protocol_is_kept():
    assert check_learner(lambda game, player: CentralQ(game, scalarise="values"), max_examples=3).passed
