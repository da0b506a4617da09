"""The raw numbers of a run as CSV files below `metrics/`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from actors.reporting.artifact_folder import ArtifactFolder
from actors.reporting.code_facts import FlawFacts
from actors.reporting.code_metrics import sprint_code
from actors.reporting.run_info import US_PER_SECOND, RunInfo
from actors.reporting.sprint_record import SprintSummary
from actors.reporting.team_history import TeamHistory
from actors.reporting.writing import fixed, ratio
from actors.scrum.messages import KnowledgeReviewed

Cell = str | int | float | None

_KNOWLEDGE = "metrics/knowledge.csv"
_SPRINT_COLUMNS = (
    "team", "sprint", "capacity_points", "planned_points", "velocity", "features_completed", "carried_stories",
    "pairing_sessions", "worked_hours", "consensus_rate", "escalations", "junior_questions", "junior_changes",
    "junior_dismissals", "cycle_time_avg_hours", "mean_overrun", "qa_reviews", "qa_approvals", "disturbances",
    "triages", "triages_right", "decisions", "planned_stories", "accepted_planned_stories", "rework_tasks",
)  # fmt: skip
_CODE_COLUMNS = (
    "test_coverage", "branch_coverage", "tests_on_main", "tests_failing_on_main", "complexity_max", "commits",
    "test_runs", "merges_landed", "merges_returned", "hidden_cases", "hidden_failed", "defects_made", "defects_found",
    "defects_escaped",
)  # fmt: skip
_DEFECT_COLUMNS = (
    "team", "story", "number", "incident_class", "severity", "made_in_sprint", "found_in_sprint", "found_by", "author",
    "noticed_by", "function", "operator", "broken_criteria", "fix_lines", "culprit",
)  # fmt: skip
_DISTURBANCE_COLUMNS = (
    "team", "sprint", "disturbance", "type", "injected", "story", "struck_at", "severity", "assessed_severity",
    "blast_stories", "assessed_blast", "blast_agents", "response", "cost_minutes", "spent_minutes", "resolved_at",
)  # fmt: skip


def csv_line(cells: Iterable[Cell]) -> str:
    """One record; text with a comma, quote or line end is quoted, None is empty."""
    return ",".join(_cell(cell) for cell in cells) + "\n"


def _cell(cell: Cell) -> str:
    text = "" if cell is None else str(cell)
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\n\r') else text


class KnowledgeTable:
    """`knowledge.csv`, written row by row because it grows with every sprint."""

    def __init__(self, folder: ArtifactFolder) -> None:
        self._folder = folder
        self._file = folder.open_scratch(_KNOWLEDGE)
        self._file.write(csv_line(("team", "sprint", "agent", "module", "permille")).encode())

    def add(self, event: KnowledgeReviewed) -> None:
        """One row for each module that a person was reviewed in."""
        for known in event.modules:
            row = (event.team, event.sprint, event.agent, known.module, known.permille)
            self._file.write(csv_line(row).encode())

    def finish(self) -> None:
        """Put the file in its place."""
        self._file.close()
        self._folder.publish(self._folder.scratch(_KNOWLEDGE), _KNOWLEDGE)


def write_tables(folder: ArtifactFolder, histories: Sequence[TeamHistory], info: RunInfo) -> None:
    """Write `sprints.csv`, `pairs.csv`, `disturbances.csv` and, where work is executed, `defects.csv`."""
    sprints = [_sprint_row(summary, info) for history in histories for summary in history.summaries]
    folder.write_text("metrics/sprints.csv", _csv((*_SPRINT_COLUMNS, *_CODE_COLUMNS), sprints))
    pairs = [
        (history.team, *pair, sessions) for history in histories for pair, sessions in sorted(history.pairs.items())
    ]
    folder.write_text("metrics/pairs.csv", _csv(("team", "driver", "navigator", "sessions"), pairs))
    disturbances = [row for history in histories for row in _disturbance_rows(history, info)]
    folder.write_text("metrics/disturbances.csv", _csv(_DISTURBANCE_COLUMNS, disturbances))
    if info.executes:
        defects = [_defect_row(flaw) for history in histories for flaw in history.code.flaws.values()]
        folder.write_text("metrics/defects.csv", _csv(_DEFECT_COLUMNS, defects))


def _csv(header: Sequence[str], rows: Iterable[Iterable[Cell]]) -> str:
    return csv_line(header) + "".join(csv_line(row) for row in rows)


def _sprint_row(summary: SprintSummary, info: RunInfo) -> tuple[Cell, ...]:
    tally, code = summary.tally, sprint_code(info, [summary])
    return (
        summary.team,
        summary.sprint,
        summary.capacity_points,
        summary.planned_points,
        summary.finished_points,
        len(summary.finished_stories),
        len(summary.carried_stories),
        tally["sessions"],
        fixed(tally["worked_minutes"] / 60),
        ratio(tally["sessions_with_consensus"], tally["sessions"]),
        tally["escalations"],
        tally["junior_questions"],
        tally["junior_changes"],
        tally["junior_dismissals"],
        ratio(tally["cycle_us"], tally["stories_finished"] * 3600 * US_PER_SECOND),
        ratio(tally["overrun_millionths"], tally["estimated_tasks"] * 1_000_000),
        tally["qa_reviews"],
        tally["qa_approvals"],
        tally["disturbances"],
        tally["triages"],
        tally["triages_right"],
        tally["decisions"],
        summary.planned_stories,
        summary.accepted_planned,
        tally["rework"],
        *(code[name] for name in _CODE_COLUMNS),
    )


def _defect_row(flaw: FlawFacts) -> tuple[Cell, ...]:
    made, found = flaw.made, flaw.found
    return (
        made.team,
        made.story_id,
        made.number,
        made.incident_class,
        made.severity,
        made.sprint,
        found.sprint if found is not None else None,
        found.by if found is not None else None,
        made.author,
        made.noticed_by,
        made.function,
        made.operator,
        len(made.criteria),
        made.fix_lines,
        flaw.culprit or None,
    )


def _disturbance_rows(history: TeamHistory, info: RunInfo) -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = []
    for case in history.cases.values():
        struck, last = case.struck, case.triages[-1] if case.triages else None
        rows.append(
            (
                history.team,
                struck.sprint,
                struck.disturbance_id,
                struck.type,
                str(struck.injected).lower(),
                struck.story_id,
                info.timestamp(case.struck_us),
                struck.severity,
                last.assessed_severity if last else None,
                len(struck.blast_stories),
                last.assessed_blast if last else None,
                len(struck.blast_agents),
                last.response if last else None,
                struck.cost_minutes,
                case.resolved.spent_minutes if case.resolved else None,
                info.timestamp(case.resolved.resolved_us) if case.resolved else None,
            )
        )
    return rows
