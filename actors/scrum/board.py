"""The Scrum board of one team: cards in five columns, and the rules by which they move.

    backlog --promote--> ready --pull--> in_progress --submit--> review --approve--> done
                           ^                  ^                    |                   |
                           +--------------- send_back -------------+                   |
                           +------------------------- reopen --------------------------+

Every command checks everything first and changes the board afterwards, so a refused one leaves no trace.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from actors.scrum.cards import BLOCKED, COLUMNS, BoardView, Card, pull_order, view_of
from actors.scrum.errors import (
    BlockedError,
    DuplicateStoryError,
    NotReadyError,
    SprintOrderError,
    UnknownStoryError,
    UnknownTaskError,
    WipLimitError,
    WrongColumnError,
)
from actors.scrum.messages import CardMoved, CardTagged, Column
from actors.scrum.stories import Story
from actors.scrum.tasks import Task, in_dependency_order


class Board:
    """All cards of one team. Lives in its board keeper; survives the keeper's restart."""

    def __init__(self, team: str, *, in_progress: int = 4, review: int = 2, sprint: int = 1) -> None:
        if min(in_progress, review) < 1:
            raise ValueError(f"a limit below one story would stop all work: {in_progress} and {review}")
        self.team, self.sprint = team, sprint
        self._limits: dict[Column, int] = {"in_progress": in_progress, "review": review}
        self._columns: dict[Column, dict[str, Card]] = {column: {} for column in COLUMNS}
        self._column_of: dict[str, Column] = {}
        self._finished_earlier: dict[str, None] = {}  # stories that left the board as done, or were done elsewhere
        self._last_card_id = 0

    # -- what is on it ------------------------------------------------------------------------------------------------

    def card(self, story_id: str) -> Card:
        """Return the card of a story. Raises UnknownStoryError."""
        return self._columns[self.column_of(story_id)][story_id]

    def column_of(self, story_id: str) -> Column:
        """Return the column that holds a story. Raises UnknownStoryError."""
        column = self._column_of.get(story_id)
        if column is None:
            raise UnknownStoryError(story_id)
        return column

    def cards(self, column: Column) -> tuple[Card, ...]:
        """Return the cards of one column, by card id."""
        return tuple(sorted(self._columns[column].values(), key=lambda card: card.card_id))

    def unfinished(self) -> tuple[Card, ...]:
        """Return all cards that are not done, by column and card id."""
        return tuple(card for column in COLUMNS if column != "done" for card in self.cards(column))

    def has_room(self, column: Column) -> bool:
        """Whether the limit of a column lets one more card in; columns without a limit always do."""
        return column not in self._limits or len(self._columns[column]) < self._limits[column]

    def is_finished(self, story_id: str) -> bool:
        """Whether a story is done, on the board or earlier, so that others may build on it."""
        return story_id in self._columns["done"] or story_id in self._finished_earlier

    def waits_for(self, story_id: str) -> tuple[str, ...]:
        """Return the stories that must be done before this one may start. Raises UnknownStoryError."""
        return tuple(needed for needed in self.card(story_id).story.depends_on if not self.is_finished(needed))

    def may_start(self) -> tuple[Card, ...]:
        """Return the ready cards that a pull would be granted for, in the order to pull them.

        Expedited cards come first, then the smallest priority number, then the oldest card. Empty while
        `in_progress` is full.
        """
        if not self.has_room("in_progress"):
            return ()
        startable = (
            card
            for card in self._columns["ready"].values()
            if not card.is_blocked and not self.waits_for(card.story_id)
        )
        return tuple(sorted(startable, key=pull_order))

    def next_ready(self, owners: Iterable[str] | None = None) -> Card | None:
        """Return the first card that may start; with `owners`, the first that one of them or nobody owns."""
        wanted = None if owners is None else {*owners, ""}
        return next((card for card in self.may_start() if wanted is None or card.owner in wanted), None)

    def next_to_promote(self) -> Card | None:
        """Return the first card of the backlog column whose dependencies are done."""
        open_cards = (card for card in self._columns["backlog"].values() if not self.waits_for(card.story_id))
        return min(open_cards, key=pull_order, default=None)

    def snapshot(self) -> BoardView:
        """Return the board as it is now, without hidden ground truth."""
        return BoardView(
            team=self.team,
            sprint=self.sprint,
            wip_in_progress=self._limits["in_progress"],
            wip_review=self._limits["review"],
            cards=tuple(view_of(card, column) for column in COLUMNS for card in self.cards(column)),
        )

    # -- cards come and go --------------------------------------------------------------------------------------------

    def add_card(
        self,
        story: Story,
        column: Column,
        *,
        points: int,
        owner: str = "",
        navigator: str = "",
        tasks: Sequence[Task] = (),
        expedite: bool = False,
    ) -> Card:
        """Put a story on the board, in `backlog` or `ready`.

        Raises:
            DuplicateStoryError: It is, or was, on the board.
            WrongColumnError: Cards cannot start in that column.
            ScrumError: What `in_dependency_order` says of the tasks.
        """
        if story.story_id in self._column_of or story.story_id in self._finished_earlier:
            raise DuplicateStoryError(story.story_id)
        if column not in ("backlog", "ready"):
            raise WrongColumnError(story.story_id, column, "backlog or ready")
        card = Card(
            card_id=self._last_card_id + 1,
            story=story,
            points=points,
            owner=owner,
            navigator=navigator,
            tasks=in_dependency_order(tasks),
            tags=(),
            sprint=self.sprint,
            expedite=expedite,
            pulled_at_us=None,
        )
        self._last_card_id = card.card_id
        self._put(card, column)
        return card

    def withdraw(self, story_id: str) -> Card:
        """Take a card that nobody planned for this sprint off the board, back to the product backlog.

        Raises:
            UnknownStoryError, WrongColumnError: It is not in `backlog`.
        """
        card = self._card_in(story_id, "backlog")
        self._take(card)
        return card

    def archive(self) -> tuple[Card, ...]:
        """Take all done cards off the board; others may go on building on their stories."""
        cards = self.cards("done")
        for card in cards:
            self._take(card)
            self._finished_earlier[card.story_id] = None
        return cards

    def finish_elsewhere(self, story_id: str) -> None:
        """Note that another team finished a story that stories here may depend on.

        Raises:
            DuplicateStoryError: It is on this board, and must be finished here.
        """
        if story_id in self._column_of:
            raise DuplicateStoryError(story_id)
        self._finished_earlier[story_id] = None

    def carry_over(self, sprint: int) -> tuple[Card, ...]:
        """Begin a later sprint: what is unfinished now belongs to it. Returns those cards; done ones stay as they are.

        Raises:
            SprintOrderError: The board is in that sprint or past it.
        """
        if sprint <= self.sprint:
            raise SprintOrderError(sprint, self.sprint)
        self.sprint = sprint
        for card in self.unfinished():
            self._put(replace(card, sprint=sprint), self._column_of[card.story_id])
        return self.unfinished()

    # -- moves --------------------------------------------------------------------------------------------------------

    def promote(self, story_id: str, *, by: str, at_us: int) -> CardMoved:
        """Take a story into the sprint: backlog to ready. Raises UnknownStoryError, WrongColumnError."""
        return self._move(self._card_in(story_id, "backlog"), "ready", by, at_us)

    def pull(self, story_id: str, *, developer: str, at_us: int) -> CardMoved:
        """Start a story: ready to in_progress. The developer owns it from now on.

        Raises:
            UnknownStoryError, WrongColumnError: It is not in `ready`.
            BlockedError: It is tagged BLOCKED.
            NotReadyError: It depends on unfinished stories.
            WipLimitError: `in_progress` is full.
        """
        card = self._card_in(story_id, "ready")
        if card.is_blocked:
            raise BlockedError(story_id, BLOCKED)
        waits_for = self.waits_for(story_id)
        if waits_for:
            raise NotReadyError(story_id, waits_for)
        self._check_room("in_progress")
        first_pull_us = at_us if card.pulled_at_us is None else card.pulled_at_us
        started = replace(card, owner=developer, expedite=False, pulled_at_us=first_pull_us)
        return self._move(started, "in_progress", developer, at_us)

    def submit(self, story_id: str, *, by: str, at_us: int) -> CardMoved:
        """Hand a story to quality assurance: in_progress to review.

        Raises:
            UnknownStoryError, WrongColumnError: It is not in `in_progress`.
            WipLimitError: `review` is full.
        """
        card = self._card_in(story_id, "in_progress")
        self._check_room("review")
        return self._move(card, "review", by, at_us)

    def approve(self, story_id: str, *, by: str, at_us: int) -> CardMoved:
        """Quality assurance is content: review to done. Raises UnknownStoryError, WrongColumnError."""
        return self._move(self._card_in(story_id, "review"), "done", by, at_us)

    def send_back(self, story_id: str, *, by: str, at_us: int) -> CardMoved:
        """Quality assurance found something: review to in_progress, or to ready, expedited, while that is full.

        Raises:
            UnknownStoryError, WrongColumnError: It is not in `review`.
        """
        card = self._card_in(story_id, "review")
        if self.has_room("in_progress"):
            return self._move(card, "in_progress", by, at_us)
        return self._move(replace(card, expedite=True), "ready", by, at_us)

    def reopen(self, story_id: str, *, by: str, at_us: int, expedite: bool = False) -> CardMoved:
        """The product owner rejected it: done to ready. Raises UnknownStoryError, WrongColumnError."""
        return self._move(replace(self._card_in(story_id, "done"), expedite=expedite), "ready", by, at_us)

    def release(self, story_id: str, *, by: str, at_us: int) -> CardMoved:
        """Nobody works on it any more, for instance after a crash: in_progress to ready, expedited.

        Raises:
            UnknownStoryError, WrongColumnError: It is not in `in_progress`.
        """
        return self._move(replace(self._card_in(story_id, "in_progress"), expedite=True), "ready", by, at_us)

    # -- what is written on cards -------------------------------------------------------------------------------------

    def tag(self, story_id: str, tag: str) -> CardTagged | None:
        """Put a label on a card; None if it has it already. Raises UnknownStoryError."""
        card = self.card(story_id)
        if tag in card.tags:
            return None
        return self._label(replace(card, tags=(*card.tags, tag)), tag, present=True)

    def untag(self, story_id: str, tag: str) -> CardTagged | None:
        """Take a label off a card; None if it has no such label. Raises UnknownStoryError."""
        card = self.card(story_id)
        if tag not in card.tags:
            return None
        return self._label(replace(card, tags=tuple(kept for kept in card.tags if kept != tag)), tag, present=False)

    def reassign(self, story_id: str, *, owner: str | None = None, navigator: str | None = None) -> Card:
        """Name another owner or navigator; None keeps who is there, "" means nobody. Raises UnknownStoryError."""
        card = self.card(story_id)
        return self._rewrite(
            replace(
                card,
                owner=card.owner if owner is None else owner,
                navigator=card.navigator if navigator is None else navigator,
            )
        )

    def add_task(self, story_id: str, task: Task) -> Card:
        """Give a story more to do. Raises UnknownStoryError, and what `in_dependency_order` says of the tasks."""
        card = self.card(story_id)
        return self._rewrite(replace(card, tasks=in_dependency_order((*card.tasks, task))))

    def finish_task(self, story_id: str, task_id: str) -> Card:
        """Tick a task off. Raises UnknownStoryError, UnknownTaskError."""
        card = self.card(story_id)
        if all(task.task_id != task_id for task in card.tasks):
            raise UnknownTaskError(task_id)
        tasks = tuple(replace(task, done=True) if task.task_id == task_id else task for task in card.tasks)
        return self._rewrite(replace(card, tasks=tasks))

    # -- how it is kept -----------------------------------------------------------------------------------------------

    def _card_in(self, story_id: str, expected: Column) -> Card:
        column = self.column_of(story_id)
        if column != expected:
            raise WrongColumnError(story_id, column, expected)
        return self._columns[column][story_id]

    def _check_room(self, column: Column) -> None:
        if not self.has_room(column):
            raise WipLimitError(column, self._limits[column])

    def _move(self, card: Card, column: Column, by: str, at_us: int) -> CardMoved:
        left = self._take(card)
        self._put(card, column)
        return CardMoved(
            team=self.team,
            sprint=self.sprint,
            card_id=card.card_id,
            story_id=card.story_id,
            from_column=left,
            to_column=column,
            by=by,
            at_us=at_us,
        )

    def _label(self, card: Card, tag: str, *, present: bool) -> CardTagged:
        self._rewrite(card)
        return CardTagged(
            team=self.team,
            sprint=self.sprint,
            card_id=card.card_id,
            story_id=card.story_id,
            tag=tag,
            present=present,
        )

    def _rewrite(self, card: Card) -> Card:
        self._put(card, self._column_of[card.story_id])
        return card

    def _put(self, card: Card, column: Column) -> None:
        self._columns[column][card.story_id] = card
        self._column_of[card.story_id] = column

    def _take(self, card: Card) -> Column:
        column = self._column_of.pop(card.story_id)
        del self._columns[column][card.story_id]
        return column
