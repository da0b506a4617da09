"""People, stories and one observation of each kind, for the tests of the policy."""

from __future__ import annotations

from typing import Any

from actors.policy.decisions import (
    ChooseAnswer,
    ChooseQuestion,
    DecideEscalation,
    DecideHelp,
    EstimatePoints,
    Experience,
    HoldCheckpoint,
    JudgeCriterion,
    JudgeQuality,
    Person,
    PlanStory,
    ReflectOnSprint,
    ReportStandup,
    ReviewCheckpoint,
    StoryView,
    TriageDisturbance,
)

CRITERIA = (
    "A request without a page size returns at most 50 tasks and a cursor",
    "A page size above 200 is refused with an error",
    "The last page carries no cursor",
)


def person(seniority: str = "mid", *, agent: str = "marcus_mid_backend", specialization: str = "backend") -> Person:
    return Person(
        agent=agent,
        seniority=seniority,
        roles=("developer",),
        specialization=specialization,
        auxiliaries=("api_design",),
    )


def story(**changed: Any) -> StoryView:
    fields: dict[str, Any] = {
        "story_id": "S-7",
        "title": "Page through tasks",
        "criteria": CRITERIA,
        "module": "api",
        "specialization": "backend",
        "sized_points": 3,
        "answered": (),
    }
    return StoryView(**(fields | changed))


def question(seniority: str = "junior", **changed: Any) -> ChooseQuestion:
    fields: dict[str, Any] = {
        "person": person(seniority),
        "story": story(),
        "knowledge_permille": 300,
        "experience": (),
        "phase": "refinement",
        "asked_before": 0,
    }
    return ChooseQuestion(**(fields | changed))


def answer(seniority: str = "senior", **changed: Any) -> ChooseAnswer:
    fields: dict[str, Any] = {
        "person": person(seniority),
        "asker_seniority": "junior",
        "category": "edge_case",
        "topic": "limits",
        "familiarity_permille": 300,
        "questions_today": 3,
        "lessons": 0,
    }
    return ChooseAnswer(**(fields | changed))


def estimate(seniority: str = "mid", **changed: Any) -> EstimatePoints:
    fields: dict[str, Any] = {
        "person": person(seniority),
        "story": story(),
        "knowledge_permille": 300,
        "estimates_seen": 0,
        "round": 1,
        "votes": (),
    }
    return EstimatePoints(**(fields | changed))


def plan(**changed: Any) -> PlanStory:
    fields: dict[str, Any] = {"person": person("senior"), "story": story(), "points": 3, "lessons": ()}
    return PlanStory(**(fields | changed))


def checkpoint(seniority: str = "mid", **changed: Any) -> HoldCheckpoint:
    fields: dict[str, Any] = {
        "person": person(seniority),
        "story": story(),
        "percent": 50,
        "planned_minutes": 100,
        "spent_minutes": 110,
        "knowledge_permille": 300,
        "exchange": 1,
        "concern": "",
    }
    return HoldCheckpoint(**(fields | changed))


def review(seniority: str = "senior", **changed: Any) -> ReviewCheckpoint:
    fields: dict[str, Any] = {
        "person": person(seniority),
        "story": story(),
        "percent": 50,
        "driver_seniority": "mid",
        "driver_action": "continue",
        "knowledge_permille": 500,
        "familiarity_permille": 500,
        "suspicious_spots": 1,
        "exchange": 1,
    }
    return ReviewCheckpoint(**(fields | changed))


def escalation(**changed: Any) -> DecideEscalation:
    fields: dict[str, Any] = {
        "person": person("senior"),
        "story": story(),
        "tier": 2,
        "issue": "edge_case",
        "options": ("keep the driver's way", "take the navigator's way"),
        "knowledge_permille": 600,
    }
    return DecideEscalation(**(fields | changed))


def report(seniority: str = "mid", **changed: Any) -> ReportStandup:
    fields: dict[str, Any] = {
        "person": person(seniority),
        "story_id": "S-7",
        "progress_permille": 400,
        "expected_permille": 500,
        "open_hazards": (),
        "days_left": 2,
        "lessons": 0,
    }
    return ReportStandup(**(fields | changed))


def help_needed(**changed: Any) -> DecideHelp:
    fields: dict[str, Any] = {
        "person": person("senior"),
        "story_id": "S-7",
        "module": "api",
        "blocker": "merge_conflict",
        "candidates": ("ada", "bob", "cyd"),
        "candidate_knowledge": (300, 700, 500),
    }
    return DecideHelp(**(fields | changed))


def disturbance(seniority: str = "mid", **changed: Any) -> TriageDisturbance:
    fields: dict[str, Any] = {
        "person": person(seniority),
        "hazard": "merge_conflict",
        "symptom_permille": 375,
        "visible_stories": 1,
        "knowledge_permille": 500,
        "lessons": 0,
    }
    return TriageDisturbance(**(fields | changed))


def quality(seniority: str = "senior", **changed: Any) -> JudgeQuality:
    fields: dict[str, Any] = {
        "person": person(seniority),
        "story": story(),
        "failing_checks": 0,
        "flaky_checks": 0,
        "returned_before": 0,
    }
    return JudgeQuality(**(fields | changed))


def criterion(**changed: Any) -> JudgeCriterion:
    fields: dict[str, Any] = {"person": person("senior"), "story": story(), "criterion": 2, "deviations": ()}
    return JudgeCriterion(**(fields | changed))


def reflection(**changed: Any) -> ReflectOnSprint:
    fields: dict[str, Any] = {
        "person": person(),
        "sprint": 4,
        "experiences": (
            Experience(topic="merge_conflict", count=2, minutes=95, where=""),
            Experience(topic="questions_answered", count=3, minutes=0, where="api"),
            Experience(topic="overrun_tasks", count=1, minutes=40, where="S-7"),
            Experience(topic="pairing", count=2, minutes=200, where="jamie"),
        ),
        "lessons": (),
        "praised": "",
    }
    return ReflectOnSprint(**(fields | changed))


def one_of_each() -> tuple[Any, ...]:
    """One observation of each kind."""
    return (
        question(),
        answer(),
        estimate(),
        plan(),
        checkpoint(),
        review(),
        escalation(),
        report(),
        help_needed(),
        disturbance(),
        quality(),
        criterion(),
        reflection(),
    )
