import pytest
import torch

from marlgt.deep.replay.priorities import SumTrees

N_LEAVES = 5000


def generators(n_seeds, seed=0):
    return [torch.Generator().manual_seed(seed + s) for s in range(n_seeds)]


def planted(n_seeds=2, n_leaves=N_LEAVES):
    """Return trees of three levels whose leaves were put, overwritten, filled, and left at 0 in places."""
    trees = SumTrees(n_seeds, n_leaves)
    for round_ in range(3):
        drawn = [torch.randint(0, n_leaves, (n_leaves // 2,), generator=g) for g in generators(n_seeds, round_)]
        numbers = [torch.rand(n_leaves // 2, generator=g, dtype=torch.float64) for g in generators(n_seeds, 9)]
        trees.put(torch.stack(drawn), torch.stack(numbers) ** 3)
    trees.fill(40, 95, 0.0)
    trees.fill(3000, 3001, trees.largest)
    return trees


@pytest.mark.parametrize("n_leaves", [1, 2, 64, 65, N_LEAVES])
def test_every_level_holds_the_sums_of_the_level_below(n_leaves):
    trees = SumTrees(2, n_leaves)
    trees.fill(0, n_leaves, 1.5)
    trees.put(torch.tensor([[0], [n_leaves - 1]]), torch.tensor([[4.0], [7.0]], dtype=torch.float64))
    for level, above in zip(trees.levels, trees.levels[1:]):
        sums = above.view(2, -1)
        torch.testing.assert_close(sums[:, : level.shape[1]], level.sum(2))
        assert not sums[:, level.shape[1] :].any()
    assert trees.levels[-1].shape[1] == 1
    assert trees.levels[-1].sum((1, 2)).tolist() == pytest.approx([1.5 * n_leaves + 2.5, 1.5 * n_leaves + 5.5])
    assert trees.largest.tolist() == [[4.0], [7.0]]


def test_draws_are_those_of_one_running_sum_over_all_leaves():
    """Stratum i of R draws the leaf at mass (i + u) / R of the total (Schaul et al. 2016, appendix B.2.1)."""
    trees = planted()
    indices, values = trees.draw(256, generators(2, seed=5))
    assert len(trees.levels) == 3
    for s, generator in enumerate(generators(2, seed=5)):
        sums = trees.leaves[s].cumsum(0)
        uniform = torch.rand(256, generator=generator, dtype=torch.float64)
        mass = (torch.arange(256) + uniform) / 256 * sums[-1]
        assert torch.equal(indices[s], torch.searchsorted(sums, mass))
        assert torch.equal(values[s], trees.leaves[s, indices[s]])


def test_a_leaf_of_0_is_never_drawn():
    trees = SumTrees(1, N_LEAVES)
    trees.put(torch.tensor([[17, 2900, 4999]]), torch.tensor([[1e-12, 1.0, 1e6]], dtype=torch.float64))
    source = generators(1)
    drawn = torch.cat([trees.draw(500, source)[0] for _ in range(20)], 1)
    assert set(drawn.flatten().tolist()) <= {17, 2900, 4999}


def test_frequencies_are_proportional_to_the_leaves():
    """Chi-squared over 20 groups of 250 leaves: the 99.9 % point of 19 degrees of freedom is 43.8."""
    trees, source = planted(1), generators(1)
    drawn = torch.cat([trees.draw(100, source)[0] for _ in range(100)], 1)[0]
    expected = trees.leaves[0].view(20, 250).sum(1)
    expected = expected * (10_000 / expected.sum())
    counts = torch.bincount(drawn // 250, minlength=20)
    assert ((counts - expected) ** 2 / expected).sum() < 43.8


def test_a_seed_has_the_bits_that_it_has_alone():
    together, alone = planted(3), planted(1)
    for many, one in zip(together.levels, alone.levels):
        assert torch.equal(many[:1], one)
    for many, one in zip(together.draw(64, generators(3)), alone.draw(64, generators(1))):
        assert torch.equal(many[:1], one)


def test_a_tree_rebuilt_from_its_leaves_is_the_same_bit_for_bit():
    trees, rebuilt = planted(), SumTrees(2, N_LEAVES)
    rebuilt.rebuild(trees.leaves, trees.largest)
    assert torch.equal(rebuilt.largest, trees.largest)
    for before, after in zip(trees.levels, rebuilt.levels):
        assert torch.equal(before, after)
