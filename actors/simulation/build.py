"""All actors of a run, constructed from its configuration: addresses and factories in one fixed order. No I/O.

What must survive a crash (a board, a mind, the ground truth) is made once here and handed to every incarnation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from actors.policy import decisions
from actors.policy.calibration import Calibration
from actors.policy.decisions import Person
from actors.policy.mind import Mechanisms, Mind
from actors.roles.agent import Agent
from actors.roles.judging import Judge
from actors.roles.person_state import PersonState
from actors.roles.product_owner import ProductState, Refill
from actors.roles.purse import TREASURER
from actors.scrum import code_messages
from actors.scrum import messages as scrum_messages
from actors.scrum.board import Board
from actors.scrum.messages import Member
from actors.scrum.pairing import PairRules
from actors.scrum.product_backlog import ProductBacklog
from actors.scrum.stories import Story
from actors.scrum.team import Roster
from actors.services import (
    board_messages,
    ceremony_messages,
    disturbance_messages,
    incident_messages,
    merge_messages,
    pairing_messages,
    treasury_messages,
    work_messages,
)
from actors.services.board_keeper import BoardKeeper
from actors.services.code_workshop import CodeWorkshop
from actors.services.disturbance_plan import DisturbanceLedger, DisturbanceRules
from actors.services.disturber import Disturber
from actors.services.executed_work import ExecutedWork
from actors.services.facilitator import Facilitator
from actors.services.merge_desk import Gates, MergeDesk, MergeState
from actors.services.modelled_work import ModelledWork
from actors.services.sprint_state import SprintState
from actors.services.team_setting import TeamSetting, agent_address
from actors.services.treasurer import Treasurer, Treasury
from actors.services.work_ledger import WorkLedger
from actors.services.workshop import Workshop
from actors.simulation.budgets import actor_budget, purse_of_each, run_budget
from actors.simulation.judges import behavioural
from actors.simulation.portfolio import NewKatas, NewStories, first_new_number, refill_for, share_out, wishes_of
from actors.simulation.run_calendar import calendar_of
from actors.work import messages as execution_messages
from actors.work import tool_messages
from actors.work.product import ProductCode
from brokers.node import messages as node_messages
from brokers.node.actor import Actor
from brokers.wire.registry import Registry
from config.backlog import Story as BacklogStory
from config.rosters import TeamMember, TeamRoster
from config.sections import RunConfig
from inference import messages as inference_messages
from inference import text as text_messages

Factory = Callable[[], Actor]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """What a run is made of."""

    config: RunConfig
    stories: Sequence[BacklogStory]
    calibration: Calibration
    sprints: int
    judge_of: Callable[[TeamMember], Judge] = behavioural
    writer_of: Callable[[TeamMember], Judge] | None = None  # None: calibrated hands write the code


def build_registry() -> Registry:
    """Every message that actors of a run send, and every event that they publish."""
    registry = Registry()
    registry.register_module(
        node_messages,
        decisions,
        scrum_messages,
        code_messages,
        board_messages,
        ceremony_messages,
        disturbance_messages,
        incident_messages,
        merge_messages,
        pairing_messages,
        treasury_messages,
        work_messages,
        execution_messages,
        tool_messages,
        inference_messages,
        text_messages,
    )
    return registry


def build_actors(plan: RunPlan) -> dict[str, Factory]:
    """Address and factory of every actor of a run, team by team; the order is part of the run."""
    return {name: factory for team in build_teams(plan) for name, factory in team.items()}


def build_teams(plan: RunPlan) -> list[dict[str, Factory]]:
    """The same by team. Actors of two teams never write to each other; where a budget connects all, all are one."""
    rosters = plan.config.resolved_teams()
    shares = share_out(plan.stories, teams=len(rosters))
    refills = _refills(plan, teams=len(rosters))
    built = [
        _team(plan, roster, stories, refill, position=position, teams=len(rosters))
        for position, (roster, stories, refill) in enumerate(zip(rosters, shares, refills, strict=True))
    ]
    treasury = Treasury(budget=run_budget(plan.config), per_actor=actor_budget(plan.config))
    if not treasury.is_limited:
        return built
    treasurer = partial(Treasurer, treasury, _asking_places(plan))
    return [{name: factory for team in built for name, factory in team.items()} | {TREASURER: treasurer}]


def _asking_places(plan: RunPlan) -> dict[str, tuple[str, ...]]:
    """By agent, who asks models for it: its own actor and, where a model writes, the workshop of its team."""
    places: dict[str, tuple[str, ...]] = {}
    for roster in plan.config.resolved_teams():
        workshop = () if plan.writer_of is None else (_setting(plan, roster).workshop,)
        for one in roster.members:
            places[one.id] = (agent_address(one.id), *(workshop if one.may_drive else ()))
    return places


def _refills(plan: RunPlan, *, teams: int) -> list[Refill | None]:
    """For each team, where its product owner gets more stories from: all from the same ones, each made once."""
    if plan.config.backlog.refill != "seeded":
        return [None] * teams
    seed, first = plan.config.simulation.seed, first_new_number(plan.stories)
    new_stories = NewKatas(seed) if plan.config.code_generation.mode == "executed" else NewStories(seed)
    return [refill_for(new_stories, first_number=first, position=one, teams=teams) for one in range(teams)]


def _team(
    plan: RunPlan,
    roster: TeamRoster,
    stories: tuple[Story, ...],
    refill: Refill | None,
    *,
    position: int,
    teams: int,
) -> dict[str, Factory]:
    setting = _setting(plan, roster)
    seed, first = plan.config.simulation.seed, first_new_number(plan.stories)
    product = ProductState(backlog=ProductBacklog(stories), refill=refill, first_new_number=first)
    wishes = wishes_of(seed, position=position, teams=teams)
    board = Board(setting.team, in_progress=setting.wip_in_progress, review=setting.wip_review)
    ledger = DisturbanceLedger(team=setting.team, seed=seed)
    factories: dict[str, Factory] = {
        setting.board: partial(BoardKeeper, board, listeners=(setting.facilitator, setting.disturber)),
        **_workplace(plan, setting, roster),
        setting.disturber: partial(
            Disturber, ledger, _disturbance_rules(plan.config), setting, wishes=wishes if setting.executes else None
        ),
    }
    modules = _modules(stories)
    for member, one in zip(setting.roster.members, roster.members, strict=True):
        mind = _mind(plan, member, setting, modules)
        state = PersonState(person=_person(member), mind=mind, purse=purse_of_each(plan.config))
        owns = member == setting.roster.product_owner
        judge = plan.judge_of(one)
        factory = partial(Agent, state, setting, product=product if owns else None, judge=judge)
        factories[agent_address(member.agent)] = factory
    factories[setting.facilitator] = partial(Facilitator, SprintState(), setting)
    return factories


def _workplace(plan: RunPlan, setting: TeamSetting, roster: TeamRoster) -> dict[str, Factory]:
    """Where the work of a team lives: its workshop, and the merge queue where code is written."""
    ledger, seed = WorkLedger(team=setting.team), plan.config.simulation.seed
    if not setting.executes:
        modelled = ModelledWork(ledger, calibration=plan.calibration, seed=seed)
        return {setting.workshop: partial(Workshop, modelled, disturber=setting.disturber)}
    work = ExecutedWork(ledger, ProductCode(team=setting.team), calibration=plan.calibration, seed=seed)
    start = plan.config.simulation.start_date
    start_s = int(datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp())
    section, writer_of = plan.config.code_generation, plan.writer_of
    drivers = [one for one in roster.members if one.may_drive]
    writers = None if writer_of is None else {one.id: writer_of(one) for one in drivers}
    purses = {one.id: purse_of_each(plan.config) for one in drivers}
    gates = Gates(
        min_line_percent=section.coverage.min_line_coverage if section.coverage.enabled else 0,
        min_branch_percent=section.coverage.min_branch_coverage if section.coverage.enabled else 0,
        max_complexity=section.max_complexity,
    )
    return {
        setting.workshop: partial(CodeWorkshop, work, setting, start_s=start_s, writers=writers, purses=purses),
        setting.merge_queue: partial(MergeDesk, MergeState(), setting, gates=gates, start_s=start_s),
    }


def _setting(plan: RunPlan, roster: TeamRoster) -> TeamSetting:
    config = plan.config
    tester_pairing = config.team.tester_pairing
    return TeamSetting(
        team=roster.id,
        roster=Roster(roster.id, [_member(one) for one in roster.members]),
        calendar=calendar_of(config),
        calibration=plan.calibration,
        pair_rules=PairRules(
            tester_permille=round(1000 * tester_pairing.frequency) if tester_pairing.enabled else 0,
            tester_seat=tester_pairing.role,
        ),
        sprints=plan.sprints,
        max_exchanges=config.pairing.max_exchanges,
        wip_in_progress=roster.wip_in_progress,
        wip_review=roster.wip_review,
        executes=config.code_generation.mode == "executed",
    )


def _member(one: TeamMember) -> Member:
    return Member(
        agent=one.id,
        name=one.name,
        seniority=one.seniority,
        roles=one.roles,
        specialization=one.primary_specialization,
        auxiliaries=one.auxiliary_specializations,
    )


def _person(member: Member) -> Person:
    return Person(
        agent=member.agent,
        seniority=member.seniority,
        roles=member.roles,
        specialization=member.specialization,
        auxiliaries=member.auxiliaries,
    )


def _mind(plan: RunPlan, member: Member, setting: TeamSetting, modules: dict[str, tuple[str, ...]]) -> Mind:
    switches = plan.config.policy.mechanisms
    return Mind(
        _person(member),
        modules=modules,
        partners=[one.agent for one in setting.roster.members],
        calibration=plan.calibration,
        mechanisms=Mechanisms(
            familiarity=switches.familiarity,
            knowledge=switches.knowledge,
            estimation_learning=switches.estimation_learning,
            asking=switches.asking,
        ),
    )


def _modules(stories: Sequence[Story]) -> dict[str, tuple[str, ...]]:
    """The modules of the product, each with the specialisations that its stories want."""
    modules: dict[str, dict[str, None]] = {}
    for story in stories:
        modules.setdefault(story.module, {})[story.specialization] = None
    return {name: tuple(sorted(wanted)) for name, wanted in sorted(modules.items())}


def _disturbance_rules(config: RunConfig) -> DisturbanceRules:
    section = config.disturbances
    return DisturbanceRules(
        frequencies=section.frequencies.permille if section.enabled else {},
        suppress=frozenset(section.suppress),
        max_velocity_impact_permille=round(1000 * section.blast_radius_controls.max_velocity_impact),
    )
