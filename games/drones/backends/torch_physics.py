"""The physics of drones on PyTorch tensors, on any device: a control step that can be differentiated.

It is the very code of :mod:`marlgt.games.drones.kernels.dynamics` and
:mod:`marlgt.games.drones.kernels.controllers`, run on tensors.
Derivatives are those of the arithmetic: where a quantity is held at a bound, nothing flows beyond it, and the
landing on the ground, which is a jump, has the derivative of the side on which it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any, NamedTuple

from marlgt.errors import GameError
from marlgt.games._doors import require_whole
from marlgt.games.drones.airframes import DOWNWASH, N_PARAMETERS, NOMINAL_MASS, Airframe
from marlgt.games.drones.backends.torch_lanes import Drones, on_tensors, torch, vocabulary
from marlgt.games.drones.kernels import layout
from marlgt.games.drones.kernels.controllers import MODES
from marlgt.games.drones.kernels.dynamics import advance, downwash, settle
from marlgt.games.drones.kernels.engine import burden_nothing, ready
from marlgt.games.drones.kernels.lanes import Columns
from marlgt.games.drones.task import SUBSTEPS_PER_SECOND

__all__ = ["Bodies", "fused", "hovering", "make_substep", "push_together", "step_physics"]

Substep = Callable[[Columns, Columns], None]

PARTS = (
    (layout.X, layout.Y, layout.Z),
    (layout.VX, layout.VY, layout.VZ),
    (layout.WX, layout.WY, layout.WZ),
    (layout.QX, layout.QY, layout.QZ, layout.QW),
    (layout.N0, layout.N1, layout.N2, layout.N3),
    (layout.IX, layout.IY, layout.IZ, layout.BX, layout.BY, layout.BZ),
)
"""The fields of a drone that each part of :class:`Bodies` holds."""


class Bodies(NamedTuple):
    """Where drones are and how they move, in B worlds of n drones each.

    Attributes
    ----------
    positions, velocities, rates : Tensor, shape (B, n, 3)
        In world axes: metres, metres per second, and angular velocity, radians per second.
    quaternions : Tensor, shape (B, n, 4)
        Orientation as x, y, z, w, from body to world axes, of length 1.
    rotors : Tensor, shape (B, n, 4)
        Rotor speeds, revolutions per minute.
    predictions : Tensor, shape (B, n, 6)
        Velocity and body rates that the controller expects, from which it learns what its model lacks; 0 before its
        first substep.
    """

    positions: torch.Tensor
    velocities: torch.Tensor
    rates: torch.Tensor
    quaternions: torch.Tensor
    rotors: torch.Tensor
    predictions: torch.Tensor


def hovering(positions: torch.Tensor, airframe: Airframe) -> Bodies:
    """Return drones that hover at positions of shape (B, n, 3): level, at rest, rotors at hover speed."""
    if positions.ndim != 3 or positions.shape[2] != 3:
        raise GameError(f"positions must have shape (B, n, 3), worlds by drones by axes, got {tuple(positions.shape)}")
    rest = torch.zeros_like(positions)
    rotors = torch.full_like(positions[..., :1], airframe.hover_rpm).repeat(1, 1, 4)
    level = torch.cat([rest, torch.ones_like(rest[..., :1])], dim=2)
    return Bodies(positions, rest, rest, level, rotors, rest.repeat(1, 1, 2))


def step_physics(
    bodies: Bodies,
    setpoints: torch.Tensor,
    airframe: Airframe | torch.Tensor,
    *,
    substeps: int = 8,
    control: str = "motors",
    wind: torch.Tensor | None = None,
) -> Bodies:
    """Return the drones after a control step; all of it can be differentiated.

    Parameters
    ----------
    bodies : Bodies
    setpoints : Tensor, shape (B, n, 4)
        Held for the step, in the units of the control: see :mod:`marlgt.games.drones.kernels.controllers`.
    airframe : Airframe, or Tensor of shape (24,)
        What flies; or ``airframe.parameters(1 / 240)`` as a tensor, to differentiate by it.
    substeps : int, default 8
        Steps of 1/240 s each.
    control : str, default 'motors'
        One of ``motors``, ``rates``, ``attitude``, ``velocity``, ``position``.
    wind : Tensor of shape (B, 3), optional
        Metres per second.

    Raises
    ------
    GameError
        If a shape does not fit, or there is no such control.

    Examples
    --------
    >>> import torch
    >>> from marlgt.games.drones import airframe
    >>> frame = airframe("cf2x")
    >>> start = hovering(torch.tensor([[[0.0, 0.0, 1.0]]]), frame)
    >>> speeds = torch.full((1, 1, 4), frame.hover_rpm, requires_grad=True)
    >>> height = step_physics(start, speeds, frame).positions[0, 0, 2]
    >>> height.backward()
    >>> bool((speeds.grad > 0).all())
    True
    """
    require_whole(substeps, "substeps", least=1)
    if control not in MODES:
        raise GameError(f"there is no control mode {control!r}: choose from {', '.join(MODES)}")
    _require_shapes(bodies, setpoints, wind)
    words = vocabulary(bodies.positions.dtype, differentiable=True)
    if isinstance(airframe, Airframe):
        p: Any = airframe.parameters(1.0 / SUBSTEPS_PER_SECOND).tolist()
    elif isinstance(airframe, torch.Tensor) and airframe.shape == (N_PARAMETERS,):
        p = airframe.unbind()
    else:
        raise GameError(f"airframe must be an Airframe or a tensor of its {N_PARAMETERS} parameters")
    d = Columns(_fields(bodies, setpoints, p))
    flow = wind if wind is not None else torch.zeros_like(bodies.positions[:, 0])
    w = Columns(dict(zip((layout.WIND_X, layout.WIND_Y, layout.WIND_Z), flow.unbind(1), strict=True)))
    if p[DOWNWASH] > 0.0 and len(d[layout.X]) > 1:
        push_together(d, p, words)
    substep = make_substep(MODES[control], burden_nothing, p, (), len(d[layout.X]), words)
    for _ in range(substeps):
        substep(d, w)
    return Bodies(*(torch.stack([d[field].T for field in part], dim=2) for part in PARTS))


def _require_shapes(bodies: Bodies, setpoints: torch.Tensor, wind: torch.Tensor | None) -> None:
    shape = bodies.positions.shape
    sizes = {"positions": 3, "velocities": 3, "rates": 3, "quaternions": 4, "rotors": 4, "predictions": 6}
    given = {**bodies._asdict(), "setpoints": setpoints}
    for name, size in {**sizes, "setpoints": 4}.items():
        if len(shape) != 3 or given[name].shape != (*shape[:2], size):
            raise GameError(
                f"{name} must have shape (B, n, {size}), worlds by drones by numbers, got {tuple(given[name].shape)} "
                f"beside positions of shape {tuple(shape)}"
            )
    if wind is not None and wind.shape != (shape[0], 3):
        raise GameError(f"wind must have shape ({shape[0]}, 3), one for each world, got {tuple(wind.shape)}")


def _fields(bodies: Bodies, setpoints: torch.Tensor, p: Sequence[Any]) -> dict[int, Any]:
    """Return the drones as fields of shape (n, B)."""
    fields: dict[int, Any] = {}
    for part, numbers in zip((*PARTS, (layout.U0, layout.U1, layout.U2, layout.U3)), (*bodies, setpoints), strict=True):
        fields |= {field: column.T for field, column in zip(part, numbers.unbind(2), strict=True)}
    rest = torch.zeros_like(fields[layout.X])
    fields |= dict.fromkeys(
        (layout.C0, layout.C1, layout.C2, layout.C3, layout.PX, layout.PY, layout.PZ, layout.HIT), rest
    )
    fields |= dict.fromkeys((layout.H0, layout.H1, layout.H2, layout.H3, layout.ACTIVE, layout.INERTIA), rest + 1.0)
    fields[layout.MASS] = rest + p[NOMINAL_MASS]
    return fields


def push_together(d: Columns, p: Sequence[Any], words: dict[str, Any]) -> None:
    """Set the push of all drones' downwash on one another: every quantity of ``d`` has shape (n, B)."""
    read = (layout.X, layout.Y, layout.Z, layout.N0, layout.N1, layout.N2, layout.N3)
    below = Columns({field: d[field][:, None] for field in read} | {layout.PZ: 0.0})
    above = Columns({field: d[field][None] for field in read})
    # A drone is not above itself, so that its own push is 0.
    on_tensors(downwash, words)(below, above, p, 0)
    d[layout.PZ] = d[layout.PZ] + below[layout.PZ].sum(1)


