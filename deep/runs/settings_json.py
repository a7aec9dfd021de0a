"""Settings of an algorithm, a frozen dataclass, to and from JSON and the texts of a command line, with their types.

What a field may hold is told by its annotation: ``bool``, ``int``, ``float``, ``str``, ``None``, ``Literal``, tuples,
lists, mappings with texts as keys, other dataclasses, and unions of these. Of a union, the first member that fits is
taken.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import json
import math
import sys
import types
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from marlgt.errors import GameError
from marlgt.games._arrays import short

__all__ = ["parse_setting", "require_kinds", "settings_from_json", "settings_to_json"]

Settings = TypeVar("Settings")


class _Misfit(Exception):
    """A value that is not of its type: where it stands, what was expected, and what was got."""

    def __init__(self, where: str, expected: str, got: Any) -> None:
        super().__init__(f"{where} must be {expected}, got {short(got)}")


def settings_to_json(settings: Any) -> dict[str, Any]:
    """Return the settings as JSON has them: tuples become lists, and dataclasses mappings.

    Raises
    ------
    GameError
        If a setting is nothing that JSON can hold: a function, an array, a number that is not finite.
    """
    name = type(settings).__name__
    if not dataclasses.is_dataclass(settings) or isinstance(settings, type):
        raise GameError(f"settings are {short(settings)}: give a dataclass with its values")
    return {f.name: _plain(getattr(settings, f.name), f"{name}.{f.name}") for f in _fields(type(settings))}


def settings_from_json(cls: type[Settings], data: Any) -> Settings:
    """Return the settings that :func:`settings_to_json` told; what is not told has its default.

    Parameters
    ----------
    cls : dataclass
    data : mapping of str to JSON

    Raises
    ------
    GameError
        If a name is unknown (the message tells the nearest one), a value is not of its type, or the dataclass itself
        refuses it.
    """
    try:
        made: Settings = _made(cls, data, cls.__name__)
    except _Misfit as misfit:
        raise GameError(str(misfit)) from None
    return made


def require_kinds(settings: Any) -> None:
    """Raise unless every setting is of its annotated type; a whole number will do for a number.

    Lists become what is annotated, so that settings can be compared and serve as keys.

    Parameters
    ----------
    settings : dataclass

    Raises
    ------
    GameError
        Naming the first that is not.
    """
    try:
        cls: Any = type(settings)
        for name, kind in _kinds_once(cls).items():
            value = getattr(settings, name)
            converted = _converted(kind, value, name)
            if isinstance(value, list):
                object.__setattr__(settings, name, converted)
    except _Misfit as misfit:
        raise GameError(str(misfit)) from None


def parse_setting(cls: type, text: str) -> tuple[str, Any]:
    """Return the name and the value of a setting written ``name=value``, as the field of that name has it.

    Parameters
    ----------
    cls : dataclass
    text : str
        Such as ``"lr=3e-4"``, ``"hidden=64,64"``, ``"double=no"`` or ``"clip=none"``; whole numbers may be written
        ``1e6`` or ``1_000_000``, and another dataclass as JSON.

    Returns
    -------
    name : str
    value : what ``dataclasses.replace(settings, **{name: value})`` takes

    Raises
    ------
    GameError
        If there is no ``=``, the name is unknown (the message tells the nearest one), or the value does not fit.
    """
    name, equals, value = text.partition("=") if isinstance(text, str) else ("", "", "")
    name = name.strip()
    if not equals or not name:
        raise GameError(f"a setting is written name=value, such as lr=3e-4, got {short(text)}")
    kinds = _kinds(cls)
    _require_known(cls, name, kinds)
    try:
        return name, _parsed(kinds[name], value.strip(), name)
    except _Misfit as misfit:
        raise GameError(str(misfit)) from None


def _fields(cls: type) -> list[dataclasses.Field[Any]]:
    return [f for f in dataclasses.fields(cls) if f.init]


def _kinds(cls: type) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {f.name: hints[f.name] for f in _fields(cls)}


@functools.cache
def _kinds_once(cls: Any) -> dict[str, Any]:
    return _kinds(cls)


def _require_known(cls: type, name: Any, kinds: Mapping[str, Any]) -> None:
    if name in kinds:
        return
    near = difflib.get_close_matches(str(name), list(kinds), n=1, cutoff=0.5)
    remedy = f"did you mean {near[0]!r}?" if near else f"its settings are {', '.join(kinds)}"
    raise GameError(f"{cls.__name__} has no setting {short(name)}: {remedy}")


def _plain(value: Any, where: str) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        raise GameError(f"{where} is {value!r}, which JSON has no name for: give a finite number, or None")
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (tuple, list)):
        return [_plain(part, where) for part in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _plain(part, f"{where}[{key!r}]") for key, part in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name), f"{where}.{f.name}") for f in _fields(type(value))}
    raise GameError(
        f"{where} is {short(value)}, a {type(value).__name__}, which cannot be kept with a run: give numbers, texts, "
        "tuples or dataclasses of them"
    )


def _made(cls: type, data: Any, where: str) -> Any:
    if not isinstance(data, Mapping):
        raise _Misfit(where, "a mapping of settings", data)
    kinds = _kinds(cls)
    for name in data:
        _require_known(cls, name, kinds)
    missing = [
        f.name
        for f in _fields(cls)
        if f.name not in data and f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise GameError(f"{where} needs {', '.join(missing)}: the settings give no value, and there is no default")
    return cls(**{name: _converted(kinds[name], value, f"{where}.{name}") for name, value in data.items()})


def _converted(kind: Any, value: Any, where: str) -> Any:
    """Return a value of JSON as its type has it."""
    origin, parts = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin in (Union, types.UnionType):
        return _first_fit(parts, value, where, _converted, _expected(kind))
    if origin is Literal:
        fits = [option for option in parts if type(option) is type(value) and option == value]
    elif kind is float:
        fits = [float(value)] if _is_number(value) else []
    elif kind in (bool, int, str, type(None)):
        fits = [value] if type(value) is kind else []
    elif origin is tuple and isinstance(value, (list, tuple)):
        kinds = _kinds_of_tuple(parts, len(value))
        fits = [] if kinds is None else [tuple(_each(kinds, value, where, _converted))]
    elif origin in (list, Sequence) and isinstance(value, (list, tuple)):
        fits = [_each([parts[0]] * len(value), value, where, _converted)]
    elif origin in (dict, Mapping) and isinstance(value, Mapping):
        fits = [{key: _converted(parts[1], part, f"{where}[{key!r}]") for key, part in value.items()}]
    elif dataclasses.is_dataclass(kind) and isinstance(kind, type):
        fits = [_made(kind, value, where)]
    else:
        fits = []
    if not fits:
        raise _Misfit(where, _expected(kind), value)
    return fits[0]


def _parsed(kind: Any, text: str, where: str) -> Any:
    """Return what a text says, as its type has it."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        # Every text is a str, so that a number or none would never be found behind it.
        ordered = sorted(parts, key=lambda part: part is str)
        return _first_fit(ordered, text, where, _parsed, _expected(kind))
    if origin is Literal:
        value: Any = next((option for option in parts if str(option).lower() == text.lower()), text)
    elif origin is tuple:
        inner = text[1:-1] if text[:1] + text[-1:] in ("()", "[]") else text
        items = [item.strip().strip("'\"") for item in inner.split(",") if item.strip()]
        kinds = _kinds_of_tuple(parts, len(items))
        if kinds is None:
            raise _Misfit(where, _expected(kind), text)
        return tuple(_each(kinds, items, where, _parsed))
    elif kind is str:
        value = text
    elif kind in (bool, type(None)):
        value = _WORDS.get(text.lower(), text)
    elif kind in (int, float):
        value = _number(text, kind)
    else:
        value = _from_json(text)
    return _converted(kind, value, where)


