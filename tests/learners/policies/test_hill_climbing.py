"""Policy hill climbing against its definition, the published step, and where it goes."""

import numpy as np
import pytest

import marlgt as gt
from marlgt.errors import GameError
from marlgt.games.stochastic import StochasticGame
from marlgt.kernels import compiled
from marlgt.learners import PGAAPP, PHC, WPL, Transition, WoLFPHC, play_seeds, power

KINDS = [
    (PHC, {"delta": 0.05}),
    (WoLFPHC, {"delta_win": 0.02, "delta_lose": 0.07}),
    (WPL, {"step": 0.05, "floor": 0.01}),
    (PGAAPP, {"step": 0.05, "prediction": 2.0}),
]


def gated_game(seed, *, n_states=3, counts=(3, 2)):
    """Return a random game in which the last action of the first player is illegal in the last state."""
    rng = np.random.default_rng(seed)
    rewards = rng.normal(size=(2, n_states, *counts))
    ways = rng.dirichlet(np.ones(n_states), size=(n_states, *counts))
    legal = [np.ones((n_states, count), dtype=bool) for count in counts]
    legal[0][-1, -1] = False
    return StochasticGame.from_dense(rewards, ways, discount=0.8, legal=legal)


def transitions(game, *, steps, seed):
    """Yield transitions of random legal play."""
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        state, following = (int(s) for s in rng.integers(game.n_states, size=2))
        actions = tuple(int(rng.choice(np.flatnonzero(own[state]))) for own in game.legal)
        rewards = tuple(rng.normal(size=2).tolist())
        ended, cut = rng.random(2) < 0.1
        yield Transition(state, actions, rewards, following, bool(ended), bool(cut and not ended))


def nearest(v, floor):
    """Return the nearest distribution with at least the floor everywhere, by bisection on the threshold."""
    low, high = v.min() - 1.0, v.max()
    for _ in range(200):
        middle = 0.5 * (low + high)
        if np.maximum(v - middle, floor).sum() > 1.0:
            low = middle
        else:
            high = middle
    return np.maximum(v - low, floor)


class Reference:
    """The four rules in plain Python."""

    def __init__(self, kind, settings, legal, discount):
        self.kind, self.settings, self.legal, self.discount = kind, settings, legal, discount
        self.q = np.zeros(legal.shape)
        self.pi = legal / legal.sum(axis=1, keepdims=True)
        self.mean, self.count = self.pi.copy(), np.zeros(len(legal))

    def observe(self, s, a, r, following, terminated):
        ahead = 0.0 if terminated else self.discount * self.q[following, self.legal[following]].max()
        self.q[s, a] += 0.1 * (r + ahead - self.q[s, a])
        self.count[s] += 1
        self.mean[s] += (self.pi[s] - self.mean[s]) / self.count[s]
        free = np.flatnonzero(self.legal[s])
        q, pi, mean = self.q[s, free], self.pi[s, free], self.mean[s, free]
        self.pi[s, free] = self.stepped(q, pi.copy(), mean)

    def stepped(self, q, pi, mean):
        settings = self.settings
        if self.kind in (PHC, WoLFPHC):
            wins = pi @ q > mean @ q
            delta = settings.get("delta", settings.get("delta_win") if wins else settings.get("delta_lose"))
            best = int(q.argmax())
            for a in range(len(q)):
                if a != best:
                    moved = min(pi[a], delta / (len(q) - 1))
                    pi[a] -= moved
                    pi[best] += moved
            return pi
        gain = q - pi @ q
        if self.kind is WPL:
            return nearest(pi + settings["step"] * gain * np.where(gain > 0, 1 - pi, pi), settings["floor"])
        gain = np.where(pi < 1, gain / np.where(pi < 1, 1 - pi, 1), gain)
        return nearest(pi + settings["step"] * (gain - settings["prediction"] * abs(gain) * pi), 0.0)


@pytest.mark.parametrize(("kind", "settings"), KINDS, ids=lambda x: getattr(x, "__name__", ""))
@pytest.mark.parametrize("player", [0, 1])
def test_updates_follow_the_definition_with_illegal_actions_and_ends(kind, settings, player):
    game = gated_game(player)
    learner = kind(game, player, **settings)
    reference = Reference(kind, settings, game.legal[player], game.discount)
    for seen in transitions(game, steps=300, seed=5):
        learner.observe(seen)
        own, paid = seen.actions[player], seen.rewards[player]
        reference.observe(seen.observation, own, paid, seen.next_observation, seen.terminated)
    np.testing.assert_allclose(learner.values, reference.q, atol=1e-11)
    np.testing.assert_allclose(learner.policy(), reference.pi, atol=1e-9)
    np.testing.assert_allclose(learner.average, reference.mean, atol=1e-9)
    assert not learner.policy()[~game.legal[player]].any()


def test_the_published_step_while_winning():
    # learn.wolf_phc_step_winning; Bowling and Veloso (2002)
    game = gt.NormalFormGame.zero_sum(np.zeros((3, 2)))
    learner = WoLFPHC(game, learning_rate=0.0, delta_win=0.1, delta_lose=0.4)
    learner.table("values")[:] = [1, 3, 2]
    learner.table("policy")[:] = [0.3, 0.5, 0.2]
    learner.table("turns")[:] = 1e15
    learner.observe(Transition(0, (0, 0), (0.0, 0.0), 0))
    np.testing.assert_allclose(learner.policy(), [0.25, 0.6, 0.15], atol=1e-12)


