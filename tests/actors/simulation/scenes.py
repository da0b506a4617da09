"""Whole teams in virtual time: the shipped configuration with overrides, the behavioural engine in line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actors.policy.calibration import shipped_calibration
from actors.policy.engine import BehaviouralEngine
from actors.simulation.build import RunPlan, build_actors, build_registry
from config.backlog import Story, load_backlog
from config.backlog_generator import SHIPPED_BACKLOG
from config.loader import load_config
from config.sections import RunConfig
from tests.support.runs import MODELLED
from tests.support.world import VirtualWorld


def config_with(*overrides: str) -> RunConfig:
    """The default team, whose work is modelled: what it writes has tests of its own."""
    return load_config(None, overrides=[MODELLED, *overrides]).config


def world_of(
    config: RunConfig,
    *,
    sprints: int = 1,
    seed: int | None = None,
    stories: Sequence[Story] | None = None,
    only: Sequence[str] = (),
    **options: Any,
) -> VirtualWorld:
    seed = config.simulation.seed if seed is None else seed
    config = config.model_copy(update={"simulation": config.simulation.model_copy(update={"seed": seed})})
    calibration = shipped_calibration()
    plan = RunPlan(
        config=config,
        stories=load_backlog(SHIPPED_BACKLOG).stories if stories is None else stories,
        calibration=calibration,
        sprints=sprints,
    )
    world = VirtualWorld(registry=build_registry(), engine=BehaviouralEngine(seed, calibration), seed=seed, **options)
    for name, factory in build_actors(plan).items():
        if not only or name in only:
            world.start(name, factory)
    return world
