"""Physics on tensors: equal to the compiled physics, and differentiable."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from marlgt.errors import GameError  # noqa: E402
from marlgt.games.drones import airframe  # noqa: E402
from marlgt.games.drones.backends.torch_lanes import vocabulary  # noqa: E402
from marlgt.games.drones.backends.torch_physics import PARTS, Bodies, fused, hovering, make_substep, step_physics  # noqa: E402
from marlgt.games.drones.disturbances import Disturbances  # noqa: E402
from marlgt.games.drones.kernels import layout  # noqa: E402
from marlgt.games.drones.kernels.controllers import MODES, limits  # noqa: E402
from marlgt.games.drones.kernels.engine import fly_block  # noqa: E402
from marlgt.games.drones.kernels.lanes import WIDTH, Columns  # noqa: E402
from marlgt.games.drones.scene import Scene  # noqa: E402
from marlgt.kernels import compiled, lane_kernel, specialised  # noqa: E402

N = 3
FRAME = airframe("cf2x")
STEP = 1 / 240


@lane_kernel
def _tow(drones, w, p, q, n, e):
    """Pull the first drone after the load, and the load down."""
    drones[0, layout.FX + e] = drones[0, layout.FX + e] + 0.1 * w[layout.LX + e]
    w[layout.LX + e] = 0.5 * w[layout.LX + e]


def wild_bodies(dtype, seed=0):
    """Return drones that fly about in all attitudes, some of them near the ground and near one another."""
    rng = np.random.default_rng(seed)
    quaternions = rng.normal(size=(WIDTH, N, 4))
    quaternions[: WIDTH // 2] = [0, 0, 0, 1] + 0.1 * quaternions[: WIDTH // 2]
    arrays = (
        rng.uniform((-0.3, -0.3, 0.2), (0.3, 0.3, 0.8), (WIDTH, N, 3)),
        rng.normal(size=(WIDTH, N, 3)),
        3.0 * rng.normal(size=(WIDTH, N, 3)),
        quaternions / np.linalg.norm(quaternions, axis=2, keepdims=True),
        rng.uniform(0.6, 1.4, (WIDTH, N, 4)) * FRAME.hover_rpm,
        np.zeros((WIDTH, N, 6)),
    )
    return Bodies(*(torch.tensor(array, dtype=dtype) for array in arrays))


def setpoints(control, dtype, seed=1):
    offset, scale = limits(control, FRAME)
    units = np.random.default_rng(seed).uniform(-1.0, 1.0, (WIDTH, N, 4))
    return torch.tensor(offset + scale * units, dtype=dtype)


def fly_compiled(bodies, wanted, wind, control, dtype):
    """Return the bodies after a control step of the compiled engine."""
    drones = np.zeros((N, layout.DRONE_FIELDS * WIDTH), dtype)
    fields = (*PARTS, (layout.U0, layout.U1, layout.U2, layout.U3))
    for part, numbers in zip(fields, (*bodies, wanted), strict=True):
        for field, column in zip(part, np.moveaxis(numbers.numpy(), 2, 0), strict=True):
            drones[:, field : field + WIDTH] = column.T
    for field in (layout.H0, layout.H1, layout.H2, layout.H3, layout.INERTIA):
        drones[:, field : field + WIDTH] = 1.0
    drones[:, layout.MASS : layout.MASS + WIDTH] = FRAME.mass
    drones[:, layout.LOST : layout.LOST + WIDTH] = 1e9
    world = np.zeros(layout.WORLD_FIELDS * WIDTH, dtype)
    for k, field in enumerate((layout.WIND_X, layout.WIND_Y, layout.WIND_Z)):
        world[field : field + WIDTH] = wind[:, k]
    clock = np.zeros(layout.CLOCK_FIELDS * WIDTH, np.int64)
    scene = Scene()
    constants = FRAME.parameters(STEP), np.zeros(1), Disturbances().parameters(), scene.geometry()
    fly = compiled(specialised(fly_block, follow=MODES[control]), single=dtype == np.float32)
    p, q, o, geometry = (array.astype(dtype) for array in constants)
    arena = np.array([*scene.low, *scene.high], dtype)
    fly(drones, world, clock, p, q, o, geometry, arena, dtype(-1.0), N, 8)
    read = [np.stack([drones[:, field : field + WIDTH].T for field in part], axis=2) for part in PARTS]
    return Bodies(*read)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-6)])
@pytest.mark.parametrize("control", ["motors", "velocity"])
def test_a_control_step_is_that_of_the_compiled_engine(control, dtype, tolerance):
    kind = getattr(torch, dtype)
    bodies, wanted = wild_bodies(kind), setpoints(control, kind)
    wind = torch.tensor(np.random.default_rng(2).normal(size=(WIDTH, 3)), dtype=kind)
    ours = step_physics(bodies, wanted, FRAME, control=control, wind=wind)
    theirs = fly_compiled(bodies, wanted, wind.numpy(), control, np.dtype(dtype).type)
    # Metres, m/s and quaternions as they are; body rates by 20 rad/s; rotors by their force, since the root that gives
    # the speed of a slow rotor has no bounded slope.
    units = {"positions": 1.0, "velocities": 1.0, "quaternions": 1.0, "rates": 20.0, "predictions": 20.0}
    for name, unit in units.items():
        gap = np.abs(getattr(ours, name).numpy() - getattr(theirs, name)).max() / unit
        assert gap <= tolerance, name
    forces = [(np.asarray(bodies.rotors) / FRAME.max_rpm) ** 2 for bodies in (ours, theirs)]
    assert np.abs(forces[0] - forces[1]).max() <= 5.0 * tolerance


@pytest.mark.parametrize("control", list(MODES))
def test_derivatives_are_those_of_finite_differences(control):
    offset, scale = (torch.tensor(part) for part in limits(control, FRAME))
    if control in ("rates", "attitude"):
        offset[0], scale[0] = FRAME.mass * FRAME.gravity, 0.1 * FRAME.mass * FRAME.gravity
    bodies = hovering(torch.tensor([[[0.0, 0.0, 1.0], [0.05, 0.0, 0.6]]], dtype=torch.float64), FRAME)
    rng = np.random.default_rng(4)

    def fly(units, push):
        moving = bodies._replace(velocities=bodies.velocities + push, rates=bodies.rates + 0.1 * push)
        wanted = offset + scale * units + (moving.positions.new_tensor([0, 0, 1, 0]) if control == "position" else 0)
        for _ in range(2):
            moving = step_physics(moving, wanted, FRAME, substeps=2, control=control)
        return torch.cat([10.0 * moving.positions, moving.velocities, moving.rates, moving.quaternions], dim=2)

    units = torch.tensor(0.3 * rng.uniform(-1, 1, (1, 2, 4)), requires_grad=True)
    push = torch.tensor(0.1 * rng.normal(size=(1, 2, 3)), requires_grad=True)
    assert torch.autograd.gradcheck(fly, (units, push), eps=1e-5, atol=1e-5, rtol=1e-4)


def test_derivatives_at_rest_are_finite():
    bodies = hovering(torch.tensor([[[0.0, 0.0, 1.0]]]), FRAME)
    for control in MODES:
        wanted = setpoints(control, torch.float32)[:1, :1].requires_grad_()
        after = step_physics(bodies, wanted, FRAME, control=control)
        (slope,) = torch.autograd.grad(sum(part.sum() for part in after), wanted)
        assert torch.isfinite(slope).all(), control


def test_the_derivative_by_the_airframe_tells_what_a_thrust_coefficient_does():
    bodies = hovering(torch.tensor([[[0.0, 0.0, 1.0]]], dtype=torch.float64), FRAME)
    p = torch.tensor(FRAME.parameters(STEP), requires_grad=True)
    after = step_physics(bodies, bodies.rotors, p, substeps=8)
    (slope,) = torch.autograd.grad(after.velocities[0, 0, 2], p)
    # dv = 8 h (4 n^2 dk)/m, but for a little damping.
    assert float(slope[1]) == pytest.approx(8 / 240 * 4 * FRAME.hover_rpm**2 / FRAME.mass, rel=0.01)


def descend(control, goal, *, steps, iterations, rate):
    """Return how far a plan of actions misses a goal, metres, from one step of gradient descent to the next."""
    offset, scale = (torch.tensor(part, dtype=torch.float32) for part in limits(control, FRAME))
    start = hovering(torch.tensor([[[0.0, 0.0, 1.0]]]), FRAME)
    plan = torch.zeros(steps, 1, 1, 4, requires_grad=True)
    adam = torch.optim.Adam([plan], lr=rate)
    misses = []
    for _ in range(iterations):
        bodies = start
        for units in plan:
            bodies = step_physics(bodies, offset + scale * units, FRAME, substeps=8, control=control)
        miss = ((bodies.positions - torch.tensor(goal)) ** 2).sum()
        misses.append(float(miss.detach()) ** 0.5)
        adam.zero_grad()
        miss.backward()
        adam.step()
    return misses


def test_gradient_descent_finds_rotor_speeds_that_reach_a_goal():
    misses = descend("motors", (0.03, -0.02, 1.03), steps=8, iterations=16, rate=0.1)
    assert misses[0] > 0.045
    assert min(misses) < 0.015


def test_gradient_descent_finds_velocities_that_reach_a_goal():
    misses = descend("velocity", (0.05, -0.04, 1.04), steps=5, iterations=12, rate=0.3)
    assert misses[0] > 0.07
    assert min(misses) < 0.025


def test_a_drone_in_anothers_downwash_is_pushed_down():
    places = torch.tensor([[[0.0, 0.0, 1.5], [0.0, 0.0, 1.0]], [[0.0, 0.0, 1.5], [1.0, 0.0, 1.0]]])
    bodies = hovering(places, FRAME)
    after = step_physics(bodies, bodies.rotors, FRAME)
    sinking = after.velocities[:, :, 2]
    assert float(sinking[0, 1]) < -0.05
    assert float(sinking[[0, 1, 1], [0, 0, 1]].abs().max()) < 0.01


def test_the_fields_that_a_substep_reads_and_writes_are_found_out(monkeypatch):
    # The compiler is long; what is handed to it and taken from it is all that differs from the plain substep.
    monkeypatch.setattr(torch, "compile", lambda function, **options: function)
    p, words = FRAME.parameters(STEP).tolist(), vocabulary(torch.float64)
    substep = make_substep(MODES["velocity"], _tow, p, (), 2, words)
    rng = np.random.default_rng(0)
    fields = {k * WIDTH: torch.tensor(rng.uniform(0.1, 1, (2, 5))) for k in range(layout.DRONE_FIELDS)}
    world = {k * WIDTH: torch.tensor(rng.uniform(0.1, 1, 5)) for k in range(layout.WORLD_FIELDS)}
    mine, around = Columns(dict(fields)), Columns(dict(world))
    theirs, about = Columns(dict(fields)), Columns(dict(world))
    substep(mine, around)
    fused(substep, fields, world)(theirs, about)
    assert all(torch.equal(mine[field], theirs[field]) for field in fields)
    assert all(torch.equal(around[field], about[field]) for field in world)
    assert not torch.equal(around[layout.LX], world[layout.LX])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"control": "thought"}, "there is no control mode"),
        ({"substeps": 0}, "substeps is 0"),
        ({"setpoints": torch.zeros(1, 2, 4)}, "setpoints must have shape"),
        ({"wind": torch.zeros(3)}, "wind must have shape"),
        ({"airframe": torch.zeros(3)}, "airframe must be an Airframe or a tensor"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    bodies = hovering(torch.zeros(1, 1, 3), FRAME)
    given = {"setpoints": bodies.rotors, "airframe": FRAME, **change}
    with pytest.raises(GameError, match=message):
        step_physics(bodies, **given)
    with pytest.raises(GameError, match="positions must have shape"):
        hovering(torch.zeros(3), FRAME)
