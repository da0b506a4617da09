from __future__ import annotations

import pytest

from actors.scrum.acceptance import Satisfaction, Verdict, satisfaction, verdict


@pytest.mark.parametrize(
    ("accepted", "criteria", "expected"),
    [
        (3, 3, "accepted"),
        (7, 10, "accepted_with_notes"),
        (69, 100, "rejected"),
        (2, 3, "rejected"),
        (3, 4, "accepted_with_notes"),
        (0, 1, "rejected"),
    ],
)
def test_a_verdict_follows_from_the_share_of_accepted_criteria(accepted: int, criteria: int, expected: Verdict) -> None:
    assert verdict(accepted, criteria) == expected


@pytest.mark.parametrize(("accepted", "criteria"), [(0, 0), (2, 1), (-1, 2)])
def test_impossible_counts_are_refused(accepted: int, criteria: int) -> None:
    with pytest.raises(ValueError, match="cannot be accepted"):
        verdict(accepted, criteria)


@pytest.mark.parametrize(
    ("accepted", "noted", "rejected", "expected"),
    [
        (3, 1, 1, "high"),
        (3, 0, 1, "medium"),
        (1, 0, 1, "medium"),
        (1, 0, 2, "low"),
        (0, 0, 0, "low"),
    ],
)
def test_satisfaction_follows_from_the_share_of_accepted_stories(
    accepted: int, noted: int, rejected: int, expected: Satisfaction
) -> None:
    verdicts: list[Verdict] = ["accepted"] * accepted + ["accepted_with_notes"] * noted + ["rejected"] * rejected  # type: ignore[assignment]

    assert satisfaction(verdicts) == expected
