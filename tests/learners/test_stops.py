"""What stops a match loses nothing: failing environments, rewards and values that are not finite, and Ctrl-C."""

from __future__ import annotations

import signal
import threading

import numpy as np
import pytest

from marlgt import games
from marlgt.errors import GameError, LearningStopped
from marlgt.kernels import lean_kernel
from marlgt.learners import Match, Person, QLearning, TableLearner, UniformPolicy, observed, play, play_seeds
from marlgt.learners._stops import interrupts_held
from marlgt.learners.layout import STEPS, TABLES

spaces = pytest.importorskip("gymnasium").spaces


class Coins:
    """Two players who guess a coin; each step calls ``trouble`` with the number of steps made in all."""

    possible_agents = ("a", "b")

    def __init__(self, trouble=lambda made: 0.0):
        self.trouble, self.made = trouble, 0

    def action_space(self, agent):
        return spaces.Discrete(2)

    def reset(self, seed=None, options=None):
        self.rng, self.agents, self.time = np.random.default_rng(seed), ["a", "b"], 0
        return dict.fromkeys("ab", 0), {"a": {}, "b": {}}

    def step(self, actions):
        self.made, self.time = self.made + 1, self.time + 1
        paid = {agent: float(action == self.rng.integers(2)) for agent, action in actions.items()}
        paid["b"] += self.trouble(self.made)
        over = self.time == 10
        self.agents = [] if over else ["a", "b"]
        return dict.fromkeys("ab", self.time % 3), paid, dict.fromkeys("ab", over), dict.fromkeys("ab", False), {}


def match_in(environment, seeds=(0,)):
    env = observed(environment, discount=0.9, max_observations=5)
    return Match(env, [QLearning(env, player=i) for i in range(2)], seeds=seeds)


def once(step, action):
    """Return trouble that comes once, at a step."""
    return lambda made: action() if made == step else 0.0


def divide():
    return 1 / 0


def interrupt():
    signal.raise_signal(signal.SIGINT)
    return 0.0


def knowledge(match):
    return [learner.memory.tobytes() for own in match.learners for learner in own]


def test_an_exception_of_the_environment_ends_the_run_and_nothing_else():
    match = match_in(Coins(once(38, divide)))
    with pytest.raises(LearningStopped, match="step 37 of seed 0 could not be made: ZeroDivisionError") as caught:
        match.advance(100, record=10)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    run = caught.value.run
    assert run.times.tolist() == [10, 20, 30, 37]
    assert run.learners[0] is match.learners[0]
    assert [learner.steps for learner in run.learners[0]] == [37, 37]
    assert "failed in step 37" in run.note
    assert run.rewards.shape == (1, 4, 2)
    on = match.advance(63)
    assert match.steps == on.steps == 100
    assert [learner.steps for learner in match.learners[0]] == [100, 100]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_reward_that_is_not_finite_is_never_learned_from(bad):
    match = match_in(Coins(once(25, lambda: bad)))
    with pytest.raises(LearningStopped, match=r"paid player 1 .*: rewards must be finite numbers") as caught:
        match.advance(50)
    assert caught.value.run.steps == 24
    for learner in match.learners[0]:
        assert learner.steps == 24
        assert np.isfinite(learner.memory).all()
    assert np.isfinite(caught.value.run.rewards).all()
    assert match.advance(50).steps == 74


def test_a_seed_that_fails_is_caught_up_with():
    makers = iter([Coins(), Coins(once(13, divide)), Coins(), Coins()])
    match = match_in(lambda: next(makers), seeds=(4, 5, 6))
    with pytest.raises(LearningStopped, match="of seed") as caught:
        match.advance(30, record=1)
    assert match.steps < 30
    assert caught.value.run.steps == 30
    match.advance(40 - match.steps)
    assert {learner.steps for own in match.learners for learner in own} == {40}


def test_exceptions_of_a_learner_and_actions_that_are_none_stop_a_match_too():
    class Odd:
        def act(self, observation, rng):
            return 7

        def observe(self, transition):
            raise AssertionError("never told")

        def policy(self):
            return None

    env = observed(Coins(), discount=0.9, max_observations=5)
    with pytest.raises(LearningStopped, match=r"learners\[0\] played 7: player 0 has actions 0 to 1"):
        play(env, [Odd(), QLearning(env, player=1)], steps=5, seed=0)


@lean_kernel
def explode(memory, form, numbers, legal, state, own, actions, rewards, following, ended, stream):
    """Make the first entry larger than it was by far."""
    memory[form[TABLES]] = memory[form[TABLES]] * 1e30 + 1.0
    memory[STEPS] += 1.0


class Exploding(TableLearner):
    """A learner whose only number grows without bound."""

    act_kernel = staticmethod(UniformPolicy.act_kernel)
    observe_kernel = staticmethod(explode)

    def __init__(self, game, player, first=0.0):
        super().__init__(game, player, tables={"number": (1, 2)}, settings={"first": first})
        self.table("number")[:] = first

    def policy(self):
        return np.array([0.5, 0.5])


