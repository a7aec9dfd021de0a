"""Batches of level-based foraging: lbforaging transition by transition, recorded and live, and the batch itself."""

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chi2_contingency, chisquare

from marlgt.errors import GameError
from marlgt.games import ForagingBatch, ForagingStep, _foraging_kernels
from marlgt.kernels import COMPILE_ABOVE, gear

NONE, NORTH, SOUTH, WEST, EAST, LOAD = range(6)
RECORDS = np.load(Path(__file__).parents[1] / "data" / "foraging" / "transitions.npz")
NAMES = sorted({key.split("/")[0] for key in RECORDS.files})


def put(env, agents, foods, clock):
    """Put environments into given states and return the snapshot."""
    env.reset(seed=0)
    snapshot = env.snapshot() | {
        name: np.array(value, np.int64) for name, value in (("agents", agents), ("foods", foods), ("clock", clock))
    }
    env.restore(snapshot)
    return snapshot


def eager_actions(env, rng):
    """Return random actions, with half of the chances to load taken."""
    loads = env.allowed[..., LOAD] & (rng.random((env.n_envs, env.n_agents)) < 0.5)
    return np.where(loads, LOAD, rng.integers(6, size=loads.shape))


@pytest.mark.parametrize("name", NAMES)
def test_transitions_are_those_recorded_from_lbforaging(name):
    record = {key.split("/")[1]: RECORDS[key] for key in RECORDS.files if key.startswith(f"{name}/")}
    env = ForagingBatch.named(name, n_envs=len(record["actions"]))
    put(env, record["agents"], record["foods"], record["clock"])
    step = env.step(record["actions"])
    over = step.terminated | step.truncated
    np.testing.assert_array_equal(over, record["over"])
    np.testing.assert_array_equal(step.terminated, (record["next_foods"][..., 2] == 0).all(axis=1))
    np.testing.assert_array_equal(step.rewards, record["rewards"].astype(np.float32))
    np.testing.assert_array_equal(step.reached, record["seen"])
    np.testing.assert_array_equal(env.allowed[~over], record["allowed"][~over])
    foods, agents = np.split(env.reached_state.reshape(env.n_envs, -1, 3), [env.n_foods], axis=1)
    np.testing.assert_array_equal(agents, record["next_agents"])
    # Gathered food keeps its place in the state.
    for mine, theirs in zip(foods, record["next_foods"]):
        assert mine[mine[:, 2] > 0].tolist() == theirs[theirs[:, 2] > 0].tolist()
    assert over.any()
    assert (step.rewards > 0).any()
    assert not over.all()


def gather_around(snapshot):
    """Put the first agents of every other environment beside a food that is there."""
    for agents, foods in zip(snapshot["agents"][::2], snapshot["foods"][::2]):
        for agent, side in zip(agents, [(-1, 0), (0, 1), (1, 0), (0, -1)]):
            agent[:2] = foods[foods[:, 2].argmax(), :2] + side


LIVE = {
    "5x5, 2 players, 1 food": dict(size=5, n_players=2, n_foods=1),
    "8x8, 2 players, 2 foods, cooperative": dict(size=8, n_players=2, n_foods=2, cooperative=True),
    "8x8, 2 players, 3 foods": dict(size=8, n_players=2, n_foods=3),
    "10x10, 3 players, 3 foods": dict(size=10, n_players=3, n_foods=3),
    "8x8, 3 players, 3 foods, sight 2": dict(size=8, n_players=3, n_foods=3, sight=2),
    "4x4, 5 players, 2 foods, sight 1": dict(size=4, n_players=5, n_foods=2, sight=1),
    "penalty": dict(size=5, n_players=3, n_foods=2, penalty=0.1),
    "not normalised, other levels": dict(
        size=6, n_players=4, n_foods=3, normalised=False, max_level=4, min_food_level=2, max_food_level=6
    ),
}


