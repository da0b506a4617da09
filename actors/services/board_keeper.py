"""The board keeper: every change to a team's board passes through its mailbox."""

from __future__ import annotations

from typing import Any, ClassVar

from actors.scrum.board import Board
from actors.scrum.errors import ScrumError
from actors.scrum.messages import CardMoved, CardTagged, Column, StoryPlanned
from actors.scrum.tasks import Task
from actors.services.board_messages import (
    AddCard,
    ApproveStory,
    BoardChanged,
    BoardSeen,
    CardAdded,
    OpenSprint,
    PromoteStory,
    PullStory,
    ReassignStory,
    ReopenStory,
    SendBackStory,
    SubmitStory,
    TagCard,
    ViewBoard,
)
from actors.services.disturbance_messages import CrashActor
from actors.services.failures import CrashRequestedError, UnexpectedMessageError
from brokers.node.actor import Actor


class BoardKeeper(Actor):
    """Owns the board of one team, publishes what happens on it, and tells `listeners` when a card moved."""

    refusals: ClassVar[tuple[type[Exception], ...]] = (ScrumError,)

    def __init__(self, board: Board, *, listeners: tuple[str, ...]) -> None:
        super().__init__()
        self._board = board
        self._listeners = listeners

    def on_receive(self, message: Any) -> Any:
        """Carry out a command, or refuse it with the rule it would break."""
        board, now_us = self._board, self.context.now_us
        match message:
            case PullStory(story_id=story_id, developer=developer, navigator=navigator):
                moved = board.pull(story_id, developer=developer, at_us=now_us)
                board.reassign(story_id, navigator=navigator)
                return self._moved(moved)
            case SubmitStory(story_id=story_id, developer=developer):
                return self._moved(board.submit(story_id, by=developer, at_us=now_us))
            case ApproveStory(story_id=story_id, tester=tester):
                return self._moved(board.approve(story_id, by=tester, at_us=now_us))
            case SendBackStory(story_id=story_id, tester=tester):
                return self._moved(board.send_back(story_id, by=tester, at_us=now_us))
            case ReopenStory(story_id=story_id, by=by):
                return self._moved(board.reopen(story_id, by=by, at_us=now_us, expedite=True))
            case PromoteStory(story_id=story_id, by=by):
                return self._moved(board.promote(story_id, by=by, at_us=now_us))
            case TagCard(story_id=story_id, tag=tag, present=present):
                return self._tagged(board.tag(story_id, tag) if present else board.untag(story_id, tag))
            case _:
                return self._on_others(message)

    def _on_others(self, message: Any) -> Any:
        board = self._board
        match message:
            case ViewBoard():
                return BoardSeen(cards=board.snapshot().cards)
            case AddCard():
                return self._add(message)
            case ReassignStory(story_id=story_id, owner=owner, navigator=navigator):
                board.reassign(story_id, owner=owner, navigator=navigator)
                return None
            case OpenSprint(sprint=sprint):
                if sprint > board.sprint:
                    board.archive()
                    board.carry_over(sprint)
                return BoardSeen(cards=board.snapshot().cards)
            case CrashActor(reason=reason):
                raise CrashRequestedError(reason)
            case _:
                raise UnexpectedMessageError(message)

    def _add(self, order: AddCard) -> CardAdded:
        story = order.story
        card = self._board.add_card(
            story,
            order.column,
            points=order.points,
            owner=order.owner,
            navigator=order.navigator,
            tasks=tuple(
                Task(
                    task_id=task.task_id,
                    title=task.title,
                    estimated_minutes=task.estimated_minutes,
                    depends_on=task.depends_on,
                    specialization=task.specialization,
                )
                for task in order.tasks
            ),
            expedite=order.expedite,
        )
        self.context.publish(_planned(self._board.team, card.card_id, order))
        if order.expedite:  # an unplanned card may start at once
            self._tell_listeners(story.story_id, "", order.column, "")
        return CardAdded(card_id=card.card_id, story_id=story.story_id)

    def _moved(self, moved: CardMoved) -> CardMoved:
        self.context.publish(moved)
        self._tell_listeners(moved.story_id, moved.from_column, moved.to_column, moved.by)
        return moved

    def _tell_listeners(self, story_id: str, from_column: str, to_column: Column, by: str) -> None:
        news = BoardChanged(story_id=story_id, from_column=from_column, to_column=to_column, by=by)
        for listener in self._listeners:
            self.context.tell(listener, news)

    def _tagged(self, tagged: CardTagged | None) -> CardTagged | None:
        if tagged is not None:
            self.context.publish(tagged)
        return tagged


def _planned(team: str, card_id: int, order: AddCard) -> StoryPlanned:
    story = order.story
    return StoryPlanned(
        team=team,
        sprint=order.sprint,
        card_id=card_id,
        story_id=story.story_id,
        title=story.title,
        description=story.description,
        criteria=story.criteria,
        module=story.module,
        points=order.points,
        priority=story.priority,
        story_kind=story.kind,
        owner=order.owner,
        initial_navigator=order.navigator,
        depends_on=story.depends_on,
        tasks=order.tasks,
        column=order.column,
    )
