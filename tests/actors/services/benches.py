"""A workshop in which code is written, with the real merge queue, real git and a real sandbox behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from actors.policy.calibration import Calibration, shipped_calibration
from actors.scrum.code_messages import CodeCommitted
from actors.scrum.code_messages import TestsRan as SuiteRan
from actors.scrum.messages import PlannedTask
from actors.scrum.stories import Story
from actors.services.code_workshop import CodeWorkshop
from actors.services.executed_work import ExecutedWork
from actors.services.merge_desk import Gates, MergeDesk, MergeState
from actors.services.merge_messages import LandChange
from actors.services.work_ledger import WorkLedger
from actors.services.work_messages import (
    Clarified,
    FinishQuarter,
    InspectWork,
    RegisterPlan,
    RegisterStory,
    RunChecks,
    WorkQuarter,
)
from actors.simulation.build import build_registry
from actors.simulation.portfolio import story_of
from actors.work.effort import Pair, Worker
from actors.work.engine import WorkEngine
from actors.work.katas import backlog as katas
from actors.work.katas.exercise import Exercise, exercise
from actors.work.product import ProductCode
from actors.work.sandbox.sandbox import Sandbox
from brokers.node.actor import Actor
from tests.actors.services.teams import TEAM, executing_team
from tests.support.repositories import Product, pytest_in
from tests.support.world import VirtualWorld

EXPERT = Worker(seniority="senior", knowledge_permille=1000, fit="primary")
NOVICE = Worker(seniority="junior", knowledge_permille=0, fit="none")
FAST = Pair(driver=EXPERT, navigator=EXPERT, familiarity_permille=1000)
SLOW = Pair(driver=NOVICE, navigator=None, familiarity_permille=0)
LINKS, ROWS = exercise("page_links", 1), exercise("table_sort", 1)  # two modules of the same domain
TEAMS = executing_team()


def is_green(bench: Bench) -> bool:
    """Whether the tests on main pass where somebody checks it out."""
    place = bench.product.folder.parent / "checkout"
    return pytest_in(bench.product.clone(place)).returncode == 0


class Lent:
    """A sandbox that somebody else opens and closes."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.judge, self.run_tests = sandbox.judge, sandbox.run_tests

    def __enter__(self) -> Lent:
        return self

    def __exit__(self, *_: object) -> None: ...


class Listener(Actor):
    """Hears what a workshop tells others."""

    def __init__(self, heard: list[Any]) -> None:
        super().__init__()
        self._heard = heard

    def on_receive(self, message: Any) -> None:
        self._heard.append(message)


@dataclass
class Bench:
    """A workshop, its merge queue and its repository."""

    world: VirtualWorld
    work: ExecutedWork
    product: Product
    heard: list[Any] = field(default_factory=list)

    def ask(self, message: Any) -> Any:
        return self.world.ask(TEAMS.workshop, message)

    def begin(self, story: Story) -> None:
        """The story is known and planned: one task."""
        task = PlannedTask(
            task_id=f"T-{story.story_id}", title="Do it", estimated_minutes=240, depends_on=(), specialization=""
        )
        self.ask(RegisterStory(story=story))
        self.ask(RegisterPlan(story_id=story.story_id, tasks=(task,), sized=(240,)))

    def quarter(self, story_id: str, pair: Pair = FAST) -> None:
        self.ask(WorkQuarter(story_id=story_id, pair=pair))
        self.ask(inspection(story_id, pair))
        self.ask(FinishQuarter(story_id=story_id, by="ada", revision_minutes=0, owed_minutes=0))

    def develop(self, story: Story, pair: Pair = FAST) -> None:
        """All quarters of a story, to the end of what is planned."""
        self.begin(story)
        self.finish(story.story_id, pair)

    def finish(self, story_id: str, pair: Pair = FAST) -> None:
        while self.work.ledger.work_on(story_id).current is not None:
            self.quarter(story_id, pair)

    def check(self, story_id: str) -> Any:
        return self.ask(RunChecks(story_id=story_id, tester=EXPERT))

    def land(self, story_id: str) -> str:
        """Hand the branch to the merge queue; why it did not land, or nothing."""
        return str(self.world.ask(TEAMS.merge_queue, LandChange(story_id=story_id)).reason)

    def deliver(self, story: Story, pair: Pair = FAST) -> None:
        self.develop(story, pair)
        self.check(story.story_id)
        assert self.land(story.story_id) == ""

    def commits(self, story_id: str) -> list[CodeCommitted]:
        return [event for event in self.world.events(CodeCommitted) if event.story_id == story_id]

    def phases(self, story_id: str) -> list[tuple[str, bool]]:
        """Runs of the story's visible tests, and whether each was green."""
        return [(one.phase, not one.failing) for one in self.world.events(SuiteRan) if one.story_id == story_id]


def inspection(story_id: str, pair: Pair = FAST) -> InspectWork:
    return InspectWork(story_id=story_id, session_id="P-1", navigator="bob", decision="agent/ada:7", pair=pair, care=0)


def story(one: Exercise, story_id: str) -> Story:
    return replace(story_of(katas.story_of(one, number=1, depends_on=(), clarity="exact")), story_id=story_id)


def bench_of(
    place: Path,
    sandboxes: tuple[Any, Any],
    *,
    seed: int = 1,
    calibration: Calibration | None = None,
    outside: Callable[[WorkEngine], Any] = lambda engine: engine,
) -> Bench:
    """A workshop with nothing in it. `outside`: what stands before the engine that carries everything out."""
    folder, numbers = place / "workspace", calibration or shipped_calibration()
    engine = WorkEngine({TEAM: folder}, *sandboxes)
    engine.start()
    work = ExecutedWork(WorkLedger(team=TEAM), ProductCode(team=TEAM), calibration=numbers, seed=seed)
    gates = Gates(min_line_percent=0, min_branch_percent=0, max_complexity=100)
    bench = Bench(VirtualWorld(registry=build_registry(), engine=outside(engine), seed=seed), work, Product(folder))
    bench.world.start(TEAMS.workshop, partial(CodeWorkshop, work, TEAMS, start_s=1_767_571_200))
    bench.world.start(TEAMS.merge_queue, partial(MergeDesk, MergeState(), TEAMS, gates=gates, start_s=1_767_571_200))
    for address in (TEAMS.disturber, TEAMS.product_owner):
        bench.world.start(address, partial(Listener, bench.heard))
    bench.world.run_until_quiet()
    return bench


def understood(bench: Bench, one: Exercise, story_id: str) -> Any:
    """Deliver a story about which everything was asked; what the checks found."""
    wanted = story(one, story_id)
    bench.begin(wanted)
    for point in wanted.clarifications:
        bench.ask(Clarified(story_id=story_id, criterion=point.criterion, topic=point.topic))
    bench.finish(story_id)
    checks = bench.check(story_id)
    assert bench.land(story_id) == ""
    return checks
