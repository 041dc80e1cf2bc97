"""Servers that misbehave, each on a thread of its own."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

LIMITS = {"line_bytes": 100_000, "in_flight": 8, "batch_points": 1000, "dimensions": 4096, "wait_ms": 1000}


def hello(*, auth: str = "none", **limits: int) -> bytes:
    params = {
        "server": "needletail",
        "version": "0.0.0",
        "protocol": [1, 1],
        "auth": auth,
        "limits": {**LIMITS, **limits},
    }
    return line({"jsonrpc": "2.0", "method": "server.hello", "params": params})


def line(message: Any) -> bytes:
    return json.dumps(message).encode() + b"\n"


def result(id: Any, value: Any) -> bytes:
    return line({"jsonrpc": "2.0", "id": id, "result": value})


def error(id: Any, kind: str, code: int = -32008, **data: Any) -> bytes:
    return line({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": kind, "data": {"kind": kind, **data}}})


class Peer:
    """The server's end of a connection."""

    def __init__(self, channel: socket.socket) -> None:
        channel.settimeout(20)
        self.socket = channel
        self._lines = channel.makefile("rb")

    def say(self, data: bytes) -> None:
        self.socket.sendall(data)

    def hear(self) -> Any:
        """The next request. Raises ``EOFError`` when the client has closed the connection."""
        text = self._lines.readline()
        if not text.endswith(b"\n"):
            raise EOFError
        return json.loads(text)

    def requests(self) -> Iterator[Any]:
        """All requests until the client closes the connection."""
        while True:
            yield self.hear()

    def wait_for_end(self) -> None:
        while self._lines.readline():
            pass


class FakeServer:
    """Does with each connection what the script of that number says; the last script is for all that follow."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections = 0
        self.requests: list[Any] = []
        self._scripts: list[Callable[[Peer], None]] = []
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def plays(self, *scripts: Callable[[Peer], None]) -> FakeServer:
        self._scripts = list(scripts)
        return self

    def disappear(self) -> None:
        """Nobody listens any more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for channel in self._open:
            try:
                channel.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def come_back(self) -> None:
        """Listens at the same address again."""
        host, _, port = self.address.rpartition(":")
        self._listener = socket.create_server((host, int(port)))
        threading.Thread(target=self._accept, daemon=True).start()

    def answers(self, answer: Callable[[Any], bytes], greeting: bytes | None = None) -> FakeServer:
        """Greets, then answers each request."""

        def script(peer: Peer) -> None:
            peer.say(hello() if greeting is None else greeting)
            for request in peer.requests():
                self.requests.append(request)
                peer.say(answer(request))

        return self.plays(script)

    def _accept(self) -> None:
        while True:
            try:
                channel, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(channel)
            script = self._scripts[min(self.connections, len(self._scripts) - 1)]
            self.connections += 1
            threading.Thread(target=self._play, args=(script, channel), daemon=True).start()

    def _play(self, script: Callable[[Peer], None], channel: socket.socket) -> None:
        try:
            script(Peer(channel))
        except (OSError, EOFError):
            pass  # the client went first
        finally:
            try:
                channel.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            channel.close()

    def close(self) -> None:
        self._listener.close()
        for channel in self._open:
            try:
                channel.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class CuttingProxy(FakeServer):
    """Passes bytes between clients and a real server. Of the first ``cuts`` connections, the answers behind the greeting are
    held back, and the connection is cut once there is one: the request was executed, and nobody was told."""

    def __init__(self, target: str, cuts: int = 1) -> None:
        super().__init__()
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self.plays(*[self._cut] * cuts, self._pass)

    def _cut(self, peer: Peer) -> None:
        with socket.create_connection(self._target) as behind:
            answers = behind.makefile("rb")
            peer.say(answers.readline())
            threading.Thread(target=self._copy, args=(peer.socket, behind), daemon=True).start()
            answers.readline()

    def _pass(self, peer: Peer) -> None:
        with socket.create_connection(self._target) as behind:
            threading.Thread(target=self._copy, args=(peer.socket, behind), daemon=True).start()
            self._copy(behind, peer.socket)

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(1 << 16):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass
