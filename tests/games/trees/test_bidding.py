import numpy as np
import pytest

from marlgt.errors import GameError
from marlgt.games import Goofspiel, dollar_auction, goofspiel

THEIRS = "goofspiel(imp_info=True,num_cards={},points_order={}{})"


@pytest.mark.parametrize(
    ("ours", "name"),
    [
        ({}, THEIRS.format(4, "descending", "")),
        ({"n_cards": 5}, THEIRS.format(5, "descending", "")),
        ({"n_cards": 3, "shuffled": True}, THEIRS.format(3, "random", "")),
        ({"n_cards": 3, "prizes": (1, 2, 3)}, THEIRS.format(3, "ascending", "")),
        ({"n_cards": 3, "n_players": 3}, THEIRS.format(3, "descending", ",players=3")),
        ({"win_or_lose": False}, THEIRS.format(4, "descending", ",returns_type=point_difference")),
    ],
)
def test_goofspiel_is_openspiels(ours, name, same_as_pyspiel):
    same_as_pyspiel(goofspiel(**ours), name)


@pytest.mark.parametrize("bids_shown", [False, True])
def test_goofspiel_is_fair(bids_shown, value_of):
    assert value_of(goofspiel(bids_shown=bids_shown)) == pytest.approx(0, abs=1e-9)


def test_shown_bids_tell_more():
    hidden, shown = goofspiel(), goofspiel(bids_shown=True)
    assert shown.n_nodes == hidden.n_nodes
    assert shown.n_infosets > hidden.n_infosets
    assert shown.has_perfect_recall


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: goofspiel(3, prizes=(1, 2)), r"prizes are \(1, 2\): put the cards 1 to 3 in some order"),
        (lambda: goofspiel(3, prizes=(1, 2, 3), shuffled=True), "prizes are given but shuffled is true"),
        (lambda: Goofspiel(1), "n_cards must be a whole number from 2 to 13, got 1"),
        (lambda: dollar_auction(budget=0), "budget must be a whole number from 1 to 1000, got 0"),
    ],
)
def test_parameters_out_of_range_are_refused(make, message):
    with pytest.raises(GameError, match=message):
        make()


def test_both_bidders_pay_in_a_dollar_auction():
    game = dollar_auction(prize=5, budget=4)
    # nobody bids; bids of 1, 2, 3 and 4 win, and the other has bid one less
    assert game.terminal_payoffs.T.tolist() == [[0, 0], [4, 0], [-1, 3], [2, -2], [-3, 1]]
    assert np.array_equal(game.player[:3], [0, -2, 1])
