"""Which engine gets which request: urgency, credits and what happens when an engine is lost. No I/O, no clock.

An engine announces itself with its free slots; each request it is sent uses one up, each reply gives it back. Requests
go to an engine that serves what they are for: the least loaded one, then one that has adapter and prefix at hand. The
more urgent go first; the last slots of each model's engines are left to agents. What a lost engine had under way is
queued again, in front, under the same ticket and seed, so that whoever answers gives the same answer.

Each request gets exactly one of Completed, Refused, Unsent and Expired.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from inference.pool.deadlines import Deadlines
from inference.pool.instructions import (
    Completed,
    Expired,
    Instruction,
    Late,
    Overdue,
    Refused,
    Reset,
    Send,
    Stop,
    Unsent,
)
from inference.pool.members import Member, Members
from inference.pool.state import ANYWHERE, NO_LIMITS, UNTOLD, Aim, LostWork, PoolLimits, PoolState, Serves
from inference.pool.waiting import OPEN_LANE, Lane, OpenRequest, WaitingRoom
from inference.text import PRIORITIES, Priority, TextCounters


class DuplicateTicketError(ValueError):
    """Raised when a ticket is submitted that is still open."""

    def __init__(self, ticket: str) -> None:
        super().__init__(f"ticket {ticket!r} is still open")
        self.ticket = ticket


class PoolCore:
    """Owns all open requests of one pool. Every method returns what is to be done now."""

    def __init__(self, limits: PoolLimits = NO_LIMITS, members: Members | None = None) -> None:
        self.limits = limits
        self.members = members or Members()
        self.counts: Counter[str] = Counter()  # submitted, sent, completed, requeued, lost, dropped_<why>
        self._waiting = WaitingRoom()
        self._open: dict[str, OpenRequest] = {}
        self._given_up: dict[str, str] = {}  # expired tickets that an engine still works on, with its name
        self._ended: dict[tuple[str, str], None] = {}  # engines and incarnations that are over
        self._lost: list[LostWork] = []
        self._deadlines = Deadlines(self._open)
        self._passed: Counter[Priority] = Counter()  # more urgent requests sent since one of this class was
        self._order = 0

    @property
    def queued(self) -> int:
        """Requests that wait for a free slot."""
        return len(self._waiting)

    @property
    def engines(self) -> dict[str, int]:
        """Engines that are there, each with the number of slots that are taken."""
        return {name: member.busy for name, member in self.members.live.items()}

    def is_open(self, ticket: str) -> bool:
        """Whether a request is neither answered nor unknown."""
        return ticket in self._open

    def is_current(self, engine: str, incarnation: str) -> bool:
        """Whether an engine is there in just this incarnation."""
        member = self.members.live.get(engine)
        return member is not None and member.incarnation == incarnation

    def is_with(self, engine: str, ticket: str) -> bool:
        """Whether this engine is working on a ticket that somebody still waits for."""
        member = self.members.live.get(engine)
        return member is not None and ticket in member.under_way

    def waiting_s(self, *, now_s: float) -> float:
        """How long the oldest open request has been waiting for its answer; 0 when there is none."""
        return max((now_s - request.submitted_s for request in self._open.values()), default=0.0)

    def is_for_text(self, ticket: str) -> bool:
        """Whether a ticket is open and asks a model for text."""
        request = self._open.get(ticket)
        return request is not None and bool(request.aim.model)

    def waiting_models(self) -> list[str]:
        """The models that requests without a slot ask for; empty names among them ask for any engine."""
        return sorted({each.aim.model for each in self._waiting})

    @property
    def last_order(self) -> int:
        """The number of the latest request that was taken on."""
        return self._order

    def is_needed(self, lane: Lane, *, up_to: int) -> bool:
        """Whether requests of a lane are open, of those up to a number: an engine that has one now may yet be lost."""
        return any(each.lane == lane and each.order <= up_to for each in self._open.values())

    def state(self) -> PoolState:
        """A copy of how things stand."""
        queued = {priority: self._waiting.count(priority) for priority in PRIORITIES}
        return PoolState(engines=self.members.views(), queued=queued, counts=dict(self.counts))

    def lost(self) -> list[LostWork]:
        """Incarnations that ended since the last call."""
        lost, self._lost = self._lost, []
        return lost

    # -- requests ------------------------------------------------------------------------------------------------------

    def submit(
        self,
        ticket: str,
        request: bytes,
        seed: int,
        *,
        now_s: float,
        aim: Aim = ANYWHERE,
        deadline_s: float | None = None,
    ) -> list[Instruction]:
        """Take a request on; `deadline_s` is on the clock of `now_s`. Raises DuplicateTicketError."""
        if ticket in self._open or ticket in self._given_up:
            raise DuplicateTicketError(ticket)
        self.counts["submitted"] += 1
        if not self.members.can_ever_serve(aim.model):
            self.counts["refused"] += 1
            return [Refused(ticket, aim.model)]
        self._order += 1
        lane = OPEN_LANE if aim is ANYWHERE else Lane(aim.model, aim.adapter)
        taken = OpenRequest(ticket, seed, request, aim, lane, self._order, now_s)
        self._open[ticket] = taken
        if deadline_s is not None:
            self._deadlines.note(taken, deadline_s)
        if not self._waiting:  # then nobody is passed over
            member = self.members.choose(taken, 0 if aim.priority == "agent" else self.limits.reserve)
            if member is not None:
                member.give(taken)
                self.counts["sent"] += 1
                return [Send(member.name, ticket, seed, request)]
        self._waiting.add(taken)
        return self._dispatch()

    def cancel(self, ticket: str) -> list[Instruction] | None:
        """Nobody wants the answer any more. An engine that is working on it is told; its reply is the answer then.

        Returns None for a ticket that is not open.
        """
        request = self._open.get(ticket)
        if request is None:
            return None
        if request.engine is not None:
            already, request.is_cancelled = request.is_cancelled, True
            return [] if already else [Stop(request.engine, ticket)]
        self._waiting.take(request)
        return [self._unsent(request)]

    def tick(self, *, now_s: float) -> list[Instruction]:
        """Time went by: give up what is too late, and engines that are silent."""
        found: list[Instruction] = []
        for request in self._deadlines.take_due(now_s):
            found += self._expire(request, now_s)
        for member in list(self.members.live.values()):
            lease_s = self.limits.start_s if member.is_starting else self.limits.lease_s
            if self.limits.lease_s is not None and lease_s is not None and now_s - member.last_seen_s > lease_s:
                self.counts["overdue"] += 1
                found += [Overdue(member.name, member.incarnation), *self.engine_lost(member.name)]
        return found

    def next_deadline_s(self) -> float | None:
        """When the next request may expire; None if none will."""
        return self._deadlines.next_s

    # -- engines -------------------------------------------------------------------------------------------------------

    def expect(self, engines: Mapping[str, Serves]) -> list[Instruction]:
        """These engines belong to the pool, also while they are away; what none of them serves is refused."""
        self.members.expect(engines)
        return self._refuse_hopeless()

    def engine_ready(
        self,
        engine: str,
        incarnation: str,
        slots: int,
        *,
        serves: Serves = UNTOLD,
        counters: TextCounters | None = None,
        is_starting: bool = False,
        ahead: int = 0,
        now_s: float = 0.0,
    ) -> list[Instruction]:
        """An engine is there and will take `slots` requests at once; repeated as a sign of life.

        Another incarnation under the same name means that the earlier one is gone. One that is over stays so.
        """
        if slots < 1:
            raise ValueError(f"an engine needs at least one slot, {engine} announced {slots}")
        if (engine, incarnation) in self._ended:
            self.counts["dropped_dead_incarnation"] += 1
            return [Reset(engine)]
        member = self.members.live.get(engine)
        found: list[Instruction] = []
        if member is None or member.incarnation != incarnation:
            if member is not None:
                found += self._forget(member)
            member = self.members.live[engine] = Member(engine, incarnation, slots, ahead, serves, now_s, is_starting)
            self.members.changed()
        elif (member.serves, member.is_starting) != (serves, is_starting):
            member.serves, member.is_starting = serves, is_starting
            self.members.changed()
            found += self._refuse_hopeless()
        member.slots, member.ahead, member.last_seen_s = slots, ahead, now_s
        member.counters = counters or member.counters
        return [*found, *self._dispatch()]

    def engine_drains(self, engine: str) -> bool:
        """Give an engine nothing new from now on. False: it is not there."""
        member = self.members.live.get(engine)
        if member is not None:
            member.is_draining = True
            self.members.changed()
        return member is not None

    def engine_lost(self, engine: str, *, was_orderly: bool = False) -> list[Instruction]:
        """An engine is gone; what it had under way goes to others, or waits for it to come back."""
        member = self.members.live.get(engine)
        found = [] if member is None else self._forget(member, was_orderly=was_orderly)
        return [*found, *self._dispatch()]

    def reply(self, engine: str, incarnation: str, ticket: str, reply: bytes) -> list[Instruction]:
        """An engine answered. What nobody waits for any more is dropped and counted."""
        member = self.members.live.get(engine)
        if member is None or member.incarnation != incarnation:
            self.counts["dropped_dead_incarnation"] += 1
            return []
        if member.under_way.pop(ticket, None) is not None:
            del self._open[ticket]
            self.counts["completed"] += 1
            return [Completed(ticket, reply), *self._dispatch()] if self._waiting else [Completed(ticket, reply)]
        if ticket in member.given_up:
            del member.given_up[ticket], self._given_up[ticket]
            self.counts["late"] += 1
            return [Late(ticket, reply), *self._dispatch()]
        self.counts["dropped_not_under_way"] += 1
        return []

    def heard(self, engine: str, counters: TextCounters | None, *, now_s: float) -> None:
        """An engine that is there said something: it lives, and may have told its counters."""
        member = self.members.live[engine]
        member.last_seen_s, member.counters = now_s, counters or member.counters

    def dispatch(self) -> list[Instruction]:
        """What can be sent now, after `members` was changed from outside."""
        return [*self._refuse_hopeless(), *self._dispatch()]

    # -- inside --------------------------------------------------------------------------------------------------------

    def _expire(self, request: OpenRequest, now_s: float) -> list[Instruction]:
        self.counts["expired"] += 1
        del self._open[request.ticket]
        expired = Expired(request.ticket, now_s - request.submitted_s, was_sent=request.engine is not None)
        if request.engine is None:
            self._waiting.take(request)
            return [expired]
        member = self.members.live[request.engine]
        del member.under_way[request.ticket]
        member.given_up[request.ticket] = None  # its slot stays taken until the engine says so
        self._given_up[request.ticket] = member.name
        return [expired] if request.is_cancelled else [expired, Stop(member.name, request.ticket)]

    def _unsent(self, request: OpenRequest) -> Unsent:
        del self._open[request.ticket]
        self.counts["unsent"] += 1
        return Unsent(request.ticket, request.body)

    def _forget(self, member: Member, *, was_orderly: bool = False) -> list[Instruction]:
        del self.members.live[member.name]
        self.members.changed()
        self._ended[member.name, member.incarnation] = None
        tickets = (*member.under_way, *member.given_up)
        self._lost.append(
            LostWork(
                engine=member.name,
                incarnation=member.incarnation,
                tickets=tickets,
                counters=member.counters,
                was_orderly=was_orderly,
            )
        )
        for ticket in member.given_up:
            del self._given_up[ticket]
        for request in (again := [each for each in member.under_way.values() if not each.is_cancelled]):
            request.engine = None
        self._waiting.add_in_front(again)
        self.counts["lost"] += 1
        self.counts["requeued"] += len(again)
        unsent = [self._unsent(each) for each in member.under_way.values() if each.is_cancelled]
        return [*unsent, *self._refuse_hopeless()]

    def _refuse_hopeless(self) -> list[Instruction]:
        if self.members.expected is None:
            return []
        hopeless = [each for each in self._waiting if not self.members.can_ever_serve(each.aim.model)]
        for request in hopeless:
            self._waiting.take(request)
            del self._open[request.ticket]
            self.counts["refused"] += 1
        return [Refused(each.ticket, each.aim.model) for each in hopeless]

    def _dispatch(self) -> list[Instruction]:
        sends: list[Instruction] = []
        while self._waiting and (chosen := self._next()) is not None:
            request, member = chosen
            self._waiting.take(request)
            member.give(request)
            self._note_passed(request.aim.priority)
            sends.append(Send(member.name, request.ticket, request.seed, request.body))
        self.counts["sent"] += len(sends)
        return sends

    def _next(self) -> tuple[OpenRequest, Member] | None:
        """The most urgent request that an engine has room for; first a class that was passed over for too long."""
        for priority in self._turns():
            reserve = 0 if priority == "agent" else self.limits.reserve
            for _, lane in self._waiting.lanes(priority):
                member = self.members.choose(lane[0], reserve)
                if member is not None:
                    return lane[0], member
        return None

    def _turns(self) -> Iterable[Priority]:
        if not self._passed:
            return PRIORITIES
        return sorted(PRIORITIES, key=lambda each: self._passed[each] < self.limits.patience)

    def _note_passed(self, sent: Priority) -> None:
        self._passed.pop(sent, None)
        if not self._waiting:
            return
        for priority in PRIORITIES[PRIORITIES.index(sent) + 1 :]:
            if self._waiting.count(priority):
                self._passed[priority] += 1
