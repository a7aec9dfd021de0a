"""Draw every figure of the pages on drones again: ``python docs/drones/draw_figures.py [NAME ...]``."""

import inspect
import sys
import time
from pathlib import Path

import _air_figures
from PIL import Image

from marlgt.games.drones import Disturbances, make_task, record_flight
from marlgt.pictures import animate_flight, draw_flight, write_flight_replay

FOLDER = Path(__file__).parent / "figures"
REPLAYS = Path(__file__).parents[1] / "files" / "drones"

# A flight of the expert for each page: the task, what differs from the usual, and the seed of the episode.
FLIGHTS = {
    "hover1d": ("hover1d", {}, 3),
    "hover": ("hover", {"actions": "motors"}, 3),
    "hover_gpd": ("hover-gpd", {}, 0),
    "takeoff_onoff": ("takeoff-onoff", {}, 3),
    "takeoff_2level": ("takeoff-2level", {}, 3),
    "multihover": ("multihover", {"n_drones": 4}, 0),
    "formation": ("formation", {"n_drones": 5}, 0),
    "leaderfollow": ("leaderfollow", {"n_drones": 4}, 0),
    "coverage": ("coverage", {"n_drones": 4}, 0),
    "gate": ("gate", {"n_drones": 3}, 0),
    "crossing": ("crossing", {"n_drones": 6}, 0),
    "payload": ("payload", {"n_drones": 3, "actions": "velocity"}, 0),
    "pursuit": ("pursuit", {}, 0),
    "duel": ("duel", {"actions": "velocity"}, 0),
    "disturbances": (
        "formation",
        {"n_drones": 5, "disturbances": Disturbances(mass=0.1, wind=1.5, gusts=0.5, position_noise=0.02, loss=0.4)},
        0,
    ),
}


def save(figure, path):
    """Write a figure as a picture of at most 255 colours, which makes its file small."""
    figure.savefig(path, dpi=100, metadata={"Software": None})
    picture = Image.open(path).convert("RGB").quantize(255, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    picture.save(path, optimize=True)
    return path


def flight_of(name):
    """Return the expert's flight of a page; two experts of a duel keep out of each other's sights."""
    name, changes, seed = FLIGHTS[name]
    against = "random" if name == "duel" else None
    return record_flight(make_task(name, **changes), "expert", against=against, seed=seed)


def fly(name):
    """Draw the expert's flight of a page."""
    flight = flight_of(name)
    print(f"  {'solved' if flight.success else 'not solved'}, score {flight.score:.3f}")
    return save(draw_flight(flight, size=(9.6, 6.0)), FOLDER / f"{name}.png")


def formation_gif():
    """Animate eight drones that take the corners of an octagon."""
    task = make_task("formation", n_drones=8, actions="velocity", seconds=4.0)
    flight = record_flight(task, "expert", seed=0)
    return animate_flight(flight, FOLDER / "formation.gif", fps=12, size=(520, 370), elevation=30.0, turn=12.0)


def formation_replay():
    """Write the page on which five of them can be watched from all sides."""
    REPLAYS.mkdir(parents=True, exist_ok=True)
    return write_flight_replay(flight_of("formation"), REPLAYS / "formation_replay.html")


def drawings():
    """Return what draws each figure, by name."""
    found = {name: (lambda name=name: fly(name)) for name in FLIGHTS}
    for name, function in inspect.getmembers(_air_figures, inspect.isfunction):
        if function.__module__ == _air_figures.__name__ and not name.startswith("_"):
            found[name] = lambda name=name, function=function: save(function(), FOLDER / f"{name}.png")
    return found | {"formation.gif": formation_gif, "formation_replay.html": formation_replay}


def main(wanted):
    drawn = drawings()
    for name in wanted or drawn:
        clock = time.process_time()
        path = drawn[name]()
        size = Path(path).stat().st_size
        print(f"{name:18} {size / 1000:5.0f} kB {time.process_time() - clock:5.1f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
