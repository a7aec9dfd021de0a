"""A person at the terminal and bots of OpenSpiel play against learners of every kind."""

from __future__ import annotations

import numpy as np
import pytest

from marlgt import games
from marlgt.errors import GameError, LearningStopped, UnsupportedGame
from marlgt.learners import Match, Person, QLearning, SpielBot, UniformPolicy, observed, play, play_seeds


class Terminal:
    """Answers in turn, and everything that was said."""

    def __init__(self, *answers):
        self.answers, self.said = list(answers), []

    def ask(self, prompt):
        self.said.append(prompt)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def person(self, game, player=0):
        return Person(game, player, ask=self.ask, say=self.said.append)


def test_a_person_plays_until_she_leaves_and_the_learner_keeps_what_it_learned():
    game = games.rock_paper_scissors()
    terminal = Terminal("rock", "1", "9", "lizard", " paper ", "q")
    learner = QLearning(game, player=1)
    person = terminal.person(game)
    run = play(game, [person, learner], steps=1000, seed=0)
    assert run.steps == learner.steps == 3
    assert run.times.tolist() == [3]
    assert "left the match" in run.note
    assert person.policy().tolist() == pytest.approx([1 / 3, 2 / 3, 0])
    assert any("There is no move '9'" in line for line in terminal.said)
    assert any("There is no move 'lizard'" in line for line in terminal.said)
    assert sum("rock gets" in line for line in terminal.said) >= 1
    assert np.allclose(run.rewards[0, 0], np.mean([[0, 0]], axis=0), atol=1)


def test_a_person_who_leaves_at_once_or_whose_terminal_closes_leaves_an_empty_run():
    game = games.rock_paper_scissors()

    def closed(prompt):
        raise EOFError

    for ask in (closed, lambda prompt: "quit"):
        run = play(game, [Person(game, ask=ask, say=str), UniformPolicy(game, 1)], steps=10, seed=0)
        assert run.steps == 0
        assert run.rewards.shape == (1, 0, 2)


def test_a_match_that_a_person_left_can_be_played_on():
    game = games.rock_paper_scissors()
    terminal = Terminal("0", "q", "0")
    match = Match(game, [terminal.person(game), UniformPolicy(game, 1)], copies=False)
    assert match.advance(5).steps == 1
    assert match.advance(4).steps == 5


def test_a_person_sees_the_state_and_only_her_legal_moves():
    game = games.soccer()
    terminal = Terminal("0", "q")
    play(game, [terminal.person(game), UniformPolicy(game, 1)], steps=3, seed=0)
    assert any(line.startswith("State: A (") for line in terminal.said)
    legal = [np.array([[False, True]]), np.ones((1, 2), dtype=bool)]
    one = games.StochasticGame(
        np.zeros((2, 1, 2, 2)), np.zeros((1, 2, 2, 1), dtype=int), np.ones((1, 2, 2, 1)), discount=0.5, legal=legal
    )
    person = Terminal("0", "q").person(one)
    play(one, [person, UniformPolicy(one, 1)], steps=3, seed=0)
    assert person.policy()[0].tolist() == [0.0, 1.0]


def test_a_person_plays_an_observed_environment():
    env = observed(games.parallel_env(games.soccer()), discount=0.9, max_observations=800)
    terminal = Terminal("2", "2", "q")
    run = play(env, [terminal.person(env), QLearning(env, player=1)], steps=9, seed=0)
    assert run.steps == 2
    assert any(line.startswith("You see: ") for line in terminal.said)


pyspiel = pytest.importorskip("pyspiel")


def tabulated(name):
    """Return an OpenSpiel game of simultaneous moves as a table whose states are named by their strings."""

    class Model:
        players = ("0", "1")

        def __init__(self):
            self.game = pyspiel.load_game(name)
            self.known = {}

        def named(self, state):
            return self.known.setdefault(str(state), state) and str(state)

        def settled(self, state):
            if not state.is_chance_node():
                return [(1.0, self.named(state))]
            return [(p * q, s) for a, p in state.chance_outcomes() for q, s in self.settled(state.child(a))]

        def initial_states(self):
            return self.settled(self.game.new_initial_state())

        def is_terminal(self, state):
            return self.known[state].is_terminal()

        def legal_actions(self, state, player):
            return self.known[state].legal_actions(player)

        def step(self, state, actions):
            after = self.known[state].clone()
            after.apply_actions(list(actions))
            return [(p, s, self.known[s].rewards()) for p, s in self.settled(after)]

    return games.tabulate(Model(), discount=1.0, title=name)


@pytest.mark.parametrize("name", ["matrix_rps", "matrix_pd"])
def test_a_bot_plays_one_shot_games(name):
    game = games.from_openspiel(name)
    bot = SpielBot(game, 1, lambda: pyspiel.make_uniform_random_bot(1, 7), spiel_game=name)
    learner = QLearning(game, player=0, learning_rate=0.05)
    play(game, [learner, bot], steps=1500, seed=0)
    # Against uniform play every action is worth its mean.
    assert np.allclose(learner.values[0], game.payoffs[0].mean(axis=1), atol=0.6)
    assert np.allclose(bot.policy(), 1 / len(bot.policy()), atol=0.06)


