"""What all ceremonies share: the facilitator's context, state and team."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from actors.scrum.calendar import WindowName
from actors.scrum.messages import CeremonyHeld, Member
from actors.services.asking import PATIENCE_US, ask_person, insist
from actors.services.board_messages import BoardSeen, ViewBoard
from actors.services.sprint_state import SprintState
from actors.services.team_setting import TeamSetting, agent_address
from brokers.node.context import Context
from brokers.node.errors import AskTimeoutError, RefusedError
from brokers.wire.registry import Message


class Ceremony:
    """Base class: one part of a sprint, led by the facilitator."""

    def __init__(self, context: Context, state: SprintState, team: TeamSetting) -> None:
        self.context, self.state, self.team = context, state, team

    async def insist(self, address: str, message: Message) -> Any:
        """Ask a service. Raises RefusedError when a rule says no."""
        return await insist(self.context, address, message)

    async def ask(self, member: Member, message: Message) -> Any:
        """Ask a member; None if nobody answers."""
        return await ask_person(self.context, agent_address(member.agent), message)

    async def ask_all(self, members: Iterable[Member], message: Message) -> list[tuple[Member, Any]]:
        """Ask many at once; those who answered, in the order of the members."""
        asked: list[tuple[Member, Any]] = []
        for member in members:
            waiting = _Started(self.context, agent_address(member.agent), message)
            asked.append((member, waiting))
        return [(member, answer) for member, waiting in asked if (answer := await waiting.answer()) is not None]

    async def view_board(self) -> BoardSeen:
        """Look at the wall."""
        seen: BoardSeen = await self.insist(self.team.board, ViewBoard())
        return seen

    async def sleep_until(self, time_us: int) -> None:
        """Wait; returns at once if that time has passed."""
        wait_us = time_us - self.context.now_us
        if wait_us > 0:
            await self.context.sleep(wait_us)

    def window_end(self, name: WindowName) -> int:
        """When a ceremony of today should be over."""
        window = self.team.calendar.window(self.state.sprint, max(1, self.state.day), name)
        return self.context.now_us if window is None else window.end_us

    def held(self, ceremony: str, started_us: int) -> None:
        """Publish that a ceremony is over."""
        self.context.publish(
            CeremonyHeld(
                team=self.team.team,
                sprint=self.state.sprint,
                day=max(1, self.state.day),
                ceremony=ceremony,
                started_us=started_us,
                ended_us=self.context.now_us,
            )
        )


class _Started:
    """A question that is under way to a person."""

    def __init__(self, context: Context, address: str, message: Message) -> None:
        self._pending = context.ask(address, message, timeout_us=PATIENCE_US)

    async def answer(self) -> Any:
        try:
            return await self._pending
        except (RefusedError, AskTimeoutError):
            return None
