"""Whatever a team tries, the rules of the board hold."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from actors.scrum.board import Board
from actors.scrum.cards import BLOCKED, COLUMNS
from actors.scrum.errors import ScrumError
from actors.scrum.messages import CardMoved, Column
from tests.actors.scrum.builders import story

STORY_IDS = tuple(f"US-{number}" for number in range(1, 9))
ALLOWED_MOVES = {
    ("backlog", "ready"),
    ("ready", "in_progress"),
    ("in_progress", "review"),
    ("in_progress", "ready"),
    ("review", "done"),
    ("review", "in_progress"),
    ("review", "ready"),
    ("done", "ready"),
}
a_story = st.sampled_from(STORY_IDS)


class BoardMachine(RuleBasedStateMachine):
    """Tries any command on any card, and compares the board with a list of where each card should be."""

    @initialize(in_progress=st.integers(1, 3), review=st.integers(1, 2))
    def begin(self, in_progress: int, review: int) -> None:
        self.limits = {"in_progress": in_progress, "review": review}
        self.board = Board("team-1", in_progress=in_progress, review=review)
        self.where: dict[str, Column] = {}
        self.archived: list[str] = []
        self.card_ids: dict[str, int] = {}
        self.now_us = 0

    def attempt(self, command: Callable[[], CardMoved]) -> None:
        """Carry a move out; a refused one must leave the board as it was."""
        self.now_us += 1
        before = self.board.snapshot()
        try:
            event = command()
        except ScrumError:
            assert self.board.snapshot() == before
            return
        assert (event.from_column, event.to_column) in ALLOWED_MOVES
        assert self.where[event.story_id] == event.from_column
        assert (event.card_id, event.at_us) == (self.card_ids[event.story_id], self.now_us)
        self.where[event.story_id] = event.to_column

    @rule(
        story_id=a_story,
        column=st.sampled_from(COLUMNS),
        depends_on=st.lists(a_story, max_size=2, unique=True),
        priority=st.integers(1, 3),
    )
    def add(self, story_id: str, column: Column, depends_on: list[str], priority: int) -> None:
        wanted = story(story_id, priority=priority, depends_on=[one for one in depends_on if one != story_id])
        before = self.board.snapshot()
        try:
            card = self.board.add_card(wanted, column, points=3)
        except ScrumError:
            assert self.board.snapshot() == before
            assert story_id in self.where or story_id in self.archived or column not in ("backlog", "ready")
            return
        assert story_id not in self.where
        assert card.card_id not in self.card_ids.values()
        self.where[story_id], self.card_ids[story_id] = column, card.card_id

    @rule(story_id=a_story)
    def promote(self, story_id: str) -> None:
        self.attempt(lambda: self.board.promote(story_id, by="ahmed", at_us=self.now_us))

    @rule(story_id=a_story, developer=st.sampled_from(("ada", "ben")))
    def pull(self, story_id: str, developer: str) -> None:
        self.attempt(lambda: self.board.pull(story_id, developer=developer, at_us=self.now_us))

    @rule()
    def pull_what_is_offered(self) -> None:
        offered = self.board.next_ready()
        if offered is not None:
            self.now_us += 1
            self.board.pull(offered.story_id, developer="ada", at_us=self.now_us)  # an offer is never refused
            self.where[offered.story_id] = "in_progress"

    @rule(story_id=a_story)
    def submit(self, story_id: str) -> None:
        self.attempt(lambda: self.board.submit(story_id, by="ada", at_us=self.now_us))

    @rule(story_id=a_story)
    def approve(self, story_id: str) -> None:
        self.attempt(lambda: self.board.approve(story_id, by="sophie", at_us=self.now_us))

    @rule(story_id=a_story)
    def send_back(self, story_id: str) -> None:
        self.attempt(lambda: self.board.send_back(story_id, by="sophie", at_us=self.now_us))

    @rule(story_id=a_story)
    def reopen(self, story_id: str) -> None:
        self.attempt(lambda: self.board.reopen(story_id, by="po", at_us=self.now_us))

    @rule(story_id=a_story)
    def release(self, story_id: str) -> None:
        self.attempt(lambda: self.board.release(story_id, by="ahmed", at_us=self.now_us))

    @rule(story_id=a_story, put_on=st.booleans())
    def label(self, story_id: str, put_on: bool) -> None:
        if story_id in self.where:
            (self.board.tag if put_on else self.board.untag)(story_id, BLOCKED)
            assert self.board.card(story_id).is_blocked == put_on

    @rule(story_id=a_story)
    def withdraw(self, story_id: str) -> None:
        if self.where.get(story_id) == "backlog":
            assert self.board.withdraw(story_id).card_id == self.card_ids[story_id]
            del self.where[story_id]

    @rule(archives=st.booleans())
    def next_sprint(self, archives: bool) -> None:
        if archives:
            self.archived += [card.story_id for card in self.board.archive()]
            self.where = {story_id: column for story_id, column in self.where.items() if column != "done"}
        carried = self.board.carry_over(self.board.sprint + 1)
        assert sorted(card.story_id for card in carried) == sorted(
            story_id for story_id, column in self.where.items() if column != "done"
        )

    @invariant()
    def every_card_is_where_its_moves_led_and_nowhere_else(self) -> None:
        cards = self.board.snapshot().cards
        assert {card.story_id: card.column for card in cards} == self.where
        assert len(cards) == len(self.where)

    @invariant()
    def no_limit_is_ever_exceeded(self) -> None:
        for column, limit in self.limits.items():
            assert sum(1 for held in self.where.values() if held == column) <= limit

    @invariant()
    def what_is_in_progress_was_pulled_and_has_an_owner(self) -> None:
        for card in self.board.cards("in_progress"):
            assert card.pulled_at_us is not None
            assert card.owner in ("ada", "ben")

    @invariant()
    def what_is_offered_waits_for_nothing(self) -> None:
        for card in self.board.may_start():
            assert not card.is_blocked
            for needed in card.story.depends_on:
                assert self.where.get(needed) == "done" or needed in self.archived


TestBoard = BoardMachine.TestCase
TestBoard.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
