"""Results as dataclasses. ``reader(SomeClass)`` makes a function that checks a JSON value against the class's type hints and
builds it: members that the class does not know are skipped, missing ones take the field's default or are an error."""

from __future__ import annotations

import dataclasses
import functools
import types
from collections.abc import Callable
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from .vectors import Vector, decode_vector

T = TypeVar("T")
Reader = Callable[[Any], Any]


class Malformed(Exception):
    """A result is not as the protocol says. ``place`` leads to it, from the inside out."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what
        self.place = ""

    def inside(self, step: str) -> Malformed:
        self.place = step + self.place
        return self

    def __str__(self) -> str:
        return f"result{self.place}: {self.what}"


def reader(kind: type[T]) -> Callable[[Any], T]:
    """A function that reads a ``kind``, and raises ``Malformed``."""
    return _object_reader(kind)


def _integer(value: Any) -> int:
    if type(value) is not int:
        raise Malformed("not an integer")
    return value


def _number(value: Any) -> float:
    if type(value) is float:
        return value
    return float(_integer(value)) if type(value) is int else _fail("not a number")


def _text(value: Any) -> str:
    return value if type(value) is str else _fail("not a string")


def _boolean(value: Any) -> bool:
    return value if type(value) is bool else _fail("not true or false")


def _vector(value: Any) -> Any:
    try:
        return decode_vector(value)
    except ValueError as error:
        raise Malformed(f"no vector: {error}") from None


def _fail(what: str) -> Any:
    raise Malformed(what)


_SCALARS: dict[Any, Reader] = {
    int: _integer,
    float: _number,
    str: _text,
    bool: _boolean,
    Vector: _vector,
    Any: lambda value: value,
}


def _reader(hint: Any) -> Reader:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in _SCALARS:
        return _SCALARS[hint]
    if origin in (Union, types.UnionType):
        return _union_reader(arguments)
    if origin is list:
        return functools.partial(_read_list, _reader(arguments[0]))
    if origin is dict:
        return functools.partial(_read_map, None if arguments[1] is Any else _reader(arguments[1]))
    if dataclasses.is_dataclass(hint):
        return _object_reader(hint)
    raise TypeError(f"no reader for {hint}")


def _union_reader(arguments: tuple[Any, ...]) -> Reader:
    """``X | None``, or scalars of which one fits."""
    kinds = [each for each in arguments if each is not type(None)]
    if len(kinds) == 1:
        inner = _reader(kinds[0])
        return lambda value: None if value is None else inner(value)
    allowed = tuple(arguments)

    def read(value: Any) -> Any:
        return value if type(value) in allowed else _fail("of the wrong type")

    return read


def _read_list(inner: Reader, value: Any) -> list[Any]:
    if type(value) is not list:
        raise Malformed("not an array")
    members: list[Any] = []
    try:
        for each in value:
            members.append(inner(each))
    except Malformed as error:
        raise error.inside(f"[{len(members)}]") from None
    return members


def _read_map(inner: Reader | None, value: Any) -> dict[str, Any]:
    if type(value) is not dict:
        raise Malformed("not an object")
    if inner is None:
        return value
    members: dict[str, Any] = {}
    for key, each in value.items():
        try:
            members[key] = inner(each)
        except Malformed as error:
            raise error.inside(f".{key}") from None
    return members


def _object_reader(kind: Any) -> Reader:
    if kind not in _made:
        _made[kind] = _make_object_reader(kind)
    return _made[kind]


_made: dict[Any, Reader] = {}


def _make_object_reader(kind: Any) -> Reader:
    hints = get_type_hints(kind)
    # "name" in a field's metadata is its name in the protocol, where that is a word of Python.
    members = [
        (each.name, each.metadata.get("name", each.name), _reader(hints[each.name]), _is_required(each))
        for each in dataclasses.fields(kind)
        if each.init
    ]

    def read(value: Any) -> Any:
        if type(value) is not dict:
            raise Malformed("not an object")
        found: dict[str, Any] = {}
        for attribute, name, inner, required in members:
            if name in value:
                try:
                    found[attribute] = inner(value[name])
                except Malformed as error:
                    raise error.inside(f".{name}") from None
            elif required:
                raise Malformed("missing").inside(f".{name}")
        return kind(**found)

    return read


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
