"""Fictitious play against its theorems: convergence where it is proved, cycling where it is known."""

import nashpy
import numpy as np
import pytest
from hypothesis import given, settings

import marlgt as gt
from marlgt import concepts
from marlgt.dynamics import fictitious_play, many
from marlgt.testing import normal_form_games, potential_games

SHAPLEY = gt.NormalFormGame.bimatrix(np.eye(3, dtype=int), np.roll(np.eye(3, dtype=int), 1, axis=1))


def by_definition(game, steps, first):
    """Fictitious play in fractions of counts, from the definition: lowest ties, product beliefs."""
    counts = [np.zeros(k, dtype=int) for k in game.n_actions]
    actions = list(first)
    played = []
    payoffs = game.payoffs.astype(int).astype(object)
    for t in range(steps):
        if t > 0:
            actions = []
            for i in range(game.n_players):
                tensor = payoffs[i]
                for j in reversed(range(game.n_players)):
                    if j != i:
                        tensor = np.tensordot(tensor, counts[j].astype(object), axes=(j, 0))
                actions.append(max(range(game.n_actions[i]), key=lambda a, u=tensor: (u[a], -a)))
        for count, a in zip(counts, actions):
            count[a] += 1
        played.append(list(actions))
    return played


@pytest.mark.parametrize("shape", [(2, 2), (3, 4), (2, 3, 2)])
def test_play_is_that_of_the_definition_in_exact_arithmetic(shape):
    rng = np.random.default_rng(7)
    for _ in range(5):
        game = gt.NormalFormGame(rng.integers(-2, 3, size=(len(shape), *shape)))
        first = [int(rng.integers(k)) for k in shape]
        assert fictitious_play(game, steps=60, first_actions=first).actions.tolist() == by_definition(game, 60, first)


def test_regret_shrinks_in_zero_sum_games():
    # Robinson 1951: the empirical frequencies approach the value of every matrix game.
    rng = np.random.default_rng(0)
    for _ in range(5):
        game = gt.NormalFormGame.zero_sum(rng.integers(-5, 6, size=(4, 5)))
        short = fictitious_play(game, steps=100).equilibrium.regrets.sum()
        long = fictitious_play(game, steps=20_000, keep_actions=False).equilibrium.regrets.sum()
        assert long <= max(0.15, 0.5 * short)


def test_shapleys_game_cycles_with_growing_runs():
    # Shapley 1964: runs of one action profile grow geometrically, so the frequencies never settle.
    run = fictitious_play(SHAPLEY, steps=20_000, record=[5_000, 10_000], first_actions=(0, 1))
    changes = np.flatnonzero((run.actions[1:] != run.actions[:-1]).any(axis=1))
    runs = np.diff(changes)
    growth = runs[-1] / runs[-3]
    assert 1.9 < growth < 2.4
    assert (run.nash_conv > 0.2).all()
    assert (run.cce_gap < 0.01).all()


def test_three_players_in_a_potential_game_reach_a_pure_equilibrium():
    rewards = np.random.default_rng(1).integers(0, 50, size=(3, 3, 3))
    run = fictitious_play(gt.NormalFormGame.common_interest(rewards), steps=500)
    assert run.last.epsilon == 0


@settings(max_examples=25)
@given(potential_games(n_players=2, n_actions=range(1, 4)))
def test_frequencies_approach_equilibrium_in_potential_games(game):
    # Monderer and Shapley 1996. The share of the range of payoffs falls; one tenth is far above what 4000 steps leave.
    run = fictitious_play(game, steps=4000, keep_actions=False, record=1)
    span = np.ptp(game.payoffs)
    assert run.nash_conv[-1] <= 0.1 * span + 1e-9


def test_many_players_and_two_players_play_alike():
    two = gt.NormalFormGame.bimatrix([[3, 0, 1], [1, 2, 0]], [[1, 4, 2], [3, 0, 2]])
    padded = gt.NormalFormGame(np.concatenate([two.payoffs[..., None], np.zeros((1, 2, 3, 1))]))
    for ties in ("lowest", "highest", "stay"):
        short = fictitious_play(two, steps=300, ties=ties)
        long = fictitious_play(padded, steps=300, ties=ties)
        assert np.array_equal(short.actions, long.actions[:, :2])
        assert np.allclose(short.regrets, long.regrets[:, :2])


