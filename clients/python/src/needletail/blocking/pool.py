"""Connections that are not in use. This is what makes a client usable from several threads: each call has a connection of its
own while it lasts."""

from __future__ import annotations

import threading

from ..configuration import Configuration
from ..errors import ClientClosed, ConnectionFailed
from .connection import Connection


class ConnectionPool:
    """As many connections as calls were under way at once; those not in use are kept open."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._reached = False
        self._closed = False

    def take(self, expires: float) -> Connection:
        """A connection, an open one if possible. Raises what ``Connection.open`` raises, and ``ClientClosed``."""
        while True:
            with self._lock:
                if self._closed:
                    raise ClientClosed("the client was closed")
                # The one used last: the others may be closed by servers and firewalls in between.
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                break
            if connection.is_reusable:
                return connection
            connection.close()
        try:
            connection = Connection.open(self.configuration, expires)
        except ConnectionFailed as error:
            error.retryable = self._reached
            raise
        self._reached = True
        return connection

    def give_back(self, connection: Connection) -> None:
        """Takes back a connection on which nothing is under way."""
        if connection.conversation.is_quiet:
            with self._lock:
                if not self._closed:
                    self._idle.append(connection)
                    return
        connection.close()

    def close(self) -> None:
        """Closes all connections that are not in use; those in use are closed when they come back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
