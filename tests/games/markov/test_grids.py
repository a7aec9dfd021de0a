"""The grid games of Hu and Wellman, pursuit and coordination."""

import numpy as np
import pytest

from marlgt.errors import BudgetExceeded, GameError
from marlgt.games import coordination_grid, grid_game_1, grid_game_2, grid_game_state, predator_prey_grid


def move(game, *names):
    return tuple(own.index(name) for own, name in zip(game.actions, names))


def following(game, state, *names):
    """Return the label of each successor with its probability."""
    cell = (game.states.index(state), *move(game, *names))
    kept = game.probabilities[cell] > 0
    labels = [game.states[s] for s in game.successors[cell][kept]]
    return dict(zip(labels, game.probabilities[cell][kept].tolist()))


def values_when_both_race(game):
    """Return what the states are worth if in each the agents together take what gives most in all."""
    values = np.zeros((2, game.n_states))
    for _ in range(200):
        worth = game.action_values(values)
        total = np.where(game.played, worth.sum(axis=0), -np.inf).reshape(game.n_states, -1)
        values = np.where(
            game.terminal, 0, worth.reshape(2, game.n_states, -1)[:, range(game.n_states), total.argmax(1)]
        )
    return values


def test_grid_game_1_has_the_published_stage_game_at_its_start():
    # Hu and Wellman (2003): 97.0 without a collision and 95.1 with one.
    game = grid_game_1()
    values = values_when_both_race(game)
    start = grid_game_state(game, 0, 2)
    assert start == int(game.start.argmax())
    np.testing.assert_allclose(values[:, start], 100 * 0.99**3, atol=1e-9)
    worth = game.action_values(values, start)
    np.testing.assert_allclose(worth[(slice(None), *move(game, "right", "left"))], 95.059601, atol=1e-9)
    for pair in (("right", "up"), ("up", "left"), ("up", "up")):
        np.testing.assert_allclose(worth[(slice(None), *move(game, *pair))], 97.0299, atol=1e-9)


def test_grid_game_2_has_the_published_stage_game_at_its_start():
    # The equilibrium in which the first goes right: (98.01, 49.005), and what the other pairs are worth then.
    game = grid_game_2()
    values = np.zeros((2, game.n_states))
    values[:, grid_game_state(game, 0, 2)] = 98.01, 49.005
    values[:, grid_game_state(game, 1, 5)] = values[:, grid_game_state(game, 3, 1)] = 99.0
    values[:, grid_game_state(game, 3, 5)] = 99.0
    values[:, grid_game_state(game, 1, 2)] = 99.0, 0.0
    values[:, grid_game_state(game, 0, 1)] = 0.0, 99.0
    values[:, grid_game_state(game, 3, 2)] = 99.0, 0.0
    values[:, grid_game_state(game, 0, 5)] = 0.0, 99.0
    worth = game.action_values(values, grid_game_state(game, 0, 2))
    expected = {
        ("right", "left"): (96.0299, 47.51495),
        ("right", "up"): (98.01, 49.005),
        ("up", "left"): (49.005, 98.01),
        ("up", "up"): (73.262475, 61.1337375),
    }
    for pair, pays in expected.items():
        np.testing.assert_allclose(worth[(slice(None), *move(game, *pair))], pays, atol=1e-9)


def test_agents_bounce_off_one_another_but_change_places():
    game = grid_game_1()
    start = (grid_game_state(game, 0, 2), *move(game, "right", "left"))
    assert game.rewards[(slice(None), *start)].tolist() == [-1, -1]
    assert following(game, "(2, 0) (2, 2)", "right", "left") == {"(2, 0) (2, 2)": 1.0}
    assert following(game, "(2, 0) (2, 1)", "right", "left") == {"(2, 1) (2, 0)": 1.0}


def test_the_race_is_over_when_one_arrives_and_a_shared_goal_takes_both():
    first, second = grid_game_1(), grid_game_2()
    assert following(first, "(1, 2) (1, 1)", "up", "up") == {"over": 1.0}
    alone = (grid_game_state(first, 5, 4), *move(first, "up", "up"))
    assert first.rewards[(slice(None), *alone)].tolist() == [100, 0]
    both = (grid_game_state(second, 6, 8), *move(second, "right", "left"))
    assert second.rewards[(slice(None), *both)].tolist() == [100, 100]
    one_goal = (grid_game_state(first, 5, 7), *move(first, "up", "right"))
    assert first.rewards[(slice(None), *one_goal)].tolist() == [-1, -1]


def test_a_barrier_lets_through_half_of_the_time():
    game = grid_game_2()
    quarters = following(game, "(2, 0) (2, 2)", "up", "up")
    assert quarters == {"(2, 0) (2, 2)": 0.25, "(1, 0) (2, 2)": 0.25, "(2, 0) (1, 2)": 0.25, "(1, 0) (1, 2)": 0.25}
    assert following(game, "(2, 0) (2, 1)", "up", "left") == {"(2, 0) (2, 1)": 0.5, "(1, 0) (2, 0)": 0.5}
    assert following(game, "(1, 0) (1, 1)", "up", "right") == {"(0, 0) (1, 2)": 1.0}


def test_actions_that_lead_off_the_grid_are_not_legal():
    game = grid_game_1()
    for player, (cell, names) in enumerate(((0, ["up", "right"]), (2, ["up", "left"]))):
        assert cell in (0, 2)
        assert [game.actions[player][a] for a in np.flatnonzero(game.legal[player][0])] == names


