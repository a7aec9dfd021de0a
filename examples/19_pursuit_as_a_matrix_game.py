"""A drone hunts a faster one: ways to fly as the actions of a matrix game, which is solved and ranked."""

import numpy as np

import marlgt as gt
from marlgt.games.drones import empirical_game, make_task

task = make_task("pursuit", n_drones=2, actions="velocity")
low, high = np.array([-1.7, -1.7, 0.3]), np.array([1.7, 1.7, 2.2])


def full_speed(view, wanted):
    """Return actions that fly in the wanted directions, and away from walls that come near."""
    ahead = view.positions + 0.4 * view.velocities
    units = wanted / np.maximum(np.linalg.norm(wanted, axis=2, keepdims=True), 1e-9)
    return np.where(ahead < low, 1.0, np.where(ahead > high, -1.0, units))


def chase(seconds):
    """Fly to where the other will be after so many seconds; each drone's goal is its opponent."""
    return lambda view: full_speed(view, view.goals + seconds * view.goal_velocities - view.positions)


def flee(turn, home):
    """Fly away from the other, more or less to the left, and back to the middle."""

    def policy(view):
        away = view.positions - view.goals
        away /= np.linalg.norm(away, axis=2, keepdims=True)
        left = np.stack([-away[..., 1], away[..., 0], 0.0 * away[..., 2]], axis=2)
        return full_speed(view, away + turn * left - home * view.positions * [1.0, 1.0, 0.0])

    return policy


pursuers = {f"lead {seconds} s": chase(seconds) for seconds in (0.0, 0.3, 0.7, 1.2)}
evaders = {"straight": flee(0, 0.8), "left": flee(1, 0.8), "right": flee(-1, 0.8), "right, wide": flee(-1, 0.4)}
found = empirical_game(task, [pursuers, evaders], episodes=64, players=["pursuer", "evader"])

print("what the pursuer earns, 1 for a capture and 1/4 for a metre gained:")
print(f"{'':12}", *(f"{name:>12}" for name in evaders))
for name, row in zip(pursuers, found.game.payoffs[0]):
    print(f"{name:12}", *(f"{payoff:12.2f}" for payoff in row))
print(f"standard errors up to {found.standard_errors.max():.2f}")

# No way to fly is best against all: both mix.
answer = gt.solve(found.game)[0]
for player, names, mix in zip(found.game.players, found.game.actions, answer.profile):
    print(f"{player}:", ", ".join(f"{name} {share:.0%}" for name, share in zip(names, mix) if share > 0.005))
print(f"the game is worth {answer.values[0]:.2f} to the pursuer")

ranking = gt.solvers.alpha_rank(found.game)
best = np.unravel_index(ranking.distribution.argmax(), found.game.payoffs.shape[1:])
names = [actions[k] for actions, k in zip(found.game.actions, best)]
print(f"evolution is most often at {names[0]!r} against {names[1]!r}: {ranking.distribution.max():.0%}")
