"""`retro.md`: what a team thought of its sprint, what its juniors contributed, and what went wrong.

Readers count `Question:` and `Result:` in the text, so each stands there once for every junior question and for every
one that changed something, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actors.reporting.run_info import US_PER_SECOND
from actors.reporting.run_ledger import notice
from actors.reporting.sprint_record import DisturbanceCase, Question, SprintRecord
from actors.reporting.writing import one_line, percent, ratio, shown
from actors.scrum.messages import Member

GOOD_QUESTIONS = (15, 20)  # a sprint; fewer than LOW_QUESTIONS is a warning
LOW_QUESTIONS = 5
GOOD_HIT_PERMILLE = (50, 100)
HIGH_DISMISSALS_PERMILLE = 200
_NOTHING = "- nothing"


def retrospective(record: SprintRecord, members: Mapping[str, Member]) -> str:
    """The whole page."""
    parts = [f"# Sprint {record.sprint} Retrospective"]
    parts += [_notes(record, column) for column in ("keep", "drop", "puzzle")]
    parts += [
        _junior_contributions(record, members),
        _section("Signs", _signs(record)),
        _section("Action items", _action_items(record)),
        _section("Disturbances", [_disturbance(case) for case in record.disturbances]),
    ]
    return "\n\n".join(parts) + "\n"


def _section(title: str, lines: list[str]) -> str:
    return f"## {title}\n\n" + "\n".join(lines or [_NOTHING])


def _notes(record: SprintRecord, column: str) -> str:
    notes = [f"- **{note.agent}**: {one_line(note.text)}" for note in record.notes if note.column == column]
    return _section(column.capitalize(), notes)


def _junior_contributions(record: SprintRecord, members: Mapping[str, Member]) -> str:
    lines = [line for question in record.junior_questions for line in _question(question)]
    return _section("Junior contributions", lines + _question_totals(record, members))


def _question(question: Question) -> list[str]:
    asked = question.asked
    who = f"{asked.asker} asked {asked.addressee} about {asked.story_id}, criterion {asked.criterion}"
    lines = [f"- Question: ({asked.category}, {asked.phase}) {who}: {one_line(asked.text)}"]
    answer = question.answered
    if answer is None:
        lines.append("  - never answered")
    elif answer.dismissed:
        lines.append(f"  - dismissed by {answer.answerer}")
    elif answer.changed:
        lines.append(f"  - Result: {one_line(answer.answer)}")
    else:
        lines.append(f"  - confirmed by {answer.answerer} after {_seconds(answer.pause_us)}")
    return lines


def _question_totals(record: SprintRecord, members: Mapping[str, Member]) -> list[str]:
    tally = record.tally
    asked, changes, dismissed = tally["junior_questions"], tally["junior_changes"], tally["junior_dismissals"]
    juniors = sum(member.seniority == "junior" for member in members.values())
    pause = ratio(tally["senior_pause_us"], tally["senior_pauses"] * US_PER_SECOND)
    hit_rate = percent(ratio(changes, asked))
    return [
        f"- asked in all: {asked} by {juniors} juniors; changed something: {changes} ({hit_rate})",
        f"- dismissed: {dismissed} of {tally['junior_answers']} ({percent(ratio(dismissed, tally['junior_answers']))})",
        f"- mean pause of seniors before they answered: {shown(pause, ' s')}",
        f"- seniors who learned something from it: {tally['senior_learnings']}",
    ]


def _signs(record: SprintRecord) -> list[str]:
    tally = record.tally
    asked = tally["junior_questions"]
    low, high = GOOD_QUESTIONS
    lines = []
    if asked >= low:
        note = "" if asked <= high else f"; more than the {high} that are usual"
        lines.append(f"- good: {asked} junior questions ({low} to {high} are healthy{note})")
    elif asked < LOW_QUESTIONS:
        lines.append(f"- warning: only {asked} junior questions (fewer than {LOW_QUESTIONS})")
    hits = 1000 * tally["junior_changes"] // asked if asked else 0
    if asked and GOOD_HIT_PERMILLE[0] <= hits <= GOOD_HIT_PERMILLE[1]:
        lines.append(f"- good: {percent(hits / 1000)} of them changed something (5 to 10 % are healthy)")
    answers = tally["junior_answers"]
    if answers and 1000 * tally["junior_dismissals"] >= HIGH_DISMISSALS_PERMILLE * answers:
        lines.append(f"- warning: {tally['junior_dismissals']} of {answers} were dismissed (20 % or more)")
    return lines + [f"- warning: {notice(event)}" for event in record.budgets]


def _action_items(record: SprintRecord) -> list[str]:
    """What somebody does differently from now on, and remedies for warning signs."""
    lines = [f"- {lesson.agent} ({lesson.topic}): {one_line(lesson.effect)}" for lesson in record.learnings]
    if record.tally["junior_questions"] < LOW_QUESTIONS:
        lines.append("- team: ask each junior for one doubt about every story in refinement")
    answers = record.tally["junior_answers"]
    if answers and 1000 * record.tally["junior_dismissals"] >= HIGH_DISMISSALS_PERMILLE * answers:
        lines.append("- seniors: pause for 2 to 5 s before answering a junior")
    return lines


def _disturbance(case: DisturbanceCase) -> str:
    struck = case.struck
    truth = f"severity {struck.severity}, {len(struck.blast_stories)} stories, {struck.cost_minutes} min"
    thought = "; ".join(
        f"{triage.by} judged severity {triage.assessed_severity}, {triage.assessed_blast} stories: {triage.response}"
        for triage in case.triages
    )
    end = f"resolved by {case.resolved.by} in {case.resolved.spent_minutes} min" if case.resolved else "open"
    origin = ", injected" if struck.injected else ""
    if case.softened is not None:
        origin += f", softened from severity {case.softened.drawn_severity}"
    return f"- {struck.disturbance_id} {struck.type} ({truth}{origin}); {thought or 'nobody triaged it'}; {end}"


def _seconds(duration_us: int) -> str:
    return f"{duration_us / US_PER_SECOND:.1f} s"


def disturbance_facts(case: DisturbanceCase) -> dict[str, Any]:
    """A disturbance as reports list it: truth beside judgement."""
    last = case.triages[-1] if case.triages else None
    return {
        "id": case.struck.disturbance_id,
        "type": case.struck.type,
        "severity": case.struck.severity,
        "assessed_severity": last.assessed_severity if last else None,
        "blast": len(case.struck.blast_stories),
        "assessed_blast": last.assessed_blast if last else None,
        "response": last.response if last else None,
        "cost_minutes": case.struck.cost_minutes,
        "spent_minutes": case.resolved.spent_minutes if case.resolved else None,
        "injected": case.struck.injected,
        "sprint": case.struck.sprint,
        "story_id": case.struck.story_id,
    }
