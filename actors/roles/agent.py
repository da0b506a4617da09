"""The actor of one person: its duties are composed from the person's roles."""

from __future__ import annotations

from typing import Any, ClassVar

from actors.roles.ceremonies import Ceremonies
from actors.roles.desk import Desk
from actors.roles.driving import Driving
from actors.roles.duty import Duty, Handler
from actors.roles.judging import BEHAVIOURAL, Judge
from actors.roles.leading import Arbitration, Leading
from actors.roles.navigating import Navigating
from actors.roles.person_state import PersonState
from actors.roles.product_owner import ProductOwnership, ProductState
from actors.roles.questions import Questions
from actors.roles.testing import Testing
from actors.scrum.errors import ScrumError
from actors.services.disturbance_messages import CrashActor
from actors.services.failures import CrashRequestedError, UnexpectedMessageError
from actors.services.team_setting import TeamSetting
from actors.services.treasury_messages import StopAsking
from brokers.node.actor import Actor


class Agent(Actor):
    """One member of a team. Everybody takes part in ceremonies and asks questions; roles add the rest."""

    refusals: ClassVar[tuple[type[Exception], ...]] = (ScrumError,)

    def __init__(
        self,
        state: PersonState,
        team: TeamSetting,
        *,
        product: ProductState | None = None,
        judge: Judge = BEHAVIOURAL,
    ) -> None:
        super().__init__()
        self._state, self._team, self._product, self._judge = state, team, product, judge
        self._handlers: dict[type[Any], Handler] = {}

    def on_start(self) -> None:
        """Take up one's duties; after a crash, first give back what was left open."""
        desk = Desk(self.context, self._state, self._team, judge=self._judge)
        questions = Questions(desk)
        duties: list[Duty] = [questions, Ceremonies(desk), *self._duties_of_roles(desk, questions)]
        for duty in duties:
            self._handlers.update(duty.handlers())
            if isinstance(duty, Driving) and self.context.incarnation > 0:
                duty.resume_after_crash()

    def on_receive(self, message: Any) -> Any:
        """Give a message to the duty that takes care of it."""
        if isinstance(message, CrashActor):
            raise CrashRequestedError(message.reason)
        if isinstance(message, StopAsking):
            self._state.purse.is_stopped = True
            return None  # it is told to this agent, whether it is for this one or for all
        handler = self._handlers.get(type(message))
        if handler is None:
            raise UnexpectedMessageError(message)
        return handler(message)

    def _duties_of_roles(self, desk: Desk, questions: Questions) -> list[Duty]:
        roles, roster = self._state.person.roles, self._team.roster
        duties: list[Duty] = []
        if "developer" in roles:
            duties += [Driving(desk, questions), Navigating(desk)]
        if "tester" in roles:
            duties += [Testing(desk), Navigating(desk)]
        if self._product is not None:
            duties += [ProductOwnership(desk, self._product), Arbitration(desk)]
        if self._state.agent == roster.lead.agent:
            duties.append(Leading(desk))
        return duties
