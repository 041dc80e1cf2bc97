"""Collections: ``collection.*``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..call import Call, Progress
from ..errors import AlreadyExists, NotFound, ServerError
from ..reading import reader
from .quality import RecallMeasurement, SpaceQuality
from .server import CollectionSummary
from .spaces import Durability, Space, spaces_json


@dataclass
class CreatedCollection:
    """``created`` is false when it was there already and ``exist_ok`` was given."""

    name: str
    lsn: int
    created: bool = True


@dataclass
class CollectionConfig:
    """The configuration as the server keeps it, ``vectors`` in the protocol's form."""

    vectors: dict[str, Any]
    durability: str
    text_key: str


@dataclass
class SegmentSpace:
    """A vector space within a segment: how many of its vectors are indexed, and what they are searched on."""

    name: str
    vectors: int
    indexed: int
    searched_on: str


@dataclass
class Segment:
    """Part of a collection. ``state``: growing, frozen or sealed. ``parts`` says what its bytes are for."""

    id: int
    state: str
    rows: int
    points: int
    bytes: int
    spaces: list[SegmentSpace]
    parts: dict[str, dict[str, int]] = field(default_factory=dict)


@dataclass
class Collection:
    """What there is to know about a collection."""

    name: str
    config: CollectionConfig
    points: int
    indexed_points: int
    segments: list[Segment]
    state: str
    bytes_on_disk: int
    bytes_in_memory: int
    lsn: int
    recall: list[RecallMeasurement] = field(default_factory=list)
    quality: list[SpaceQuality] = field(default_factory=list)


@dataclass
class CollectionList:
    """All collections."""

    collections: list[CollectionSummary]


@dataclass
class StartedJob:
    """``job`` is the id for ``get_job``, ``wait_for`` and ``cancel_job``."""

    job: str


@dataclass
class UpdatedCollection:
    """``job`` rebuilds what has to be; ``None`` if nothing has."""

    lsn: int
    job: str | None = None


def create_collection(
    name: str,
    vectors: Space | Mapping[str, Space],
    *,
    durability: Durability | None = None,
    text_key: str | None = None,
    exist_ok: bool = False,
    timeout: float | None = None,
) -> Call[CreatedCollection]:
    """Creates a collection with one space, or with several by name.

    durability  fsync (the default), os or memory: how safe a write is when it is answered
    text_key    the payload's key under which texts are kept; ``text`` by default
    exist_ok    a collection of that name is fine, however it is configured

    Raises ``AlreadyExists``.
    """

    def recover(error: ServerError) -> CreatedCollection:
        if exist_ok and isinstance(error, AlreadyExists):
            return CreatedCollection(name, 0, created=False)
        raise error

    params = {"name": name, "vectors": spaces_json(vectors), "durability": durability, "text_key": text_key}
    return Call(
        "collection.create", params, reader(CreatedCollection), exist_ok, writes=True, timeout=timeout, recover=recover
    )


def get_collection(
    collection: str, *, quality: bool = False, min_lsn: int | None = None, timeout: float | None = None
) -> Call[Collection]:
    """Configuration, counts, segments, measured recall; with ``quality`` also how good each space is, and was."""
    params = {"collection": collection, "quality": quality or None, "min_lsn": min_lsn}
    return Call("collection.get", params, reader(Collection), timeout=timeout)


def list_collections(*, timeout: float | None = None) -> Call[list[CollectionSummary]]:
    """All collections by name."""
    read = reader(CollectionList)
    return Call("collection.list", {}, lambda value: read(value).collections, timeout=timeout)


def update_collection(
    collection: str, *, quality_baseline: Literal["now"], timeout: float | None = None
) -> Call[UpdatedCollection]:
    """Makes the newest measurement of each space what its quality is compared with from now on."""
    params = {"collection": collection, "quality_baseline": quality_baseline}
    return Call("collection.update", params, reader(UpdatedCollection), writes=True, timeout=timeout)


def delete_collection(collection: str, *, missing_ok: bool = False, timeout: float | None = None) -> Call[bool]:
    """Deletes a collection with everything in it, and its aliases. False if there was none and ``missing_ok`` was given;
    otherwise that raises ``NotFound``."""

    def recover(error: ServerError) -> bool:
        if missing_ok and isinstance(error, NotFound):
            return False
        raise error

    params = {"collection": collection}
    return Call(
        "collection.delete", params, lambda value: True, missing_ok, writes=True, timeout=timeout, recover=recover
    )


def optimize(
    collection: str,
    *,
    wait: bool = False,
    progress: Progress | None = None,
    timeout: float | None = None,
) -> Call[StartedJob]:
    """Indexes every point and merges segments. With ``wait`` the answer comes when that is done (time-out: an hour unless
    given), and ``progress`` is called with phase, done and total meanwhile."""
    params = {"collection": collection, "wait": wait or None}
    return Call(
        "collection.optimize",
        params,
        reader(StartedJob),
        timeout=timeout or (3600.0 if wait else None),
        progress=progress,
    )
