"""JAL-AM against its definition and vectors, and what Claus and Boutilier saw in repeated games."""

import json

import numpy as np
import pytest

import marlgt as gt
from marlgt.errors import GameError
from marlgt.games.stochastic import StochasticGame
from marlgt.kernels import compiled
from marlgt.learners import JALAM, QLearning, Setting, Transition
from marlgt.learners.models.modelling import act, observe
from marlgt.testing import check_learner


def setting_of(*, states, counts, discount=0.9, legal=None):
    if legal is None:
        legal = tuple(np.ones((states, count), dtype=bool) for count in counts)
    return Setting(tuple("abcd"[: len(counts)]), states, counts, discount, legal, "made up")


def random_play(setting, *, steps, seed):
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        state, following = (int(s) for s in rng.integers(setting.n_states, size=2))
        actions = tuple(int(rng.choice(np.flatnonzero(own[state]))) for own in setting.legal)
        rewards = tuple(float(r) for r in rng.integers(-3, 6, size=setting.n_players))
        yield Transition(state, actions, rewards, following, bool(rng.random() < 0.2), bool(rng.random() < 0.2))


class Oracle:
    """JAL-AM with dictionaries and lists, from the definition."""

    def __init__(self, setting, player, *, rate, prior=0.0, forgetting=0.0, window=None):
        self.setting, self.player, self.rate = setting, player, rate
        self.prior, self.forgetting, self.window = prior, forgetting, window
        self.history = {}
        self.q = {}

    def model(self, j, s):
        seen = self.history.get(s, [])
        if self.window is not None:
            seen = seen[-self.window :]
        weights = {a: self.prior for a in np.flatnonzero(self.setting.legal[j][s])}
        for age, actions in enumerate(reversed(seen)):
            weights[actions[j]] += (1 - self.forgetting) ** age
        total = sum(weights.values())
        if total == 0:
            return {a: 1 / len(weights) for a in weights}
        return {a: weight / total for a, weight in weights.items()}

    def worth(self, s):
        others = [j for j in range(self.setting.n_players) if j != self.player]
        models = {j: self.model(j, s) for j in others}
        worth = {}
        for own in np.flatnonzero(self.setting.legal[self.player][s]):
            total = 0.0
            for rest in np.ndindex(*(self.setting.n_actions[j] for j in others)):
                share = np.prod([models[j].get(a, 0.0) for j, a in zip(others, rest)])
                profile = list(rest)
                profile.insert(self.player, int(own))
                total += share * self.q.get((s, *profile), 0.0)
            worth[int(own)] = total
        return worth

    def observe(self, step):
        self.history.setdefault(step.observation, []).append(step.actions)
        target = step.rewards[self.player]
        if not step.terminated:
            target += self.setting.discount * max(self.worth(step.next_observation).values())
        key = (step.observation, *step.actions)
        self.q[key] = self.q.get(key, 0.0) + self.rate * (target - self.q.get(key, 0.0))


def test_action_values_are_means_over_the_model():
    # learn.jal_am_best_response
    learner = JALAM(setting_of(states=1, counts=(3, 3)))
    learner.table("values")[:] = np.ravel([[5, 0, 1], [3, 3, 3], [0, 6, 2]])
    for b, times in enumerate([2, 5, 1]):
        for _ in range(times):
            learner.observe(Transition(0, (1, b), (3.0, 0.0), 0, terminated=True))
    assert learner.model(1).tolist() == [[0.25, 0.625, 0.125]]
    np.testing.assert_allclose(learner.action_values(), [[1.375, 3, 4]])
    assert learner.policy().tolist() == [[0, 0, 1]]


def test_the_target_takes_the_best_action_value_of_the_next_state():
    # learn.jal_am_update
    learner = JALAM(setting_of(states=2, counts=(3, 3)), learning_rate=0.2)
    learner.values[1] = [[5, 0, 1], [3, 3, 3], [0, 6, 2]]
    for b, times in enumerate([2, 5, 1]):
        for _ in range(times):
            learner.observe(Transition(1, (1, b), (3.0, 0.0), 1, terminated=True))
    learner.values[0] = 1.5
    learner.observe(Transition(0, (0, 0), (1.0, 0.0), 1))
    assert learner.values[0, 0, 0] == pytest.approx(2.12, abs=1e-12)