def make_substep(follow: Any, burden: Any, p: Any, q: Any, n: int, words: dict[str, Any]) -> Substep:
    """Return a function that moves all drones by a substep: their row, of quantities of shape (n, B), and the world's.

    Parameters
    ----------
    follow, burden : callable
        Kernels of the control and of what the drones carry.
    p, q : sequence
        Parameters of the airframe and of the task.
    n : int
        Number of drones.
    words : dict
        From :func:`marlgt.games.drones.backends.torch_lanes.vocabulary`.
    """
    steer, prepare, move, land = (on_tensors(kernel, words) for kernel in (follow, ready, advance, settle))
    carry = None if burden is burden_nothing else on_tensors(burden, words)

    def substep(d: Columns, w: Columns) -> None:
        steer(d, p, 0)
        prepare(d, w, p, 0)
        if carry is not None:
            drones = Drones(d.arrays, n)
            carry(drones, w, p, q, n, 0)
            drones.fold(w[layout.WIND_X])
        move(d, p, 0)
        land(d, p, 0)

    return substep


class _Watched(dict[int, Any]):
    """Fields that note which of them are read before they are written, and which are written."""

    def __init__(self, fields: dict[int, Any]) -> None:
        super().__init__(fields)
        self.read: dict[int, bool] = {}
        self.written: dict[int, bool] = {}

    def __getitem__(self, field: int) -> Any:
        if field not in self.written:
            self.read[field] = True
        return super().__getitem__(field)

    def get(self, field: int, default: Any = None) -> Any:
        try:
            return self[field]
        except KeyError:
            return default

    def __setitem__(self, field: int, value: Any) -> None:
        self.written[field] = True
        super().__setitem__(field, value)


