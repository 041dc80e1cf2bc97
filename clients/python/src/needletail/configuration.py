"""What clients are configured with."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field

from .address import Address
from .errors import InvalidArgument
from .retry import RetryPolicy


@dataclass(frozen=True)
class Configuration:
    """Where the server is, how to log in, how long to wait (seconds), and what to try again."""

    address: Address
    api_key: str | None = field(default=None, repr=False)
    timeout: float = 30.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)

    @staticmethod
    def of(url: str | None, api_key: str | None, timeout: float, retry: RetryPolicy | None) -> Configuration:
        """From the parameters of a client: what is absent is looked up in the environment. Raises ``InvalidArgument``."""
        key = api_key if api_key is not None else os.environ.get("NEEDLETAIL_API_KEY") or None
        configuration = Configuration(Address.parse(url), key, timeout, retry or RetryPolicy())
        configuration.seconds(None)
        return configuration

    def seconds(self, timeout: float | None) -> float:
        """The time-out of a call: its own, or the client's. Raises ``InvalidArgument``."""
        seconds = self.timeout if timeout is None else timeout
        if not seconds > 0:
            raise InvalidArgument(f"{seconds} seconds; to wait for ever: math.inf", at="timeout")
        return seconds


def deadline_ms(remaining: float) -> int | None:
    """What the server is told: a tenth (at most half a second) less than the client's patience, so that its answer, which says
    more, is there first."""
    if math.isinf(remaining):
        return None
    return max(1, int((remaining - min(0.5, remaining / 10)) * 1000))
