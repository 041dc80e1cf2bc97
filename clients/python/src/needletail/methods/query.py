"""What is searched for, and how: the parameters that all searches share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, Union

from ..errors import InvalidArgument
from ..filters import FilterLike
from ..points import PointID, point_id
from ..vectors import VectorLike, encode_vector, float32_array
from .parameters import optional_filter, reading


@dataclass(frozen=True)
class RankFusion:
    """Joins the ranking by vectors and that by words by places: 1 / (k + place); ``k`` is 60 unless given."""

    k: int | None = None

    def json(self) -> dict[str, Any]:
        return {"method": "rrf"} if self.k is None else {"method": "rrf", "k": self.k}


@dataclass(frozen=True)
class WeightedFusion:
    """Joins both rankings by their scores, brought to 0 ... 1, with a weight each."""

    vector: float
    text: float

    def json(self) -> dict[str, Any]:
        return {"method": "weighted", "vector": self.vector, "text": self.text}


Fusion: TypeAlias = Union[RankFusion, WeightedFusion]


@dataclass(frozen=True)
class Diversity:
    """Chooses hits one after the other, each for its relevance less its likeness to those chosen before. ``lambda_`` from 0
    (only unlike) to 1 (only relevant), 0.5 unless given, among so many ``candidates`` (100)."""

    lambda_: float | None = None
    candidates: int | None = None

    def json(self) -> dict[str, Any]:
        json = {"lambda": self.lambda_, "candidates": self.candidates}
        return {key: value for key, value in json.items() if value is not None}


@dataclass(frozen=True)
class SearchParams:
    """How hard to look: at most one of ``recall`` (0.5 to 0.999 for limits up to 100; 0.97 is the server's default), ``ef``
    (beam of the graph) and ``exact`` (compare every vector). ``rescore=False`` leaves scores estimated from quantized codes,
    ``oversampling`` (1 to 100) compares so many times the limit by originals."""

    recall: float | None = None
    ef: int | None = None
    exact: bool | None = None
    rescore: bool | None = None
    oversampling: float | None = None

    def json(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class Query:
    """A search among several of ``search_batch``; its members are the parameters of ``search``."""

    vector: VectorLike | None = None
    text: str | None = None
    point_id: PointID | None = None
    using: str | None = None
    limit: int | None = None
    offset: int | None = None
    score_threshold: float | None = None
    filter: FilterLike | None = None
    params: SearchParams | None = None
    fusion: Fusion | None = None
    keys: Sequence[str] | None = None
    mmr: Diversity | None = None
    with_payload: bool | Sequence[str] = True
    with_vector: bool = False
    explain: bool = False
    model: str | None = None

    @staticmethod
    def rows(matrix: VectorLike | Sequence[VectorLike], **parameters: Any) -> Iterator[Query]:
        """A query for each row of an array of shape ``(queries, dimensions)``; the other parameters hold for all of them."""
        return (Query(vector=row, **parameters) for row in float32_array(matrix, axes=2, at="matrix"))

    def json(self) -> dict[str, Any]:
        """The query as the protocol writes it. Raises ``InvalidArgument``."""
        if self.vector is None and self.text is None and self.point_id is None:
            raise InvalidArgument("nothing to search for: vector, text or point_id")
        if self.text is not None and not isinstance(self.text, str):
            raise InvalidArgument(f"a {type(self.text).__name__} in place of a string; vectors go into vector=", at="text")
        json = {
            "vector": None if self.vector is None else encode_vector(self.vector),
            "text": self.text,
            "point_id": None if self.point_id is None else point_id(self.point_id, at="point_id"),
            **self.options(),
        }
        return {key: value for key, value in json.items() if value is not None}

    def options(self) -> dict[str, Any]:
        """All but what is searched for. Raises ``InvalidArgument``."""
        for name, kinds in (("params", SearchParams), ("fusion", (RankFusion, WeightedFusion)), ("mmr", Diversity)):
            value = getattr(self, name)
            if value is not None and not isinstance(value, kinds):
                wanted = " or ".join(each.__name__ for each in (kinds if isinstance(kinds, tuple) else (kinds,)))
                raise InvalidArgument(f"a {type(value).__name__} in place of {wanted}", at=name)
        return {
            "using": self.using,
            "limit": self.limit,
            "offset": self.offset,
            "score_threshold": self.score_threshold,
            "filter": optional_filter(self.filter),
            "params": self.params.json() if self.params else None,
            "fusion": self.fusion.json() if self.fusion else None,
            "keys": [self.keys] if isinstance(self.keys, str) else self.keys and list(self.keys),
            "mmr": self.mmr.json() if self.mmr is not None else None,
            "explain": self.explain or None,
            "model": self.model,
            **reading(None if self.with_payload is True else self.with_payload, self.with_vector, None),
        }
