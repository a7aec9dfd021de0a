"""One flat buffer for all parameters, and optimisers that update it in a handful of operations.

The buffer is a matrix per group of layers with equally many networks: one row holds all parameters of one network, so
that seed s owns consecutive rows ``s K ... (s + 1) K`` and its gradient norm is one reduction over them. Rows are
padded with zeros to a multiple of 16 numbers: vectorised kernels treat a remainder by other instructions, and a
number's bits would depend on how many seeds stand before it.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Variable

from marlgt.errors import GameError

__all__ = ["Adam", "FlatParameters", "backward", "clip_gradients"]

_LANES = 16


class FlatParameters:
    """All parameters of a module in one flat buffer, and their gradients in another.

    The module's parameters and their ``.grad`` become views, so that a backward pass accumulates into ``gradients``.
    Move the module to its device first: moving it afterwards breaks the views.

    Parameters
    ----------
    module : torch.nn.Module
        Every parameter is stacked: its first axis is S times some K.
    n_seeds : int
        S.

    Attributes
    ----------
    values, gradients : Tensor, shape (P,)
    gradients_by_seed : list of Tensor, shape (S, ...)
        The gradients once more, block by block, one row for each seed.
    """

    def __init__(self, module: nn.Module, n_seeds: int) -> None:
        self.module = module
        self.n_seeds = n_seeds
        self.parameters = dict(module.named_parameters())
        if not self.parameters:
            raise GameError("a module without parameters cannot be trained: give one with layers")
        heights: dict[int, list[str]] = {}
        for name, parameter in self.parameters.items():
            if n_seeds < 1 or parameter.dim() < 1 or parameter.shape[0] % n_seeds:
                raise GameError(
                    f"the first axis of every parameter must be a multiple of the {n_seeds} seeds, got {name!r} of "
                    f"shape {tuple(parameter.shape)}: stack the networks of all seeds along it"
                )
            heights.setdefault(parameter.shape[0], []).append(name)
        first = next(iter(self.parameters.values()))
        widths = {
            height: -(-sum(self.parameters[name][0].numel() for name in names) // _LANES) * _LANES
            for height, names in heights.items()
        }
        total = sum(height * width for height, width in widths.items())
        self.values = torch.zeros(total, dtype=first.dtype, device=first.device)
        self.gradients = torch.zeros_like(self.values)
        _forgive_strided_gradients()
        self._shapes = [(height, width) for height, width in widths.items()]
        self.gradients_by_seed = self.by_seed(self.gradients)
        with torch.no_grad():
            for (values, gradients), names in zip(
                zip(self.blocks(self.values), self.blocks(self.gradients)), heights.values()
            ):
                column = 0
                for name in names:
                    parameter = self.parameters[name]
                    size = parameter[0].numel()
                    view = values[:, column : column + size].view(parameter.shape)
                    view.copy_(parameter)
                    parameter.data = view
                    parameter.grad = gradients[:, column : column + size].view(parameter.shape)
                    column += size

    def blocks(self, flat: Tensor) -> list[Tensor]:
        """Give the buffer's matrices, each ``(networks, numbers of one network)``: views of a flat tensor."""
        pieces = torch.split(flat, [height * width for height, width in self._shapes])
        return [piece.view(shape) for piece, shape in zip(pieces, self._shapes)]

    def by_seed(self, flat: Tensor) -> list[Tensor]:
        """Give the same blocks with one row for each seed, ``(S, numbers of one seed)``."""
        return [block.view(self.n_seeds, -1) for block in self.blocks(flat)]

    def zero_gradients(self) -> None:
        """Set all gradients to zero: one operation."""
        self.gradients.zero_()

    def follower(self) -> FlatParameters:
        """Return the parameters of a copy of the networks, as they are now: targets and averages, which follow these.

        No gradients flow into the copy.
        """
        module = copy.deepcopy(self.module)
        follower = FlatParameters(module, self.n_seeds)
        follower.copy_from(self)
        module.requires_grad_(False)
        return follower

    def copy_from(self, other: FlatParameters) -> None:
        """Take the values of another buffer of the same module: a hard target update."""
        self._check_like(other)
        self.values.copy_(other.values)

    def blend_from(self, other: FlatParameters, rate: float) -> None:
        """Move by ``rate`` towards the values of another buffer: ``θ' ← (1 - rate) θ' + rate θ``."""
        self._check_like(other)
        self.values.lerp_(other.values, rate)

    def _check_like(self, other: FlatParameters) -> None:
        if self._shapes != other._shapes:
            raise GameError(
                f"both buffers must hold the same networks, got blocks {self._shapes} and {other._shapes}: "
                "build the target from the same settings"
            )

    def seed_slice(self, seed: int) -> dict[str, Tensor]:
        """Give copies of one seed's rows of every parameter, by name.

        Parameters
        ----------
        seed : int
            Position of the seed, from 0.
        """
        return {name: self._rows(parameter, seed).clone() for name, parameter in self.parameters.items()}

    def load_seed_slice(self, seed: int, values: Mapping[str, Tensor]) -> None:
        """Put one seed's rows back.

        Raises
        ------
        GameError
            If names or shapes are not those of this module.
        """
        if set(values) != set(self.parameters):
            odd = sorted(set(values) ^ set(self.parameters))
            raise GameError(
                f"the saved parameters must be those of the module, but {odd[0]!r} stands in only one of them: "
                "build the networks from the saved settings"
            )
        for name, parameter in self.parameters.items():
            rows = self._rows(parameter, seed)
            if rows.shape != values[name].shape:
                raise GameError(
                    f"parameter {name!r} must have shape {tuple(rows.shape)}, got {tuple(values[name].shape)}: "
                    "build the networks from the saved settings"
                )
            rows.copy_(values[name])

    def _rows(self, parameter: Tensor, seed: int) -> Tensor:
        if not 0 <= seed < self.n_seeds:
            raise GameError(f"seed must be a position from 0 to {self.n_seeds - 1}, got {seed}: count from 0")
        height = parameter.shape[0] // self.n_seeds
        return parameter.detach()[seed * height : (seed + 1) * height]

    def finite(self) -> str | None:
        """Name the first parameter, or gradient, that is not finite; None where all are."""
        if bool(torch.isfinite(self.values.sum() + self.gradients.sum())):
            return None
        for name, parameter in self.parameters.items():
            if not bool(parameter.isfinite().all()):
                return name
            if parameter.grad is not None and not bool(parameter.grad.isfinite().all()):
                return f"gradient of {name}"
        return None