def test_a_learner_beats_a_bot_that_always_plays_rock_in_a_repeated_game():
    stage = pyspiel.load_game("matrix_rps")
    repeated = pyspiel.create_repeated_game(stage, {"num_repetitions": pyspiel.ROSHAMBO_NUM_THROWS})
    game = games.from_openspiel("matrix_rps")
    bot = SpielBot(game, 1, lambda: pyspiel.make_roshambo_bot(1, "rockbot"), spiel_game=repeated)
    run = play(game, [QLearning(game, player=0), bot], steps=2500, seed=0, record=5)
    assert bot.policy().tolist() == [1.0, 0.0, 0.0]
    assert run.rewards[0, -1, 0] > 0.8


def test_a_bot_that_copies_sees_what_was_played():
    stage = pyspiel.load_game("matrix_rps")
    repeated = pyspiel.create_repeated_game(stage, {"num_repetitions": pyspiel.ROSHAMBO_NUM_THROWS})
    game = games.from_openspiel("matrix_rps")

    class Cycle:
        """Plays 0, 1, 2, ... and writes down what it is told."""

        def __init__(self):
            self.told = []

        def act(self, observation, rng):
            return len(self.told) % 3

        def observe(self, transition):
            self.told.append(transition.actions)

        def policy(self):
            return np.ones(3) / 3

    cycle = Cycle()
    bot = SpielBot(game, 1, lambda: pyspiel.make_roshambo_bot(1, "copybot"), spiel_game=repeated)
    play(game, [cycle, bot], steps=40, seed=0)
    # The bot plays what beats the move before.
    assert all(other == (mine + 1) % 3 for (mine, _), (_, other) in zip(cycle.told, cycle.told[1:]))


@pytest.mark.parametrize(
    "name", ["goofspiel(num_cards=3,imp_info=False)", "goofspiel(num_cards=3,points_order=descending)"]
)
def test_bots_play_games_of_several_moves_and_chance(name):
    game = tabulated(name)
    table = pyspiel.load_game(name)
    policy = pytest.importorskip("open_spiel.python.policy")
    PolicyBot = pytest.importorskip("open_spiel.python.bots.policy").PolicyBot
    uniform = policy.UniformRandomPolicy(table)
    bots = [
        SpielBot(game, 0, lambda: PolicyBot(0, np.random.RandomState(3), uniform), spiel_game=name),
        SpielBot(game, 1, lambda: pyspiel.make_uniform_random_bot(1, 4), spiel_game=name),
    ]
    run = play(game, bots, steps=300, seed=0)
    assert run.episodes.sum() == pytest.approx(300 / run.lengths[0].mean(), rel=0.3)
    learner = QLearning(game, player=0, exploration=0.2)
    run = play(game, [learner, bots[1]], steps=1500, seed=1, record=3)
    assert run.returns[0, -1, 0] > run.returns[0, -1, 1]


def test_markov_soccer_of_openspiel_is_played_by_its_bot():
    game = tabulated("markov_soccer")
    assert game.n_states > 700
    bot = SpielBot(game, 0, lambda: pyspiel.make_uniform_random_bot(0, 4), spiel_game="markov_soccer")
    run = play(game, [bot, QLearning(game, player=1)], steps=200, seed=0, horizon=20)
    assert run.episodes.sum() >= 10


def test_bots_made_by_a_function_serve_many_seeds_alike():
    game = games.from_openspiel("matrix_rps")
    pair = [QLearning(game), SpielBot(game, 1, lambda: pyspiel.make_uniform_random_bot(1, 7), spiel_game="matrix_rps")]
    alone = play_seeds(game, pair, steps=30, seeds=[4])
    beside = play_seeds(game, pair, steps=30, seeds=[1, 4])
    assert np.array_equal(alone.rewards[0], beside.rewards[1])
    single = SpielBot(game, 1, pyspiel.make_uniform_random_bot(1, 7), spiel_game="matrix_rps")
    with pytest.raises(GameError, match="give SpielBot a function that makes one"):
        play_seeds(game, [QLearning(game), single], steps=30, seeds=[1, 4])


def test_bots_that_do_not_fit_are_refused():
    game = games.from_openspiel("matrix_rps")
    maker = lambda: pyspiel.make_uniform_random_bot(1, 7)  # noqa: E731
    with pytest.raises(UnsupportedGame, match="moves in turn"):
        SpielBot(game, 1, maker, spiel_game="kuhn_poker")
    with pytest.raises(UnsupportedGame, match="has 3 players, the game has 2"):
        SpielBot(game, 1, maker, spiel_game="goofspiel(players=3)")
    with pytest.raises(GameError, match="give a pyspiel bot"):
        SpielBot(game, 1, 3, spiel_game="matrix_rps")
    wrong = SpielBot(game, 1, maker, spiel_game="matrix_pd")
    with pytest.raises(LearningStopped, match="the bot has 2 moves where its seat has 3"):
        play(game, [QLearning(game), wrong], steps=5, seed=0)
    goofspiel = "goofspiel(num_cards=3,imp_info=False)"
    lost = SpielBot(game, 1, maker, spiel_game=goofspiel)
    with pytest.raises(LearningStopped, match="no outcome of chance leads to the state"):
        play(game, [QLearning(game), lost], steps=5, seed=0)
