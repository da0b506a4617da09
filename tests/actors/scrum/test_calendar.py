from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.scrum.calendar import DAY_US, HOUR_US, MINUTE_US, SprintCalendar, Window, hours, minutes

DEFAULT = SprintCalendar()  # five days, 09:00 to 17:00, from a Monday


def at(day: int, hour: int, minute: int = 0) -> int:
    """Microseconds since the run began; day 0 is the first."""
    return day * DAY_US + hour * HOUR_US + minute * MINUTE_US


@st.composite
def calendars(draw: st.DrawFn) -> SprintCalendar:
    start = draw(st.integers(0, 23 * 60))
    return SprintCalendar(
        days_per_sprint=draw(st.integers(1, 12)),
        work_start_us=minutes(start),
        work_end_us=minutes(draw(st.integers(start + 60, 24 * 60))),
        start_weekday=draw(st.integers(0, 6)),
    )


instants = st.integers(0, 60 * DAY_US)
durations = st.integers(0, 300 * HOUR_US)


def test_the_first_day_of_a_sprint_is_refined_planned_and_then_developed() -> None:
    assert DEFAULT.windows(1, 1) == (
        Window("refinement", at(0, 9), at(0, 11)),
        Window("planning", at(0, 11), at(0, 13)),
        Window("development", at(0, 13), at(0, 17)),
    )


def test_a_day_in_between_begins_with_a_stand_up() -> None:
    assert DEFAULT.windows(2, 3) == (
        Window("standup", at(9, 9), at(9, 9, 15)),
        Window("development", at(9, 9, 15), at(9, 17)),
    )


def test_the_last_day_ends_with_review_retrospective_and_meta_learning() -> None:
    assert DEFAULT.windows(1, 5) == (
        Window("standup", at(4, 9), at(4, 9, 15)),
        Window("development", at(4, 9, 15), at(4, 14)),
        Window("review", at(4, 14), at(4, 15, 30)),
        Window("retrospective", at(4, 15, 30), at(4, 16, 30)),
        Window("meta_learning", at(4, 16, 30), at(4, 17)),
    )


