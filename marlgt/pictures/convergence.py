"""Pictures of how iterative methods converge: the gap that is left against the iterations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from marlgt.equilibria import Equilibrium
from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._arrays import short

__all__ = ["draw_convergence"]


def draw_convergence(axes: Any, answers: Iterable[Equilibrium], *, gap: str = "gap") -> None:
    """Draw the traces of answers that iterative methods gave, on logarithmic axes.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    answers : iterable of Equilibrium, or one
        Those without a trace are left out.
    gap : str
        What the trace holds, for the label of the axis: ``"NashConv"``, ``"residual"``.

    Raises
    ------
    GameError
        For what is no answer.
    UnsupportedGame
        If no answer has a trace.
    """
    drawn = 0
    for answer in (answers,) if isinstance(answers, Equilibrium) or not isinstance(answers, Iterable) else answers:
        if not isinstance(answer, Equilibrium):
            raise GameError(
                f"answers holds {short(answer)}: give the answers of solvers, for example marlgt.solve(game)"
            )
        if answer.trace is None or not len(answer.trace):
            continue
        iterations, gaps = answer.trace.T
        seen = (gaps > 0.0) & (iterations > 0)
        axes.plot(iterations[seen], gaps[seen], marker="." if np.count_nonzero(seen) < 40 else "", label=answer.method)
        drawn += 1
    if not drawn:
        raise UnsupportedGame("no answer has a trace to draw: only iterative methods, such as cfr_plus, record one")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("iterations")
    axes.set_ylabel(gap)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=8)
