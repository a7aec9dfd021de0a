"""Policies are played by their likeliest actions, as they are, or with random actions among them."""

import numpy as np
import pytest
import torch

from marlgt.deep import IPPO, PPO, VDN, evaluate, make_environment, train
from marlgt.errors import GameError

QUICK = {"n_envs": 4, "rollout_steps": 8, "hidden": (8,), "epochs": 1, "minibatches": 1}


@pytest.fixture(scope="module")
def mixed():
    """Two players of rock, paper, scissors who still mix nearly evenly, as equilibrium says."""
    return train(IPPO(**QUICK, lr=1e-6), "rock_paper_scissors", steps=32, seeds=(0, 1), episodes=1)


def shares(played):
    won = played.returns[..., 0]
    return [(won == each).mean(1) for each in (-1, 0, 1)]


def test_the_likeliest_actions_of_a_mixed_policy_are_always_the_same(mixed):
    played = evaluate(mixed, episodes=300)
    assert (np.ptp(played.returns, axis=1) == 0).all()


def test_a_stochastic_evaluation_plays_a_mixed_policy_as_it_is(mixed):
    played = evaluate(mixed, episodes=3000, stochastic=True)
    # Three standard errors of a share of a third in 3000 episodes.
    assert np.allclose(shares(played), 1 / 3, atol=0.026)
    again = evaluate(mixed, episodes=3000, stochastic=True)
    assert np.array_equal(played.returns, again.returns)


def test_a_seed_is_played_as_it_would_be_alone(mixed):
    alone = train(IPPO(**QUICK, lr=1e-6), "rock_paper_scissors", steps=32, seeds=(1,), episodes=1)
    for options in ({"stochastic": True}, {"epsilon": 0.5}, {"stochastic": True, "epsilon": 0.5}):
        both, one = (evaluate(run, episodes=50, **options) for run in (mixed, alone))
        assert np.array_equal(both.returns[1], one.returns[0])


def certain(run, action):
    """Make the policies of a run certain of an action."""
    head = run.module.actors.head
    with torch.no_grad():
        for name, parameter in head.named_parameters():
            parameter.zero_()
            if "bias" in name:
                parameter[..., action] = 50.0
    return run


def test_epsilon_is_a_share_of_random_actions_for_policies_too():
    run = certain(train(IPPO(**QUICK), "rock_paper_scissors", steps=32, episodes=1), 1)
    still = evaluate(run, episodes=3000, stochastic=True)
    assert not still.returns.any(), "both always play paper"
    half = evaluate(run, episodes=3000, epsilon=0.5)
    # Both play paper with probability 2/3: they meet in 4/9 + 2/36 of the games.
    assert shares(half)[1] == pytest.approx(0.5, abs=0.03)
    every = evaluate(run, episodes=3000, epsilon=1.0)
    assert np.allclose(shares(every), 1 / 3, atol=0.026)


def test_random_actions_are_allowed_ones():
    run = train(IPPO(**QUICK), "Foraging-5x5-2p-1f-v3", steps=32, episodes=1)
    policy, env = run.policy(), make_environment("Foraging-5x5-2p-1f-v3", 64)
    env.reset(0)
    policy.explore(1.0, [torch.Generator().manual_seed(0)])
    policy.begin()
    seen = set()
    for _ in range(20):
        actions = policy.act(torch.as_tensor(env.observations)[None], torch.as_tensor(env.allowed)[None])[0]
        assert np.take_along_axis(env.allowed, actions.numpy()[..., None], -1).all()
        seen |= set(actions.unique().tolist())
        env.step(actions.numpy())
    assert len(seen) == env.n_actions


def test_random_numbers_are_uniform_between_the_bounds():
    run = train(PPO(**QUICK), "hover1d-gpd", steps=32, episodes=1)
    policy = run.policy()
    policy.explore(1.0, [torch.Generator().manual_seed(0)])
    drawn = policy.act(torch.zeros(1, 4000, 1, run.spec.observation_size))
    assert float(drawn.min()) >= -1.0
    assert float(drawn.max()) <= 1.0
    assert float(drawn.mean()) == pytest.approx(0.0, abs=0.03)
    assert float(drawn.square().mean()) == pytest.approx(1 / 3, abs=0.02)


def test_learnt_values_have_no_policy_to_draw_from():
    run = train(VDN(learning_starts=16, n_envs=4, hidden=(8,)), "climbing", steps=32, episodes=1)
    with pytest.raises(GameError, match="VDN learns values, and has no policy from which stochastic actions"):
        evaluate(run, episodes=2, stochastic=True)


@pytest.mark.parametrize("wrong", [1, "yes", None])
def test_stochastic_is_yes_or_no(mixed, wrong):
    with pytest.raises(GameError, match="stochastic must be True or False"):
        evaluate(mixed, episodes=2, stochastic=wrong)
