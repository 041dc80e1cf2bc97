"""What clients are configured with."""

from __future__ import annotations

import math
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
