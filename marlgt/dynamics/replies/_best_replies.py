"""Best replies with an explicit rule for ties, and the kernels that play them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.kernels import kernel, specialised
from marlgt.randomness import uniform, uniform_below

__all__ = ["pick", "respond_best", "respond_best_slowly", "tie_rule", "with_ties"]


@kernel
def least_tied(values: Any, slack: float) -> float:
    """Return the value from which an action ties with the best: ``slack`` below it."""
    highest = values[0]
    for a in range(1, values.shape[0]):
        highest = max(highest, values[a])
    return float(highest - slack)


@kernel
def first_best(values: Any, slack: float, current: int, stream: Any) -> int:
    """Return the lowest of the best actions; those within ``slack`` of the best tie with it."""
    limit = least_tied(values, slack)
    for a in range(values.shape[0]):
        if values[a] >= limit:
            return a
    return current


@kernel
def last_best(values: Any, slack: float, current: int, stream: Any) -> int:
    """Return the highest of the best actions."""
    limit = least_tied(values, slack)
    best = current
    for a in range(values.shape[0]):
        if values[a] >= limit:
            best = a
    return best


@kernel
def any_best(values: Any, slack: float, current: int, stream: Any) -> int:
    """Return one of the best actions, each as likely as the others."""
    limit = least_tied(values, slack)
    tied = 0
    for a in range(values.shape[0]):
        if values[a] >= limit:
            tied += 1
    left = uniform_below(stream, tied) if tied > 1 else 0
    for a in range(values.shape[0]):
        if values[a] >= limit:
            if left == 0:
                return a
            left -= 1
    return current


@kernel
def same_best(values: Any, slack: float, current: int, stream: Any) -> int:
    """Return the current action if it is one of the best, else the lowest of them."""
    if values[current] >= least_tied(values, slack):
        return current
    return first_best(values, slack, current, stream)


@kernel
def pick(values: Any, slack: float, current: int, stream: Any) -> int:
    """Stand for a rule for ties."""
    return first_best(values, slack, current, stream)


@kernel
def write_best(utility: Any, slack: float, played: Any, strategy: Any, stream: Any) -> None:
    """Write a best reply as the strategy; ``played`` is the pure strategy of the last step."""
    current = 0
    for a in range(strategy.shape[0]):
        if played[a] > played[current]:
            current = a
    best = pick(utility, slack, current, stream)
    for a in range(strategy.shape[0]):
        strategy[a] = 1.0 if a == best else 0.0


@kernel
def respond_best(state: Any, utility: Any, played: Any, strategy: Any, rate: float, t: int, stream: Any) -> None:
    """Best-reply; payoffs within ``rate`` of the best, as a share of the largest, tie with it."""
    largest = 0.0
    for a in range(utility.shape[0]):
        largest = max(largest, abs(utility[a]))
    write_best(utility, rate * largest, played, strategy, stream)


@kernel
def respond_best_slowly(state: Any, utility: Any, played: Any, strategy: Any, rate: float, t: int, stream: Any) -> None:
    """Best-reply with probability ``rate``, else keep the action."""
    if rate >= 1.0 or uniform(stream) < rate:
        write_best(utility, 0.0, played, strategy, stream)


_TIES: dict[str, Callable[..., int]] = {
    "highest": last_best,
    "lowest": first_best,
    "random": any_best,
    "stay": same_best,
}


def tie_rule(ties: str) -> Callable[..., int]:
    """Return the kernel of a rule for ties.

    Raises
    ------
    GameError
        For an unknown rule.
    """
    if not isinstance(ties, str) or ties not in _TIES:
        raise GameError(f"ties is {short(ties)}: give one of {', '.join(map(repr, sorted(_TIES)))}")
    return _TIES[ties]


def with_ties(rule: Callable[..., None], ties: str) -> Callable[..., None]:
    """Return one of the rules above with ties broken in this way."""
    return specialised(rule, write_best=specialised(write_best, pick=tie_rule(ties)))
