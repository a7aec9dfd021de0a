"""Draw every figure of the pages on the deep layer again: ``python docs/deep/draw_figures.py [NAME ...]``."""

import inspect
import sys
import time
from pathlib import Path

import _engine_figures
import _law_figures
import _mixture_figures
import _policy_figures
import _replay_figures
import _return_figures
import _team_figures
import torch
from _panels import save

FOLDER = Path(__file__).parent / "figures"


def figures():
    """Return the functions that draw, by the name of their page."""
    found = {}
    for module in (
        _engine_figures,
        _replay_figures,
        _return_figures,
        _team_figures,
        _policy_figures,
        _mixture_figures,
        _law_figures,
    ):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module.__name__ and not name.startswith("_"):
                found[name] = function
    return found


def main(wanted):
    torch.set_num_threads(1)
    drawn = figures()
    for name in wanted or drawn:
        clock = time.process_time()
        size = save(drawn[name](), FOLDER / f"{name}.png")
        print(f"{name:28} {size / 1000:5.0f} kB {time.process_time() - clock:5.1f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
