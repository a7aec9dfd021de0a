"""The passes over one player's information sets: down for realization plans, up for best replies."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from marlgt.kernels import gear, kernel

__all__ = ["best_reply_pass", "pass_over", "realize"]


@kernel
def realize(n_actions: Any, first_sequence: Any, parent_sequence: Any, plan: Any) -> None:
    """Turn the chances of each sequence's last action into a realization plan, in place; ``plan[0]`` is 1."""
    for j in range(len(n_actions)):
        reach = plan[parent_sequence[j]]
        for s in range(first_sequence[j], first_sequence[j] + n_actions[j]):
            plan[s] *= reach


@kernel
def best_reply_pass(n_actions: Any, first_sequence: Any, parent_sequence: Any, worths: Any, choice: Any) -> None:
    """Add to each sequence, last first, the worth of what follows it; ``worths[0]`` ends as the best value."""
    for j in range(len(n_actions) - 1, -1, -1):
        start = first_sequence[j]
        best = start
        for s in range(start + 1, start + n_actions[j]):
            if worths[s] > worths[best]:
                best = s
        choice[j] = best - start
        worths[parent_sequence[j]] += worths[best]


_interpreted: dict[Any, float] = {}
"""Steps that each pass has run interpreted so far: what many calls add up to is worth compiling too."""


def pass_over(step: Any, own: Any, *values: NDArray[Any]) -> None:
    """Run a pass over a player's information sets in the gear for its length and for the passes before it.

    ``values`` are changed in place.
    """
    arrays = (own.n_actions, own.first_sequence, own.parent_sequence, *values)
    _interpreted[step] = _interpreted.get(step, 0.0) + 3.0 * len(values[0])
    run = gear(step, _interpreted[step])
    if run is not step:
        run(*arrays)
        return
    # The interpreter reads lists three times as fast as arrays.
    lists = [array.tolist() for array in arrays]
    run(*lists)
    for array, changed in zip(values, lists[3:]):
        array[:] = changed
