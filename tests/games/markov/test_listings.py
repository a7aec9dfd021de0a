"""What the catalogue says of its stochastic games."""

import pytest

import marlgt as gt

LISTED = {entry.name: entry for entry in gt.games.catalogue() if entry.kind == "stochastic"}


@pytest.mark.parametrize("name", LISTED)
def test_an_entry_says_how_large_its_game_is_and_where_it_is_from(name):
    entry, game = LISTED[name], gt.games.load(name)
    assert (entry.n_players, entry.size) == (game.n_players, game.n_states)
    assert game.title
    assert entry.source.endswith(".")
    assert entry.summary.endswith(".")
    assert len(entry.summary) <= 110


EQUILIBRIA = {
    "nosde": ([[1 / 3, 2 / 3], [1, 0]], [[1, 0], [7 / 12, 5 / 12]]),
    "paris_match": ([[20 / 21, 1 / 21]] * 3, [[0.5, 0.5]] * 3),
    "shapley_1953": ([[0.5, 0.5]] * 2, [[0.5, 0.5]] * 2),
}


@pytest.mark.parametrize(
    "name", [name for name, entry in LISTED.items() if entry.value is not None and name != "soccer"]
)
def test_a_listed_value_is_the_value(name, shapley_values, planned_values):
    entry, game = LISTED[name], gt.games.load(name)
    if name in EQUILIBRIA:
        certificate = gt.certify(game, EQUILIBRIA[name])
        assert certificate.epsilon <= 1e-9
        value = certificate.values[0]
    elif game.is_zero_sum:
        value = game.start @ shapley_values(game, tolerance=1e-8)
    else:
        value = game.start @ planned_values(game) / game.n_players
    assert value == pytest.approx(float(entry.value), abs=1e-8)


def test_the_games_of_the_issue_are_there():
    wanted = {"soccer", "grid_game_1", "grid_game_2", "level_based_foraging", "predator_prey_grid", "coordination_grid"}
    wanted |= {"big_match", "nosde", "iterated_prisoners_dilemma"}
    assert wanted <= set(LISTED)
    assert len(LISTED) >= 16


@pytest.mark.parametrize("name", sorted(set(LISTED) - {"shapley_1953", "predator_prey_grid"}))
def test_every_game_takes_another_discount(name):
    assert getattr(gt.games, name)(discount=0.25).discount == 0.25
