"""Servers that are slow, silent, talk nonsense or go away: a clear error or another attempt, and never a hang."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import pathlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from conftest import RunningServer
from fakes import CuttingProxy, FakeServer, Peer, error, hello, line, result
from needletail import (
    AsyncClient,
    Client,
    ConnectionFailed,
    ConnectionLost,
    InvalidArgument,
    InvalidReply,
    Point,
    RetryPolicy,
    Space,
    TimedOut,
)
from needletail.errors import ClientClosed, Forbidden, Overloaded, Unauthenticated

ONCE = RetryPolicy(attempts=1)
PONG = {"now_ms": 5}
WRITTEN = {"lsn": 1, "durable": "fsync", "created": 1, "updated": 0}


def says(text: bytes, greeting: bytes | None = None) -> Any:
    """A script: greets, hears a request, says this, and waits for the client to go."""

    def script(peer: Peer) -> None:
        peer.say(hello() if greeting is None else greeting)
        peer.hear()
        peer.say(text)
        peer.wait_for_end()

    return script


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        (b"garbage\n", InvalidReply, "garbage"),
        (b"\x00\xff\n", InvalidReply, "no answer"),
        (result(99, PONG), InvalidReply, "99"),
        (b"x" * 150_000, InvalidReply, "longer than"),
        (b"[" * 50_000 + b"]" * 40_000 + b"\n", InvalidReply, "no answer"),
        (result(1, {"now_ms": "five"}), InvalidReply, "server.ping is malformed: result.now_ms: not an integer"),
        (result(1, None), InvalidReply, "not an object"),
        (line({"id": 1, "error": {"code": 1}}), InvalidReply, "no message"),
    ],
)
def test_nonsense_is_an_error(connect: Any, fake: FakeServer, text: bytes, kind: Any, words: str) -> None:
    fake.plays(says(text))
    with pytest.raises(kind, match=words):
        connect(fake.address, timeout=10).ping()


@pytest.mark.parametrize(
    ("text", "words"),
    [(b"HTTP/1.1 400 Bad\r\n\r\n", "HTTP/1.1 400"), (b"y" * 70_000, "no greeting"), (b"{}\n", "no Needletail")],
)
def test_another_kind_of_server_is_recognised(connect: Any, fake: FakeServer, text: bytes, words: str) -> None:
    fake.plays(says(b"", greeting=text))
    with pytest.raises(InvalidReply, match=words):
        connect(fake.address, timeout=10).ping()


def test_a_silent_server_ends_in_a_time_out(connect: Any, fake: FakeServer) -> None:
    fake.plays(lambda peer: peer.wait_for_end())
    begun = time.monotonic()
    with pytest.raises(TimedOut, match="no greeting"):
        connect(fake.address, timeout=0.3).ping()
    assert time.monotonic() - begun < 3


def test_a_server_that_does_not_answer_ends_in_a_time_out(connect: Any, fake: FakeServer) -> None:
    fake.plays(says(b""))
    client = connect(fake.address, timeout=0.3)
    with pytest.raises(TimedOut) as read:
        client.ping()
    assert not read.value.may_have_been_executed
    with pytest.raises(TimedOut) as write:
        client.upsert("c", [Point(1, [1])])
    assert write.value.may_have_been_executed


def test_a_server_that_does_not_read_ends_in_a_time_out(connect: Any, fake: FakeServer) -> None:
    def script(peer: Peer) -> None:
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.say(hello(line_bytes=1 << 28))
        time.sleep(8)

    fake.plays(script)
    begun = time.monotonic()
    client = connect(fake.address, timeout=0.5)
    with pytest.raises(TimedOut):
        client.embed(["x" * (32 << 20)])
    client.close()
    assert time.monotonic() - begun < 5


def test_nobody_listening_is_said_at_once(connect: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    begun = time.monotonic()
    with pytest.raises(ConnectionFailed, match=address):
        connect(address).ping()
    assert time.monotonic() - begun < 3


def test_a_connection_that_ends_in_the_middle_of_an_answer_is_said_so(connect: Any, fake: FakeServer) -> None:
    def script(peer: Peer) -> None:
        peer.say(hello())
        peer.hear()
        peer.say(b'{"jsonrpc":"2.0","id":1,"res')

    fake.plays(script)
    with pytest.raises(ConnectionLost, match="in the middle of an answer"):
        connect(fake.address, retry=ONCE).ping()


def closes_after_hearing(peer: Peer) -> None:
    peer.say(hello())
    peer.hear()


def answering(value: Any) -> Any:
    def script(peer: Peer) -> None:
        peer.say(hello())
        for request in peer.requests():
            peer.say(result(request["id"], value))

    return script


def test_reads_are_asked_again_over_a_new_connection(connect: Any, fake: FakeServer) -> None:
    fake.plays(closes_after_hearing, closes_after_hearing, answering(PONG))
    assert connect(fake.address).ping().now_ms == 5
    assert fake.connections == 3


def test_a_server_that_always_breaks_off_is_not_overrun(connect: Any, fake: FakeServer) -> None:
    fake.plays(closes_after_hearing)
    with pytest.raises(ConnectionLost):
        connect(fake.address, timeout=1.0, retry=RetryPolicy(attempts=10_000)).ping()
    assert 3 <= fake.connections < 60


def test_creating_a_collection_is_not_repeated_when_nobody_knows(connect: Any, fake: FakeServer) -> None:
    fake.plays(closes_after_hearing, answering({"name": "c", "lsn": 0}))
    client = connect(fake.address)
    with pytest.raises(ConnectionLost) as caught:
        client.create_collection("c", Space(1))
    assert caught.value.may_have_been_executed and fake.connections == 1
    assert client.create_collection("c", Space(1)).name == "c"


def test_with_exist_ok_creating_may_be_repeated(connect: Any, fake: FakeServer) -> None:
    fake.plays(closes_after_hearing, answering({"name": "c", "lsn": 0}))
    assert connect(fake.address).create_collection("c", Space(1), exist_ok=True).name == "c"


def test_a_write_whose_answer_was_lost_happens_once(connect: Any, server: Any, name: str) -> None:
    direct = connect(server.address)
    direct.create_collection(name, Space(2))
    proxy = CuttingProxy(server.address, cuts=2)
    try:
        written = connect(proxy.address).upsert(name, [Point(1, [1, 0])])
        assert (written.created, written.updated, proxy.connections) == (1, 0, 3)
        assert direct.get(name, [1]).points[0].version == written.lsn == direct.get_collection(name).lsn
    finally:
        proxy.close()


def test_an_overloaded_server_is_asked_again_after_the_time_it_wants(connect: Any, fake: FakeServer) -> None:
    fake.answers(
        lambda request: error(request["id"], "overloaded", retryable=True, retry_after_ms=200)
        if len(fake.requests) == 1
        else result(request["id"], PONG)
    )
    begun = time.monotonic()
    assert connect(fake.address).ping().now_ms == 5
    assert time.monotonic() - begun >= 0.2


def test_retries_end_with_the_time_out_and_keep_the_error(connect: Any, fake: FakeServer) -> None:
    fake.answers(lambda request: error(request["id"], "overloaded", retryable=True, retry_after_ms=100))
    begun = time.monotonic()
    with pytest.raises(Overloaded) as caught:
        connect(fake.address, timeout=0.5).upsert("c", [Point(1, [1])])
    assert time.monotonic() - begun < 2 and not caught.value.may_have_been_executed
    assert len(fake.requests) >= 2
    deadlines = [each["params"]["deadline_ms"] for each in fake.requests]
    assert deadlines == sorted(deadlines, reverse=True) and deadlines[0] <= 450


def test_too_many_connections_are_tried_again(connect: Any, fake: FakeServer) -> None:
    fake.plays(
        lambda peer: peer.say(error(None, "overloaded", retryable=True, retry_after_ms=1)), answering(WRITTEN)
    )
    assert connect(fake.address).upsert("c", [Point(1, [1])]).created == 1


def test_a_server_that_wants_a_key_gets_it_on_every_connection(connect: Any, fake: FakeServer) -> None:
    def script(peer: Peer) -> None:
        peer.say(hello(auth="api_key"))
        login = peer.hear()
        fake.requests.append(login)
        if login["params"]["api_key"] != "right":
            peer.say(error(login["id"], "unauthenticated", -32001, at="api_key"))
            return
        peer.say(result(login["id"], {"role": "admin", "collections": "*"}))
        request = peer.hear()
        peer.say(result(request["id"], PONG))

    fake.plays(script)
    client = connect(fake.address, api_key="right")
    assert client.ping().now_ms == 5
    assert client.ping().now_ms == 5
    assert [each["method"] for each in fake.requests] == ["auth.login"] * 2
    with pytest.raises(Unauthenticated) as wrong:
        connect(fake.address, api_key="wrong").ping()
    assert wrong.value.at == "api_key"
    with pytest.raises(Unauthenticated, match="wants an API key"):
        connect(fake.address).ping()
    assert "right" not in repr(client) and "right" not in str(wrong.value)


@pytest.fixture
def guarded(tmp_path: pathlib.Path) -> Iterator[RunningServer]:
    """A real server that wants keys."""
    keys = [("everything", "admin", "all-of-it"), ("looking", "reader", "only-looking")]
    lines = [
        json.dumps({"name": name, "role": role, "sha256": hashlib.sha256(key.encode()).hexdigest()})
        for name, role, key in keys
    ]
    (tmp_path / "keys").write_text("\n".join(lines) + "\n")
    running = RunningServer(tmp_path, settings={"NEEDLETAIL_SECURITY_KEYS": str(tmp_path / "keys")})
    yield running
    running.stop()


def test_a_real_server_with_keys(connect: Any, guarded: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    admin = connect(guarded.address, api_key="all-of-it")
    admin.create_collection("c", Space(2))
    admin.upsert("c", [Point(1, [1, 0])])
    monkeypatch.setenv("NEEDLETAIL_API_KEY", "only-looking")
    reader = connect(guarded.address)
    assert reader.count("c") == 1
    with pytest.raises(Forbidden):
        reader.upsert("c", [Point(2, [1, 0])])
    with pytest.raises(Unauthenticated):
        connect(guarded.address, api_key="wrong").count("c")
    monkeypatch.delenv("NEEDLETAIL_API_KEY")
    with pytest.raises(Unauthenticated, match="NEEDLETAIL_API_KEY"):
        connect(guarded.address).count("c")


def test_a_server_without_keys_is_not_sent_one(connect: Any, fake: FakeServer) -> None:
    fake.answers(lambda request: result(request["id"], PONG))
    connect(fake.address, api_key="secret").ping()
    assert [each["method"] for each in fake.requests] == ["server.ping"]


def test_late_answers_disturb_nobody(connect: Any, fake: FakeServer) -> None:
    def script(peer: Peer) -> None:
        peer.say(hello())
        for request in peer.requests():
            if request["method"] == "server.info":
                time.sleep(0.4)
                peer.say(result(request["id"], {"nonsense": 1}))
            elif request["method"] == "server.cancel":
                peer.say(result(request["id"], {"cancelled": False}))
            else:
                peer.say(result(request["id"], PONG))

    fake.plays(script)
    client = connect(fake.address)
    with pytest.raises(TimedOut):
        client.info(timeout=0.2)
    for _ in range(5):
        assert client.ping().now_ms == 5
        time.sleep(0.1)


def test_a_restarted_server_is_found_again(connect: Any, own_server: Any) -> None:
    client = connect(own_server.address)
    client.create_collection("c", Space(2))
    client.upsert("c", [Point(1, [1, 0])])
    own_server.kill()
    restarted = own_server.again()
    try:
        assert client.count("c") == 1
        assert client.upsert("c", [Point(2, [1, 0])]).created == 1
    finally:
        restarted.stop()


def test_a_server_that_is_away_for_a_moment_is_waited_for(connect: Any, fake: FakeServer) -> None:
    fake.answers(lambda request: result(request["id"], PONG))
    client = connect(fake.address, timeout=10)
    client.ping()
    fake.disappear()
    back = threading.Timer(0.4, fake.come_back)
    back.start()
    assert client.ping().now_ms == 5
    back.join()


def test_fewer_vectors_than_texts_are_an_error(connect: Any, fake: FakeServer) -> None:
    model = {"name": "m", "fingerprint": "f", "dimensions": 1}
    answer = {"vectors": ["AACAPw=="], "model": model, "tokens": 1, "truncated": 0}
    fake.answers(lambda request: result(request["id"], answer))
    client = connect(fake.address)
    assert client.embed(["a"]).vectors.tolist() == [[1.0]]
    with pytest.raises(InvalidReply, match="for each text"):
        client.embed(["a", "b"])


def test_what_cannot_be_sent_leaves_the_connection_as_it_was(connect: Any, fake: FakeServer) -> None:
    fake.answers(lambda request: result(request["id"], PONG))
    client = connect(fake.address)
    client.ping()
    with pytest.raises(InvalidArgument, match="the server takes 100000"):
        client.embed(["x" * 100_001])
    with pytest.raises(InvalidArgument):
        client.count("c", filter={"must": {1, 2}})
    client.ping()
    assert fake.connections == 1


def test_a_closed_client_says_so(connect: Any, server: Any) -> None:
    client = connect(server.address)
    client.ping()
    client.close()
    with pytest.raises(ClientClosed):
        client.ping()


def test_a_forked_child_does_not_use_its_parents_connection(server: Any) -> None:
    with Client(server.address) as client:
        client.ping()
        child = os.fork()
        if child == 0:
            try:
                for _ in range(20):
                    client.ping()
                os._exit(0)
            except BaseException:
                os._exit(1)
        for _ in range(20):
            client.ping()
        assert os.waitpid(child, 0)[1] == 0


def test_a_cancelled_task_cancels_its_request(fake: FakeServer) -> None:
    heard: list[Any] = []

    def script(peer: Peer) -> None:
        peer.say(hello())
        for request in peer.requests():
            heard.append(request)
            if request["method"] == "server.ping":
                peer.say(result(request["id"], PONG))

    fake.plays(script)

    async def run() -> None:
        async with AsyncClient(fake.address) as client:
            await client.ping()
            task = asyncio.ensure_future(client.info())
            while not any(each["method"] == "server.info" for each in heard):
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await client.ping()
            cancels = [each["params"]["id"] for each in heard if each["method"] == "server.cancel"]
            assert cancels == [each["id"] for each in heard if each["method"] == "server.info"]

    asyncio.run(run())


def test_a_callback_that_fails_is_the_callers_error(connect: Any, fake: FakeServer) -> None:
    def script(peer: Peer) -> None:
        peer.say(hello())
        for request in peer.requests():
            if request["method"] == "collection.optimize":
                params = {"id": request["id"], "phase": "indexing", "done": 1, "total": 2}
                peer.say(line({"jsonrpc": "2.0", "method": "server.progress", "params": params}))
            elif request["method"] == "server.ping":
                peer.say(result(request["id"], PONG))

    def progress(phase: str, done: int, total: int) -> None:
        raise LookupError(phase)

    fake.plays(script)
    client = connect(fake.address, timeout=10)
    with pytest.raises(LookupError, match="indexing"):
        client.optimize("c", wait=True, progress=progress)
    assert client.ping().now_ms == 5


