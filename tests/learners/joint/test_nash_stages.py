"""Nash-Q: stage equilibria against enumeration, its update against the definition, grid games and NoSDE."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.errors import GameError, UnsupportedGame
from marlgt.kernels import compiled
from marlgt.learners import NashQ, play, play_seeds, power
from marlgt.learners.joint._nash_supports import solve
from marlgt.learners.tables import Transition
from marlgt.testing import normal_form_games

SELECTIONS = ("first", "second", "welfare")


def choice(payoffs, selection, player=None, kernel=solve):
    """Return the equilibrium and the values that a learner chooses in one stage game."""
    learner = NashQ(gt.NormalFormGame(payoffs), player, selection=selection)
    learner.table("values")[0] = np.asarray(payoffs, dtype=float).reshape(2, -1)
    kernel(learner.memory, learner.form, learner.numbers, learner._legal, 0)
    return learner.profile(), learner.state_values[:, 0]


@given(normal_form_games(n_players=2, n_actions=range(1, 5)), st.sampled_from(SELECTIONS))
@settings(max_examples=150)
def test_what_is_chosen_is_an_equilibrium_of_the_stage_game(game, selection):
    payoffs = np.array(game.payoffs, dtype=float)
    (x, y), values = choice(payoffs, selection)
    scale = np.maximum(1e-300, np.ptp(payoffs.reshape(2, -1), axis=1))
    assert ((payoffs[0] @ y).max() - x @ payoffs[0] @ y) <= 1e-9 * scale[0]
    assert ((x @ payoffs[1]).max() - x @ payoffs[1] @ y) <= 1e-9 * scale[1]
    np.testing.assert_allclose(values, [x @ payoffs[0] @ y, x @ payoffs[1] @ y], rtol=1e-9, atol=1e-9 * scale.max())


@pytest.mark.parametrize("seed", range(25))
def test_selections_are_those_of_the_definition_among_all_equilibria(seed):
    payoffs = np.random.default_rng(seed).normal(size=(2, 4, 3))
    every = [(e.profile, np.asarray(e.values, dtype=float)) for e in gt.solve(gt.NormalFormGame(payoffs))]
    profile, values = choice(payoffs, "welfare")
    assert values.sum() == pytest.approx(max(v.sum() for _, v in every), abs=1e-9)
    for player in range(2):
        _, own = choice(payoffs, "best_own", player)
        assert own[player] == pytest.approx(max(v[player] for _, v in every), abs=1e-9)

    def rank(profile):
        masks = [np.flatnonzero(np.asarray(own, dtype=float) > 1e-9).tolist() for own in profile]
        return len(masks[0]), masks

    ordered = sorted(every, key=lambda pair: rank(pair[0]))
    for selection, place in (("first", 0), ("second", min(1, len(ordered) - 1))):
        _, values = choice(payoffs, selection)
        np.testing.assert_allclose(values, ordered[place][1], atol=1e-9)
    for own, again in zip(profile, choice(payoffs, "welfare", kernel=compiled(solve))[0]):
        np.testing.assert_array_equal(own, again)


def test_every_update_is_that_of_the_definition():
    drawn = gt.games.random_stochastic_game(3, (3, 2), branching=2, discount=0.7, seed=1)
    legal = [np.ones((3, 3), dtype=bool), np.ones((3, 2), dtype=bool)]
    legal[0][0, 1] = legal[1][1, 0] = False
    game = gt.games.StochasticGame(drawn.rewards, drawn.successors, drawn.probabilities, discount=0.7, legal=legal)
    learner = NashQ(game, 0, selection="welfare", learning_rate=0.5)
    rng = np.random.default_rng(0)
    q, v = np.zeros((2, 3, 3, 2)), np.zeros((2, 3))
    for t in range(80):
        s, following = rng.integers(3, size=2).tolist()
        actions = tuple(int(rng.choice(np.flatnonzero(own[s]))) for own in game.legal)
        rewards = tuple(float(r[(s, *actions)]) for r in game.rewards)
        learner.observe(Transition(s, actions, rewards, following, terminated=t % 7 == 0))
        for j in range(2):
            ahead = 0.0 if t % 7 == 0 else v[j, following]
            q[(j, s, *actions)] += 0.5 * (rewards[j] + 0.7 * ahead - q[(j, s, *actions)])
        np.testing.assert_allclose(learner.values, q, atol=1e-9)
        rows, columns = (np.flatnonzero(own[s]) for own in game.legal)
        stage = q[:, s][np.ix_([0, 1], rows, columns)]
        best = max(np.asarray(e.values, dtype=float).sum() for e in gt.solve(gt.NormalFormGame(stage)))
        assert learner.state_values[:, s].sum() == pytest.approx(best, abs=1e-8)
        assert all((policy[s][~own[s]] == 0.0).all() for policy, own in zip(learner.profile(), game.legal))
        v[:, s] = learner.state_values[:, s]


def test_one_learner_of_both_holds_what_each_of_two_holds():
    game = gt.games.random_stochastic_game(3, (2, 2), branching=2, discount=0.7, seed=2)
    pair = [NashQ(game, i, learning_rate=0.3) for i in range(2)]
    play(game, pair, steps=300, seed=0)
    both = NashQ(game, learning_rate=0.3)
    np.testing.assert_array_equal(pair[0].table("values"), pair[1].table("values"))
    run = play(game, [both], steps=300, seed=0)
    assert len(run.profiles()[0]) == 2
    assert both.steps == 300


def test_grid_game_1_is_worth_97_to_both_and_a_collision_of_policies_does_not_pay():
    # Hu and Wellman (2003), section 5: every equilibrium of four steps is worth 100 * 0.99^3 = 97.03 to both.
    game = gt.games.grid_game_1()
    start = int(game.start.argmax())
    learner = NashQ(game, selection="welfare", learning_rate=power(1.0, exponent=0.6, per_visit=True), exploration=1.0)
    run = play_seeds(game, [learner], steps=300_000, seeds=range(4), record=1)
    values = np.array([own[0].state_values[:, start] for own in run.learners])
    np.testing.assert_allclose(values, 97.0299, atol=1e-3)
    right, left = game.actions[0].index("right"), game.actions[1].index("left")
    crash = np.array([own[0].values[:, start, right, left] for own in run.learners])
    # Right against Left: both lose 1 and stand where they stood.
    np.testing.assert_allclose(crash, 95.059601, atol=0.05)
    assert all(gt.concepts.nash_conv(game, profile) < 1e-6 for profile in run.profiles())


def test_grid_game_2_is_settled_as_one_of_its_unequal_equilibria():
    game = gt.games.grid_game_2()
    start = int(game.start.argmax())
    rate = power(1.0, exponent=0.85, per_visit=True)
    run = play_seeds(game, [NashQ(game, learning_rate=rate, exploration=1.0)], steps=300_000, seeds=range(4), record=1)
    values = np.sort([own[0].state_values[:, start] for own in run.learners], axis=1)
    np.testing.assert_allclose(values, [[49.005, 98.01]] * 4, atol=2.0)


def test_nosde_keeps_deterministic_stage_equilibria_from_an_equilibrium():
    # Zinkevich, Greenwald and Littman (2005): the only stationary equilibrium is mixed, and values do not show it.
    game = gt.games.nosde()
    learner = NashQ(game, learning_rate=0.05, exploration=0.3)
    run = play_seeds(
        game, [learner], steps=20_000, seeds=range(5), record=range(5000, 20_001, 1000), judge=gt.concepts.nash_conv
    )
    # The policies chosen are deterministic all along, so that none is ever an equilibrium.
    assert run.gaps.min() > 0.05
    for own in run.learners:
        assert all(set(np.unique(policy)) <= {0.0, 1.0} for policy in own[0].profile())


def test_what_nash_q_does_not_fit_is_refused():
    with pytest.raises(UnsupportedGame, match="this game has 3: use CorrelatedQ"):
        NashQ(gt.games.random_stochastic_game(2, (2, 2, 2), seed=0))
    with pytest.raises(UnsupportedGame, match="supports of up to 6 each"):
        NashQ(gt.NormalFormGame(np.zeros((2, 7, 3))))
    with pytest.raises(GameError, match="make a learner for each"):
        NashQ(gt.games.stag_hunt(), selection="best_own")
    with pytest.raises(GameError, match="choose one of first, second, welfare, best_own"):
        NashQ(gt.games.stag_hunt(), selection="any")
    with pytest.raises(GameError, match="never explores"):
        NashQ(gt.games.stag_hunt(), exploration=0.0)


def test_the_settings_rebuild_the_learner():
    learner = NashQ(gt.games.stag_hunt(), 1, selection="best_own", learning_rate=0.3, initial=2.0)
    twin = NashQ(gt.games.stag_hunt(), 1, **learner.settings)
    np.testing.assert_array_equal(twin.memory, learner.memory)
    np.testing.assert_array_equal(twin.numbers, learner.numbers)