@pytest.mark.parametrize("ties", ["lowest", "random"])
def test_both_gears_play_the_same_actions(ties, monkeypatch):
    game = gt.NormalFormGame.bimatrix(*np.random.default_rng(2).integers(0, 3, size=(2, 3, 4)))
    results = []
    for gear in ("plain", "compiled"):
        monkeypatch.setenv("MARLGT_GEAR", gear)
        results.append(fictitious_play(game, steps=200, ties=ties, seed=3, first_actions=(1, 1)))
    plain, fast = results
    assert np.array_equal(plain.actions, fast.actions)
    assert np.array_equal(plain.joint, fast.joint)
    assert np.array_equal(plain.regrets, fast.regrets)


@pytest.mark.parametrize("ties", ["lowest", "highest", "stay"])
@pytest.mark.parametrize("alternating", [False, True])
def test_long_runs_are_those_of_looking_for_a_best_reply_at_every_step(ties, alternating):
    rng = np.random.default_rng(12)
    games = [*rng.integers(0, 3, size=(4, 2, 3, 4)).astype(float), *rng.standard_normal((4, 2, 3, 4))]
    choose = {
        "lowest": lambda u, last: np.flatnonzero(u == u.max())[0],
        "highest": lambda u, last: np.flatnonzero(u == u.max())[-1],
        "stay": lambda u, last: last if u[last] == u.max() else int(u.argmax()),
    }[ties]
    for A, B in games:
        rows, columns, a, b, played = np.zeros(3), np.zeros(4), 0, 0, []
        for t in range(1500):
            if t > 0:
                a = choose(rows, a)
                b = b if alternating else choose(columns, b)
            columns += B[a]
            if alternating and t > 0:
                b = choose(columns, b)
            rows += A[:, b]
            played.append((a, b))
        game = gt.NormalFormGame.bimatrix(A, B)
        run = fictitious_play(game, steps=1500, ties=ties, alternating=alternating, record=[7, 700])
        assert np.array_equal(run.actions, played)
        assert np.allclose(run.regrets[-1], [rows.max() / 1500, columns.max() / 1500] - earned(game, played))


def earned(game, played):
    """Return the average payoffs of the actions played."""
    return np.array([game.payoffs[(slice(None), *profile)] for profile in played]).mean(axis=0)


def test_the_record_is_that_of_the_actions():
    run = fictitious_play(SHAPLEY, steps=50, record=50, first_actions=(1, 2))
    for player in range(2):
        played = np.eye(3)[run.actions[:, player]]
        assert np.allclose(run.path(player, average=False), played)
        assert np.allclose(run.path(player), played.cumsum(axis=0) / np.arange(1, 51)[:, None])
        regret = max(concepts.external_regret(SHAPLEY, run.actions, player)) / 50
        assert run.regrets[-1, player] == pytest.approx(regret)
    joint = np.zeros((3, 3))
    np.add.at(joint, tuple(run.actions.T), 1 / 50)
    assert np.allclose(run.joint[-1], joint)


@settings(max_examples=25)
@given(normal_form_games(n_players=2, n_actions=range(1, 4)))
def test_regrets_are_those_of_the_joint_distribution(game):
    run = fictitious_play(game, steps=40, record=3)
    span = max(np.abs(game.payoffs).max(), 1e-300)
    for t, joint in enumerate(run.joint):
        assert abs(run.cce_gap[t] - concepts.cce_gap(game, joint)) <= 1e-9 * span


@pytest.mark.parametrize("seed", range(4))
def test_nashpy_plays_the_same_where_nothing_ties(seed):
    # nashpy draws ties at random: with generic payoffs there are none after the first moves, which it draws.
    A, B = np.random.default_rng(seed).standard_normal((2, 4, 5))
    counts = list(nashpy.Game(A, B).fictitious_play(iterations=200))
    first = [int(np.argmax(c)) for c in counts[1]]
    run = fictitious_play(gt.NormalFormGame.bimatrix(A, B), steps=200, first_actions=first)
    assert np.allclose(run.profile[0] * 200, counts[-1][0])
    assert np.allclose(run.profile[1] * 200, counts[-1][1])


