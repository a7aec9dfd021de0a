"""Chains with known laws of returns, and critics that tell them: a mixture does, one number cannot."""

import itertools

import numpy as np
import pytest
import torch

from marlgt.deep import GMAC
from marlgt.deep.algorithms.value_algorithm import Spec
from marlgt.deep.critics import CategoricalCritic, ImplicitQuantileCritic, MixtureCritic, QuantileCritic, ScalarCritic
from marlgt.deep.distributions import GaussianMixture, Particles, cdf, mean, variance, wasserstein_1
from marlgt.deep.environments.chain_copies import RewardChainCopies
from marlgt.deep.environments.protocol import BatchEnv
from marlgt.deep.environments.reward_chains import Outcome, RewardChain, return_laws
from marlgt.deep.exploration import seeded_generators
from marlgt.deep.losses.mixture_losses import cross_entropy_loss, energy_loss, transport_loss
from marlgt.deep.networks.initialising import initialise
from marlgt.deep.networks.policy_networks import Memories
from marlgt.deep.seeded_environments import SeededEnvs
from marlgt.errors import GameError

# A fork, and a certain step after both paths: the return is 0.55 ± 1.0, and from either path certain.
TWO_PATHS = RewardChain(
    "two paths",
    [
        [Outcome(0.6, 0.0, 1), Outcome(0.4, 0.0, 2)],
        [Outcome(1.0, -1.0, 3)],
        [Outcome(1.0, 1.0, 3)],
        [Outcome(1.0, 0.5, None)],
    ],
    discount=1.0,
)
LOOP = RewardChain("loop", [[Outcome(0.25, 1.0, None, 0.2), Outcome(0.75, 1.0, 0, 0.2)]], discount=0.9)
ENDLESS = RewardChain("endless", [[Outcome(1.0, 0.5, 0, 0.3)]], discount=0.8, time_limit=3)


def returns(chain, count, steps, seed=0):
    """Play episodes, all of which are taken as over after so many steps."""
    copies = RewardChainCopies(chain, count)
    copies.reset(seed)
    total, factor = np.zeros(count), np.ones(count)
    for _ in range(steps):
        step = copies.step(np.zeros((count, 1), np.int64))
        total += factor * step.rewards[:, 0]
        factor = np.where(step.terminated, 0.0, factor * chain.discount)
    return total


def learnt(chain, seeds=(0, 1), rollouts=60, **settings):
    """Return a learner of the chain's laws, and what it tells of all states, shape (S, N, K)."""
    algorithm = GMAC(
        n_envs=128,
        rollout_steps=8,
        minibatches=8,
        epochs=1,
        lr=1e-2,
        lr_end=1e-5,
        hidden=(32,),
        discount=chain.discount,
        normalise_values=False,
        scale_head="initial_scale",
        initial_scale=0.1,
        least_scale=1e-3,
        value_weight=1.0,
        clip=40.0,
        **settings,
    )
    envs = SeededEnvs(lambda: RewardChainCopies(chain, algorithm.n_envs), seeds, "cpu")
    envs.reset()
    steps = rollouts * algorithm.n_envs * algorithm.rollout_steps
    learner = algorithm.learner(Spec.of(envs.envs[0]), seeds, steps=steps, device="cpu")
    while learner.steps < steps:
        learner.observe(envs.step(learner.act(envs)), envs)
        learner.learn()
    size = len(chain.outcomes)
    rows = torch.eye(size).view(1, 1, size, 1, size).expand(len(seeds), -1, -1, -1, -1).contiguous()
    with torch.no_grad():
        outputs, _ = learner.products.values(rows, None, Memories(), None)
        told = learner.critic.mixture(outputs[:, 0, :, 0])
    return GaussianMixture(*(part.double() for part in told))


def distances(told, chain, rounds):
    """Return W₁ from the truth, shape (S, N)."""
    laws = return_laws(chain, rounds)
    found = []
    for state, law in enumerate(laws):
        own = GaussianMixture(*(part[:, state] for part in told))
        found.append(wasserstein_1(own, GaussianMixture(*map(torch.from_numpy, law))).numpy())
    return np.stack(found, axis=1)


