"""Where a server is."""

from __future__ import annotations

import os
from dataclasses import dataclass

from .errors import InvalidArgument

DEFAULT_PORT = 7700


@dataclass(frozen=True)
class Address:
    """Host and port of a server."""

    host: str
    port: int

    @staticmethod
    def parse(text: str | None) -> Address:
        """``needletail://HOST:PORT``, ``HOST:PORT`` or ``HOST``; IPv6 in brackets. ``None`` takes ``NEEDLETAIL_URL``, else
        127.0.0.1:7700. Raises ``InvalidArgument``."""
        if text is None:
            text = os.environ.get("NEEDLETAIL_URL") or f"127.0.0.1:{DEFAULT_PORT}"
        rest = text.strip()
        if "://" in rest:
            scheme, _, rest = rest.partition("://")
            if scheme != "needletail":
                raise InvalidArgument(f'"{text}": the scheme is needletail://', at="url")
        rest = rest.removesuffix("/")
        if rest.startswith("["):
            host, bracket, port = rest[1:].partition("]")
            if not bracket or (port and not port.startswith(":")):
                raise InvalidArgument(f'"{text}" is no address', at="url")
            port = port[1:]
        elif rest.count(":") > 1:
            raise InvalidArgument(f'"{text}": an IPv6 address stands in brackets, [::1]:{DEFAULT_PORT}', at="url")
        else:
            host, colon, port = rest.partition(":")
            if colon and not port:
                raise InvalidArgument(f'"{text}" has no port behind its colon', at="url")
        if not host or any(character in host for character in "/@ "):
            raise InvalidArgument(f'"{text}" is no address: HOST:PORT', at="url")
        if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise InvalidArgument(f'"{text}": the port is a number from 1 to 65535', at="url")
        return Address(host, int(port) if port else DEFAULT_PORT)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
