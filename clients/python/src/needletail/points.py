"""Points as they are written, read and found."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias, Union

import numpy as np
from numpy.typing import NDArray

from . import encoding
from .errors import InvalidArgument
from .vectors import Vector, VectorLike, encode_vector, float32_array

PointID: TypeAlias = Union[int, str]
"""An integer from 0 to 2^64 - 1 or a string of 1 to 512 bytes. ``1`` and ``"1"`` are two points."""

PointIDs: TypeAlias = Union[PointID, Iterable[PointID]]
"""One id or several."""


def point_id(value: object, *, at: str = "id") -> PointID:
    """An id as the protocol takes it; NumPy's integers and strings too. Raises ``InvalidArgument``."""
    if type(value) is str:
        return value
    if isinstance(value, str):
        return str(value)
    try:
        number = -1 if isinstance(value, (bool, np.bool_)) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = -1
    if not 0 <= number < 1 << 64:
        raise InvalidArgument(f"{value!r} is no id: an integer from 0 to 2^64 - 1, or a string", at=at)
    return number


@dataclass
class Point:
    """A point to be written: ``vector``, or ``vectors`` by space, or ``text`` for the server's model (which may stand beside
    ``vectors``).

    payload     any JSON object
    if_version  write only if the point has this version now; 0: only if there is none
    expires_at  from then on it is hidden: milliseconds since 1970, or a ``datetime`` with a time zone
    """

    id: PointID
    vector: VectorLike | None = None
    vectors: Mapping[str, VectorLike] | None = None
    text: str | None = None
    payload: Mapping[str, Any] | None = None
    if_version: int | None = None
    expires_at: int | datetime | None = None

    @staticmethod
    def rows(
        ids: Iterable[PointID] | NDArray[np.integer[Any]],
        matrix: VectorLike | Iterable[VectorLike],
        payloads: Iterable[Mapping[str, Any]] | None = None,
    ) -> Iterator[Point]:
        """A point for each row of an array of shape ``(rows, dimensions)``. Raises ``InvalidArgument``, also if there are
        not as many ids or payloads as rows."""
        array = float32_array(matrix, axes=2, at="matrix")
        keys = list(ids)
        contents = list(payloads) if payloads is not None else [None] * len(array)
        for name, count in (("ids", len(keys)), ("payloads", len(contents))):
            if count != len(array):
                raise InvalidArgument(f"{count} of them for {len(array)} rows", at=name)
        return (Point(id, vector=row, payload=payload) for id, row, payload in zip(keys, array, contents))


@dataclass
class StoredPoint:
    """A point as it is stored. ``version`` is the LSN of the write that last changed it. ``vector`` or ``vectors`` are
    there if they were asked for: float32 arrays, bit for bit as they were sent."""

    id: PointID
    version: int
    payload: dict[str, Any] = field(default_factory=dict)
    vector: Vector | None = None
    vectors: dict[str, Vector] = field(default_factory=dict)
    expires_at: int | None = None


@dataclass
class Hit:
    """A point that a search found. ``score``: cosine and dot product, higher is better; Euclidean distance (not squared),
    lower is better."""

    id: PointID
    version: int
    score: float
    payload: dict[str, Any] = field(default_factory=dict)
    vector: Vector | None = None
    vectors: dict[str, Vector] = field(default_factory=dict)
    expires_at: int | None = None


def milliseconds(moment: int | datetime, *, at: str) -> int:
    """A moment as milliseconds since 1970."""
    if not isinstance(moment, datetime):
        return moment
    if moment.tzinfo is None:
        raise InvalidArgument(f"{moment!r} has no time zone", at=at)
    return round(moment.timestamp() * 1000)


def vectors_json(vector: VectorLike | None, vectors: Mapping[str, VectorLike] | None) -> dict[str, Any]:
    """The members of a request that hold one vector, or several by space."""
    json: dict[str, Any] = {}
    if vector is not None:
        json["vector"] = encode_vector(vector)
    if vectors is not None:
        if not isinstance(vectors, Mapping):
            raise InvalidArgument("vectors are a dict by space; a single one goes into vector", at="vectors")
        json["vectors"] = {name: encode_vector(each, at=f"vectors.{name}") for name, each in vectors.items()}
    return json


def payload_json(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A payload as the protocol takes it. Raises ``InvalidArgument`` for anything but an object."""
    if not isinstance(payload, Mapping):
        raise InvalidArgument(f"a {type(payload).__name__} in place of a dict", at="payload")
    return dict(payload)


def encode_point(point: Point) -> bytes:
    """A point as JSON. Raises ``InvalidArgument`` with its place within the point."""
    if not isinstance(point, Point):
        raise InvalidArgument(f"a {type(point).__name__} in place of a Point")
    json: dict[str, Any] = {"id": point_id(point.id), **vectors_json(point.vector, point.vectors)}
    if point.text is not None:
        json["text"] = point.text
    if len(json) == 1:
        raise InvalidArgument(f"point {point.id!r} has neither vector, vectors nor text", at="vector")
    if point.payload:
        json["payload"] = payload_json(point.payload)
    if point.if_version is not None:
        json["if_version"] = point.if_version
    if point.expires_at is not None:
        json["expires_at"] = milliseconds(point.expires_at, at="expires_at")
    return encoding.encode(json, at="payload" if point.payload else None)


def encode_points(points: Iterable[Point]) -> list[bytes]:
    """Points as JSON, one by one. Raises ``InvalidArgument`` with the place, such as ``points[3].vector``."""
    if isinstance(points, Point):
        raise InvalidArgument("a single Point in place of several: [point]", at="points")
    return encoding.members("points", points, encode_point)