@pytest.mark.parametrize("options", LIVE.values(), ids=LIVE)
def test_transitions_are_those_of_lbforaging(options):
    module = pytest.importorskip("lbforaging.foraging.environment", reason="a peer of the benchmarks only")
    env, rng, gathered = ForagingBatch(10, **options, horizon=20), np.random.default_rng(0), 0
    peer = Peer(module, env, options)
    env.reset(seed=1)
    for t in range(50):
        before = env.snapshot()
        if t % 4 == 0:
            gather_around(before)
            env.restore(before)
        actions = eager_actions(env, rng)
        allowed = env.allowed
        step = env.step(actions)
        foods, agents = np.split(env.reached_state.reshape(env.n_envs, -1, 3), [env.n_foods], axis=1)
        over = step.terminated | step.truncated
        gathered += np.count_nonzero(step.rewards > 0)
        for k in range(env.n_envs):
            assert peer.put(*(before[name][k] for name in ("agents", "foods", "clock"))) == allowed[k].tolist()
            observations, rewards, done, _, _ = peer.env.step(actions[k])
            assert [(*p.position, p.level) for p in peer.env.players] == [tuple(a) for a in agents[k]]
            field = np.zeros_like(peer.env.field)
            for row, column, level in foods[k][foods[k][:, 2] > 0].astype(int):
                field[row, column] = level
            np.testing.assert_array_equal(peer.env.field, field)
            np.testing.assert_array_equal(step.reached[k], observations)
            np.testing.assert_array_equal(step.rewards[k], np.array(rewards, np.float32))
            assert done == over[k]
            assert step.terminated[k] == (not field.any())
            assert over[k] or peer.allowed() == env.allowed[k].tolist()
    assert gathered > 0


class Peer:
    """lbforaging, put into a state."""

    def __init__(self, module, env, options):
        self.actions = list(module.Action)
        self.env = module.ForagingEnv(
            players=env.n_agents,
            min_player_level=1,
            max_player_level=options.get("max_level", 2),
            min_food_level=options.get("min_food_level", 1),
            max_food_level=options.get("max_food_level"),
            field_size=(env.size, env.size),
            max_num_food=env.n_foods,
            sight=env.sight,
            max_episode_steps=env.horizon,
            force_coop=options.get("cooperative", False),
            normalize_reward=options.get("normalised", True),
            penalty=options.get("penalty", 0.0),
        )
        self.env.reset(seed=0)

    def allowed(self):
        return [[action in self.env._valid_actions[p] for action in self.actions] for p in self.env.players]

    def put(self, agents, foods, clock):
        """Put the peer into a state, and return which actions it takes to be valid."""
        env = self.env
        env.field[:] = 0
        for row, column, level in foods[foods[:, 2] > 0]:
            env.field[row, column] = level
        for player, (row, column, level) in zip(env.players, agents.tolist()):
            player.setup((row, column), level, env.field_size)
        env.current_step, env._food_spawned = clock
        env._gen_valid_moves()
        return self.allowed()


def spawned(name, n_envs):
    env = ForagingBatch.named(name, n_envs)
    env.reset(seed=5)
    snapshot = env.snapshot()
    return env, snapshot["agents"], snapshot["foods"]


def compare_counts(mine, theirs):
    seen = (mine + theirs) > 0
    assert chi2_contingency(np.array([mine[seen], theirs[seen]])).pvalue > 1e-3


def test_agents_begin_anywhere_with_any_level():
    _, agents, _ = spawned("Foraging-8x8-2p-3f-v3", 6400)
    cells = agents[..., 0] * 8 + agents[..., 1]
    assert (cells[:, 0] != cells[:, 1]).all()
    for i in range(2):
        assert chisquare(np.bincount(cells[:, i], minlength=64)).pvalue > 1e-3
    assert chisquare(np.bincount((agents[:, 0, 2] - 1) * 2 + agents[:, 1, 2] - 1, minlength=4)).pvalue > 1e-3