@cache
def _forgive_strided_gradients() -> None:
    """Let PyTorch say unheard what it says once in a process: strided gradients slow DistributedDataParallel."""
    parameter = nn.Parameter(torch.zeros(2, 4)[:, :2])
    parameter.grad = torch.zeros(2, 4)[:, :2]
    with warnings.catch_warnings(), torch.enable_grad():
        warnings.simplefilter("ignore")
        parameter.sum().backward()  # type: ignore[no-untyped-call]


def backward(total: Tensor) -> None:
    """Add the gradients of a number to those of its leaves, as ``total.backward()`` does with fewer detours.

    PyTorch's method checks and makes what a lone number does not need: of 49 microseconds before the first node on a
    small network, 16 are left. Where the engine cannot be called directly, the method is.
    """
    run = getattr(getattr(Variable, "_execution_engine", None), "run_backward", None)
    if run is None:
        total.backward()  # type: ignore[no-untyped-call]
    else:
        run((total,), (torch.ones_like(total),), False, False, (), allow_unreachable=True, accumulate_grad=True)


def clip_gradients(flat: FlatParameters, limit: float) -> Tensor:
    """Scale each seed's gradient down to a norm of at most ``limit``, and give the norms before, shape (S,).

    References
    ----------
    R. Pascanu, T. Mikolov, Y. Bengio (2013), *On the difficulty of training recurrent neural networks*, ICML,
    algorithm 1.
    """
    blocks = flat.gradients_by_seed
    norms: Tensor = torch.linalg.vector_norm(blocks[0], dim=1)
    for block in blocks[1:]:
        norms = torch.hypot(norms, torch.linalg.vector_norm(block, dim=1))
    factors = (limit / (norms + 1e-6)).clamp_(max=1.0).unsqueeze(1)
    for block in blocks:
        block.mul_(factors)
    return norms


