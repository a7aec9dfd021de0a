"""The state of a run: its ties, its chunks, its file, and the exponents that it takes."""

import math

import numpy as np
import pytest

from marlgt.errors import GameError
from marlgt.games import TreeBuilder, kuhn_poker
from marlgt.solvers import RegretMinimizer, discounted_cfr


def test_regrets_that_only_rounding_makes_positive_are_ties():
    # 0.1 + 0.2 exceeds 0.3 by rounding: all three actions are worth the same.
    tree = TreeBuilder(["she"])
    root = tree.decision(None, 0, "root", ["sure", "lot", "sum"])
    tree.terminal(root, [0.3])
    lot = tree.chance(root, [("a", 0.1), ("b", 0.9)])
    tree.terminal(lot, [3.0])
    tree.terminal(lot, [0.0])
    both = tree.chance(root, [("a", 0.1), ("b", 0.2), ("c", 0.7)])
    for worth in (1.0, 1.0, 0.0):
        tree.terminal(both, [worth])
    run = RegretMinimizer(tree.build())
    run.advance(1)
    assert run.policy()[0][0] == pytest.approx([1 / 3, 1 / 3, 1 / 3], abs=1e-15)


def test_no_call_of_the_kernel_is_long(monkeypatch):
    from marlgt.solvers.extensive import regret_minimizer

    lengths = []
    run = RegretMinimizer(kuhn_poker())
    monkeypatch.setattr(regret_minimizer, "CHUNK_STEPS", 1e4)
    monkeypatch.setattr(regret_minimizer, "gear", lambda *_: lambda *arrays: lengths.append(len(arrays[9])))
    run.advance(1000)
    assert max(lengths) * run.steps <= 1e4
    assert sum(lengths) == run.iterations == 1000


@pytest.mark.parametrize("predictive", [False, True])
def test_a_run_goes_on_after_saving_exactly_where_it_was(tmp_path, predictive):
    game = kuhn_poker()
    through, stopped = (RegretMinimizer(game, gamma=2.0, predictive=predictive) for _ in range(2))
    through.advance(60)
    stopped.advance(25)
    stopped.save(tmp_path / "run.npz")
    again = RegretMinimizer.load(game, tmp_path / "run.npz")
    assert again.iterations == 25
    again.advance(35)
    for one, other in zip(through.profile(), again.profile()):
        assert np.array_equal(one, other)
    assert again.equilibrium().epsilon == through.equilibrium().epsilon


def test_a_run_of_another_game_is_not_loaded(tmp_path):
    run = RegretMinimizer(kuhn_poker())
    run.save(tmp_path / "run.npz")
    with pytest.raises(GameError, match="holds a run of another game"):
        RegretMinimizer.load(kuhn_poker(3), tmp_path / "run.npz")
    (tmp_path / "other.npz").write_bytes(b"no arrays")
    np.save(tmp_path / "array.npy", np.zeros(3))
    np.savez(tmp_path / "arrays.npz", regrets=np.zeros(3))
    whole = (tmp_path / "run.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    for name in ("other.npz", "array.npy", "arrays.npz", "cut.npz"):
        with pytest.raises(GameError, match="holds no run of regret minimization"):
            RegretMinimizer.load(kuhn_poker(), tmp_path / name)


@pytest.mark.parametrize(
    ("exponents", "message"),
    [
        ({"alpha": "1"}, "alpha is '1': give an exponent"),
        ({"beta": math.nan}, "beta is nan"),
        ({"gamma": -1.0}, "gamma is -1.0: give an exponent from 0"),
        ({"gamma": math.inf}, "gamma is inf"),
    ],
)
def test_exponents_that_are_none_are_refused(exponents, message):
    with pytest.raises(GameError, match=message):
        discounted_cfr(kuhn_poker(), **exponents)


def test_predictions_go_with_the_regrets_of_cfr_plus_only():
    with pytest.raises(GameError, match="only those of CFR\\+"):
        RegretMinimizer(kuhn_poker(), alpha=1.5, beta=0.0, predictive=True)