def test_a_sprint_of_one_day_holds_all_ceremonies_in_half_of_it() -> None:
    windows = SprintCalendar(days_per_sprint=1).windows(1, 1)

    assert [(window.name, window.length_us // MINUTE_US) for window in windows] == [
        ("refinement", 68),
        ("planning", 68),
        ("development", 242),
        ("review", 51),
        ("retrospective", 34),
        ("meta_learning", 17),
    ]


def test_short_days_shrink_ceremonies_in_proportion_and_long_days_do_not_stretch_them() -> None:
    short = SprintCalendar(work_start_us=hours(9), work_end_us=hours(15))
    long = SprintCalendar(work_start_us=hours(8), work_end_us=hours(18))

    assert short.window(1, 1, "refinement") == Window("refinement", at(0, 9), at(0, 10, 30))
    assert short.development(1, 1).length_us == hours(3)
    assert long.window(1, 1, "refinement") == Window("refinement", at(0, 8), at(0, 10))
    assert long.development(1, 1).length_us == hours(6)


def test_five_day_sprints_run_from_monday_to_friday() -> None:
    assert [DEFAULT.midnight(2, day) // DAY_US for day in range(1, 6)] == [7, 8, 9, 10, 11]


def test_longer_sprints_skip_weekends() -> None:
    calendar = SprintCalendar(days_per_sprint=7)

    assert [calendar.midnight(1, day) // DAY_US for day in range(1, 8)] == [0, 1, 2, 3, 4, 7, 8]
    assert calendar.midnight(2, 1) == 9 * DAY_US


def test_a_run_may_start_in_the_middle_of_a_week() -> None:
    wednesday = SprintCalendar(start_weekday=2)

    assert [wednesday.midnight(1, day) // DAY_US for day in range(1, 6)] == [0, 1, 2, 5, 6]


@pytest.mark.parametrize(("weekday", "days"), [(5, 2), (6, 1)])
def test_a_run_that_starts_on_a_weekend_waits_for_monday(weekday: int, days: int) -> None:
    calendar = SprintCalendar(start_weekday=weekday)

    assert calendar.midnight(1, 1) == days * DAY_US
    assert calendar.midnight(2, 1) == (days + 7) * DAY_US
    assert (calendar.sprint_of(0), calendar.day_of(0)) == (1, 1)


def test_a_weekend_belongs_to_the_friday_before() -> None:
    sunday_night = at(6, 23, 59)

    assert (DEFAULT.sprint_of(sunday_night), DEFAULT.day_of(sunday_night)) == (1, 5)
    assert (DEFAULT.sprint_of(at(7, 0)), DEFAULT.day_of(at(7, 0))) == (2, 1)


def test_work_stops_at_the_end_of_the_day_and_goes_on_after_the_next_stand_up() -> None:
    assert DEFAULT.add_working_time(at(0, 16), hours(1)) == at(0, 17)
    assert DEFAULT.add_working_time(at(0, 16), hours(1) + 1) == at(1, 9, 15) + 1


def test_work_skips_ceremonies_nights_and_weekends() -> None:
    friday_noon = at(4, 12)

    assert DEFAULT.add_working_time(friday_noon, hours(3)) == at(7, 14)  # 2 h until the review, then Monday from 13:00
    assert DEFAULT.working_time_between(friday_noon, at(7, 14)) == hours(3)


def test_a_sprint_has_thirty_hours_and_a_half_of_development() -> None:
    assert DEFAULT.development_per_sprint_us() == minutes(4 * 60 + 3 * 465 + 285)
    assert DEFAULT.working_time_between(at(0, 0), at(7, 0)) == DEFAULT.development_per_sprint_us()


def test_pairs_work_from_the_begin_of_development_up_to_its_end() -> None:
    assert [DEFAULT.is_development(now) for now in (at(0, 13) - 1, at(0, 13), at(0, 17) - 1, at(0, 17))] == [
        False,
        True,
        True,
        False,
    ]


def test_the_next_development_is_now_or_later() -> None:
    assert DEFAULT.next_development(at(0, 10)) == at(0, 13)
    assert DEFAULT.next_development(at(0, 14)) == at(0, 14)
    assert DEFAULT.next_development(at(4, 14)) == at(7, 13)
    assert DEFAULT.next_development(at(5, 12)) == at(7, 13)


def test_what_is_left_of_a_day_counts_development_only() -> None:
    assert DEFAULT.development_left_us(at(0, 9)) == hours(4)
    assert DEFAULT.development_left_us(at(0, 16)) == hours(1)
    assert DEFAULT.development_left_us(at(0, 18)) == 0
    assert DEFAULT.development_left_us(at(6, 12)) == 0


@given(calendars(), instants, durations)
def test_adding_working_time_and_measuring_it_are_inverse(calendar: SprintCalendar, now: int, duration: int) -> None:
    assert calendar.working_time_between(now, calendar.add_working_time(now, duration)) == duration


@given(calendars(), instants, st.integers(1, 300 * HOUR_US))
def test_work_ends_at_the_first_possible_instant(calendar: SprintCalendar, now: int, duration: int) -> None:
    end = calendar.add_working_time(now, duration)

    assert calendar.working_time_between(now, end - 1) == duration - 1
    assert calendar.is_development(end - 1)


@given(calendars(), instants, st.lists(durations, min_size=2, max_size=5))
def test_more_work_never_ends_earlier(calendar: SprintCalendar, now: int, worked: list[int]) -> None:
    ends = [calendar.add_working_time(now, duration) for duration in sorted(worked)]

    assert ends == sorted(ends)


@given(calendars(), instants, durations, durations)
def test_work_in_two_parts_ends_when_it_ends_in_one(calendar: SprintCalendar, now: int, one: int, other: int) -> None:
    pause = calendar.add_working_time(now, one)

    assert calendar.add_working_time(pause, other) == calendar.add_working_time(now, one + other)


@given(calendars(), st.lists(instants, min_size=3, max_size=3))
def test_working_time_adds_up(calendar: SprintCalendar, unordered: list[int]) -> None:
    first, second, third = sorted(unordered)

    assert calendar.working_time_between(first, third) == (
        calendar.working_time_between(first, second) + calendar.working_time_between(second, third)
    )


@given(calendars(), st.integers(1, 20), st.data())
def test_a_working_day_is_filled_without_gap_and_half_of_it_at_least_is_development(
    calendar: SprintCalendar, sprint: int, data: st.DataObject
) -> None:
    day = data.draw(st.integers(1, calendar.days_per_sprint))
    windows = calendar.windows(sprint, day)

    assert windows[0].start_us == calendar.day_start(sprint, day)
    assert windows[-1].end_us == calendar.day_end(sprint, day)
    assert all(before.end_us == after.start_us for before, after in pairwise(windows))
    assert all(window.length_us > 0 for window in windows)
    assert 2 * calendar.development(sprint, day).length_us >= calendar.work_end_us - calendar.work_start_us


@given(calendars(), st.integers(1, 20), st.data())
def test_every_instant_of_a_working_day_knows_its_sprint_and_day(
    calendar: SprintCalendar, sprint: int, data: st.DataObject
) -> None:
    day = data.draw(st.integers(1, calendar.days_per_sprint))
    now = calendar.midnight(sprint, day) + data.draw(st.integers(0, DAY_US - 1))

    assert (calendar.sprint_of(now), calendar.day_of(now)) == (sprint, day)


@given(calendars(), st.integers(0, 6), st.integers(1, 20), st.data())
def test_nobody_works_at_a_weekend(
    calendar: SprintCalendar, start_weekday: int, sprint: int, data: st.DataObject
) -> None:
    calendar = SprintCalendar(days_per_sprint=calendar.days_per_sprint, start_weekday=start_weekday)
    day = data.draw(st.integers(1, calendar.days_per_sprint))

    assert (start_weekday + calendar.midnight(sprint, day) // DAY_US) % 7 < 5


@given(calendars(), instants)
def test_the_next_development_is_the_first_instant_at_which_pairs_work(calendar: SprintCalendar, now: int) -> None:
    start = calendar.next_development(now)

    assert start >= now
    assert calendar.is_development(start)
    assert calendar.working_time_between(now, start) == 0


@pytest.mark.parametrize(
    "arguments",
    [
        {"days_per_sprint": 0},
        {"work_start_us": hours(17), "work_end_us": hours(9)},
        {"work_start_us": -1},
        {"work_start_us": hours(9), "work_end_us": hours(10) - 1},
        {"work_end_us": hours(24) + 1},
        {"start_weekday": -1},
        {"start_weekday": 7},
    ],
)
def test_a_calendar_that_cannot_be_is_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"day|work"):
        SprintCalendar(**arguments)


def test_time_that_runs_backwards_is_refused() -> None:
    with pytest.raises(ValueError, match="before"):
        DEFAULT.working_time_between(2, 1)
    with pytest.raises(ValueError, match="cannot take"):
        DEFAULT.add_working_time(0, -1)
    with pytest.raises(ValueError, match="no day 6"):
        DEFAULT.midnight(1, 6)
    with pytest.raises(ValueError, match="no day 6"):
        DEFAULT.development(1, 6)
