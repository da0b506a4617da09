"""Synthetic events about code, for tests of projections: executed work beside the sprints of `builders`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from actors.reporting.entries import LoggedEvent
from actors.scrum.code_messages import (
    AcceptanceMeasured,
    CodeCommitted,
    CodeMeasured,
    DefectEscaped,
    FlawFound,
    FlawMade,
    MeasuredFile,
    MergeReturned,
    StoryLanded,
    TestsRan,
)
from actors.scrum.messages import PlannedTask, SessionStarted, TaskAdded
from tests.actors.reporting.builders import JUNIOR, MID, SENIOR, TEAM, at, entries, whole_run


def session_started(sprint: int = 1, number: int = 1, *, story: str = "S-1", team: str = TEAM) -> SessionStarted:
    return SessionStarted(
        team=team,
        sprint=sprint,
        day=2,
        session_id=f"P-{sprint:02d}-{number:03d}",
        story_id=story,
        task_id="T-1-001",
        driver=SENIOR,
        navigator=JUNIOR,
        module="billing",
    )


def committed(
    commit: str,
    *files: str,
    story: str = "S-1",
    session: str = "P-01-001",
    author: str = SENIOR,
    sprint: int = 1,
    team: str = TEAM,
) -> CodeCommitted:
    return CodeCommitted(
        team=team,
        sprint=sprint,
        story_id=story,
        session_id=session,
        author=author,
        branch=f"feat/{author}/{story}",
        commit=commit,
        tree="t" + commit,
        files=files,
    )


def ran_tests(
    phase: Any,
    *failing: str,
    count: int = 5,
    ended: str = "completed",
    story: str = "S-1",
    session: str = "P-01-001",
    sprint: int = 1,
    team: str = TEAM,
) -> TestsRan:
    return TestsRan(
        team=team,
        sprint=sprint,
        story_id=story,
        session_id=session,
        phase=phase,
        tree="t",
        count=count,
        failing=failing,
        ended=ended,
    )


def flaw_made(number: int, *, story: str = "S-1", sprint: int = 1, team: str = TEAM) -> FlawMade:
    return FlawMade(
        team=team,
        sprint=sprint,
        story_id=story,
        number=number,
        author=JUNIOR,
        function="read",
        operator="removed_guard",
        incident_class="missing check",
        severity=3,
        criteria=(1,),
        noticed_by="acceptance",
        fix_lines=2,
    )


def flaw_found(number: int, by: Any = "tests", *, story: str = "S-1", sprint: int = 1, team: str = TEAM) -> FlawFound:
    return FlawFound(team=team, sprint=sprint, story_id=story, number=number, by=by)


def measured_file(path: str, *, lines: tuple[int, int], branches: tuple[int, int] = (0, 0)) -> MeasuredFile:
    """Lines and branches as (hit, all)."""
    return MeasuredFile(
        path=path,
        lines=lines[1],
        lines_hit=lines[0],
        branches=branches[1],
        branches_hit=branches[0],
        complexity=4,
    )


def landed(
    commit: str, *files: MeasuredFile, story: str = "S-1", tests: int = 14, sprint: int = 1, team: str = TEAM
) -> StoryLanded:
    return StoryLanded(
        team=team, sprint=sprint, story_id=story, commit=commit, tree="t" + commit, tests=tests, measured=files
    )


def returned(reason: Any, *details: str, story: str = "S-1", sprint: int = 1, team: str = TEAM) -> MergeReturned:
    return MergeReturned(team=team, sprint=sprint, story_id=story, reason=reason, details=details)


def hidden_tests(
    *cases: tuple[int, int], story: str = "S-1", commit: str = "m1", sprint: int = 1, team: str = TEAM
) -> AcceptanceMeasured:
    """Criteria as (failed, all)."""
    return AcceptanceMeasured(
        team=team,
        sprint=sprint,
        story_id=story,
        commit=commit,
        cases=tuple(whole for _, whole in cases),
        failed=tuple(failed for failed, _ in cases),
    )


def escape(story: str = "S-1", *, sprint: int = 1, team: str = TEAM) -> DefectEscaped:
    return DefectEscaped(
        team=team,
        sprint=sprint,
        story_id=story,
        criterion=2,
        cases=3,
        culprit="m1",
        incident_class="missing check",
        severity=3,
    )


def main_measured(
    sprint: int = 1,
    *,
    tests: int = 14,
    failing: int = 0,
    lines: tuple[int, int] = (18, 20),
    branches: tuple[int, int] = (6, 8),
    team: str = TEAM,
) -> CodeMeasured:
    """Lines and branches as (hit, all)."""
    return CodeMeasured(
        team=team,
        sprint=sprint,
        commit=f"m{sprint}",
        tests=tests,
        failing=failing,
        files=1 if lines[1] else 0,
        lines=lines[1],
        lines_hit=lines[0],
        branches=branches[1],
        branches_hit=branches[0],
        complexity=5,
        canaries=40,
        canaries_failing=1,
    )


def rework(reason: str, number: int = 501, *, story: str = "S-1", sprint: int = 1, team: str = TEAM) -> TaskAdded:
    task = PlannedTask(
        task_id=f"T-{sprint}-{number}",
        title="Repair it",
        estimated_minutes=30,
        depends_on=(),
        specialization="backend",
    )
    return TaskAdded(team=team, sprint=sprint, story_id=story, task=task, reason=reason, criterion="")


def executed_sprint(sprint: int, team: str = TEAM) -> Iterator[tuple[int, Any]]:
    """`one_sprint` with code: each story lands once, three commits, one flaw that QA finds, one conflict."""
    first, second = f"S-{2 * sprint - 1}", f"S-{2 * sprint}"
    place: dict[str, Any] = {"sprint": sprint, "team": team}
    session, commit = f"P-{sprint:02d}-001", f"{team}-{sprint}"
    src = measured_file(f"src/{sprint}.py", lines=(9, 10), branches=(3, 4))
    yield at(sprint, 2, 9), session_started(sprint, 1, story=first, team=team)
    yield at(sprint, 2, 9, 10), committed(commit + "a", "tests/a.py", story=first, session=session, **place)
    yield at(sprint, 2, 9, 11), ran_tests("red", "a", story=first, session=session, **place)
    yield at(sprint, 2, 9, 12), flaw_made(sprint, story=first, **place)
    yield at(sprint, 2, 9, 13), committed(commit + "b", "src/a.py", story=first, session=session, **place)
    yield at(sprint, 2, 9, 14), ran_tests("green", story=first, session=session, **place)
    yield at(sprint, 4, 12, 30), flaw_found(sprint, "qa", story=first, **place)
    yield at(sprint, 4, 12, 31), committed(commit + "c", "src/a.py", story=second, session="", author=MID, **place)
    yield at(sprint, 4, 12, 32), returned("conflict", "CHANGES.md", story=second, **place)
    yield at(sprint, 4, 12, 33), rework("conflict", story=second, **place)
    for story in (first, second):
        yield at(sprint, 4, 14), landed(f"m-{story}", src, story=story, tests=5 * sprint, **place)
        yield at(sprint, 5, 13), hidden_tests((0, 10), (1, 10), story=story, **place)
    size = 10 * sprint
    yield at(sprint, 5, 16, 50), main_measured(tests=5 * sprint, lines=(9 * sprint, size), **place)


def executed_run(sprints: int, *teams: str) -> list[LoggedEvent]:
    """`whole_run` with code."""
    log = whole_run(sprints, *teams)
    events = [(entry.time_us, entry.message) for entry in log]
    code = [
        pair for team in teams or (TEAM,) for sprint in range(1, sprints + 1) for pair in executed_sprint(sprint, team)
    ]
    return entries(sorted([*events, *code], key=lambda pair: pair[0]))
