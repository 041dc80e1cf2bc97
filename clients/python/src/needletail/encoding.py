"""Requests as JSON text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar

import numpy as np

from .errors import InvalidArgument

Member = TypeVar("Member")
Encoded = TypeVar("Encoded")


def members(name: str, values: Iterable[Member], encode: Callable[[Member], Encoded]) -> list[Encoded]:
    """What ``encode`` makes of each value. Raises ``InvalidArgument`` with the place, such as ``points[3].vector``."""
    encoded: list[Encoded] = []
    for value in values:
        try:
            encoded.append(encode(value))
        except InvalidArgument as error:
            raise error.inside(f"{name}[{len(encoded)}]") from None
    return encoded


def _plain(value: object) -> Any:
    """What stands for a value that JSON does not know."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        raise TypeError("a set has no order: make it a list")
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


_encoder = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain, check_circular=True
)


def encode(value: object, *, at: str | None = None) -> bytes:
    """UTF-8 JSON without white space. NumPy's numbers and arrays become numbers and arrays, a ``datetime`` with a time zone
    becomes an RFC 3339 date-time. Raises ``InvalidArgument``, which names ``at``."""
    try:
        return _encoder.encode(value).encode()
    except UnicodeEncodeError:
        raise InvalidArgument("a text holds half of a surrogate pair, which UTF-8 cannot say", at=at) from None
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidArgument(str(error) or "cannot be written as JSON", at=at) from None


def array(members: list[bytes]) -> bytes:
    """A JSON array of members that are encoded already."""
    return b"[" + b",".join(members) + b"]"


def request(id: int, method: str, params: bytes) -> bytes:
    """A whole line with its newline. ``params`` is an encoded object."""
    return b'{"jsonrpc":"2.0","id":%d,"method":"%s","params":%s}\n' % (id, method.encode(), params)