def test_food_begins_where_and_with_what_levels_it_does_in_lbforaging():
    name = "Foraging-8x8-2p-3f-v3"
    _, agents, foods = spawned(name, 6000)
    cells, levels = np.zeros((8, 8), int), np.zeros((12, 12), int)
    there = foods[..., 2] > 0
    np.add.at(cells, (foods[there][:, 0], foods[there][:, 1]), 1)
    strength = np.broadcast_to(agents[..., 2].sum(axis=1)[:, None], there.shape)
    np.add.at(levels, (strength[there], foods[there][:, 2]), 1)
    compare_counts(cells, RECORDS[f"{name}/placed_cells"])
    compare_counts(levels, RECORDS[f"{name}/placed_levels"])


def test_food_that_finds_no_place_is_left_out_as_often_as_in_lbforaging():
    name = "Foraging-5x5-5p-4f-v3"
    env, _, foods = spawned(name, 2000)
    counts = np.bincount((foods[..., 2] > 0).sum(axis=1), minlength=8)
    compare_counts(counts, RECORDS[f"{name}/placed_counts"])
    assert 0 < counts[1] < 2000
    assert counts[3:].sum() == 0
    assert (env.observations[counts.argmax(), :, 9:12] == [-1, -1, 0]).all()


def test_random_play_earns_what_it_earns_in_lbforaging():
    mean, error = RECORDS["Foraging-8x8-2p-3f-v3/return"]
    env = ForagingBatch(20_000, size=8, n_players=2, n_foods=3, horizon=25)
    env.reset(seed=0)
    total, going = np.zeros(env.n_envs), np.ones(env.n_envs, bool)
    for _ in range(25):
        step = env.step(env.random_actions())
        total += step.rewards.sum(axis=1) * going
        going &= ~(step.terminated | step.truncated)
    mine = total.std() / np.sqrt(env.n_envs)
    assert abs(total.mean() - mean) < 3.5 * np.hypot(error, mine)
    assert total.mean() == pytest.approx(0.1175, abs=0.006)


