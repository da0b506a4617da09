"""The board of one team as its events tell it, and its snapshot at the end of a sprint (`kanban.json`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from actors.reporting.artifact_folder import SCHEMA_VERSION
from actors.reporting.code_facts import FlawFacts, StoryFacts
from actors.reporting.errors import InconsistentLogError
from actors.reporting.run_info import UNMEASURED_CODE
from actors.scrum.code_messages import AcceptanceMeasured
from actors.scrum.messages import (
    CardMoved,
    CardTagged,
    Column,
    PlannedTask,
    SprintEnded,
    StoryPlanned,
    TaskAdded,
    TaskFinished,
)

_COLUMNS: tuple[Column, ...] = ("backlog", "ready", "in_progress", "review", "done")
_NO_CODE = StoryFacts()

Codes = Mapping[str, StoryFacts]  # by story; those nobody has written for are not in it


@dataclass(slots=True)
class WallCard:
    """A card with what happened to it."""

    planned: StoryPlanned
    column: Column
    tasks: list[PlannedTask]
    tags: list[str] = field(default_factory=list)
    spent_minutes: dict[str, int] = field(default_factory=dict)  # by task id, finished tasks only
    is_judged: bool = False  # the product owner has seen it once

    @property
    def is_planned(self) -> bool:
        """Whether a sprint took it on; stretch stories wait in Backlog, and disturbances bring stories unplanned."""
        return self.planned.story_kind == "story" and self.column != "backlog"


class CardWall:
    """Every card that is still on a team's board."""

    def __init__(self) -> None:
        self._cards: dict[int, WallCard] = {}
        self._by_story: dict[str, int] = {}

    def plan(self, event: StoryPlanned) -> None:
        """Put up a card."""
        self._cards[event.card_id] = WallCard(event, event.column, list(event.tasks))
        self._by_story[event.story_id] = event.card_id

    def move(self, event: CardMoved) -> None:
        """Move a card to another column."""
        self._card(event).column = event.to_column

    def tag(self, event: CardTagged) -> None:
        """Put a label on a card, or take it off."""
        tags = self._card(event).tags
        if event.present and event.tag not in tags:
            tags.append(event.tag)
        elif not event.present and event.tag in tags:
            tags.remove(event.tag)

    def add_task(self, event: TaskAdded) -> None:
        """Note repairs or new scope on a story."""
        card = self.card_of(event.story_id)
        if card is not None:
            card.tasks.append(event.task)

    def finish_task(self, event: TaskFinished) -> None:
        """Note what a task took; rework on a task adds up."""
        card = self.card_of(event.story_id)
        if card is not None:
            spent = card.spent_minutes.get(event.task_id, 0)
            card.spent_minutes[event.task_id] = spent + event.spent_minutes

    def judge(self, story_id: str) -> bool:
        """Note that a story was judged. Returns whether it is the first time."""
        card = self.card_of(story_id)
        if card is None or card.is_judged:
            return False
        card.is_judged = True
        return True

    def card_of(self, story_id: str) -> WallCard | None:
        """The card of a story, if it is on the board."""
        return self._cards.get(self._by_story.get(story_id, -1))

    @property
    def stories(self) -> tuple[str, ...]:
        """The stories on the board, as they came there."""
        return tuple(self._by_story)

    @property
    def planned_stories(self) -> tuple[str, ...]:
        """Those of them that a sprint took on."""
        return tuple(card.planned.story_id for card in self._cards.values() if card.is_planned)

    def columns(self, sprint: int, codes: Codes | None) -> dict[str, list[dict[str, Any]]]:
        """The board as it is now, each column by card id; `codes` is None where work is modelled."""
        columns: dict[str, list[dict[str, Any]]] = {column: [] for column in _COLUMNS}
        for _, card in sorted(self._cards.items()):
            columns[card.column].append(_shown(card, card.column, sprint, codes))
        return columns

    def snapshot(self, ended: SprintEnded, codes: Codes | None) -> dict[str, Any]:
        """The board when a sprint ended. `done` holds what was accepted in it, so its points are the velocity.

        `codes` is None where work is modelled.

        Raises:
            InconsistentLogError: The accepted cards do not add up to the announced velocity.
        """
        columns: dict[str, list[dict[str, Any]]] = {column: [] for column in _COLUMNS}
        for card_id in sorted(self._cards):
            card = self._cards[card_id]
            accepted = card.planned.story_id in ended.finished_stories
            column = "review" if card.column == "done" and not accepted else card.column
            columns[column].append(_shown(card, column, ended.sprint, codes))
        points = sum(card["story_points"] for card in columns["done"])
        if points != ended.finished_points:
            reason = f"accepted cards have {points} points, the sprint announced {ended.finished_points}"
            raise InconsistentLogError(ended.team, ended.sprint, reason)
        return {"schema_version": SCHEMA_VERSION, "sprint": ended.sprint, **columns}

    def take_down(self, stories: Sequence[str]) -> None:
        """Forget accepted cards: they are told in the sprint that finished them."""
        for story_id in stories:
            self._cards.pop(self._by_story.pop(story_id, -1), None)

    def _card(self, event: CardMoved | CardTagged) -> WallCard:
        card = self._cards.get(event.card_id)
        if card is None:
            reason = f"card {event.card_id} ({event.story_id}) was never planned"
            raise InconsistentLogError(event.team, event.sprint, reason)
        return card