def test_quantecon_plays_the_same_where_nothing_ties():
    theory = pytest.importorskip("quantecon.game_theory")
    A, B = np.random.default_rng(5).standard_normal((2, 4, 5))
    theirs = theory.FictitiousPlay(theory.NormalFormGame([theory.Player(A), theory.Player(B.T)]))
    belief = theirs.play(actions=(2, 3), num_reps=199)
    run = fictitious_play(gt.NormalFormGame.bimatrix(A, B), steps=200, first_actions=(2, 3))
    assert np.allclose(run.profile[0], belief[0])
    assert np.allclose(run.profile[1], belief[1])


def test_the_tie_rules_differ_where_everything_ties():
    flat = gt.NormalFormGame.bimatrix(np.zeros((3, 3)), np.zeros((3, 3)))
    last = {t: fictitious_play(flat, steps=300, ties=t, first_actions=(1, 1)) for t in ("lowest", "highest", "stay")}
    assert {t: run.actions[-1].tolist() for t, run in last.items()} == {
        "lowest": [0, 0],
        "highest": [2, 2],
        "stay": [1, 1],
    }
    random = fictitious_play(flat, steps=3000, ties="random", seed=4)
    # Each frequency has standard deviation 0.0086: four of them.
    assert np.abs(random.profile[0] - 1 / 3).max() < 0.035


def test_alternating_players_hear_the_move_before():
    # In matching pennies with frequencies (1, 0): the mismatcher who moves second answers the matcher's second move.
    game = gt.games.matching_pennies()
    run = fictitious_play(game, steps=2000, alternating=True, first_actions=(0, 0))
    counts = [np.zeros(2), np.zeros(2)]
    for t, (a, b) in enumerate(run.actions):
        if t > 0:
            assert a == np.argmax(game.payoffs[0] @ counts[1])
        counts[0][a] += 1
        if t > 0:
            assert b == np.argmax(counts[0] @ game.payoffs[1])
        counts[1][b] += 1
    assert run.equilibrium.epsilon < 0.05


def test_a_run_in_a_batch_is_the_same_as_alone():
    rng = np.random.default_rng(3)
    games = [gt.NormalFormGame(rng.integers(0, 4, size=(2, 3, 3))) for _ in range(4)]
    batch = many(fictitious_play, games, seeds=range(4), steps=100, ties="random")
    for seed, (game, run) in enumerate(zip(games, batch)):
        alone = fictitious_play(game, seed=seed, steps=100, ties="random")
        assert np.array_equal(run.actions, alone.actions)
        assert np.array_equal(run.regrets, alone.regrets)
    starts = [(np.eye(3)[a], np.eye(3)[2]) for a in range(3)]
    for a, run in enumerate(many(fictitious_play, SHAPLEY, starts=starts, steps=30)):
        assert np.array_equal(run.actions, fictitious_play(SHAPLEY, steps=30, first_actions=(a, 2)).actions)


@pytest.mark.parametrize("steps", [0, -3])
def test_no_steps_is_an_error(steps):
    with pytest.raises(gt.GameError, match="give a whole number from 1"):
        fictitious_play(SHAPLEY, steps=steps)


@pytest.mark.parametrize("first", [(0, 3), (0,), ("x", 0), 5])
def test_unknown_first_actions_are_an_error(first):
    with pytest.raises(gt.GameError, match="first_actions is"):
        fictitious_play(SHAPLEY, first_actions=first)


def test_odd_settings_are_errors():
    with pytest.raises(gt.GameError, match="ties is 'first': give one of 'highest', 'lowest', 'random', 'stay'"):
        fictitious_play(SHAPLEY, ties="first")
    with pytest.raises(gt.GameError, match="a list of steps from 1 to 10"):
        fictitious_play(SHAPLEY, steps=10, record=[11])
    with pytest.raises(gt.GameError, match="record is 'all'"):
        fictitious_play(SHAPLEY, record="all")
    with pytest.raises(gt.GameError, match="pure strategies"):
        many(fictitious_play, SHAPLEY, starts=[([0.5, 0.5, 0], [1, 0, 0])])
    with pytest.raises(gt.UnsupportedGame, match="for two players"):
        fictitious_play(gt.NormalFormGame(np.zeros((3, 2, 2, 2))), alternating=True)
