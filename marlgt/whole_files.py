"""Files that are whole or not there: written beside their place, and moved into it in one step.

A process killed while it writes, or a disk that is full, leaves what stood at the path before as it was.
"""

from __future__ import annotations

import contextlib
import glob
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from marlgt.errors import GameError, SavingFailed

__all__ = ["remove_leftovers", "shown_path", "write_whole"]

_TOKEN_BYTES = 4


def write_whole(path: str | os.PathLike[str], fill: Callable[[BinaryIO], object]) -> None:
    """Write a file so that its path holds the old contents or all of the new ones, at every moment.

    The contents are on the disk (``fsync``) before they take the place, and the place too before this returns.

    Parameters
    ----------
    path : path of a file, in a folder that exists
    fill : callable
        Writes the contents to the binary file that it is given.

    Raises
    ------
    SavingFailed
        If the file cannot be written, as on a full disk; what stood at the path stays, and nothing is left beside it.
    GameError
        If the folder does not exist, or the path is a folder, a device or a pipe.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise GameError(f"there is no folder {str(target.parent)!r}: make it first")
    try:
        # What is moved to its place would take the place of a device or a pipe too.
        if target.exists() and not target.is_file():
            raise GameError(f"{shown_path(target)} is no file that could be written over: give the path of a file")
        _write_beside(target, fill)
    except OSError as error:
        raise SavingFailed(
            f"{shown_path(target)} cannot be written: {error.strerror or error}; what stood there before is kept, so "
            "make room or give another place, and save again"
        ) from error


def shown_path(path: str | os.PathLike[str]) -> str:
    """Return a path in quotes as errors tell of it: where it is long, its end, which holds the name."""
    text = str(path)
    return repr(text if len(text) <= 120 else f"...{text[-117:]}")


def remove_leftovers(path: str | os.PathLike[str]) -> None:
    """Remove what writers of a path that were killed have left beside it; only while nobody writes there.

    Parameters
    ----------
    path : path of a file, which itself stays
    """
    target = Path(path)
    for beside in target.parent.glob(f".{glob.escape(target.name)}.{'[0-9a-f]' * 2 * _TOKEN_BYTES}"):
        with contextlib.suppress(OSError):
            beside.unlink()


def _write_beside(target: Path, fill: Callable[[BinaryIO], object]) -> None:
    beside = target.with_name(f".{target.name}.{secrets.token_hex(_TOKEN_BYTES)}")
    try:
        with beside.open("xb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    if os.name == "posix":
        # The move itself is in the folder, which has a cache of its own.
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
