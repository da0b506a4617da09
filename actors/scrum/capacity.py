"""How much a team should commit to: yesterday's weather."""

from __future__ import annotations

from collections.abc import Sequence

POINTS_PER_DEVELOPER = 3  # what the first sprint expects, before there is any weather
LEAST_POINTS = 5
SPRINTS_LOOKED_AT = 3
STRETCH_PERMILLE = 1300  # refinement prepares this share of the capacity, in case all goes well


def capacity(finished_points: Sequence[int], *, developers: int) -> int:
    """Return the points a team should have on its board in the coming sprint, carried stories included.

    The first sprint expects three points of each developer. Later ones expect the mean of the last three sprints, or
    the last sprint if that was better, so that a team that is getting faster is not held back; never less than five.

    Args:
        finished_points: Points accepted in each sprint so far, oldest first.
        developers: Members who write code.
    """
    if not finished_points:
        return max(LEAST_POINTS, developers * POINTS_PER_DEVELOPER)
    recent = finished_points[-SPRINTS_LOOKED_AT:]
    mean = (2 * sum(recent) + len(recent)) // (2 * len(recent))  # rounded, halves up
    return max(LEAST_POINTS, mean, recent[-1])


def room_for(capacity_points: int, *, carried_points: int) -> int:
    """Return the points that are left to commit when unfinished stories are carried into the sprint."""
    return max(0, capacity_points - carried_points)


def stretched(capacity_points: int) -> int:
    """Return the points to prepare in refinement: the capacity and three tenths on top, rounded down."""
    return capacity_points * STRETCH_PERMILLE // 1000
