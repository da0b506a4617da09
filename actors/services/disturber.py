"""The disturbance generator: lets things go wrong, visibly, and keeps book until somebody has put them right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from actors.scrum.cards import BLOCKED, CONFLICT, FLAKY, HOTFIX, TECH_DEBT, CardView
from actors.scrum.messages import DisturbanceExpired, DisturbanceResolved, DisturbanceSoftened, DisturbanceStruck
from actors.scrum.stories import Story
from actors.services.asking import insist
from actors.services.board_messages import BoardChanged, TagCard, ViewBoard
from actors.services.disturbance_messages import (
    CrashActor,
    CriterionAdded,
    InjectDisturbance,
    SprintOpened,
    Strike,
    Suffered,
)
from actors.services.disturbance_plan import (
    INJECTED_FROM,
    STREAM,
    Disturbance,
    DisturbanceLedger,
    DisturbanceRules,
    plan_sprint,
)
from actors.services.disturbance_response import DisturbanceResponse
from actors.services.failures import CrashRequestedError, UnexpectedMessageError
from actors.services.incident_messages import IncidentStaged, StageIncident
from actors.services.team_setting import TeamSetting, agent_address
from actors.services.unplanned_work import (
    executed_hotfix_story,
    executed_scope_story,
    hotfix_story,
    insert_story,
    scope_story,
)
from actors.services.work_messages import DisturbanceEffect, EffectApplied, WorkedOff
from actors.work import effort
from brokers.node.actor import Actor
from brokers.node.errors import RefusedError
from config.streams import Draw

RETRY_US = 3_600_000_000  # a disturbance that finds no work in progress looks again after an hour
TAGS: dict[str, str] = {
    "dependency_breaks": BLOCKED,
    "flaky_test": FLAKY,
    "architectural_debt_surfaces": TECH_DEBT,
    "merge_conflict": CONFLICT,
}
LARGE_SCOPE = 3  # from this severity scope creeps in as a story of its own


class Disturber(Actor):
    """Owns all disturbances of one team."""

    def __init__(
        self,
        ledger: DisturbanceLedger,
        rules: DisturbanceRules,
        team: TeamSetting,
        *,
        wishes: Callable[[int], Story] | None = None,
    ) -> None:
        """`wishes`: the n-th wish that nobody planned, where work is executed and needs code to be judged."""
        super().__init__()
        self._ledger, self._rules, self._team, self._wishes = ledger, rules, team, wishes

    def on_start(self) -> None:
        """After a crash, set the timers again for what has not struck yet."""
        if self.context.incarnation > 0:
            for disturbance in self._ledger.by_id.values():
                if not disturbance.struck and disturbance.sprint >= self._ledger.sprint:
                    self._set_timer(disturbance)

    def on_receive(self, message: Any) -> Any:
        """Plan at the start of a sprint, strike when it is time, resolve when the work is done."""
        match message:
            case SprintOpened(sprint=sprint, committed_points=points):
                self._open_sprint(sprint, points)
            case Strike(disturbance_id=disturbance_id):
                disturbance = self._ledger.by_id.get(disturbance_id)  # None: over before its timer
                return None if disturbance is None else self._strike(disturbance)
            case InjectDisturbance():
                return self._inject(message)
            case WorkedOff():
                return self._worked_off(message)
            case BoardChanged(story_id=story_id, to_column="done", by=by):
                return self._story_done(story_id, by)
            case BoardChanged():
                pass
            case CrashActor(reason=reason):
                raise CrashRequestedError(reason)
            case _:
                raise UnexpectedMessageError(message)
        return None

    # -- when -------------------------------------------------------------------------------------------------------

    def _open_sprint(self, sprint: int, committed_points: int) -> None:
        ledger, team = self._ledger, self._team
        ledger.sprint, ledger.committed_points, ledger.points_at_risk = sprint, committed_points, 0
        for one in tuple(ledger.by_id.values()):
            if one.resolved:
                del ledger.by_id[one.id]
            elif not one.struck and one.sprint < sprint:
                self._expire(one)
        planned = plan_sprint(
            sprint,
            team=team.team,
            seed=ledger.seed,
            rules=self._rules,
            calendar=team.calendar,
            calibration=team.calibration,
        )
        for disturbance in planned:
            ledger.by_id[disturbance.id] = disturbance
            self._set_timer(disturbance)

    def _set_timer(self, disturbance: Disturbance) -> None:
        wait_us = max(1, disturbance.strikes_us - self.context.now_us)
        self.context.after(wait_us, Strike(disturbance_id=disturbance.id))

    def _inject(self, order: InjectDisturbance) -> Any:
        ledger = self._ledger
        ledger.injected += 1
        n = INJECTED_FROM + ledger.injected
        severity = order.severity or effort.severity(self._team.calibration, self._draw(order.type, "severity", n))
        now_us = self.context.now_us
        disturbance = Disturbance(
            id=f"I-{ledger.injected:02d}",
            kind=order.type,
            sprint=self._team.calendar.sprint_of(now_us),
            n=n,
            strikes_us=now_us,
            severity=min(4, max(1, severity)),
            wanted_story=order.story_id or "",
            injected=True,
        )
        ledger.by_id[disturbance.id] = disturbance
        return self._strike(disturbance)

    # -- the strike -------------------------------------------------------------------------------------------------

    async def _strike(self, disturbance: Disturbance) -> None:
        """Hit what is in progress; with nothing in progress, look again in an hour of this sprint.

        A suppressed disturbance keeps its timer and stops here, so that a run without it is equal up to this moment.
        """
        if disturbance.struck or disturbance.id in self._rules.suppress:
            return
        cards = await self._targets(disturbance)
        minutes = self._cost(disturbance)
        hit = await self._hit(disturbance, cards, minutes)
        if hit is None:
            self._try_later(disturbance)
            return
        target, costs = hit
        if not disturbance.injected:
            self._ledger.points_at_risk += sum(card.points for card in cards if card.story_id in costs)
        disturbance.struck, disturbance.story_id = True, target.story_id
        disturbance.strikes_us = self.context.now_us
        affected = tuple(costs)
        agents = _people_on(cards, affected)
        self._publish_strike(disturbance, affected, agents, sum(costs.values()))
        await self._make_visible(disturbance, target)
        for agent in agents:
            suffered = Suffered(hazard=disturbance.kind, minutes=max(costs.values()))
            self.context.tell(agent_address(agent), suffered)
        symptom = self._draw(disturbance.kind, "symptom", disturbance.n)
        await DisturbanceResponse(self.context, self._team, disturbance, cards).hold(target, costs, symptom)

    async def _targets(self, disturbance: Disturbance) -> list[CardView]:
        """Cards that could be hit: the drawn one first, then the others."""
        cards = (await insist(self.context, self._team.board, ViewBoard())).cards
        columns = ("in_progress", "review") if disturbance.kind == "flaky_test" else ("in_progress",)
        possible = [card for card in cards if card.column in columns]
        wanted = [card for card in possible if card.story_id == disturbance.wanted_story]
        if disturbance.wanted_story:
            return wanted
        if disturbance.kind == "junior_misunderstanding":
            juniors = [m.agent for m in self._team.roster.developers if m.seniority == "junior"]
            possible = [card for card in possible if card.owner in juniors or card.navigator in juniors]
        if disturbance.kind == "merge_conflict" and len(possible) < 2:
            return []
        if not possible:
            return []
        first = self._draw(disturbance.kind, "target", disturbance.n).below(len(possible))
        turned = possible[first:] + possible[:first]
        return sorted(turned, key=lambda card: card.story_id not in disturbance.waits_for)  # hit before a crash: again

    def _cost(self, disturbance: Disturbance) -> int:
        """Soften what would put more of the sprint at risk than allowed, and draw what it costs."""
        cap = self._ledger.cap_points(self._rules.max_velocity_impact_permille)
        if not disturbance.injected and self._ledger.points_at_risk >= cap and disturbance.severity > 1:
            self.context.publish(
                DisturbanceSoftened(
                    team=self._team.team,
                    sprint=disturbance.sprint,
                    disturbance_id=disturbance.id,
                    drawn_severity=disturbance.severity,
                    points_at_risk=self._ledger.points_at_risk,
                    cap_points=cap,
                )
            )
            disturbance.severity = 1
        chance = self._draw(disturbance.kind, "cost", disturbance.n)
        return effort.disturbance_minutes(
            self._team.calibration, chance, disturbance.kind, severity=disturbance.severity
        )

    async def _hit(
        self, disturbance: Disturbance, cards: list[CardView], minutes: int
    ) -> tuple[CardView, dict[str, int]] | None:
        """Let the work feel it. Returns the card that was hit first, and the minutes it costs each story."""
        if disturbance.kind == "production_incident" and self._team.executes and not await self._stage(disturbance):
            return None
        if disturbance.kind == "scope_creep" and (disturbance.severity >= LARGE_SCOPE or self._wishes is not None):
            return (cards[0], {cards[0].story_id: 0}) if cards else None
        wanted = 2 if disturbance.kind == "merge_conflict" else 1
        if disturbance.kind == "production_incident":
            wanted = max(1, effort.blast(self._team.calibration, severity=disturbance.severity))
        costs: dict[str, int] = {}
        target: CardView | None = None
        for card in cards:
            applied = await self._apply(disturbance, card, minutes)
            if applied is not None:
                target = target or card
                costs[card.story_id] = applied
            if len(costs) == wanted:
                break
        return None if target is None else (target, costs)

    async def _apply(self, disturbance: Disturbance, card: CardView, minutes: int) -> int | None:
        effect = DisturbanceEffect(
            disturbance_id=disturbance.id,
            type=disturbance.kind,
            story_id=card.story_id,
            severity=disturbance.severity,
            minutes=minutes,
            sprint=disturbance.sprint,
            text=_wish(disturbance, card),
        )
        if card.story_id not in disturbance.waits_for:  # before the answer: a crash must not let another card pay, too
            disturbance.waits_for.append(card.story_id)
        try:
            applied: EffectApplied = await insist(self.context, self._team.workshop, effect)
        except RefusedError:  # no work is left on that story
            disturbance.waits_for.remove(card.story_id)
            return None
        return applied.minutes

    def _try_later(self, disturbance: Disturbance) -> None:
        later_us = self._team.calendar.add_working_time(self.context.now_us, RETRY_US)
        if self._team.calendar.sprint_of(later_us) == disturbance.sprint:
            disturbance.strikes_us = later_us
            self._set_timer(disturbance)
        else:
            self._expire(disturbance)

    def _expire(self, disturbance: Disturbance) -> None:
        """Give up: its sprint is over. A suppressed disturbance goes unnoticed, as it would have come."""
        was = self._ledger.by_id.pop(disturbance.id, None)
        if was is None or disturbance.id in self._rules.suppress:
            return
        self.context.publish(
            DisturbanceExpired(
                team=self._team.team,
                sprint=disturbance.sprint,
                disturbance_id=disturbance.id,
                type=disturbance.kind,
                injected=disturbance.injected,
            )
        )

    def _publish_strike(
        self, disturbance: Disturbance, stories: tuple[str, ...], agents: tuple[str, ...], minutes: int
    ) -> None:
        self.context.publish(
            DisturbanceStruck(
                team=self._team.team,
                sprint=disturbance.sprint,
                disturbance_id=disturbance.id,
                type=disturbance.kind,
                severity=disturbance.severity,
                story_id=disturbance.story_id,
                blast_stories=stories,
                blast_agents=agents,
                cost_minutes=minutes,
                injected=disturbance.injected,
            )
        )

    async def _make_visible(self, disturbance: Disturbance, target: CardView) -> None:
        """Labels and cards: what everybody can see of it."""
        tag = TAGS.get(disturbance.kind, "")
        if tag:
            disturbance.tag = tag
            for story_id in disturbance.waits_for:
                await self._label(story_id, tag, present=True)
        if disturbance.kind == "production_incident":
            story = self._hotfix(disturbance, target)
            disturbance.waits_for.append(story.story_id)
            await insert_story(self.context, self._team, story, sprint=disturbance.sprint, expedite=True)
            await self._label(story.story_id, HOTFIX, present=True)
        elif disturbance.kind == "scope_creep" and disturbance.waits_for:
            added = CriterionAdded(story_id=target.story_id, text=_wish(disturbance, target))
            self.context.tell(self._team.facilitator, added)
        elif disturbance.kind == "scope_creep":
            story = self._scope(disturbance, target)
            disturbance.waits_for.append(story.story_id)
            await insert_story(self.context, self._team, story, sprint=disturbance.sprint, expedite=False)

    async def _stage(self, disturbance: Disturbance) -> bool:
        """Let something really break. False: nothing is on main that could."""
        if disturbance.staged is None:
            order = StageIncident(disturbance_id=disturbance.id, sprint=disturbance.sprint)
            staged: IncidentStaged = await insist(self.context, self._team.workshop, order)
            disturbance.staged = staged if staged.family else None
        return disturbance.staged is not None

    def _hotfix(self, disturbance: Disturbance, target: CardView) -> Story:
        if disturbance.staged is not None:
            return executed_hotfix_story(disturbance.id, disturbance.staged)
        return hotfix_story(
            disturbance.id, target.module, target.specialization, target.story_id, priority=target.priority
        )

    def _scope(self, disturbance: Disturbance, target: CardView) -> Story:
        if self._wishes is None:
            return scope_story(disturbance.id, target)
        self._ledger.wishes += 1
        return executed_scope_story(disturbance.id, self._wishes(self._ledger.wishes))

    async def _label(self, story_id: str, tag: str, *, present: bool) -> None:
        try:
            await insist(self.context, self._team.board, TagCard(story_id=story_id, tag=tag, present=present))
        except RefusedError:  # the card has left the board: there is nothing to write on
            return

    # -- the end ----------------------------------------------------------------------------------------------------

    async def _worked_off(self, news: WorkedOff) -> None:
        disturbance = self._ledger.by_id.get(news.disturbance_id)
        if disturbance is None:
            return
        disturbance.spent_minutes += news.minutes
        await self._strike_off(disturbance, news.story_id, news.by)

    async def _story_done(self, story_id: str, by: str) -> None:
        """A hotfix, or scope that crept in as a story, is done."""
        for disturbance in tuple(self._ledger.by_id.values()):
            if story_id.startswith(f"{disturbance.id}-"):
                await self._strike_off(disturbance, story_id, by)

    async def _strike_off(self, disturbance: Disturbance, story_id: str, by: str) -> None:
        if story_id in disturbance.waits_for:
            disturbance.waits_for.remove(story_id)
            if disturbance.tag:
                await self._label(story_id, disturbance.tag, present=False)
        if disturbance.waits_for or disturbance.resolved or not disturbance.struck:
            return
        disturbance.resolved = True
        self.context.publish(
            DisturbanceResolved(
                team=self._team.team,
                sprint=disturbance.sprint,
                disturbance_id=disturbance.id,
                by=by.removeprefix("agent/"),
                struck_us=disturbance.strikes_us,
                resolved_us=self.context.now_us,
                spent_minutes=disturbance.spent_minutes,
            )
        )

    def _draw(self, kind: str, what: str, n: int) -> Draw:
        return self.context.draw(STREAM, f"{self._team.team}/{kind}/{what}", n)


def _people_on(cards: list[CardView], stories: tuple[str, ...]) -> tuple[str, ...]:
    people = [agent for card in cards if card.story_id in stories for agent in (card.owner, card.navigator)]
    return tuple(dict.fromkeys(agent for agent in people if agent))


def _wish(disturbance: Disturbance, card: CardView) -> str:
    return f"what {disturbance.id} asks for beside “{card.title}” can be used"
