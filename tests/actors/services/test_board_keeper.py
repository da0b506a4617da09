"""The board keeper carries out commands, refuses what the rules forbid, and tells who listens."""

from __future__ import annotations

from functools import partial

import pytest

from actors.scrum.board import Board
from actors.scrum.messages import CardMoved, StoryPlanned
from actors.scrum.stories import Story
from actors.services.board_keeper import BoardKeeper
from actors.services.board_messages import AddCard, BoardChanged, PullStory, ViewBoard
from actors.services.disturbance_messages import CrashActor
from actors.simulation.build import build_registry
from brokers.node.actor import Actor
from brokers.node.errors import RefusedError
from brokers.node.messages import DeadLettered
from tests.support.world import VirtualWorld, minutes


class Listener(Actor):
    def __init__(self, heard: list[BoardChanged]) -> None:
        super().__init__()
        self._heard = heard

    def on_receive(self, message: BoardChanged) -> None:
        self._heard.append(message)


def card(story_id: str) -> AddCard:
    story = Story(
        story_id=story_id,
        title=story_id,
        description="",
        criteria=("works",),
        sized_points=3,
        priority=1,
        module="api",
        specialization="backend",
    )
    return AddCard(story=story, points=3, owner="", navigator="", tasks=(), column="ready", sprint=1, expedite=False)


@pytest.fixture
def heard() -> list[BoardChanged]:
    return []


@pytest.fixture
def world(heard: list[BoardChanged]) -> VirtualWorld:
    world = VirtualWorld(registry=build_registry())
    world.start("board", partial(BoardKeeper, Board("red", in_progress=1), listeners=("listener",)))
    world.start("listener", partial(Listener, heard))
    return world


def test_a_pull_is_stamped_with_simulated_time_and_told_to_listeners(
    world: VirtualWorld, heard: list[BoardChanged]
) -> None:
    world.tell("board", card("S-1"), at=minutes(1))
    world.tell("board", PullStory(story_id="S-1", developer="ada", navigator="bob"), at=minutes(90))
    world.run_until_quiet()

    moved = world.events(CardMoved)
    assert [(event.story_id, event.to_column, event.at_us) for event in moved] == [("S-1", "in_progress", minutes(90))]
    assert [event.to_column for event in heard] == ["in_progress"]
    assert [event.story_id for event in world.events(StoryPlanned)] == ["S-1"]


def test_a_pull_beyond_the_limit_is_refused_and_the_keeper_lives_on(world: VirtualWorld) -> None:
    for story_id in ("S-1", "S-2"):
        world.tell("board", card(story_id))
    world.tell("board", PullStory(story_id="S-1", developer="ada", navigator="bob"), at=minutes(1))
    world.run_until_quiet()

    with pytest.raises(RefusedError) as refused:
        world.ask("board", PullStory(story_id="S-2", developer="eve", navigator="bob"))

    assert refused.value.error == "WipLimitError"
    assert ("limit", "1") in refused.value.facts
    columns = {one.story_id: one.column for one in world.ask("board", ViewBoard()).cards}
    assert columns == {"S-1": "in_progress", "S-2": "ready"}


def test_the_board_survives_a_crash_of_its_keeper(world: VirtualWorld) -> None:
    world.tell("board", card("S-1"))
    world.tell("board", CrashActor(reason="chaos"), at=minutes(1))
    world.run_until_quiet()

    assert [letter.actor for letter in world.events(DeadLettered)] == ["board"]
    assert [one.story_id for one in world.ask("board", ViewBoard()).cards] == ["S-1"]
