"""Where things stand in the three arrays of a table learner, as its kernels read them.

``memory`` begins with a header, ``form`` with the facts of the game, ``numbers`` with the settings common to all.
"""

from __future__ import annotations

__all__ = [
    "COUNT",
    "COUNTS",
    "DISCOUNT",
    "EPISODES",
    "EVERYBODY",
    "EXPLORATION",
    "EXTRA",
    "FREE",
    "HEADER",
    "MOST_TABLES",
    "PENDING",
    "PER_VISIT",
    "PLAYER",
    "PLAYERS",
    "PROFILES",
    "RATE",
    "RUNNING",
    "STATES",
    "STEPS",
    "TABLES",
    "TERMINATED",
    "TRUNCATED",
]

# memory: observations made, episodes ended, an action chosen in advance (or -1), one free place; then the tables.
STEPS, EPISODES, PENDING, HEADER = 0, 1, 2, 4

# form: the player (or EVERYBODY), the number of states, of the own actions (profiles, for everybody), of players, of
# profiles, and 1 where all actions are legal. Then where each table begins in memory, up to MOST_TABLES of them. Then
# for n players the n numbers of actions, the n strides of profiles, and the n places where legality begins.
PLAYER, STATES, COUNT, PLAYERS, PROFILES, FREE, TABLES = 0, 1, 2, 3, 4, 5, 6
MOST_TABLES = 10
COUNTS = TABLES + MOST_TABLES
EVERYBODY = -1

# numbers: the discount, the row of the learning rate, the row of the exploration, then what a kind has of its own.
DISCOUNT, RATE, EXPLORATION, EXTRA = 0, 1, 7, 15
# Whether the learning rate counts time by visits of the entry.
PER_VISIT = RATE + 5

# How a step left the episode: it goes on, what follows is worth 0, or what follows is worth its value.
RUNNING, TERMINATED, TRUNCATED = 0, 1, 2
