"""Draw what trained teams fly: ``python docs/deep/draw_flights.py [NAME ...]``, from the repository's root.

The policies are those of the studies ``deep_drones`` and ``deep_policies_drones`` (``python -m benchmarks NAME``),
which train them where they are not kept yet.
"""

import itertools
import sys
import time
from pathlib import Path

from PIL import Image

from benchmarks import deep_drones, deep_policies_drones
from benchmarks.deep_study import CACHE, learnt
from marlgt.deep import load_run
from marlgt.deep.flying import flight_policy, flown_task
from marlgt.games.drones import record_flight
from marlgt.pictures import draw_flight, write_flight_replay

FOLDER = Path(__file__).parents[1] / "files" / "deep"

# The task, the algorithm, the seed of the run, the seed of the episode.
FLIGHTS = {
    "takeoff_learnt": ("takeoff-2level:actions=four", "VDN", 0, 3),
    "multihover_learnt": ("multihover:n_drones=2", "IDQN", 0, 0),
    "formation_learnt": ("formation:n_drones=3", "IDQN", 0, 1),
}

REPLAY = "policies_replay"


def flown(study, task, algorithm, seed, episode):
    """Return a flight of what one seed learnt in a study."""
    run = load_run(CACHE / study.NAME / learnt(study.cell(task, algorithm), study.NAME)["folder"])
    flight = record_flight(flown_task(run), flight_policy(run, seed), seed=episode)
    print(f"  {task}, {algorithm}: {'solved' if flight.success else 'not solved'}, score {flight.score:.3f}")
    return flight


def first_solver(study, task, algorithm):
    """Return the first seed that solves the task, or the first of all where none does."""
    row = learnt(study.cell(task, algorithm), study.NAME)
    return row["seeds"][row["solved"].index(max(row["solved"]))]


def picture(name):
    """Draw a flight as a picture of few colours, which makes its file small."""
    path = FOLDER / f"{name}.png"
    draw_flight(flown(deep_drones, *FLIGHTS[name]), size=(9.6, 6.0)).savefig(path, dpi=100, metadata={"Software": None})
    few = Image.open(path).convert("RGB").quantize(255, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(path, optimize=True)
    return path


def replay(name):
    """Write a flight of each policy on each task as a page in which they can be turned, stopped and followed."""
    study = deep_policies_drones
    trained = [pair for pair in itertools.product(study.PANELS, study.ALGORITHMS) if pair in study.ORDER]
    flights = [flown(study, *pair, first_solver(study, *pair), 0) for pair in trained]
    return write_flight_replay(flights, FOLDER / f"{name}.html")


def main(wanted):
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in wanted or (*FLIGHTS, REPLAY):
        clock = time.process_time()
        path = picture(name) if name in FLIGHTS else replay(name)
        print(f"{name:24} {path.stat().st_size / 1000:5.0f} kB {time.process_time() - clock:5.1f} s", flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    main(sys.argv[1:])