@pytest.mark.parametrize(
    "options", [{}, {"prior": 0.5}, {"forgetting": 0.1}, {"window": 3}, {"window": 2, "prior": 1.0}]
)
@pytest.mark.parametrize(("counts", "player"), [((3, 2), 0), ((3, 2), 1), ((2, 3, 2), 1), ((2, 2, 3), 2)])
def test_updates_follow_the_definition(options, counts, player):
    rng = np.random.default_rng(len(counts) + player)
    legal = tuple(rng.random((3, count)) < 0.7 for count in counts)
    for own in legal:
        own[:, 0] = True
    setting = setting_of(states=3, counts=counts, legal=legal)
    learner = JALAM(setting, player, learning_rate=0.25, **options)
    oracle = Oracle(setting, player, rate=0.25, **options)
    for step in random_play(setting, steps=60, seed=player):
        learner.observe(step)
        oracle.observe(step)
    for (s, *profile), value in oracle.q.items():
        assert learner.values[(s, *profile)] == pytest.approx(value, abs=1e-11)
    for s in range(3):
        for j in range(len(counts)):
            if j != player:
                expected = oracle.model(j, s)
                found = learner.model(j)[s]
                assert all(found[a] == pytest.approx(expected.get(a, 0.0), abs=1e-12) for a in range(counts[j]))
        for own, worth in oracle.worth(s).items():
            assert learner.action_values()[s, own] == pytest.approx(worth, abs=1e-11)


def test_before_the_first_observation_models_are_uniform_over_legal_actions():
    legal = (np.ones((1, 2), dtype=bool), np.array([[True, False, True]]))
    learner = JALAM(setting_of(states=1, counts=(2, 3), legal=legal), 0)
    assert learner.model(1).tolist() == [[0.5, 0.0, 0.5]]
    learner.observe(Transition(0, (0, 2), (1.0, 0.0), 0))
    assert learner.model(1).tolist() == [[0.0, 0.0, 1.0]]
    assert [row.tolist() for row in learner.profile()] == [[[1.0, 0.0]], [[0.0, 0.0, 1.0]]]
    with pytest.raises(GameError, match="no model of herself"):
        learner.model(0)


def test_in_the_prisoners_dilemma_both_defect():
    game = gt.games.prisoners_dilemma()
    run = gt.learners.play_seeds(game, [JALAM(game, i) for i in range(2)], steps=600, seeds=range(20), record=1)
    assert all(row[1] == column[1] == 1.0 for row, column in run.profiles())


def decaying(kind, game, **options):
    # Claus and Boutilier (1998) let the temperature of Boltzmann's rule fall by a factor a step.
    cold = gt.learners.softmax(gt.learners.geometric(16.0, 0.99, floor=0.01))
    return [kind(game, player=i, exploration=cold, learning_rate=0.1, **options) for i in range(2)]


def chosen(run):
    return [(int(row.argmax()), int(column.argmax())) for row, column in run.profiles()]


def test_joint_action_learners_meet_in_an_equilibrium_of_the_penalty_game_and_miss_the_best_one_as_penalties_grow():
    # Claus and Boutilier (1998): they converge to an equilibrium, less often to an optimal one the larger the penalty.
    shares = []
    for k in (0, -20, -100):
        game = gt.games.penalty_game(penalty=k)
        run = gt.learners.play_seeds(game, decaying(JALAM, game), steps=1200, seeds=range(60), record=1)
        ends = chosen(run)
        meeting = np.mean([end in {(0, 0), (1, 1), (2, 2)} for end in ends])
        assert meeting > 0.9
        shares.append(np.mean([end in {(0, 0), (2, 2)} for end in ends]))
    assert shares[0] > 0.9
    assert shares[0] > shares[1] + 0.2
    assert shares[1] >= shares[2] - 0.1
    assert shares[2] < 0.5


def test_in_the_climbing_game_modelling_others_does_not_overcome_the_penalties():
    # Claus and Boutilier (1998): joint action learners are no more likely to reach the optimum than independent ones.
    game = gt.games.climbing_game()
    reached = {}
    for kind in (JALAM, QLearning):
        run = gt.learners.play_seeds(game, decaying(kind, game), steps=1200, seeds=range(60), record=1)
        reached[kind] = np.mean([end == (0, 0) for end in chosen(run)])
    assert max(reached.values()) < 0.3
    assert abs(reached[JALAM] - reached[QLearning]) < 0.25


