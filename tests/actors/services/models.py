"""Models that write code by a script, the machine that carries out what they want, and one story from start to end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from actors.policy import decisions
from actors.policy.decisions import Decide, Decided, ToolChoice, WriteCode
from actors.roles.judging import BEHAVIOURAL
from actors.scrum.messages import PlannedTask
from actors.scrum.stories import Clarification, ExerciseRef, Story
from actors.services.asking import insist
from actors.services.code_workshop import CodeWorkshop
from actors.services.executed_work import ExecutedWork
from actors.services.merge_desk import Gates, MergeDesk, MergeState
from actors.services.merge_messages import Integrate, Integrated
from actors.services.work_ledger import WorkLedger
from actors.services.work_messages import (
    AddRework,
    ChecksRun,
    Clarified,
    Demonstrate,
    Demonstration,
    FinishQuarter,
    InspectWork,
    RegisterPlan,
    RegisterStory,
    RunChecks,
    WorkQuarter,
)
from actors.simulation.build import build_registry
from actors.work import engine as work_engine
from actors.work.effort import Pair, Worker
from actors.work.engine import WorkEngine
from actors.work.katas.exercise import Exercise, exercise
from actors.work.katas.mutants import LIMITS as MUTANT_LIMITS
from actors.work.product import ProductCode
from actors.work.sandbox.limits import Limits
from actors.work.sandbox.sandbox import Sandbox
from brokers.clock.routing import RoutedExecutor
from brokers.node.actor import Actor
from brokers.wire.packing import packer, unpack
from brokers.wire.registry import Registry
from inference import messages as inference_messages
from inference.pool.embedded import EmbeddedPool
from tests.actors.services.teams import TEAM, executing_team
from tests.support.world import MINUTE, VirtualWorld

FAMILY, NUMBER = "rate_limit", 1
STORY = "US-1"
ADA = Worker(seniority="senior", knowledge_permille=800, fit="primary")
PAIR = Pair(driver=ADA, navigator=None, familiarity_permille=0)
QUICK = Limits(cpu_s=0.2, tests_cpu_s=0.5)
START_S = 1_767_571_200
Written = tuple[str, dict[str, Any] | str]
Script = Callable[[WriteCode], Written]


# -- models -----------------------------------------------------------------------------------------------------------


class ScriptedModel:
    """Answers `write_code` by a script; keeps what it was shown."""

    name = "scripted"

    def __init__(self, script: Script) -> None:
        self._script = script
        self.seen: list[WriteCode] = []

    def start(self) -> None: ...

    def answer(self, request: Any, seed: int) -> Any:
        assert isinstance(request, Decide)
        assert isinstance(request.observation, WriteCode)
        self.seen.append(request.observation)
        tool, arguments = self._script(request.observation)
        text = arguments if isinstance(arguments, str) else json.dumps(arguments)
        answer = ToolChoice(tool=tool, arguments=text)
        return Decided(answer=answer, engine=self.name, prompt_tokens=1, completion_tokens=1)

    def close(self) -> None: ...


def step(seen: WriteCode) -> int:
    """How many calls of this quarter came before."""
    return len(seen.earlier)


def in_turn(*calls: Written) -> Script:
    """One call after the other; the last one for ever."""
    return lambda seen: calls[min(step(seen), len(calls) - 1)]


def finish(seen: WriteCode) -> Written:
    """Says that it is done, whatever there is."""
    return "finish", {"summary": "that is it"}


def own_tests(one: Exercise) -> str:
    """Where these models put tests of their own."""
    return f"tests/{one.kata.domain}/test_{one.name}_more.py"


def honest(one: Exercise) -> Script:
    """Reads the tests, writes what is due, tries it out, adds tests of its own and commits."""
    more = own_tests(one)

    def script(seen: WriteCode) -> Written:
        source = one.source(one.wanted, seen.due)
        own = one.tests(one.wanted, seen.due)
        return in_turn(
            ("read_file", {"path": seen.test_path}),
            ("write_file", {"path": seen.module_path, "text": source}),
            ("write_file", {"path": more, "text": own}),
            ("run_tests", {"paths": [seen.test_path, more]}),
            ("git_diff", {}),
            ("commit", {"message": f"Fulfil criteria 1 to {len(seen.due)}"}),
            ("finish", {"summary": "all green"}),
        )(seen)

    return script


def as_told(one: Exercise) -> Script:
    """Builds what was answered, and the obvious where nobody asked."""

    def script(seen: WriteCode) -> Written:
        told = {answer.partition(": ")[2] for answer in seen.answers}
        choices = [
            next((n for n, alternative in enumerate(point.alternatives) if alternative.answer in told), 0)
            for point in one.kata.open_points
        ]
        return in_turn(
            ("write_file", {"path": seen.module_path, "text": one.source(choices, seen.due)}),
            ("write_file", {"path": own_tests(one), "text": one.tests(choices, seen.due)}),
            ("finish", {"summary": "as it was told"}),
        )(seen)

    return script


# -- the machine ------------------------------------------------------------------------------------------------------


class Machine:
    """Routes requests as a run in one process does: work to git and the sandbox, decisions to the model."""

    def __init__(self, model: Any, work: WorkEngine) -> None:
        self._registry, self._pack = build_registry(), packer()
        policy = Registry()
        policy.register_module(decisions, inference_messages)
        self._executor = RoutedExecutor(
            {"work": EmbeddedPool(work, work_engine.build_registry())}, otherwise=EmbeddedPool(model, policy)
        )

    def answer(self, request: Any, seed: int) -> Any:
        self._executor.submit("1", self._pack(self._registry.to_body(request)), seed)
        ((_, reply),) = self._executor.drain()
        return self._registry.from_body(unpack(reply))


@contextmanager
def machine(model: Any, place: Path, *, limits: Limits = QUICK, team: str = TEAM) -> Iterator[Machine]:
    """Git and a sandbox for what models write."""
    mutants = Sandbox(trust="trusted", limits=MUTANT_LIMITS)
    sandbox = Sandbox(trust="model", limits=limits)
    engine = WorkEngine({team: place / "repository"}, sandbox, mutants, place / "worktrees")
    engine.start()
    try:
        yield Machine(model, engine)
    finally:
        engine.close()


# -- stories ----------------------------------------------------------------------------------------------------------


def story(family: str = FAMILY, story_id: str = STORY) -> Story:
    """A story without dependencies, with everything that it leaves open."""
    one = exercise(family, NUMBER)
    points = [
        Clarification(
            criterion=point.criterion,
            topic=point.topic,
            question=point.question,
            assumption=point.alternatives[0].answer,
            answer=point.alternatives[wanted].answer,
            changes=wanted != 0,
        )
        for point, wanted in zip(one.kata.open_points, one.wanted, strict=True)
    ]
    return Story(
        story_id=story_id,
        title=one.kata.title,
        description="",
        criteria=tuple(criterion.text for criterion in one.kata.criteria),
        sized_points=3,
        priority=1,
        module=one.kata.domain,
        specialization=one.kata.specialization,
        clarifications=tuple(points),
        family=family,
        exercise=ExerciseRef(family=family, number=NUMBER, criteria=tuple(one.criteria)),
    )


@dataclass
class Told:
    """What people got to know about a story."""

    checks: list[ChecksRun] = field(default_factory=list)
    integrated: list[Integrated] = field(default_factory=list)
    demonstrated: list[Demonstration] = field(default_factory=list)


class Driver(Actor):
    """Takes a story through all of its quarters, tests it, has it merged and shows it."""

    def __init__(self, story: Story, told: Told, *, asks: bool, repairs: int) -> None:
        super().__init__()
        self._story, self._told, self._team = story, told, executing_team()
        self._asks, self._repairs = asks, repairs

    def on_start(self) -> None:
        self.context.spawn(self._begin())

    def on_receive(self, message: Integrated) -> None:
        self._told.integrated.append(message)
        self.context.spawn(self._show() if not message.reason or not self._repairs else self._repair(message.reason))

    async def _begin(self) -> None:
        await self.context.sleep(MINUTE)
        for point in self._story.clarifications if self._asks else ():
            await self._ask(Clarified(story_id=self._id, criterion=point.criterion, topic=point.topic))
        await self._drive()

    async def _repair(self, reason: str) -> None:
        self._repairs -= 1
        await self._ask(AddRework(story_id=self._id, sprint=1, reason=reason, criteria=()))
        await self._drive()

    async def _drive(self) -> None:
        while (await self._ask(WorkQuarter(story_id=self._id, pair=PAIR))).task_id:
            looked = InspectWork(
                story_id=self._id, session_id="P-1", navigator="tess", decision="d/1", pair=PAIR, care=0
            )
            await self._ask(looked)
            await self._ask(FinishQuarter(story_id=self._id, by="ada", revision_minutes=0, owed_minutes=0))
        self._told.checks.append(await self._ask(RunChecks(story_id=self._id, tester=ADA)))
        self.context.tell(self._team.merge_queue, Integrate(story_id=self._id, module="api"))

    async def _show(self) -> None:
        self._told.demonstrated.append(await self._ask(Demonstrate(story_id=self._id)))

    async def _ask(self, message: Any) -> Any:
        return await insist(self.context, self._team.workshop, message)

    @property
    def _id(self) -> str:
        return self._story.story_id


def plan(number: int, story_id: str) -> RegisterPlan:
    task = PlannedTask(
        task_id=f"T-1-{number:03d}", title="Build", estimated_minutes=60, depends_on=(), specialization="backend"
    )
    return RegisterPlan(story_id=story_id, tasks=(task,), sized=(60,))


def world_with(
    engine: Machine, stories: Mapping[str, Story], *, asks: bool = True, repairs: int = 0
) -> tuple[VirtualWorld, dict[str, Told]]:
    """A world in which each of these people is about to begin a story.

    `repairs`: how often one takes up again what the merge queue gives back.
    """
    team, told = executing_team(), {agent: Told() for agent in stories}
    work = ExecutedWork(WorkLedger(team=TEAM), ProductCode(team=TEAM), calibration=team.calibration, seed=1)
    gates = Gates(min_line_percent=85, min_branch_percent=80, max_complexity=10)
    world = VirtualWorld(registry=build_registry(), engine=engine)
    world.start(
        team.workshop, partial(CodeWorkshop, work, team, start_s=START_S, writers=dict.fromkeys(stories, BEHAVIOURAL))
    )
    world.start(team.merge_queue, partial(MergeDesk, MergeState(), team, gates=gates, start_s=START_S))
    for number, (agent, one) in enumerate(stories.items(), start=1):
        world.tell(team.workshop, RegisterStory(story=one))
        world.tell(team.workshop, plan(number, one.story_id))
        world.start(f"agent/{agent}", partial(Driver, one, told[agent], asks=asks, repairs=repairs))
    return world, told
