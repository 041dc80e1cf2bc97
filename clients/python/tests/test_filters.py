"""Filters built with operators are those of the protocol."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from needletail import Condition, Field, at_least, has_id
from needletail.encoding import encode
from needletail.filters import filter_json

LANG = {"key": "lang", "match": {"value": "en"}}
YEAR = {"key": "year", "range": {"gte": 2000}}


@pytest.mark.parametrize(
    ("condition", "json"),
    [
        (Field("lang") == "en", LANG),
        (Field("lang").equals("en"), LANG),
        (Field("lang") != "en", {"must_not": [LANG]}),
        (Field("lang").any("en", "de"), {"key": "lang", "match": {"any": ["en", "de"]}}),
        (Field("lang").not_in("en"), {"key": "lang", "match": {"except": ["en"]}}),
        (Field("year") >= 2000, YEAR),
        (Field("year") > 1, {"key": "year", "range": {"gt": 1}}),
        (Field("year") < 1, {"key": "year", "range": {"lt": 1}}),
        (Field("year") <= 1.5, {"key": "year", "range": {"lte": 1.5}}),
        (2000 <= Field("year"), YEAR),
        (Field("year").between(1, 2), {"key": "year", "range": {"gte": 1, "lte": 2}}),
        (Field("t").words("a b"), {"key": "t", "match": {"text": "a b"}}),
        (Field("t").phrase("a b"), {"key": "t", "match": {"phrase": "a b"}}),
        (Field("t").prefix("a"), {"key": "t", "match": {"prefix": "a"}}),
        (Field("t").is_null(), {"is_null": "t"}),
        (Field("t").is_empty(), {"is_empty": "t"}),
        (Field("t").count(at_least=1, at_most=3), {"key": "t", "values_count": {"gte": 1, "lte": 3}}),
        (has_id(1, "a"), {"has_id": [1, "a"]}),
        (at_least(1, Field("lang") == "en"), {"min_should": {"conditions": [LANG], "min_count": 1}}),
        (Field("a").nested(Field("lang") == "en"), {"nested": {"key": "a", "filter": {"must": [LANG]}}}),
        (
            Field("p").within((50, 8), 10),
            {"key": "p", "geo_radius": {"center": {"lat": 50, "lon": 8}, "radius_m": 10}},
        ),
        (
            Field("p").in_box((2, 1), (1, 2)),
            {"key": "p", "geo_box": {"top_left": {"lat": 2, "lon": 1}, "bottom_right": {"lat": 1, "lon": 2}}},
        ),
        (
            Field("p").in_polygon([(0, 0)], [(1, 1)]),
            {"key": "p", "geo_polygon": {"exterior": [{"lat": 0, "lon": 0}], "interiors": [[{"lat": 1, "lon": 1}]]}},
        ),
        ((Field("year") >= 2000) & (Field("lang") == "en"), {"must": [YEAR, LANG]}),
        ((Field("year") >= 2000) | (Field("lang") == "en"), {"should": [YEAR, LANG]}),
        (~(Field("lang") == "en"), {"must_not": [LANG]}),
    ],
)
def test_conditions(condition: Condition, json: dict[str, Any]) -> None:
    assert condition.json == json


def test_chains_are_flat_and_mixtures_nest() -> None:
    a, b, c = Field("a") == 1, Field("b") == 2, Field("c") == 3
    assert (a & b & c).json == {"must": [a.json, b.json, c.json]}
    assert ((a | b) & ~c).json == {"must": [{"should": [a.json, b.json]}, {"must_not": [c.json]}]}


def test_a_single_condition_becomes_a_whole_filter() -> None:
    assert filter_json(Field("lang") == "en") == {"must": [LANG]}
    assert filter_json(~(Field("lang") == "en")) == {"must_not": [LANG]}
    assert filter_json({"must": [LANG]}) == {"must": [LANG]}


def test_what_python_would_get_wrong_is_an_error() -> None:
    with pytest.raises(TypeError, match="&"):
        (Field("a") == 1) and (Field("b") == 2)
    with pytest.raises(TypeError, match="chain"):
        1 < Field("a") < 5
    with pytest.raises(TypeError):
        Field("a") >= 2000 & Field("b").any(1)  # type: ignore[operator]


def test_date_times_are_written_with_their_zone() -> None:
    moment = datetime(2024, 2, 3, 4, 5, 6, tzinfo=timezone.utc)
    assert encode((Field("at") > moment).json) == b'{"key":"at","range":{"gt":"2024-02-03T04:05:06+00:00"}}'
