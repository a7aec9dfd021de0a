"""GIGA and GIGA-WoLF: the definition, Zinkevich's regret bound, and convergence of the policies themselves."""

import numpy as np
import pytest

import marlgt as gt
from marlgt.dynamics import project_to_simplex
from marlgt.errors import GameError, UnsupportedGame
from marlgt.games.stochastic import StochasticGame
from marlgt.learners import GIGA, GIGAWoLF, Transition, play_seeds, power

RPS = np.array([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]])


def gains_of(feedback, game, learner, q, pi, seen):
    """Return the vector of gains of player 0 by its definition, and the target."""
    r, own = seen.rewards[0], seen.actions[0]
    if feedback == "payoffs":
        return game.payoffs[0, :, seen.actions[1]]
    if feedback == "values":
        return q
    chance = 0.8 * pi[own] + 0.2 / len(pi)
    return np.eye(len(pi))[own] * r / chance


@pytest.mark.parametrize("feedback", ["payoffs", "sampled", "values"])
@pytest.mark.parametrize("kind", [GIGA, GIGAWoLF])
def test_updates_follow_the_definition(kind, feedback):
    game = gt.NormalFormGame.zero_sum(RPS + np.diag([0.5, 0.0, 0.3]))
    exploration = None if feedback == "payoffs" else 0.2
    learner = kind(game, feedback=feedback, exploration=exploration)
    rng = np.random.default_rng(1)
    q, x, z = np.zeros(3), np.full(3, 1 / 3), np.full(3, 1 / 3)
    mean = np.zeros(3)
    for t in range(1, 200):
        actions = tuple(int(a) for a in rng.integers(3, size=2))
        seen = Transition(0, actions, tuple(game.payoffs[:, *actions]), 0)
        q[actions[0]] += 0.1 * (seen.rewards[0] - q[actions[0]])
        gains = gains_of(feedback, game, learner, q, x, seen)
        learner.observe(seen)
        mean += (x - mean) / t
        y = project_to_simplex(x + gains / np.sqrt(t))
        if kind is GIGA:
            x = y
        else:
            following = project_to_simplex(z + gains / np.sqrt(t) / 3)
            apart = np.linalg.norm(following - y)
            share = min(1.0, np.linalg.norm(following - z) / apart) if apart > 0 else 1.0
            x, z = y + share * (following - y), following
        np.testing.assert_allclose(learner.policy(), x, atol=1e-9)
    np.testing.assert_allclose(learner.average, mean, atol=1e-9)


def cyclic(t, policy, rng):
    return t % 3


def uniform(t, policy, rng):
    return int(rng.integers(3))


def hostile(t, policy, rng):
    return int(np.argmin(policy @ RPS))


@pytest.mark.parametrize("adversary", [hostile, uniform, cyclic])
@pytest.mark.parametrize("kind", [GIGA, GIGAWoLF])
def test_the_regret_bound_holds_at_every_time_against_every_adversary(kind, adversary):
    # extra2.giga_regret_bound; Zinkevich (2003), theorem 1; twice that bound for GIGA-WoLF, Bowling (2005), theorem 1
    learner = kind(gt.NormalFormGame.zero_sum(RPS), feedback="payoffs")
    rng = np.random.default_rng(0)
    gained, had = np.zeros(3), 0.0
    for t in range(1, 2001):
        policy = np.array(learner.policy())
        column = adversary(t, policy, rng)
        gained += RPS[:, column]
        had += policy @ RPS[:, column]
        learner.observe(Transition(0, (0, column), (float(RPS[0, column]), 0.0), 0))
        bound = np.sqrt(t) + (np.sqrt(t) - 0.5) * 2.0
        assert gained.max() - had <= (bound if kind is GIGA else 2 * bound)


def test_the_policies_of_giga_wolf_settle_where_those_of_giga_circle():
    # Bowling (2005), figure 1: matching pennies
    game = gt.games.matching_pennies()
    step = power(0.01, exponent=0.5, scale=1000, per_visit=True)

    def apart(kind):
        pair = [kind(game, i, step=step, feedback="payoffs") for i in range(2)]
        for learner in pair:
            learner.table("policy")[0] = [0.8, 0.2]
            if kind is GIGAWoLF:
                learner.table("slow")[0] = [0.8, 0.2]
        run = play_seeds(game, pair, steps=300_000, seeds=range(8), record=1)
        return np.median([abs(own[0].policy()[0] - 0.5) for own in run.learners])

    assert apart(GIGAWoLF) < 0.1 < apart(GIGA)


def test_sampled_gains_find_the_dominant_action_and_values_a_good_reply_in_a_stochastic_game():
    dilemma = gt.games.prisoners_dilemma()
    pair = [GIGA(dilemma, i, step=power(0.1, exponent=0.5)) for i in range(2)]
    run = play_seeds(dilemma, pair, steps=20_000, seeds=range(8), record=1)
    assert np.mean([own[0].policy()[1] for own in run.learners]) > 0.95
    rng = np.random.default_rng(4)
    alone = StochasticGame.from_dense(
        np.stack([rng.normal(size=(3, 3, 1)), np.zeros((3, 3, 1))]),
        rng.dirichlet(np.ones(3), size=(3, 3, 1)),
        discount=0.7,
    )
    pair = [GIGA(alone, 0, exploration=0.3, learning_rate=0.02), GIGA(alone, 1)]
    run = play_seeds(alone, pair, steps=100_000, seeds=range(4), record=1)
    gaps = [gt.concepts.nash_conv(alone, profile) for profile in run.profiles()]
    assert max(gaps) < 0.05


def test_bad_settings_are_refused():
    game = gt.games.iterated_prisoners_dilemma()
    with pytest.raises(UnsupportedGame, match="game of one state"):
        GIGA(game, feedback="payoffs")
    with pytest.raises(GameError, match="give 'payoffs', 'sampled' or 'values'"):
        GIGAWoLF(game, feedback="all")
    with pytest.raises(GameError, match="step runs from 0 to 0"):
        GIGA(game, step=0.0)


@pytest.mark.parametrize("kind", [GIGA, GIGAWoLF])
def test_settings_rebuild_the_learner(kind):
    game = gt.games.matching_pennies()
    learner = kind(game, 1, step=0.3, feedback="payoffs")
    twin = kind(game, 1, **learner.settings)
    assert (twin.numbers == learner.numbers).all()
    assert (twin.memory == learner.memory).all()