def test_a_mixture_critic_tells_both_paths_where_one_number_cannot(one_thread):
    told = learnt(TWO_PATHS)
    assert distances(told, TWO_PATHS, 4).max() < 0.05
    law = return_laws(TWO_PATHS, 4)[0]
    deviation = float((law.weights * np.abs(law.means - (law.weights * law.means).sum())).sum())
    scalar = learnt(TWO_PATHS, critic="scalar")
    apart = distances(scalar, TWO_PATHS, 4)
    # The mean is right, and the law as wrong as it must be: at least by the deviation from the median, 0.8.
    np.testing.assert_allclose(mean(scalar)[:, 0], TWO_PATHS.moments()[0][0], atol=0.05)
    np.testing.assert_allclose(apart[:, 0], deviation, atol=0.05)
    assert apart[:, 0].min() >= 0.8 - 1e-6


def test_a_law_goes_on_where_a_clock_stops_the_episode(one_thread):
    told = learnt(ENDLESS, seeds=(0,))
    assert distances(told, ENDLESS, 0).max() < 0.05
    # Had the clock been an end, the mean would be 0.5 (1 - 0.8³) / 0.2 = 1.22 or less, and not 2.5.
    np.testing.assert_allclose(mean(told)[:, 0], 2.5, atol=0.05)


@pytest.mark.parametrize(
    ("loss", "prefers_the_law"), [(energy_loss, True), (cross_entropy_loss, True), (transport_loss, False)]
)
def test_only_a_loss_without_bias_prefers_a_law_to_its_mean_where_targets_are_single_draws(loss, prefers_the_law):
    # Rows of a rollout know one successor each: at the fork -0.5 six times in ten, and 1.5 else.
    draws = Particles(torch.tensor([[-0.5]] * 6 + [[1.5]] * 4), torch.zeros(10, 1))
    told = {
        "law": ([0.6, 0.4], [-0.5, 1.5], [0.05, 0.05]),
        "mean": ([0.6, 0.4], [0.3, 0.3], [0.05, 0.05]),
        "normal": ([0.6, 0.4], [0.3, 0.3], [0.98, 0.98]),
    }
    average = {
        name: float(loss(GaussianMixture(*(torch.tensor(part).expand(10, 2) for part in parts)), draws).mean())
        for name, parts in told.items()
    }
    assert (average["law"] < average["mean"]) == prefers_the_law
    assert (average["law"] < average["normal"]) == prefers_the_law
    if not prefers_the_law:
        assert average["mean"] < average["normal"]


@pytest.mark.parametrize(("chain", "rounds", "steps"), [(TWO_PATHS, 4, 3), (LOOP, 40, 40)])
def test_laws_are_those_of_returns_that_were_played(chain, rounds, steps):
    law, played = return_laws(chain, rounds)[0], returns(chain, 40_000, steps)
    assert abs(played.mean() - float(mean(law))) < 4 * played.std() / 200
    beside = GaussianMixture(*(part[None] for part in law))
    points = np.quantile(played, [0.05, 0.3, 0.5, 0.8, 0.95]) + 1e-3
    shares = (played[:, None] <= points).mean(0)
    # 4.5 standard errors of a share.
    np.testing.assert_allclose(cdf(beside, points), shares, atol=0.5 * 4.5 / 200)


def test_laws_have_the_moments_that_a_linear_system_gives():
    for chain in (TWO_PATHS, LOOP, ENDLESS):
        means, variances = chain.moments()
        for rounds in (0, 1, 7):
            laws = return_laws(chain, rounds)
            np.testing.assert_allclose([mean(law) for law in laws], means, atol=1e-8)
            np.testing.assert_allclose([variance(law) for law in laws], variances, atol=1e-7)


