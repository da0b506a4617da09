"""Every kind of disturbance changes the world where one can see it, and ends when it is worked off."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from actors.scrum.messages import (
    CardMoved,
    CardTagged,
    DisturbanceExpired,
    DisturbanceKind,
    DisturbanceResolved,
    DisturbanceSoftened,
    DisturbanceStruck,
    DisturbanceTriaged,
    StoryPlanned,
    TaskAdded,
    TaskFinished,
)
from actors.services.disturbance_messages import CrashActor, InjectDisturbance, Strike
from brokers.node.messages import DeadLettered
from tests.actors.simulation.scenes import config_with, world_of
from tests.support.world import HOUR, VirtualWorld

DAY = 24 * HOUR
CALM = "disturbances.enabled=false"
NOON = DAY + 14 * HOUR  # of the second day


def hit_by(kind: Any, *, severity: int = 2, sprints: int = 2, seed: int = 1) -> VirtualWorld:
    world = world_of(config_with(CALM), sprints=sprints, seed=seed)
    injected = InjectDisturbance(type=kind, severity=severity, story_id=None)
    world.tell("disturber/team-1", injected, at=NOON)
    world.run_until_quiet()
    return world


def tags(world: VirtualWorld, tag: str) -> list[bool]:
    return [event.present for event in world.events(CardTagged) if event.tag == tag]


@pytest.mark.parametrize("kind", get_args(DisturbanceKind))
def test_each_kind_strikes_is_triaged_and_is_resolved(kind: Any) -> None:
    world = hit_by(kind, sprints=4)

    struck = world.events(DisturbanceStruck)
    assert [(event.disturbance_id, event.type, event.injected) for event in struck] == [("I-01", kind, True)]
    assert [event.disturbance_id for event in world.events(DisturbanceTriaged)] == ["I-01"]
    resolved = world.events(DisturbanceResolved)
    assert [event.disturbance_id for event in resolved] == ["I-01"]
    assert resolved[0].resolved_us > resolved[0].struck_us >= NOON


@pytest.mark.parametrize("kind", get_args(DisturbanceKind))
def test_each_kind_changes_what_happens_afterwards(kind: Any) -> None:
    calm = world_of(config_with(CALM), sprints=3)
    calm.run_until_quiet()
    finished_calm = [(event.task_id, event.spent_minutes) for event in calm.events(TaskFinished)]
    moves_calm = [(event.story_id, event.at_us) for event in calm.events(CardMoved)]

    world = hit_by(kind, severity=4, sprints=3)

    finished = [(event.task_id, event.spent_minutes) for event in world.events(TaskFinished)]
    moves = [(event.story_id, event.at_us) for event in world.events(CardMoved)]
    assert (finished, moves) != (finished_calm, moves_calm)


def test_a_broken_dependency_blocks_the_card_until_it_is_repaired() -> None:
    assert tags(hit_by("dependency_breaks"), "BLOCKED") == [True, False]


def test_an_incident_puts_an_expedited_hotfix_on_the_board_that_is_finished_first() -> None:
    world = hit_by("production_incident")

    hotfix = next(event for event in world.events(StoryPlanned) if event.story_kind == "hotfix")
    assert (hotfix.story_id, hotfix.points, hotfix.column) == ("I-01-HOTFIX", 3, "ready")
    later = [
        event.story_id
        for event in world.events(CardMoved)
        if event.to_column == "in_progress" and event.from_column == "ready" and event.at_us > NOON
    ]
    assert later[0] == "I-01-HOTFIX"
    assert tags(world, "HOTFIX")[0] is True


def test_a_flaky_test_costs_quality_assurance_a_second_run() -> None:
    world = hit_by("flaky_test", sprints=3)
    assert tags(world, "FLAKY") == [True, False]


def test_small_scope_creep_adds_a_task_and_a_criterion_to_a_story_in_progress() -> None:
    world = hit_by("scope_creep", severity=1)

    added = next(event for event in world.events(TaskAdded) if event.reason == "scope_creep")
    assert added.criterion
    assert added.story_id == world.events(DisturbanceStruck)[0].story_id


def test_large_scope_creep_is_a_card_of_two_points() -> None:
    world = hit_by("scope_creep", severity=3)
    card = next(event for event in world.events(StoryPlanned) if event.story_kind == "scope")
    assert card.points == 2


def test_a_misunderstanding_hits_a_junior_and_costs_minutes() -> None:
    struck = hit_by("junior_misunderstanding").events(DisturbanceStruck)[0]
    assert any("junior" in agent for agent in struck.blast_agents)
    assert struck.cost_minutes > 0


def test_architectural_debt_is_gone_when_its_refactoring_is_finished() -> None:
    world = hit_by("architectural_debt_surfaces", sprints=4)

    added = next(event for event in world.events(TaskAdded) if event.reason == "architectural_debt_surfaces")
    assert added.task.title.startswith("Refactor ")
    done = next(event for event in world.events(TaskFinished) if event.task_id == added.task.task_id)
    assert done.story_id == added.story_id
    assert tags(world, "TECH DEBT") == [True, False]


def test_a_merge_conflict_hits_two_stories() -> None:
    world = hit_by("merge_conflict", sprints=3)
    assert len(world.events(DisturbanceStruck)[0].blast_stories) == 2
    assert sorted(tags(world, "CONFLICT")) == [False, False, True, True]


def test_leaving_one_disturbance_out_changes_no_other_before_it_would_have_struck() -> None:
    everything = "{" + ", ".join(f"{kind}: 1.0" for kind in get_args(DisturbanceKind)) + "}"
    worlds = {}
    for suppress in ("[]", "[D-01-03]"):
        worlds[suppress] = world_of(
            config_with(f"disturbances.frequencies={everything}", f"disturbances.suppress={suppress}"), sprints=1
        )
        worlds[suppress].run_until_quiet()
    full, without = (
        {event.disturbance_id: event.type for event in world.events(DisturbanceStruck)} for world in worlds.values()
    )
    assert set(full) - set(without) == {"D-01-03"}
    assert all(full[disturbance_id] == kind for disturbance_id, kind in without.items())


def test_beyond_the_cap_on_harm_disturbances_strike_as_minor_ones_and_say_so() -> None:
    everything = "{" + ", ".join(f"{kind}: 1.0" for kind in get_args(DisturbanceKind)) + "}"
    world = world_of(
        config_with(
            f"disturbances.frequencies={everything}",
            "disturbances.blast_radius_controls.max_velocity_impact=0.1",
        ),
        sprints=2,
    )
    world.run_until_quiet()

    softened = {event.disturbance_id for event in world.events(DisturbanceSoftened)}
    assert softened
    struck = {event.disturbance_id: event.severity for event in world.events(DisturbanceStruck)}
    assert all(struck[disturbance_id] == 1 for disturbance_id in softened if disturbance_id in struck)


def test_switched_off_nothing_strikes() -> None:
    world = world_of(config_with(CALM), sprints=2)
    world.run_until_quiet()
    assert world.events(DisturbanceStruck) == []


def test_a_crash_of_the_generator_loses_no_planned_disturbance() -> None:
    everything = "{" + ", ".join(f"{kind}: 1.0" for kind in get_args(DisturbanceKind)) + "}"
    struck = []
    for crash in (False, True):
        world = world_of(config_with(f"disturbances.frequencies={everything}"), sprints=1)
        if crash:
            world.tell("disturber/team-1", CrashActor(reason="chaos"), at=13 * HOUR + 60_000_000)
        world.run_until_quiet()
        struck.append({event.disturbance_id for event in world.events(DisturbanceStruck)})
    assert struck[0] == struck[1]


REFINEMENT = 9 * HOUR + HOUR // 2  # of the first day: nothing is in progress yet


@pytest.mark.parametrize("crashes", [False, True])
def test_injected_before_development_it_waits_for_work_to_strike(crashes: bool) -> None:
    world = world_of(config_with(CALM), sprints=1)
    injected = InjectDisturbance(type="dependency_breaks", severity=2, story_id=None)
    world.tell("disturber/team-1", injected, at=REFINEMENT)
    if crashes:
        world.tell("disturber/team-1", CrashActor(reason="chaos"), at=REFINEMENT + HOUR // 30)
    world.run_until_quiet()

    (struck,) = world.events(DisturbanceStruck)
    assert struck.disturbance_id == "I-01"
    first_start = next(event for event in world.events(CardMoved) if event.to_column == "in_progress")
    assert first_start.at_us > REFINEMENT
    assert world.published.index(first_start) < world.published.index(struck)
    assert world.events(DisturbanceExpired) == []
    dead = [event.message_kind for event in world.events(DeadLettered)]
    assert dead == (["chaos.crash/1"] if crashes else [])


def test_what_finds_nothing_to_strike_until_its_sprint_is_over_expires_once() -> None:
    world = world_of(config_with(CALM), sprints=2)
    nowhere = InjectDisturbance(type="dependency_breaks", severity=2, story_id="no such story")
    world.tell("disturber/team-1", nowhere, at=REFINEMENT)
    world.run_until_quiet()

    assert [
        (event.team, event.sprint, event.disturbance_id, event.type, event.injected)
        for event in world.events(DisturbanceExpired)
    ] == [("team-1", 1, "I-01", "dependency_breaks", True)]
    assert world.events(DisturbanceStruck) == world.events(DeadLettered) == []


def test_a_timer_of_a_disturbance_that_is_over_changes_nothing() -> None:
    world = world_of(config_with(CALM), sprints=1)
    world.tell("disturber/team-1", Strike(disturbance_id="D-01-01"), at=NOON)
    world.run_until_quiet()
    assert world.events(DisturbanceStruck) == world.events(DeadLettered) == []
