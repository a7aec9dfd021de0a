"""Tables of environments found by stepping copies."""

import numpy as np
import pytest

from marlgt.errors import GameError, UnsupportedGame
from marlgt.games import alternating_turns, big_match, coordination_grid, parallel_env, tabulate_environment


@pytest.mark.parametrize(
    "make", [lambda: coordination_grid(grid=(2, 2), starts=[(0, 0)], goals=[(1, 1)]), alternating_turns]
)
def test_the_table_of_the_view_of_a_game_is_the_game(make):
    game = make()
    again = tabulate_environment(
        parallel_env(game), discount=game.discount, key=lambda env: env.render(), title=game.title
    )
    assert sorted(again.states) == sorted(game.states)
    order = [again.states.index(label) for label in game.states]
    values = np.random.default_rng(0).normal(size=(game.n_players, game.n_states))
    values[:, game.terminal] = 0
    moved = np.empty_like(values)
    moved[:, order] = values
    ours, theirs = again.action_values(moved)[:, order], game.action_values(values)
    np.testing.assert_array_equal(again.played[order], game.played)
    np.testing.assert_allclose(ours[:, game.played], theirs[:, game.played], atol=1e-12)


def test_states_are_told_apart_by_the_state_array():
    game = coordination_grid(grid=(2, 2), starts=[(0, 0)], goals=[(1, 1)])
    again = tabulate_environment(parallel_env(game), discount=0.5)
    assert again.n_states == game.n_states


def test_environments_that_do_not_fit_are_refused():
    with pytest.raises(UnsupportedGame, match="the environment truncates, so its states count steps"):
        tabulate_environment(parallel_env(big_match(), horizon=1), discount=0.9)
    with pytest.raises(GameError, match="env is 3, which has no possible_agents"):
        tabulate_environment(3, discount=0.9)
    from gymnasium import spaces

    env = parallel_env(big_match())
    env.action_spaces["2"] = spaces.Box(0, 1, (2,))
    with pytest.raises(UnsupportedGame, match=r"the actions of '2' are Box\(.*\): only Discrete ones fit"):
        tabulate_environment(env, discount=0.9)