class Adam:
    """Adam on a flat buffer, with bias correction and, if asked, a gradient norm clipped per seed.

    Parameters
    ----------
    flat : FlatParameters
    lr : float
        Learning rate; assign ``.lr`` to let it decay.
    epsilon : float
        Added to the root of the second moment, after its correction.
    clip : float, optional
        Largest norm of each seed's gradient.
    betas : tuple of float
    apart : bool
        Whether seeds count their steps apart, so that some can rest while others go on.

    References
    ----------
    D. P. Kingma, J. Ba (2015), *Adam: a method for stochastic optimization*, ICLR, algorithm 1.
    """

    def __init__(
        self,
        flat: FlatParameters,
        lr: float,
        epsilon: float = 1e-8,
        clip: float | None = None,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        apart: bool = False,
    ) -> None:
        _check_rates(lr, epsilon, clip)
        self.flat = flat
        self.lr = lr
        self.epsilon = epsilon
        self.clip = clip
        self.betas = betas
        self.apart = apart
        self.fused = hasattr(torch, "_fused_adam_")
        self.first = torch.zeros_like(flat.values)
        self.second = torch.zeros_like(flat.values)
        counts = (flat.n_seeds,) if apart else ()
        self.steps = torch.zeros(counts, dtype=torch.float32, device=flat.values.device)

    @torch.no_grad()
    def step(self, active: Tensor | None = None) -> None:
        """Update the values by the gradients, which stay as they are (but for clipping).

        Parameters
        ----------
        active : Tensor of bool, shape (S,), optional
            Seeds that take the step, if they are counted apart; the others stay exactly as they are.
        """
        if self.clip is not None:
            clip_gradients(self.flat, self.clip)
        if self.apart:
            self._step_apart(torch.ones_like(self.steps, dtype=torch.bool) if active is None else active)
            return
        self.steps += 1
        if self.fused:
            self._fused_step()
        else:
            self._plain_step()

    def _fused_step(self) -> None:
        update: Any = torch._fused_adam_
        update(
            [self.flat.values],
            [self.flat.gradients],
            [self.first],
            [self.second],
            [],
            [self.steps],
            lr=self.lr,
            beta1=self.betas[0],
            beta2=self.betas[1],
            weight_decay=0.0,
            eps=self.epsilon,
            amsgrad=False,
            maximize=False,
        )

    def _plain_step(self) -> None:
        first, second = self.betas
        gradients = self.flat.gradients
        self.first.lerp_(gradients, 1.0 - first)
        self.second.mul_(second).addcmul_(gradients, gradients, value=1.0 - second)
        # In double: 1 - 0.999 keeps four digits in single precision.
        steps = self.steps.double()
        root = self.second.sqrt().div_((1.0 - second**steps).sqrt()).add_(self.epsilon)
        self.flat.values.sub_((self.first / root).mul_(self.lr / (1.0 - first**steps)))

    def _step_apart(self, active: Tensor) -> None:
        self.steps += active
        first, second = self.betas
        steps = self.steps.double()
        sizes = (self.lr / (1.0 - first**steps)).float().unsqueeze(1)
        roots = (1.0 - second**steps).sqrt().float().unsqueeze(1)
        moves = active.unsqueeze(1)
        rows = [
            [block.view(self.flat.n_seeds, -1) for block in self.flat.blocks(buffer)]
            for buffer in (self.flat.values, self.first, self.second)
        ]
        for values, mean, square, gradients in zip(*rows, self.flat.gradients_by_seed):
            new_mean = mean.lerp(gradients, 1.0 - first)
            new_square = (square * second).addcmul_(gradients, gradients, value=1.0 - second)
            step = new_mean / new_square.sqrt().div_(roots).add_(self.epsilon) * sizes
            torch.where(moves, values - step, values, out=values)
            torch.where(moves, new_mean, mean, out=mean)
            torch.where(moves, new_square, square, out=square)

    def state(self) -> dict[str, Tensor]:
        """Give copies of the moments and of the number of steps."""
        return {"first": self.first.clone(), "second": self.second.clone(), "steps": self.steps.clone()}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Put a saved state back."""
        _load(state, {"first": self.first, "second": self.second, "steps": self.steps})


def _check_rates(lr: float, epsilon: float, clip: float | None) -> None:
    if lr < 0 or epsilon < 0:
        raise GameError(f"lr and epsilon must not be negative, got {lr} and {epsilon}: give a learning rate like 3e-4")
    if clip is not None and clip <= 0:
        raise GameError(f"clip must be a positive norm, got {clip}: give None to leave gradients as they are")


def _load(state: Mapping[str, Tensor], own: dict[str, Tensor]) -> None:
    for name, tensor in own.items():
        if name not in state or state[name].shape != tensor.shape:
            raise GameError(
                f"the optimiser's state must hold {name!r} of shape {tuple(tensor.shape)}: "
                "load one that was saved with the same networks and seeds"
            )
        tensor.copy_(state[name])
