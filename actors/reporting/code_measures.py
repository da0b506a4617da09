"""Which event about code moves which metric."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from actors.reporting.code_facts import is_green
from actors.reporting.series import SeriesStore
from actors.scrum import code_messages as code

_PERCENT = 100_000_000  # in millionths, as gauges count


class CodeMeasures:
    """The part of the measures that only executed work has."""

    def __init__(self, store: SeriesStore) -> None:
        self._store = store
        self._found: dict[tuple[str, int], None] = {}  # (team, number): checks name a flaw until it is repaired
        self.handlers: dict[type[Any], Callable[[Any], None]] = {
            code.CodeCommitted: self._committed,
            code.TestsRan: self._tests_ran,
            code.StoryLanded: self._landed,
            code.MergeReturned: self._returned,
            code.FlawFound: self._flaw_found,
            code.DefectEscaped: self._escaped,
            code.CodeMeasured: self._measured,
        }

    def _committed(self, _: code.CodeCommitted) -> None:
        self._store.increment("commits_total")

    def _tests_ran(self, event: code.TestsRan) -> None:
        self._store.increment("test_runs_total", event.phase, "green" if is_green(event) else "red")

    def _landed(self, _: code.StoryLanded) -> None:
        self._store.increment("merges_total", "landed")

    def _returned(self, event: code.MergeReturned) -> None:
        self._store.increment("merges_total", event.reason)

    def _flaw_found(self, event: code.FlawFound) -> None:
        if (event.team, event.number) not in self._found:
            self._found[event.team, event.number] = None
            self._store.increment("defects_found_total", event.by)

    def _escaped(self, _: code.DefectEscaped) -> None:
        self._store.increment("defects_escaped_total")

    def _measured(self, event: code.CodeMeasured) -> None:
        """Whoever measures has counted: from now on, no commit and no escaped defect is a number, too."""
        self._store.increment("commits_total", by=0)
        self._store.increment("defects_escaped_total", by=0)
        if event.lines:
            share = event.lines_hit * _PERCENT // event.lines
            self._store.set_millionths("test_coverage_percent", event.team, to=share)
        if event.branches:
            share = event.branches_hit * _PERCENT // event.branches
            self._store.set_millionths("branch_coverage_percent", event.team, to=share)
