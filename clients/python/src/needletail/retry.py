"""Which failures are tried again, and when."""

from __future__ import annotations

import random
from dataclasses import dataclass

from .errors import ConnectionFailed, ConnectionLost, NeedletailError, ServerError

# Kinds with which a server says that it has not begun the request.
REFUSED = frozenset({"overloaded", "loading", "draining", "memory_budget", "disk_full"})


@dataclass(frozen=True)
class RetryPolicy:
    """Waits double from ``initial`` to ``maximum`` seconds with full jitter, and are never shorter than what the server
    asks for. All attempts together take no longer than the call's time-out, and are at most ``attempts``; 1 switches
    retries off.
    """

    attempts: int = 20
    initial: float = 0.05
    maximum: float = 2.0

    def delay(self, error: NeedletailError, *, attempt: int, repeatable: bool, sent: bool) -> float | None:
        """Seconds until the next attempt after the ``attempt``-th failed, or ``None`` if ``error`` is final.

        repeatable  doing it twice is the same as doing it once: reads, and writes that carry an ``op_key``
        sent        the request had left before the connection broke, so it may have been executed
        """
        if attempt >= self.attempts or not self._may_repeat(error, repeatable, sent):
            return None
        wait = random.uniform(0, min(self.maximum, self.initial * 2 ** min(attempt - 1, 30)))
        if isinstance(error, ServerError) and error.retry_after_ms is not None:
            wait = max(wait, error.retry_after_ms / 1000)
        return wait

    @staticmethod
    def _may_repeat(error: NeedletailError, repeatable: bool, sent: bool) -> bool:
        if isinstance(error, ServerError):
            return error.kind in REFUSED
        if isinstance(error, ConnectionFailed):
            # Retryable if the server was there before. Otherwise the address is probably wrong, and waiting would only
            # delay saying so.
            return error.retryable
        return isinstance(error, ConnectionLost) and (repeatable or not sent)