def test_the_states_are_all_pairs_of_cells():
    # 57 pairs in the first game: 8 cells each, without 7 pairs of equal ones.
    assert (grid_game_1().n_states, grid_game_2().n_states) == (58, 57)
    assert not grid_game_1().reachable.all()
    with pytest.raises(GameError, match="no state has the agents on 8 and 2: give two cells from 0 to 8 that differ"):
        grid_game_state(grid_game_1(), 8, 2)


class TestPursuit:
    def test_the_prey_is_caught_by_enough_predators_beside_it(self):
        game = predator_prey_grid(step_reward=-0.5)
        state = game.states.index("(0, 0) (0, 2) (2, 1)")
        actions = move(game, "east", "west")
        caught = game.successors[(state, *actions)] == game.n_states - 1
        # Both come to (0, 1): of the prey's five moves only the one north, to (1, 1), is beside it.
        assert game.probabilities[(state, *actions)][caught].sum() == pytest.approx(0.2)
        assert game.rewards[(0, state, *actions)] == pytest.approx(0.2 * 1 + 0.8 * -0.5)

    def test_a_random_prey_makes_interests_common_and_a_playing_one_a_zero_sum_game(self, shapley_values):
        assert predator_prey_grid().is_common_interest
        game = predator_prey_grid(n_predators=1, n_needed=1, prey_plays=True, step_reward=0.0)
        assert game.is_zero_sum
        values = shapley_values(game, tolerance=1e-8)
        assert 0 < values[: game.n_states - 1].min() < values.max() <= 1

    def test_more_predators_than_one_against_a_playing_prey(self):
        game = predator_prey_grid(grid=(2, 3), prey_plays=True)
        assert (game.n_players, game.n_actions) == (3, (5, 5, 5))
        np.testing.assert_allclose(game.rewards[2], -game.rewards[0])
        np.testing.assert_allclose(game.start.sum(), 1.0)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (dict(n_needed=3), "n_needed is 3: it cannot be more than the 2 predators"),
            (dict(n_predators=0), "n_predators is 0: give a whole number from 1"),
            (dict(prey_plays=1), "prey_plays is 1: give True or False"),
            (dict(n_predators=10**400), "more than 5,000,000: take a smaller grid or fewer agents"),
            (dict(grid=(1, 1)), "the prey is caught everywhere on a grid of"),
            (dict(grid=(0, 3)), "grid is .*: give at least one row and one column"),
            (dict(grid=3), "grid is 3: give a row and a column"),
            (dict(step_reward="little"), "step_reward is 'little'"),
            (dict(step_reward=[1, 2]), r"step_reward is \[1, 2\]: give one number"),
        ],
    )
    def test_hunts_that_are_none_are_refused(self, options, message):
        with pytest.raises(GameError, match=message):
            predator_prey_grid(**options)

    def test_a_hunt_too_large_is_refused(self):
        with pytest.raises(BudgetExceeded, match=r"up to 10\*\*8.1 outcomes, more than 5,000,000: take a smaller grid"):
            predator_prey_grid(grid=(10, 10))


class TestCoordination:
    def test_changing_places_takes_four_steps(self, planned_values):
        game = coordination_grid(discount=0.9)
        assert planned_values(game)[game.start.argmax()] == pytest.approx(2 * 0.9**3)
        assert game.is_common_interest

    def test_alone_an_agent_walks_straight(self, planned_values):
        game = coordination_grid(starts=[(0, 0)], goals=[(2, 2)], discount=0.5)
        assert planned_values(game)[game.start.argmax()] == pytest.approx(0.5**3)

    def test_walls_lengthen_the_way(self, planned_values):
        game = coordination_grid(starts=[(0, 0)], goals=[(0, 2)], walls=[(0, 1), (1, 1)], discount=0.5)
        assert planned_values(game)[game.start.argmax()] == pytest.approx(0.5**5)

    def test_who_is_stopped_stops_those_behind(self):
        options = dict(starts=[(0, 0), (0, 1), (0, 3)], goals=[(1, 0), (1, 1), (1, 3)], penalty=0.5)
        game = coordination_grid(grid=(2, 4), **options)
        assert following(game, "(0, 0) (0, 1) (0, 3)", "east", "east", "west") == {"(0, 0) (0, 1) (0, 3)": 1.0}
        cell = (0, *move(game, "east", "east", "west"))
        assert game.rewards[(slice(None), *cell)].tolist() == [-1.5] * 3
        assert following(game, "(0, 0) (0, 1) (0, 3)", "east", "east", "stay") == {"(0, 1) (0, 2) (0, 3)": 1.0}

    def test_two_who_would_change_places_stay(self):
        game = coordination_grid(grid=(2, 3), starts=[(0, 0), (0, 1)], goals=[(1, 0), (1, 1)])
        assert following(game, "(0, 0) (0, 1)", "east", "west") == {"(0, 0) (0, 1)": 1.0}

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (dict(starts=[(0, 0), (0, 0)]), "starts is .*: give each agent a free cell of her own"),
            (dict(goals=[(0, 0)]), "goals is .*: give each agent a free cell .* as many starts as goals"),
            (dict(walls=[(0, 0)]), "starts is"),
            (dict(walls=3), "walls is 3: give a list of cells"),
            (dict(starts=3), "starts is 3: give a list of cells"),
            (dict(goals=[(0, 9), (0, 0)]), "goals is"),
            (dict(goals=[(0, 0), (0, 2)]), "starts and goals are the same: the game would be over"),
            (dict(starts=[(0, 0), (0, -1)]), r"starts\[1\] is -1: give a whole number from 0"),
            (dict(penalty=-1), "penalty is -1: give one number that is not negative"),
        ],
    )
    def test_grids_that_do_not_fit_together_are_refused(self, options, message):
        with pytest.raises(GameError, match=message):
            coordination_grid(**options)
