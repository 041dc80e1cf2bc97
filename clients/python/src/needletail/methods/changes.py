"""Deleting points and changing parts of them: ``point.delete``, ``point.set_payload`` and its kin, ``point.set_vectors``.

Which points is said by exactly one of ``ids``, ``filter`` and ``all=True``. Each takes an ``op_key``: the write is executed
once, however often it is sent with this key within ten minutes. It is made up if absent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .. import encoding
from ..call import Call, operation_key
from ..errors import InvalidArgument
from ..filters import FilterLike
from ..points import Point, PointIDs, payload_json, point_id, vectors_json
from ..reading import reader
from .parameters import ids_json, optional_filter
from .points import Deleted


@dataclass
class Changed:
    """``lsn`` of the write, how durable it is, and how many points were found."""

    lsn: int
    durable: str
    changed: int


def _choice(
    collection: str, ids: PointIDs | None, filter: FilterLike | None, all: bool, op_key: str | None
) -> dict[str, Any]:
    if (ids is not None) + (filter is not None) + bool(all) != 1:
        raise InvalidArgument("exactly one of ids, filter and all=True", at="params")
    return {
        "collection": collection,
        "ids": None if ids is None else ids_json(ids),
        "filter": optional_filter(filter),
        "all": all or None,
        "op_key": operation_key(op_key),
    }


def delete(
    collection: str,
    ids: PointIDs | None = None,
    *,
    filter: FilterLike | None = None,
    all: bool = False,
    op_key: str | None = None,
    timeout: float | None = None,
) -> Call[Deleted]:
    """Deletes points. Ids that are not there are ignored."""
    params = _choice(collection, ids, filter, all, op_key)
    return Call("point.delete", params, reader(Deleted), writes=True, timeout=timeout)


def set_payload(
    collection: str,
    payload: Mapping[str, Any],
    ids: PointIDs | None = None,
    *,
    filter: FilterLike | None = None,
    all: bool = False,
    op_key: str | None = None,
    timeout: float | None = None,
) -> Call[Changed]:
    """Sets these keys of the points' payloads, and keeps the others."""
    params = {**_choice(collection, ids, filter, all, op_key), "payload": payload_json(payload)}
    return Call("point.set_payload", params, reader(Changed), writes=True, timeout=timeout)


def replace_payload(
    collection: str,
    payload: Mapping[str, Any],
    ids: PointIDs | None = None,
    *,
    filter: FilterLike | None = None,
    all: bool = False,
    op_key: str | None = None,
    timeout: float | None = None,
) -> Call[Changed]:
    """Makes this the whole payload of the points."""
    params = {**_choice(collection, ids, filter, all, op_key), "payload": payload_json(payload)}
    return Call("point.replace_payload", params, reader(Changed), writes=True, timeout=timeout)


def delete_payload(
    collection: str,
    keys: Iterable[str],
    ids: PointIDs | None = None,
    *,
    filter: FilterLike | None = None,
    all: bool = False,
    op_key: str | None = None,
    timeout: float | None = None,
) -> Call[Changed]:
    """Takes these top-level keys out of the points' payloads."""
    params = {
        **_choice(collection, ids, filter, all, op_key),
        "keys": [keys] if isinstance(keys, str) else list(keys),
    }
    return Call("point.delete_payload", params, reader(Changed), writes=True, timeout=timeout)


def _vectors_of(point: Point) -> dict[str, Any]:
    if not (point.text is None and point.payload is None and point.if_version is None):
        raise InvalidArgument("only vectors can be set here; upsert writes whole points")
    return {"id": point_id(point.id), **vectors_json(point.vector, point.vectors)}


def set_vectors(
    collection: str,
    points: Iterable[Point],
    *,
    model: str | None = None,
    op_key: str | None = None,
    timeout: float | None = None,
) -> Call[Changed]:
    """Replaces vectors of points that are there: ``vector``, or those of ``vectors``, and nothing else of them."""
    encoded = [encoding.encode(json) for json in encoding.members("points", points, _vectors_of)]
    params = {"collection": collection, "model": model, "op_key": operation_key(op_key)}
    return Call(
        "point.set_vectors",
        params,
        reader(Changed),
        writes=True,
        timeout=timeout,
        encoded=("points", encoding.array(encoded)),
    )
