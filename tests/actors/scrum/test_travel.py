"""Stories and boards go from actor to actor, so every field must survive the wire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import msgpack

from actors.scrum import messages
from actors.scrum.cards import BoardView
from actors.scrum.retrospective import Lesson, LessonBook
from actors.scrum.stories import Clarification, Story
from actors.scrum.tasks import Task
from brokers.wire.registry import Registry
from tests.actors.scrum.builders import ready_board, story


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    KIND: ClassVar[str] = "test.parcel/1"
    story: Story
    board: BoardView
    lessons: tuple[Lesson, ...]


def test_stories_boards_and_lessons_arrive_as_they_were_sent() -> None:
    registry = Registry()
    registry.register(Parcel)
    unclear = Clarification(criterion=1, topic="limits", question="?", assumption="a", answer="b", changes=True)
    asked = story("US-1", clarifications=[unclear])
    board = ready_board(asked, story("US-2"))
    board.add_task("US-1", Task(task_id="T-1-001", title="build", estimated_minutes=90))
    board.pull("US-1", developer="ada", at_us=5)
    board.tag("US-1", "FLAKY")
    book = LessonBook()
    book.learn("tests", "keep", "early", sprint=1)
    parcel = Parcel(story=asked, board=board.snapshot(), lessons=book.lessons)

    sent = msgpack.packb(registry.to_body(parcel))

    assert registry.from_body(msgpack.unpackb(sent)) == parcel


def test_every_event_of_a_team_can_travel() -> None:
    registry = Registry()
    registry.register_module(messages)

    event = ready_board(story("US-1")).pull("US-1", developer="ada", at_us=5)

    assert registry.from_body(msgpack.unpackb(msgpack.packb(registry.to_body(event)))) == event


def test_what_everybody_sees_of_a_card_holds_no_hidden_ground_truth() -> None:
    secret = Clarification(criterion=1, topic="limits", question="q?", assumption="any", answer="s3cret", changes=True)

    assert "s3cret" not in repr(ready_board(story("US-1", clarifications=[secret])).snapshot())
