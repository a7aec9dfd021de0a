import json
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from marlgt.deep.losses.returns import generalised_advantages, lambda_returns, n_step_returns
from marlgt.errors import GameError

CASES = json.loads((Path(__file__).parents[2] / "data" / "equations.json").read_text(encoding="utf-8"))
CASES = CASES["cases"] if isinstance(CASES, dict) else CASES


def cases(prefix):
    return [pytest.param(case, id=case["id"]) for case in CASES if case["id"].startswith(prefix)]


def column(values):
    return torch.tensor([float(Fraction(x)) for x in values], dtype=torch.float64).view(1, -1, 1)


def episode(inputs):
    """Return rewards, discounts, ends and next values of a recorded trajectory, shape (1, T, 1)."""
    rewards = column(inputs["rewards"])
    after = column(inputs["next_values"] if "next_values" in inputs else inputs["values"][1:])
    none = [0] * rewards.numel()
    terminated, truncated = (column(inputs.get(name, none)) > 0 for name in ("terminated", "truncated"))
    discounts = float(Fraction(inputs["gamma"])) * terminated.logical_not().double()
    return rewards, discounts, terminated | truncated, after


def assert_near(found, expected, tolerance):
    assert (found - column(expected)).abs().max() <= tolerance


@pytest.mark.parametrize("case", cases("returns.gae_"))
def test_generalised_advantages_are_those_of_the_vectors(case):
    """Schulman et al. 2016, equation 16; added to the values they are the returns."""
    inputs, expected = case["inputs"], case["expected"]
    rewards, discounts, ends, after = episode(inputs)
    values = column(inputs["values"][: rewards.shape[1]])
    advantages = generalised_advantages(rewards, discounts, ends, values, after, inputs["lam"])
    assert_near(advantages, expected["advantages"], case["tolerance"])
    assert_near(advantages + values, expected["returns"], case["tolerance"])


@pytest.mark.parametrize("case", cases("returns.lambda_return_"))
def test_lambda_returns_are_those_of_the_vectors(case):
    returns = lambda_returns(*episode(case["inputs"]), case["inputs"]["lam"])
    assert_near(returns, case["expected"], case["tolerance"])


@pytest.mark.parametrize("case", cases("returns.nstep_"))
def test_n_step_returns_are_those_of_the_vectors(case):
    returns = n_step_returns(*episode(case["inputs"]), case["inputs"]["n"])
    assert_near(returns, case["expected"], case["tolerance"])


@pytest.fixture
def window():
    """Return rewards, discounts, ends and next values of 2 seeds, 12 steps, 5 windows and 3 agents."""
    torch.manual_seed(0)
    shape = (2, 12, 5)
    rewards, after = torch.randn(2, *shape, 3, dtype=torch.float64)
    terminated, truncated = torch.rand(2, *shape) < 0.15
    return rewards, 0.9 * terminated.logical_not().double(), terminated | truncated, after


def plain_lambda_returns(rewards, discounts, ends, after, lambda_):
    """The definition: a weighted sum of n-step returns, the longest of which takes the rest of the weight."""
    returns = torch.zeros_like(rewards)
    S, L, R = ends.shape
    for s in range(S):
        for r in range(R):
            for t in range(L):
                gathered, factor, weight = 0.0, 1.0, 1.0
                for k in range(t, L):
                    gathered = gathered + factor * rewards[s, k, r]
                    factor = factor * discounts[s, k, r]
                    last = bool(ends[s, k, r]) or k == L - 1
                    share = weight if last else (1 - lambda_) * weight
                    returns[s, t, r] += share * (gathered + factor * after[s, k, r])
                    weight *= lambda_
                    if last:
                        break
    return returns


@pytest.mark.parametrize("lambda_", [0.0, 0.3, 0.8, 1.0])
def test_lambda_returns_are_the_weighted_n_step_returns(window, lambda_):
    torch.testing.assert_close(lambda_returns(*window, lambda_), plain_lambda_returns(*window, lambda_))


def test_at_lambda_0_they_are_one_step_targets(window):
    rewards, discounts, _, after = window
    torch.testing.assert_close(lambda_returns(*window, 0.0), rewards + discounts.unsqueeze(3) * after)
    assert torch.equal(n_step_returns(*window, 1), lambda_returns(*window, 0.0))


def test_at_lambda_1_they_are_the_longest_n_step_returns(window):
    torch.testing.assert_close(lambda_returns(*window, 1.0), n_step_returns(*window, 100))