def _shown(card: WallCard, column: str, sprint: int, codes: Codes | None) -> dict[str, Any]:
    planned = card.planned
    code = None if codes is None else codes.get(planned.story_id, _NO_CODE)
    return {
        "id": planned.card_id,
        "title": planned.title,
        "description": planned.description,
        "status": column,
        "story_points": planned.points,
        "sprint": sprint,
        "story_id": planned.story_id,
        "owner": planned.owner,
        "initial_navigator": planned.initial_navigator,
        "depends_on": list(planned.depends_on),
        "team_id": planned.team,
        "metadata": {
            "acceptance_criteria": list(planned.criteria),
            "awaits_acceptance": card.column == "done" and column != "done",
            "kind": planned.story_kind,
            "module": planned.module,
            "planned_in_sprint": planned.sprint,
            "priority": planned.priority,
            "tags": list(card.tags),
            "tasks": [
                {
                    "id": task.task_id,
                    "title": task.title,
                    "estimated_minutes": task.estimated_minutes,
                    "spent_minutes": card.spent_minutes.get(task.task_id),
                    "depends_on": list(task.depends_on),
                    "specialization": task.specialization,
                }
                for task in card.tasks
            ],
            **_code(code, is_done=column == "done"),
        },
    }


def _code(code: StoryFacts | None, *, is_done: bool) -> dict[str, Any]:
    """What is known about a story's code; its flaws, which nobody knew, are told once it is done."""
    if code is None:
        nothing = dict.fromkeys(("branch", "commit", "is_on_main", "acceptance", "flaws"))
        return {**nothing, "unmeasured": UNMEASURED_CODE}
    return {
        "branch": code.branch or None,
        "commit": code.commit or None,
        "is_on_main": code.is_on_main,
        "acceptance": criteria_cases(code.acceptance) if code.acceptance is not None else None,
        "flaws": [_flaw(flaw) for flaw in code.flaws] if is_done else None,
        "unmeasured": None if code.acceptance is not None else "acceptance: hidden tests run in the sprint review",
    }


def criteria_cases(measured: AcceptanceMeasured) -> dict[str, dict[str, int]]:
    """What hidden tests said, by number of the criterion."""
    pairs = zip(measured.cases, measured.failed, strict=True)
    return {str(number): {"cases": cases, "failed": failed} for number, (cases, failed) in enumerate(pairs, start=1)}


def _flaw(flaw: FlawFacts) -> dict[str, Any]:
    return {
        "number": flaw.made.number,
        "author": flaw.made.author,
        "incident_class": flaw.made.incident_class,
        "severity": flaw.made.severity,
        "criteria": list(flaw.made.criteria),
        "made_in_sprint": flaw.made.sprint,
        "found_by": flaw.found.by if flaw.found is not None else None,
        "found_in_sprint": flaw.found.sprint if flaw.found is not None else None,
    }
