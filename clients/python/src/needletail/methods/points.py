"""Writing, reading, counting and listing points: ``point.*`` less searching and partial changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from .. import encoding
from ..call import Call, operation_key
from ..filters import FilterLike
from ..points import Point, PointID, PointIDs, StoredPoint, encode_points
from ..reading import reader
from .parameters import ids_json, optional_filter, reading


@dataclass
class Upserted:
    """``lsn`` of the write, how durable it is, and how many points are new or replaced."""

    lsn: int
    durable: str
    created: int
    updated: int


@dataclass
class Deleted:
    """``lsn`` of the write, how durable it is, and how many points (or chunks) are gone."""

    lsn: int
    durable: str
    deleted: int


@dataclass
class FoundPoints:
    """Points in the order asked, and the ids that are not there."""

    points: list[StoredPoint]
    missing: list[PointID]


@dataclass
class Page:
    """Part of a scroll. ``cursor`` asks for the next page; ``None`` after the last one."""

    points: list[StoredPoint]
    cursor: str | None = None


@dataclass
class FacetValue:
    """How many points have this value."""

    value: str | int | float | bool
    count: int


@dataclass
class _Facet:
    values: list[FacetValue]


@dataclass
class _Count:
    count: int


def upsert(
    collection: str,
    points: Iterable[Point],
    *,
    if_absent: bool = False,
    model: str | None = None,
    op_key: str | None = None,
    timeout: float | None = None,
) -> Call[Upserted]:
    """Writes points, all or none; a point of the same id is replaced as a whole. More than a few thousand, or of unknown
    number: ``import_points``.

    if_absent  none of the points may be there already
    model      the model that the vectors come from, by name or fingerprint; compared
    op_key     the write is executed once, however often it is sent with this key within ten minutes; made up if absent

    Raises ``Conflict`` (with ``conflicts``), ``DimensionMismatch``, ``InvalidVector``, ``ModelMismatch``, ``NotFound``.
    """
    return upsert_encoded(
        collection, encode_points(points), if_absent=if_absent, model=model, op_key=op_key, timeout=timeout
    )


def upsert_encoded(
    collection: str,
    points: list[bytes],
    *,
    if_absent: bool = False,
    model: str | None = None,
    op_key: str | None = None,
    timeout: float | None = None,
) -> Call[Upserted]:
    """``upsert`` of points that are JSON already."""
    params = {
        "collection": collection,
        "if_absent": if_absent or None,
        "model": model,
        "op_key": operation_key(op_key),
    }
    return Call(
        "point.upsert",
        params,
        reader(Upserted),
        writes=True,
        timeout=timeout,
        encoded=("points", encoding.array(points)),
    )


def get(
    collection: str,
    ids: PointIDs,
    *,
    with_payload: bool | Sequence[str] = True,
    with_vector: bool = False,
    min_lsn: int | None = None,
    timeout: float | None = None,
) -> Call[FoundPoints]:
    """Points by id, each once, in the order asked.

    with_payload  all of it, nothing, or these top-level keys
    min_lsn       wait until this write is visible
    """
    params = {"collection": collection, "ids": ids_json(ids), **reading(with_payload, with_vector, min_lsn)}
    return Call("point.get", params, reader(FoundPoints), timeout=timeout)


def count(
    collection: str,
    *,
    filter: FilterLike | None = None,
    min_lsn: int | None = None,
    timeout: float | None = None,
) -> Call[int]:
    """How many points there are, or match; exact."""
    params = {"collection": collection, "filter": optional_filter(filter), "min_lsn": min_lsn}
    read = reader(_Count)
    return Call("point.count", params, lambda value: read(value).count, timeout=timeout)


def scroll_page(
    collection: str,
    *,
    filter: FilterLike | None = None,
    limit: int | None = None,
    order_by: str | None = None,
    direction: Literal["asc", "desc"] | None = None,
    cursor: str | None = None,
    with_payload: bool | Sequence[str] = True,
    with_vector: bool = False,
    min_lsn: int | None = None,
    timeout: float | None = None,
) -> Call[Page]:
    """One page of at most ``limit`` points (100), by id or in the order of the values at the key ``order_by``. All pages that
    follow each other by ``cursor`` show one moment. ``scroll`` does this by itself.

    Raises ``NotFound`` for a cursor that was not used for five minutes.
    """
    order = {"key": order_by, "direction": direction} if order_by is not None else None
    params = {
        "collection": collection,
        "filter": optional_filter(filter),
        "limit": limit,
        "order_by": order,
        "cursor": cursor,
        **reading(with_payload, with_vector, min_lsn),
    }
    return Call("point.scroll", params, reader(Page), timeout=timeout)


def facet(
    collection: str,
    key: str,
    *,
    filter: FilterLike | None = None,
    limit: int | None = None,
    min_lsn: int | None = None,
    timeout: float | None = None,
) -> Call[list[FacetValue]]:
    """How often each value at a key occurs, the most frequent first; exact. A keyword index on the key makes it
    fast."""
    params = {
        "collection": collection,
        "key": key,
        "filter": optional_filter(filter),
        "limit": limit,
        "min_lsn": min_lsn,
    }
    read = reader(_Facet)
    return Call("point.facet", params, lambda value: read(value).values, timeout=timeout)