class TestBatch:
    def test_food_goes_to_those_who_load_it_by_their_levels(self):
        env = ForagingBatch(1, size=5, n_players=3, n_foods=2, penalty=0.5, max_level=3)
        put(env, [[(1, 2, 1), (3, 2, 3), (0, 0, 2)]], [[(2, 2, 4), (-1, -1, 0)]], [(7, 8)])
        assert env.allowed[0, :, LOAD].tolist() == [True, True, False]
        step = env.step([[LOAD, NONE, LOAD]])
        assert step.rewards.tolist() == [[-0.5, 0, 0]]
        assert not step.terminated[0]
        step = env.step([[LOAD, LOAD, SOUTH]])
        assert step.rewards.tolist() == [[1 * 4 / (4 * 8), 3 * 4 / (4 * 8), 0]]
        assert step.terminated[0]
        assert step.successes[0]
        assert not step.truncated[0]

    def test_a_shared_reward_is_the_sum_of_all(self):
        options = dict(size=5, n_players=3, n_foods=2, penalty=0.25)
        own, shared = ForagingBatch(50, **options), ForagingBatch(50, **options, shared_reward=True)
        own.reset(seed=0), shared.reset(seed=0)
        rng, paid = np.random.default_rng(0), 0
        for _ in range(30):
            actions = eager_actions(own, rng)
            rewards = own.step(actions).rewards
            np.testing.assert_allclose(shared.step(actions).rewards, rewards.sum(axis=1, keepdims=True) + 0 * rewards)
            paid += np.count_nonzero(rewards)
        assert paid > 0

    def test_the_clock_truncates_and_the_next_episode_begins_in_the_same_step(self):
        env = ForagingBatch(4, size=6, n_players=2, n_foods=1, horizon=3)
        env.reset(seed=0)
        for k in range(7):
            step = env.step(np.zeros((4, 2), int))
            assert step.truncated.all() == (k % 3 == 2)
            assert not step.terminated.any()
            assert not step.successes.any()
            assert (step.observations == step.reached).all() == (k % 3 != 2)
            assert (env.state == env.reached_state).all() == (k % 3 != 2)
            assert step.observations is env.observations

    def test_food_gathered_at_the_last_moment_is_terminated(self):
        env = ForagingBatch(1, size=5, n_players=1, n_foods=1, horizon=3)
        put(env, [[(1, 2, 1)]], [[(2, 2, 1)]], [(2, 1)])
        step = env.step([[LOAD]])
        assert step.terminated.all()
        assert not step.truncated.any()
        assert step.rewards.tolist() == [[1.0]]

    def test_the_same_seed_gives_the_same_bits_in_any_batch(self):
        whole, part = (ForagingBatch(n, size=6, n_players=3, n_foods=2, sight=2, horizon=10) for n in (12, 5))
        np.testing.assert_array_equal(whole.reset(seed=3)[4:9], part.reset(seed=3, first=4))
        rng = np.random.default_rng(0)
        for _ in range(40):
            actions = eager_actions(whole, rng)
            for mine, theirs in zip(part.step(actions[4:9]), whole.step(actions)):
                np.testing.assert_array_equal(mine, theirs[4:9])
        assert (whole.reset(seed=3) != whole.reset(seed=4)).any()

    def test_both_gears_give_the_same_bits(self, monkeypatch):
        env = ForagingBatch(6, size=5, n_players=3, n_foods=2, horizon=8)
        first, twin = env.reset(seed=0), copy.deepcopy(env)
        rng = np.random.default_rng(0)
        for _ in range(12):
            actions = eager_actions(env, rng)
            compiled = env.step(actions)
            with monkeypatch.context() as patch:
                patch.setattr("marlgt.kernels.forced_gear", lambda: "plain")
                assert gear(_foraging_kernels.forage, COMPILE_ABOVE) is _foraging_kernels.forage
                for mine, theirs in zip(twin.step(actions), compiled):
                    np.testing.assert_array_equal(mine, theirs)
        assert first.dtype == np.float32

    def test_snapshots_and_pickles_go_on_bit_for_bit(self, tmp_path):
        env = ForagingBatch(20, size=6, n_players=2, n_foods=2, horizon=9)
        env.reset(seed=0)
        for _ in range(5):
            env.step(env.random_actions())
        np.savez(tmp_path / "there.npz", **env.snapshot())
        twin, other = pickle.loads(pickle.dumps(env)), ForagingBatch(20, size=6, n_players=2, n_foods=2, horizon=9)
        with np.load(tmp_path / "there.npz") as kept:
            np.testing.assert_array_equal(other.restore(kept), env.observations)
        np.testing.assert_array_equal(other.allowed, env.allowed)
        np.testing.assert_array_equal(other.state, env.state)
        for _ in range(30):
            steps = [e.step(e.random_actions()) for e in (env, twin, other)]
            for one, two, three in zip(*steps):
                np.testing.assert_array_equal(one, two)
                np.testing.assert_array_equal(one, three)

    def test_what_a_step_gave_is_not_overwritten_by_the_next(self):
        env = ForagingBatch(8)
        env.reset(seed=0)
        step = env.step(env.random_actions())
        kept = [array.copy() for array in step]
        for _ in range(5):
            env.step(env.random_actions())
        assert isinstance(step, ForagingStep)
        for array, before in zip(step, kept):
            np.testing.assert_array_equal(array, before)


BAD_OPTIONS = [
    (dict(n_envs=0), "n_envs is 0: give a whole number from 1"),
    (dict(n_envs=2**40), "n_envs is 1099511627776: give at most 16,777,216"),
    (dict(size=2), "size is 2: give a whole number from 3"),
    (dict(size=2**30), "size is 1073741824: give at most 1,000"),
    (dict(size=3, n_players=10), "n_players is 10: give at most 9"),
    (dict(n_foods=1.5), "n_foods is 1.5: give a whole number from 1"),
    (dict(min_level=3), "max_level is 2: give a whole number from 3"),
    (dict(min_food_level=3), "min_food_level is 3: the weakest agents lift 2 together, so give a max_food_level too"),
    (dict(min_food_level=3, max_food_level=2), "max_food_level is 2: give a whole number from 3"),
    (dict(sight=0), "sight is 0: give a whole number from 1"),
    (dict(horizon=0), "horizon is 0: give a whole number from 1"),
    (dict(horizon=2**60), "horizon is 1152921504606846976: give at most"),
    (dict(cooperative=1), "cooperative is 1: give True or False"),
    (dict(penalty=-0.1), "penalty is -0.1: give one number that is not negative"),
]


