"""What is known about code, by sprint, session, story and flaw: kept as long as a file may still tell it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from actors.scrum.code_messages import (
    AcceptanceMeasured,
    CodeMeasured,
    DefectEscaped,
    FlawFound,
    FlawMade,
    MergeReturned,
    StoryLanded,
    TestsRan,
)
from actors.scrum.messages import TaskAdded

REWORK = ("qa", "review", "conflict", "red", "gates")  # reasons of tasks that do again what was thought done


def is_green(run: TestsRan) -> bool:
    """Whether every test ran and passed; a run without tests is not green."""
    return run.ended == "completed" and run.count > 0 and not run.failing


@dataclass(slots=True)
class SessionFacts:
    """What one pairing session committed, and what its test runs said."""

    files: dict[str, None] = field(default_factory=dict)  # paths, for their order
    commit: str = ""  # the last one
    runs: int = 0
    green: int = 0
    failing_last: int = 0  # tests that were not green in the last run


@dataclass(slots=True)
class FlawFacts:
    """A mistake: the truth, and who came across it first."""

    made: FlawMade
    found: FlawFound | None = None
    culprit: str = ""  # the commit that brought it; empty: it was never committed


@dataclass(slots=True)
class StoryFacts:
    """The code of one story, as it was last heard of."""

    branch: str = ""
    head: str = ""  # the newest commit on that branch
    landed: StoryLanded | None = None  # the last time
    is_on_main: bool = False  # nothing was committed for it since it landed
    acceptance: AcceptanceMeasured | None = None  # the last time
    flaws: list[FlawFacts] = field(default_factory=list)

    @property
    def commit(self) -> str:
        """The commit of main that brought the story; while it is worked on, the newest on its branch."""
        return self.landed.commit if self.is_on_main and self.landed is not None else self.head


@dataclass(slots=True)
class SprintFacts:
    """What one sprint did to the code of a team."""

    sessions: dict[str, SessionFacts] = field(default_factory=dict)
    commits_by: Counter[str] = field(default_factory=Counter)  # author
    test_runs: dict[str, Counter[str]] = field(default_factory=dict)  # phase -> green and red runs
    landed: list[StoryLanded] = field(default_factory=list)
    returned: list[MergeReturned] = field(default_factory=list)
    made: Counter[str] = field(default_factory=Counter)  # incident class
    found: Counter[str] = field(default_factory=Counter)  # incident class
    found_by: Counter[str] = field(default_factory=Counter)
    escaped: list[DefectEscaped] = field(default_factory=list)
    acceptance: dict[str, AcceptanceMeasured] = field(default_factory=dict)  # story -> the last time in the sprint
    rework: list[TaskAdded] = field(default_factory=list)
    measured: CodeMeasured | None = None