_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
    **dict.fromkeys(("none", "null"), None),
}


def _number(text: str, kind: type) -> Any:
    try:
        number = float(text)
        if kind is float:
            return number
        # Digits first: a float has no more than 53 bits of a whole number.
        return int(text) if "e" not in text.lower() and "." not in text else int(number) if number % 1 == 0 else text
    except (ValueError, OverflowError):
        return text


def _from_json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _first_fit(kinds: Sequence[Any], value: Any, where: str, convert: Any, expected: str) -> Any:
    for kind in kinds:
        try:
            return convert(kind, value, where)
        except (_Misfit, GameError):
            continue
    raise _Misfit(where, expected, value)


def _each(kinds: Sequence[Any], values: Sequence[Any], where: str, convert: Any) -> list[Any]:
    return [convert(kind, value, f"{where}[{k}]") for k, (kind, value) in enumerate(zip(kinds, values, strict=True))]


def _kinds_of_tuple(parts: tuple[Any, ...], length: int) -> list[Any] | None:
    """Return the type of each place of a tuple, or None if it cannot have that many."""
    if len(parts) == 2 and parts[1] is Ellipsis:
        return [parts[0]] * length
    return list(parts) if len(parts) == length else None


def _is_number(value: Any) -> bool:
    # A whole number may be too large to become a float, which then is not finite.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _expected(kind: Any) -> str:
    """Return what a type asks for, in words."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return " or ".join(_expected(part) for part in parts)
    if origin is Literal:
        return "one of " + ", ".join(repr(part) for part in parts)
    if origin is tuple:
        if len(parts) == 2 and parts[1] is Ellipsis:
            return f"a list in which each is {_expected(parts[0])}"
        return f"a list of {len(parts)} ({', '.join(_expected(part) for part in parts)})"
    words = {
        bool: "true or false",
        int: "a whole number",
        float: "a finite number",
        str: "a text",
        type(None): "none",
    }
    if kind in words:
        return words[kind]
    if origin in (list, Sequence):
        return f"a list in which each is {_expected(parts[0])}"
    return "a mapping" if origin in (dict, Mapping) else f"the settings of a {getattr(kind, '__name__', kind)}"
