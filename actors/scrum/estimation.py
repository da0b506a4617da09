"""Planning poker: when do votes agree, and what is the result if they never do?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from actors.scrum.stories import FIBONACCI, snap_half_points, snap_points

MAX_ROUNDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Consensus:
    """What one round of votes came to."""

    points: int  # the median, one of FIBONACCI; half-way between two sizes, the larger
    agreed: bool  # all votes lie within one step of FIBONACCI

    def is_settled(self, round_number: int, *, max_rounds: int = MAX_ROUNDS) -> bool:
        """Whether no further round is needed: agreed, or talked about long enough (rounds count from 1)."""
        return self.agreed or round_number >= max_rounds


def consensus(votes: Sequence[int]) -> Consensus:
    """Judge one round of votes; their order does not matter, and a vote of 4 counts as 5.

    Raises:
        ValueError: Nobody voted.
    """
    if not votes:
        raise ValueError("an estimate needs at least one vote")
    ranked = sorted(snap_points(vote) for vote in votes)
    low, high = ranked[(len(ranked) - 1) // 2], ranked[len(ranked) // 2]
    steps = FIBONACCI.index(ranked[-1]) - FIBONACCI.index(ranked[0])
    return Consensus(points=snap_half_points(low + high), agreed=steps <= 1)
