"""The ground truth of modelled work, scene by scene."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from actors.policy.calibration import shipped_calibration
from actors.scrum.messages import DisturbanceKind, PlannedTask
from actors.scrum.stories import Clarification, ExerciseRef, Story
from actors.services.disturbance_effects import apply_effect, interrupt, respond
from actors.services.modelled_work import ModelledWork
from actors.services.work_ledger import NothingOpenError, UnknownWorkError, WorkLedger
from actors.services.work_messages import DisturbanceEffect, Interrupt, Respond
from actors.work.effort import Pair, Worker

NOVICE = Worker(seniority="junior", knowledge_permille=0, fit="none")
EXPERT = Worker(seniority="senior", knowledge_permille=1000, fit="primary")
SLOW = Pair(driver=NOVICE, navigator=None, familiarity_permille=0)
FAST = Pair(driver=EXPERT, navigator=EXPERT, familiarity_permille=1000)
STORY = Story(
    story_id="S-1",
    title="Export tasks",
    description="",
    criteria=("exports as CSV", "names the columns"),
    sized_points=3,
    priority=1,
    module="reports",
    specialization="backend",
    clarifications=tuple(
        Clarification(criterion=n, topic="format", question="?", assumption="comma", answer="semicolon", changes=True)
        for n in (1, 2)
    ),
)


def is_over(work: ModelledWork, disturbance_id: str) -> bool:
    story = work.ledger.work_on("S-1")
    paying = [*story.debts, *story.setbacks, *(one for one in story.tasks if one.is_open)]
    return not any(one.disturbance_id == disturbance_id for one in paying)


def task(number: int) -> PlannedTask:
    return PlannedTask(
        task_id=f"T-1-{number:03d}", title=f"Task {number}", estimated_minutes=300, depends_on=(), specialization=""
    )


def workshop(seed: int = 1) -> ModelledWork:
    work = ModelledWork(WorkLedger(team="red"), calibration=shipped_calibration(), seed=seed)
    work.register(STORY)
    work.plan("S-1", (task(1), task(2)), (300, 300))
    return work


def work_off(work: ModelledWork, pair: Pair) -> int:
    """Work a story to its end. Returns the minutes it took."""
    minutes = 0
    while (planned := work.next_quarter("S-1", pair)).task_id:
        minutes += planned.minutes
        if planned.percent == 0:
            work.ledger.work_on("S-1").settle(planned.minutes)
            continue
        work.inspect("S-1", pair)
        work.finish_quarter("S-1", 0)
        minutes += (owed := work.ledger.work_on("S-1").owed_minutes)
        work.ledger.work_on("S-1").settle(owed)
    return minutes


def effect(kind: str, *, severity: int = 2, minutes: int = 120) -> DisturbanceEffect:
    return DisturbanceEffect(
        disturbance_id="D-01-01",
        type=kind,  # type: ignore[arg-type]
        story_id="S-1",
        severity=severity,
        minutes=minutes,
        sprint=1,
        text="one more wish",
    )


@pytest.mark.parametrize("kind", get_args(DisturbanceKind))
def test_a_disturbance_that_is_told_twice_costs_once(kind: str) -> None:
    told_once, told_twice = workshop(), workshop()
    for work in (told_once, told_twice):
        work.next_quarter("S-1", FAST)
        work.finish_quarter("S-1", 0)
        minutes, _ = apply_effect(work, effect(kind))
    again, task_again = apply_effect(told_twice, effect(kind))

    assert (again, task_again) == (minutes, None)
    assert work_off(told_twice, FAST) == work_off(told_once, FAST)


def test_scope_can_creep_into_a_story_of_katas_where_work_is_modelled() -> None:
    work = ModelledWork(WorkLedger(team="red"), calibration=shipped_calibration(), seed=1)
    work.register(replace(STORY, exercise=ExerciseRef(family="router", number=1, criteria=(1, 2))))
    work.plan("S-1", (task(1), task(2)), (300, 300))
    apply_effect(work, effect("scope_creep"))

    assert work.ledger.work_on("S-1").story.criteria == (*STORY.criteria, "one more wish")


def test_what_a_task_really_takes_follows_from_its_size_and_not_from_the_plan() -> None:
    careful = ModelledWork(WorkLedger(team="red"), calibration=shipped_calibration(), seed=1)
    careful.register(STORY)
    doubled = tuple(replace(one, estimated_minutes=2 * one.estimated_minutes) for one in (task(1), task(2)))
    careful.plan("S-1", doubled, (300, 300))

    assert work_off(careful, SLOW) == work_off(workshop(), SLOW)
    assert careful.ledger.work_on("S-1").tasks[0].task.estimated_minutes == 600


def test_a_driver_who_keeps_remarks_in_mind_leaves_fewer_defects() -> None:
    def defects(care: int) -> int:
        made = 0
        for seed in range(150):
            work = workshop(seed)
            work.next_quarter("S-1", SLOW)
            work.inspect("S-1", SLOW, care=care)
            made += work.ledger.work_on("S-1").defects_made
        return made

    assert 0 < defects(3) < defects(0)


def test_a_story_is_eight_quarters_and_then_nothing_is_left() -> None:
    work = workshop()
    percents = []
    while (planned := work.next_quarter("S-1", FAST)).task_id:
        percents.append((planned.task_id, planned.percent))
        work.finish_quarter("S-1", 0)
    assert percents == [(f"T-1-00{n}", percent) for n in (1, 2) for percent in (25, 50, 75, 100)]


def test_who_knows_the_module_is_faster() -> None:
    assert work_off(workshop(), FAST) < work_off(workshop(), SLOW)


def test_a_paused_quarter_goes_on_with_what_was_left() -> None:
    work = workshop()
    planned = work.next_quarter("S-1", SLOW)
    work.pause("S-1", 7)

    assert work.next_quarter("S-1", FAST).minutes == 7
    news, _ = work.finish_quarter("S-1", 0)
    assert news.spent_minutes == planned.minutes


def test_nobody_asked_so_some_of_it_is_built_as_assumed_and_shows_in_the_demonstration() -> None:
    shown = []
    for seed in range(20):
        work = workshop(seed)
        work_off(work, SLOW)
        shown += [one.text for one in work.deviations("S-1") if "semicolon" in one.text]
    assert shown


def test_what_was_asked_is_built_as_wanted() -> None:
    for seed in range(20):
        work = workshop(seed)
        work.clarify("S-1", 1, "format")
        work.clarify("S-1", 2, "format")
        work_off(work, SLOW)
        assert not [one for one in work.deviations("S-1") if "semicolon" in one.text]


def test_an_answer_that_comes_too_late_costs_a_repair() -> None:
    seed = next(n for n in range(50) if _wrong_after(n))
    work = workshop(seed)
    work_off(work, SLOW)
    criterion, topic = next(iter(work.ledger.work_on("S-1").wrong))

    work.clarify("S-1", criterion, topic)

    assert work.ledger.work_on("S-1").owed_minutes > 0
    assert (criterion, topic) not in work.ledger.work_on("S-1").wrong


def _wrong_after(seed: int) -> bool:
    work = workshop(seed)
    work_off(work, SLOW)
    return bool(work.ledger.work_on("S-1").wrong)


def test_repairing_what_the_checks_found_makes_the_next_checks_green() -> None:
    seed = next(n for n in range(200) if _failing(workshop(n)))
    work = workshop(seed)
    assert _failing(work)

    work.repair("S-1", sprint=1, reason="qa", criteria=())
    while (planned := work.next_quarter("S-1", FAST)).task_id:
        work.finish_quarter("S-1", 0)
        assert planned.percent == 100

    assert work.run_checks("S-1", EXPERT)[0].failing == 0 or len(work.ledger.work_on("S-1").defects) > 0
    assert not [one for one in work.ledger.work_on("S-1").defects if one.number in _repaired(work)]


def _failing(work: ModelledWork) -> bool:
    work_off(work, SLOW)
    return work.run_checks("S-1", EXPERT)[0].failing > 0


def _repaired(work: ModelledWork) -> tuple[int, ...]:
    return work.ledger.work_on("S-1").tasks[-1].repairs


def test_rejected_criteria_are_met_after_their_repair() -> None:
    seed = next(n for n in range(50) if _wrong_after(n))
    work = workshop(seed)
    work_off(work, SLOW)

    work.repair("S-1", sprint=1, reason="review", criteria=(1, 2))
    work.next_quarter("S-1", FAST)
    work.finish_quarter("S-1", 0)

    assert work.deviations("S-1") == ()


@pytest.mark.parametrize("kind", ["dependency_breaks", "merge_conflict", "production_incident"])
def test_an_interruption_adds_exactly_its_minutes(kind: str) -> None:
    undisturbed = work_off(workshop(), FAST)
    work = workshop()
    apply_effect(work, effect(kind))

    assert work_off(work, FAST) == undisturbed + 120
    assert is_over(work, "D-01-01")


def test_a_deferred_interruption_is_paid_before_the_story_is_handed_over() -> None:
    work = workshop()
    apply_effect(work, effect("merge_conflict"))
    answer = Respond(disturbance_id="D-01-01", story_id="S-1", response="defer", minutes=150)
    respond(work, answer)

    assert work.ledger.work_on("S-1").owed_minutes == 0
    work_off(work, FAST)
    assert is_over(work, "D-01-01")


def test_a_misunderstanding_takes_back_quarters_that_were_done() -> None:
    work = workshop()
    for _ in range(3):
        work.next_quarter("S-1", FAST)
        work.finish_quarter("S-1", 0)

    minutes, _ = apply_effect(work, effect("junior_misunderstanding", severity=4))

    assert work.next_quarter("S-1", FAST).percent == 50
    assert minutes > 0
    assert not is_over(work, "D-01-01")


def test_architectural_debt_slows_its_module_until_the_refactoring_is_done() -> None:
    work = workshop()
    story = work.ledger.work_on("S-1")
    healthy = work.pace(story, FAST)
    apply_effect(work, effect("architectural_debt_surfaces", severity=3))
    assert work.pace(story, FAST) < healthy

    assert work.next_quarter("S-1", FAST).title == "Refactor reports"
    work.finish_quarter("S-1", 0)

    assert work.pace(story, FAST) == healthy


def test_a_finished_story_cannot_be_disturbed() -> None:
    work = workshop()
    work_off(work, FAST)
    with pytest.raises(NothingOpenError):
        apply_effect(work, effect("merge_conflict"))
    with pytest.raises(UnknownWorkError):
        apply_effect(work, replace(effect("merge_conflict"), story_id="S-9"))


def test_the_same_work_in_the_same_world_takes_the_same_minutes() -> None:
    assert work_off(workshop(7), SLOW) == work_off(workshop(7), SLOW)
    assert {work_off(workshop(seed), SLOW) for seed in range(5)} != {work_off(workshop(1), SLOW)}


def test_who_is_called_away_owes_exactly_those_minutes_and_nothing_once_done() -> None:
    work = workshop()
    call = Interrupt(disturbance_id="D-01-01", hazard="production_incident", story_id="S-1", minutes=40)
    interrupt(work, call)
    assert work.ledger.work_on("S-1").owed_minutes == 40

    work_off(work, FAST)
    with pytest.raises(NothingOpenError):
        interrupt(work, call)
