import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlgt.errors import ProfileError, UnsupportedGame
from marlgt.games import kuhn_poker, matching_pennies_tree, stoc94_example
from marlgt.games.sequence_form import checked_behavior
from marlgt.testing import behavior_profiles, extensive_games


def expectation(game, profile):
    """What the players earn, by a pass over the nodes from the last to the first."""
    worth = np.zeros((game.n_players, game.n_nodes))
    table = np.column_stack([game.outcomes, np.zeros(game.n_players)])
    for v in range(game.n_nodes - 1, -1, -1):
        worth[:, v] += table[:, game.outcome[v]]
        if v:
            above = game.parent[v]
            mover = game.player[above]
            weight = game.probability[v] if mover < 0 else profile[mover][game.infoset[above], game.action[v]]
            worth[:, above] += weight * worth[:, v]
    return worth[:, 0]


@given(extensive_games(), st.data())
@settings(max_examples=80)
def test_values_equal_the_expectation_over_the_tree(game, data):
    profile = data.draw(behavior_profiles(game))
    form = game.sequence_form
    plans = form.realization_plans(profile)
    scale = 1 + np.abs(game.terminal_payoffs).max()
    assert form.values(plans) == pytest.approx(expectation(game, profile), rel=1e-12, abs=1e-12 * scale)
    assert form.reach.sum() <= game.chance_reach[game.terminals].sum() * (1 + 1e-12)
    assert len(set(map(tuple, form.sequences.T.tolist()))) == form.sequences.shape[1]


@given(extensive_games(), st.data())
@settings(max_examples=50)
def test_plans_obey_their_constraints_and_give_the_policy_back(game, data):
    profile = data.draw(behavior_profiles(game))
    form = game.sequence_form
    plans = form.realization_plans(profile)
    for own, plan, policy, back in zip(form.players, plans, profile, form.behavior_profile(plans)):
        rows = own.constraints()
        assert rows @ plan == pytest.approx(np.eye(1 + own.n_infosets)[0], abs=1e-12)
        arrives = plan[own.parent_sequence] > 0
        assert back[arrives] == pytest.approx(policy[arrives], abs=1e-12)
        assert back.sum(axis=1) == pytest.approx(np.ones(own.n_infosets))
        assert (back[np.arange(back.shape[1]) >= own.n_actions[:, None]] == 0).all()


@given(extensive_games(n_players=2), st.data())
@settings(max_examples=30)
def test_the_payoff_matrices_are_bilinear_in_the_plans(game, data):
    form = game.sequence_form
    x, y = form.realization_plans(data.draw(behavior_profiles(game)))
    values = form.values((x, y))
    for i in range(2):
        assert x @ (form.payoff_matrix(i) @ y) == pytest.approx(values[i], rel=1e-9, abs=1e-9)


def test_the_example_of_its_authors_has_their_sequences():
    # Koller, Megiddo and von Stengel (1994): the sequences of both players
    form = stoc94_example().sequence_form
    assert [own.n_sequences for own in form.players] == [7, 5]
    assert form.players[0].parent_sequence.tolist() == [0, 2, 0]
    assert form.players[1].parent_sequence.tolist() == [0, 0]


def test_a_payoff_matrix_takes_two_players():
    with pytest.raises(UnsupportedGame, match="the game has 3 players: a payoff matrix over sequences takes two"):
        kuhn_poker(3).sequence_form.payoff_matrix(0)


BAD = [
    (3, "the profile must hold one policy for each of 2 players"),
    (([[1, 0]],), "the profile must hold one policy for each of 2 players"),
    (([[1, 0]], [[1, 0], [0, 1]]), r"the policy of player 1 has shape \(2, 2\): it must be \(1, 2\)"),
    (([[1, 0]], [[0.5, 0.4]]), r"player 1 at information set 0 \('second'\) is \[0.5, 0.4\]: give a distribution"),
    (([[1.5, -0.5]], [[1, 0]]), "player 0 at information set 0"),
    (([[np.nan, 1]], [[1, 0]]), "must be finite"),
]


@pytest.mark.parametrize(("profile", "message"), BAD, ids=range(len(BAD)))
def test_what_is_no_behaviour_profile_is_refused(profile, message):
    with pytest.raises(ValueError if "finite" in message else ProfileError, match=message):
        checked_behavior(matching_pennies_tree(), profile)


def test_a_checked_profile_is_a_copy_that_cannot_be_changed():
    given_policy = np.array([[0.5, 0.5]])
    checked = checked_behavior(matching_pennies_tree(), (given_policy, given_policy))
    given_policy[0, 0] = 0.25
    assert checked[0].tolist() == [[0.5, 0.5]]
    with pytest.raises(ValueError, match="read-only"):
        checked[0][0, 0] = 1
