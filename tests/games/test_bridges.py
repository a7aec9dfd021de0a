import sys

import numpy as np
import pytest

from marlgt.errors import BudgetExceeded, GameError, MissingDependency, UnsupportedGame
from marlgt.games import ExtensiveGame, NormalFormGame
from marlgt.games.nashpy_bridge import from_nashpy, to_nashpy
from marlgt.games.openspiel import from_openspiel, to_openspiel

nashpy = pytest.importorskip("nashpy")
pyspiel = pytest.importorskip("pyspiel")

ONE_SHOT = sorted(
    kind.short_name
    for kind in pyspiel.registered_games()
    if kind.information == pyspiel.GameType.Information.ONE_SHOT and kind.default_loadable
)


@pytest.mark.parametrize("name", ONE_SHOT)
def test_every_one_shot_game_pays_what_pyspiel_pays(name):
    theirs = pyspiel.load_game(name)
    ours = from_openspiel(name, max_payoffs=10**6)
    state = theirs.new_initial_state()
    legal = [state.legal_actions(i) for i in range(theirs.num_players())]
    assert ours.n_actions == tuple(map(len, legal))
    rng = np.random.default_rng(0)
    for _ in range(20):
        profile = [int(rng.integers(len(actions))) for actions in legal]
        after = state.clone()
        after.apply_actions([legal[i][a] for i, a in enumerate(profile)])
        assert ours.payoffs[(slice(None), *profile)].tolist() == after.returns()


def test_whole_payoffs_are_exact_and_labels_are_kept():
    game = from_openspiel("matrix_pd")
    assert game.is_exact
    assert game.actions == (("Cooperate", "Defect"),) * 2
    assert game.fractions[0].tolist() == [[5, 0], [10, 1]]


@pytest.mark.parametrize("shape", [(3,), (2, 3), (1, 1), (2, 3, 2), (2, 2, 2, 2)])
def test_games_survive_the_way_to_openspiel_and_back(shape):
    rng = np.random.default_rng(1)
    game = NormalFormGame(
        rng.integers(-9, 9, (len(shape), *shape)),
        actions=[[f"{i}:{a}" for a in range(count)] for i, count in enumerate(shape)],
        title="there and back",
    )
    back = from_openspiel(to_openspiel(game))
    assert back == game
    assert back.title == game.title
    floats = NormalFormGame(game.payoffs + 0.25)
    assert np.array_equal(from_openspiel(to_openspiel(floats)).payoffs, floats.payoffs)


def test_the_normal_form_of_a_sequential_game_is_made_only_when_asked():
    assert isinstance(from_openspiel("kuhn_poker"), ExtensiveGame)
    game = from_openspiel("kuhn_poker", normal_form=True)
    assert game.n_actions == (64, 64)
    assert game.is_exact
    assert not game.fractions.sum(axis=0).any()


def test_a_simultaneous_game_of_several_moves_is_converted_only_when_asked():
    game = from_openspiel("goofspiel(num_cards=2)", normal_form=True)
    assert game.n_players == 2


def test_a_conversion_that_would_explode_is_refused_before_it_starts():
    with pytest.raises(BudgetExceeded, match="max_payoffs=1000"):
        from_openspiel("kuhn_poker", normal_form=True, max_payoffs=1000)
    with pytest.raises(BudgetExceeded, match="Leduc Poker has more than 1e300 payoffs"):
        from_openspiel("leduc_poker", normal_form=True)
    with pytest.raises(BudgetExceeded, match="normal form of Blotto"):
        from_openspiel("blotto", max_payoffs=100)


def test_what_is_no_pyspiel_game_is_refused():
    with pytest.raises(GameError, match="pyspiel cannot load 'no_such_game'"):
        from_openspiel("no_such_game")
    with pytest.raises(GameError, match=r"must be a pyspiel.Game or the name of one, got 3"):
        from_openspiel(3)


def test_games_survive_the_way_to_nashpy_and_back():
    game = NormalFormGame.bimatrix([[3, 0.5], [5, 1]], [[3, 5], [0, 1]])
    theirs = to_nashpy(game)
    assert from_nashpy(theirs) == game
    row, column = theirs[[1, 0], [0, 1]]
    assert (row, column) == (0.5, 5)
    assert from_nashpy(nashpy.Game([[1, -1], [-1, 1]])) == NormalFormGame.zero_sum([[1, -1], [-1, 1]])
    assert from_nashpy(nashpy.Game([[1, -1], [-1, 1]])).is_exact


def test_nashpy_games_without_two_finite_matrices_are_refused():
    with pytest.raises(GameError, match=r"must be a nashpy.Game with two payoff matrices, got 'x'"):
        from_nashpy("x")
    with pytest.raises(GameError, match="finite"):
        from_nashpy(nashpy.Game([[np.nan, 1]], [[1, 2]]))
    with pytest.raises(UnsupportedGame, match="two players, this one has 3"):
        to_nashpy(NormalFormGame.common_interest(np.zeros((2, 2, 2))))


def test_a_missing_package_says_what_to_type(monkeypatch):
    game = NormalFormGame.zero_sum([[1, -1], [-1, 1]])
    monkeypatch.setitem(sys.modules, "pyspiel", None)
    monkeypatch.setitem(sys.modules, "nashpy", None)
    with pytest.raises(MissingDependency, match=r'needs open_spiel: pip install "marlgt\[games\]"'):
        to_openspiel(game)
    with pytest.raises(MissingDependency, match=r'needs nashpy: pip install "marlgt\[games\]"'):
        to_nashpy(game)
