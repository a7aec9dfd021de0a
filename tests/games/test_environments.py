"""Playing stochastic games: PettingZoo's own tests, and thousands of copies against the table of the game."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from marlgt.errors import GameError, UnsupportedGame
from marlgt.games import (
    BatchSimulator,
    StochasticGame,
    alternating_turns,
    big_match,
    grid_game_2,
    parallel_env,
    random_stochastic_game,
    soccer,
)
from marlgt.testing import any_stochastic_game

GAMES = {
    "soccer": soccer,
    "a game without end": big_match,
    "actions that are not legal everywhere": grid_game_2,
    "turns": alternating_turns,
}


def actions_at_random(game, states, rng):
    """Return legal actions, shape (B, n)."""
    masks = [legal[states] for legal in game.legal]
    return np.stack([(rng.random(mask.shape) * mask).argmax(axis=1) for mask in masks], axis=1)


class TestParallelEnv:
    @pytest.mark.parametrize("make", GAMES.values(), ids=GAMES)
    @pytest.mark.parametrize("horizon", [None, 7])
    def test_it_passes_the_test_of_pettingzoo(self, make, horizon):
        from pettingzoo.test import parallel_api_test

        parallel_api_test(parallel_env(make(), horizon=horizon), num_cycles=60)

    @pytest.mark.parametrize("make", [soccer, big_match, lambda: random_stochastic_game(5, (2, 3), seed=1)])
    def test_it_passes_the_seed_test_of_pettingzoo(self, make):
        from pettingzoo.test import parallel_seed_test

        parallel_seed_test(lambda: parallel_env(make(), horizon=30), num_cycles=30)

    @pytest.mark.parametrize("make", [soccer, grid_game_2])
    def test_turned_into_a_game_of_turns_it_passes_the_seed_test(self, make):
        from pettingzoo.test import seed_test
        from pettingzoo.utils.conversions import parallel_to_aec

        seed_test(lambda: parallel_to_aec(parallel_env(make(), horizon=20)), num_cycles=20)

    def test_it_is_a_parallel_env_with_spaces(self):
        from gymnasium import spaces
        from pettingzoo import ParallelEnv

        game = soccer()
        env = parallel_env(game)
        assert isinstance(env, ParallelEnv)
        assert env.possible_agents == ["A", "B"]
        assert env.action_space("B") == spaces.Discrete(5)
        assert env.observation_space("A") == spaces.Discrete(761)
        env.reset(seed=0)
        assert env.state() in env.state_space
        assert game.states[env.state().argmax()] == env.render()
        env.close()

    def test_what_is_legal_is_told_in_the_observation_and_in_the_info(self):
        game = grid_game_2()
        env = parallel_env(game)
        observations, infos = env.reset(seed=0)
        for agent, legal in zip(env.agents, game.legal):
            assert observations[agent] in env.observation_space(agent)
            assert observations[agent]["observation"] == 0
            np.testing.assert_array_equal(observations[agent]["action_mask"], legal[0])
            np.testing.assert_array_equal(infos[agent]["action_mask"], legal[0])
            assert infos[agent]["state"] == "(2, 0) (2, 2)"

    def test_a_game_that_ends_is_terminated_and_one_stopped_is_truncated(self):
        env = parallel_env(alternating_turns(), horizon=2)
        env.reset(seed=0)
        _, _, terminated, truncated, _ = env.step({"1": 0, "2": 0})
        assert not any(terminated.values()) | any(truncated.values())
        observations, rewards, terminated, truncated, _ = env.step({"1": 0, "2": 1})
        assert rewards == {"1": 1.0, "2": -1.0}
        assert terminated == {"1": True, "2": True}
        assert truncated == {"1": False, "2": False}
        assert observations["1"]["observation"] == 3
        assert env.agents == []
        stopped = parallel_env(big_match(), horizon=1)
        stopped.reset(seed=0)
        *_, terminated, truncated, _ = stopped.step({"1": 0, "2": 0})
        assert (any(terminated.values()), all(truncated.values())) == (False, True)

    def test_a_copy_goes_on_as_the_original(self):
        env = parallel_env(random_stochastic_game(9, (2, 2), seed=0), horizon=50)
        env.reset(seed=4)
        env.step({"1": 0, "2": 1})
        twins = [copy.deepcopy(env), pickle.loads(pickle.dumps(env))]
        seen = [[run.step({"1": 1, "2": 0})[0]["1"] for _ in range(10)] for run in (env, *twins)]
        assert seen[0] == seen[1] == seen[2]
        assert len(set(seen[0])) > 1

    def test_a_reset_without_a_seed_goes_on_with_the_same_randomness(self):
        env = parallel_env(random_stochastic_game(50, (2, 2), seed=0))
        runs = []
        for _ in range(2):
            first = env.reset(seed=1)[0]["1"]
            runs.append([first, *(env.reset()[0]["1"] for _ in range(5))])
        assert runs[0] == runs[1]
        assert len(set(runs[0])) > 1
        fresh = parallel_env(big_match())
        fresh.reset()
        assert fresh.agents

    def test_bad_steps_are_refused(self):
        env = parallel_env(grid_game_2())
        with pytest.raises(GameError, match="no episode is going on: call reset"):
            env.step({"1": 0, "2": 0})
        env.reset(seed=0)
        with pytest.raises(GameError, match=r"actions is .*: give one action for each of the agents \['1', '2'\]"):
            env.step({"1": 0})
        with pytest.raises(GameError, match="an action is a whole number"):
            env.step({"1": 0.5, "2": 0})
        with pytest.raises(GameError, match=r"is 9: player 0 has actions 0 to 3"):
            env.step({"1": 9, "2": 0})
        with pytest.raises(
            GameError, match=r"not legal in state 0 \('\(2, 0\) \(2, 2\)'\): choose among game.legal\[1\]\[0\]"
        ):
            env.step({"1": 0, "2": env.game.actions[1].index("right")})
        with pytest.raises(GameError, match="seed is -1: give a whole number from 0"):
            env.reset(seed=-1)

    def test_games_that_cannot_be_played_are_refused(self):
        with pytest.raises(GameError, match="game is 3: give a StochasticGame"):
            parallel_env(3)
        with pytest.raises(GameError, match="horizon is 0: give a whole number from 1"):
            parallel_env(big_match(), horizon=0)
        ended = StochasticGame(
            [[[0], [0]]], [[[0]], [[0]]], [[[1]], [[1]]], discount=0.5, terminal=[0, 1], start=[0.5, 0.5]
        )
        with pytest.raises(UnsupportedGame, match="may begin in a terminal state: give it a start"):
            BatchSimulator(ended, n_copies=2)
        twins = StochasticGame(np.zeros((2, 1, 1, 1)), [[[[0]]]], [[[[1]]]], discount=0, players=["a", "a"])
        with pytest.raises(GameError, match=r"players are .*: agents need different names"):
            parallel_env(twins)

    def test_without_pettingzoo_it_says_what_to_install(self):
        code = """
