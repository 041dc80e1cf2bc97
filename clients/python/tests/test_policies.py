"""Addresses, retries, time-outs, errors, batches: small decisions by themselves."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import pytest

from needletail import errors
from needletail.address import Address
from needletail.batches import BatchCutter
from needletail.configuration import Configuration, deadline_ms
from needletail.conversation import Limits
from needletail.errors import KINDS, ConnectionFailed, ConnectionLost, InvalidArgument, NeedletailError, TimedOut
from needletail.retry import REFUSED, RetryPolicy


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("needletail://example.org:7000", "example.org", 7000),
        ("example.org:7000", "example.org", 7000),
        ("example.org", "example.org", 7700),
        ("needletail://[::1]:9/", "::1", 9),
        ("[::1]", "::1", 7700),
    ],
)
def test_addresses(text: str, host: str, port: int) -> None:
    assert Address.parse(text) == Address(host, port)


@pytest.mark.parametrize(
    "text", ["http://a", "a:", "a:0", "a:65536", "a:b", "::1", "[::1", "[::1]x", "", ":7700", "a/b", "u@h", "a:٣"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        Address.parse(text)
    assert caught.value.at == "url"


def test_without_an_address_the_environment_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEEDLETAIL_URL", "needletail://there:1")
    assert Address.parse(None) == Address("there", 1)
    monkeypatch.delenv("NEEDLETAIL_URL")
    assert Address.parse(None) == Address("127.0.0.1", 7700)


LOST = ConnectionLost("lost")


@pytest.mark.parametrize(
    ("error", "repeatable", "sent", "again"),
    [
        (LOST, True, True, True),
        (LOST, False, True, False),
        (LOST, False, False, True),
        (ConnectionFailed("no", retryable=True), False, False, True),
        (ConnectionFailed("no"), True, False, False),
        (TimedOut("late"), True, True, False),
        (errors.InvalidReply("odd"), True, True, False),
        *((KINDS[kind]("x", kind=kind), False, True, True) for kind in REFUSED),
        *((KINDS[kind]("x", kind=kind, retryable=True), True, True, False) for kind in KINDS.keys() - REFUSED),
    ],
)
def test_what_is_tried_again(error: NeedletailError, repeatable: bool, sent: bool, again: bool) -> None:
    delay = RetryPolicy().delay(error, attempt=1, repeatable=repeatable, sent=sent)
    assert (delay is not None) == again


def test_waits_double_with_jitter_and_respect_the_server() -> None:
    policy = RetryPolicy(attempts=100, initial=0.05, maximum=2.0)

    def waits(attempt: int, error: NeedletailError = LOST) -> list[float]:
        found = [policy.delay(error, attempt=attempt, repeatable=True, sent=True) for _ in range(200)]
        return [each for each in found if each is not None]

    assert 0.03 < max(waits(1)) <= 0.05
    assert 0.1 < max(waits(3)) <= 0.2
    assert 1.5 < max(waits(50)) <= 2.0
    assert min(waits(50)) < 0.3
    assert min(waits(1, errors.Overloaded("x", kind="overloaded", retry_after_ms=700))) == 0.7
    assert policy.delay(LOST, attempt=100, repeatable=True, sent=True) is None
    assert RetryPolicy(attempts=1).delay(LOST, attempt=1, repeatable=True, sent=True) is None


def test_the_server_is_told_a_little_less_than_the_patience() -> None:
    assert deadline_ms(1.0) == 900
    assert deadline_ms(30.0) == 29500
    assert deadline_ms(-3.0) == 1
    assert deadline_ms(math.inf) is None


@pytest.mark.parametrize("timeout", [0, -1, math.nan])
def test_a_time_out_without_time_is_refused(timeout: float) -> None:
    with pytest.raises(InvalidArgument):
        Configuration(Address("a", 1)).seconds(timeout)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_kind_of_error_has_its_class_and_survives_pickling(kind: str) -> None:
    data = {"kind": kind, "retryable": True, "at": "points[3]", "conflicts": [{"id": 1, "version": 7}]}
    error = errors.server_error({"code": -32000, "message": "m", "data": data})
    assert type(error) is KINDS[kind] and error.kind == kind
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (str(again), vars(again)) == (str(error), vars(error))
    assert error.conflicts == (errors.PointConflict(1, 7),)


def test_errors_are_also_what_python_calls_them() -> None:
    assert issubclass(ConnectionFailed, ConnectionError)
    assert issubclass(ConnectionLost, ConnectionError)
    assert issubclass(TimedOut, TimeoutError)
    assert issubclass(InvalidArgument, ValueError)
    assert str(pickle.loads(pickle.dumps(TimedOut("late")))) == "late"


LIMITS = Limits(line_bytes=10_000, in_flight=8, batch_points=6, dimensions=10, wait_ms=1)


def cut(cutter: BatchCutter, sizes: list[int]) -> list[tuple[int, int]]:
    batches: list[Any] = [cutter.add(index, b"x" * size) for index, size in enumerate(sizes)]
    return [(each.first, len(each.members)) for each in [*batches, cutter.rest()] if each is not None]


def test_batches_are_cut_by_count_by_bytes_and_by_the_limits_of_the_server() -> None:
    assert cut(BatchCutter(LIMITS, count=2, bytes=1000), [1] * 5) == [(0, 2), (2, 2), (4, 1)]
    assert cut(BatchCutter(LIMITS, count=100, bytes=1000), [1] * 13) == [(0, 6), (6, 6), (12, 1)]
    assert cut(BatchCutter(LIMITS, count=5, bytes=100), [60, 60, 30, 200, 1]) == [(0, 1), (1, 2), (3, 1), (4, 1)]
    assert cut(BatchCutter(LIMITS, count=6, bytes=1 << 30), [4000] * 3) == [(0, 1), (1, 1), (2, 1)]
    assert cut(BatchCutter(LIMITS, count=5, bytes=100), []) == []


def test_what_fits_into_no_line_is_refused_with_its_place() -> None:
    cutter = BatchCutter(LIMITS, count=5, bytes=100)
    cutter.add("a", b"x")
    with pytest.raises(InvalidArgument) as caught:
        cutter.add("b", b"x" * 10_000)
    assert caught.value.at == "[1]" and "'b'" in caught.value.message
    assert cutter.next_index == 1
