"""The actors of one node, from what the run was given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from actors.policy.calibration import Calibration, parse_calibration
from actors.reporting.run_info import RunInfo
from actors.roles.judging import Listener
from actors.scrum.calendar import SprintCalendar
from actors.simulation.budgets import price_list
from actors.simulation.build import RunPlan, build_registry, build_teams
from actors.simulation.inputs import RunInputs
from actors.simulation.judges import judges, overheard, server_plan, writers
from actors.simulation.layout import Layout
from actors.simulation.run_calendar import calendar_of
from brokers.clock import messages as clock_messages
from brokers.node.cell import Factory
from brokers.node.letters import LetterCodec
from brokers.node.partition import Partition, Turns, in_order
from brokers.wire.registry import Registry
from config.backlog import parse_backlog
from config.tool_sections import CodeGenerationSection


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Everybody who plays, the same on every node; `factories` is in the order of the run."""

    registry: Registry
    factories: dict[str, Factory]
    islands: tuple[tuple[str, ...], ...]  # actors of each team: nobody writes to another team
    calibration: Calibration
    info: RunInfo
    seed: int
    link_delay_us: int
    sprints: int
    calendar: SprintCalendar
    code: CodeGenerationSection
    model_engine: str  # `models.engine`: what kind of engine asks the model
    model_server: dict[str, Any] | None  # what the engine of a model is told; None: no model is asked

    @property
    def executes(self) -> bool:
        """Whether code is written and tested."""
        return self.code.mode == "executed"

    @property
    def ends_us(self) -> int:
        """Midnight after the last sprint; nothing that a run was asked for happens later."""
        return self.calendar.midnight(self.sprints + 1, 1)

    def partition(self, layout: Layout, node: str, *, turns: Turns = in_order) -> Partition:
        """The part of the cast that lives on `node`, ready to start; `turns` is for tests that shuffle them."""
        partition = Partition(
            self.registry,
            seed=self.seed,
            link_delay_us=self.link_delay_us,
            knows=lambda actor: actor in self.factories,
            turns=turns,
        )
        for order, (actor, factory) in enumerate(self.factories.items()):
            if layout.home(actor) == node:
                partition.start(actor, factory, order=order)
        return partition

    def codec(self, partition: Partition) -> LetterCodec:
        return LetterCodec(self.registry, partition.tie)

    def elsewhere(self, layout: Layout, node: str) -> dict[str, str]:
        """The node of every actor that does not live on `node`."""
        return {actor: home for actor in self.factories if (home := layout.home(actor)) != node}


def assemble(inputs: RunInputs, *, sprints: int, listener: Listener | None = None) -> Cast:
    """Build the cast of a run. Reads nothing but `inputs`; `listener` hears every judgement."""
    config = inputs.config
    calibration = parse_calibration(inputs.calibration)
    backlog = parse_backlog(inputs.backlog, file=inputs.backlog_name)
    plan = RunPlan(
        config=config,
        stories=backlog.stories,
        calibration=calibration,
        sprints=sprints,
        judge_of=overheard(judges(config, inputs.prompts), listener),
        writer_of=writers(config, inputs.prompts),
    )
    registry = build_registry()
    registry.register_module(clock_messages)
    teams = build_teams(plan)
    return Cast(
        registry=registry,
        factories={name: factory for team in teams for name, factory in team.items()},
        islands=tuple(tuple(team) for team in teams),
        calibration=calibration,
        info=RunInfo(
            experiment=config.experiment.name,
            seed=config.simulation.seed,
            start_date=config.simulation.start_date,
            teams=tuple(team.id for team in config.resolved_teams()),
            executes=config.code_generation.mode == "executed",
            judgement=config.policy.judgement,
            hands=config.code_generation.hands,
            prices=price_list(config),
        ),
        seed=config.simulation.seed,
        link_delay_us=config.simulation.link_delay_ms * 1_000,
        sprints=sprints,
        code=config.code_generation,
        model_engine=config.models.engine,
        model_server=server_plan(config, inputs.adapters) if config.asks_model else None,
        calendar=calendar_of(config),
    )
