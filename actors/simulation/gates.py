"""When the next window may begin in wall time: as soon as possible, at a pace, or when somebody says so."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Self

from actors.scrum.calendar import SprintCalendar

GLANCE_MS = 200


class InterruptedRunError(Exception):
    """Raised between two windows when the run was asked to stop; everything before is journalled."""


class RunGate:
    """Pause, step, pace and stop. None of it is visible in the log."""

    def __init__(self, calendar: SprintCalendar, *, pace: float | None, paused: bool) -> None:
        """`pace` is virtual seconds per wall second; None: as fast as it goes."""
        self.is_paused = paused
        self._calendar, self._pace = calendar, pace
        self._windows_left = 0
        self._until_us: int | None = None
        self._started: tuple[float, int] | None = None  # (wall seconds, virtual microseconds) since the pace holds
        self._held_us = 0  # the latest window that was held up or let pass
        self.is_stopped = False
        self.is_holding = False  # whether a window waits for a step or for the pause to end

    @classmethod
    def of(cls, calendar: SprintCalendar, *, sprint_minutes: int, paced: bool, paused: bool) -> Self:
        """With `paced`, one sprint takes `sprint_minutes` of wall time, nights and weekends included."""
        sprint_us = calendar.midnight(2, 1) - calendar.midnight(1, 1)
        return cls(calendar, pace=sprint_us / (sprint_minutes * 60e6) if paced else None, paused=paused)

    @property
    def is_slow(self) -> bool:
        """Whether somebody may be watching each window pass."""
        return self.is_paused or self._pace is not None

    def pause(self) -> None:
        self.is_paused, self._windows_left, self._until_us = True, 0, None

    def resume(self) -> None:
        self.is_paused, self._started, self.is_holding = False, None, False

    def step(self, *, windows: int = 1) -> None:
        """Let so many windows pass, then pause."""
        self.is_paused, self._windows_left, self._until_us, self.is_holding = True, windows, None, False

    def step_until_next_day(self, now_us: int) -> None:
        """Let everything pass up to the next working day's midnight, then pause."""
        until_us = self._next_midnight(max(now_us, self._held_us))
        self.is_paused, self._windows_left, self._until_us, self.is_holding = True, 0, until_us, False

    def stop(self) -> None:
        """End the run before its next window."""
        self.is_stopped = True

    def hold(self, start_us: int, wait: Callable[[int | None], None], *, is_past: bool) -> None:
        """Return when a window at `start_us` may begin. Raises InterruptedRunError."""
        self._held_us = start_us
        while not self.is_stopped:
            if is_past:
                return
            if self.is_paused and not self._may_step(start_us):
                self._started, self.is_holding = None, True
                wait(GLANCE_MS)
                continue
            self.is_holding = False
            wait_ms = self._ahead_ms(start_us)
            if wait_ms <= 0:
                return
            wait(min(wait_ms, GLANCE_MS))
        raise InterruptedRunError

    def passed(self, end_us: int) -> None:
        if self._windows_left:
            self._windows_left -= 1

    def _may_step(self, start_us: int) -> bool:
        if self._until_us is not None:
            return start_us < self._until_us
        return self._windows_left > 0

    def _ahead_ms(self, start_us: int) -> int:
        if self._pace is None:
            return 0
        now_s = time.monotonic()
        if self._started is None:
            self._started = (now_s, start_us)
        since_s, since_us = self._started
        return round((since_s - now_s) * 1000 + (start_us - since_us) / (self._pace * 1000))

    def _next_midnight(self, now_us: int) -> int:
        calendar = self._calendar
        sprint, day = calendar.sprint_of(now_us), calendar.day_of(now_us)
        if day < calendar.days_per_sprint:
            return calendar.midnight(sprint, day + 1)
        return calendar.midnight(sprint + 1, 1)
