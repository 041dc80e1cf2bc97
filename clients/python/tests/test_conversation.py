"""A connection's side of the protocol without a socket."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from fakes import error, hello, line, result
from needletail.call import Call, nothing
from needletail.conversation import GREETING_BYTES, Conversation, ProgressReport, Reply
from needletail.errors import InvalidArgument, InvalidReply, Loading, Overloaded, ServerError

PING: Call[None] = Call("server.ping", {}, nothing)


def greeted(**limits: Any) -> Conversation:
    conversation = Conversation()
    assert conversation.receive(hello(**limits)) == []
    return conversation


def test_the_greeting_tells_the_limits() -> None:
    greeting = greeted(in_flight=5).greeting
    assert greeting is not None
    assert (greeting.auth, greeting.limits.in_flight) == ("none", 5)


def test_answers_find_their_requests_in_any_order_and_in_any_pieces() -> None:
    seed = random.Random(1)
    for _ in range(50):
        conversation = greeted()
        ids = [conversation.request(PING, None)[0] for _ in range(5)]
        text = b"".join(result(id, {"n": id, "t": "ü"}) for id in seed.sample(ids, 5)) + b" \r\n\n"
        events = []
        while text:
            cut = seed.randint(1, 40)
            events += conversation.receive(text[:cut])
            text = text[cut:]
        assert sorted(each.id for each in events) == ids
        assert all(isinstance(each, Reply) and each.result["n"] == each.id for each in events)
        assert conversation.is_quiet


def test_an_error_becomes_the_exception_of_its_kind() -> None:
    conversation = greeted()
    id, _ = conversation.request(PING, None)
    [reply] = conversation.receive(error(id, "loading", retryable=True, retry_after_ms=70, at="collection"))
    assert isinstance(reply, Reply) and isinstance(reply.error, Loading)
    assert (reply.error.retryable, reply.error.retry_after_ms, reply.error.at) == (True, 70, "collection")
    assert str(reply.error) == "loading (loading at collection)"


def test_progress_reaches_the_request_it_is_about_and_no_other() -> None:
    conversation = greeted()
    id, _ = conversation.request(PING, None)

    def progress(of: int) -> bytes:
        params = {"id": of, "phase": "indexing", "done": 1, "total": 2}
        return line({"jsonrpc": "2.0", "method": "server.progress", "params": params})

    assert conversation.receive(progress(id) + progress(99)) == [ProgressReport(id, "indexing", 1, 2)]
    assert conversation.receive(line({"jsonrpc": "2.0", "method": "server.of_tomorrow", "params": {}})) == []


def test_a_forgotten_answer_is_passed_over_once() -> None:
    conversation = greeted()
    id, _ = conversation.request(PING, None)
    conversation.forget(id)
    assert not conversation.is_quiet
    assert conversation.receive(result(id, {})) == []
    assert conversation.is_quiet
    with pytest.raises(InvalidReply):
        conversation.receive(result(id, {}))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", "no Needletail server.*HTTP/1.1 400"),
        (b"\x16\x03\x01\xff\n", "no Needletail server"),
        (b"[]\n", "no Needletail server"),
        (b'{"jsonrpc":"2.0","method":"server.hello","params":{}}\n', "missing"),
        (hello().replace(b"[1, 1]", b"[2, 3]"), r"speaks protocol versions \[2, 3\]"),
        (hello().replace(b'"needletail"', b'"other"'), "no Needletail server"),
        (hello(in_flight=0), "no Needletail server"),
        (hello().replace(b"100000", b'"many"'), "line_bytes: not an integer"),
        (result(1, {}), "no Needletail server"),
        (b"x" * (GREETING_BYTES + 1), "no greeting within"),
        (b"[" * 60_000 + b"\n", "no Needletail server"),
    ],
)
def test_a_peer_that_is_no_server_is_called_so(text: bytes, words: str) -> None:
    with pytest.raises(InvalidReply, match=words):
        Conversation().receive(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"nonsense\n", "no answer: 'nonsense'"),
        (b'{"jsonrpc":"2.0","id":1,"result":NaN}\n', "no answer"),
        (b'{"jsonrpc":"2.0","id":1,"result":' + b"9" * 5000 + b"}\n", "no answer"),
        (b'\xff{"id":1}\n', "no answer"),
        (b"[" * 90_000 + b"\n", "no answer"),
        (b"7\n", "no answer"),
        (line({"id": 1}), "no answer"),
        (line({"id": 1, "result": {}, "error": {}}), "no answer"),
        (line({"id": 1, "error": {}}), "no message"),
        (line({"id": 1, "error": "bad"}), "no message"),
        (result(2, {}), "request 2, which nobody sent"),
        (result("1", {}), 'request "1", which nobody sent'),
        (result(True, {}), "request true"),
        (result([1] * 99, {}), "which nobody sent"),
        (line({"method": "server.progress", "params": {"id": 1}}), "server.progress is malformed"),
        (b"x" * 100_001, "longer than the 100000 bytes"),
        (b"x" * 100_001 + b"\n", "longer than the 100000 bytes"),
    ],
)
def test_a_server_that_talks_nonsense_is_an_error(text: bytes, words: str) -> None:
    conversation = greeted()
    conversation.request(PING, None)
    with pytest.raises(InvalidReply, match=words):
        conversation.receive(text)


def test_an_error_without_an_id_is_about_the_connection() -> None:
    with pytest.raises(Overloaded):
        Conversation().receive(error(None, "overloaded", retryable=True, retry_after_ms=1))
    conversation = greeted()
    conversation.request(PING, None)
    with pytest.raises(ServerError) as caught:
        conversation.receive(error(None, "of_tomorrow"))
    assert caught.value.kind == "of_tomorrow"


def test_the_longest_line_is_taken_and_one_byte_more_is_not() -> None:
    conversation = greeted()
    id, _ = conversation.request(PING, None)
    text = result(id, "x" * (100_000 - len(result(id, "")) + 1))
    assert len(text) == 100_001
    assert len(conversation.receive(text)) == 1


def test_a_request_that_is_too_long_for_the_server_is_not_made() -> None:
    conversation = greeted(line_bytes=200)
    with pytest.raises(InvalidArgument, match="the server takes 200"):
        conversation.request(Call("text.embed", {"texts": ["x" * 200]}, nothing), None)
    assert conversation.is_quiet
    id, text = conversation.request(PING, 5)
    assert json.loads(text)["params"] == {"deadline_ms": 5}


@pytest.mark.parametrize(
    ("received", "words"),
    [(b"", "without a greeting"), (hello(), "closed the connection"), (hello() + b'{"id"', "in the middle")],
)
def test_the_end_says_what_was_missing(received: bytes, words: str) -> None:
    conversation = Conversation()
    conversation.receive(received)
    assert words in str(conversation.end())


def test_many_small_pieces_of_a_long_line_take_linear_time() -> None:
    # Scanning from the line's begin each time would be 64 GB of scanning here, and minutes.
    conversation = greeted(line_bytes=1 << 25)
    id, _ = conversation.request(PING, None)
    for _ in range(4000):
        conversation.receive(b" " * 8192)
    assert conversation.receive(result(id, {})) == [Reply(id, result={})]


def test_what_python_does_with_duplicate_members_is_no_way_around_the_id() -> None:
    conversation = greeted()
    conversation.request(PING, None)
    text: Any = b'{"id":1,"id":9,"result":{}}\n'
    with pytest.raises(InvalidReply):
        conversation.receive(text)
