"""Drones: multi-agent games in the air, with physics proven equal to PyBullet's and a thousand times its speed."""

from marlgt._lazy import attach

_EXPORTS = {
    "AIRFRAMES": "marlgt.games.drones.airframe",
    "Airframe": "marlgt.games.drones.airframe",
    "Box": "marlgt.games.drones.scene",
    "Flight": "marlgt.games.drones.flights",
    "Pillar": "marlgt.games.drones.scene",
    "Scene": "marlgt.games.drones.scene",
    "airframe": "marlgt.games.drones.airframe",
    "gate": "marlgt.games.drones.scene",
    "wall": "marlgt.games.drones.scene",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = attach(__name__, _EXPORTS)
