"""Searching: ``point.search``, ``.search_batch``, ``.search_groups``, ``.recommend``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .. import encoding
from ..call import Call
from ..filters import FilterLike
from ..points import Hit, PointID, PointIDs
from ..reading import reader
from ..vectors import VectorLike
from .parameters import ids_json
from .query import Diversity, Fusion, Query, SearchParams


@dataclass
class SearchResult:
    """Hits, the best first; iterating over the result gives them.

    complete  false when part of the data could not be consulted (a quarantined segment)
    strategy  graph, exact, filtered_graph or mixed
    took_us   microseconds on the server
    lsn       the newest write that the search saw
    """

    points: list[Hit]
    complete: bool
    strategy: str
    took_us: int
    lsn: int
    explain: dict[str, Any] | None = None

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.points)

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, index: int) -> Hit:
        return self.points[index]


@dataclass
class Group:
    """The nearest points that have this value."""

    value: str | int | float | bool
    points: list[Hit]


@dataclass
class GroupedResult:
    """Groups in the order of their nearest points; iterating over the result gives them."""

    groups: list[Group]
    complete: bool
    strategy: str
    took_us: int
    lsn: int
    explain: dict[str, Any] | None = None

    def __iter__(self) -> Iterator[Group]:
        return iter(self.groups)

    def __len__(self) -> int:
        return len(self.groups)


@dataclass
class _Batch:
    results: list[SearchResult]


def search(
    collection: str,
    text: str | None = None,
    *,
    vector: VectorLike | None = None,
    point_id: PointID | None = None,
    limit: int | None = None,
    offset: int | None = None,
    filter: FilterLike | None = None,
    score_threshold: float | None = None,
    using: str | None = None,
    params: SearchParams | None = None,
    fusion: Fusion | None = None,
    keys: Sequence[str] | None = None,
    mmr: Diversity | None = None,
    with_payload: bool | Sequence[str] = True,
    with_vector: bool = False,
    explain: bool = False,
    model: str | None = None,
    min_lsn: int | None = None,
    timeout: float | None = None,
) -> Call[SearchResult]:
    """The nearest points to a text (embedded by the server's model), to a vector, or to a point that is there: exactly one of
    them, but with ``fusion`` a vector or point may stand beside ``text``.

    limit, offset    1 to 10,000 (10 unless given), and how many to skip
    score_threshold  no worse scores than this
    using            the space, where there are several
    params           how hard to look
    fusion, keys     hybrid search: the words of ``text`` in these keys count too (by default, in all with a text index)
    mmr              diverse hits
    with_payload     all of it, nothing, or these top-level keys
    explain          also say how the answer was found
    model            the model that the vector comes from, by name or fingerprint; compared
    min_lsn          wait until this write is visible

    Raises ``NotFound``, ``DimensionMismatch``, ``ModelMismatch``, ``InvalidVector``, ``InvalidParams``.
    """
    query = Query(
        vector, text, point_id, using, limit, offset, score_threshold, filter, params, fusion, keys, mmr,
        with_payload, with_vector, explain, model,
    )  # fmt: skip
    sent = {"collection": collection, **query.json(), "min_lsn": min_lsn}
    return Call("point.search", sent, reader(SearchResult), timeout=timeout)


def search_batch(
    collection: str, queries: Iterable[Query], *, min_lsn: int | None = None, timeout: float | None = None
) -> Call[list[SearchResult]]:
    """Several searches at once, all or none; ``Query.rows`` makes them of a matrix."""
    searches = encoding.members("searches", queries, Query.json)
    read = reader(_Batch)
    sent = {"collection": collection, "searches": searches, "min_lsn": min_lsn}
    return Call("point.search_batch", sent, lambda value: read(value).results, timeout=timeout)


def search_groups(
    collection: str,
    *,
    group_by: str,
    group_size: int | None = None,
    text: str | None = None,
    vector: VectorLike | None = None,
    point_id: PointID | None = None,
    limit: int | None = None,
    offset: int | None = None,
    filter: FilterLike | None = None,
    score_threshold: float | None = None,
    using: str | None = None,
    params: SearchParams | None = None,
    with_payload: bool | Sequence[str] = True,
    with_vector: bool = False,
    explain: bool = False,
    model: str | None = None,
    min_lsn: int | None = None,
    timeout: float | None = None,
) -> Call[GroupedResult]:
    """The nearest points of each of the values at the key ``group_by`` that have the nearest ones: ``limit`` groups of at most
    ``group_size`` (3) points. The other parameters are those of ``search``."""
    query = Query(
        vector, text, point_id, using, limit, offset, score_threshold, filter, params,
        with_payload=with_payload, with_vector=with_vector, explain=explain, model=model,
    )  # fmt: skip
    sent = {
        "collection": collection,
        **query.json(),
        "group_by": group_by,
        "group_size": group_size,
        "min_lsn": min_lsn,
    }
    return Call("point.search_groups", sent, reader(GroupedResult), timeout=timeout)


def recommend(
    collection: str,
    positive: PointIDs,
    negative: PointIDs = (),
    *,
    text: str | None = None,
    limit: int | None = None,
    offset: int | None = None,
    filter: FilterLike | None = None,
    score_threshold: float | None = None,
    using: str | None = None,
    params: SearchParams | None = None,
    fusion: Fusion | None = None,
    keys: Sequence[str] | None = None,
    mmr: Diversity | None = None,
    with_payload: bool | Sequence[str] = True,
    with_vector: bool = False,
    explain: bool = False,
    min_lsn: int | None = None,
    timeout: float | None = None,
) -> Call[SearchResult]:
    """Points like these and unlike those, by id; the examples themselves are left out. ``text`` goes with ``fusion`` only. The
    other parameters are those of ``search``."""
    query = Query(
        None, text, None, using, limit, offset, score_threshold, filter, params, fusion, keys, mmr,
        with_payload, with_vector, explain,
    )  # fmt: skip
    sent = {
        "collection": collection,
        "positive": ids_json(positive),
        "negative": ids_json(negative) or None,
        "text": text,
        **query.options(),
        "min_lsn": min_lsn,
    }
    return Call("point.recommend", sent, reader(SearchResult), timeout=timeout)
