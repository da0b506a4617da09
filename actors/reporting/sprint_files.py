"""The files of one sprint's folder, except its retrospective: each a pure function of what happened."""

from __future__ import annotations

from typing import Any

from actors.reporting.artifact_folder import SCHEMA_VERSION, json_line
from actors.reporting.code_files import session_code
from actors.reporting.code_history import CodeHistory
from actors.reporting.run_info import US_PER_SECOND, RunInfo
from actors.reporting.sprint_record import SprintRecord
from actors.reporting.writing import fixed, one_line, slug, table
from actors.scrum.messages import DecisionRecorded, SessionEnded


def pairing_log(record: SprintRecord, info: RunInfo, code: CodeHistory | None) -> str:
    """`pairing_log.jsonl`: one line for each session that ended; `code` is None where work is modelled."""
    return "".join(json_line(_session(session, info, code)) for session in record.sessions)


def _session(session: SessionEnded, info: RunInfo, code: CodeHistory | None) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "session_id": session.session_id,
        "sprint": session.sprint,
        "day": session.day,
        "driver_id": session.driver,
        "navigator_id": session.navigator,
        "task_id": session.task_id,
        "story_id": session.story_id,
        "start_time": info.timestamp(session.started_us),
        "end_time": info.timestamp(session.ended_us),
        "duration_seconds": fixed((session.ended_us - session.started_us) / US_PER_SECOND),
        "worked_minutes": session.worked_minutes,
        "outcome": session.outcome,
        "consensus_reached": session.consensus_reached,
        "checkpoints": session.checkpoints,
        "exchanges": session.exchanges,
        "decisions": {"approach": session.approach, "implementation": None},
        **session_code(session.session_id, session.story_id, code),
    }


def meta_learning_diff(record: SprintRecord) -> str:
    """`meta_learning_diff.md`: what each person adds to what they know about working together."""
    lines = ["# Recent Learning", ""]
    agents = dict.fromkeys(lesson.agent for lesson in record.learnings)
    for agent in agents:
        lines += [f"## {agent}", "", "```diff"]
        for lesson in record.learnings:
            if lesson.agent == agent:
                text = f"{one_line(lesson.text)} -> {one_line(lesson.effect)}"
                lines.append(f"+ sprint {lesson.sprint} ({lesson.column}): {text}")
        lines += ["```", ""]
    if not agents:
        lines += ["Nobody took a new lesson in this sprint.", ""]
    return "\n".join(lines)


def decision_file_name(decision: DecisionRecorded) -> str:
    """`NNNN-slug.md`."""
    return f"{decision.adr:04d}-{slug(decision.title)}.md"


def decision_record(decision: DecisionRecorded, at: str) -> str:
    """One architecture decision record; `at` is its virtual date."""
    options = "\n".join(f"{place}. {one_line(option)}" for place, option in enumerate(decision.options, start=1))
    return (
        f"# {decision.adr}. {one_line(decision.title)}\n\n"
        f"Status: accepted by {decision.decided_by} on {at} (sprint {decision.sprint}, story {decision.story_id})\n\n"
        f"## Context\n\n{one_line(decision.context)}\n\n"
        f"## Options\n\n{options or 'Only one was on the table.'}\n\n"
        f"## Decision\n\n{one_line(decision.decision)}\n\n"
        f"## Consequences\n\n{one_line(decision.consequences)}\n"
    )


def decision_index(record: SprintRecord) -> str:
    """`adrs/README.md`: the list of decisions, also when there are none."""
    head = f"# Architecture decisions of sprint {record.sprint}\n\n"
    if not record.decisions:
        return head + "No decision was recorded in this sprint.\n"
    rows = [
        (f"{decision.adr:04d}", f"[{one_line(decision.title)}]({decision_file_name(decision)})", decision.decided_by)
        for decision in record.decisions
    ]
    return head + table(("number", "decision", "decided by"), rows) + "\n"