def test_advantages_are_lambda_returns_less_values_where_values_follow_one_another(window):
    """EQUATIONS row 6: within an episode the next value is that of the next step."""
    rewards, discounts, ends, after = window
    values = torch.randn_like(rewards)
    after = after.clone()
    goes_on = ends[:, :-1].logical_not().unsqueeze(3)
    after[:, :-1] = torch.where(goes_on, values[:, 1:], after[:, :-1])
    advantages = generalised_advantages(rewards, discounts, ends, values, after, 0.7)
    torch.testing.assert_close(advantages, lambda_returns(rewards, discounts, ends, after, 0.7) - values)


def test_agents_are_independent_columns(window):
    rewards, discounts, ends, after = window
    for i in range(3):
        single = lambda_returns(rewards[..., i], discounts, ends, after[..., i], 0.6)
        assert torch.equal(single, lambda_returns(*window, 0.6)[..., i])


def test_nothing_is_bootstrapped_behind_a_termination():
    """3 steps of reward 1 that terminate, discount 0.9, values 10: 2.71, 1.9, 1 (DEEP.md 2.6)."""
    rewards, after = torch.ones(1, 3, 1), torch.full((1, 3, 1), 10.0)
    ends = torch.tensor([False, False, True]).view(1, 3, 1)
    discounts = 0.9 * ends.logical_not()
    expected = torch.tensor([2.71, 1.9, 1.0])
    torch.testing.assert_close(n_step_returns(rewards, discounts, ends, after, 5).flatten(), expected)
    torch.testing.assert_close(lambda_returns(rewards, discounts, ends, after, 1.0).flatten(), expected)


def test_a_truncation_bootstraps_from_its_own_last_state():
    """Cut after 3 steps: the same and 0.9^k times 10; another episode behind it changes nothing."""
    rewards, after = torch.ones(1, 6, 1), torch.full((1, 6, 1), 10.0)
    rewards[:, 3:], after[:, 3:] = 1e6, -1e6
    ends = torch.tensor([False, False, True, False, False, False]).view(1, 6, 1)
    discounts = torch.full((1, 6, 1), 0.9)
    expected = torch.tensor([2.71 + 7.29, 1.9 + 8.1, 1.0 + 9.0])
    for returns in (
        n_step_returns(rewards, discounts, ends, after, 5),
        lambda_returns(rewards, discounts, ends, after, 1.0),
    ):
        torch.testing.assert_close(returns[0, :3, 0], expected)


@pytest.mark.parametrize("lambda_", [0.0, 0.8, 1.0])
def test_padding_behind_an_end_changes_nothing(window, lambda_):
    rewards, discounts, ends, after = (x.clone() for x in window)
    ends[:, 7] = True
    junk = [x.clone() for x in (rewards, discounts, ends, after)]
    junk[0][:, 8:], junk[1][:, 8:], junk[2][:, 8:], junk[3][:, 8:] = 1e9, 1.0, False, -1e9
    values = torch.randn_like(rewards)
    for function, extra in ((lambda_returns, lambda_), (n_step_returns, 4)):
        clean = function(rewards, discounts, ends, after, extra)
        assert torch.equal(function(*junk, extra)[:, :8], clean[:, :8])
    clean = generalised_advantages(rewards, discounts, ends, values, after, lambda_)
    dirty = generalised_advantages(*junk[:3], values, junk[3], lambda_)
    assert torch.equal(dirty[:, :8], clean[:, :8])


def test_inputs_stay_as_they_are_and_targets_carry_no_gradient(window):
    rewards, discounts, ends, after = window
    before = [x.clone() for x in window]
    after.requires_grad_()
    assert not lambda_returns(rewards, discounts, ends, after, 0.5).requires_grad
    assert not n_step_returns(rewards, discounts, ends, after, 3).requires_grad
    assert not generalised_advantages(rewards, discounts, ends, after, after, 0.5).requires_grad
    assert all(torch.equal(a, b) for a, b in zip(before, window))


def test_shapes_that_do_not_fit_are_refused(window):
    rewards, discounts, ends, after = window
    with pytest.raises(GameError, match="both must have one shape"):
        lambda_returns(rewards, discounts, ends, after[..., 0], 0.5)
    with pytest.raises(GameError, match=r"discounts have shape \(2, 12, 4\)"):
        n_step_returns(rewards, discounts[:, :, :4], ends, after, 2)
    with pytest.raises(GameError, match="give one for each reward"):
        generalised_advantages(rewards, discounts, ends, after[:, 1:], after, 0.5)


def test_settings_out_of_range_are_refused(window):
    with pytest.raises(GameError, match=r"lambda is 1\.5: it lies between 0"):
        lambda_returns(*window, 1.5)
    with pytest.raises(GameError, match="n_steps is 0: a return looks at least 1 step ahead"):
        n_step_returns(*window, 0)
