"""Synthetic events for tests of projections: one plausible team whose numbers a test can work out by hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from actors.reporting.entries import LoggedEvent
from actors.reporting.run_info import RunInfo
from actors.scrum.messages import (
    CardMoved,
    CheckpointHeld,
    DecisionRecorded,
    DecisionTaken,
    DisturbanceResolved,
    DisturbanceStruck,
    DisturbanceTriaged,
    Escalated,
    KnowledgeReviewed,
    LearningApplied,
    Member,
    ModuleKnowledge,
    PlannedTask,
    QuestionAnswered,
    QuestionAsked,
    RetroNote,
    ReverseMentorship,
    RunEnded,
    SessionEnded,
    SprintEnded,
    SprintStarted,
    StoryJudged,
    StoryPlanned,
    TaskFinished,
    TeamFormed,
)

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY

SENIOR, MID, JUNIOR, PO = "ahmed", "marcus", "jamie", "olga"
TEAM = "team_a"
CODE_MODULES = ("billing", "search")


def run_info(*teams: str, executes: bool = False) -> RunInfo:
    return RunInfo(
        experiment="baseline", seed=7, start_date=date(2026, 1, 5), teams=teams or (TEAM,), executes=executes
    )


def at(sprint: int, day: int, hour: int = 9, minute: int = 0) -> int:
    """Virtual time of an hour on a working day (1 to 5) of a one-week sprint."""
    return (sprint - 1) * WEEK + (day - 1) * DAY + hour * HOUR + minute * MINUTE


def entries(events: Iterable[tuple[int, Any]]) -> list[LoggedEvent]:
    """Number events that come as (time, message)."""
    return [
        LoggedEvent(n=n, time_us=time_us, src="actor/x", seq=n, cause="", message=message)
        for n, (time_us, message) in enumerate(events)
    ]


def team_formed(team: str = TEAM) -> TeamFormed:
    def member(agent: str, seniority: str, *roles: str) -> Member:
        return Member(
            agent=agent,
            name=agent.title(),
            seniority=seniority,
            roles=roles,
            specialization="backend",
            auxiliaries=(),
        )

    people = (
        member(SENIOR, "senior", "developer", "leader"),
        member(MID, "mid", "developer"),
        member(JUNIOR, "junior", "developer"),
        member(PO, "senior", "product_owner"),
    )
    return TeamFormed(team=team, members=people, wip_in_progress=4, wip_review=2)


def planned(card_id: int, sprint: int = 1, *, points: int = 5, team: str = TEAM, column: Any = "ready") -> StoryPlanned:
    return StoryPlanned(
        team=team,
        sprint=sprint,
        card_id=card_id,
        story_id=f"S-{card_id}",
        title=f"Story {card_id}",
        description="As a user I want it",
        criteria=("it works",),
        module="billing",
        points=points,
        priority=card_id,
        story_kind="story",
        owner=SENIOR,
        initial_navigator=JUNIOR,
        depends_on=(),
        tasks=(
            PlannedTask(
                task_id=f"T-{sprint}-{card_id:03d}",
                title="Build it",
                estimated_minutes=240,
                depends_on=(),
                specialization="backend",
            ),
        ),
        column=column,
    )


def moved(card_id: int, origin: Any, target: Any, *, sprint: int = 1, at_us: int = 0, team: str = TEAM) -> CardMoved:
    return CardMoved(
        team=team,
        sprint=sprint,
        card_id=card_id,
        story_id=f"S-{card_id}",
        from_column=origin,
        to_column=target,
        by=SENIOR,
        at_us=at_us,
    )


def sprint_started(sprint: int = 1, team: str = TEAM) -> SprintStarted:
    return SprintStarted(team=team, sprint=sprint, days=5, capacity_points=20)


def sprint_ended(sprint: int = 1, *, points: int = 0, stories: tuple[str, ...] = (), team: str = TEAM) -> SprintEnded:
    return SprintEnded(
        team=team,
        sprint=sprint,
        planned_points=20,
        finished_points=points,
        finished_stories=stories,
        carried_stories=(),
    )


def session_ended(
    sprint: int = 1, number: int = 1, *, consensus: bool = True, minutes: int = 90, team: str = TEAM, day: int = 2
) -> SessionEnded:
    start = at(sprint, day, 10)
    return SessionEnded(
        team=team,
        sprint=sprint,
        day=day,
        session_id=f"P-{sprint:02d}-{number:03d}",
        story_id="S-1",
        task_id="T-1-001",
        driver=SENIOR if number % 2 else MID,
        navigator=JUNIOR,
        started_us=start,
        ended_us=start + minutes * MINUTE,
        worked_minutes=minutes,
        checkpoints=4,
        exchanges=5,
        consensus_reached=consensus,
        outcome="completed" if consensus else "escalated",
        approach="test first",
    )


def asked(number: int = 1, sprint: int = 1, *, text: str = "What if it is empty?", team: str = TEAM) -> QuestionAsked:
    return QuestionAsked(
        team=team,
        sprint=sprint,
        question_id=f"Q-{sprint}-{number}",
        story_id="S-1",
        asker=JUNIOR,
        asker_seniority="junior",
        addressee=SENIOR,
        criterion=1,
        topic="empty_input",
        category="edge_case",
        text=text,
        phase="refinement",
    )


def answered(
    number: int = 1,
    sprint: int = 1,
    *,
    changed: bool = False,
    dismissed: bool = False,
    answer: str = "Show a hint.",
    team: str = TEAM,
) -> QuestionAnswered:
    return QuestionAnswered(
        team=team,
        sprint=sprint,
        question_id=f"Q-{sprint}-{number}",
        story_id="S-1",
        asker=JUNIOR,
        asker_seniority="junior",
        answerer=SENIOR,
        answerer_seniority="senior",
        category="edge_case",
        topic="empty_input",
        answer=answer,
        pause_us=3 * SECOND,
        dismissed=dismissed,
        changed=changed,
        answerer_learned=changed,
    )


def struck(name: str = "D-01-01", sprint: int = 1, *, severity: int = 2, team: str = TEAM) -> DisturbanceStruck:
    return DisturbanceStruck(
        team=team,
        sprint=sprint,
        disturbance_id=name,
        type="flaky_test",
        severity=severity,
        story_id="S-1",
        blast_stories=("S-1", "S-2"),
        blast_agents=(SENIOR,),
        cost_minutes=120,
        injected=False,
    )


def triaged(name: str = "D-01-01", sprint: int = 1, *, severity: int = 2, team: str = TEAM) -> DisturbanceTriaged:
    return DisturbanceTriaged(
        team=team,
        sprint=sprint,
        disturbance_id=name,
        by=MID,
        assessed_severity=severity,
        assessed_blast=1,
        response="fix_now",
    )


def resolved(name: str = "D-01-01", sprint: int = 1, team: str = TEAM) -> DisturbanceResolved:
    return DisturbanceResolved(
        team=team,
        sprint=sprint,
        disturbance_id=name,
        by=MID,
        struck_us=at(sprint, 3, 10),
        resolved_us=at(sprint, 3, 15),
        spent_minutes=95,
    )


def judged(card_id: int, sprint: int = 1, *, verdict: str = "accepted", team: str = TEAM) -> StoryJudged:
    return StoryJudged(
        team=team,
        sprint=sprint,
        story_id=f"S-{card_id}",
        verdict=verdict,
        accepted_criteria=1,
        criteria=1,
        follow_up="",
        cycle_us=12 * HOUR,
    )


def note(column: Any, text: str, sprint: int = 1, team: str = TEAM) -> RetroNote:
    return RetroNote(team=team, sprint=sprint, agent=SENIOR, column=column, topic="pairing", text=text)


def learned(sprint: int = 1, team: str = TEAM) -> LearningApplied:
    return LearningApplied(
        team=team,
        sprint=sprint,
        agent=JUNIOR,
        column="keep",
        topic="flaky_test",
        text="Run a red test again",
        effect="triages flaky tests more carefully",
    )


def recorded(adr: int, sprint: int = 1, *, title: str = "Use a queue", team: str = TEAM) -> DecisionRecorded:
    return DecisionRecorded(
        team=team,
        sprint=sprint,
        adr=adr,
        title=title,
        context="Orders come in bursts",
        options=("a queue", "a table"),
        decision="a queue",
        consequences="one more part to run",
        decided_by=SENIOR,
        story_id="S-1",
    )


def known(sprint: int, agent: str, *permilles: int, team: str = TEAM) -> KnowledgeReviewed:
    return KnowledgeReviewed(
        team=team,
        sprint=sprint,
        agent=agent,
        modules=tuple(
            ModuleKnowledge(module=module, permille=permille)
            for module, permille in zip(CODE_MODULES, permilles, strict=False)
        ),
        mean_familiarity_permille=400,
    )


def checkpoint(sprint: int, number: int, *, consensus_us: int = 20 * SECOND, team: str = TEAM) -> CheckpointHeld:
    return CheckpointHeld(
        team=team,
        sprint=sprint,
        session_id=f"P-{sprint:02d}-{number:03d}",
        task_id="T-1-001",
        percent=25,
        driver_choice="continue",
        approved=True,
        issue="",
        exchanges=1,
        consensus_us=consensus_us,
    )


def decision(agent: str = SENIOR, *, tokens: int | None = None, team: str = TEAM) -> DecisionTaken:
    return DecisionTaken(
        team=team,
        agent=agent,
        decision="decision.plan_story/1",
        duration_us=8 * SECOND,
        prompt_tokens=tokens,
        completion_tokens=tokens,
    )


def points_of(sprint: int) -> int:
    """Velocity of a sprint of `whole_run`: it grows and then levels out."""
    return min(5 + sprint, 13)


def one_sprint(sprint: int, team: str = TEAM) -> Iterator[tuple[int, Any]]:
    """A sprint with two finished stories, four sessions, six junior questions (one changes something)."""
    first, second = 2 * sprint - 1, 2 * sprint
    yield at(sprint, 1), sprint_started(sprint, team)
    for number in range(1, 7):
        yield at(sprint, 1, 9, 5 * number), asked(number, sprint, team=team)
        answer = answered(number, sprint, changed=number == 2, dismissed=number == 3, team=team)
        yield at(sprint, 1, 9, 5 * number + 1), answer
    for card, points in ((first, points_of(sprint) - 3), (second, 3)):
        yield at(sprint, 1, 12), planned(card, sprint, points=points, team=team)
        yield at(sprint, 1, 13), moved(card, "ready", "in_progress", sprint=sprint, team=team)
        yield at(sprint, 1, 13), decision(team=team)
    for number in range(1, 5):
        yield at(sprint, 2, 10, number), checkpoint(sprint, number, team=team)
        yield at(sprint, 2, 12, number), session_ended(sprint, number, consensus=number != 4, team=team)
    yield at(sprint, 2, 14), escalated(sprint, team)
    yield at(sprint, 2, 15), recorded(sprint, sprint, team=team)
    yield at(sprint, 3, 10), struck(f"D-{sprint:02d}-01", sprint, team=team)
    yield at(sprint, 3, 11), triaged(f"D-{sprint:02d}-01", sprint, severity=2 + sprint % 2, team=team)
    yield at(sprint, 3, 15), resolved(f"D-{sprint:02d}-01", sprint, team=team)
    yield at(sprint, 4, 11), mentored(sprint, team)
    for card in (first, second):
        yield at(sprint, 4, 12), task_finished(card, sprint, team)
        yield at(sprint, 4, 13), moved(card, "in_progress", "review", sprint=sprint, team=team)
        yield at(sprint, 4, 15), moved(card, "review", "done", sprint=sprint, team=team)
        yield at(sprint, 5, 14), judged(card, sprint, team=team)
    yield at(sprint, 5, 15), note("keep", "Pairing went well", sprint, team)
    yield at(sprint, 5, 15), note("drop", "Late merges", sprint, team)
    yield at(sprint, 5, 15), note("puzzle", "Why so slow?", sprint, team)
    yield at(sprint, 5, 16), learned(sprint, team)
    finished = (f"S-{first}", f"S-{second}")
    yield at(sprint, 5, 17), sprint_ended(sprint, points=points_of(sprint), stories=finished, team=team)
    yield at(sprint, 5, 17), known(sprint, JUNIOR, 100 * min(sprint, 9), 200, team=team)


def escalated(sprint: int, team: str = TEAM) -> Escalated:
    return Escalated(
        team=team,
        sprint=sprint,
        session_id=f"P-{sprint:02d}-004",
        story_id="S-1",
        tier=2,
        issue="design",
        decided_by=SENIOR,
        decision="keep it simple",
    )


def mentored(sprint: int, team: str = TEAM) -> ReverseMentorship:
    return ReverseMentorship(
        team=team, sprint=sprint, junior=JUNIOR, senior=SENIOR, topic="empty_input", learning_type="edge_case"
    )


def task_finished(card: int, sprint: int, team: str = TEAM) -> TaskFinished:
    return TaskFinished(
        team=team,
        sprint=sprint,
        story_id=f"S-{card}",
        task_id=f"T-{sprint}-{card:03d}",
        driver=SENIOR,
        estimated_minutes=240,
        spent_minutes=300,
    )


def whole_run(sprints: int, *teams: str) -> list[LoggedEvent]:
    """A run of some sprints, its teams in step, in log order."""
    names = teams or (TEAM,)
    events: list[tuple[int, Any]] = [(0, team_formed(team)) for team in names]
    for sprint in range(1, sprints + 1):
        events += sorted((pair for team in names for pair in one_sprint(sprint, team)), key=lambda pair: pair[0])
    end = at(sprints, 5, 17)
    events += [(end, RunEnded(team=team, sprints=sprints, reason="completed")) for team in names]
    return entries(events)
