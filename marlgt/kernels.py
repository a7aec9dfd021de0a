"""One source, two gears: a kernel runs interpreted for small work and compiled for large.

A kernel is a function over scalars and arrays in the common subset of Python and numba. It is
written once. :func:`gear` hands back the function itself while the predicted work is small, so
that numba (0.2 s to import, 0.3 s to start, seconds to compile for the first time) is never
touched, and its compiled twin when the work repays that cost or the twin is already there.

The twin of a kernel is the same code object, with every kernel that it calls replaced by that
kernel's twin, compiled with an on-disk cache. A compiled kernel cannot be interrupted, so long
kernels take a budget of steps, keep their state in arrays, and return to Python within a second.

The environment variable ``MARLGT_GEAR``, read once, forces one gear: ``plain`` or ``compiled``.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from types import FunctionType
from typing import Any, ParamSpec, TypeVar, cast

from marlgt.errors import GameError

__all__ = [
    "COMPILE_ABOVE",
    "compiled",
    "gear",
    "inlined_kernel",
    "is_compiled",
    "kernel",
    "lane_kernel",
    "lane_loop",
    "lean_kernel",
    "rebound",
    "specialised",
    "warm_up",
]

P = ParamSpec("P")
R = TypeVar("R")

COMPILE_ABOVE = 3_000_000.0
"""Predicted inner-loop steps above which compiling pays: about 0.5 s of interpreted work."""

_kernels: set[Callable[..., Any]] = set()
_lean: set[Callable[..., Any]] = set()
_inlined: set[Callable[..., Any]] = set()
_lanes: set[Callable[..., Any]] = set()
_twins: dict[tuple[Callable[..., Any], bool], Callable[..., Any]] = {}

CONTRACTIONS = frozenset({"contract", "arcp", "nsz"})
"""What lane kernels may do to arithmetic: fuse and divide by multiplying, but keep NaN and infinity as they are."""


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a function as a kernel; the function itself is unchanged."""
    _kernels.add(function)
    return function


def lean_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a function as a kernel that makes no arrays, nor calls a kernel that does; views of arrays are no arrays.

    Its twin counts no references, which costs small kernels more than what they do.
    """
    _lean.add(function)
    return kernel(function)


def inlined_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a function as a lean kernel that is built into the twins of all its callers.

    To hand over an array takes seven numbers, and to hand over eight arrays longer than a small kernel's work. Each
    place that calls it grows by all its code: for short kernels that are called in few places.
    """
    _inlined.add(function)
    return lean_kernel(function)


def lane_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a function as an inlined kernel whose arithmetic a loop over lanes may do for several lanes at once."""
    _lanes.add(function)
    return inlined_kernel(function)


def lane_loop(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a function as a lean kernel that loops over lanes and lets other threads run meanwhile."""
    _lanes.add(function)
    return lean_kernel(function)


def compiled(function: Callable[P, R], *, single: bool = False) -> Callable[P, R]:
    """Return the compiled twin of a kernel, compiling lazily on its first call.

    Parameters
    ----------
    function : callable
        A function marked with :func:`kernel`.
    single : bool, default False
        Whether every constant in it and in its callees is a float32, so that float32 arrays meet no float64.
    """
    twin = _twins.get((function, single))
    if twin is None:
        twin = _twins[function, single] = _twin(function, public=True, single=single)
    return cast("Callable[P, R]", twin)


@functools.cache
def _callee(function: Callable[..., Any], single: bool) -> Any:
    """Return the twin of a kernel that only other twins call."""
    return _twin(function, public=False, single=single)


def _twin(function: Callable[..., Any], *, public: bool, single: bool) -> Any:
    if function not in _kernels or not isinstance(function, FunctionType):
        raise GameError(f"{function!r} is not a kernel: decorate it with @marlgt.kernels.kernel")
    import numba
    import numpy as np

    namespace = dict(function.__globals__)
    code = function.__code__
    for name in code.co_names:
        callee = namespace.get(name)
        if isinstance(callee, FunctionType) and callee in _kernels:
            namespace[name] = _callee(callee, single)
        elif single and isinstance(callee, float):
            namespace[name] = np.float32(callee)
    if single:
        code = code.replace(co_consts=tuple(np.float32(c) if isinstance(c, float) else c for c in code.co_consts))
    clone = FunctionType(code, namespace, function.__name__, function.__defaults__)
    clone.__module__ = function.__module__
    # The disk cache watches one source file, but a twin has its callees and constants built in.
    marks = f"{'' if public else '_inner'}{'_single' if single else ''}"
    clone.__qualname__ = f"{function.__qualname__}_{_fingerprint(function)}{marks}"
    # The doors for C and, of inner twins, for Python are a fifth of the time that it takes to compile.
    options: dict[str, Any] = {"no_cfunc_wrapper": True, "no_cpython_wrapper": not public}
    if function in _lean:
        options["_nrt"] = False
    if function in _inlined:
        options["forceinline"] = True
    if function in _lanes:
        options |= {"fastmath": set(CONTRACTIONS), "nogil": True}
    return _widened(numba.njit(cache=True, error_model="numpy", **options)(clone))


def _widened(twin: Any) -> Any:
    """Return a twin that is compiled once, and not once more for each constant that a caller has in its place."""
    from numba import types

    template = twin.get_call_template
    plain: Callable[[Any], Any] = types.unliteral

    def widened(args: Any, kws: Any) -> Any:
        return template(tuple(map(plain, args)), {name: plain(kind) for name, kind in kws.items()})

    twin.get_call_template = widened
    return twin


