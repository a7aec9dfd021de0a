"""Level-based foraging: known values, its rules in small cases, and lbforaging itself, transition by transition."""

import itertools

import numpy as np
import pytest

import marlgt as gt
from marlgt.errors import BudgetExceeded, GameError
from marlgt.games import foraging_state, level_based_foraging

NONE, NORTH, SOUTH, WEST, EAST, LOAD = range(6)


@pytest.fixture(scope="module")
def game():
    return level_based_foraging()


def step(game, agents, food, *actions):
    """Return the label of what follows and the rewards."""
    cell = (foraging_state(game, agents, food), *actions)
    return game.states[game.successors[(*cell, 0)]], game.rewards[(slice(None), *cell)].tolist()


# Value iteration on transitions taken from lbforaging 2.0.0, discount 0.95, rewards summed.
VALUES = [
    ([(0, 0), (4, 4)], (1, 1), 0.8067279270833332),
    ([(0, 0), (0, 1)], (1, 1), 0.8491872916666665),
    ([(0, 4), (4, 0)], (1, 1), 0.8166139635416664),
    ([(0, 0), (0, 1)], (0, 1), 0.5158539583333331),
    ([(3, 2), (2, 3)], (0, 1), 2 / 3),
]


def test_together_the_agents_get_what_is_known(game, planned_values):
    values = planned_values(game)
    for agents, food, value in VALUES:
        assert values[foraging_state(game, agents, food)] == pytest.approx(value, abs=1e-10)
    shared = planned_values(level_based_foraging(shared_reward=True))
    np.testing.assert_allclose(shared, 2 * values, atol=1e-10)


def test_all_rewards_of_a_game_sum_to_one_if_they_are_normalised(planned_values):
    undiscounted = level_based_foraging(grid=(4, 4), foods=[(1, 2)], food_levels=[2], discount=0.999999)
    assert planned_values(undiscounted, tolerance=1e-6).max() == pytest.approx(1.0, abs=1e-4)


def test_who_loads_together_shares_by_level():
    game = level_based_foraging(player_levels=(1, 2), food_levels=(1, 3), penalty=0.25)
    agents = [(2, 3), (3, 2)]
    assert step(game, agents, (1, 1), LOAD, LOAD) == ("agents (2, 3) (3, 2), food 10", [1 / 4, 2 / 4])
    assert step(game, agents, (1, 1), LOAD, NONE) == ("agents (2, 3) (3, 2), food 11", [-0.25, 0.0])
    plain = level_based_foraging(player_levels=(1, 2), food_levels=(1, 3), normalised=False)
    assert step(plain, agents, (0, 1), LOAD, LOAD) == ("over", [3.0, 6.0])


def test_agents_do_not_come_to_one_cell_but_may_follow_and_change_places(game):
    assert step(game, [(0, 0), (0, 2)], (1, 1), EAST, WEST)[0] == "agents (0, 0) (0, 2), food 11"
    assert step(game, [(0, 0), (0, 1)], (1, 1), EAST, NONE)[0] == "agents (0, 0) (0, 1), food 11"
    assert step(game, [(0, 0), (0, 1)], (1, 1), EAST, EAST)[0] == "agents (0, 1) (0, 2), food 11"
    assert step(game, [(0, 0), (0, 1)], (1, 1), EAST, WEST)[0] == "agents (0, 1) (0, 0), food 11"
    assert step(game, [(0, 1), (4, 4)], (1, 1), SOUTH, EAST)[0] == "agents (0, 1) (4, 4), food 11"


def test_an_agent_enters_the_cell_of_one_whose_way_is_blocked():
    game = level_based_foraging(grid=(3, 4), player_levels=(1, 1, 1), foods=[(1, 1)], food_levels=[1])
    following = step(game, [(0, 0), (0, 1), (0, 3)], (1,), EAST, EAST, WEST)[0]
    assert following == "agents (0, 1) (0, 1) (0, 3), food 1"


def test_a_cooperative_game_takes_all_agents():
    game = level_based_foraging(cooperative=True, player_levels=(1, 2))
    assert step(game, [(0, 1), (1, 0)], (1, 1), NONE, LOAD)[1] == [0.0, 0.0]
    assert step(game, [(0, 1), (1, 0)], (1, 1), LOAD, LOAD)[1] == [1 / 6, 2 / 6]


def test_the_start_is_any_placement_or_the_one_given(game):
    assert game.start[foraging_state(game, [(0, 0), (4, 4)], (1, 1))] == pytest.approx(1 / (23 * 22))
    assert game.start[foraging_state(game, [(0, 0), (4, 4)], (1, 0))] == 0
    one = level_based_foraging(start=[(2, 2), (0, 0)])
    assert one.start[foraging_state(one, [(2, 2), (0, 0)], (1, 1))] == 1


PEERS = {
    "every transition of two agents on 3 x 4": (dict(grid=(3, 4), foods=[(1, 2)], food_levels=[2]), None),
    "three agents, some on one cell": (
        dict(grid=(3, 4), player_levels=(1, 2, 1), foods=[(1, 1)], food_levels=[3], penalty=0.5),
        1500,
    ),
    "two foods": (dict(player_levels=(1, 2), food_levels=(3, 2)), 1500),
    "rewards as they are": (dict(grid=(4, 5), foods=[(2, 2)], food_levels=[1], normalised=False), 1000),
}


