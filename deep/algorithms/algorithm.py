"""What all deep algorithms share, whatever they learn: settings of networks and of a run, and their checks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from marlgt.deep.runs.settings_json import require_kinds
from marlgt.errors import GameError
from marlgt.games._arrays import short

if TYPE_CHECKING:
    import torch
    from torch import nn

    from marlgt.deep.algorithms.value_algorithm import Spec
    from marlgt.deep.environments import BatchEnv

__all__ = ["Algorithm", "owner_of", "require_least", "require_positive", "require_shares"]

MOST = 10**12
"""Largest whole number of a setting: what is beyond is a slip of the keyboard."""


@dataclass(frozen=True, kw_only=True)
class Algorithm:
    """Settings that all algorithms share.

    Attributes
    ----------
    lr : float
        Learning rate of Adam.
    lr_end : float or None
        Learning rate at the end of the run, reached linearly; None keeps `lr`.
    adam_epsilon : float
        The small number that Adam adds to the root of the second moment.
    discount : float
        From 0 to 1.
    n_envs : int
        Copies of the environment that are stepped at once, for each seed.
    hidden : tuple of int
        Units of the hidden layers.
    normalised : bool
        Whether layer normalisation follows each hidden layer.
    recurrent : bool
        Whether a GRU follows the hidden layers; learning is then from sequences.
    clip : float or None
        Largest norm of a seed's gradient.
    share : {'all', 'none'} or tuple of int
        Which network each agent uses.
    agent_ids : bool
        Whether an agent that shares her network is told who she is.
    one_hot : tuple of int or None
        Least and largest whole number of observations, which networks then see as one-hot vectors: places on a grid
        are learnt from faster than as numbers.
    reward_scale : float
        What rewards are multiplied by before they are learnt from, so that values are numbers of a few units; returns
        are told in the task's own units.
    frames : int
        Observations, the newest included, that are seen at once.
    """

    name: ClassVar[str] = ""
    needs_state: ClassVar[bool] = False
    """Whether the loss reads the global state."""
    continuous: ClassVar[bool] = False
    """Whether actions may be numbers."""
    on_policy: ClassVar[bool] = False
    """Whether it learns from what its policy does as it is, and forgets it afterwards."""

    lr: float = 5e-4
    lr_end: float | None = None
    adam_epsilon: float = 1e-8
    discount: float = 0.99
    n_envs: int = 16
    hidden: tuple[int, ...] = (64, 64)
    normalised: bool = False
    recurrent: bool = False
    clip: float | None = 10.0
    share: str | tuple[int, ...] = "all"
    agent_ids: bool = True
    one_hot: tuple[int, int] | None = None
    reward_scale: float = 1.0
    frames: int = 1

    def __post_init__(self) -> None:
        require_kinds(self)
        for setting in fields(self):
            value = getattr(self, setting.name)
            if isinstance(value, int) and abs(value) > MOST:
                raise GameError(f"{setting.name} must be a number of at most {MOST:.0e}, got {short(value)}")
        require_least(self, 1, "n_envs", "frames")
        require_shares(self, "discount")
        require_positive(self, "lr", "adam_epsilon", "reward_scale", "lr_end", "clip")
        if not self.hidden or not all(1 <= width <= MOST for width in self.hidden):
            raise GameError(f"hidden must be a tuple of widths of at least 1, such as (64, 64), got {self.hidden!r}")
        if not isinstance(self.share, tuple) and self.share not in ("all", "none"):
            raise GameError(f"share must be 'all', 'none' or one network index per agent, got {self.share!r}")
        if self.one_hot is not None and (len(self.one_hot) != 2 or self.one_hot[0] >= self.one_hot[1]):
            raise GameError(
                f"one_hot must be a least and a largest whole number, such as (-7, 8), got {self.one_hot!r}"
            )

    def view(self, env: BatchEnv) -> BatchEnv:
        """Return the environment as this algorithm sees it."""
        return env

    @abstractmethod
    def network(self, spec: Spec, n_seeds: int) -> nn.Module:
        """Return the networks of all seeds, not initialised yet."""

    @abstractmethod
    def learner(self, spec: Spec, seeds: Sequence[int], *, steps: int, device: torch.device | str) -> Any:
        """Return what acts and learns for all seeds, over so many environment steps of each."""

    def compiled_side(self, learner: Any) -> Any:
        """Return what does the work of a learner by compiled loops, or None where the settings ask for none."""
        return None

    @abstractmethod
    def policy(self, module: nn.Module, spec: Spec) -> Any:
        """Return what the networks play when they are judged; see :class:`marlgt.deep.evaluation.Policy`."""


def owner_of(algorithm: Algorithm, method: str) -> type:
    """Return the class from which an algorithm has a method: who overrides it may mean another algorithm."""
    return next(kind for kind in type(algorithm).__mro__ if method in vars(kind))


def require_least(settings: Any, least: int, *names: str) -> None:
    """Raise unless the whole numbers of these settings are large enough."""
    for name in names:
        if getattr(settings, name) < least:
            raise GameError(f"{name} must be a whole number of at least {least}, got {short(getattr(settings, name))}")


def require_shares(settings: Any, *names: str) -> None:
    """Raise unless these settings are numbers from 0 to 1."""
    for name in names:
        if not 0 <= getattr(settings, name) <= 1:
            raise GameError(f"{name} must be a number from 0 to 1, got {getattr(settings, name)!r}")


def require_positive(settings: Any, *names: str) -> None:
    """Raise unless these settings are positive, or None."""
    for name in names:
        value = getattr(settings, name)
        if value is not None and value <= 0:
            raise GameError(f"{name} must be a number above 0, got {value!r}")
