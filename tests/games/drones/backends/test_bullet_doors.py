"""What the backend in Bullet does without asking Bullet: its errors where there is none, and its forces."""

import sys

import numpy as np
import pytest

from marlgt.errors import GameError, MissingDependency
from marlgt.games.drones.airframes import AIRFRAMES
from marlgt.games.drones.backends import bullet_world
from marlgt.games.drones.backends.bullet_world import BulletWorld
from marlgt.games.drones.kernels.lanes import WIDTH
from marlgt.games.drones.kernels.layout import DRONE_FIELDS
from marlgt.games.drones.scene import Scene
from marlgt.kernels import compiled

FRAME, LANE = AIRFRAMES["cf2x"], 5


def test_without_pybullet_the_error_says_what_to_install_and_what_flies_without(monkeypatch):
    monkeypatch.setitem(sys.modules, "pybullet", None)
    with pytest.raises(
        MissingDependency, match=r'Python below 3\.12 while numba and torch .* pip install "marlgt\[drones\]"'
    ):
        BulletWorld(FRAME, Scene(), 1)


def test_too_many_worlds_are_refused(monkeypatch):
    class Full:
        DIRECT = 2

        def connect(self, kind):
            return -1

    monkeypatch.setattr(bullet_world, "bullet_library", Full)
    with pytest.raises(GameError, match=r"no room for another world: close\(\) worlds"):
        BulletWorld(FRAME, Scene(), 1)


def test_the_forces_are_the_same_compiled_and_plain():
    rng = np.random.default_rng(2)
    drones = rng.uniform(0.1, 1.0, (3, DRONE_FIELDS * WIDTH))
    one, other = np.empty((3, 6)), np.empty((3, 6))
    p = rng.uniform(0.1, 1.0, FRAME.parameters(1 / 240).size)
    bullet_world.wrenches(drones, p, LANE, one)
    compiled(bullet_world.wrenches)(drones, p, LANE, other)
    assert np.abs(one - other).max() < 1e-14 * np.abs(one).max() + 1e-15
