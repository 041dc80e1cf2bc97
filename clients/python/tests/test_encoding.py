"""Requests as text: values of Python and NumPy, and what cannot be written."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import numpy as np
import pytest

from needletail import Field, Point, Query
from needletail.call import Call, nothing
from needletail.encoding import encode
from needletail.errors import InvalidArgument
from needletail.filters import filter_json
from needletail.methods.parameters import ids_json
from needletail.methods.spaces import spaces_json
from needletail.points import encode_point, encode_points, point_id


def odd(value: Any) -> Any:
    """A value that type checkers are not to look at."""
    return value


def test_numpy_values_and_date_times_are_written_as_json() -> None:
    value = {"a": np.float32(0.5), "b": np.int64(7), "c": np.array([[1, 2]]), "d": np.bool_(True), "ü": "ö"}
    assert json.loads(encode(value)) == {"a": 0.5, "b": 7, "c": [[1, 2]], "d": True, "ü": "ö"}
    assert encode({"at": datetime(2024, 1, 1, tzinfo=timezone.utc)}) == b'{"at":"2024-01-01T00:00:00+00:00"}'


def circle() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (float("nan"), "JSON compliant"),
        (np.float32("inf"), "JSON compliant"),
        ({1, 2}, "list"),
        (b"bytes", "bytes"),
        (object(), "object"),
        ("\ud800", "surrogate"),
        (datetime(2024, 1, 1), "time zone"),
        ({(1, 2): 3}, "keys"),
        (circle(), "Circular"),
    ],
)
def test_what_is_no_json_is_refused_with_its_place(value: Any, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words) as caught:
        encode({"payload": value}, at="payload")
    assert caught.value.at == "payload"


def test_a_line_holds_what_was_given_and_nothing_absent() -> None:
    call = Call("point.upsert", {"collection": "c", "model": None}, nothing, encoded=("points", b'[{"id":1}]'))
    text = call.line(7, 900)
    assert text.endswith(b"\n") and text.count(b"\n") == 1
    assert json.loads(text) == {
        "jsonrpc": "2.0",
        "id": 7,
        "method": "point.upsert",
        "params": {"collection": "c", "deadline_ms": 900, "points": [{"id": 1}]},
    }
    assert json.loads(Call("a.b", {}, nothing, encoded=("x", b"[]")).line(1, None))["params"] == {"x": []}


@pytest.mark.parametrize("value", [0, 1, 2**64 - 1, "a", "1"])
def test_ids(value: Any) -> None:
    assert point_id(value) == value


def test_ids_of_numpy_become_those_of_python() -> None:
    assert type(point_id(np.uint64(2**64 - 1))) is int
    assert type(point_id(np.str_("a"))) is str


@pytest.mark.parametrize("value", [-1, 2**64, 1.0, True, np.True_, None, b"a", (1,)])
def test_what_is_no_id_is_refused(value: Any) -> None:
    with pytest.raises(InvalidArgument):
        point_id(value)


def test_a_point_with_everything() -> None:
    point = Point(
        1,
        vectors={"title": [1.0]},
        text="t",
        payload={"k": 1},
        if_version=0,
        expires_at=datetime(2024, 1, 1, tzinfo=timezone.utc),
    )
    assert json.loads(encode_point(point)) == {
        "id": 1,
        "vectors": {"title": "AACAPw=="},
        "text": "t",
        "payload": {"k": 1},
        "if_version": 0,
        "expires_at": 1704067200000,
    }


@pytest.mark.parametrize(
    ("point", "at"),
    [
        (Point(1), "points[1].vector"),
        (Point(1, vector=[np.nan]), "points[1].vector[0]"),
        (Point(1, vectors={"a": []}), "points[1].vectors.a"),
        (Point(-1, vector=[1]), "points[1].id"),
        (Point(1, vector=[1], payload={"a": {1}}), "points[1].payload"),
        (Point(1, vector=[1], expires_at=datetime(2024, 1, 1)), "points[1].expires_at"),
        ({"id": 1, "vector": [1]}, "points[1]"),
        (Point(1, vectors=odd([1, 2])), "points[1].vectors"),
        (Point(1, vector=[1], payload=odd(["a"])), "points[1].payload"),
    ],
)
def test_a_wrong_point_is_refused_with_its_place(point: Any, at: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        encode_points([Point(0, vector=[1]), point])
    assert caught.value.at == at


def test_rows_of_a_matrix_become_points() -> None:
    points = list(Point.rows(np.array([5, 6]), np.eye(2), [{"a": 1}, {"a": 2}]))
    assert [json.loads(encode_point(each))["id"] for each in points] == [5, 6]
    assert points[1].payload == {"a": 2}
    with pytest.raises(InvalidArgument, match="3 of them for 2 rows"):
        Point.rows([1, 2, 3], np.eye(2))
    with pytest.raises(InvalidArgument, match="payloads"):
        Point.rows([1, 2], np.eye(2), [{}])


@pytest.mark.parametrize(
    ("make", "at", "words"),
    [
        (lambda: spaces_json(odd("cosine")), "vectors", "no Space"),
        (lambda: spaces_json(odd({"size": 3})), "vectors", "no Space"),
        (lambda: filter_json(odd(Field("a"))), "filter", "says nothing yet"),
        (lambda: filter_json(odd([Field("a") == 1])), "filter", "list"),
        (lambda: filter_json(odd("a=1")), "filter", "str"),
        (lambda: Query([1], params=odd({"exact": True})).json(), "params", "SearchParams"),
        (lambda: Query([1], mmr=odd(0.5)).json(), "mmr", "Diversity"),
        (lambda: Query([1], fusion=odd("rrf")).json(), "fusion", "RankFusion or WeightedFusion"),
        (lambda: Query(text=odd([1.0])).json(), "text", "vector="),
        (lambda: ids_json(odd([1, None])), "ids[1]", "None"),
        (lambda: ids_json(odd(None)), "ids[0]", "None"),
    ],
)
def test_parameters_of_the_wrong_kind_are_named(make: Any, at: str, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words) as caught:
        make()
    assert caught.value.at == at


def test_one_id_is_as_good_as_several() -> None:
    assert [ids_json(odd(each)) for each in (7, "abc", ["a", 1], np.array([1, 2]), (n for n in (3, 4)))] == [
        [7], ["abc"], ["a", 1], [1, 2], [3, 4]
    ]  # fmt: skip
