"""Draw every figure of the pages on dynamics again: ``python docs/dynamics/draw_figures.py [NAME ...]``."""

import inspect
import sys
import time
from pathlib import Path

import _flow_figures
import _play_figures
import _population_figures
import _sampled_figures
from _panels import save

FOLDER = Path(__file__).parent / "figures"


def figures():
    """Return the functions that draw, by the name of their page."""
    found = {}
    for module in (_flow_figures, _play_figures, _sampled_figures, _population_figures):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module.__name__ and not name.startswith("_"):
                found[name] = function
    return found


def main(wanted):
    for name, draw in figures().items():
        if wanted and name not in wanted:
            continue
        clock = time.perf_counter()
        size = save(draw(), FOLDER / f"{name}.png")
        print(f"{name:34} {size / 1000:5.0f} kB {time.perf_counter() - clock:5.1f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
