"""A whole run of the default team in virtual time."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest

from actors.scrum.messages import (
    CardMoved,
    CeremonyHeld,
    RunEnded,
    SessionEnded,
    SessionStarted,
    SprintEnded,
    StoryJudged,
    StoryPlanned,
    TeamFormed,
)
from actors.services.disturbance_messages import CrashActor
from actors.simulation.build import RunPlan, build_actors
from brokers.node.messages import ActorRestarted, DeadLettered
from tests.actors.simulation.scenes import config_with, world_of
from tests.support.world import HOUR, VirtualWorld

DAY = 24 * HOUR
CALM = "disturbances.enabled=false"


@cache
def three_sprints() -> VirtualWorld:
    world = world_of(config_with(), sprints=3)
    world.run_until_quiet()
    return world


def finished(world: VirtualWorld) -> list[int]:
    return [event.finished_points for event in world.events(SprintEnded)]


def test_three_sprints_of_the_default_team_finish_stories_without_a_dead_letter() -> None:
    world = three_sprints()

    assert [event.sprint for event in world.events(SprintEnded)] == [1, 2, 3]
    assert sum(finished(world)) >= 10
    assert world.events(DeadLettered) == []
    assert world.events(RunEnded) == [RunEnded(team="team-1", sprints=3, reason="completed")]


def test_velocity_is_what_the_product_owner_accepted_in_that_sprint() -> None:
    world = three_sprints()
    points = {event.story_id: event.points for event in world.events(StoryPlanned)}

    for ended in world.events(SprintEnded):
        accepted = [
            event.story_id
            for event in world.events(StoryJudged)
            if event.sprint == ended.sprint and event.verdict != "rejected"
        ]
        assert list(ended.finished_stories) == accepted
        assert ended.finished_points == sum(points[story_id] for story_id in accepted)


def test_no_column_ever_holds_more_than_its_limit() -> None:
    world = three_sprints()
    team = world.events(TeamFormed)[0]
    holds: Counter[str] = Counter()
    for moved in world.events(CardMoved):
        holds[moved.from_column] -= 1
        holds[moved.to_column] += 1
        assert holds["in_progress"] <= team.wip_in_progress
        assert holds["review"] <= team.wip_review


def test_nobody_sits_in_two_sessions_at_once_and_every_session_ends() -> None:
    world = three_sprints()
    at_work: dict[str, str] = {}
    for event in world.published:
        if isinstance(event, SessionStarted):
            for agent in filter(None, (event.driver, event.navigator)):
                assert agent not in at_work
                at_work[agent] = event.session_id
        elif isinstance(event, SessionEnded):
            for agent in filter(None, (event.driver, event.navigator)):
                assert at_work.pop(agent) == event.session_id
    assert at_work == {}


def test_every_sprint_holds_its_ceremonies_in_order() -> None:
    held = [event.ceremony for event in three_sprints().events(CeremonyHeld) if event.sprint == 2]

    closing = ["review", "retrospective", "meta_learning"]
    assert held == ["refinement", "planning", *["standup"] * 4, *closing]


def test_work_elapses_in_development_time_only() -> None:
    for session in three_sprints().events(SessionEnded):
        assert session.worked_minutes * 60_000_000 <= session.ended_us - session.started_us
        assert (session.started_us % DAY) >= 9 * HOUR
        assert (session.ended_us % DAY) <= 17 * HOUR + HOUR // 2


def test_the_same_seed_gives_the_same_log_and_another_seed_another() -> None:
    logs = []
    for seed in (1, 1, 2):
        world = world_of(config_with(), sprints=1, seed=seed)
        world.run_until_quiet()
        logs.append([row.record for row in world.rows])
    assert logs[0] == logs[1]
    assert logs[0] != logs[2]


def test_the_log_does_not_depend_on_whose_turn_comes_first() -> None:
    logs = []
    for turns in (list, lambda cells: list(reversed(cells))):
        world = world_of(config_with(), sprints=1, turns=turns)
        world.run_until_quiet()
        logs.append([row.record for row in world.rows])
    assert logs[0] == logs[1]


@pytest.mark.parametrize(
    "actor",
    [
        "board/team-1",
        "workshop/team-1",
        "facilitator/team-1",
        "disturber/team-1",
        "agent/ahmed_senior_dev_lead",
        "agent/jordan_junior_backend",
        "agent/sophie_senior_qa_lead",
        "agent/alex_senior_po",
    ],
)
@pytest.mark.parametrize("at_us", [9 * HOUR + 30 * 60_000_000, DAY + 14 * HOUR, 4 * DAY + 14 * HOUR + 60_000_000])
def test_a_crash_of_anybody_at_any_time_does_not_stop_the_team(actor: str, at_us: int) -> None:
    world = world_of(config_with(CALM), sprints=2)
    world.tell(actor, CrashActor(reason="chaos"), at=at_us)
    world.run_until_quiet()

    assert [letter.actor for letter in world.events(DeadLettered)] == [actor]
    assert world.events(RunEnded)[-1].reason == "completed"
    assert sum(finished(world)) > 0


def test_a_driver_who_crashes_closes_the_session_and_the_story_goes_on() -> None:
    calm = world_of(config_with(CALM), sprints=1)
    calm.run_until(DAY + 14 * HOUR)
    ended = {event.session_id for event in calm.events(SessionEnded)}
    session = next(event for event in calm.events(SessionStarted) if event.session_id not in ended)

    world = world_of(config_with(CALM), sprints=1)
    world.tell(f"agent/{session.driver}", CrashActor(reason="chaos"), at=DAY + 14 * HOUR)
    world.run_until_quiet()

    closed = next(event for event in world.events(SessionEnded) if event.session_id == session.session_id)
    assert closed.outcome == "interrupted"
    later = [event for event in world.events(SessionStarted) if event.task_id == session.task_id]
    assert later[-1].session_id != session.session_id
    assert ActorRestarted.KIND in {row.kind for row in world.rows}


def test_a_backlog_that_runs_dry_ends_the_run() -> None:
    from config.backlog import load_backlog
    from config.backlog_generator import SHIPPED_BACKLOG

    world = world_of(config_with(CALM), sprints=20, stories=load_backlog(SHIPPED_BACKLOG).stories[:4])
    world.run_until_quiet()

    ended = world.events(RunEnded)[0]
    assert ended.sprints < 20
    assert ended.reason == f"backlog exhausted in sprint {ended.sprints}"


def test_a_seeded_backlog_never_runs_dry() -> None:
    from config.backlog import load_backlog
    from config.backlog_generator import SHIPPED_BACKLOG

    stories = load_backlog(SHIPPED_BACKLOG).stories[:4]
    world = world_of(config_with(CALM, "backlog.refill=seeded"), sprints=4, stories=stories)
    world.run_until_quiet()

    assert world.events(RunEnded)[0].reason == "completed"
    assert len(world.events(StoryPlanned)) > 4


def test_teams_get_disjoint_stories_and_their_own_product_owner() -> None:
    world = world_of(config_with("simulation.replicas=2"), sprints=1)
    world.run_until_quiet()

    assert {event.team for event in world.events(RunEnded)} == {"team-1", "t02.team-1"}
    planned = [event.story_id for event in world.events(StoryPlanned) if event.story_kind == "story"]
    assert len(planned) == len(set(planned))


@pytest.mark.parametrize("days", [1, 3, 7])
def test_sprints_of_other_lengths_run_too(days: int) -> None:
    world = world_of(config_with(f"experiment.num_simulated_days={days}"), sprints=3)
    world.run_until_quiet()

    assert world.events(DeadLettered) == []
    assert world.events(RunEnded)[0].reason == "completed"


def test_actors_come_in_one_fixed_order() -> None:
    config = config_with()
    from actors.policy.calibration import shipped_calibration

    plan = RunPlan(config=config, stories=(), calibration=shipped_calibration(), sprints=1)
    names = list(build_actors(plan))
    assert names == list(build_actors(plan))
    assert names[:3] == ["board/team-1", "workshop/team-1", "disturber/team-1"]
    assert names[-1] == "facilitator/team-1"
    assert len(names) == 15
