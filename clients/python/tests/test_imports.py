"""Importing streams, whatever happens on the way."""

from __future__ import annotations

import asyncio
import pathlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import numpy as np
import pytest

from fakes import CuttingProxy, FakeServer, error, hello, result
from needletail import AsyncClient, Document, ImportFailed, InvalidArgument, Point, Space, TimedOut

WRITTEN = {"lsn": 1, "durable": "fsync", "created": 1, "updated": 0}


@pytest.fixture
def collection(client: Any, name: str) -> str:
    client.create_collection(name, Space(4, "dot"), durability="os")
    return name


def points(count: int, start: int = 0) -> Iterator[Point]:
    for id in range(start, start + count):
        yield Point(id, np.array([id, 1, 0, 0], np.float32), payload={"n": id})


def test_a_stream_of_points(client: Any, collection: str) -> None:
    seen: list[int] = []
    imported = client.import_points(
        collection, points(1234), batch_count=100, in_flight=3, progress=lambda so_far: seen.append(so_far.acknowledged)
    )
    assert (imported.acknowledged, imported.created, imported.updated, imported.durable) == (1234, 1234, 0, "os")
    assert seen == [*range(100, 1300, 100), 1234]
    assert client.count(collection) == 1234
    again = client.import_points(collection, points(10))
    assert (again.created, again.updated) == (0, 10) and again.lsn > imported.lsn


def test_a_stream_of_none(client: Any, collection: str) -> None:
    assert client.import_points(collection, []).acknowledged == 0


def test_the_later_of_two_points_stays(client: Any, collection: str) -> None:
    stream = (Point(7, [index, 0, 0, 0]) for index in range(300))
    client.import_points(collection, stream, batch_count=10, in_flight=8)
    assert client.get(collection, [7], with_vector=True).points[0].vector.tolist() == [299, 0, 0, 0]


def test_the_source_is_asked_only_as_points_are_acknowledged(client: Any, collection: str) -> None:
    asked = 0
    most = 0

    def source() -> Iterator[Point]:
        nonlocal asked
        for point in points(2000):
            asked += 1
            yield point

    def progress(so_far: Any) -> None:
        nonlocal most
        most = max(most, asked - so_far.acknowledged)

    client.import_points(collection, source(), batch_count=50, in_flight=2, progress=progress)
    assert most <= 4 * 50


def test_a_refused_point_is_named_and_what_came_before_is_there(client: Any, collection: str) -> None:
    def source() -> Iterator[Point]:
        yield from points(250)
        yield Point("bad", [1, 2])
        yield from points(5000, start=1000)

    with pytest.raises(ImportFailed) as caught:
        client.import_points(collection, source(), batch_count=100, in_flight=2)
    failure = caught.value
    assert (failure.id, failure.first_unacknowledged, failure.cause.kind) == ("bad", 200, "dimension_mismatch")
    assert failure.progress.acknowledged >= 200 and failure.__cause__ is failure.cause
    assert "'bad'" in str(failure) and "points[50].vector" in str(failure)
    assert client.count(collection) == failure.progress.acknowledged < 1000


def test_a_malformed_point_stops_the_import_with_its_place(client: Any, collection: str) -> None:
    stream = [*points(5), Point(5, [np.nan, 0, 0, 0]), *points(5, start=6)]
    with pytest.raises(ImportFailed, match=r"\[5\].vector\[0\]") as caught:
        client.import_points(collection, stream)
    assert (caught.value.first_unacknowledged, caught.value.progress.acknowledged) == (5, 5)
    assert client.count(collection) == 5


def test_an_error_of_the_source_comes_through(client: Any, collection: str) -> None:
    def source() -> Iterator[Point]:
        yield from points(10)
        raise KeyError("source")

    with pytest.raises(KeyError, match="source"):
        client.import_points(collection, source(), batch_count=3)
    assert client.ping().now_ms > 0


def test_senseless_batches_are_refused(client: Any, collection: str) -> None:
    for wrong in ({"in_flight": 0}, {"batch_count": 0}, {"batch_bytes": 0}):
        with pytest.raises((InvalidArgument, ImportFailed)):
            client.import_points(collection, points(1), **wrong)


def test_batches_whose_answer_was_lost_are_applied_once(connect: Any, server: Any, name: str) -> None:
    proxy = CuttingProxy(server.address, cuts=3)
    try:
        client = connect(proxy.address)
        connect(server.address).create_collection(name, Space(4))
        imported = client.import_points(name, points(1000, start=1), batch_count=100, in_flight=4)
        # Executed a second time, the points of a batch would count as updated.
        assert (imported.created, imported.updated, imported.acknowledged) == (1000, 0, 1000)
        assert proxy.connections == 4 and client.count(name) == 1000
    finally:
        proxy.close()


