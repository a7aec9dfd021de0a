"""Checkpoints: tensors and facts in one safetensors file, without pickled objects.

The format is that of safetensors: eight bytes with the length of a header, the header (JSON: the type, the shape and
the place of each tensor, and a map of texts), and the numbers, little-endian, without gaps. Nothing in such a file can
run. It is written here rather than by the package, which would hold a second copy of the whole file in memory and
tells of a full disk in words only; it is read by the package, which refuses a header that does not fit the file.

References
----------
The format: https://github.com/huggingface/safetensors, "Format".
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from marlgt.deep.runs.plain_json import json_text
from marlgt.errors import GameError, UnreadableFile
from marlgt.games._arrays import short
from marlgt.games._doors import require_path
from marlgt.whole_files import shown_path, write_whole

__all__ = ["read_checkpoint", "require_same", "write_checkpoint"]

_SCHEMA, _VERSION = "marlgt.checkpoint", 1
_FACTS = "__metadata__"
_CODES = {
    torch.bool: "BOOL",
    torch.uint8: "U8",
    torch.int8: "I8",
    torch.int16: "I16",
    torch.int32: "I32",
    torch.int64: "I64",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float32: "F32",
    torch.float64: "F64",
}


def write_checkpoint(path: str | os.PathLike[str], tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write tensors and facts to one file, in one step: a checkpoint that stood there stays until the new one is whole.

    Parameters
    ----------
    path : path of a file, in a folder that exists
    tensors : mapping of str to Tensor
        Of any device and any strides; a view takes the room of its own elements only.
    facts : mapping of str to what JSON can hold
        Tuples come back as lists, and numbers that are not finite as None: what has to come back bit for bit is a
        tensor.

    Raises
    ------
    SavingFailed
        If the disk is full, or the file cannot be written for another reason.
    GameError
        If a tensor is sparse, quantised or complex, a name is no text, or a fact is nothing that JSON can hold.
    """
    require_path(path, "path")
    header: dict[str, Any] = {
        _FACTS: {"schema": _SCHEMA, "version": str(_VERSION), "facts": json_text(facts, "the facts of a checkpoint")}
    }
    # Wide numbers first, so that every tensor begins at a multiple of the size of its numbers.
    order = sorted(tensors, key=lambda name: (-_require_plain(name, tensors[name]).element_size(), name))
    end = 0
    for name in order:
        tensor = tensors[name]
        begin, end = end, end + tensor.numel() * tensor.element_size()
        header[name] = {"dtype": _CODES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [begin, end]}
    packed = json.dumps(header, separators=(",", ":")).encode()
    packed += b" " * (-len(packed) % 8)

    def fill(file: BinaryIO) -> None:
        file.write(struct.pack("<Q", len(packed)))
        file.write(packed)
        for name in order:
            file.write(_bytes_of(tensors[name]))

    write_whole(path, fill)


def read_checkpoint(path: str | os.PathLike[str]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors, on the CPU, and the facts that :func:`write_checkpoint` wrote.

    Nothing in the file is run, whatever it holds.

    Raises
    ------
    UnreadableFile
        If there is no such file, or it is cut short, damaged, no checkpoint, or one of another version.
    """
    from safetensors import SafetensorError, safe_open

    require_path(path, "path")
    shown = shown_path(path)
    if not Path(path).is_file():
        raise UnreadableFile(f"there is no file {shown}: give the path of a checkpoint that marlgt.deep wrote")
    try:
        with safe_open(os.fspath(path), framework="pt") as file:
            told = file.metadata() or {}
            if told.get("schema") != _SCHEMA:
                raise UnreadableFile(
                    f"{shown} is a safetensors file, but no checkpoint of marlgt.deep: give one that "
                    "write_checkpoint wrote"
                )
            if told.get("version") != str(_VERSION):
                raise UnreadableFile(
                    f"{shown} is a checkpoint of version {short(told.get('version'))}, and this marlgt reads version "
                    f"{_VERSION}: read it with the marlgt that wrote it"
                )
            facts = json.loads(told["facts"])
            # Numbers of their own, that no later change of the file can reach.
            tensors = {name: _own(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118 (no mapping)
        if not isinstance(facts, dict):
            raise TypeError(f"the facts are a {type(facts).__name__}")
    except UnreadableFile:
        raise
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RecursionError, MemoryError) as error:
        reason = f"{type(error).__name__}: {short(str(error), quoted=False)}"
        raise UnreadableFile(
            f"{shown} is damaged, cut short, or no checkpoint ({reason}): give an earlier checkpoint of the run"
        ) from error
    return tensors, facts


def require_same(expected: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> None:
    """Raise unless tensors have the names, shapes and types that are expected.

    Parameters
    ----------
    expected : mapping of str to Tensor
        What the network or the learner holds now; only shapes and types are compared, so that tensors on the device
        ``"meta"`` will do.
    tensors : mapping of str to Tensor
        What :func:`read_checkpoint` returned.

    Raises
    ------
    GameError
        Naming the first tensor, in the order of ``expected``, that is missing or differs, or the first too many.
    """
    remedy = "make the learner with the settings of the run that was saved"
    for name, own in expected.items():
        if name not in tensors:
            raise GameError(f"the checkpoint has no tensor {short(name)} {_described(own)}: {remedy}")
        saved = tensors[name]
        if saved.shape != own.shape or saved.dtype != own.dtype:
            raise GameError(
                f"the checkpoint is of another architecture: its tensor {short(name)} is {_described(saved)}, and "
                f"{_described(own)} was expected: {remedy}"
            )
    for name, saved in tensors.items():
        if name not in expected:
            raise GameError(
                f"the checkpoint is of another architecture: its tensor {short(name)} {_described(saved)} has no place "
                f"here: {remedy}"
            )


def _require_plain(name: Any, tensor: Any) -> Tensor:
    if not isinstance(name, str) or name == _FACTS:
        raise GameError(f"a tensor of the checkpoint has the name {short(name)}: give a text other than {_FACTS!r}")
    if not isinstance(tensor, Tensor):
        raise GameError(f"{short(name)} of the checkpoint is a {type(tensor).__name__}: give a tensor")
    if tensor.dtype not in _CODES or tensor.layout != torch.strided or tensor.is_meta:
        raise GameError(
            f"the tensor {short(name)} of the checkpoint is {tensor.dtype}, {tensor.layout} on {tensor.device}: give a "
            "dense tensor of whole numbers, floating-point numbers or truth values"
        )
    return tensor


def _bytes_of(tensor: Tensor) -> memoryview:
    """Return the numbers of a tensor in row order; a copy is made only where its strides or its device ask for one."""
    flat = tensor.detach().to("cpu").contiguous().reshape(-1)
    numbers: NDArray[np.uint8] = flat.view(torch.uint8).numpy()
    return numbers.data


def _own(tensor: Tensor) -> Tensor:
    # A byte of a file may be neither 0 nor 1, and torch counts on truth values that are.
    return tensor.view(torch.uint8).ne(0) if tensor.dtype == torch.bool else tensor.clone()


def _described(tensor: Tensor) -> str:
    return f"{tuple(tensor.shape)} of {str(tensor.dtype).removeprefix('torch.')}"
