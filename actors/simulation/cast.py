"""The actors of one node, from what the run was given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from actors.policy.calibration import Calibration, parse_calibration
from actors.reporting.run_info import RunInfo
from actors.scrum.calendar import SprintCalendar
from actors.simulation.budgets import price_list
from actors.simulation.build import RunPlan, build_actors, build_registry
from actors.simulation.inputs import RunInputs
from actors.simulation.judges import judges, server_plan
from actors.simulation.layout import Layout
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
    calibration: Calibration
    info: RunInfo
    seed: int
    link_delay_us: int
    sprints: int
    calendar: SprintCalendar
    code: CodeGenerationSection
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


def assemble(inputs: RunInputs, *, sprints: int) -> Cast:
    """Build the cast of a run. Reads nothing but `inputs`."""
    config = inputs.config
    calibration = parse_calibration(inputs.calibration)
    backlog = parse_backlog(inputs.backlog, file=inputs.backlog_name)
    plan = RunPlan(
        config=config,
        stories=backlog.stories,
        calibration=calibration,
        sprints=sprints,
        judge_of=judges(config, inputs.prompts),
    )
    registry = build_registry()
    registry.register_module(clock_messages)
    return Cast(
        registry=registry,
        factories=build_actors(plan),
        calibration=calibration,
        info=RunInfo(
            experiment=config.experiment.name,
            seed=config.simulation.seed,
            start_date=config.simulation.start_date,
            teams=tuple(team.id for team in config.resolved_teams()),
            executes=config.code_generation.mode == "executed",
            judgement=config.policy.judgement,
            prices=price_list(config),
        ),
        seed=config.simulation.seed,
        link_delay_us=config.simulation.link_delay_ms * 1_000,
        sprints=sprints,
        code=config.code_generation,
        model_server=server_plan(config) if config.policy.asks_model else None,
        calendar=SprintCalendar(
            days_per_sprint=config.experiment.num_simulated_days,
            start_weekday=config.simulation.start_date.weekday(),
        ),
    )
