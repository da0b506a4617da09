"""A whole team whose code a model writes: the sprint goes on as ever, with disturbances, reviews and a merge queue."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from actors.policy.calibration import shipped_calibration
from actors.policy.decisions import Decide, Decided, ToolChoice, WriteCode
from actors.policy.engine import BehaviouralEngine
from actors.scrum.code_messages import AcceptanceMeasured, CodeCommitted, CodeMeasured, StoryLanded
from actors.scrum.messages import DecisionFailed, RunEnded
from actors.simulation.build import RunPlan, build_actors, build_registry
from actors.simulation.judges import behavioural
from actors.work.katas.bank import FAMILIES
from actors.work.katas.exercise import Exercise, exercise
from actors.work.katas.themes import THEMES
from actors.work.product import skeleton
from actors.work.sandbox.limits import Limits
from actors.work.workspace.repository import Repository
from config.backlog import load_backlog
from config.loader import load_config
from config.profiles import KATAS
from tests.actors.services.models import ScriptedModel, honest, machine
from tests.support.repositories import pytest_in
from tests.support.world import VirtualWorld

SEED = 7


@cache
def exercise_at(module_path: str) -> Exercise:
    """The exercise whose module is expected there."""
    found = [exercise(family, number) for number in range(len(THEMES)) for family in FAMILIES]
    return next(one for one in found if one.path == module_path)


class KnowsItAll(BehaviouralEngine):
    """Decides as calibrated people do, and writes what is wanted as if it had asked about everything."""

    def answer(self, request: Any, seed: int) -> Any:
        if not isinstance(request, Decide) or not isinstance(request.observation, WriteCode):
            return super().answer(request, seed)
        one = exercise_at(request.observation.module_path)
        reply: Decided = ScriptedModel(honest(one)).answer(request, seed)
        assert isinstance(reply.answer, ToolChoice)
        return reply


def test_a_team_delivers_what_a_model_writes(tmp_path: Path) -> None:
    config, calibration = load_config(None).config, shipped_calibration()
    stories = load_backlog(KATAS).stories
    plan = RunPlan(config=config, stories=stories, calibration=calibration, sprints=1, writer_of=behavioural)
    (team,) = (roster.id for roster in config.resolved_teams())
    with machine(KnowsItAll(SEED, calibration), tmp_path, limits=Limits(), team=team) as engine:
        world = VirtualWorld(registry=build_registry(), engine=engine, seed=SEED)
        for name, factory in build_actors(plan).items():
            world.start(name, factory)
        world.run_until_quiet()
    repository = Repository.create(tmp_path / "repository")
    repository.checkout_main()
    landed, accepted = world.events(StoryLanded), world.events(AcceptanceMeasured)
    on_main = {one.story_id for one in landed}

    assert world.events(RunEnded)[0].reason == "completed"
    assert world.events(DecisionFailed) == []
    assert len(landed) >= 2
    assert [one for one in accepted if one.story_id in on_main and any(one.failed)] == []
    (measured,) = world.events(CodeMeasured)
    assert (measured.failing, measured.canaries_failing) == (0, 0)
    assert measured.canaries > 0
    assert pytest_in(repository.folder).returncode == 0
    written = {path for one in world.events(CodeCommitted) for path in one.files if path.endswith("_more.py")}
    assert written
    assert set(repository.files(repository.ref("refs/heads/main"))) > {*skeleton(team)}