def test_values_that_grow_beyond_all_numbers_stop_a_fused_match():
    game = games.prisoners_dilemma()
    pair = [Exploding(game, 0), QLearning(game, player=1)]
    with np.errstate(over="ignore"), pytest.raises(LearningStopped, match=r"learners\[0\] .* table 'number'") as caught:
        play(game, pair, steps=100, seed=0, record=20)
    # 1e30 to the tenth power is the last number there is.
    assert caught.value.run.times.tolist() == [5, 10, 15]
    assert pair[1].steps == 15
    assert np.isfinite(pair[1].memory).all()


def test_infinity_that_a_learner_began_with_is_its_own_affair():
    game = games.prisoners_dilemma()
    pair = [Exploding(game, 0, np.inf), QLearning(game, player=1)]
    assert play(game, pair, steps=10, seed=0).steps == 10


def test_an_interrupt_waits_for_the_end_of_the_step_and_the_match_goes_on_as_if_there_was_none():
    straight, interrupted = match_in(Coins()), match_in(Coins(once(31, interrupt)))
    straight.advance(80)
    with pytest.raises(KeyboardInterrupt):
        interrupted.advance(80)
    assert interrupted.steps == 31
    assert [learner.steps for learner in interrupted.learners[0]] == [31, 31]
    interrupted.advance(49)
    assert knowledge(interrupted) == knowledge(straight)


def test_a_second_interrupt_does_not_wait():
    match = match_in(Coins(once(31, lambda: interrupt() + interrupt())))
    with pytest.raises(KeyboardInterrupt):
        match.advance(80)
    assert match.steps == 30
    assert [learner.steps for learner in match.learners[0]] == [30, 30]
    assert match.advance(50).steps == 80


def test_an_interrupt_of_the_fused_loop_leaves_every_seed_at_a_whole_step(monkeypatch):
    monkeypatch.setenv("MARLGT_GEAR", "plain")
    game = games.rock_paper_scissors()

    def fresh():
        return Match(game, [QLearning(game, player=i) for i in range(2)], seeds=[1, 2, 3])

    match = fresh()
    previous = signal.signal(signal.SIGALRM, lambda number, frame: signal.raise_signal(signal.SIGINT))
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(KeyboardInterrupt):
            match.advance(10**7)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    played = match._engine.played
    assert 0 < played.max() < 10**6
    for own, steps in zip(match.learners, played):
        assert [learner.steps for learner in own] == [steps, steps]
    until = int(played.max()) + 10
    match.advance(until - match.steps, record=1)
    straight = fresh()
    straight.advance(until, record=1)
    assert knowledge(match) == knowledge(straight)


def test_an_interrupt_during_a_question_does_not_wait_for_the_answer():
    game = games.rock_paper_scissors()
    asked = []

    def ask(prompt):
        asked.append(prompt)
        if len(asked) == 3:
            interrupt()
            raise AssertionError("the question was not interrupted")
        return "0"

    match = Match(game, [Person(game, ask=ask, say=str), UniformPolicy(game, 1)], copies=False)
    with pytest.raises(KeyboardInterrupt):
        match.advance(10)
    assert match.steps == 2
    assert match.advance(2).steps == 4


def test_handlers_are_put_back_and_other_threads_have_none():
    before = signal.getsignal(signal.SIGINT)
    with interrupts_held() as held:
        assert signal.getsignal(signal.SIGINT) == held.receive
    assert signal.getsignal(signal.SIGINT) is before
    found = []

    def elsewhere():
        with interrupts_held():
            found.append(signal.getsignal(signal.SIGINT))
        found.append(match_in(Coins()).advance(5).steps)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert found == [before, 5]


def test_ignored_interrupts_stay_ignored():
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        match = match_in(Coins(once(3, interrupt)))
        assert match.advance(10).steps == 10
    finally:
        signal.signal(signal.SIGINT, previous)


def test_it_is_a_game_error():
    assert issubclass(LearningStopped, GameError)


def test_seeds_that_are_interrupted_keep_what_was_recorded():
    calls = []

    def judge(game, profile):
        calls.append(profile)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return 0.0

    game = games.prisoners_dilemma()
    pair = [QLearning(game, player=i) for i in range(2)]
    run = play_seeds(game, pair, steps=100, seeds=range(2), record=10, judge=judge)
    assert run.note == "interrupted"
    assert run.times.tolist() == [10, 20]
    assert run.rewards.shape == (2, 2, 2)
    assert len(run.profiles()) == 2


def test_an_interrupt_before_the_first_record_is_raised():
    def judge(game, profile):
        raise KeyboardInterrupt

    game = games.prisoners_dilemma()
    pair = [QLearning(game, player=i) for i in range(2)]
    with pytest.raises(KeyboardInterrupt):
        play_seeds(game, pair, steps=100, seeds=range(2), record=10, judge=judge)
