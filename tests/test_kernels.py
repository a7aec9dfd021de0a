"""One source, two gears: the same function, interpreted and compiled."""

import os
import subprocess
import sys

import numpy as np
import pytest

import marlgt as gt
from marlgt import kernels
from marlgt.kernels import COMPILE_ABOVE, compiled, gear, inlined_kernel, kernel, specialised


@kernel
def add_up(values):
    total = 0.0
    for i in range(values.shape[0]):
        total += values[i]
    return total


@kernel
def add_up_twice(values):
    return add_up(values) + add_up(values)


def plain_function(values):
    return values


def test_small_work_runs_the_plain_function(monkeypatch):
    monkeypatch.delenv("MARLGT_GEAR", raising=False)

    @kernel
    def fresh(values):
        return values[0]

    assert gear(fresh, 10.0) is fresh


def test_large_work_and_later_small_work_run_the_twin(monkeypatch):
    monkeypatch.delenv("MARLGT_GEAR", raising=False)
    values = np.arange(5.0)
    twin = gear(add_up_twice, COMPILE_ABOVE)
    assert twin is not add_up_twice
    assert twin(values) == add_up_twice(values) == 20.0
    assert gear(add_up_twice, 1.0) is twin


@pytest.mark.parametrize(("forced", "same"), [("plain", True), ("compiled", False)])
def test_a_process_reads_the_gear_of_its_environment_once(forced, same):
    program = (
        "import os; from marlgt.kernels import gear; from marlgt.solvers._tableaux import walk; "
        f"work = {1e12 if same else 1.0}; first = gear(walk, work); os.environ['MARLGT_GEAR'] = ''; "
        "print(first is walk, gear(walk, work) is first)"
    )
    environment = {**os.environ, "MARLGT_GEAR": forced}
    result = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, env=environment
    )
    assert result.stdout.split() == [str(same), "True"]


@pytest.mark.parametrize(("forced", "same"), [("plain", True), ("compiled", False)])
def test_the_environment_forces_a_gear(monkeypatch, forced, same):
    monkeypatch.setenv("MARLGT_GEAR", forced)
    assert (gear(add_up, 1e12 if same else 1.0) is add_up) == same


def test_a_twin_is_cached_under_another_name_when_a_kernel_it_calls_or_a_constant_changes(tmp_path):
    source = "def leaf(x):\n    return x + {leaf}\ndef caller(x):\n    return leaf(x) * FACTOR\n"

    def name_of_twin(leaf, factor):
        namespace = {"__name__": __name__, "FACTOR": factor}
        path = tmp_path / "kernels.py"
        path.write_text(source.format(leaf=leaf), encoding="utf-8")
        exec(compile(path.read_text(encoding="utf-8"), path, "exec"), namespace)
        for name in ("leaf", "caller"):
            kernel(namespace[name])
        return compiled(namespace["caller"]).py_func.__qualname__

    assert name_of_twin(1, 2.0) == name_of_twin(1, 2.0)
    assert len({name_of_twin(1, 2.0), name_of_twin(3, 2.0), name_of_twin(1, 4.0)}) == 3


def test_only_kernels_have_twins():
    with pytest.raises(gt.GameError, match="is not a kernel"):
        compiled(plain_function)


HEAVY = [
    "scipy",
    "numba",
    "torch",
    "matplotlib",
    "pandas",
    "highspy",
    "rich",
    "hypothesis",
    "nashpy",
    "pyspiel",
    "tyro",
]


def loaded_after(program):
    """Return the heavy packages that a fresh process holds after running a program."""
    report = f"{program}; import sys; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    environment = {**os.environ, "MARLGT_GEAR": ""}
    result = subprocess.run([sys.executable, "-c", report], check=True, capture_output=True, text=True, env=environment)
    return result.stdout.split()


def test_importing_marlgt_loads_nothing_heavy():
    assert loaded_after("import marlgt, marlgt.games, marlgt.solvers, marlgt.concepts") == []


def test_solving_a_small_game_loads_nothing_heavy():
    program = (
        "import marlgt as gt; g = gt.NormalFormGame.bimatrix([[3,3,0],[2,5,1],[0,6,2]], [[3,2,1],[2,6,0],[3,1,4]]); "
        "assert len(gt.solve(g)) > 0"
    )
    assert loaded_after(program) == []


@kernel
def doubled(value):
    return 2.0 * value


