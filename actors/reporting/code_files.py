"""What executed work adds to a sprint's folder: `code.json`, `test_coverage.json`, fields of `pairing_log.jsonl`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from actors.reporting.artifact_folder import SCHEMA_VERSION
from actors.reporting.card_wall import CardWall, WallCard, criteria_cases
from actors.reporting.code_facts import SessionFacts, SprintFacts, StoryFacts
from actors.reporting.code_history import CodeHistory
from actors.reporting.run_info import UNMEASURED_CODE
from actors.reporting.writing import percentage
from actors.scrum.code_messages import AcceptanceMeasured, CodeMeasured, MeasuredFile
from actors.scrum.messages import SprintEnded

CODE_SCHEMA_VERSION = 1
_NOT_LANDED = "line_coverage and branch_coverage: not landed yet"
_NO_BRANCHES = "branch_coverage: there is no branch in this code"
_NO_LINES = "line_coverage and branch_coverage: no code on main yet"
_NOT_MEASURED = "main was not measured at the end of this sprint"


def session_code(session_id: str, story_id: str, code: CodeHistory | None) -> dict[str, Any]:
    """What a pairing line says about code. Coverage is that of the story's module when it landed last."""
    if code is None:
        names = ("files_changed", "test_results", "line_coverage", "branch_coverage", "commit_sha")
        return {**dict.fromkeys(names), "unmeasured": UNMEASURED_CODE}
    session = code.sprint.sessions.get(session_id, SessionFacts())
    story = code.stories.get(story_id, StoryFacts())
    measured = story.landed.measured if story.landed is not None else ()
    lines, branches = _covered(measured)
    return {
        "files_changed": sorted(session.files),
        "test_results": {
            "runs": session.runs,
            "red": session.runs - session.green,
            "green": session.green,
            "failing_last": session.failing_last,
        },
        "line_coverage": lines,
        "branch_coverage": branches,
        "commit_sha": session.commit or None,
        "unmeasured": _reason(lines, branches, otherwise=_NOT_LANDED),
    }


def _covered(files: Sequence[MeasuredFile]) -> tuple[float | None, float | None]:
    """Percent of lines and of branches that tests ran."""
    lines = percentage(sum(one.lines_hit for one in files), sum(one.lines for one in files))
    branches = percentage(sum(one.branches_hit for one in files), sum(one.branches for one in files))
    return lines, branches


def _reason(lines: float | None, branches: float | None, *, otherwise: str) -> str | None:
    if lines is None:
        return otherwise
    return _NO_BRANCHES if branches is None else None


def coverage_report(sprint: int, code: CodeHistory | None) -> dict[str, Any]:
    """`test_coverage.json`: main at the end of the sprint; `code` is None where work is modelled."""
    head = {"schema_version": SCHEMA_VERSION, "sprint": sprint}
    if code is None or code.sprint.measured is None:
        reason = UNMEASURED_CODE if code is None else _NOT_MEASURED
        return {**head, "line_coverage": None, "branch_coverage": None, "new_tests": None, "unmeasured": reason}
    main = code.sprint.measured
    lines, branches = percentage(main.lines_hit, main.lines), percentage(main.branches_hit, main.branches)
    return {
        **head,
        "line_coverage": lines,
        "branch_coverage": branches,
        "new_tests": main.tests - code.tests_before,
        "commit": main.commit,
        **_main(main),
        "by_file": {path: _file(one) for path, one in code.files.items()},
        "unmeasured": _reason(lines, branches, otherwise=_NO_LINES),
    }


def _main(main: CodeMeasured) -> dict[str, int]:
    names = ("tests", "failing", "files", "lines", "lines_hit", "branches", "branches_hit", "complexity", "canaries",
             "canaries_failing")  # fmt: skip
    return {name: getattr(main, name) for name in names}


def _file(one: MeasuredFile) -> dict[str, Any]:
    """One file as it was measured when it landed last."""
    lines, branches = _covered((one,))
    facts = asdict(one) | {"line_coverage": lines, "branch_coverage": branches}
    del facts["path"]
    return facts


def code_report(ended: SprintEnded, code: CodeHistory, wall: CardWall) -> dict[str, Any]:
    """`code.json`: what the sprint did to the code, and what tests made of it. For executed work only."""
    sprint = code.sprint
    return {
        "schema_version": CODE_SCHEMA_VERSION,
        "sprint": ended.sprint,
        "commits": {"count": sprint.commits_by.total(), "by_author": dict(sprint.commits_by)},
        "test_runs": _test_runs(sprint),
        "merges": _merges(sprint),
        "flaws": _flaws(sprint),
        "escaped_defects": [_without_place(asdict(one)) for one in sprint.escaped],
        "acceptance": _acceptance(list(sprint.acceptance.values())),
        "estimates": {
            story: _estimate(card) for story in ended.finished_stories if (card := wall.card_of(story)) is not None
        },
        "rework": {
            "tasks": [{"story_id": one.story_id, "task_id": one.task.task_id, "reason": one.reason}
                      for one in sprint.rework],
            "by_reason": dict(Counter(one.reason for one in sprint.rework)),
        },
    }  # fmt: skip


def _test_runs(sprint: SprintFacts) -> dict[str, Any]:
    by_phase = {
        phase: {"runs": runs.total(), "green": runs["green"], "red": runs["red"]}
        for phase, runs in sprint.test_runs.items()
    }
    return {"count": sum(runs.total() for runs in sprint.test_runs.values()), "by_phase": by_phase}


def _merges(sprint: SprintFacts) -> dict[str, Any]:
    return {
        "landed": [{"story_id": one.story_id, "commit": one.commit, "tests": one.tests} for one in sprint.landed],
        "returned": [
            {"story_id": one.story_id, "reason": one.reason, "details": list(one.details)} for one in sprint.returned
        ],
        "returned_by_reason": dict(Counter(one.reason for one in sprint.returned)),
    }


def _flaws(sprint: SprintFacts) -> dict[str, Any]:
    """Made in this sprint; found in this sprint, whenever they were made."""
    return {
        "made": sprint.made.total(),
        "found": sprint.found.total(),
        "made_by_incident_class": dict(sprint.made),
        "found_by_incident_class": dict(sprint.found),
        "found_by": dict(sprint.found_by),
    }


def _without_place(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name not in ("team", "sprint")}


def _acceptance(measured: Sequence[AcceptanceMeasured]) -> dict[str, Any]:
    """Hidden tests on main; of a story that was judged twice, the last time counts."""
    stories = {
        one.story_id: {
            "commit": one.commit,
            "cases": sum(one.cases),
            "failed": sum(one.failed),
            "criteria": criteria_cases(one),
        }
        for one in measured
    }
    cases, failed = sum(sum(one.cases) for one in measured), sum(sum(one.failed) for one in measured)
    return {"cases": cases, "failed": failed, "passed_percent": percentage(cases - failed, cases), "stories": stories}


def _estimate(card: WallCard) -> dict[str, Any]:
    """Minutes that planning thought of against minutes that the story took, repairs included."""
    estimated = sum(task.estimated_minutes for task in card.planned.tasks)
    spent = sum(card.spent_minutes.values())
    return {
        "points": card.planned.points,
        "estimated_minutes": estimated,
        "spent_minutes": spent,
        "error_percent": percentage(spent - estimated, estimated),
    }
