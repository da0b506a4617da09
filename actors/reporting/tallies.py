"""What each event adds to the totals of its sprint: whole counts and integer sums, so that adding up is exact."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from actors.reporting.sprint_record import Tally
from actors.scrum import code_messages as code
from actors.scrum import messages as scrum
from inference.text import adapter_name

# Of decisions that a model was asked for: by kind of decision, and by the model that answered.
ASKED, REPAIRED, FAILED, ANSWERED_BY = "model_asked:", "model_repaired:", "model_failed:", "answered_by:"
WRITTEN_BY = "written_by:"  # as ANSWERED_BY, of tool calls that write code
WORN, WORN_WRITING = "adapter_answered:", "adapter_wrote:"  # likewise, by the version of an adapter that answered
METERED, PROMPT, COMPLETION = "model_metered:", "model_prompt_tokens:", "model_completion_tokens:"
TOOL_USED, TOOL_REFUSED = "tool_used:", "tool_refused:"  # by tool
WRITE_CODE = "write_code"


def count(tally: Tally, message: Any) -> None:
    """Add one event to a tally."""
    counter = _COUNTERS.get(type(message))
    if counter is not None:
        counter(tally, message)


def _session_ended(tally: Tally, event: scrum.SessionEnded) -> None:
    tally["sessions"] += 1
    tally["sessions_with_consensus"] += event.consensus_reached
    tally["session_us"] += event.ended_us - event.started_us
    tally["worked_minutes"] += event.worked_minutes


def _checkpoint_held(tally: Tally, event: scrum.CheckpointHeld) -> None:
    tally["checkpoints"] += 1
    tally["exchanges"] += event.exchanges
    if event.approved:
        tally["agreements"] += 1
        tally["consensus_us"] += event.consensus_us


def _escalated(tally: Tally, event: scrum.Escalated) -> None:
    tally["escalations"] += 1
    tally[f"escalations_tier_{event.tier}"] += 1


def _question_asked(tally: Tally, event: scrum.QuestionAsked) -> None:
    tally["questions"] += 1
    tally["junior_questions"] += event.asker_seniority == "junior"


def _question_answered(tally: Tally, event: scrum.QuestionAnswered) -> None:
    tally["answers"] += 1
    if event.asker_seniority != "junior":
        return
    tally["junior_answers"] += 1
    tally["junior_changes"] += event.changed
    tally["junior_dismissals"] += event.dismissed
    tally["senior_learnings"] += event.answerer_learned and event.answerer_seniority == "senior"
    if event.answerer_seniority == "senior" and not event.dismissed:
        tally["senior_pauses"] += 1
        tally["senior_pause_us"] += event.pause_us


def _task_finished(tally: Tally, event: scrum.TaskFinished) -> None:
    tally["tasks"] += 1
    tally["task_minutes"] += event.spent_minutes
    if event.estimated_minutes:
        tally["estimated_tasks"] += 1
        difference = event.spent_minutes - event.estimated_minutes
        tally["overrun_millionths"] += difference * 1_000_000 // event.estimated_minutes


def _story_judged(tally: Tally, event: scrum.StoryJudged) -> None:
    tally["stories_judged"] += 1
    tally[f"stories_{event.verdict}"] += 1
    if event.verdict != "rejected":
        tally["stories_finished"] += 1
        tally["cycle_us"] += event.cycle_us


def _story_reviewed(tally: Tally, event: scrum.StoryReviewed) -> None:
    tally["qa_reviews"] += 1
    tally["qa_approvals"] += event.approved


def _decision_taken(tally: Tally, event: scrum.DecisionTaken) -> None:
    tally["decisions"] += 1
    tally["decision_us"] += event.duration_us
    if event.prompt_tokens is not None or event.completion_tokens is not None:
        tally["decisions_with_tokens"] += 1
        tally["prompt_tokens"] += event.prompt_tokens or 0
        tally["completion_tokens"] += event.completion_tokens or 0


def _model_asked(tally: Tally, event: scrum.ModelAsked) -> None:
    """What a taken decision cost is told by DecisionTaken; this adds what failed ones cost."""
    name = event.decision.removeprefix("decision.").partition("/")[0]
    tally[f"{ASKED}{name}"] += 1
    tally[f"{WRITTEN_BY if name == WRITE_CODE else ANSWERED_BY}{event.model}"] += 1
    if event.adapter:
        version = adapter_name(event.adapter, event.adapter_version)
        tally[f"{WORN_WRITING if name == WRITE_CODE else WORN}{version}"] += 1
    tally["calls_unmetered" if name == WRITE_CODE else "answers_unmetered"] += event.unmetered
    if event.unmetered < event.attempts:
        tally[f"{METERED}{name}"] += 1
        tally[f"{PROMPT}{name}"] += event.prompt_tokens
        tally[f"{COMPLETION}{name}"] += event.completion_tokens
    if event.outcome == "repaired":
        tally[f"{REPAIRED}{name}"] += 1
    elif event.outcome != "settled":
        tally[f"{FAILED}{name}"] += 1
        if event.unmetered < event.attempts:
            tally["decisions_with_tokens"] += 1
            tally["prompt_tokens"] += event.prompt_tokens
            tally["completion_tokens"] += event.completion_tokens


def _tool_called(tally: Tally, event: code.ToolCalled) -> None:
    tally[f"{TOOL_REFUSED if event.is_refused else TOOL_USED}{event.tool}"] += 1


def _standup_held(tally: Tally, event: scrum.StandupHeld) -> None:
    tally["standup_reports"] += 1
    tally["blockers"] += bool(event.blocker)


def _one(name: str) -> Callable[[Tally, Any], None]:
    def add(tally: Tally, _: object) -> None:
        tally[name] += 1

    return add


_COUNTERS: Mapping[type[Any], Callable[[Tally, Any], None]] = {
    scrum.SessionEnded: _session_ended,
    scrum.CheckpointHeld: _checkpoint_held,
    scrum.Escalated: _escalated,
    scrum.QuestionAsked: _question_asked,
    scrum.QuestionAnswered: _question_answered,
    scrum.TaskFinished: _task_finished,
    scrum.StoryJudged: _story_judged,
    scrum.StoryReviewed: _story_reviewed,
    scrum.DecisionTaken: _decision_taken,
    scrum.ModelAsked: _model_asked,
    code.ToolCalled: _tool_called,
    scrum.StandupHeld: _standup_held,
    scrum.ReverseMentorship: _one("reverse_mentorships"),
    scrum.DecisionRecorded: _one("decisions_recorded"),
    scrum.DisturbanceStruck: _one("disturbances"),
    scrum.DisturbanceResolved: _one("disturbances_resolved"),
    scrum.DisturbanceSoftened: _one("disturbances_softened"),
    scrum.DecisionFailed: _one("decisions_failed"),
    scrum.TaskAdded: _one("tasks_added"),
    scrum.LearningApplied: _one("lessons"),
}
