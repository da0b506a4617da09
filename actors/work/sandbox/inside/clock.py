"""A clock for flaky tests: it starts where the judge says and moves one millisecond with each reading, or by a sleep.

So what a test makes of the time depends on the start alone, not on the machine. Monotonic clocks are left alone.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

STEP_NS = 1_000_000
SECOND_NS = 1_000_000_000


class SetClock:
    """Seconds since 1970, UTC, as the run wants them."""

    def __init__(self, start_s: int) -> None:
        self._now_ns = start_s * SECOND_NS - STEP_NS
        self._sleep = time.sleep

    def time_ns(self) -> int:
        self._now_ns += STEP_NS
        return self._now_ns

    def time(self) -> float:
        return self.time_ns() / SECOND_NS

    def sleep(self, seconds: float) -> None:
        self._sleep(seconds)
        self._now_ns += int(seconds * SECOND_NS)


def set_clock(start_s: int) -> None:
    """Replace the wall clock of this process; to be called before the code under test is imported.

    `datetime` is loaded anew in its pure form, which asks `time.time`; the C form asks the kernel.
    """
    clock = SetClock(start_s)
    for name in ("localtime", "gmtime", "ctime"):
        setattr(time, name, _at(clock, getattr(time, name)))
    time.asctime = _of(time.localtime, time.asctime)
    time.strftime = _format(time.localtime, time.strftime)
    time.time, time.time_ns, time.sleep = clock.time, clock.time_ns, clock.sleep  # type: ignore[assignment]
    for name in ("_datetime", "_zoneinfo"):
        sys.modules[name] = None  # type: ignore[assignment]  # makes the import of the C form fail
    for name in ("datetime", "zoneinfo", "zoneinfo._common", "zoneinfo._tzpath", "zoneinfo._zoneinfo", "calendar"):
        sys.modules.pop(name, None)


def _at(clock: SetClock, original: Callable[[float], Any]) -> Callable[..., Any]:
    def at(seconds: float | None = None) -> Any:
        return original(clock.time() if seconds is None else seconds)

    return at


def _of(now: Callable[[], Any], original: Callable[[Any], str]) -> Callable[..., str]:
    def of(moment: Any = None) -> str:
        return original(now() if moment is None else moment)

    return of


def _format(now: Callable[[], Any], original: Callable[[str, Any], str]) -> Callable[..., str]:
    def at(pattern: str, moment: Any = None) -> str:
        return original(pattern, now() if moment is None else moment)

    return at
