"""The time a modelled engine lives in: virtual, moved by whoever waits, or that of the wall."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Tells time and passes it."""

    def now_us(self) -> int:
        """Microseconds since some beginning; never less than before."""
        ...

    def wait_until_us(self, time_us: int) -> None:
        """Return when it is that late; at once if it is."""
        ...


class VirtualClock:
    """Time that passes only when somebody waits. May be shared by engines and whoever drives them."""

    def __init__(self, now_us: int = 0) -> None:
        self._now_us = now_us

    def now_us(self) -> int:
        return self._now_us

    def wait_until_us(self, time_us: int) -> None:
        self._now_us = max(self._now_us, time_us)


class WallClock:
    """Real time: a modelled engine then takes as long as the engine that it models."""

    def now_us(self) -> int:
        return time.monotonic_ns() // 1000

    def wait_until_us(self, time_us: int) -> None:
        while (left_us := time_us - self.now_us()) > 0:
            time.sleep(left_us / 1_000_000)
