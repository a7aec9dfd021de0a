"""What scripted experts of several drones share: keep away from one another on the way."""

from __future__ import annotations

import numpy as np

from marlgt.games.drones.views import View

__all__ = ["kept_apart"]


def kept_apart(
    view: View, velocities: np.ndarray, *, distance: float = 0.4, push: float = 3.0, fastest: float = 0.5
) -> np.ndarray:
    """Return wanted velocities, changed so that drones that come near one another part and pass on the left.

    Parameters
    ----------
    velocities : ndarray, shape (B, n, 3)
        Wanted, m/s.
    distance : float
        From where drones push one another away, metres between centres.
    push : float
        Metres per second for each metre below that distance.
    fastest : float
        Largest speed that is returned, m/s.

    Returns
    -------
    ndarray, shape (B, n, 3)
    """
    apart = view.positions[:, :, None] - view.positions[:, None]
    gaps = np.linalg.norm(apart, axis=3)
    both = view.active[:, :, None] & view.active[:, None] & ~np.eye(gaps.shape[1], dtype=bool)
    strength = np.where(both, push * np.maximum(distance - gaps, 0.0), 0.0)[..., None]
    away = apart / np.maximum(gaps, 1e-6)[..., None]
    # Each steps to its own right, so that two that meet head-on do not stand still before each other.
    right = np.stack([-away[..., 1], away[..., 0], np.zeros_like(gaps)], axis=3)
    changed: np.ndarray = velocities + (strength * (away + 0.5 * right)).sum(axis=2)
    speed = np.linalg.norm(changed, axis=2, keepdims=True)
    changed *= np.minimum(1.0, fastest / np.maximum(speed, 1e-9))
    return changed