@pytest.mark.parametrize(("options", "message"), BAD_OPTIONS)
def test_options_that_fit_no_environment_are_refused(options, message):
    with pytest.raises(GameError, match=message):
        ForagingBatch(**{"n_envs": 2, **options})


NAMED = {
    "Foraging-8x8-2p-3f-v3": (8, 8, 2, 3, False, 0.0),
    "Foraging-2s-10x10-3p-4f-coop-v3": (10, 2, 3, 4, True, 0.0),
    "Foraging-5x5-2p-1f-pen-v3": (5, 5, 2, 1, False, 0.1),
}


@pytest.mark.parametrize(("name", "made"), NAMED.items())
def test_the_names_of_lbforaging_name_its_environments(name, made):
    env = ForagingBatch.named(name, 3)
    assert (env.size, env.sight, env.n_agents, env.n_foods, env.cooperative, env.penalty) == made
    assert env.horizon == 50
    assert env.n_envs == 3


@pytest.mark.parametrize(
    "name", ["Foraging-8x8-2p-3f-v2", "Foraging-8x7-2p-3f-v3", "Foraging-grid-8x8-2p-3f-v3", "", None, "9" * 10**6]
)
def test_other_names_are_refused(name):
    with pytest.raises(GameError, match=r"name is .*: give one like 'Foraging-8x8-2p-3f-v3'"):
        ForagingBatch.named(name, 3)


BAD_ACTIONS = [
    ([[0, 6], [0, 0]], "actions are 0 to 5, got 6"),
    ([[0, 0], [-1, 0]], "actions are 0 to 5, got -1"),
    ([0, 0], r"actions must be whole numbers of shape \(2, 2\) \(environments, agents\), got int64 of shape \(2,\)"),
    ([[0.0, 0], [0, 0]], "got float64 of shape"),
    ([[0, 0], [0]], "actions must be an array of whole numbers, got"),
]


@pytest.mark.parametrize(("actions", "message"), BAD_ACTIONS)
def test_actions_that_do_not_exist_change_nothing(actions, message):
    env = ForagingBatch(2)
    with pytest.raises(GameError, match=r"has not begun: call reset\(seed\) first"):
        env.step(actions)
    env.reset(seed=0)
    before = env.snapshot()
    with pytest.raises(GameError, match=message):
        env.step(actions)
    for name, array in env.snapshot().items():
        np.testing.assert_array_equal(array, before[name])


def test_seeds_and_snapshots_that_are_none_are_refused():
    env = ForagingBatch(2, size=5, n_foods=1)
    with pytest.raises(GameError, match="seed is -1"):
        env.reset(seed=-1)
    with pytest.raises(GameError, match=r"call reset\(seed\) first"):
        env.snapshot()
    with pytest.raises(GameError, match=r"call reset\(seed\) first"):
        env.random_actions()
    env.reset(seed=0)
    good = env.snapshot()
    for name, change, message in [
        ("agents", good["agents"][:1], "agents must be int64 of shape"),
        ("agents", good["agents"] + 5, "its agents must lie on the grid"),
        ("foods", good["foods"] * 0 + 4, "its foods must lie on the grid"),
        ("clock", good["clock"] * 0, "more food lies there than its clock says"),
        ("clock", -good["clock"] - 1, "its clock holds a number below 0"),
        ("rng", good["rng"][:3], "its random state cannot be read"),
    ]:
        with pytest.raises(GameError, match=message):
            env.restore(good | {name: change})
    with pytest.raises(GameError, match="a snapshot is a dictionary of arrays"):
        env.restore(None)
