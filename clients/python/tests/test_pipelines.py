"""Several requests under way at once."""

from __future__ import annotations

import asyncio
import json
import select
import socket
import time
from typing import Any

import numpy as np
import pytest

from fakes import FakeServer, Peer, error, hello, result
from needletail import AsyncClient, Call, Client, ConnectionLost, DimensionMismatch, NotFound, Point, Space, TimedOut
from needletail.reading import reader
from needletail.results import Pong

PONG = {"now_ms": 5}
WRITTEN = {"lsn": 1, "durable": "fsync", "created": 1, "updated": 0}


@pytest.fixture
def blocking(server: Any) -> Any:
    with Client(server.address) as client:
        yield client


def test_answers_come_to_their_requests(blocking: Client, name: str) -> None:
    blocking.create_collection(name, Space(8), durability="os")
    matrix = np.random.default_rng(2).normal(size=(600, 8)).astype(np.float32)
    with blocking.pipeline() as pipeline:
        writes = [pipeline.upsert(name, [Point(index, row)]) for index, row in enumerate(matrix)]
        assert writes[-1].result().created == 1
        lsn = max(reply.result().lsn for reply in writes)
        reads = [pipeline.search(name, vector=row, limit=1, min_lsn=lsn) for row in matrix]
    assert all(reply.is_done for reply in reads)
    assert [reply.result()[0].id for reply in reads] == list(range(600))


def test_writes_are_applied_in_the_order_they_were_sent(blocking: Client, name: str) -> None:
    blocking.create_collection(name, Space(1, "dot"), durability="os")
    with blocking.pipeline() as pipeline:
        for index in range(300):
            pipeline.upsert(name, [Point(1, [index])])
    assert blocking.get(name, [1], with_vector=True).points[0].vector == np.array([299])


def test_an_error_concerns_its_request_only(blocking: Client, name: str) -> None:
    blocking.create_collection(name, Space(2))
    with blocking.pipeline() as pipeline:
        good = pipeline.upsert(name, [Point(1, [1, 0])])
        bad = pipeline.upsert(name, [Point(2, [1, 0, 0])])
        other = pipeline.upsert(name, [Point(3, [1, 0])])
        with pytest.raises(DimensionMismatch):
            bad.result()
    assert good.result().created == other.result().created == 1


def test_an_error_that_nobody_asked_for_is_raised_at_the_end(blocking: Client, name: str) -> None:
    with pytest.raises(NotFound, match=name):
        with blocking.pipeline() as pipeline:
            pipeline.upsert(name, [Point(1, [1])])


def test_an_exception_in_the_block_is_not_hidden(blocking: Client, name: str) -> None:
    with pytest.raises(KeyError):
        with blocking.pipeline() as pipeline:
            pipeline.upsert(name, [Point(1, [1])])
            raise KeyError
    assert blocking.ping().now_ms > 0


def test_a_broken_connection_costs_no_answer(fake: FakeServer) -> None:
    def breaks(peer: Peer) -> None:
        peer.say(hello())
        for _ in range(3):
            request = peer.hear()
            peer.say(result(request["id"], PONG))
        peer.hear()

    fake.plays(breaks)
    with Client(fake.address) as client, client.pipeline() as pipeline:
        replies = [pipeline.ping() for _ in range(20)]
        assert [reply.result().now_ms for reply in replies] == [5] * 20
    assert fake.connections >= 6


def test_what_must_not_be_repeated_fails_alone(fake: FakeServer) -> None:
    def breaks(peer: Peer) -> None:
        peer.say(hello())
        for _ in range(3):
            peer.hear()

    def answers(peer: Peer) -> None:
        peer.say(hello())
        for request in peer.requests():
            peer.say(result(request["id"], PONG if request["method"] == "server.ping" else WRITTEN))

    fake.plays(breaks, answers)
    with Client(fake.address) as client, client.pipeline() as pipeline:
        read = pipeline.ping()
        unrepeatable = pipeline.create_collection("c", Space(1))
        write = pipeline.upsert("c", [Point(1, [1])])
        assert read.result().now_ms == 5 and write.result().created == 1
        with pytest.raises(ConnectionLost) as caught:
            unrepeatable.result()
        assert caught.value.may_have_been_executed


