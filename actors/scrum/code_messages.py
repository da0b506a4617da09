"""What is published about code: commits, test runs, merges, and what hidden tests measured.

Ground truth stands here next to what people saw: a flaw is published when it is made, and again when somebody finds it.
Observers read it; no actor does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

FoundBy = Literal["tests", "navigator", "qa", "review", "canary", "rewrite"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeCommitted:
    """Somebody committed to a branch."""

    KIND: ClassVar[str] = "code.committed/1"
    team: str
    sprint: int
    story_id: str
    session_id: str
    author: str
    branch: str
    commit: str
    tree: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCalled:
    """A model that writes code has called a tool, which did what it was asked for or refused."""

    KIND: ClassVar[str] = "code.tool_called/1"
    team: str
    sprint: int
    story_id: str
    session_id: str
    agent: str  # the driver
    tool: str  # such as read_file; `unknown` where there is no such tool
    is_refused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TestsRan:
    """Visible tests ran on a commit: before the code was there, after it, or in the merge queue."""

    KIND: ClassVar[str] = "code.tests_ran/1"
    team: str
    sprint: int
    story_id: str
    session_id: str
    phase: Literal["red", "green", "repair", "checks", "queue"]
    tree: str
    count: int
    failing: tuple[str, ...]
    ended: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlawMade:
    """Ground truth: a mistake got into the code. Nobody knows yet."""

    KIND: ClassVar[str] = "code.flaw_made/1"
    team: str
    sprint: int
    story_id: str
    number: int
    author: str
    function: str
    operator: str
    incident_class: str
    severity: int
    criteria: tuple[int, ...]
    noticed_by: Literal["acceptance", "canary"]
    fix_lines: int  # changed lines of the smallest repair


@dataclass(frozen=True, slots=True, kw_only=True)
class FlawFound:
    """A mistake was found, or went away with code that was written anew."""

    KIND: ClassVar[str] = "code.flaw_found/1"
    team: str
    sprint: int
    story_id: str
    number: int
    by: FoundBy


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredFile:
    """Coverage and complexity of one file, as measured."""

    path: str
    lines: int
    lines_hit: int
    branches: int
    branches_hit: int
    complexity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryLanded:
    """The merge queue put a story on main: exactly the tree that it had tested."""

    KIND: ClassVar[str] = "code.story_landed/1"
    team: str
    sprint: int
    story_id: str
    commit: str
    tree: str
    tests: int
    measured: tuple[MeasuredFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeReturned:
    """The merge queue gave a story back."""

    KIND: ClassVar[str] = "code.merge_returned/1"
    team: str
    sprint: int
    story_id: str
    reason: Literal["conflict", "red", "gates"]
    details: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptanceMeasured:
    """Hidden tests of a story ran on main."""

    KIND: ClassVar[str] = "code.acceptance_measured/1"
    team: str
    sprint: int
    story_id: str
    commit: str
    cases: tuple[int, ...]  # by criterion of the story
    failed: tuple[int, ...]  # of them


@dataclass(frozen=True, slots=True, kw_only=True)
class DefectEscaped:
    """A canary failed on main for something that had been accepted."""

    KIND: ClassVar[str] = "code.defect_escaped/1"
    team: str
    sprint: int
    story_id: str
    criterion: int
    cases: int
    culprit: str  # the commit on main that brought it
    incident_class: str
    severity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeMeasured:
    """The state of main at the end of a sprint, all tests run."""

    KIND: ClassVar[str] = "code.measured/1"
    team: str
    sprint: int
    commit: str
    tests: int
    failing: int
    files: int
    lines: int
    lines_hit: int
    branches: int
    branches_hit: int
    complexity: int  # the largest
    canaries: int
    canaries_failing: int
