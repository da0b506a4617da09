"""The calendar of a run, as its configuration has it."""

from __future__ import annotations

from actors.scrum.calendar import MINUTE_US, SprintCalendar
from config.sections import RunConfig


def calendar_of(config: RunConfig) -> SprintCalendar:
    """Of every team: all have the same days and hours."""
    return SprintCalendar(
        days_per_sprint=config.experiment.num_simulated_days,
        work_start_us=config.simulation.work_start_minute * MINUTE_US,
        work_end_us=config.simulation.work_end_minute * MINUTE_US,
        start_weekday=config.simulation.start_date.weekday(),
    )
