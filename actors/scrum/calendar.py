"""When a team works: sprints, working days and ceremonies on an integer time line.

Time is microseconds since the midnight (UTC) that begins the start date. Working days are Monday to Friday; a start
date on a weekend makes the next Monday the first day. A sprint is a number of working days, so one of five that starts
on a Monday ends on Friday, and one of seven on the Tuesday after.

    first day    refinement 2 h, planning 2 h, development
    other days   stand-up 15 min, development
    last day     as above, then review 90 min, retrospective 60 min, meta-learning 30 min at the end

Ceremonies take at most half of a day. Where they would take more (days under eight hours, sprints of one day) all of
that day's ceremonies shrink in proportion, to whole minutes.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US

WindowName = Literal["refinement", "planning", "standup", "development", "review", "retrospective", "meta_learning"]

_SHORTEST_DAY_US = HOUR_US
_WORKING_DAYS = 5  # of a week


def minutes(count: int) -> int:
    """Return that many minutes in microseconds."""
    return count * MINUTE_US


def hours(count: int) -> int:
    """Return that many hours in microseconds."""
    return count * HOUR_US


@dataclass(frozen=True, slots=True)
class Window:
    """What a team does during one stretch of a day: from `start_us` up to, not including, `end_us`."""

    name: WindowName
    start_us: int
    end_us: int

    @property
    def length_us(self) -> int:
        """How long it lasts."""
        return self.end_us - self.start_us


class SprintCalendar:
    """Sprints (from 1), their days (from 1) and the windows of each day. Holds no state."""

    def __init__(
        self,
        *,
        days_per_sprint: int = 5,
        work_start_us: int = 9 * HOUR_US,
        work_end_us: int = 17 * HOUR_US,
        start_weekday: int = 0,
    ) -> None:
        """Args: `work_start_us` and `work_end_us` count from midnight; `start_weekday` is 0 for Monday to 6 for Sunday.

        Raises:
            ValueError: A sprint without days, a working day under one hour or past midnight, or no such weekday.
        """
        if days_per_sprint < 1:
            raise ValueError(f"a sprint needs at least one day, got {days_per_sprint}")
        if not (0 <= work_start_us <= work_end_us - _SHORTEST_DAY_US and work_end_us <= DAY_US):
            raise ValueError(f"cannot work from {work_start_us} to {work_end_us} us of a day")
        if not 0 <= start_weekday < 7:
            raise ValueError(f"a weekday is 0 to 6, got {start_weekday}")
        self.days_per_sprint = days_per_sprint
        self.work_start_us, self.work_end_us = work_start_us, work_end_us
        self._weekend_us = (7 - start_weekday) * DAY_US if start_weekday >= _WORKING_DAYS else 0
        self._first_weekday = start_weekday if start_weekday < _WORKING_DAYS else 0
        self._windows = tuple(self._windows_of_day(day) for day in range(1, days_per_sprint + 1))
        self._development = tuple(_named(windows, "development") for windows in self._windows)
        self._worked_before = (0, *accumulate(window.length_us for window in self._development))

    # -- which day it is ----------------------------------------------------------------------------------------------

    def sprint_of(self, now_us: int) -> int:
        """Return the sprint of the latest working day that has begun; a weekend belongs to the Friday before."""
        return self._days_begun(now_us) // self.days_per_sprint + 1

    def day_of(self, now_us: int) -> int:
        """Return the day of its sprint of the latest working day that has begun."""
        return self._days_begun(now_us) % self.days_per_sprint + 1

    def midnight(self, sprint: int, day: int) -> int:
        """Return when a day of a sprint begins, hours before anybody works. Raises ValueError if there is none."""
        if sprint < 1 or not 1 <= day <= self.days_per_sprint:
            raise ValueError(f"there is no day {day} in sprint {sprint}")
        return self._midnight((sprint - 1) * self.days_per_sprint + day - 1)

    def day_start(self, sprint: int, day: int) -> int:
        """Return when work begins."""
        return self.midnight(sprint, day) + self.work_start_us

    def day_end(self, sprint: int, day: int) -> int:
        """Return when work ends."""
        return self.midnight(sprint, day) + self.work_end_us

    # -- what is done when --------------------------------------------------------------------------------------------

    def windows(self, sprint: int, day: int) -> tuple[Window, ...]:
        """Return what fills a working day, in order and without a gap."""
        start_us = self.midnight(sprint, day)
        return tuple(_shifted(window, start_us) for window in self._windows[day - 1])

    def window(self, sprint: int, day: int, name: WindowName) -> Window | None:
        """Return one window of a day; None if that day has none of that name."""
        return next((window for window in self.windows(sprint, day) if window.name == name), None)

    def development(self, sprint: int, day: int) -> Window:
        """Return the stretch of a day in which pairs work; every day has one."""
        start_us = self.midnight(sprint, day)
        return _shifted(self._development[day - 1], start_us)

    def is_development(self, now_us: int) -> bool:
        """Whether pairs work at this instant."""
        return self.next_development(now_us) == now_us

    def next_development(self, now_us: int) -> int:
        """Return the first instant, now or later, at which pairs work."""
        days = self._days_begun(now_us)
        window = self._development_of(days)
        if now_us >= window.end_us:
            window = self._development_of(days + 1)
        return max(now_us, window.start_us)

    def development_left_us(self, now_us: int) -> int:
        """Return the development time that is left of this day; 0 after hours and at weekends."""
        window = self._development_of(self._days_begun(now_us))
        return max(0, window.end_us - max(now_us, window.start_us))

    # -- development time, which skips ceremonies, nights and weekends ------------------------------------------------

    def development_per_sprint_us(self) -> int:
        """Return how long pairs work in one sprint."""
        return self._worked_before[-1]

    def working_time_between(self, start_us: int, end_us: int) -> int:
        """Return the development time from one instant to a later one, in microseconds.

        Raises:
            ValueError: The end lies before the start.
        """
        if end_us < start_us:
            raise ValueError(f"{end_us} lies before {start_us}")
        return self._worked_until(end_us) - self._worked_until(start_us)

    def add_working_time(self, now_us: int, duration_us: int) -> int:
        """Return the first instant at which that much development time has passed since now.

        Work that fills a day ends with that day, not with the next morning; a duration of 0 ends now.

        Raises:
            ValueError: The duration is negative.
        """
        if duration_us < 0:
            raise ValueError(f"work cannot take {duration_us} us")
        if duration_us == 0:
            return now_us
        sprints, rest_us = divmod(self._worked_until(now_us) + duration_us - 1, self.development_per_sprint_us())
        rest_us += 1  # 1 to all of a sprint: an instant at the end of a day is that day's
        day = bisect_left(self._worked_before, rest_us)
        window = self.development(sprints + 1, day)
        return window.start_us + rest_us - self._worked_before[day - 1]

    def _worked_until(self, now_us: int) -> int:
        days = self._days_begun(now_us)
        sprints, day = divmod(days, self.days_per_sprint)
        window = self._development_of(days)
        today_us = min(max(now_us, window.start_us), window.end_us) - window.start_us
        return sprints * self.development_per_sprint_us() + self._worked_before[day] + today_us

    # -- arithmetic of days -------------------------------------------------------------------------------------------

    def _days_begun(self, now_us: int) -> int:
        """Return how many working days began before the one that counts now; 0 on the first."""
        week, weekday = divmod((now_us - self._weekend_us) // DAY_US + self._first_weekday, 7)
        return max(0, week * _WORKING_DAYS + min(weekday, _WORKING_DAYS - 1) - self._first_weekday)

    def _midnight(self, days: int) -> int:
        week, weekday = divmod(days + self._first_weekday, _WORKING_DAYS)
        return self._weekend_us + (week * 7 + weekday - self._first_weekday) * DAY_US

    def _development_of(self, days: int) -> Window:
        return _shifted(self._development[days % self.days_per_sprint], self._midnight(days))

    def _windows_of_day(self, day: int) -> tuple[Window, ...]:
        """Lay out one day, counted from its midnight."""
        morning: dict[WindowName, int] = {"refinement": 120, "planning": 120} if day == 1 else {"standup": 15}
        evening: dict[WindowName, int] = {}
        if day == self.days_per_sprint:
            evening = {"review": 90, "retrospective": 60, "meta_learning": 30}
        whole = sum(morning.values()) + sum(evening.values())
        most = (self.work_end_us - self.work_start_us) // MINUTE_US // 2
        room = min(whole, most)
        lengths = {name: minutes(length * room // whole) for name, length in (morning | evening).items()}
        opening = _row(morning, lengths, start_us=self.work_start_us)
        closing = _row(evening, lengths, start_us=self.work_end_us - sum(lengths[name] for name in evening))
        development_start_us = opening[-1].end_us
        development_end_us = closing[0].start_us if closing else self.work_end_us
        return (*opening, Window("development", development_start_us, development_end_us), *closing)


def _row(names: dict[WindowName, int], lengths: dict[WindowName, int], *, start_us: int) -> tuple[Window, ...]:
    """Place windows one after the other."""
    row: list[Window] = []
    for name in names:
        row.append(Window(name, start_us, start_us + lengths[name]))
        start_us += lengths[name]
    return tuple(row)


def _shifted(window: Window, by_us: int) -> Window:
    return Window(window.name, window.start_us + by_us, window.end_us + by_us)


def _named(windows: tuple[Window, ...], name: WindowName) -> Window:
    return next(window for window in windows if window.name == name)
