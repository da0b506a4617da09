"""The product owner's verdict on a story, and how content a sprint leaves the stakeholders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Verdict = Literal["accepted", "accepted_with_notes", "rejected"]
Satisfaction = Literal["high", "medium", "low"]

NOTES_PERMILLE = 700  # share of criteria from which a story is accepted although some are not met
HIGH_PERMILLE = 800  # share of stories from which satisfaction is high
MEDIUM_PERMILLE = 500


def verdict(accepted_criteria: int, criteria: int) -> Verdict:
    """Return what becomes of a story of which so many criteria were accepted.

    Raises:
        ValueError: A story without criteria, or more accepted than there are.
    """
    if not 0 <= accepted_criteria <= criteria or criteria == 0:
        raise ValueError(f"{accepted_criteria} of {criteria} criteria cannot be accepted")
    if accepted_criteria == criteria:
        return "accepted"
    return "accepted_with_notes" if accepted_criteria * 1000 >= criteria * NOTES_PERMILLE else "rejected"


def satisfaction(verdicts: Sequence[Verdict]) -> Satisfaction:
    """Return how content the stakeholders are with a sprint; with nothing to show it is low."""
    accepted = sum(1 for one in verdicts if one != "rejected")
    if not verdicts or accepted * 1000 < len(verdicts) * MEDIUM_PERMILLE:
        return "low"
    return "high" if accepted * 1000 >= len(verdicts) * HIGH_PERMILLE else "medium"
