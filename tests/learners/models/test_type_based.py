"""Type-based reasoning: the book's worked example, expectimax over histories, and posteriors that find the truth."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.errors import BudgetExceeded, GameError, UnsupportedGame
from marlgt.learners import (
    MachinePlayer,
    TypeBased,
    always,
    grim_trigger,
    policy_machine,
    stationary_machine,
    tit_for_tat,
    trembling,
    type_posterior,
    value_of_information,
    win_stay_lose_shift,
)
from marlgt.testing import check_learner

GAME = gt.NormalFormGame.bimatrix([[-1, -5], [0, -3]], [[-1, 0], [-5, -3]])
COOP_OR_GRIM = [always(GAME, 1, 0), grim_trigger(GAME, 1)]


def worth(p_grim, **options):
    return value_of_information(GAME, type_posterior(COOP_OR_GRIM, prior=[1 - p_grim, p_grim]), **options)


def test_the_worked_example_of_the_book():
    # Albrecht, Christianos and Schaefer (2024), eq. 6.21 and 6.22: VI(C) = -9, VI(D) = -13.5; at the end -1 and 0.
    assert worth(0.5, horizon=10).tolist() == [-9.0, -13.5]
    assert worth(0.5, horizon=1).tolist() == [-1.0, 0.0]
    # A skewed prior turns the answer: extra2.voi_book_pd10_skewed_grim0.2
    assert worth(0.2, horizon=10) == pytest.approx([-5.8, -5.4], abs=1e-12)


def test_without_end_the_values_are_those_of_the_closed_form():
    # learn.voi_pd_b0.5_g0.99 and _g0.5; defecting pays as long as p_grim <= 1 / (3 gamma)
    assert worth(0.5, discount=0.99) == pytest.approx([-100.0, -148.5], abs=1e-8)
    assert worth(0.5, discount=0.5) == pytest.approx([-1.75, -1.5], abs=1e-8)
    for gamma in (0.6, 0.9, 0.99):
        threshold = 1 / (3 * gamma)
        below, above = worth(threshold - 0.01, discount=gamma), worth(threshold + 0.01, discount=gamma)
        assert below[1] > below[0]
        assert above[0] > above[1]


def test_a_myopic_player_always_defects_and_pays_for_it():
    assert all(worth(p, horizon=1).argmax() == 1 for p in (0.0, 0.3, 0.9, 1.0))
    ends = {}
    for horizon in (1, None):
        learner = TypeBased(GAME, 0, types=COOP_OR_GRIM, horizon=horizon, discount=0.95)
        run = gt.learners.play(GAME, [learner, MachinePlayer(COOP_OR_GRIM[1])], steps=40, record=1)
        ends[horizon] = run.rewards[0, 0, 0]
    assert ends[None] == -1.0
    assert ends[1] < -2.8


def expectimax(game, types, weights, places, state, horizon, discount, player):
    """Return the value of each action by recursion over histories, beliefs unnormalised."""
    other = 1 - player
    values = []
    for own in range(game.n_actions[player]):
        if not game.legal[player][state, own]:
            values.append(-np.inf)
            continue
        total = 0.0
        for action in range(game.n_actions[other]):
            after = [w * kind.probabilities(p, state)[action] for w, kind, p in zip(weights, types, places)]
            chance = sum(after) / sum(weights)
            if chance == 0:
                continue
            profile = (own, action) if player == 0 else (action, own)
            number = profile[0] * game.n_actions[1] + profile[1]
            gained = game.rewards[(player, state, *profile)]
            then = [kind.after(p, number) for kind, p in zip(types, places)]
            for end, share in zip(game.successors[(state, *profile)], game.probabilities[(state, *profile)]):
                if horizon > 1 and share > 0 and not game.terminal[end]:
                    ahead = expectimax(game, types, after, then, int(end), horizon - 1, discount, player)
                    gained += discount * share * max(ahead)
            total += chance * gained
        values.append(total)
    return values


def random_types(game, player, rng, count=3):
    made = []
    for _ in range(count):
        rows = rng.dirichlet(np.ones(game.n_actions[player]), size=(2, game.n_states))
        if rng.random() < 0.5:
            rows = np.eye(game.n_actions[player])[rows.argmax(axis=2)]
        nexts = rng.integers(2, size=(2, *game.n_actions))
        made.append(policy_machine(game, player, distributions=rows, successors=nexts, initial=int(rng.integers(2))))
    return made


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_values_are_those_of_expectimax_over_histories(seed):
    rng = np.random.default_rng(seed)
    player = int(rng.integers(2))
    ways = rng.dirichlet(np.full(2, 0.3), size=(2, 2, 3))
    ways[rng.random((2, 2, 3)) < 0.3] = [1.0, 0.0]
    rewards = rng.integers(-3, 4, size=(2, 2, 2, 3))
    ends = [False, bool(rng.random() < 0.3)]
    game = gt.games.StochasticGame.from_dense(rewards, ways, discount=0.8, terminal=ends, start=[1, 0])
    types = random_types(game, 1 - player, rng)
    prior = rng.dirichlet(np.ones(3))
    places = [kind.initial for kind in types]
    for horizon in (1, 2, 3):
        found = value_of_information(game, type_posterior(types, prior=prior), horizon=horizon)
        expected = expectimax(game, types, prior, places, 0, horizon, 0.8, player)
        assert found == pytest.approx(expected, abs=1e-10)


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.floats(0.0, 1.0))
def test_the_best_value_is_convex_in_the_beliefs(seed, share):
    # Information never hurts: to be told which of two priors holds is worth at least not to be told.
    rng = np.random.default_rng(seed)
    game = gt.games.StochasticGame.repeated(GAME, discount=0.9)
    types = random_types(game, 1, rng)
    one, other = rng.dirichlet(np.ones(3), size=2)
    best = [
        value_of_information(game, type_posterior(types, prior=prior), horizon=3).max()
        for prior in (one, other, share * one + (1 - share) * other)
    ]
    assert best[2] <= share * best[0] + (1 - share) * best[1] + 1e-9


def test_against_one_known_stationary_type_it_is_the_best_reply():
    rng = np.random.default_rng(0)
    game = gt.games.random_stochastic_game(n_states=3, n_actions=(2, 2), seed=1)
    policies = [rng.dirichlet(np.ones(2), size=3) for _ in range(2)]
    values, gains = gt.concepts.stationary_regrets(game, policies)
    known = type_posterior([stationary_machine(game, 1, policies[1])])
    for s in range(3):
        best = value_of_information(game, known, state=s).max()
        assert best == pytest.approx(values[0, s] + gains[0, s], abs=1e-7)


def test_the_posterior_is_the_product_of_likelihoods():
    rng = np.random.default_rng(4)
    game = gt.games.StochasticGame.repeated(GAME, discount=0.9)
    types = [trembling(kind, 0.3) for kind in (*COOP_OR_GRIM, tit_for_tat(GAME, 1), win_stay_lose_shift(GAME, 1))]
    prior = rng.dirichlet(np.ones(4))
    posterior, logs = type_posterior(types, prior=prior), np.log(prior)
    places = [kind.initial for kind in types]
    for _ in range(30):
        own, action = (int(a) for a in rng.integers(2, size=2))
        posterior = posterior.observed((own, action))
        for k, kind in enumerate(types):
            logs[k] += np.log(kind.probabilities(places[k], 0)[action])
            places[k] = kind.after(places[k], 2 * own + action)
    expected = np.exp(logs - logs.max())
    assert posterior.probabilities == pytest.approx(expected / expected.sum(), abs=1e-12)
    assert posterior.positions == tuple(places)
    assert game.n_states == 1


@given(st.integers(0, 10_000))
def test_the_posterior_is_on_average_the_prior(seed):
    rng = np.random.default_rng(seed)
    types = [stationary_machine(GAME, 1, rng.dirichlet([0.5, 0.5])) for _ in range(3)]
    known = type_posterior(types, prior=rng.dirichlet(np.ones(3)))
    chances = known.predictive()
    mean = sum(chances[a] * known.observed((0, a)).probabilities for a in range(2) if chances[a] > 0)
    assert mean == pytest.approx(known.probabilities, abs=1e-12)


def test_the_posterior_finds_the_true_type():
    # Kalai and Lehrer (1993): with a grain of truth, beliefs merge with what is played.
    types = [trembling(kind, 0.2) for kind in (*COOP_OR_GRIM, tit_for_tat(GAME, 1), win_stay_lose_shift(GAME, 1))]
    for k, truth in enumerate(types):
        finals = []
        for seed in range(25):
            rng = np.random.default_rng(seed)
            known, player = type_posterior(types), MachinePlayer(truth)
            for _ in range(120):
                actions = (int(rng.integers(2)), player.act(0, rng))
                known = known.observed(actions)
                player.observe(gt.learners.Transition(0, actions, (0.0, 0.0), 0))
            finals.append(known.probabilities[k])
        assert np.mean(finals) > 0.98


def test_a_learner_exploits_the_type_it_has_found():
    # A cooperator is exploited after the first round, tit for tat met with cooperation by the patient.
    types = [always(GAME, 1, 0), always(GAME, 1, 1), tit_for_tat(GAME, 1)]
    for truth, least in ((0, -0.2), (1, -3.1), (2, -1.2)):
        learner = TypeBased(GAME, 0, types=types, prior=[0.5, 0.2, 0.3], discount=0.95)
        run = gt.learners.play_seeds(GAME, [learner, MachinePlayer(types[truth])], steps=40, seeds=range(3), record=1)
        assert (run.rewards[:, 0, 0] >= least).all(), truth
        for found, _ in run.learners:
            assert found.posterior.probabilities[truth] >= 0.5


def test_beliefs_stay_and_types_begin_anew_with_an_episode():
    learner = TypeBased(GAME, 0, types=COOP_OR_GRIM, discount=0.9)
    twin = copy.deepcopy(learner)
    learner.observe(gt.learners.Transition(0, (1, 0), (0.0, 0.0), 0))
    learner.observe(gt.learners.Transition(0, (1, 1), (0.0, 0.0), 0, truncated=True))
    assert learner.posterior.probabilities.tolist() == [0.0, 1.0]
    assert learner.posterior.positions == (0, 0)
    assert twin.posterior.probabilities.tolist() == [0.5, 0.5]
    assert learner.policy().tolist() == [1.0, 0.0]


def test_what_no_type_explains_is_an_error_that_keeps_the_beliefs():
    learner = TypeBased(GAME, 0, types=COOP_OR_GRIM, discount=0.9)
    with pytest.raises(GameError, match="trembling"):
        learner.observe(gt.learners.Transition(0, (0, 1), (0.0, 0.0), 0))
    assert learner.posterior.probabilities.tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: type_posterior([]), "list PolicyMachines"),
        (lambda: type_posterior(COOP_OR_GRIM, prior=[0.5, 0.6]), "distribution over 2 types"),
        (lambda: type_posterior([COOP_OR_GRIM[0], always(GAME, 0, 0)]), "one player"),
        (lambda: worth(0.5), "give a discount or a horizon"),
        (lambda: worth(0.5, discount=1.0), "give one of the two"),
        (lambda: worth(0.5, discount=1.5), "from 0 to 1"),
        (lambda: worth(0.5, horizon=0), "whole number from 1"),
        (lambda: worth(0.5, horizon=2, state=1), "states 0 to 0"),
        (lambda: TypeBased(GAME, 1, types=COOP_OR_GRIM, discount=0.9), "herself"),
        (lambda: value_of_information(gt.games.soccer(), type_posterior(COOP_OR_GRIM)), "make them for the game"),
    ],
    ids=["none", "prior", "players", "endless", "undiscounted", "discount", "horizon", "state", "herself", "game"],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(GameError, match=message):
        call()


def test_too_many_belief_states_are_refused():
    types = [stationary_machine(GAME, 1, [share, 1 - share]) for share in (0.2, 0.3, 0.6)]
    with pytest.raises(BudgetExceeded, match="look less far ahead"):
        value_of_information(GAME, type_posterior(types), discount=0.99, budget=30)


def test_games_of_three_are_refused():
    game = gt.NormalFormGame.common_interest(np.zeros((2, 2, 2)))
    types = [always(game, 1, 0)]
    with pytest.raises(UnsupportedGame, match="two players"):
        value_of_information(game, type_posterior(types), horizon=2)


def test_the_protocol_is_kept():
    def with_one_type(game, player):
        legal = game.legal[1 - player] | game.terminal[:, None]
        uniform = stationary_machine(game, 1 - player, legal / legal.sum(axis=1, keepdims=True))
        return TypeBased(game, player, types=[uniform], horizon=2, discount=0.9)

    assert check_learner(with_one_type, max_examples=3).passed
