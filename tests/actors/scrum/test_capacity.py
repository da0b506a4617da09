from __future__ import annotations

import pytest

from actors.scrum.capacity import capacity, room_for, stretched


@pytest.mark.parametrize(
    ("finished", "points"),
    [
        ([], 21),  # 3 points for each of 7 developers
        ([9], 9),
        ([0], 5),
        ([10, 20], 20),  # getting faster: the last sprint
        ([20, 10], 15),  # a bad sprint: the mean
        ([90, 12, 10, 9], 10),  # the first is too long ago; 31 / 3
        ([10, 11, 11], 11),
        ([5, 6, 0], 5),
    ],
)
def test_a_team_commits_to_what_it_lately_finished(finished: list[int], points: int) -> None:
    assert capacity(finished, developers=7) == points


def test_even_one_developer_commits_to_five_points() -> None:
    assert capacity([], developers=1) == 5


def test_carried_stories_take_up_room() -> None:
    assert [room_for(20, carried_points=carried) for carried in (0, 8, 25)] == [20, 12, 0]


def test_three_tenths_more_are_prepared() -> None:
    assert [stretched(points) for points in (10, 21)] == [13, 27]
