import pytest

from marlgt.errors import GameError
from marlgt.games import KuhnPoker, LeducPoker, kuhn_poker, leduc_poker


@pytest.mark.parametrize("n_players", [2, 3, 4])
def test_kuhn_poker_is_openspiels(n_players, same_as_pyspiel):
    same_as_pyspiel(kuhn_poker(n_players), f"kuhn_poker(players={n_players})")


def test_leduc_poker_is_openspiels(same_as_pyspiel):
    same_as_pyspiel(leduc_poker(), "leduc_poker")


def test_leduc_poker_without_suits_is_openspiels(same_as_pyspiel):
    same_as_pyspiel(leduc_poker(suits=False), "leduc_poker(suit_isomorphism=True)")


def test_kuhn_poker_is_worth_what_kuhn_proved(value_of):
    # Kuhn (1950): the first player loses 1/18
    assert value_of(kuhn_poker()) == pytest.approx(-1 / 18, abs=1e-12)


@pytest.mark.parametrize("suits", [False, True])
def test_leduc_poker_is_worth_what_openspiel_finds(suits, value_of):
    # OpenSpiel, sequence_form_lp_test: -0.085606424078
    assert value_of(leduc_poker(suits=suits)) == pytest.approx(-0.085606424078, abs=1e-9)


def test_more_cards_make_larger_decks():
    game = kuhn_poker(2, 5)
    assert game.n_infosets == (10, 10)
    assert game.chance.action_labels(0) == ("1", "2", "3", "4", "5")


def test_states_are_values_that_read_well():
    rules = KuhnPoker()
    state = rules.next_state(rules.next_state(rules.initial_state(), "K"), "J")
    assert state == ((2, 0), "")
    assert rules.information_state(rules.next_state(state, "bet")) == "J b"
    assert rules.returns(((2, 0), "bp")) == [1, -1]
    leduc = LeducPoker()
    state = leduc.initial_state()
    for move in ("Ja", "Qb", "raise", "call", "Jb"):
        state = leduc.next_state(state, move)
    assert leduc.information_state(state) == "Ja rc Jb"
    assert leduc.returns(leduc.next_state(leduc.next_state(state, "call"), "call")) == [3, -3]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: kuhn_poker(1), "n_players must be a whole number from 2 to 8, got 1"),
        (lambda: kuhn_poker(3, 2), "n_cards must be a whole number from 3 to 52, got 2"),
        (lambda: leduc_poker(4), "n_players is 4: the tree for more than 3 is too large, so search LeducPoker instead"),
        (lambda: LeducPoker(7), "n_players must be a whole number from 2 to 6"),
    ],
)
def test_parameters_out_of_range_are_refused(make, message):
    with pytest.raises(GameError, match=message):
        make()
