"""The engines of a pool: who is there, who is expected, and who is the best one for a request. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from inference.pool.instructions import Refused, TurnedAway
from inference.pool.state import UNTOLD, EngineStatus, EngineView, Serves
from inference.pool.waiting import Lane, OpenRequest
from inference.text import TextCounters

REMEMBERED = 512  # adapters and beginnings of prompts that an engine is thought to have at hand


@dataclass(slots=True, eq=False)
class Member:
    """One incarnation of an engine."""

    name: str
    incarnation: str
    slots: int
    ahead: int = 0  # requests that it takes beyond its slots, so that a free slot never waits for a message
    serves: Serves = UNTOLD
    last_seen_s: float = 0.0
    is_starting: bool = False
    is_draining: bool = False
    counters: TextCounters | None = None
    under_way: dict[str, OpenRequest] = field(default_factory=dict)  # by ticket, oldest first
    given_up: dict[str, None] = field(default_factory=dict)  # tickets answered without it, which still take a slot
    recent: dict[str | bytes, None] = field(default_factory=dict)  # adapters and prefixes, the latest last
    refused: dict[Lane, None] = field(default_factory=dict)  # adapters that it was to load and would not

    @property
    def busy(self) -> int:
        """Slots that are taken."""
        return len(self.under_way) + len(self.given_up)

    @property
    def has_room(self) -> bool:
        """Whether it takes one more."""
        return self.busy < self.slots + self.ahead

    @property
    def load(self) -> float:
        """The share of its slots that are taken."""
        return self.busy / self.slots

    @property
    def status(self) -> EngineStatus:
        """What it does, in a word."""
        return "draining" if self.is_draining else "starting" if self.is_starting else "ready"

    def give(self, request: OpenRequest) -> None:
        """It gets a request, and what that needs at hand."""
        self.under_way[request.ticket] = request
        request.engine = self.name
        aim = request.aim
        if not (aim.adapter or aim.prefix):
            return
        for key in (aim.adapter, aim.prefix):
            if key:
                self.recent.pop(key, None)
                self.recent[key] = None
        while len(self.recent) > REMEMBERED:
            del self.recent[next(iter(self.recent))]

    def view(self) -> EngineView:
        """As others may see it."""
        return EngineView(
            name=self.name,
            incarnation=self.incarnation,
            status=self.status,
            models=self.serves.models,
            adapters=self.serves.adapters,
            slots=self.slots,
            under_way=self.busy,
            counters=self.counters,
        )


class Members:
    """Who may answer what. `expected` are engines that belong to the pool also while they are away."""

    def __init__(self) -> None:
        self.live: dict[str, Member] = {}
        self.expected: dict[str, Serves] | None = None  # None: nobody said; then anybody may still come
        self.promised: dict[Lane, None] = {}  # adapters that engines load because the pool told them to
        self.given_up: tuple[str, ...] = ()  # models whose engines keep dying; until further notice nobody answers them
        self._able: dict[Lane, list[Member]] = {}

    def changed(self) -> None:
        """Forget who may answer what; called whenever an engine comes, goes or serves other things."""
        self._able.clear()

    def expect(self, engines: Mapping[str, Serves]) -> None:
        """These engines and no others belong to the pool."""
        self.expected = dict(engines)
        self.changed()

    def able(self, lane: Lane) -> list[Member]:
        """Engines that are there and may answer requests of a lane, by name."""
        found = self._able.get(lane)
        if found is None:
            found = self._able[lane] = self._find_able(lane)
        return found

    def can_ever_serve(self, model: str) -> bool:
        """Whether an engine that is there or expected has a model; True while nobody said who is expected."""
        if self.expected is None or not model:
            return True
        serves = [*self.expected.values(), *(member.serves for member in self.live.values())]
        return any(each.has_model(model) for each in serves)

    def no_to(self, ticket: str, model: str) -> Refused | TurnedAway | None:
        """What a request is told whose model nobody will answer; None if somebody may."""
        if not self.can_ever_serve(model):
            return Refused(ticket, model)
        return TurnedAway(ticket, model) if model in self.given_up else None

    def choose(self, request: OpenRequest, reserve: int) -> Member | None:
        """The engine with the smallest share of its slots taken; among equals one that has adapter and prefix at hand.

        Args:
            reserve: Slots that must stay free over the engines of each model that the chosen one serves.
        Returns:
            None if no engine has room.
        """
        able = self.able(request.lane)
        if len(able) == 1 and not reserve:  # by far the commonest case of a simulation
            return able[0] if able[0].has_room else None
        best: Member | None = None
        best_rank: tuple[float, bool, bool] = (math.inf, False, False)
        aim = request.aim
        for member in able:
            rank = (member.load, aim.adapter not in member.recent, aim.prefix not in member.recent)
            if rank < best_rank and member.has_room and (not reserve or self._leaves(member, reserve)):
                best, best_rank = member, rank
        return best

    def with_model(self, model: str) -> list[Member]:
        """Engines of a model, also those that start or drain, by name."""
        return [self.live[name] for name in sorted(self.live) if self.live[name].serves.has_model(model)]

    def views(self) -> tuple[EngineView, ...]:
        """All engines, those that are away included, by name."""
        away = {name: each for name, each in (self.expected or {}).items() if name not in self.live}
        views = {name: member.view() for name, member in self.live.items()}
        views |= {name: _away(name, serves) for name, serves in away.items()}
        return tuple(views[name] for name in sorted(views))

    def _find_able(self, lane: Lane) -> list[Member]:
        ready = [self.live[name] for name in sorted(self.live) if self.live[name].status == "ready"]
        if not lane.model:
            return ready
        named = [each for each in ready if each.serves.models is not None and lane.model in each.serves.models]
        able = named or [each for each in ready if each.serves.models is None]
        if not lane.adapter:
            return able
        if lane in self.promised:  # an engine that does not say has not been told yet, or is about to load it
            return [each for each in able if lane.adapter in (each.serves.adapters or ())]
        holding = [each for each in able if each.serves.has_adapter(lane.adapter)]
        return holding if holding or self._is_awaited(lane) else able  # who has it not refuses it, in its own words

    def _is_awaited(self, lane: Lane) -> bool:
        """Whether an adapter will be there: an engine that is away or starting has it."""
        awaited = [
            serves
            for name, serves in (self.expected or {}).items()
            if name not in self.live or self.live[name].is_starting
        ]
        return any(
            lane.model in (each.models or ()) and each.adapters is not None and lane.adapter in each.adapters
            for each in awaited
        )

    def _leaves(self, member: Member, reserve: int) -> bool:
        """Whether enough stays free for agents, of whichever model of this engine, when it gets one request more."""
        return all(_leaves(self.able(Lane(model, "")), reserve) for model in member.serves.models or ("",))


def _leaves(engines: Iterable[Member], reserve: int) -> bool:
    free = slots = 0
    for each in engines:
        slots += each.slots
        free += max(0, each.slots - each.busy)
    return free - 1 >= min(reserve, slots - 1)  # a pool no larger than its reserve still leaves one slot to all


def _away(name: str, serves: Serves) -> EngineView:
    return EngineView(
        name=name,
        incarnation="",
        status="away",
        models=serves.models,
        adapters=serves.adapters,
        slots=0,
        under_way=0,
        counters=None,
    )