def specialised(template: Callable[P, R], **callees: Callable[..., Any] | int) -> Callable[P, R]:
    """Return the kernel that a template becomes when names in it are bound to given kernels or numbers.

    One loop serves many rules so: the loop calls a kernel by a global name, and each rule binds that name to
    its own. The template keeps what it had for names that are not given. What an ``if`` leaves out for a number bound
    so is not compiled at all.

    Parameters
    ----------
    template : callable
        A function marked with :func:`kernel`.
    **callees : callable or int
        The kernel, or the number, that each global name of the template stands for.

    Returns
    -------
    callable
        A kernel, the same one each time for the same kernels.

    Raises
    ------
    GameError
        For a template or a callee that is not a kernel, or a name that the template does not use.

    Examples
    --------
    >>> @kernel
    ... def double(x):
    ...     return 2 * x
    >>> @kernel
    ... def square(x):
    ...     return x * x
    >>> @kernel
    ... def add_up(values):
    ...     total = 0
    ...     for v in values:
    ...         total += double(v)
    ...     return total
    >>> add_up([1, 2, 3]), specialised(add_up, double=square)([1, 2, 3])
    (12, 14)
    """
    return cast("Callable[P, R]", _specialised(template, tuple(sorted(callees.items()))))


@functools.cache
def _specialised(template: Any, callees: tuple[tuple[str, Any], ...]) -> Any:
    functions = [callee for _, callee in callees if not isinstance(callee, int)]
    for function in (template, *functions):
        if function not in _kernels or not isinstance(function, FunctionType):
            raise GameError(f"{function!r} is not a kernel: decorate it with @marlgt.kernels.kernel")
    names = [callee.__name__ for callee in functions]
    for name, _ in callees:
        if name not in template.__code__.co_names:
            raise GameError(f"{template.__name__} calls nothing named {name!r}: give names that it uses")
    namespace = {**template.__globals__, **dict(callees)}
    clone = FunctionType(template.__code__, namespace, template.__name__, template.__defaults__)
    clone.__module__ = template.__module__
    clone.__qualname__ = "_with_".join([template.__qualname__, *names])
    clone.__doc__ = template.__doc__
    return _marked_like(template, clone)


def _marked_like(template: Any, clone: Any) -> Any:
    for kind in (_lanes, _inlined, _lean, _kernels):
        if template in kind:
            kind.add(clone)
    return clone


def rebound(function: Callable[P, R], **names: Any) -> Callable[P, R]:
    """Return a kernel as a plain function in which, and in all whose callees, names stand for other things.

    A kernel over lanes so becomes a function over whole arrays: its ``sqrt`` and ``where`` those of an array library.

    Parameters
    ----------
    function : callable
        A function marked with :func:`kernel`.
    **names : object
        What each global name stands for, wherever it is used.

    Examples
    --------
    >>> from math import sqrt
    >>> @kernel
    ... def length(x, y):
    ...     return sqrt(x * x + y * y)
    >>> rebound(length, sqrt=lambda square: f"root of {square}")(3, 4)
    'root of 25'
    """
    if function not in _kernels or not isinstance(function, FunctionType):
        raise GameError(f"{function!r} is not a kernel: decorate it with @marlgt.kernels.kernel")
    namespace = dict(function.__globals__)
    for name in function.__code__.co_names:
        value = namespace.get(name)
        if name in names:
            namespace[name] = names[name]
        elif isinstance(value, FunctionType) and value in _kernels:
            namespace[name] = rebound(value, **names)
    return FunctionType(function.__code__, namespace, function.__name__, function.__defaults__)


def _fingerprint(function: FunctionType) -> str:
    """Return a digest of all the code and constants that the twin of a kernel is made of."""
    import hashlib

    code = function.__code__
    parts = [code.co_code.hex(), repr(code.co_consts), repr(code.co_names), repr(function in _inlined)]
    if function in _lanes:
        parts.append(repr(sorted(CONTRACTIONS)))
    for name in code.co_names:
        value = function.__globals__.get(name)
        if isinstance(value, FunctionType) and value in _kernels:
            parts.append(f"{name} {function.__name__ if value is function else _fingerprint(value)}")
        elif isinstance(value, bool | int | float | str | tuple):
            parts.append(f"{name} {value!r}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def is_compiled(function: Callable[..., Any]) -> bool:
    """Tell whether a kernel's compiled twin has been made in this process."""
    return (function, False) in _twins


@functools.cache
def forced_gear() -> str:
    """Return the gear that ``MARLGT_GEAR`` forced when this was first called, or nothing.

    Asking the environment every time takes longer than some kernels do.
    """
    return os.environ.get("MARLGT_GEAR", "")


def gear(function: Callable[P, R], work: float) -> Callable[P, R]:
    """Return the kernel to call for this much work: the plain function or its compiled twin.

    Parameters
    ----------
    function : callable
        A function marked with :func:`kernel`.
    work : float
        Predicted number of inner-loop steps, each worth about 0.15 microseconds interpreted.
    """
    forced = forced_gear()
    if forced == "plain":
        return function
    twin = _twins.get((function, False))
    if twin is not None:
        return twin
    return compiled(function) if forced == "compiled" or work >= COMPILE_ABOVE else function


def warm_up() -> list[str]:
    """Make the compiled twin of every kernel loaded so far, so that later small work uses it too.

    Returns
    -------
    list of str
        The names of the kernels, for a report. Each compiles, or loads from the cache, on first call.
    """
    for function in list(_kernels):
        compiled(function)
    return sorted(f"{f.__module__}.{f.__name__}" for f in _kernels)
