"""What came of judging code and of running its tests: outcomes only, no durations, paths of the host or addresses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

CaseOutcome = Literal[
    "passed",
    "wrong_value",  # another value, or a value where an error was due
    "wrong_error",  # another error than the one that was due
    "raised",  # an error where a value was due, or while the module was imported
    "missing",  # no such module or function
    "not_plain",  # an answer that is no plain data, or too large
    "cpu_limit",
    "memory_limit",
    "crashed",  # the process ended during the call
    "blocked",  # it slept until the patience for sleepers ended
    "refused",  # not called: the code had ended too often before
]
TestOutcome = Literal["passed", "failed", "error", "skipped", "not_run"]
Ending = Literal["completed", "cpu_limit", "memory_limit", "crashed", "blocked", "collection_error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseVerdict:
    """What came of one hidden test."""

    case_id: str
    outcome: CaseOutcome
    detail: str = ""  # short, the same whenever it happens again

    @property
    def is_passed(self) -> bool:
        return self.outcome == "passed"


@dataclass(frozen=True, slots=True, kw_only=True)
class TestVerdict:
    """What came of one visible test; a file that cannot be collected is an error of that file."""

    __test__: ClassVar[bool] = False  # pytest is not to collect this class

    test: str  # for instance "tests/api/test_rates.py::test_a_rate_is_rounded"
    outcome: TestOutcome
    detail: str = ""  # first line of what went wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCoverage:
    """Which lines and branches of one file the tests reached, as coverage.py counts them."""

    path: str
    lines: int
    lines_hit: int
    branches: int
    branches_hit: int
    missing: tuple[int, ...]  # numbers of the lines that were not reached


@dataclass(frozen=True, slots=True, kw_only=True)
class TestRun:
    """What came of one run of the visible tests."""

    __test__: ClassVar[bool] = False

    tests: tuple[TestVerdict, ...]  # sorted by name
    ended: Ending
    coverage: tuple[FileCoverage, ...] | None = None  # None where it was not asked for or the run did not complete

    @property
    def is_green(self) -> bool:
        """Whether the run completed, something passed and nothing failed."""
        outcomes = [test.outcome for test in self.tests]
        return self.ended == "completed" and "passed" in outcomes and set(outcomes) <= {"passed", "skipped"}
