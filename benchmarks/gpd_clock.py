"""Time gym-pybullet-drones in the interpreter that runs this file, and print seconds as JSON.

Stands alone: the interpreter need not have marlgt. ``drone_peers`` starts it, with the interpreter that the environment
variable ``MARLGT_GPD_PYTHON`` names.
"""

import contextlib
import io
import json
import sys
import time


def timed(env, steps, *, wild):
    """Return CPU seconds of a step: hovering without resets, or with random actions and a reset whenever it ends."""
    import numpy as np

    env.reset(seed=0)
    hover = np.zeros(env.action_space.shape, dtype=np.float32)
    resets = 0
    started = time.process_time()
    for _ in range(steps):
        _, _, terminated, truncated, _ = env.step(env.action_space.sample() if wild else hover)
        if wild and (terminated or truncated):
            env.reset()
            resets += 1
    return (time.process_time() - started) / steps, resets


def main() -> None:
    from gym_pybullet_drones.envs.HoverAviary import HoverAviary
    from gym_pybullet_drones.envs.MultiHoverAviary import MultiHoverAviary
    from gym_pybullet_drones.utils.enums import ActionType, ObservationType, Physics

    common = {"obs": ObservationType.KIN, "act": ActionType.RPM}
    makers = {
        "hover": (lambda: HoverAviary(physics=Physics.PYB, **common), 1000),
        "multihover": (lambda: MultiHoverAviary(num_drones=4, physics=Physics.PYB, **common), 400),
        "multihover with air": (
            lambda: MultiHoverAviary(num_drones=4, physics=Physics.PYB_GND_DRAG_DW, **common),
            100,
        ),
    }
    found = {}
    for name, (make, steps) in makers.items():
        with contextlib.redirect_stdout(io.StringIO()):
            env = make()
            env.action_space.seed(0)
            started = time.process_time()
            env.reset(seed=0)
            reset = time.process_time() - started
            plain, _ = timed(env, steps, wild=False)
            wild, resets = timed(env, steps // 2, wild=True)
            env.close()
        found[name] = {"step": plain, "step with resets": wild, "reset": reset, "resets": resets, "steps": steps // 2}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