@pytest.mark.parametrize(("options", "sample"), PEERS.values(), ids=PEERS)
def test_the_transitions_are_those_of_lbforaging(options, sample):
    lbforaging = pytest.importorskip("lbforaging.foraging.environment", reason="a peer of the benchmarks only")
    game = level_based_foraging(**options)
    peer = Peer(lbforaging, {"player_levels": (1, 1), "foods": ((1, 1), (3, 3)), "food_levels": (1, 2), **options})
    cells = list(itertools.product(range(game.n_states - 1), itertools.product(range(6), repeat=game.n_players)))
    if sample:
        cells = [cells[k] for k in np.random.default_rng(0).choice(len(cells), sample, replace=False)]
    for state, actions in cells:
        agents, food = peer.read(game.states[state])
        label, rewards, over = peer.step(agents, food, actions)
        assert game.states[game.successors[(state, *actions, 0)]] == ("over" if over else label)
        assert game.rewards[(slice(None), state, *actions)].tolist() == rewards


class Peer:
    """lbforaging, put into a state."""

    def __init__(self, module, options):
        self.foods, self.food_levels = options["foods"], options["food_levels"]
        self.levels = options["player_levels"]
        self.env = module.ForagingEnv(
            players=len(self.levels),
            min_player_level=1,
            max_player_level=3,
            min_food_level=1,
            max_food_level=9,
            field_size=options.get("grid", (5, 5)),
            max_num_food=len(self.foods),
            sight=9,
            max_episode_steps=10**9,
            force_coop=False,
            normalize_reward=options.get("normalised", True),
            penalty=options.get("penalty", 0.0),
        )
        self.env.reset(seed=0)
        # What the peer shows to the agents takes most of its time, and nothing of it is compared here.
        self.env._make_gym_obs = lambda: None

    def read(self, label):
        numbers = [int(character) for character in label if character.isdigit()]
        n = 2 * len(self.levels)
        return list(zip(numbers[:n:2], numbers[1:n:2])), numbers[n:]

    def step(self, agents, food, actions):
        env = self.env
        env.field[:] = 0
        for there, cell, level in zip(food, self.foods, self.food_levels):
            env.field[cell] = level * there
        for player, place, level in zip(env.players, agents, self.levels):
            player.setup(place, level, env.field_size)
        env._food_spawned = sum(self.food_levels)
        env._gen_valid_moves()
        _, rewards, over, _, _ = env.step(actions)
        places = " ".join(str((int(row), int(column))) for row, column in (player.position for player in env.players))
        left = "".join(str(int(env.field[cell] > 0)) for cell in self.foods)
        return f"agents {places}, food {left}", [float(reward) for reward in rewards], over


BAD_WORLDS = [
    (dict(grid=(5,)), "grid is .*: give a row and a column"),
    (dict(grid="55"), "grid is '55': give whole numbers from 0"),
    (dict(foods=[(0, 1)], food_levels=[1]), r"foods\[0\] is \(0, 1\): food lies inside of the border"),
    (dict(foods=[(1, 1), (1, 3)]), r"foods at \(1, 1\) and \(1, 3\) are too close"),
    (dict(foods=[(1, 1), (2, 2)]), "too close: no agent may be beside two of them"),
    (dict(foods=[(1, 1)]), "there are 1 foods and 2 levels of food: give one level for each"),
    (dict(food_levels=(0, 1)), "food_levels is .*: give whole numbers from 1"),
    (dict(foods=3), "foods is 3: give a list of cells"),
    (dict(cooperative="yes"), "cooperative is 'yes': give True or False"),
    (dict(start=3), "start is 3: give a list of cells"),
    (dict(player_levels=()), r"player_levels is \(\): give whole numbers from 1"),
    (dict(penalty=-1), "penalty is -1: give one number that is not negative"),
    (dict(start=[(0, 0), (1, 1)]), "start is .*: give each of 2 agents a free cell of her own"),
    (dict(start=[(0, 0), (0, 0)]), "start is"),
    (dict(start=[(0, 0), (0, 7)]), "start is"),
    (dict(grid=(3, 3), foods=[(1, 1)], food_levels=[1], player_levels=[1] * 9), "9 agents do not fit on the 8 free"),
]


@pytest.mark.parametrize(("options", "message"), BAD_WORLDS, ids=range(len(BAD_WORLDS)))
def test_worlds_that_do_not_fit_together_are_refused(options, message):
    with pytest.raises(GameError, match=message):
        level_based_foraging(**options)


def test_a_world_too_large_is_refused_before_it_is_made():
    with pytest.raises(BudgetExceeded, match=r"the game has [\d,]+ states of 1,296 profiles, more than 20,000,000"):
        level_based_foraging(grid=(8, 8), player_levels=(1,) * 4)


def test_a_state_that_is_none_is_refused(game):
    with pytest.raises(
        GameError, match=r"'agents \(1, 1\) \(0, 0\), food 11' is no state of the game: name free cells"
    ):
        foraging_state(game, [(1, 1), (0, 0)], (1, 1))
    with pytest.raises(GameError, match=r"agents\[0\] is 7: give whole numbers from 0"):
        foraging_state(game, [7, (0, 0)], (1, 1))
    with pytest.raises(GameError, match="food is 3: give a list of truth values"):
        foraging_state(game, [(1, 1), (0, 0)], 3)
    assert game.states[foraging_state(game, [(1, 1), (0, 0)], (0, 0))] == "over"


def test_the_game_is_in_the_catalogue():
    assert gt.games.load("level-based foraging") == level_based_foraging()