import sys
sys.modules["pettingzoo"] = None
from marlgt.errors import MissingDependency
from marlgt.games import big_match, parallel_env
try:
    parallel_env(big_match())
except MissingDependency as error:
    print(error)
"""
        finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
        assert finished.stdout.strip() == 'parallel_env needs pettingzoo: pip install "marlgt[games]"', finished.stderr


class TestBatchSimulator:
    @settings(max_examples=50, deadline=None)
    @given(any_stochastic_game(), st.integers(0, 2**32 - 1), st.sampled_from([None, 1, 3]))
    def test_what_follows_has_positive_probability_and_the_reward_of_the_table(self, game, seed, horizon):
        assume(not game.start[game.terminal].any())
        simulator = BatchSimulator(game, n_copies=40, horizon=horizon)
        states = simulator.reset(seed)
        assert (game.start[states] > 0).all()
        rng = np.random.default_rng(seed)
        steps = np.zeros(40, dtype=int)
        for _ in range(6):
            states = simulator.states.copy()
            actions = actions_at_random(game, states, rng)
            step = simulator.step(actions)
            cells = (states, *actions.T)
            places = (game.successors[cells] == step.states[:, None]) & (game.probabilities[cells] > 0)
            assert places.any(axis=1).all()
            if game.successor_rewards is None:
                np.testing.assert_array_equal(step.rewards.T, game.rewards[(slice(None), *cells)])
            else:
                paid = game.successor_rewards[(slice(None), *cells)] == step.rewards.T[..., None]
                assert (paid.all(axis=0) & places).any(axis=1).all()
            steps += 1
            np.testing.assert_array_equal(step.terminated, game.terminal[step.states])
            np.testing.assert_array_equal(step.truncated, (steps == horizon) & ~step.terminated)
            over = step.terminated | step.truncated
            np.testing.assert_array_equal(simulator.states[~over], step.states[~over])
            assert (game.start[simulator.states[over]] > 0).all()
            steps[over] = 0
            np.testing.assert_array_equal(simulator.steps, steps)

    def test_the_same_seed_gives_the_same_bits(self):
        game = soccer()
        actions = np.random.default_rng(0).integers(0, 5, (30, 100, 2))

        def run(seed):
            simulator = BatchSimulator(game, n_copies=100, horizon=10)
            first = simulator.reset(seed)
            return np.concatenate([first, *(simulator.step(own).states for own in actions)]).tobytes()

        assert run(3) == run(3)
        assert run(3) != run(4)

    def test_successors_come_as_often_as_their_probabilities_say(self):
        game = random_stochastic_game(7, (2, 2), seed=3)
        simulator = BatchSimulator(game, n_copies=200_000)
        states = simulator.reset(0)
        np.testing.assert_allclose(np.bincount(states, minlength=7) / 200_000, game.start, atol=5e-3)
        step = simulator.step(np.tile([1, 0], (200_000, 1)))
        for state in range(7):
            shares = np.bincount(step.states[states == state], minlength=7) / (states == state).sum()
            expected = np.bincount(game.successors[state, 1, 0], game.probabilities[state, 1, 0], minlength=7)
            np.testing.assert_allclose(shares, expected, atol=1.5e-2)  # 6 standard deviations of 28,000 draws

    def test_playing_at_random_is_worth_what_the_equations_say(self):
        from marlgt.concepts.policies import policy_worth

        game = random_stochastic_game(6, (2, 3), discount=0.5, seed=8)
        simulator = BatchSimulator(game, n_copies=20_000)
        simulator.reset(1)
        rng = np.random.default_rng(0)
        returns = np.zeros((20_000, 2))
        for t in range(40):
            step = simulator.step(actions_at_random(game, simulator.states, rng))
            returns += game.discount**t * step.rewards
        error = returns.std(axis=0) / np.sqrt(20_000)
        values = policy_worth(game, game.uniform_profile())[0]
        assert (np.abs(returns.mean(axis=0) - values) <= 5 * error).all()

    def test_the_states_given_back_are_the_callers(self):
        simulator = BatchSimulator(big_match(), n_copies=3)
        simulator.reset(0)[:] = 2
        assert simulator.states.tolist() == [0, 0, 0]

    @pytest.mark.parametrize(
        ("actions", "message"),
        [
            ([[0, 0]], r"actions is \[\[0, 0\]\]: give whole numbers of shape \(2, 2\)"),
            ([[0.0, 0], [0, 0]], "give whole numbers of shape"),
            ([[0, 0], [0]], "give whole numbers of shape"),
            ([[0, 0], [0, 2]], r"actions\[1, 1\] is 2: player 1 has actions 0 to 1"),
            ([[-1, 0], [0, 0]], r"actions\[0, 0\] is -1: player 0 has actions 0 to 1"),
        ],
    )
    def test_actions_that_are_none_are_refused(self, actions, message):
        simulator = BatchSimulator(big_match(), n_copies=2)
        simulator.reset(0)
        with pytest.raises(GameError, match=message):
            simulator.step(actions)

    def test_illegal_actions_and_steps_before_the_reset_are_refused(self):
        simulator = BatchSimulator(alternating_turns(), n_copies=1)
        with pytest.raises(GameError, match="the copies have not begun: call reset"):
            simulator.step([[0, 0]])
        simulator.reset(0)
        with pytest.raises(GameError, match=r"actions\[0, 1\] is 1, which is not legal in state 0 \('choice'\)"):
            simulator.step([[0, 1]])
        with pytest.raises(GameError, match="n_copies is 0: give a whole number from 1"):
            BatchSimulator(big_match(), n_copies=0)
        with pytest.raises(GameError, match="n_copies is 1000000000: at most 67,108,864 fit in memory"):
            BatchSimulator(big_match(), n_copies=10**9)
