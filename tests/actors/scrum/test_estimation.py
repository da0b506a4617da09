from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.scrum.estimation import Consensus, consensus
from actors.scrum.stories import FIBONACCI


@pytest.mark.parametrize(
    ("votes", "points", "agreed"),
    [
        ([5], 5, True),
        ([3, 3, 5], 3, True),
        ([3, 5], 5, True),  # half-way, so the larger
        ([2, 5], 3, False),
        ([1, 2, 13], 2, False),
        ([2, 8], 5, False),
        ([1, 5, 13], 5, False),
        ([13, 1, 13, 2, 8, 3, 13], 8, False),
        ([1, 2, 8, 8, 13, 13], 8, False),
        ([3, 4], 5, True),  # a vote of 4 is one of 5
    ],
)
def test_votes_agree_within_one_step_and_come_to_their_median(votes: list[int], points: int, agreed: bool) -> None:
    assert consensus(votes) == Consensus(points=points, agreed=agreed)


@given(
    st.lists(st.sampled_from(FIBONACCI), min_size=1, max_size=9).flatmap(
        lambda votes: st.tuples(st.just(votes), st.permutations(votes))
    )
)
def test_the_order_of_votes_does_not_matter(orders: tuple[list[int], list[int]]) -> None:
    assert consensus(orders[0]) == consensus(orders[1])


@given(st.lists(st.sampled_from(FIBONACCI), min_size=1, max_size=9))
def test_the_result_is_a_size_between_the_lowest_and_the_highest_vote(votes: list[int]) -> None:
    points = consensus(votes).points

    assert points in FIBONACCI
    assert min(votes) <= points <= max(votes)


def test_a_team_votes_until_it_agrees_or_has_talked_long_enough() -> None:
    apart, together = consensus([1, 13]), consensus([5, 5])

    assert [apart.is_settled(number) for number in (1, 2, 3)] == [False, False, True]
    assert together.is_settled(1)
    assert apart.is_settled(1, max_rounds=1)


def test_an_estimate_needs_a_vote() -> None:
    with pytest.raises(ValueError, match="at least one vote"):
        consensus([])
