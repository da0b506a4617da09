"""Teams share one endless backlog: each story is made once, and is the same whoever asks first."""

from __future__ import annotations

from typing import Any

import pytest

from actors.roles.product_owner import REFILL_BATCH
from actors.simulation import portfolio
from actors.simulation.portfolio import FIRST_BLOCK, NewStories, refill_for
from config.backlog_generator import backlog_story, expand, load_families

SEED = 7


@pytest.fixture
def expansions(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many stories each expansion made."""
    made: list[int] = []

    def counted(*args: Any, count: int, **rest: Any) -> Any:
        made.append(count)
        return expand(*args, count=count, **rest)

    monkeypatch.setattr(portfolio, "expand", counted)
    return made


def test_shared_stories_are_those_of_an_expansion_of_their_own_in_any_order() -> None:
    shared = NewStories(SEED)
    for first, count in ((3, 8), (FIRST_BLOCK - 3, 8), (1, 2), (5 * FIRST_BLOCK, 8), (FIRST_BLOCK, 1)):
        alone = expand(load_families(), seed=SEED, count=count, first_number=first)
        assert shared.take(first, count) == tuple(backlog_story(one) for one in alone)


def test_the_teams_of_a_run_expand_each_story_about_once(expansions: list[int]) -> None:
    teams, batches, first = 20, 10, 1
    shared = NewStories(SEED)
    refills = [refill_for(shared, first_number=first, position=one, teams=teams) for one in range(teams)]

    ids = [
        story.story_id
        for batch in range(batches)
        for refill in refills
        for story in refill(first + batch * REFILL_BATCH, REFILL_BATCH)
    ]

    assert len(set(ids)) == len(ids) == teams * batches * REFILL_BATCH
    assert sum(expansions) < 4 * len(ids)


def test_a_team_gets_the_same_stories_whether_or_not_others_asked_before() -> None:
    shared = NewStories(SEED)
    ahead, own = (refill_for(shared, first_number=61, position=one, teams=2) for one in (0, 1))
    alone = refill_for(NewStories(SEED), first_number=61, position=1, teams=2)
    for batch in range(40):
        ahead(61 + batch * REFILL_BATCH, REFILL_BATCH)
    for batch in range(30):
        first = 61 + batch * REFILL_BATCH
        assert own(first, REFILL_BATCH) == alone(first, REFILL_BATCH)
