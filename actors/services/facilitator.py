"""The facilitator: one coroutine leads a team through all its sprints, and reads like one sprint from top to bottom."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from actors.scrum.capacity import capacity
from actors.scrum.messages import RunEnded, SprintEnded, SprintStarted, TeamFormed
from actors.services.board_messages import BoardChanged, OpenSprint
from actors.services.ceremony import Ceremony
from actors.services.ceremony_messages import TakeStories
from actors.services.development import Development
from actors.services.disturbance_messages import CrashActor, CriterionAdded, StoryInserted
from actors.services.failures import CrashRequestedError, UnexpectedMessageError
from actors.services.merge_messages import MeasureMain
from actors.services.pairing_messages import StoryChecked, WorkStopped
from actors.services.refinement import Refinement
from actors.services.sprint_closing import MetaLearning, Retrospective, SprintReview
from actors.services.sprint_planning import SprintPlanning, carried_points
from actors.services.sprint_state import KnownStory, SprintState
from actors.services.standup import Standup
from actors.services.team_setting import TeamSetting, agent_address
from brokers.node.actor import Actor
from brokers.node.messages import ActorRestarted


class Facilitator(Actor):
    """Leads one team. Its state survives a crash; a restarted facilitator goes on with the step that was broken off."""

    def __init__(self, state: SprintState, team: TeamSetting) -> None:
        super().__init__()
        self._state, self._team = state, team

    def on_start(self) -> None:
        """Announce the team, and begin, or go on, with the sprints."""
        self._stage = Ceremony(self.context, self._state, self._team)
        self._development = Development(self.context, self._state, self._team)
        for member in self._team.roster.members:
            self.context.watch(agent_address(member.agent))
        if self.context.incarnation == 0:
            self._announce()
        if not self._state.is_over:
            self.context.spawn(self._run())

    def on_receive(self, message: Any) -> Any:
        """React to what happens while stories are worked on; the sprint itself is led by `_run`."""
        state = self._state
        match message:
            case BoardChanged():
                return self._development.on_board_changed(message)
            case WorkStopped():
                return self._development.on_work_stopped(message)
            case StoryChecked():
                return self._development.on_story_checked(message)
            case ActorRestarted(actor=actor):
                return self._development.on_restarted(actor.removeprefix("agent/"))
            case StoryInserted(story=story, points=points):
                state.stories[story.story_id] = KnownStory(story=story, points=points)
            case CriterionAdded(story_id=story_id, text=text):
                if story_id in state.stories:
                    state.stories[story_id].added_criteria.append(text)
            case CrashActor(reason=reason):
                raise CrashRequestedError(reason)
            case _:
                raise UnexpectedMessageError(message)
        return None

    # -- the sprints ------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        state = self._state
        if state.sprint == 0:
            state.begin(1)
        while not state.is_over:
            await self._step("opening", self._open_sprint)
            await self._step("refinement", self._refine)
            await self._step("planning", self._plan)
            for day in range(1, self._team.calendar.days_per_sprint + 1):
                state.day = max(state.day, day)
                if day > 1:
                    await self._step(f"standup of day {day}", self._stand_up)
                await self._step(f"pairs of day {day}", self._pair_up)
                await self._step(f"development of day {day}", self._develop)
            await self._step("review", SprintReview(self.context, state, self._team).hold)
            await self._step("retrospective", Retrospective(self.context, state, self._team).hold)
            await self._step("meta-learning", MetaLearning(self.context, state, self._team).hold)
            await self._close_sprint()

    async def _step(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """One step of the sprint; a restarted facilitator skips what is over."""
        if name not in self._state.passed:
            await work()
            self._state.passed[name] = None

    async def _open_sprint(self) -> None:
        """Begin in the morning of the first day, with the capacity that yesterday's weather suggests."""
        state, team = self._state, self._team
        await self._stage.sleep_until(team.calendar.day_start(state.sprint, 1))
        developers = len(team.roster.developers)
        state.capacity = capacity(state.finished_points, developers=developers)
        await self._stage.insist(team.board, OpenSprint(sprint=state.sprint))
        self.context.publish(
            SprintStarted(
                team=team.team,
                sprint=state.sprint,
                days=team.calendar.days_per_sprint,
                capacity_points=state.capacity,
            )
        )

    async def _refine(self) -> None:
        cards = (await self._stage.view_board()).cards
        waiting = sum(card.points for card in cards if card.column == "backlog")
        await Refinement(self.context, self._state, self._team).hold(carried_points(cards) + waiting)
        await self._stage.sleep_until(self._stage.window_end("refinement"))

    async def _plan(self) -> None:
        await SprintPlanning(self.context, self._state, self._team).hold()
        await self._stage.sleep_until(self._stage.window_end("planning"))

    async def _stand_up(self) -> None:
        await self._stage.sleep_until(self._team.calendar.day_start(self._state.sprint, self._state.day))
        await Standup(self.context, self._state, self._team).hold()
        await self._stage.sleep_until(self._stage.window_end("standup"))

    async def _pair_up(self) -> None:
        await self._development.form_pairs()

    async def _develop(self) -> None:
        """Let the day pass; events drive what happens in it."""
        await self._development.assign()
        await self._stage.sleep_until(self._development.ends_us)
        self._state.idle.clear()

    async def _close_sprint(self) -> None:
        state, team = self._state, self._team
        if team.executes:
            await self._stage.insist(team.workshop, MeasureMain(sprint=state.sprint))
        offered = await self._stage.insist(team.product_owner, TakeStories(count=0, known=()))
        state.backlog_exhausted = offered.is_exhausted
        cards = (await self._stage.view_board()).cards
        carried = tuple(card.story_id for card in cards if card.column != "done")
        finished = sum(points for _, points in state.accepted_now)
        self.context.publish(
            SprintEnded(
                team=team.team,
                sprint=state.sprint,
                planned_points=state.committed_points,
                finished_points=finished,
                finished_stories=tuple(story_id for story_id, _ in state.accepted_now),
                carried_stories=carried,
            )
        )
        state.finished_points.append(finished)
        if state.sprint >= team.sprints:
            self._end_run("completed")
        elif state.backlog_exhausted and not carried:
            self._end_run(f"backlog exhausted in sprint {state.sprint}")
        else:
            state.begin(state.sprint + 1)

    def _end_run(self, reason: str) -> None:
        self._state.is_over = True
        self.context.publish(RunEnded(team=self._team.team, sprints=self._state.sprint, reason=reason))

    def _announce(self) -> None:
        team = self._team
        self.context.publish(
            TeamFormed(
                team=team.team,
                members=team.roster.members,
                wip_in_progress=team.wip_in_progress,
                wip_review=team.wip_review,
            )
        )
