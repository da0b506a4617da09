"""What the events of one run say about mistakes, questions and hidden tests. Pure counting.

A mistake is the team's when it was made in a story that the team planned. What disturbances break on purpose (a staged
regression, a copied module) is nobody's skill and is left out, and so is what canaries find of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

from actors.scrum.code_messages import AcceptanceMeasured, DefectEscaped, FlawFound, FlawMade, FoundBy, StoryLanded
from actors.scrum.messages import QuestionAnswered, QuestionAsked, StoryPlanned

Event = tuple[str, Mapping[str, Any]]  # kind and fields
Wishes = Mapping[str, Sequence[tuple[int, str]]]  # story -> criterion and topic of wishes that one would not assume
KINDS: tuple[str, ...] = tuple(
    message.KIND
    for message in (
        StoryPlanned,
        QuestionAsked,
        QuestionAnswered,
        StoryLanded,
        AcceptanceMeasured,
        FlawMade,
        FlawFound,
        DefectEscaped,
    )
)
COUNTED: tuple[str, ...] = (
    "stories_landed",
    "stories_shown",  # hidden tests ran on them; the first time counts
    "stories_right",
    "criteria_shown",
    "criteria_right",
    "asked_shown",  # criteria that want something else than one would assume, all of it asked about before
    "asked_right",
    "unasked_shown",  # the same, not or not all of it asked about
    "unasked_right",
    "cleared_shown",  # stories, of those with such criteria: all of it asked about before
    "cleared_right",
    "cleared_escaped",  # defects that escaped from them
    "uncleared_shown",
    "uncleared_right",
    "uncleared_escaped",
    "mistakes",
    "mistakes_on_main",  # nobody saw them before the sprint review, or before a canary failed
    "escaped",
    "escaped_mistakes",  # of them: somebody made a mistake; the others were misunderstood
    *(f"found_by_{finder}" for finder in get_args(FoundBy)),
)


def facts_of(events: Iterable[Event], wishes: Wishes) -> dict[str, int]:
    """Count one run.

    Args:
        events: Those of `KINDS`, in the order of the log.
        wishes: For each story of the backlog, which of its open points are wanted otherwise than one would assume.
    Returns:
        A number for each name of `COUNTED`.
    """
    count = _Count(wishes)
    for kind, fields in events:
        count.add(kind, fields)
    return {name: count.numbers[name] for name in COUNTED}


class _Count:
    def __init__(self, wishes: Wishes) -> None:
        self._wishes = wishes
        self.numbers: Counter[str] = Counter()
        self._planned: set[str] = set()
        self._points: dict[str, tuple[str, int, str]] = {}  # question -> story, criterion, topic
        self._answered: set[tuple[str, int, str]] = set()
        self._landed: set[str] = set()
        self._foreign: set[str] = set()  # commits on main that are no story's
        self._shown: dict[str, str] = {}  # story -> whether it was cleared
        self._mistakes: set[int] = set()
        self._found: set[int] = set()

    def add(self, kind: str, fields: Mapping[str, Any]) -> None:
        match kind:
            case StoryPlanned.KIND:
                self._planned.add(fields["story_id"])
            case QuestionAsked.KIND:
                self._points[fields["question_id"]] = fields["story_id"], fields["criterion"], fields["topic"]
            case QuestionAnswered.KIND if not fields["dismissed"]:
                self._answered.add(self._points[fields["question_id"]])
            case StoryLanded.KIND:
                self._land(fields["story_id"], fields["commit"])
            case AcceptanceMeasured.KIND if fields["story_id"] in self._wishes:
                self._show(fields["story_id"], fields["failed"])
            case FlawMade.KIND if fields["story_id"] in self._planned:
                self._mistakes.add(fields["number"])
                self.numbers["mistakes"] += 1
            case FlawFound.KIND if fields["number"] in self._mistakes:
                self._find(fields["number"], fields["by"])
            case DefectEscaped.KIND if fields["story_id"] in self._planned and fields["culprit"] not in self._foreign:
                self._escape(fields["story_id"], is_mistake=bool(fields["incident_class"]))
            case _:
                pass

    def _land(self, story_id: str, commit: str) -> None:
        if story_id not in self._planned:
            self._foreign.add(commit)
        elif story_id not in self._landed:
            self._landed.add(story_id)
            self.numbers["stories_landed"] += 1

    def _show(self, story_id: str, failed: Sequence[int]) -> None:
        """Hidden tests ran. A second demonstration is that of a repair."""
        if story_id in self._shown:
            return
        wishes = [
            (criterion, (story_id, criterion, topic) in self._answered) for criterion, topic in self._wishes[story_id]
        ]
        self._shown[story_id] = _group(wishes, "cleared", "uncleared")
        self._tell("stories", is_right=not any(failed))
        self._tell(self._shown[story_id], is_right=not any(failed))
        for criterion, failures in enumerate(failed, start=1):
            self._tell("criteria", is_right=not failures)
            of_criterion = [wish for wish in wishes if wish[0] == criterion]
            self._tell(_group(of_criterion, "asked", "unasked"), is_right=not failures)

    def _tell(self, group: str, *, is_right: bool) -> None:
        self.numbers[f"{group}_shown"] += 1
        self.numbers[f"{group}_right"] += is_right

    def _escape(self, story_id: str, *, is_mistake: bool) -> None:
        self.numbers["escaped"] += 1
        self.numbers["escaped_mistakes"] += is_mistake
        self.numbers["mistakes_on_main"] += is_mistake
        self.numbers[f"{self._shown.get(story_id, '')}_escaped"] += 1

    def _find(self, number: int, by: str) -> None:
        if number in self._found:
            return
        self._found.add(number)
        self.numbers[f"found_by_{by}"] += 1
        self.numbers["mistakes_on_main"] += by == "review"


def _group(wishes: Sequence[tuple[int, bool]], asked: str, unasked: str) -> str:
    """The group of a story or criterion by its wishes; empty if it has none that one would not assume."""
    if not wishes:
        return ""
    return asked if all(is_answered for _, is_answered in wishes) else unasked
