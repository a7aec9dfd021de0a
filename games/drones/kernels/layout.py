"""Where each quantity of a drone, its world and its clock lies in a row of :mod:`marlgt.games.drones.kernels.lanes`.

Lengths are metres, times seconds, forces newtons, angles radians; axes are x forward, y left, z up; quaternions turn
body axes into world axes. Every constant is the number of the quantity times ``WIDTH``.
"""

from __future__ import annotations

from marlgt.games.drones.kernels.lanes import WIDTH

__all__ = ["CLOCK_FIELDS", "DRONE_FIELDS", "EXTRAS", "TASK_FIELDS", "WORLD_FIELDS"]

# A drone: what physics knows.
X, Y, Z = 0 * WIDTH, 1 * WIDTH, 2 * WIDTH
QX, QY, QZ, QW = 3 * WIDTH, 4 * WIDTH, 5 * WIDTH, 6 * WIDTH
VX, VY, VZ = 7 * WIDTH, 8 * WIDTH, 9 * WIDTH
# Angular velocity in world axes, rad/s.
WX, WY, WZ = 10 * WIDTH, 11 * WIDTH, 12 * WIDTH
# Speeds of the four rotors, revolutions per minute.
N0, N1, N2, N3 = 13 * WIDTH, 14 * WIDTH, 15 * WIDTH, 16 * WIDTH
# Commanded speeds of the rotors.
C0, C1, C2, C3 = 17 * WIDTH, 18 * WIDTH, 19 * WIDTH, 20 * WIDTH
# Force on the centre of mass in world axes, and torque in body axes, beside those of the rotors.
FX, FY, FZ = 21 * WIDTH, 22 * WIDTH, 23 * WIDTH
TX, TY, TZ = 24 * WIDTH, 25 * WIDTH, 26 * WIDTH
# What domain randomisation changes: mass in kg, inertia as a factor, force of each rotor as a factor (0: failed).
MASS, INERTIA = 27 * WIDTH, 28 * WIDTH
H0, H1, H2, H3 = 29 * WIDTH, 30 * WIDTH, 31 * WIDTH, 32 * WIDTH

# A drone: what its controller knows. Setpoints: see marlgt.games.drones.kernels.controllers; the velocity that it
# predicts, m/s.
U0, U1, U2, U3 = 33 * WIDTH, 34 * WIDTH, 35 * WIDTH, 36 * WIDTH
IX, IY, IZ = 37 * WIDTH, 38 * WIDTH, 39 * WIDTH
# Last action as the player gave it, each number in [-1, 1].
A0, A1, A2, A3 = 40 * WIDTH, 41 * WIDTH, 42 * WIDTH, 43 * WIDTH

# A drone: what its task knows. Goal in world axes and its velocity, m and m/s.
GX, GY, GZ = 44 * WIDTH, 45 * WIDTH, 46 * WIDTH
GVX, GVY, GVZ = 47 * WIDTH, 48 * WIDTH, 49 * WIDTH
# 1 while the drone takes part, 0 once it is lost; 1 if it hit something in this step.
ACTIVE, HIT = 50 * WIDTH, 51 * WIDTH
# Reward of this step.
REWARD = 52 * WIDTH
# Four numbers for the task's own use, kept from step to step, 0 after a reset.
M0, M1, M2, M3 = 53 * WIDTH, 54 * WIDTH, 55 * WIDTH, 56 * WIDTH
# Noise on the sensors in this step: of position, velocity, angular velocity.
SPX, SPY, SPZ = 57 * WIDTH, 58 * WIDTH, 59 * WIDTH
SVX, SVY, SVZ = 60 * WIDTH, 61 * WIDTH, 62 * WIDTH
SWX, SWY, SWZ = 63 * WIDTH, 64 * WIDTH, 65 * WIDTH
# Push of the other drones' downwash, N, held for a control step.
PX, PY, PZ = 66 * WIDTH, 67 * WIDTH, 68 * WIDTH
# The control step in which the drone is lost, beyond the episode's end if never.
LOST = 69 * WIDTH
# What the task adds to the drone's observation.
EXTRAS = 24
E0 = 70 * WIDTH
# A drone: the body rates that its controller predicts, rad/s.
BX, BY, BZ = (70 + EXTRAS) * WIDTH, (71 + EXTRAS) * WIDTH, (72 + EXTRAS) * WIDTH
DRONE_FIELDS = 73 + EXTRAS

# A world: wind, m/s: its mean in this episode, and now.
MEAN_WIND_X, MEAN_WIND_Y, MEAN_WIND_Z = 0 * WIDTH, 1 * WIDTH, 2 * WIDTH
WIND_X, WIND_Y, WIND_Z = 3 * WIDTH, 4 * WIDTH, 5 * WIDTH
# A load under the drones: position, velocity.
LX, LY, LZ, LVX, LVY, LVZ = 6 * WIDTH, 7 * WIDTH, 8 * WIDTH, 9 * WIDTH, 10 * WIDTH, 11 * WIDTH
# What the task says of this step: its error (m, or a share), and whether the episode is over by success or defeat.
ERROR, ENDED, CRASHED = 12 * WIDTH, 13 * WIDTH, 14 * WIDTH
# What the engine keeps: the sum of the errors of the last seconds, and whether a number left the finite range.
TAIL_ERROR, RUNAWAY = 15 * WIDTH, 16 * WIDTH
# Numbers for the task's own use, kept from step to step, 0 after a reset.
TASK_FIELDS = 24
K0 = 17 * WIDTH
WORLD_FIELDS = 17 + TASK_FIELDS

# A clock, in integers: the key of the environment's random numbers, episodes and control steps begun.
KEY, EPISODE, TICK = 0 * WIDTH, 1 * WIDTH, 2 * WIDTH
CLOCK_FIELDS = 3
