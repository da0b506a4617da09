"""The workshop in which code is written, with the real merge queue, real git and a real sandbox behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from actors.scrum.code_messages import (
    AcceptanceMeasured,
    CodeMeasured,
    DefectEscaped,
    FlawFound,
    FlawMade,
    MergeReturned,
    StoryLanded,
)
from actors.scrum.stories import ExerciseRef, Story
from actors.services.disturbance_messages import CrashActor
from actors.services.incident_messages import NOTHING_BREAKS, DefectReported, IncidentStaged, StageIncident
from actors.services.merge_messages import LandChange, MeasureMain
from actors.services.work_messages import (
    AddRework,
    Demonstrate,
    DisturbanceEffect,
    FinishQuarter,
    SettleDebt,
    WorkedOff,
    WorkQuarter,
)
from actors.work.katas.exercise import exercise
from actors.work.product import index_path
from actors.work.troubles import CHANGES_PATH, copy_path
from brokers.node.errors import RefusedError
from brokers.node.messages import DeadLettered
from tests.actors.services.benches import (
    FAST,
    LINKS,
    ROWS,
    SLOW,
    TEAMS,
    Bench,
    bench_of,
    inspection,
    is_green,
    story,
    understood,
)
from tests.support.world import MILLISECOND, minutes

# -- from the first test to main --------------------------------------------------------------------------------------


def test_tests_come_first_and_are_red_then_the_code_makes_them_green(bench: Bench) -> None:
    bench.develop(story(LINKS, "S-1"))
    first, second = bench.commits("S-1")[:2]

    assert bench.phases("S-1")[:2] == [("red", False), ("green", True)]
    assert first.files == (LINKS.test_path,)
    assert LINKS.path in second.files
    assert not bench.product.has(first.commit, LINKS.path)
    assert bench.phases("S-1")[-1] == ("green", True)


def test_commits_say_who_with_whom_in_which_session_and_by_which_decision(bench: Bench) -> None:
    bench.develop(story(LINKS, "S-1"))
    (made, *_) = bench.commits("S-1")
    body = bench.product.git("log", "-1", "--format=%B", made.commit)

    assert body.splitlines()[2:] == [
        "Paired-with: bob",
        "Session: P-1",
        "Decision: agent/ada:7",
        "Story: S-1",
        "",
    ]


def test_who_understood_everything_delivers_what_hidden_tests_want(bench: Bench) -> None:
    checks = understood(bench, LINKS, "S-1")
    assert (checks.failing, checks.flaky) == (0, 0)
    shown = bench.ask(Demonstrate(story_id="S-1"))
    (measured,) = bench.world.events(AcceptanceMeasured)

    assert shown.deviations == ()
    assert measured.failed == (0,) * len(LINKS.criteria)
    assert min(measured.cases) > 0
    assert measured.commit == bench.product.branches()["refs/heads/main"]
    assert is_green(bench)


def test_what_nobody_asked_about_passes_the_teams_own_tests_and_deviates_in_the_review(
    tmp_path: Path, sandboxes: tuple[Any, Any]
) -> None:
    bench = next(
        made
        for made in (bench_of(tmp_path / str(seed), sandboxes, seed=seed) for seed in range(9))
        if wrongly_assumed(made)
    )
    wrong = dict(bench.work.ledger.work_on("S-1").wrong)
    assert bench.check("S-1").failing == 0, "the tester believes the same"
    assert bench.land("S-1") == ""
    shown = bench.ask(Demonstrate(story_id="S-1"))

    assert {one.criterion for one in shown.deviations} == {criterion for criterion, _ in wrong}
    assert all("built as" in one.text for one in shown.deviations)
    (measured,) = bench.world.events(AcceptanceMeasured)
    assert {n for n, failed in enumerate(measured.failed, 1) if failed} == {criterion for criterion, _ in wrong}


def wrongly_assumed(bench: Bench) -> bool:
    bench.develop(story(LINKS, "S-1"), SLOW)
    return bool(bench.work.ledger.work_on("S-1").wrong)


def test_a_mistake_is_published_when_it_is_made_and_again_when_somebody_finds_it(
    tmp_path: Path, sandboxes: tuple[Any, Any]
) -> None:
    count = 0
    for seed in range(1, 4):
        bench = bench_of(tmp_path / str(seed), sandboxes, seed=seed)
        bench.develop(story(LINKS, "S-1"), SLOW)
        while bench.check("S-1").failing:
            bench.ask(AddRework(story_id="S-1", sprint=1, reason="qa", criteria=()))
            bench.finish("S-1", SLOW)
        assert bench.land("S-1") == ""
        made = {event.number for event in bench.world.events(FlawMade)}
        found = {event.number for event in bench.world.events(FlawFound)}
        left = {flaw.number for flaw in bench.work.product.landed[LINKS.family, LINKS.number].flaws}
        assert made == left | found
        assert not left & found
        count += len(found)
        assert is_green(bench)

    assert count


# -- several stories --------------------------------------------------------------------------------------------------


def test_a_later_module_of_the_domain_is_added_to_the_list_and_takes_nothing_away(bench: Bench) -> None:
    bench.deliver(story(LINKS, "S-1"))
    bench.deliver(story(ROWS, "S-2"))
    index = index_path(LINKS.kata.domain)

    for one in bench.product.commits("main"):
        if one.name != bench.product.commits("main")[0].name and index in one.files:
            removed = bench.product.git("show", "--format=", "--unified=0", one.name, "--", index)
            assert '\n-    "' not in removed
        assert "D" not in one.files.values()
    assert f'"{LINKS.name}"' in bench.product.file("main", index)
    assert f'"{ROWS.name}"' in bench.product.file("main", index)


def test_a_story_that_finds_nothing_to_change_is_tested_and_lands_all_the_same(bench: Bench) -> None:
    understood(bench, LINKS, "S-1")
    before = bench.product.git("rev-parse", "main^{tree}")
    bug = replace(
        story(LINKS, "S-1-B1"),
        criteria=("It works",),
        clarifications=(),
        exercise=ExerciseRef(family=LINKS.family, number=LINKS.number, criteria=(1,)),
    )
    bench.deliver(bug)

    assert bench.product.git("rev-parse", "main^{tree}") == before
    assert bench.world.events(StoryLanded)[-1].story_id == "S-1-B1"
    assert bench.world.events(DeadLettered) == []


def test_two_who_announce_something_conflict_and_the_second_lands_when_main_is_taken_in(bench: Bench) -> None:
    for one, story_id in ((LINKS, "S-1"), (exercise("conditional", 1), "S-2")):
        bench.begin(story(one, story_id))
        bench.ask(hit("merge_conflict", story_id))
        bench.finish(story_id)
        bench.check(story_id)
    assert bench.land("S-1") == ""
    main = bench.product.branches()["refs/heads/main"]
    head = bench.commits("S-2")[-1].commit
    # what is nobody's story has one outcome for good, so the queue is asked under a name of its own
    bench.world.ask(TEAMS.merge_queue, LandChange(story_id="S-2"))
    (returned,) = bench.world.events(MergeReturned)

    assert (returned.story_id, returned.reason, returned.details) == ("S-2", "conflict", (CHANGES_PATH,))
    assert bench.product.conflicts(main, head)
    bench.ask(AddRework(story_id="S-2", sprint=1, reason="conflict", criteria=()))
    bench.finish("S-2")
    merged = bench.commits("S-2")[-1].commit
    parents = [one.commit for one in bench.commits("S-2")]
    assert not bench.product.conflicts(main, merged)
    assert any(len(bench.product.git("log", "-1", "--format=%P", one).split()) == 2 for one in parents)
    assert bench.product.file(merged, CHANGES_PATH).count("\n- ") == 2


# -- at the same time, and after a crash ------------------------------------------------------------------------------


def test_who_comes_while_the_workshop_is_at_a_story_hears_that_it_is_busy(bench: Bench) -> None:
    bench.begin(story(LINKS, "S-1"))
    bench.quarter("S-1")
    bench.ask(WorkQuarter(story_id="S-1", pair=FAST))
    at = bench.world.now_us + minutes(1)
    bench.world.tell(TEAMS.workshop, inspection("S-1"), at=at)

    with pytest.raises(RefusedError) as refused:
        bench.world.ask(TEAMS.workshop, inspection("S-1"), at=at + 100 * MILLISECOND)
    assert refused.value.error == "BusyError"
    assert bench.ask(inspection("S-1")).suspicious_spots >= 0, "later it is free again"


@pytest.mark.parametrize("after_ms", [60, 150, 260, 500, 5_000, 20_400, 25_000])
def test_a_crash_at_any_moment_of_a_quarter_leaves_a_branch_that_goes_on_and_lands(bench: Bench, after_ms: int) -> None:
    bench.begin(story(LINKS, "S-1"))
    for _ in range(2):
        bench.quarter("S-1")
    bench.ask(WorkQuarter(story_id="S-1", pair=FAST))
    at = bench.world.now_us + minutes(1)
    bench.world.tell(TEAMS.workshop, inspection("S-1"), at=at)
    bench.world.tell(TEAMS.workshop, CrashActor(reason="a test"), at=at + after_ms * MILLISECOND)
    bench.world.run_until_quiet()
    bench.ask(inspection("S-1"))
    bench.ask(FinishQuarter(story_id="S-1", by="ada", revision_minutes=0, owed_minutes=0))
    bench.finish("S-1")
    bench.check("S-1")

    assert bench.land("S-1") == ""
    heads = [event.commit for event in bench.commits("S-1")]
    assert len(heads) == len(set(heads))
    assert bench.product.git("fsck", "--full", "--strict", "--no-dangling") == ""
    assert bench.product.git("show", f"main:{LINKS.path}") == bench.work.product.landed[LINKS.family, 1].source()


# -- disturbances -----------------------------------------------------------------------------------------------------


def hit(kind: str, story_id: str, name: str = "D-01-01") -> DisturbanceEffect:
    return DisturbanceEffect(
        disturbance_id=name,
        type=kind,  # type: ignore[arg-type]
        story_id=story_id,
        severity=1,
        minutes=30,
        sprint=1,
        text="",
    )


def test_debt_is_a_copy_on_main_until_it_is_worked_off(bench: Bench) -> None:
    bench.deliver(story(LINKS, "S-1"))
    bench.begin(story(ROWS, "S-2"))
    bench.ask(hit("architectural_debt_surfaces", "S-2"))
    copy = copy_path(LINKS)
    assert bench.product.file("main", copy) == bench.product.file("main", LINKS.path)

    bench.finish("S-2")
    assert any(isinstance(one, WorkedOff) and one.disturbance_id == "D-01-01" for one in bench.heard)
    assert not bench.product.has("main", copy)
    assert bench.product.has("main", LINKS.path)


def test_what_is_broken_by_a_dependency_is_red_until_it_is_adapted(bench: Bench) -> None:
    bench.begin(story(LINKS, "S-1"))
    bench.quarter("S-1")
    bench.quarter("S-1")
    bench.ask(hit("dependency_breaks", "S-1"))
    bench.quarter("S-1")
    assert bench.phases("S-1")[-1] == ("green", False)

    bench.ask(SettleDebt(story_id="S-1", minutes=30, by="ada"))
    bench.finish("S-1")
    assert bench.check("S-1").failing == 0
    assert bench.land("S-1") == ""
    assert is_green(bench)


def test_an_incident_is_staged_on_main_only_and_only_once(bench: Bench) -> None:
    assert bench.ask(StageIncident(disturbance_id="D-01-02", sprint=1)) == NOTHING_BREAKS
    for n, one in enumerate((LINKS, ROWS), 1):
        bench.deliver(story(one, f"S-{n}"))
    staged = first_staged(bench.ask(StageIncident(disturbance_id=f"D-02-0{n}", sprint=1)) for n in range(1, 5))
    (escaped,) = bench.world.events(DefectEscaped)
    (brought,) = bench.commits(staged.story_id)

    assert (escaped.story_id, escaped.criterion) == (staged.story_id, staged.criterion)
    assert brought.author == "platform"
    parents = bench.product.git("log", "-1", "--format=%P", escaped.culprit).split()
    assert brought.commit in parents
    failing = bench.product.canaries(escaped.culprit, staged.family, staged.number)
    assert failing[staged.criterion] == escaped.cases > 0
    assert sum(bench.product.canaries(parents[0], staged.family, staged.number).values()) == 0
    assert is_green(bench), "no visible test notices"
    before = len(bench.world.published)
    disturbance = staged.story_id.removesuffix("-CHANGE")
    again = bench.ask(StageIncident(disturbance_id=disturbance, sprint=1))
    assert (again.family, again.number) == (staged.family, staged.number)
    assert bench.commits(staged.story_id) == [brought]
    assert len(bench.world.events(StoryLanded)) == 3, bench.world.published[before:]


def first_staged(found: Iterator[IncidentStaged]) -> IncidentStaged:
    return next(one for one in found if one.family)


def test_a_hotfix_repairs_what_broke_and_tests_it_from_then_on(bench: Bench) -> None:
    for n, one in enumerate((LINKS, ROWS), 1):
        bench.deliver(story(one, f"S-{n}"))
    staged = first_staged(bench.ask(StageIncident(disturbance_id=f"D-02-0{n}", sprint=1)) for n in range(1, 5))
    one = exercise(staged.family, staged.number)
    culprit = bench.product.branches()["refs/heads/main"]
    criteria = (staged.criterion, staged.criterion)
    hotfix = Story(
        story_id="D-02-HOTFIX",
        title="Hotfix",
        description="",
        criteria=("it works again", "a test fails if it breaks again"),
        sized_points=3,
        priority=1,
        module=one.kata.domain,
        specialization="",
        kind="hotfix",
        exercise=ExerciseRef(family=one.family, number=one.number, criteria=criteria),
    )
    bench.deliver(hotfix)

    assert ("red", False) in bench.phases("D-02-HOTFIX")
    assert "what_broke" in bench.product.file("main", one.test_path)
    assert "what_broke" not in bench.product.file(culprit, one.test_path)
    assert sum(bench.product.canaries("main", one.family, one.number).values()) == 0
    assert bench.work.product.landed[one.family, one.number].flaws == ()


# -- measuring --------------------------------------------------------------------------------------------------------


def test_what_was_accepted_and_breaks_is_reported_once_to_the_product_owner_and_what_was_not_is_not(
    bench: Bench,
) -> None:
    understood(bench, LINKS, "S-1")
    bench.ask(Demonstrate(story_id="S-1"))
    bench.ask(MeasureMain(sprint=1))
    (measured,) = bench.world.events(CodeMeasured)

    assert (measured.failing, measured.canaries_failing) == (0, 0)
    assert measured.canaries > 0
    assert measured.lines_hit > 0
    assert not [one for one in bench.heard if isinstance(one, DefectReported)]