def test_what_was_under_way_is_sent_again_in_its_order(connect: Any, fake: FakeServer) -> None:
    first: list[int] = []
    again: list[int] = []

    def breaks(peer: Any) -> None:
        peer.say(hello())
        for request in peer.requests():
            if request["method"] == "server.ping":
                peer.say(result(request["id"], {"now_ms": 1}))
                continue
            first.append(request["params"]["points"][0]["id"])
            if len(first) == 6:
                return

    def answers(peer: Any) -> None:
        peer.say(hello())
        for request in peer.requests():
            again.append(request["params"]["points"][0]["id"])
            peer.say(result(request["id"], WRITTEN))

    fake.plays(breaks, answers)
    imported = connect(fake.address).import_points("c", points(40), batch_count=1, in_flight=6)
    assert imported.acknowledged == 40
    assert first == list(range(6)) and again == list(range(40))


def test_an_overloaded_server_gets_the_batch_again(connect: Any, fake: FakeServer) -> None:
    fake.answers(
        lambda request: error(request["id"], "overloaded", retryable=True, retry_after_ms=1)
        if len(fake.requests) in (2, 3)
        else result(request["id"], {"now_ms": 1} if request["method"] == "server.ping" else WRITTEN)
    )
    imported = connect(fake.address).import_points("c", points(10), batch_count=1, in_flight=2)
    assert imported.acknowledged == 10
    keys = [each["params"]["op_key"] for each in fake.requests if each["method"] == "point.upsert"]
    assert (len(keys), len(set(keys))) == (12, 10)


def test_an_import_into_a_server_that_died_says_where_to_go_on(connect: Any, fake: FakeServer) -> None:
    def script(peer: Any) -> None:
        peer.say(hello())
        for request in peer.requests():
            if request["method"] == "server.ping":
                peer.say(result(request["id"], {"now_ms": 1}))
            elif request["method"] == "point.upsert" and request["params"]["points"][0]["id"] < 30:
                peer.say(result(request["id"], WRITTEN))

    fake.plays(script)
    with pytest.raises(ImportFailed) as caught:
        connect(fake.address).import_points("c", points(100), batch_count=10, in_flight=2, timeout=0.3)
    failure = caught.value
    assert isinstance(failure.cause, TimedOut) and failure.may_have_been_executed
    assert (failure.first_unacknowledged, failure.progress.acknowledged) == (30, 30)


def test_an_asynchronous_source(server: Any, name: str) -> None:
    async def source() -> AsyncIterator[Point]:
        for point in points(120):
            await asyncio.sleep(0)
            yield point

    async def run() -> None:
        async with AsyncClient(server.address) as client:
            await client.create_collection(name, Space(4))
            imported = await client.import_points(name, source(), batch_count=50)
            assert (imported.acknowledged, await client.count(name)) == (120, 120)

    asyncio.run(run())


def test_a_file_that_is_no_utf8_is_named(tmp_path: pathlib.Path) -> None:
    (tmp_path / "latin.txt").write_bytes("café".encode("latin-1"))
    with pytest.raises(InvalidArgument, match="latin.txt is not UTF-8: byte 3"):
        Document.from_file(tmp_path / "latin.txt")


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.md").write_bytes("\ufeff# A\r\n".encode())
    document = Document.from_file(tmp_path / "a.md", root=tmp_path)
    assert (document.id, document.text, document.format) == ("a.md", "# A\r\n", "markdown")


@pytest.mark.usefixtures("needs_model")
def test_a_folder_of_texts(client: Any, name: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "a.txt").write_bytes("\ufeffThe cat sleeps.\r\nIt dreams.".encode())
    (tmp_path / "below" / "b.md").write_text("# Engines\nA diesel engine has no spark plug.\n", encoding="utf-8")
    client.create_collection(name, Space(model="all-MiniLM-L6-v2"))

    def documents() -> Iterator[Document]:
        return (Document.from_file(each, root=tmp_path) for each in sorted(tmp_path.rglob("*.*")))

    imported = client.import_documents(name, documents(), batch_count=1)
    assert (imported.acknowledged, imported.chunks, imported.embedded) == (2, 2, 2)
    again = client.import_documents(name, documents())
    assert (again.acknowledged, again.embedded, again.unchanged) == (2, 0, 2)
    hit = client.search(name, text="motor", limit=1)[0]
    assert (hit.payload["document_id"], hit.payload["heading_path"]) == ("below/b.md", ["Engines"])
    assert client.get_document(name, "a.txt").points[0].payload["text"] == "The cat sleeps.\r\nIt dreams."