@kernel
def squared(value):
    return value * value


@kernel
def sum_of_images(values):
    total = 0.0
    for i in range(values.shape[0]):
        total += doubled(values[i])
    return total


def test_a_template_calls_the_kernels_that_are_bound_to_its_names_in_both_gears():
    values = np.array([1.0, 2.0, 3.0])
    special = specialised(sum_of_images, doubled=squared)
    assert sum_of_images(values) == 12.0
    assert special(values) == 14.0
    assert compiled(special)(values) == 14.0
    assert compiled(sum_of_images)(values) == 12.0
    assert specialised(sum_of_images, doubled=squared) is special


def test_a_template_refuses_what_is_no_kernel_and_names_it_does_not_use():
    with pytest.raises(gt.GameError, match="is not a kernel"):
        specialised(sum_of_images, doubled=plain_function)
    with pytest.raises(gt.GameError, match="calls nothing named 'halved'"):
        specialised(sum_of_images, halved=squared)


@kernel
def raised(value, by):
    return value + by


def test_a_kernel_is_compiled_once_whatever_constants_its_callers_hand_over():
    from numba import types

    callee = kernels._callee(raised, False)
    for by in (types.int64, types.literal(1), types.literal(2)):
        callee.get_call_template((types.int64, by), {})
    assert len(callee.signatures) == 1


SIZE = 3


@kernel
def counted_up(value):
    if SIZE > 1:
        # What cannot be compiled: a number and a text have no sum.
        value = value + "1"
    return doubled(value)


def test_what_a_number_bound_to_a_template_leaves_out_is_not_compiled():
    alone = specialised(counted_up, SIZE=1)
    assert compiled(alone)(2.0) == alone(2.0) == 4.0
    with pytest.raises(TypeError):
        counted_up(2.0)


@inlined_kernel
def first_of(values):
    return values[0]


@kernel
def sum_of_firsts(values):
    return first_of(values) + first_of(values[1:])


def test_inlined_kernels_give_what_they_give_alone():
    values = np.array([3.0, 4.0])
    assert compiled(sum_of_firsts)(values) == sum_of_firsts(values) == 7.0
    assert compiled(first_of)(values) == 3.0


@kernels.lane_kernel
def blend(a, b):
    return 0.25 * a + HALF * b * 1.5


HALF = 0.5


@kernels.lane_loop
def blend_rows(a, b, out):
    for e in range(16):
        out[e] = blend(a[e], b[e])


def test_single_precision_meets_no_double():
    a, b = np.linspace(0, 1, 16), np.linspace(1, 3, 16)
    plain, double = np.empty(16), np.empty(16)
    blend_rows(a, b, plain)
    kernels.compiled(blend_rows)(a, b, double)
    np.testing.assert_allclose(double, plain, rtol=1e-15)
    single = np.empty(16, np.float32)
    twin = kernels.compiled(blend_rows, single=True)
    twin(a.astype(np.float32), b.astype(np.float32), single)
    np.testing.assert_allclose(single, plain, rtol=1e-6)
    scalars = kernels.compiled(blend, single=True)
    scalars(np.float32(1.0), np.float32(2.0))
    assert [str(signature.return_type) for signature in scalars.nopython_signatures] == ["float32"]
    assert kernels.compiled(blend_rows, single=True) is twin
    assert kernels.compiled(blend_rows) is not twin


def test_lane_kernels_keep_what_is_not_a_number():
    @kernels.lane_loop
    def is_small(values, out):
        for e in range(16):
            out[e] = 1.0 if values[e] < 3.0 else 0.0

    values = np.where(np.arange(16) % 4 == 0, np.nan, np.arange(16.0))
    out = np.empty(16)
    kernels.compiled(is_small)(values, out)
    np.testing.assert_array_equal(out, (values < 3.0).astype(float))


def test_a_rebound_kernel_and_its_callees_use_the_words_given():
    @kernels.kernel
    def outer(x):
        return blend(x, x) + HALF

    assert outer(2.0) == 2.0 * 0.25 + 2.0 * 0.75 + 0.5
    rebound = kernels.rebound(outer, HALF=np.array([0.0, 1.0]))
    np.testing.assert_allclose(rebound(2.0), [0.5, 4.5])
    assert outer(2.0) == 2.5
    with pytest.raises(gt.GameError, match="is not a kernel"):
        kernels.rebound(lambda x: x)
