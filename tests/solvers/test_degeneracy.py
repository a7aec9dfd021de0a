import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlgt.errors import BudgetExceeded, NotConverged, UnsupportedGame
from marlgt.games.normal_form import NormalFormGame
from marlgt.solvers import is_degenerate
from marlgt.solvers._polytopes import NumberWalk


@st.composite
def integer_games(draw):
    m, n = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    lines = st.lists(st.lists(st.integers(-3, 3), min_size=n, max_size=n), min_size=m, max_size=m)
    return NormalFormGame.bimatrix(draw(lines), draw(lines))


@pytest.mark.parametrize(
    ("A", "B", "expected"),
    [
        ([[3, 3], [2, 5], [0, 6]], [[3, 2], [2, 6], [3, 1]], False),
        # von Stengel (2007), section 3.6: the first row has two best replies.
        ([[3, 3], [2, 5], [0, 6]], [[3, 3], [2, 6], [3, 1]], True),
        # Three columns are best replies to (1/2, 1/2), none of the rows alone has two.
        ([[3, 1, 2], [1, 3, 4]], [[4, 0, 2], [0, 4, 2]], True),
        ([[5]], [[7]], False),
        ([[1, 1]], [[0, 0]], True),
    ],
)
@pytest.mark.parametrize("dtype", [int, float])
def test_known_games(A, B, expected, dtype):
    game = NormalFormGame.bimatrix(np.array(A, dtype=dtype), np.array(B, dtype=dtype))
    assert is_degenerate(game) is expected


@given(integer_games())
@settings(max_examples=100, deadline=None)
def test_floats_and_swapped_players_agree(game):
    answer = is_degenerate(game)
    assert is_degenerate(NormalFormGame(game.payoffs * 1e-6)) is answer
    assert is_degenerate(game.permute_players([1, 0])) is answer


@given(integer_games())
@settings(max_examples=60, deadline=None)
def test_a_duplicated_best_reply_makes_a_game_degenerate(game):
    A = game.payoffs[0].astype(int)
    best = int(A[:, 0].argmax())
    A, B = np.vstack([A, A[best]]), np.vstack([game.payoffs[1], game.payoffs[1][best]]).astype(int)
    assert is_degenerate(NormalFormGame.bimatrix(A, B))


@pytest.mark.parametrize("gear", ["plain", "compiled"])
def test_random_games_are_nondegenerate_and_a_tie_deep_inside_is_found(gear, monkeypatch):
    monkeypatch.setenv("MARLGT_GEAR", gear)
    rng = np.random.default_rng(1)
    A, B = rng.integers(0, 10**6, (2, 6, 6))
    assert not is_degenerate(NormalFormGame.bimatrix(A, B))
    # Against (1/2, 1/2) on the first two rows, the first three columns are tied and best.
    B[:2, :3] = [[3_000_000, 2_000_000, 2_500_000], [2_000_000, 3_000_000, 2_500_000]]
    assert is_degenerate(NormalFormGame.bimatrix(A, B))
    assert is_degenerate(NormalFormGame.bimatrix(A * 0.1, B * 0.1))


def test_large_games_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(BudgetExceeded, match="the degeneracy test on 40×40"):
        is_degenerate(NormalFormGame.bimatrix(*rng.normal(size=(2, 40, 40))))


def test_three_players_are_refused():
    with pytest.raises(UnsupportedGame, match="two-player"):
        is_degenerate(NormalFormGame(np.zeros((3, 2, 2, 2))))


def test_an_interrupted_test_says_so(monkeypatch):
    def interrupted(self, steps):
        raise KeyboardInterrupt

    monkeypatch.setattr(NumberWalk, "advance", interrupted)
    with pytest.raises(NotConverged, match="interrupted"):
        is_degenerate(NormalFormGame.bimatrix(np.eye(3, dtype=int), np.eye(3, dtype=int)))
