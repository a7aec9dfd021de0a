"""The drone tasks, by topic; :data:`marlgt.games.drones.TASKS` lists them by name."""