def test_a_joint_action_learner_finds_the_best_reply_to_a_fixed_player_in_every_state():
    rng = np.random.default_rng(3)
    ways = rng.dirichlet(np.ones(3), size=(3, 2, 2))
    game = StochasticGame.from_dense(rng.random((2, 3, 2, 2)), ways, discount=0.7)
    fixed = gt.learners.FixedPolicy(game, 1, policy=rng.dirichlet(np.ones(2), size=3))
    rate = gt.learners.power(1.0, exponent=0.7, per_visit=True)
    pair = [JALAM(game, 0, learning_rate=rate, exploration=0.5), fixed]
    run = gt.learners.play_seeds(game, pair, steps=20_000, seeds=range(6), record=1)
    gaps = [gt.concepts.stationary_regrets(game, (p[0], fixed.policy()))[1][0] for p in run.profiles()]
    assert np.max(gaps) < 0.02
    for learner, _ in run.learners:
        assert np.abs(learner.model(1) - fixed.policy()).max() < 0.05


def test_models_that_forget_follow_a_player_who_changed():
    setting = setting_of(states=1, counts=(2, 2))
    steady, forgetting = JALAM(setting), JALAM(setting, forgetting=0.05)
    windowed = JALAM(setting, window=20)
    for t in range(400):
        for learner in (steady, forgetting, windowed):
            learner.observe(Transition(0, (0, int(t >= 300)), (0.0, 0.0), 0))
    assert steady.model(1)[0, 1] == pytest.approx(0.25)
    # 1 - 0.95^100
    assert forgetting.model(1)[0, 1] == pytest.approx(1 - 0.95**100, abs=1e-6)
    assert windowed.model(1)[0, 1] == 1.0


@pytest.mark.parametrize(("counts", "player"), [((3, 2), 1), ((2, 3, 2), 1)])
def test_both_gears_give_the_same_bits(counts, player):
    learner = JALAM(setting_of(states=4, counts=counts), player, window=4)
    twins = [learner.copy(), learner.copy()]
    chosen_actions = []
    for acting, observing, twin in zip((act, compiled(act)), (observe, compiled(observe)), twins):
        rng = np.random.default_rng(0)
        known = (twin.memory, twin.form, twin.numbers, twin._legal)
        chosen_actions.append([])
        for _ in range(150):
            s, following, ended = (int(x) for x in rng.integers((4, 4, 3)))
            played = rng.integers(counts)
            chosen_actions[-1].append(acting(*known, s, twin._stream))
            observing(*known, s, int(played[player]), played, rng.random(len(counts)), following, ended, twin._stream)
    assert twins[0].memory.tobytes() == twins[1].memory.tobytes()
    assert chosen_actions[0] == chosen_actions[1]


def test_a_seed_gives_the_same_bits_alone_and_beside_others():
    game = gt.games.rock_paper_scissors()
    pair = [JALAM(game, player=i) for i in range(2)]
    together = gt.learners.play_seeds(game, pair, steps=300, seeds=range(3), record=1)
    alone = gt.learners.play_seeds(game, pair, steps=300, seeds=[1], record=1)
    for i in range(2):
        assert together.learners[1][i].memory.tobytes() == alone.learners[0][i].memory.tobytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prior": -1.0}, "prior is -1"),
        ({"forgetting": 1.0}, "from 0 to below 1"),
        ({"forgetting": "much"}, "from 0 to below 1"),
        ({"window": 0}, "whole number from 1"),
        ({"window": 3, "forgetting": 0.1}, "give one of the two"),
        ({"learning_rate": -0.1}, "every value must be"),
        ({"exploration": 0.0}, "never explores"),
        ({"player": 2}, "players 0 to 1"),
    ],
)
def test_bad_settings_are_refused(options, message):
    with pytest.raises(GameError, match=message):
        JALAM(gt.games.prisoners_dilemma(), **options)


def test_a_learner_is_made_again_from_its_settings():
    game = gt.games.prisoners_dilemma()
    learner = JALAM(game, 1, window=5, prior=2.0)
    again = JALAM(game, 1, **json.loads(json.dumps(learner.settings)))
    assert again.numbers.tolist() == learner.numbers.tolist()
    assert again.form.tolist() == learner.form.tolist()


def test_the_protocol_is_kept():
    assert check_learner(lambda game, player: JALAM(game, player, window=3), max_examples=3).passed