def test_no_more_are_sent_than_the_server_takes(fake: FakeServer) -> None:
    most = 0

    def script(peer: Peer) -> None:
        nonlocal most
        peer.say(hello(in_flight=5))
        waiting: list[int] = []
        answered = 0
        peer.socket.setblocking(True)
        while len(waiting) < 12:
            # Everything that comes within a fifth of a second came without waiting for answers.
            while select.select([peer.socket], [], [], 0.2)[0]:
                waiting += [json.loads(text)["id"] for text in peer.socket.recv(1 << 16).splitlines()]
                most = max(most, len(waiting) - answered)
            for id in reversed(waiting[answered:]):
                peer.say(result(id, PONG))
            answered = len(waiting)

    fake.plays(script)
    with Client(fake.address) as client, client.pipeline() as pipeline:
        replies = [pipeline.ping() for _ in range(12)]
    assert [reply.result().now_ms for reply in replies] == [5] * 12
    assert most == 4


def test_a_refused_request_is_sent_again_while_others_go_on(fake: FakeServer) -> None:
    fake.answers(
        lambda request: error(request["id"], "loading", retryable=True, retry_after_ms=50)
        if len(fake.requests) == 2
        else result(request["id"], PONG)
    )
    with Client(fake.address) as client, client.pipeline() as pipeline:
        replies = [pipeline.ping() for _ in range(5)]
    assert [reply.result().now_ms for reply in replies] == [5] * 5
    assert len(fake.requests) == 6


def test_a_server_that_writes_before_it_reads_on_is_listened_to(fake: FakeServer) -> None:
    # Requests and answers beyond all buffers: a client that only wrote would wait for the server, and the server for it.
    def script(peer: Peer) -> None:
        peer.say(hello(line_bytes=1 << 24))
        for request in peer.requests():
            peer.say(result(request["id"], {"now_ms": 5, "filling": "x" * (12 << 20)}))

    fake.plays(script)
    with Client(fake.address, timeout=20) as client, client.pipeline() as pipeline:
        replies = [pipeline.call(Call("server.ping", {"filling": "x" * (12 << 20)}, reader(Pong))) for _ in range(5)]
    assert [reply.result().now_ms for reply in replies] == [5] * 5


def test_a_pipeline_into_silence_ends(fake: FakeServer) -> None:
    def script(peer: Peer) -> None:
        peer.say(hello())
        peer.wait_for_end()

    fake.plays(script)
    begun = time.monotonic()
    with Client(fake.address, timeout=0.3) as client, client.pipeline() as pipeline:
        for reply in [pipeline.ping() for _ in range(20)]:
            with pytest.raises(TimedOut):
                reply.result()
    assert time.monotonic() - begun < 10


def test_who_cannot_be_sent_in_time_does_not_take_the_others_along(fake: FakeServer) -> None:
    def stops_reading(peer: Peer) -> None:
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.say(hello(line_bytes=1 << 26))
        peer.hear()
        time.sleep(5)

    def answers(peer: Peer) -> None:
        peer.say(hello())
        for request in peer.requests():
            peer.say(result(request["id"], PONG))

    fake.plays(stops_reading, answers)
    with Client(fake.address, timeout=10) as client, client.pipeline() as pipeline:
        small = pipeline.ping()
        large = pipeline.embed(["x" * (32 << 20)], timeout=0.5)
        with pytest.raises(TimedOut):
            large.result()
        assert small.result().now_ms == 5


def test_a_task_that_gets_no_turn_times_out_by_itself(fake: FakeServer) -> None:
    def script(peer: Peer) -> None:
        peer.say(hello(in_flight=3))
        peer.wait_for_end()

    fake.plays(script)

    async def run() -> None:
        async with AsyncClient(fake.address) as client:
            held = [asyncio.ensure_future(client.ping(timeout=20)) for _ in range(2)]
            await asyncio.sleep(0.1)
            begun = time.monotonic()
            with pytest.raises(TimedOut, match="not sent"):
                await client.ping(timeout=0.2)
            assert time.monotonic() - begun < 5
            for task in held:
                task.cancel()

    asyncio.run(run())


def test_tasks_share_a_connection(server: Any, name: str) -> None:
    async def run() -> None:
        async with AsyncClient(server.address) as client:
            await client.create_collection(name, Space(4), durability="os")
            await asyncio.gather(*(client.upsert(name, [Point(id, [id, 1, 0, 0])]) for id in range(500)))
            assert await client.count(name) == 500
            found = await asyncio.gather(*(client.get(name, [id]) for id in range(500)))
            assert [each.points[0].id for each in found] == list(range(500))

    asyncio.run(run())


def test_tasks_beyond_the_limit_wait_or_time_out(fake: FakeServer) -> None:
    def script(peer: Peer) -> None:
        peer.say(hello(in_flight=3))
        peer.wait_for_end()

    fake.plays(script)

    async def run() -> None:
        async with AsyncClient(fake.address, timeout=0.4) as client:
            results = await asyncio.gather(*(client.ping() for _ in range(10)), return_exceptions=True)
            assert [type(each) for each in results] == [TimedOut] * 10

    asyncio.run(run())
