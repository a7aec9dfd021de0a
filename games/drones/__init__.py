"""Drones: multi-agent games in the air, with physics proven equal to PyBullet's and a thousand times its speed."""

from marlgt._lazy import attach

_EXPORTS = {
    "AIRFRAMES": "marlgt.games.drones.airframes",
    "Airframe": "marlgt.games.drones.airframes",
    "BatchEnv": "marlgt.games.drones.backends.batch_env",
    "Box": "marlgt.games.drones.scene",
    "Disturbances": "marlgt.games.drones.disturbances",
    "DroneStep": "marlgt.games.drones.backends.batch_env",
    "Pairings": "marlgt.games.drones.empirical",
    "Flight": "marlgt.games.drones.flights",
    "Pillar": "marlgt.games.drones.scene",
    "Scene": "marlgt.games.drones.scene",
    "Scores": "marlgt.games.drones.evaluation",
    "TASKS": "marlgt.games.drones.making",
    "Task": "marlgt.games.drones.task",
    "View": "marlgt.games.drones.views",
    "airframe": "marlgt.games.drones.airframes",
    "empirical_game": "marlgt.games.drones.empirical",
    "evaluate_policy": "marlgt.games.drones.evaluation",
    "gate": "marlgt.games.drones.scene",
    "make": "marlgt.games.drones.doors",
    "make_batch": "marlgt.games.drones.doors",
    "make_gymnasium": "marlgt.games.drones.doors",
    "make_task": "marlgt.games.drones.making",
    "make_vector": "marlgt.games.drones.doors",
    "record_flight": "marlgt.games.drones.evaluation",
    "wall": "marlgt.games.drones.scene",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = attach(__name__, _EXPORTS)
