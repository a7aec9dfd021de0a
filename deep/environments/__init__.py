"""What deep learners are trained on: copies of one task that move at once, arrays in, arrays out.

Drones, level-based foraging, the games of the catalogue, Gymnasium and PettingZoo all look the same from here; see
:class:`BatchEnv`. :func:`make_environment` makes one of its name.
"""

from marlgt._lazy import attach

_EXPORTS = {
    "BatchEnv": "marlgt.deep.environments.protocol",
    "FrameStack": "marlgt.deep.environments.frame_stack",
    "JointView": "marlgt.deep.environments.joint_view",
    "ParallelTask": "marlgt.deep.environments.pettingzoo_copies",
    "Step": "marlgt.deep.environments.protocol",
    "make_environment": "marlgt.deep.environments.naming",
}
__all__ = sorted(_EXPORTS)
__getattr__, __dir__ = attach(__name__, _EXPORTS)
