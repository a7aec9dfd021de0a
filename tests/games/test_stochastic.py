"""The type of stochastic games: what it keeps, what it computes, and what it refuses."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.errors import GameError, ProfileError, UnsupportedGame
from marlgt.games import StochasticGame
from marlgt.games.stochastic import checked_stationary
from marlgt.testing import any_stochastic_game, ending_stochastic_games, normal_form_games, stationary_profiles

QUICK = settings(max_examples=60, deadline=None)


def dense(game):
    """Return the transitions as rows over all states."""
    rows = np.zeros((*game.successors.shape[:-1], game.n_states))
    for cell in np.ndindex(*game.successors.shape):
        rows[(*cell[:-1], game.successors[cell])] += game.probabilities[cell]
    return rows


def options(game):
    return dict(start=game.start, terminal=game.terminal, legal=game.legal, discount=game.discount)


@QUICK
@given(any_stochastic_game(), st.integers(0, 2**32 - 1))
def test_dense_and_sparse_transitions_make_the_same_game(game, seed):
    again = StochasticGame.from_dense(game.rewards, dense(game), **options(game))
    values = np.random.default_rng(seed).normal(size=(game.n_players, game.n_states))
    np.testing.assert_allclose(again.action_values(values), game.action_values(values), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(again.played, game.played)
    np.testing.assert_array_equal(again.reachable, game.reachable)
    assert again.surely_ends == game.surely_ends
    assert again.successors.shape[-1] <= game.n_states


@QUICK
@given(any_stochastic_game(), st.sampled_from([0.0, 0.3, 1.0]))
def test_another_discount_changes_nothing_else(game, discount):
    other = game.with_discount(discount)
    assert other.discount == discount
    assert other.with_discount(game.discount) == game
    assert (other == game) == (discount == game.discount)
    assert hash(other.with_discount(game.discount)) == hash(game)


@QUICK
@given(any_stochastic_game())
def test_what_cannot_be_played_is_worth_nothing_and_does_not_move(game):
    assert not game.rewards[:, ~game.played].any()
    assert not game.probabilities[~game.played].any()
    np.testing.assert_allclose(game.probabilities.sum(axis=-1), game.played, atol=1e-12)
    assert not game.played[game.terminal].any()
    for array in (game.rewards, game.successors, game.probabilities, game.start, game.terminal, *game.legal):
        assert not array.flags.writeable
    assert game.successors.dtype == np.int32


@QUICK
@given(any_stochastic_game(), st.data())
def test_the_order_of_players_may_be_changed(game, data):
    order = data.draw(st.permutations(range(game.n_players)))
    width = game.n_players + 1
    paid = game.rewards if game.successor_rewards is None else game.successor_rewards
    other = StochasticGame(
        np.moveaxis(paid[order], [2 + i for i in order], range(2, 2 + game.n_players)),
        np.moveaxis(game.successors, [1 + i for i in order], range(1, width)),
        np.moveaxis(game.probabilities, [1 + i for i in order], range(1, width)),
        **{**options(game), "legal": [game.legal[i] for i in order]},
    )
    assert other.n_actions == tuple(game.n_actions[i] for i in order)
    profile = data.draw(stationary_profiles(game))
    if game.discount < 1 or game.surely_ends:
        ours = gt.concepts.regrets(game, profile)
        theirs = gt.concepts.regrets(other, [profile[i] for i in order])
        np.testing.assert_allclose(theirs, ours[list(order)], rtol=1e-9, atol=1e-9)


@QUICK
@given(any_stochastic_game(), st.data())
def test_a_stage_game_pays_rewards_and_what_follows(game, data):
    state = data.draw(st.sampled_from(np.flatnonzero(~game.terminal).tolist()))
    values = np.random.default_rng(0).normal(size=(game.n_players, game.n_states))
    stage = game.stage_game(state, values)
    kept = [np.flatnonzero(own[state]) for own in game.legal]
    assert stage.n_actions == tuple(len(own) for own in kept)
    cell = tuple(int(own[-1]) for own in kept)
    ahead = sum(
        chance * values[:, following]
        for chance, following in zip(game.probabilities[(state, *cell)], game.successors[(state, *cell)])
    )
    expected = game.rewards[(slice(None), state, *cell)] + game.discount * ahead
    np.testing.assert_allclose(stage.payoffs[(slice(None), *(-1,) * game.n_players)], expected, atol=1e-12)
    np.testing.assert_array_equal(game.action_values(values, state), game.action_values(values)[:, state])


@QUICK
@given(normal_form_games(n_players=range(1, 4), n_actions=range(1, 4)), st.data())
def test_a_repeated_game_is_the_game_times_the_steps(game, data):
    assume(np.abs(game.payoffs).max() < 1e6)
    repeated = StochasticGame.repeated(game, discount=0.75)
    profile = data.draw(stationary_profiles(repeated))
    once = gt.certify(game, [own[0] for own in profile]).values
    scale = 1e-9 * max(1.0, np.abs(game.payoffs).max())
    np.testing.assert_allclose(gt.certify(repeated, profile).values, 4 * np.asarray(once), rtol=1e-9, atol=scale)
    assert (repeated.n_states, repeated.n_actions) == (1, game.n_actions)
    assert not repeated.surely_ends


@QUICK
@given(ending_stochastic_games(n_players=range(1, 3)))
def test_a_game_that_surely_ends_reaches_its_end_in_as_many_steps_as_it_has_states(game):
    weight = np.asarray(game.start)
    rows = dense(game).reshape(game.n_states, -1, game.n_states)
    played = game.played.reshape(game.n_states, -1)
    move = rows.sum(axis=1) / np.maximum(played.sum(axis=1), 1)[:, None]
    ended = 0.0
    for _ in range(game.n_states):
        ended += weight[game.terminal].sum()
        weight = weight @ move
    assert ended == pytest.approx(1.0)


def test_a_game_that_may_go_round_does_not_surely_end():
    loop = StochasticGame([[[0, 0], [0, 0]]], [[[0], [1]], [[0], [0]]], np.ones((2, 2, 1)), discount=1, terminal=[0, 1])
    assert not loop.surely_ends
    kept = StochasticGame(
        [[[0, 0], [0, 0]]],
        [[[0], [1]], [[0], [0]]],
        np.ones((2, 2, 1)),
        discount=1,
        terminal=[0, 1],
        legal=[[[0, 1], [1, 1]]],
    )
    assert kept.surely_ends
    with pytest.raises(UnsupportedGame, match="the discount is 1 and the players can keep the game from ending"):
        gt.certify(loop, [[[1, 0], [1, 0]]])


def test_states_out_of_reach_are_told():
    game = StochasticGame(
        np.zeros((1, 4, 2)),
        [[[1], [0]], [[1], [2]], [[2], [2]], [[0], [3]]],
        np.ones((4, 2, 1)),
        discount=0.5,
        start=[1, 0, 0, 0],
    )
    assert game.reachable.tolist() == [True, True, True, False]


def test_rewards_may_depend_on_the_successor():
    game = StochasticGame([[[[2.0, -2.0]]]], [[[0, 0]]], [[[0.75, 0.25]]], discount=0.5)
    assert game.rewards.tolist() == [[[1.0]]]
    assert game.successor_rewards.tolist() == [[[[2.0, -2.0]]]]
    alike = StochasticGame([[[[2.0, 2.0]]]], [[[0, 0]]], [[[0.75, 0.25]]], discount=0.5)
    assert alike.successor_rewards is None
    padded = StochasticGame([[[[2.0, 9.0]]]], [[[0, 7]]], [[[1, 0]]], discount=0.5)
    assert padded.successor_rewards is None
    assert padded.rewards.tolist() == [[[2.0]]]


def test_labels_and_the_line_that_describes_a_game():
    game = StochasticGame(
        [[[0, 0], [0, 0]]],
        np.zeros((2, 2, 1), dtype=int),
        np.ones((2, 2, 1)),
        discount=0.5,
        terminal=[False, True],
        players=["she"],
        states=["here", "there"],
        actions=[["go", "stay"]],
        title="A walk",
    )
    assert repr(game) == "<StochasticGame 'A walk': 2 states (1 terminal), 2 actions, discount 0.5>"
    assert (game.players, game.states, game.actions) == (("she",), ("here", "there"), (("go", "stay"),))
    plain = StochasticGame(np.zeros((1, 1, 1)), [[[0]]], [[[1]]], discount=0.5)
    assert (plain.players, plain.states, plain.actions) == (("1",), ("0",), (("0",),))
    assert plain != "a game"


def test_the_default_start_leaves_terminal_states_out():
    game = StochasticGame(
        np.zeros((1, 3, 1)), np.zeros((3, 1, 1), int), np.ones((3, 1, 1)), discount=0, terminal=[0, 1, 0]
    )
    assert game.start.tolist() == [0.5, 0.0, 0.5]


def test_the_caller_s_arrays_are_copied():
    rewards, chances = np.zeros((1, 1, 1)), np.ones((1, 1, 1))
    game = StochasticGame(rewards, [[[0]]], chances, discount=0.5)
    rewards[:], chances[:] = 7, 7
    assert (game.rewards.max(), game.probabilities.max()) == (0, 1)


GOOD = dict(
    rewards=np.zeros((2, 2, 2, 3)),
    successors=np.ones((2, 2, 3, 1), dtype=int),
    probabilities=np.ones((2, 2, 3, 1)),
    discount=0.9,
)


def changed(name, place, value):
    """Return one of the good arrays with another entry."""
    array = GOOD[name].astype(type(value) if name == "successors" else float)
    array[place] = value
    return {name: array}


BAD_GAMES = [
    (changed("probabilities", (1, 0, 2, 0), 0.5), r"state 1 and actions \(0, 2\) sum to 0.5: they must sum to 1"),
    (changed("probabilities", (0, 0, 0, 0), 1 - 1e-6), "sum to 0.999999: they must sum to 1"),
    (
        changed("probabilities", (1, 1, 1, 0), 0),
        "sum to 0: they must sum to 1: mark the state as terminal",
    ),
    (
        changed("probabilities", (1, 0, 2, 0), -1),
        r"probabilities\[1, 0, 2, 0\] is -1.0: probabilities are not negative",
    ),
    (
        changed("probabilities", (0, 0, 0, 0), np.nan),
        r"probabilities\[0, 0, 0, 0\] is nan: .* must be finite",
    ),
    (changed("rewards", (0, 0, 0, 0), np.inf), r"rewards\[0, 0, 0, 0\] is inf: rewards must be finite"),
    (changed("successors", (0, 1, 1, 0), 2), r"successors\[0, 1, 1, 0\] is 2: states are numbered from 0 to 1"),
    (changed("successors", (0, 1, 1, 0), -1), r"successors\[0, 1, 1, 0\] is -1: states are numbered"),
    (changed("successors", (0, 1, 1, 0), 0.5), "successors is .*: give the numbers of states"),
    (
        dict(successors=np.ones((2, 2, 3, 2), int)),
        "successors has shape .* but probabilities has",
    ),
    (dict(probabilities=np.ones((2, 2))), r"probabilities must have shape \(S, A_1, ..., A_n, k\), got \(2, 2\)"),
    (dict(probabilities=np.ones((2, 0, 3, 1))), "probabilities must have shape"),
    (
        dict(rewards=np.zeros((2, 2, 3))),
        r"rewards has shape \(2, 2, 3\): .* must be \(2, 2, 2, 3\), one number",
    ),
    (dict(rewards=[[1, 2], [3]]), "rewards is ragged"),
    (dict(rewards="much"), "rewards is 'much'"),
    (dict(discount=1.5), "discount is 1.5: give a number from 0 to 1"),
    (dict(discount=-0.1), "discount is -0.1: give a number from 0 to 1"),
    (dict(discount=float("nan")), "discount is nan: discount must be finite"),
    (dict(discount=[0.5, 0.5]), "discount is .*: give a number from 0 to 1"),
    (
        dict(legal=[[[1, 1], [0, 0]], np.ones((2, 3), bool)]),
        "player 0 has no legal action in state 1: give her one",
    ),
    (dict(legal=[np.ones((2, 2), bool)]), r"legal must hold one array of shape \(S, A_i\) per player \(2\)"),
    (dict(legal=3), "legal must hold one array of shape"),
    (dict(legal=[np.ones((2, 2), bool), np.ones((2, 2), bool)]), r"legal\[1\] must be true or false .* shape \(2, 3\)"),
    (dict(legal=[np.full((2, 2), 0.5), np.ones((2, 3), bool)]), r"legal\[0\] must be true or false"),
    (dict(terminal=[True]), r"terminal must be true or false for each entry of shape \(2,\)"),
    (dict(terminal=[True, True]), "every state is terminal: leave at least one in which the game is played"),
    (dict(terminal=[True, True], start=[1, 0]), "every state is terminal"),
    (dict(start=[0.5, 0.4]), "start is .*: give probabilities that are not negative and sum to 1"),
    (dict(start=[1.5, -0.5]), "start is .*: give probabilities that are not negative"),
    (dict(start=[1]), r"start has shape \(1,\): give one probability for each of 2 states"),
    (dict(players=["a"]), "players must be 2 labels in a list"),
    (dict(states=[0, 1]), r"states\[0\] is 0: a label is text; write '0'"),
    (dict(actions=[["a", "b"]]), r"actions must hold one list of labels per player \(2\)"),
    (dict(actions=[["a", "b"], ["c"]]), r"actions\[1\] must be 3 labels in a list"),
    (dict(actions=7), "actions must hold one list of labels"),
    (dict(title=3), "title is 3: give text"),
]


@pytest.mark.parametrize(("change", "message"), BAD_GAMES, ids=range(len(BAD_GAMES)))
def test_what_is_no_game_is_refused_with_a_reason(change, message):
    arguments = {**GOOD, **change}
    with pytest.raises(GameError, match=message):
        StochasticGame(**arguments)


def test_what_is_not_read_may_be_anything():
    rewards, chances = np.zeros((1, 2, 2)), np.ones((2, 2, 1))
    chances[1], chances[0, 1] = -3, 0.2
    successors = np.array([[[1], [99]], [[-5], [99]]])
    game = StochasticGame(
        rewards + 5, successors, chances, discount=0.5, terminal=[False, True], legal=[[[True, False], [False, False]]]
    )
    assert game.rewards.tolist() == [[[5, 0], [0, 0]]]
    assert game.successors.tolist() == [[[1], [0]], [[0], [0]]]
    assert not game.all_legal


@pytest.mark.parametrize(
    ("transitions", "message"),
    [
        (np.ones((2, 1, 3)), r"transitions must have shape \(S, A_1, ..., A_n, S\), got \(2, 1, 3\)"),
        (np.ones((0, 1, 0)), "transitions must have shape"),
        ([[[0.5, 0.4]], [[1, 0]]], r"the probabilities of state 0 and actions \(0,\) sum to 0.9"),
        ([[[1.5, -0.5]], [[1, 0]]], r"transitions\[0, 0, 1\] is -0.5: probabilities are not negative"),
    ],
)
def test_dense_transitions_that_are_none_are_refused(transitions, message):
    with pytest.raises(GameError, match=message):
        StochasticGame.from_dense(np.zeros((1, 2, 1)), transitions, discount=0.5)


BAD_PROFILES = [
    ([[[1, 0]] * 2], r"the profile must hold one policy for each of 2 players, of shape \(S, A_i\)"),
    (3, "the profile must hold one policy"),
    (([[1, 0]], [[1, 0, 0]] * 2), r"the policy of player 0 has shape \(1, 2\): it must be \(2, 2\), a row per state"),
    (([[1, 0], [0.5, 0.4]], [[1, 0, 0]] * 2), r"player 0 in state 1 \('1'\) is \[0.5, 0.4\]: give a distribution"),
    (([[1, 0], [2, -1]], [[1, 0, 0]] * 2), "give a distribution over the legal actions"),
    (([[1, 0]] * 2, [[1, 0, 0], [0, 0, 1]]), r"player 1 in state 1 \('1'\) is \[0.0, 0.0, 1.0\]"),
]


@pytest.mark.parametrize(("profile", "message"), BAD_PROFILES, ids=range(len(BAD_PROFILES)))
def test_what_is_no_profile_is_refused(profile, message):
    legal = [np.ones((2, 2), bool), [[True, True, True], [True, True, False]]]
    with pytest.raises(ProfileError, match=message):
        checked_stationary(StochasticGame(**GOOD, legal=legal), profile)


def test_the_uniform_profile_is_uniform_over_legal_actions():
    legal = [np.ones((2, 2), bool), [[True, True, True], [True, True, False]]]
    first, second = StochasticGame(**GOOD, legal=legal).uniform_profile()
    assert first.tolist() == [[0.5, 0.5]] * 2
    np.testing.assert_allclose(second, [[1 / 3] * 3, [0.5, 0.5, 0]])


@pytest.mark.parametrize(
    ("state", "values", "message"),
    [
        (2, np.zeros((2, 2)), "state is 2: states are numbered from 0 to 1"),
        (True, np.zeros((2, 2)), "state is True: states are numbered"),
        (0, np.zeros(2), r"values has shape \(2,\): it must be \(2, 2\), what each state is worth to each player"),
        (0, "much", "values is 'much'"),
    ],
)
def test_a_stage_game_needs_a_state_and_values(state, values, message):
    with pytest.raises(GameError, match=message):
        StochasticGame(**GOOD).stage_game(state, values)


def test_what_is_no_normal_form_game_is_not_repeated():
    with pytest.raises(GameError, match="game is 3: give a NormalFormGame"):
        StochasticGame.repeated(3, discount=0.5)


def test_other_rewards_leave_the_rest_of_the_game_alone():
    game = gt.games.grid_game_1()
    shared = game.with_rewards(np.broadcast_to(game.rewards.sum(axis=0), game.rewards.shape))
    assert shared.is_common_interest
    assert not game.is_common_interest
    assert shared.with_rewards(game.rewards) == game.with_rewards(game.rewards)
    assert shared.states == game.states
