"""A connection for blocking code: a socket and the conversation on it. One thread at a time."""

from __future__ import annotations

import math
import os
import selectors
import socket
import time
from typing import Any

from ..call import Call
from ..configuration import Configuration, deadline_ms
from ..conversation import Conversation, Event, Greeting, Reply
from ..errors import ConnectionFailed, ConnectionLost, NeedletailError, TimedOut, Unauthenticated
from ..methods.server import login

READ_BYTES = 1 << 18


class Connection:
    """Times are those of ``time.monotonic``; ``math.inf`` is never. After any exception the connection is of no use."""

    def __init__(self, channel: socket.socket) -> None:
        channel.setblocking(False)
        self._socket = channel
        self._selector = selectors.DefaultSelector()
        self._selector.register(channel, selectors.EVENT_READ)
        self._process = os.getpid()
        self._arrived: list[Event] = []
        self.conversation = Conversation()

    @staticmethod
    def open(configuration: Configuration, expires: float) -> Connection:
        """Connects, waits for the greeting, logs in. Raises ``ConnectionFailed``, ``InvalidReply``, ``TimedOut``, ``ServerError``."""
        address = configuration.address
        wait = expires - time.monotonic()
        try:
            channel = socket.create_connection(
                (address.host, address.port), timeout=None if math.isinf(wait) else max(wait, 0.001)
            )
        except OSError as error:
            raise ConnectionFailed(f"no connection to {address}: {error}") from error
        try:
            # A request is one write; waiting for more would only delay it.
            channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # Finds out about a machine that is gone, also for calls that wait for ever.
            channel.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connection = Connection(channel)
        except OSError as error:
            channel.close()
            raise ConnectionFailed(f"no connection to {address}: {error}") from error
        try:
            connection._begin(configuration, expires)
        except ConnectionLost as error:
            connection.close()
            raise ConnectionFailed(f"no connection to {address}: {error}") from error
        except BaseException:
            connection.close()
            raise
        return connection

    @property
    def greeting(self) -> Greeting:
        """What the server said first."""
        greeting = self.conversation.greeting
        assert greeting is not None, "open() waits for it"
        return greeting

    def _begin(self, configuration: Configuration, expires: float) -> None:
        while self.conversation.greeting is None:
            if not self._await(expires):
                raise TimedOut(f"{configuration.address} accepted the connection, but sent no greeting in time")
        if self.greeting.auth == "none":
            return
        if configuration.api_key is None:
            raise Unauthenticated("the server wants an API key: Client(api_key=...), or NEEDLETAIL_API_KEY")
        call = login(configuration.api_key)
        id = self.send(call, expires)
        while True:
            for event in self.receive(expires):
                if isinstance(event, Reply) and event.id == id:
                    if event.error is not None:
                        raise event.error
                    call.result(event.result)
                    return
            if time.monotonic() >= expires:
                raise TimedOut("no answer to the login in time")

    def send(self, call: Call[Any], expires: float) -> int:
        """Sends a request and gives its id. What arrives meanwhile is kept for ``receive``: a server that may not send stops
        reading, so whoever only writes could wait for ever. Raises ``ConnectionLost`` and ``TimedOut``, both meaning that
        the request did not leave as a whole and so is not executed; and ``InvalidArgument``, which leaves the connection
        as it was."""
        id, line = self.conversation.request(call, deadline_ms(expires - time.monotonic()))
        rest = memoryview(line)
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except BlockingIOError:
                if not self._await(expires, to_write=True):
                    raise TimedOut(f"the server did not take {call.method} in time") from None
            except OSError as error:
                raise ConnectionLost(f"the connection broke: {error}") from error
        return id

    def receive(self, until: float) -> list[Event]:
        """What arrived, waiting at most until then for something; nothing may have. Raises ``ConnectionLost``,
        ``InvalidReply``."""
        if not self._arrived:
            self._await(until)
        return self.arrived()

    def arrived(self) -> list[Event]:
        """What arrived, without waiting."""
        events, self._arrived = self._arrived, []
        return events

    def _await(self, until: float, *, to_write: bool = False) -> bool:
        """Waits until something can be done, and reads what there is. False if the time is over."""
        wait = None if math.isinf(until) else max(0.0, until - time.monotonic())
        if to_write:
            self._selector.modify(self._socket, selectors.EVENT_READ | selectors.EVENT_WRITE)
        try:
            ready = self._selector.select(wait)
        finally:
            if to_write:
                self._selector.modify(self._socket, selectors.EVENT_READ)
        for _, events in ready:
            if events & selectors.EVENT_READ:
                self._read()
        return bool(ready)

    def _read(self) -> None:
        try:
            data = self._socket.recv(READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            raise ConnectionLost(f"the connection broke: {error}") from error
        if not data:
            raise self.conversation.end()
        self._arrived += self.conversation.receive(data)

    @property
    def is_reusable(self) -> bool:
        """Nothing is under way, the server has not closed it, and it was not inherited from a parent process."""
        if self._process != os.getpid() or not self.conversation.is_quiet:
            return False
        try:
            self._await(time.monotonic())
        except (NeedletailError, OSError):
            return False
        return self.conversation.is_quiet

    def close(self) -> None:
        """Closes the socket."""
        self._selector.close()
        self._socket.close()
