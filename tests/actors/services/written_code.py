"""Stories whose code is written without git: what somebody worked, was hit by, and landed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from actors.policy.calibration import shipped_calibration
from actors.scrum.messages import PlannedTask
from actors.scrum.stories import Story
from actors.services.executed_work import ExecutedWork
from actors.services.story_code import StoryCode
from actors.services.work_ledger import StoryWork, WorkLedger
from actors.services.work_messages import DisturbanceEffect
from actors.simulation.portfolio import story_of
from actors.work.effort import Pair, Worker
from actors.work.katas import backlog as katas
from actors.work.katas.exercise import Exercise, exercise
from actors.work.messages import FlawPlanted, FlawSite
from actors.work.mutations.operators import sites
from actors.work.product import ProductCode

NOVICE = Worker(seniority="junior", knowledge_permille=0, fit="none")
SLOW = Pair(driver=NOVICE, navigator=None, familiarity_permille=0)
FAMILY, NUMBER = "money_split", 3
STORY, KEY = "KT-001", (FAMILY, NUMBER)


def told(one: Exercise, story_id: str = STORY) -> Story:
    return replace(story_of(katas.story_of(one, number=1, depends_on=(), clarity="exact")), story_id=story_id)


def begin(work: ExecutedWork, story: Story) -> StoryWork:
    """The story is known and planned: one task of four quarters."""
    work.register(story)
    task = PlannedTask(
        task_id=f"T-{story.story_id}", title="Do it", estimated_minutes=240, depends_on=(), specialization=""
    )
    work.plan(story.story_id, (task,), (240,))
    return work.ledger.work_on(story.story_id)


def working(seed: int = 1, *stories: Story) -> ExecutedWork:
    product = ProductCode(team="red", main="begun")
    work = ExecutedWork(WorkLedger(team="red"), product, calibration=shipped_calibration(), seed=seed)
    for story in stories or (told(exercise(*KEY)),):
        begin(work, story)
    return work


def quarters(work: ExecutedWork, story_id: str = STORY, *, count: int = 4) -> Iterator[StoryCode]:
    """Work so many quarters; the code after each."""
    story, code = work.ledger.work_on(story_id), work.code_of(story_id)
    for _ in range(count):
        task = story.current
        assert task is not None
        work.next_quarter(story_id, SLOW)
        work.write_quarter(story, task, SLOW)
        yield code
        work.finish_quarter(story_id, 0)


def written(work: ExecutedWork, story_id: str = STORY) -> StoryCode:
    """The code when every quarter is worked."""
    return [*quarters(work, story_id)][-1]


def land(work: ExecutedWork, story_id: str = STORY, commit: str = "landed") -> None:
    code = work.code_of(story_id)
    if not code.branch:
        work.branches.begin(code, "ada")
    work.landed(story_id, commit)


def planted(one: Exercise, choices: tuple[int, ...], criterion: int) -> FlawPlanted:
    """What an engine would have found: the first mistake that fits into the function of a criterion."""
    site = sites(one.source(choices), [one.functions([criterion])[0]])[0]
    return FlawPlanted(
        site=FlawSite(function=site.function, operator=site.operator, number=site.number),
        incident_class="a mistake",
        severity=2,
        criteria=(criterion,),
        noticed_by="acceptance",
        fix_lines=1,
        discarded=(),
    )


def hit(kind: str, *, name: str = "D-01-01", story_id: str = STORY) -> DisturbanceEffect:
    return DisturbanceEffect(
        disturbance_id=name,
        type=kind,  # type: ignore[arg-type]
        story_id=story_id,
        severity=2,
        minutes=60,
        sprint=1,
        text="",
    )