def test_the_equation_of_the_laws_contracts_by_the_discount():
    coin = RewardChain("coin", [[Outcome(0.5, -1.0, 0), Outcome(0.5, 1.0, 0)]], discount=0.5)
    laws = [return_laws(coin, rounds)[0] for rounds in range(8)]
    # The limit is uniform on (-2, 2) (Jessen & Wintner 1935); 64 Diracs are within 0.016 of it.
    grid = (np.arange(64) + 0.5) / 16 - 2
    uniform = GaussianMixture(np.full(64, 1 / 64), grid, np.zeros(64))
    gaps = [float(wasserstein_1(law, uniform)) for law in laws[:5]]
    assert all(after <= 0.5 * before + 0.024 for before, after in itertools.pairwise(gaps))
    assert gaps[0] > 0.1
    assert gaps[-1] < 0.03
    assert len(laws[7].means) == 2**7


def test_rewards_in_other_units_scale_the_laws():
    law, scaled = return_laws(LOOP, 5)[0], return_laws(LOOP.scaled(-3.0), 5)[0]
    assert float(wasserstein_1(GaussianMixture(law.weights, -3 * law.means, 3 * law.scales), scaled)) < 1e-7


def test_copies_of_a_chain_are_an_environment_that_a_snapshot_brings_back():
    copies = RewardChainCopies(ENDLESS, 3)
    assert isinstance(copies, BatchEnv)
    copies.reset(5)
    copies.step(None)
    kept = copies.snapshot()
    first = [copies.step(None) for _ in range(4)]
    copies.restore(kept)
    again = [copies.step(None) for _ in range(4)]
    assert [step.truncated.all() for step in first] == [False, True, False, False]
    for one, other in zip(first, again):
        np.testing.assert_array_equal(one.rewards, other.rewards)
    wider = RewardChainCopies(ENDLESS, 5)
    wider.reset(5)
    copies.reset(5)
    np.testing.assert_array_equal(wider.step(None).rewards[:3], copies.step(None).rewards)


@pytest.mark.parametrize(
    "kind", [CategoricalCritic, ImplicitQuantileCritic, MixtureCritic, QuantileCritic, ScalarCritic]
)
def test_what_a_critic_tells_has_its_mean_and_the_law_of_its_particles(kind):
    critic = kind(2, 4)
    initialise(critic, seeded_generators((0, 1), 0))
    outputs = critic.forward(torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))).detach()
    told = critic.mixture(outputs)
    torch.testing.assert_close(mean(told), critic.mean(outputs))
    drawn = critic.particles(outputs, 4096, seeded_generators((0, 1), 1))
    torch.testing.assert_close(mean(drawn.mixture()), critic.mean(outputs), atol=0.02, rtol=0)
    torch.testing.assert_close(variance(drawn.mixture()), variance(told), atol=0.05, rtol=0.02)


@pytest.mark.parametrize(
    ("outcomes", "discount", "message"),
    [
        ([[Outcome(0.5, 0.0, None)]], 0.9, "state 0 have probabilities of sum 0.5"),
        ([[]], 0.9, "state 0 have probabilities of sum 0"),
        ([[Outcome(1.0, 0.0, 1)]], 0.9, "state 0 leads to 1, and states are 0 to 0"),
        ([], 0.9, "has states and a discount from 0 to 1, got 0 states"),
        ([[Outcome(1.0, 0.0, None)]], 1.5, "a discount from 0 to 1, got 1 states and 1.5"),
    ],
)
def test_what_is_no_chain_is_refused(outcomes, discount, message):
    with pytest.raises(GameError, match=message):
        RewardChain("wrong", outcomes, discount)


def test_an_endless_chain_without_a_discount_has_no_law():
    with pytest.raises(GameError, match="have no law: it never ends and does not discount"):
        return_laws(RewardChain("endless", [[Outcome(1.0, 1.0, 0)]], 1.0), 3)


def test_a_law_of_too_many_components_is_refused():
    coin = RewardChain("coin", [[Outcome(0.5, -1.0, 0), Outcome(0.5, 1.0, 0)]], 0.7)
    with pytest.raises(GameError, match="more than 20000 components: give fewer rounds"):
        return_laws(coin, 16)
