"""What the tests share: the real server, both clients behind one face, and servers that misbehave."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import needletail
from fakes import FakeServer

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
MODEL = "all-MiniLM-L6-v2"


def server_binary() -> pathlib.Path:
    given = os.environ.get("NEEDLETAILD")
    return pathlib.Path(given) if given else REPOSITORY / ".build/release/needletaild"


def model_directory() -> pathlib.Path:
    given = os.environ.get("NEEDLETAIL_MODEL_DIRECTORY")
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(given) if given else pathlib.Path(cache) / "needletail/models" / MODEL


class RunningServer:
    """A server process of its own, with a data directory of its own."""

    def __init__(
        self, directory: pathlib.Path, listen: str = "127.0.0.1:0", settings: dict[str, str] | None = None
    ) -> None:
        binary = server_binary()
        if not os.access(binary, os.X_OK):
            pytest.skip(f"no server at {binary}: build it (swift build -c release) or name it in NEEDLETAILD")
        self.directory = directory
        self.has_model = (model_directory() / "model.safetensors").exists()
        # The server takes NEEDLETAIL_* for its settings; those of whoever runs the tests are not meant.
        environment = {key: value for key, value in os.environ.items() if not key.startswith("NEEDLETAIL_")}
        environment.update(settings or {})
        command = [str(binary), "--data", str(directory / "data"), "--listen", listen]
        if self.has_model:
            command += ["--model", str(model_directory())]
        self._log = open(directory / "log", "ab")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._log, env=environment)
        assert self.process.stdout is not None
        watchdog = threading.Timer(60, self.process.kill)
        watchdog.start()
        line = self.process.stdout.readline().decode()
        watchdog.cancel()
        if not line.startswith("listening on "):
            self.stop()
            pytest.fail(f"the server did not start: {line!r} {(directory / 'log').read_text()[-2000:]}")
        self.address = line.removeprefix("listening on ").strip()
        if settings and "means nothing here" in (directory / "log").read_text():
            self.stop()
            pytest.skip(f"this server is older than {', '.join(settings)}")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def again(self) -> RunningServer:
        """The same data at the same address."""
        return RunningServer(self.directory, self.address)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._log.close()


@pytest.fixture(scope="session")
def server() -> Iterator[RunningServer]:
    with tempfile.TemporaryDirectory(prefix="needletail-python-") as directory:
        running = RunningServer(pathlib.Path(directory))
        yield running
        running.stop()


@pytest.fixture
def own_server(tmp_path: pathlib.Path) -> Iterator[RunningServer]:
    """A server that the test may kill."""
    running = RunningServer(tmp_path)
    yield running
    running.stop()


@pytest.fixture
def needs_model(server: RunningServer) -> None:
    if not server.has_model:
        pytest.skip(f"no model in {model_directory()} (scripts/fetch-model)")


class Blocking:
    """An ``AsyncClient`` with blocking methods, so that the same test runs with both clients."""

    def __init__(self, client: needletail.AsyncClient, loop: asyncio.AbstractEventLoop) -> None:
        self._client = client
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._client, name)

        def blocking(*arguments: Any, **keywords: Any) -> Any:
            result = attribute(*arguments, **keywords)
            if inspect.isasyncgen(result):
                return self._iterate(result)
            return self._loop.run_until_complete(result)

        return blocking

    def _iterate(self, generator: Any) -> Iterator[Any]:
        while True:
            try:
                yield self._loop.run_until_complete(generator.__anext__())
            except StopAsyncIteration:
                return


class Connector:
    """Makes clients of one kind, and closes them."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._loop = asyncio.new_event_loop() if kind == "async" else None
        self._made: list[Any] = []

    def __call__(self, url: str, **options: Any) -> Any:
        made: Any
        if self._loop is None:
            made = needletail.Client(url, **options)
        else:
            made = Blocking(needletail.AsyncClient(url, **options), self._loop)
        self._made.append(made)
        return made

    def close(self) -> None:
        for each in self._made:
            each.close()
        if self._loop is not None:
            self._loop.close()


@pytest.fixture(params=["sync", "async"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connector]:
    connector = Connector(request.param)
    yield connector
    connector.close()


@pytest.fixture
def client(connect: Connector, server: RunningServer) -> Any:
    """Either client, connected to the real server."""
    return connect(server.address)


_numbers = itertools.count()


@pytest.fixture
def name() -> str:
    """A collection's name that no other test uses."""
    return f"test-{next(_numbers)}"


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    server = FakeServer()
    yield server
    server.close()
