"""Reconstructed policies: log-loss against entropy, memory against players who react, and replies to them."""

import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import marlgt as gt
from marlgt.errors import GameError
from marlgt.learners import (
    MachinePlayer,
    ModelledReply,
    PolicyReconstruction,
    Transition,
    conditional_entropy,
    tit_for_tat,
    trembling,
)
from marlgt.testing import check_learner


def test_log_loss_falls_to_the_conditional_entropy_of_the_policy():
    # Row 93: no model is better than the entropy; learning A - 1 numbers in S states costs about log(n) / 2n for each.
    rng = np.random.default_rng(0)
    policy = rng.dirichlet(np.ones(3), size=4)
    excess = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        states = rng.integers(4, size=2000)
        model = PolicyReconstruction(3)
        entropies = []
        for s in states:
            action = int(rng.choice(3, p=policy[s]))
            model.observe(int(s), action)
            entropies.append(-np.log(policy[s][action]))
        # The same draws decide both, so that their difference has little noise.
        excess.append(model.log_loss - np.mean(entropies))
        weights = np.bincount(states, minlength=4)
        assert model.log_loss == pytest.approx(conditional_entropy(policy, weights=weights), abs=0.05)
        for s in range(4):
            assert np.abs(model.predict(s) - policy[s]).max() < 0.1
    assert 0.0 < np.mean(excess) < 2 * 4 * 2 * np.log(2000) / (2 * 2000)


def test_memory_sees_what_frequencies_cannot():
    # A player who repeats her last action with probability 0.9: entropy rate 0.325, but 0.693 without memory.
    rate = conditional_entropy([[0.9, 0.1]])
    losses = {0: [], 1: [], 3: []}
    for seed in range(6):
        rng = np.random.default_rng(seed)
        models = {memory: PolicyReconstruction(2, memory=memory) for memory in losses}
        last = 0
        for _ in range(1500):
            last = last if rng.random() < 0.9 else 1 - last
            for model in models.values():
                model.observe("same", last)
        for memory, model in models.items():
            losses[memory].append(model.log_loss)
    assert np.mean(losses[0]) == pytest.approx(np.log(2), abs=0.03)
    assert np.mean(losses[1]) == pytest.approx(rate, abs=0.03)
    assert np.mean(losses[3]) == pytest.approx(rate, abs=0.04)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=25), st.integers(0, 3), st.floats(0.1, 5.0))
def test_predictions_are_the_mixture_of_contexts(stream, memory, strength):
    model = PolicyReconstruction(3, memory=memory, strength=strength)
    history = []
    for s, a in stream:
        model.observe(s, a)
        history.append((s, a))
    for s in range(3):
        expected = np.full(3, 1 / 3)
        longest = min(memory, len(history))
        for m in range(longest + 1):
            context = tuple(a for _, a in history[len(history) - m :])
            counts = np.zeros(3)
            for t, (seen, a) in enumerate(history):
                if seen == s and t >= m and tuple(x for _, x in history[t - m : t]) == context:
                    counts[a] += 1
            if counts.sum():
                expected = (counts + strength * expected) / (counts.sum() + strength)
        found = model.predict(s)
        assert found == pytest.approx(expected, abs=1e-12)
        assert found.sum() == pytest.approx(1.0)


def test_a_new_episode_begins_without_events():
    model = PolicyReconstruction(2, memory=1, strength=0.0)
    for _ in range(3):
        model.begin()
        model.observe(0, 0)
        model.observe(0, 1)
    model.begin()
    assert model.predict(0).tolist() == [0.5, 0.5]
    model.observe(0, 0)
    assert model.predict(0).tolist() == [0.0, 1.0]


def test_the_entropy_is_that_of_the_rows():
    assert conditional_entropy([[0.5, 0.5], [1.0, 0.0]], weights=[1.0, 3.0]) == pytest.approx(np.log(2) / 4)
    with pytest.raises(GameError, match="rows of distributions"):
        conditional_entropy([[0.5, 0.6]])
    with pytest.raises(GameError, match="not all 0"):
        conditional_entropy([[0.5, 0.5]], weights=[0.0])


def test_a_learner_whose_models_remember_beats_tit_for_tat_in_matching_pennies():
    # The learner wins where the two differ: she has to change every time, which frequencies do not tell her.
    game = gt.games.matching_pennies()
    exploring = gt.learners.linear(1.0, 0.0, steps=300)
    copycat = MachinePlayer(trembling(tit_for_tat(game, 0), 0.1))
    means = {}
    for memory in (0, 1):
        pair = [copycat, ModelledReply(game, 1, memory=memory, epsilon=exploring)]
        run = gt.learners.play_seeds(game, pair, steps=600, seeds=range(4), record=3)
        means[memory] = run.rewards[:, 2, 1].mean()
    # The copycat trembles with probability 0.1 to either action: 0.95 - 0.05.
    assert means[1] == pytest.approx(0.9, abs=0.08)
    assert means[0] < 0.3


def test_without_memory_it_is_jal_am():
    game = gt.games.StochasticGame.repeated(gt.games.battle_of_the_sexes(), discount=0.5)
    ours = ModelledReply(game, 0, memory=0, strength=2.0, learning_rate=0.2)
    theirs = gt.learners.JALAM(game, 0, learning_rate=0.2, prior=1.0)
    rng = np.random.default_rng(0)
    for _ in range(80):
        step = Transition(0, tuple(rng.integers(2, size=2)), tuple(rng.normal(size=2)), 0, bool(rng.random() < 0.2))
        ours.observe(step)
        theirs.observe(step)
    assert ours.worth(0) == pytest.approx(theirs.action_values()[0], abs=1e-12)
    assert ours.policy().tolist() == theirs.policy().tolist()


def test_a_copy_learns_for_itself():
    game = gt.games.prisoners_dilemma()
    learner = ModelledReply(game, 0)
    twin = copy.deepcopy(learner)
    learner.observe(Transition(0, (0, 1), (1.0, 1.0), 0))
    assert twin.steps == 0
    assert twin.models[1].observations == 0
    assert not twin.values.any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: PolicyReconstruction(0), "n_actions"),
        (lambda: PolicyReconstruction(2, memory=-1), "memory"),
        (lambda: PolicyReconstruction(2, strength=-1.0), "strength"),
        (lambda: PolicyReconstruction(2).observe(0, 2), "actions 0 to 1"),
        (lambda: ModelledReply(gt.games.prisoners_dilemma(), learning_rate=2.0), "learning_rate"),
        (lambda: ModelledReply(gt.games.prisoners_dilemma(), epsilon=1.5), "epsilon"),
    ],
    ids=["no actions", "memory", "strength", "no such action", "rate", "epsilon"],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(GameError, match=message):
        call()


def test_the_protocol_is_kept():
    assert check_learner(ModelledReply, max_examples=3).passed
