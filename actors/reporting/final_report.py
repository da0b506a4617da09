"""`final_report.json`: what a run came to, for one team or several.

The top level holds only single values and objects, so `pandas.read_json(path)["metrics"]` is a column of metrics.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from actors.reporting.artifact_folder import SCHEMA_VERSION
from actors.reporting.code_metrics import code_metrics, delivery_metrics, sprint_code, unmeasured_code
from actors.reporting.judgement import hands, judgement
from actors.reporting.retro import disturbance_facts
from actors.reporting.run_info import US_PER_SECOND, RunInfo
from actors.reporting.sprint_record import SprintSummary, Tally
from actors.reporting.team_history import TeamHistory
from actors.reporting.writing import fixed, mean, one_line, ratio
from brokers.node.messages import DeadLettered

_HOUR_US = 3600 * US_PER_SECOND
_NO_TOKENS = "the policy has no tokens"
_NO_ANSWERS = "no answer of a model came with its tokens"
_NO_FORMULA = "a formula over checkpoints would be no measurement"


@dataclass(slots=True)
class DeadLetters:
    """What one actor failed to handle."""

    by_message: Counter[str] = field(default_factory=Counter)
    last_error: str = ""

    def add(self, letter: DeadLettered) -> None:
        """Count one dead letter."""
        self.by_message[letter.message_kind] += 1
        self.last_error = one_line(letter.error)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTotals:
    """What a report needs to know besides the teams."""

    events: int
    event_digest: str
    dead_letters: dict[str, DeadLetters]


def final_report(info: RunInfo, histories: Sequence[TeamHistory], totals: RunTotals) -> dict[str, Any]:
    """The report as a JSON value."""
    metrics = _metrics(info, histories)
    metrics["dead_letters"] = sum(letters.by_message.total() for letters in totals.dead_letters.values())
    unmeasured = {"process_coverage": _NO_FORMULA, **unmeasured_code(info, metrics)}
    if metrics["prompt_tokens"] is None:
        reason = _NO_ANSWERS if info.judgement == "model" or info.hands == "llm" else _NO_TOKENS
        unmeasured["prompt_tokens"] = unmeasured["completion_tokens"] = reason
    return {
        "schema_version": SCHEMA_VERSION,
        "experiment": info.experiment,
        "seed": info.seed,
        "code_generation": "executed" if info.executes else "modelled",
        "judgement": judgement(info, histories),
        "hands": hands(info, histories),
        "start_date": info.start_date.isoformat(),
        "total_sprints": _sprint_count(histories),
        "events": totals.events,
        "event_digest": totals.event_digest,
        "metrics": metrics,
        "unmeasured": unmeasured,
        "sprints": _sprints(info, histories),
        "teams": {history.team: _team(info, history) for history in histories},
        "dead_letters": {
            actor: {"by_message": dict(letters.by_message), "last_error": letters.last_error}
            for actor, letters in totals.dead_letters.items()
        },
    }


def velocities(histories: Sequence[TeamHistory]) -> list[int]:
    """Points accepted in each sprint, over all teams."""
    points: Counter[int] = Counter()
    for history in histories:
        for summary in history.summaries:
            points[summary.sprint] += summary.finished_points
    return [points[sprint] for sprint in range(1, _sprint_count(histories) + 1)]


def _sprint_count(histories: Sequence[TeamHistory]) -> int:
    return max((summary.sprint for history in histories for summary in history.summaries), default=0)


def _metrics(info: RunInfo, histories: Sequence[TeamHistory]) -> dict[str, Any]:
    tally: Tally = Counter()
    for history in histories:
        tally.update(history.totals)
    points = velocities(histories)
    summaries = [summary for history in histories for summary in history.summaries]
    planned = sum(summary.planned_points for summary in summaries)
    return {
        "avg_velocity": mean(points),
        "velocity_first_3": mean(points[:3]),
        "velocity_last_3": mean(points[-3:]),
        "total_points": sum(points),
        "planned_points": planned,
        "commitment_kept": ratio(sum(points), planned),
        "total_features": sum(len(summary.finished_stories) for summary in summaries),
        "knowledge_mean_permille": _knowledge(histories),
        "familiarity_mean_permille": _familiarity(histories),
        "process_coverage": None,
        **delivery_metrics(histories, tally),
        **code_metrics(info, histories, tally),
        **_flow(tally),
        **_learning(tally),
    }


def _flow(tally: Tally) -> dict[str, Any]:
    has_tokens = tally["decisions_with_tokens"] > 0
    return {
        "cycle_time_avg_hours": ratio(tally["cycle_us"], tally["stories_finished"] * _HOUR_US),
        "acceptance_rate": ratio(tally["stories_finished"], tally["stories_judged"]),
        "qa_approval_rate": ratio(tally["qa_approvals"], tally["qa_reviews"]),
        "mean_overrun": ratio(tally["overrun_millionths"], tally["estimated_tasks"] * 1_000_000),
        "pairing_sessions": tally["sessions"],
        "pairing_hours": fixed(tally["worked_minutes"] / 60),
        "consensus_rate": ratio(tally["sessions_with_consensus"], tally["sessions"]),
        "consensus_avg_seconds": ratio(tally["consensus_us"], tally["agreements"] * US_PER_SECOND),
        "escalations": tally["escalations"],
        "decisions_recorded": tally["decisions_recorded"],
        "blockers": tally["blockers"],
        "disturbances": tally["disturbances"],
        "disturbances_softened": tally["disturbances_softened"],
        "disturbances_resolved": tally["disturbances_resolved"],
        "triage_accuracy": ratio(tally["triages_right"], tally["triages"]),
        "triage_blast_accuracy": ratio(tally["triages_blast_right"], tally["triages"]),
        "decisions": tally["decisions"],
        "decisions_failed": tally["decisions_failed"],
        "decision_avg_seconds": ratio(tally["decision_us"], tally["decisions"] * US_PER_SECOND),
        "prompt_tokens": tally["prompt_tokens"] if has_tokens else None,
        "completion_tokens": tally["completion_tokens"] if has_tokens else None,
    }


def _learning(tally: Tally) -> dict[str, Any]:
    return {
        "questions": tally["questions"],
        "junior_questions": tally["junior_questions"],
        "junior_question_hit_rate": ratio(tally["junior_changes"], tally["junior_questions"]),
        "dismissal_rate": ratio(tally["junior_dismissals"], tally["junior_answers"]),
        "senior_pause_avg_seconds": ratio(tally["senior_pause_us"], tally["senior_pauses"] * US_PER_SECOND),
        "senior_learnings": tally["senior_learnings"],
        "reverse_mentorships": tally["reverse_mentorships"],
        "lessons": tally["lessons"],
    }


def _knowledge(histories: Sequence[TeamHistory]) -> float | None:
    """Mean knowledge over people and modules, as reviewed last."""
    reviews = [review for history in histories for review in history.knowledge.values()]
    return mean([known.permille for review in reviews for known in review.modules])


def _familiarity(histories: Sequence[TeamHistory]) -> float | None:
    reviews = [review for history in histories for review in history.knowledge.values()]
    return mean([review.mean_familiarity_permille for review in reviews])


def _sprints(info: RunInfo, histories: Sequence[TeamHistory]) -> dict[str, Any]:
    """Each sprint over all teams, by its number in two digits."""
    by_number: dict[int, list[SprintSummary]] = {}
    for history in histories:
        for summary in history.summaries:
            by_number.setdefault(summary.sprint, []).append(summary)
    cases = {(history.team, name): case for history in histories for name, case in history.cases.items()}
    return {
        f"{sprint:02d}": _sprint(summaries)
        | sprint_code(info, summaries)
        | {"disturbances": [disturbance_facts(cases[s.team, name]) for s in summaries for name in s.disturbances]}
        for sprint, summaries in sorted(by_number.items())
    }


def _sprint(summaries: Sequence[SprintSummary]) -> dict[str, Any]:
    tally: Tally = Counter()
    for summary in summaries:
        tally.update(summary.tally)
    return {
        "sprint": summaries[0].sprint,
        "velocity": sum(summary.finished_points for summary in summaries),
        "planned_points": sum(summary.planned_points for summary in summaries),
        "capacity_points": sum(summary.capacity_points for summary in summaries),
        "features_completed": sum(len(summary.finished_stories) for summary in summaries),
        "carried_stories": sum(len(summary.carried_stories) for summary in summaries),
        "pairing_sessions": tally["sessions"],
        "cycle_time_avg": ratio(tally["cycle_us"], tally["stories_finished"] * _HOUR_US),
        "consensus_rate": ratio(tally["sessions_with_consensus"], tally["sessions"]),
        "escalations": tally["escalations"],
        "junior_questions": tally["junior_questions"],
        "junior_changes": tally["junior_changes"],
    }


def _team(info: RunInfo, history: TeamHistory) -> dict[str, Any]:
    return {
        "total_sprints": len(history.summaries),
        "ended": history.ended.reason if history.ended else None,
        "metrics": _metrics(info, [history]),
        "velocity": {f"{summary.sprint:02d}": summary.finished_points for summary in history.summaries},
        "people": {agent: _person(history, agent) for agent in history.members},
    }


def _person(history: TeamHistory, agent: str) -> dict[str, Any]:
    review = history.knowledge.get(agent)
    return {
        "seniority": history.members[agent].seniority,
        "specialization": history.members[agent].specialization,
        "sessions_as_driver": sum(n for (driver, _), n in history.pairs.items() if driver == agent),
        "sessions_as_navigator": sum(n for (_, navigator), n in history.pairs.items() if navigator == agent),
        "questions": history.questions_by[agent],
        "questions_that_changed_something": history.changes_by[agent],
        "knowledge_mean_permille": mean([known.permille for known in review.modules]) if review else None,
        "familiarity_mean_permille": review.mean_familiarity_permille if review else None,
    }