def fused(substep: Substep, fields: dict[int, Any], world: dict[int, Any]) -> Substep:
    """Return a substep compiled into few passes over memory by ``torch.compile``, at its first call.

    Parameters
    ----------
    substep : callable
        From :func:`make_substep`.
    fields, world : dict of int to Tensor
        Any drones and their world: one substep is tried on them, to see what it reads and writes.
    """
    tried, around = _Watched(dict(fields)), _Watched(dict(world))
    substep(Columns(tried), Columns(around))
    reads, writes = (*tried.read,), (*tried.written,)
    reads_around, writes_around = (*around.read,), (*around.written,)

    def flat(drones: list[Any], worlds: list[Any]) -> tuple[list[Any], list[Any]]:
        d = Columns(dict(zip(reads, drones, strict=True)))
        w = Columns(dict(zip(reads_around, worlds, strict=True)))
        substep(d, w)
        return [d[field] for field in writes], [w[field] for field in writes_around]

    # What is compiled is kept with the code, and every task has its own: a code object for each.
    own = FunctionType(flat.__code__.replace(), flat.__globals__, "substep", None, flat.__closure__)
    quick = torch.compile(own, fullgraph=True)

    def compiled_substep(d: Columns, w: Columns) -> None:
        drones, worlds = quick([d[field] for field in reads], [w[field] for field in reads_around])
        d.arrays.update(zip(writes, drones, strict=True))
        w.arrays.update(zip(writes_around, worlds, strict=True))

    return compiled_substep
