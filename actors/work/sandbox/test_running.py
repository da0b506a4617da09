"""Runs the visible tests in a candidate and puts together what it says about them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from actors.work.sandbox.channel import TurnEndedError
from actors.work.sandbox.errors import InfrastructureError
from actors.work.sandbox.judging import ending
from actors.work.sandbox.verdicts import Ending, FileCoverage, TestOutcome, TestRun, TestVerdict
from actors.work.sandbox.warm import Warm

COMPLETE = (0, 1, 5)  # exit codes of pytest: all passed, some failed, nothing to run
COLLECTION = "(collection)"  # stands for a test where a run ended before there was any
MOST_LETTERS = 200
MOST_WORDS = 16 << 20  # letters of all names and details of one run
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]+")
_TEMPORARY = re.compile(r"/\S*/scrummage-[^/\s]+/[^/\s]+/run/(?:project/)?|/scratch/(?:project/)?")


@dataclass(slots=True)
class Tally:
    """What has been said about the tests so far."""

    key: str
    verdicts: dict[str, TestVerdict] = field(default_factory=dict)
    open_test: str = ""
    is_broken: bool = False  # a file could not be collected
    done: int | None = None
    coverage: tuple[FileCoverage, ...] | None = None
    letters: int = 0

    def take(self, message: Mapping[str, Any]) -> None:
        """Take one message of the candidate in.

        Raises:
            TurnEndedError: It is not in the agreed form.
        """
        self.letters += len(repr(message))
        if self.letters > MOST_WORDS:
            raise TurnEndedError("too_large")
        match message:
            case {"key": self.key, "collected": [*names]} if all(type(name) is str for name in names):
                self.verdicts |= {name: _verdict(name, "not_run") for name in names}
            case {"key": self.key, "uncollected": str() as name, "outcome": outcome, "detail": str() as detail}:
                self.verdicts[name] = _verdict(name, outcome, detail)
                self.is_broken |= outcome == "error"
            case {"key": self.key, "begun": str() as name}:
                self.open_test = name
            case {"key": self.key, "ended": str() as name, "outcome": outcome, "detail": str() as detail}:
                self.verdicts[name] = _verdict(name, outcome, detail)
                self.open_test = ""
            case {"key": self.key, "changed": True}:
                raise TurnEndedError("changed")
            case {"key": self.key, "done": int() as code, "coverage": coverage}:
                self.done, self.coverage = code, _coverage(coverage)
            case _:
                raise TurnEndedError("malformed")

    def blame(self, detail: str) -> None:
        """Say why a run ended at the test in which it did, or at the collection when it did before any test."""
        name = self.open_test or ("" if self.verdicts else COLLECTION)
        if name:
            self.verdicts[name] = _verdict(name, "error", detail)

    def result(self, ended: Ending) -> TestRun:
        coverage = self.coverage if ended == "completed" else None
        return TestRun(
            tests=tuple(self.verdicts[name] for name in sorted(self.verdicts)), ended=ended, coverage=coverage
        )


def run_project(warm: Warm, task: dict[str, Any]) -> TestRun:
    """Run the tests of a project; a run that the machine spoils is repeated.

    Raises:
        InfrastructureError: The machine spoiled it too often.
    """
    for _ in range(warm.limits.repeats):
        run = _run_once(warm, task)
        if run is not None:
            return run
    raise InfrastructureError("the machine did not let a run of tests come to its end", warm.limits.repeats)


def _run_once(warm: Warm, task: dict[str, Any]) -> TestRun | None:
    limits = warm.limits
    tally = Tally(task["key"])
    channel = warm.start("tests", task, int(limits.tests_cpu_s) + 2, limits.answer_bytes)
    watch = warm.watch(limits.tests_cpu_s)
    why = ""
    try:
        while tally.done is None:
            tally.take(channel.receive(watch, warm.control))
            watch.renew()
    except TurnEndedError as error:
        why = error.why
    status = warm.stop(channel)
    if why:
        return _cut_short(tally, why, status, out_of_memory=warm.ran_out_of_memory())
    if tally.is_broken or tally.done not in COMPLETE:
        known = [name.partition("::")[0] for name in tally.verdicts]
        for test in task["tests"]:
            if not any(
                name == test or name.startswith((f"{test}/", f"{test}::")) for name in (*known, *tally.verdicts)
            ):
                tally.verdicts[test] = _verdict(test, "error", "no such test")
        return tally.result("collection_error")
    return tally.result("completed")


def _cut_short(tally: Tally, why: str, status: int, *, out_of_memory: bool) -> TestRun | None:
    """The result of a run that did not come to its end; None when the machine is to blame."""
    if why == "changed":
        tally.blame("the test framework was changed by the code under test")
        return tally.result("crashed")
    found = ending(why, status, out_of_memory=out_of_memory)
    if found is None:
        return None
    outcome, detail = found
    tally.blame(detail)
    return tally.result(outcome if outcome in get_args(Ending) else "crashed")  # type: ignore[arg-type]


def _verdict(test: str, outcome: object, detail: str = "") -> TestVerdict:
    if outcome not in get_args(TestOutcome):
        raise TurnEndedError("malformed")
    return TestVerdict(test=tidy(test), outcome=outcome, detail=tidy(detail.removeprefix("Skipped: ")))  # type: ignore[arg-type]


def tidy(text: str) -> str:
    """Remove what differs between two equal runs, addresses and our temporary folders, and what cannot be printed."""
    text = _ADDRESS.sub("0x…", _TEMPORARY.sub("", text))
    return "".join(letter if letter.isprintable() else " " for letter in text)[:MOST_LETTERS].rstrip()


def _coverage(found: object) -> tuple[FileCoverage, ...] | None:
    if found is None:
        return None
    try:
        return tuple(
            FileCoverage(
                path=str(each["path"]),
                lines=int(each["lines"]),
                lines_hit=int(each["lines_hit"]),
                branches=int(each["branches"]),
                branches_hit=int(each["branches_hit"]),
                missing=tuple(int(line) for line in each["missing"]),
            )
            for each in found  # type: ignore[attr-defined]
        )
    except (TypeError, ValueError, KeyError):
        raise TurnEndedError("malformed") from None


def check_tests(tests: Sequence[str]) -> str:
    """Return what is wrong with the names of tests, or nothing."""
    for test in tests:
        parts = test.partition("::")[0].split("/")
        if not test or test.startswith(("-", "/")) or ".." in parts:
            return f"{test!r} does not name a test inside the project"
    return ""
