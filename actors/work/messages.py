"""What is asked of the world where code lives: git and the sandbox. Each request is an effect, journalled as it is.

A request says everything that its reply depends on, so that it can be repeated after a crash, by another process, on a
workspace that was rebuilt from the journal, with the same reply.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

MAIN = "refs/heads/main"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileText:
    """One file as it is to be; `content` None takes it away."""

    path: str  # from the root of the repository
    content: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who made a commit, and when in virtual time."""

    name: str
    email: str
    at_s: int  # unix seconds of the run's calendar


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitFiles:
    """Commit changed files to a branch that must be where it is expected. Answered by Committed."""

    KIND: ClassVar[str] = "work.commit_files/1"
    team: str
    ref: str  # refs/heads/…
    expected: str  # where the branch must be; empty: it must not exist
    parents: tuple[str, ...]
    base: str  # commit or tree whose files the changes are made to; empty: none
    changes: tuple[FileText, ...]
    message: str
    author: Author


@dataclass(frozen=True, slots=True, kw_only=True)
class LandTree:
    """Commit exactly this tree to main, which must be where it is expected. Answered by Committed."""

    KIND: ClassVar[str] = "work.land_tree/1"
    team: str
    expected: str
    tree: str
    parents: tuple[str, ...]
    message: str
    author: Author


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """A commit is there, and the branch is at it."""

    KIND: ClassVar[str] = "work.committed/1"
    commit: str
    tree: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeTrees:
    """What would come of a merge? Changes no branch. Answered by TreesMerged."""

    KIND: ClassVar[str] = "work.merge_trees/1"
    team: str
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TreesMerged:
    """The merged tree; where it conflicts, nobody's side was taken."""

    KIND: ClassVar[str] = "work.trees_merged/1"
    tree: str
    conflicts: tuple[str, ...]  # paths


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTests:
    """Run the visible tests of a tree. Answered by TestsRun."""

    KIND: ClassVar[str] = "work.run_tests/1"
    team: str
    tree: str
    tests: tuple[str, ...]  # files; empty: all of them
    cover: tuple[str, ...]  # source files whose coverage and complexity are wanted
    hash_seed: int
    clock_s: int
    order_seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """One test that is not green."""

    test: str
    outcome: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What the tests ran of one file, and how tangled its worst function is."""

    path: str
    lines: int
    lines_hit: int
    branches: int
    branches_hit: int
    complexity: int  # the largest cyclomatic complexity of a function in it


@dataclass(frozen=True, slots=True, kw_only=True)
class TestsRun:
    """What came of the tests."""

    KIND: ClassVar[str] = "work.tests_run/1"
    ended: str  # completed, or how the run was cut short
    count: int
    failing: tuple[TestResult, ...]  # those that ran, and files that cannot be collected
    coverage: tuple[Coverage, ...]

    @property
    def is_green(self) -> bool:
        """Whether every test ran and passed; a run without tests is not green."""
        return self.ended == "completed" and self.count > 0 and not self.failing

    @property
    def red(self) -> tuple[str, ...]:
        """What is not green: tests that failed, or how the run was cut short if none did."""
        return tuple(one.test for one in self.failing) or (() if self.is_green else (f"({self.ended})",))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExerciseTested:
    """One exercise, and the hidden tests that are to be run on it."""

    family: str
    number: int
    choices: tuple[int, ...] | None  # whose expectations count; None: what is wanted
    share_permille: int = 1000  # so many of its tests, drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeCode:
    """Run hidden tests on a tree. Answered by CodeJudged."""

    KIND: ClassVar[str] = "work.judge_code/1"
    team: str
    tree: str
    which: str  # acceptance or canary
    exercises: tuple[ExerciseTested, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedCase:
    """A hidden test that failed."""

    case_id: str
    outcome: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExerciseJudged:
    """What came of the hidden tests of one exercise."""

    family: str
    number: int
    cases: tuple[int, ...]  # how many ran, by criterion
    failed: tuple[FailedCase, ...]

    @property
    def failing_criteria(self) -> tuple[int, ...]:
        """The exercise's criteria that some test found wanting, in order."""
        return tuple(sorted({criterion_of(one.case_id) for one in self.failed}))

    def also_in(self, other: ExerciseJudged) -> ExerciseJudged:
        """What failed of the criteria that fail here and there."""
        kept = tuple(one for one in self.failed if criterion_of(one.case_id) in other.failing_criteria)
        return replace(self, failed=kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeJudged:
    """Verdicts in the order asked for."""

    KIND: ClassVar[str] = "work.code_judged/1"
    exercises: tuple[ExerciseJudged, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlawSite:
    """A place in the code of an exercise and what was done to it."""

    function: str
    operator: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantFlaw:
    """Find a mistake that hidden tests notice in some functions of an exercise. Answered by FlawPlanted."""

    KIND: ClassVar[str] = "work.plant_flaw/1"
    team: str
    family: str
    number: int
    choices: tuple[int, ...]
    built: tuple[int, ...]
    functions: tuple[str, ...]
    taken: tuple[FlawSite, ...]
    escapes: bool  # only canaries may notice it, the visible and the acceptance tests must not
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FlawPlanted:
    """The mistake found; `site` None: none was, within the number of attempts."""

    KIND: ClassVar[str] = "work.flaw_planted/1"
    site: FlawSite | None
    incident_class: str
    severity: int
    criteria: tuple[int, ...]
    noticed_by: str  # acceptance or canary
    fix_lines: int  # changed lines of the smallest repair
    discarded: tuple[str, ...]  # operator and reason of each that was tried before


def criterion_of(case_id: str) -> int:
    """The criterion that a hidden test belongs to."""
    return int(case_id.partition("/")[0].removeprefix("c"))
