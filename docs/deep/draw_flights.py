"""Draw what trained teams fly: ``python docs/deep/draw_flights.py [NAME ...]``, from the repository's root.

The policies are those of the study ``deep_drones`` (``python -m benchmarks deep_drones``), which trains them where they
are not kept yet.
"""

import sys
import time
from pathlib import Path

from PIL import Image

from benchmarks.deep_drones import NAME, cell
from benchmarks.deep_study import CACHE, learnt
from marlgt.deep import load_run
from marlgt.deep.flying import flight_policy, flown_task
from marlgt.games.drones import record_flight
from marlgt.pictures import draw_flight

FOLDER = Path(__file__).parents[1] / "files" / "deep"

# The task, the algorithm, the seed of the run, the seed of the episode.
FLIGHTS = {
    "takeoff_learnt": ("takeoff-2level:actions=four", "VDN", 0, 3),
    "multihover_learnt": ("multihover:n_drones=2", "IDQN", 0, 0),
    "formation_learnt": ("formation:n_drones=3", "IDQN", 0, 1),
}


def flown(name):
    """Return the flight of a picture."""
    task, algorithm, seed, episode = FLIGHTS[name]
    run = load_run(CACHE / NAME / learnt(cell(task, algorithm), NAME)["folder"])
    flight = record_flight(flown_task(run), flight_policy(run, seed), seed=episode)
    print(f"  {'solved' if flight.success else 'not solved'}, score {flight.score:.3f}")
    return flight


def picture(name):
    """Draw a flight as a picture of few colours, which makes its file small."""
    path = FOLDER / f"{name}.png"
    draw_flight(flown(name), size=(9.6, 6.0)).savefig(path, dpi=100, metadata={"Software": None})
    few = Image.open(path).convert("RGB").quantize(255, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(path, optimize=True)
    return path


def main(wanted):
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in wanted or FLIGHTS:
        clock = time.process_time()
        path = picture(name)
        print(f"{name:18} {path.stat().st_size / 1000:5.0f} kB {time.process_time() - clock:5.1f} s", flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    main(sys.argv[1:])
