"""Draw every figure of the pages on learners again: ``python docs/learners/draw_figures.py [NAME ...]``."""

import inspect
import sys
import time
from pathlib import Path

import _joint_figures
import _model_figures
import _policy_figures
import _shared_figures
import _value_figures
from _canvas import save

FOLDER = Path(__file__).parent / "figures"


def figures():
    """Return the functions that draw, by the name of their page."""
    found = {}
    for module in (_shared_figures, _value_figures, _joint_figures, _model_figures, _policy_figures):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module.__name__ and not name.startswith("_"):
                found[name] = function
    return found


def main(wanted):
    drawn = figures()
    for name in wanted or drawn:
        clock = time.process_time()
        size = save(drawn[name](), FOLDER / f"{name}.png")
        print(f"{name:28} {size / 1000:5.0f} kB {time.process_time() - clock:5.1f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
