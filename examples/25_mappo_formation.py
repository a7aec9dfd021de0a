"""Three drones learn by MAPPO to take the corners of a triangle: policies that see little, a critic that sees all."""

from marlgt.deep import evaluate, recipe, train
from marlgt.deep.flying import flight_policy, flown_task
from marlgt.games.drones import evaluate_policy, record_flight
from marlgt.pictures import draw_flight, write_flight_replay

TASK = "formation:n_drones=3,actions=velocity"
# A tenth of the recipe's: enough to fly to the corners, not enough to be precise.
STEPS = 60_000

algorithm = recipe(TASK).algorithm("MAPPO")
print(f"{algorithm.name}: the critic sees {algorithm.critic_sees}, {algorithm.n_envs} copies fly at once")
run = train(algorithm, TASK, steps=STEPS, episodes=32, evaluate_every=STEPS // 5, success_threshold=0.98)
for steps, returns, rate in zip(run.curve.steps, run.curve.mean_return[:, 0], run.curve.success_rates[:, 0]):
    print(f"{steps:7,} steps: return {returns:5.1f}, solved {rate:.0%}")

# The same fresh episodes in our own physics and in PyBullet, and the expert's.
for backend in ("numba", "bullet"):
    print(f"{backend:6}: {evaluate(run, episodes=16, backend=backend).team_returns.mean():.2f}")
task = flown_task(run)
print(f"the expert: {evaluate_policy(task, 'expert', episodes=100).score * task.horizon:.2f}")

flight = record_flight(task, flight_policy(run), seed=0)
print(f"a flight {'solves' if flight.success else 'does not solve'} the task, with a score of {flight.score:.3f}")
draw_flight(flight).savefig("formation.png")
write_flight_replay(flight, "formation.html")