@pytest.mark.parametrize(("kind", "settings"), KINDS, ids=lambda x: getattr(x, "__name__", ""))
def test_both_gears_give_the_same_bits(kind, settings):
    game = gated_game(2)
    memories = []
    for observe in (kind.observe_kernel, compiled(kind.observe_kernel)):
        learner = kind(game, 0, **settings)
        for s, actions, rewards, following, terminated, truncated in transitions(game, steps=200, seed=3):
            told = np.array(actions), np.array(rewards), following, 1 if terminated else 2 if truncated else 0
            knowledge = learner.memory, learner.form, learner.numbers, learner._legal
            observe(*knowledge, s, actions[0], *told, learner._stream)
        memories.append(learner.memory)
    assert (memories[0] == memories[1]).all()


def distances(run):
    return np.array([abs(pair[0].policy() - 1 / 3).max() for pair in run.learners])


def test_wolf_settles_on_the_mixed_equilibrium_where_plain_hill_climbing_circles():
    # Bowling and Veloso (2002), figure 3: rock-paper-scissors
    game = gt.games.rock_paper_scissors()
    alpha = power(0.1, scale=1e5)
    slow, fast = power(0.001, scale=5000), power(0.004, scale=5000)
    wolves = [WoLFPHC(game, i, learning_rate=alpha, delta_win=slow, delta_lose=fast) for i in range(2)]
    climbers = [PHC(game, i, learning_rate=alpha, delta=fast) for i in range(2)]
    for learner in wolves + climbers:
        learner.table("policy")[0] = [0.6, 0.2, 0.2]
    settled, circling = (
        distances(play_seeds(game, pair, steps=500_000, seeds=range(8), record=1)) for pair in (wolves, climbers)
    )
    assert settled.max() < 0.05
    assert np.median(circling) > 3 * np.median(settled)


def test_weighted_and_predicting_learners_settle_in_matching_pennies():
    # Abdallah and Lesser (2008), Zhang and Lesser (2010): both converge where gradient ascent cycles.
    game = gt.games.matching_pennies()
    rate = power(0.01, scale=20_000)
    pair = [WPL(game, 0, step=rate), PGAAPP(game, 1, step=rate)]
    pair[0].table("policy")[0], pair[1].table("policy")[0] = [0.9, 0.1], [0.2, 0.8]
    run = play_seeds(game, pair, steps=300_000, seeds=range(8), record=1)
    apart = np.array([[abs(learner.policy()[0] - 0.5) for learner in own] for own in run.learners])
    assert np.median(apart) < 0.05


def test_climbers_go_to_a_best_reply_against_players_who_stand_still():
    game = gt.games.rock_paper_scissors()
    still = np.array([0.5, 0.3, 0.2])
    for kind, _ in KINDS:
        learner = kind(game, 0)
        rng = np.random.default_rng(0)
        for _ in range(5000):
            actions = learner.act(0, rng), int(rng.choice(3, p=still))
            learner.observe(Transition(0, actions, tuple(game.payoffs[:, *actions]), 0))
        assert game.payoffs[0] @ still @ learner.policy() > 0.2  # of 0.3; uniform play earns 0


def test_a_seed_gives_the_same_bits_alone_and_beside_others():
    game = gt.games.rock_paper_scissors()
    pair = [WoLFPHC(game, 0), PHC(game, 1)]
    beside = play_seeds(game, pair, steps=3000, seeds=range(3), record=1)
    alone = play_seeds(game, pair, steps=3000, seeds=[2], record=1)
    for one, other in zip(alone.learners[0], beside.learners[2]):
        assert (one.memory == other.memory).all()


@pytest.mark.parametrize(("kind", "settings"), KINDS, ids=lambda x: getattr(x, "__name__", ""))
def test_settings_rebuild_the_learner(kind, settings):
    game = gated_game(1)
    learner = kind(game, 1, exploration=gt.learners.linear(0.5, 0.1, steps=100), **settings)
    twin = kind(game, 1, **learner.settings)
    assert (twin.numbers == learner.numbers).all()
    assert (twin.form == learner.form).all()


def test_bad_settings_are_refused():
    game = gt.games.matching_pennies()
    with pytest.raises(GameError, match="moves less while winning"):
        WoLFPHC(game, delta_win=0.1, delta_lose=0.01)
    with pytest.raises(GameError, match=r"must be below 0\.5"):
        WPL(game, floor=0.5)
    with pytest.raises(GameError, match="delta runs from 2 to 2"):
        PHC(game, delta=2.0)
    with pytest.raises(GameError, match="mixed policies"):
        PHC(game, exploration=gt.learners.softmax(1.0))
    with pytest.raises(GameError, match="never explores"):
        PHC(game, exploration=0.0)
    with pytest.raises(GameError, match="prediction"):
        PGAAPP(game, prediction=-1.0)
