"""Which versions of adapters the engines of a pool are to have, and which tasks that makes. No I/O, no clock.

A version is loaded by every engine of its base model, also by one that comes back after a death. It is unloaded once
every request is answered that named it before: one that an engine has under way is asked again if that engine is lost.
"""

from __future__ import annotations

from typing import NamedTuple

from brokers.wire.packing import packer, unpack
from brokers.wire.registry import Registry, WireError
from inference.adapters.messages import AdapterLoaded, AdapterRefused, AdapterUnloaded, LoadAdapter, UnloadAdapter
from inference.pool.core import PoolCore
from inference.pool.frames import ChangeAdapter
from inference.pool.waiting import Lane
from inference.text import adapter_name

Outcome = AdapterLoaded | AdapterUnloaded | AdapterRefused


class AdapterChange(NamedTuple):
    """What an engine answered to a task."""

    engine: str
    incarnation: str
    outcome: Outcome


class Adapting:
    """The wishes of one pool, and the tasks that are under way."""

    def __init__(self, core: PoolCore) -> None:
        self._core = core
        self._wanted: dict[Lane, LoadAdapter] = {}
        self._unwanted: dict[Lane, tuple[UnloadAdapter, int]] = {}  # with the last request that still gets it
        self._tasks: dict[int, tuple[str, Lane]] = {}  # by number: engine, version
        self._number = 0
        self._done: list[AdapterChange] = []
        self._registry, self._pack = adapter_registry(), packer()

    @property
    def is_unloading(self) -> bool:
        """Whether `due` may have something."""
        return bool(self._unwanted)

    def load(self, wanted: LoadAdapter) -> list[tuple[str, ChangeAdapter]]:
        """Every engine of the base gets the task."""
        lane = _lane(wanted)
        self._wanted[lane] = wanted
        self._unwanted.pop(lane, None)
        self._core.members.promised[lane] = None
        self._core.members.changed()
        engines = [each.name for each in self._core.members.with_model(wanted.base) if not each.is_starting]
        return [self._task(engine, lane, wanted) for engine in engines]

    def unload(self, unwanted: UnloadAdapter) -> None:
        """As soon as nothing that was asked before needs it any more, `due` has the tasks."""
        lane = _lane(unwanted)  # stays wanted until then: an engine that comes back meanwhile needs it, too
        self._unwanted[lane] = (unwanted, self._core.last_order)

    def due(self) -> list[tuple[str, ChangeAdapter]]:
        """Tasks to unload that may go out now."""
        tasks: list[tuple[str, ChangeAdapter]] = []
        for lane, (unwanted, last) in list(self._unwanted.items()):
            if self._core.is_needed(lane, up_to=last):
                continue
            del self._unwanted[lane]
            self._wanted.pop(lane, None)
            self._core.members.promised.pop(lane, None)
            self._core.members.changed()
            engines = [each.name for each in self._core.members.with_model(unwanted.base) if not each.is_starting]
            tasks += [self._task(engine, lane, unwanted) for engine in engines]
        return tasks

    def met(self, engine: str) -> list[tuple[str, ChangeAdapter]]:
        """Tasks for an engine that has announced itself, and neither has nor is loading what it should have."""
        member = self._core.members.live.get(engine)
        if member is None or not self._wanted:
            return []
        asked = [lane for name, lane in self._tasks.values() if name == self._id(engine)]
        lacking = [
            lane
            for lane in self._wanted
            if member.serves.has_model(lane.model)
            and lane not in asked
            and (member.serves.adapters is None or lane.adapter not in member.serves.adapters)
            and lane not in member.refused
        ]
        for lane in lacking:
            self._core.members.promised[lane] = None
        return [self._task(engine, lane, self._wanted[lane]) for lane in lacking]

    def done(self, engine: str, incarnation: str, number: int, body: bytes) -> bool:
        """An engine answered. False: it says nothing that an engine says about adapters, or was not asked."""
        if self._tasks.get(number, ("", None))[0] != self._id(engine):
            return False
        try:
            outcome = self._registry.from_body(unpack(body))
        except WireError:
            return False
        if not isinstance(outcome, AdapterLoaded | AdapterUnloaded | AdapterRefused):
            return False
        _, lane = self._tasks.pop(number)
        member = self._core.members.live[engine]
        held = [each for each in member.serves.adapters or () if each != lane.adapter]
        if isinstance(outcome, AdapterLoaded):
            held.append(lane.adapter)
        if not isinstance(outcome, AdapterRefused):
            member.serves = member.serves._replace(adapters=tuple(sorted(held)))
        elif lane in self._wanted:
            member.refused[lane] = None
        if not self._may_be_loaded(lane):
            self._core.members.promised.pop(lane, None)  # who waits for it is refused
        self._core.members.changed()
        self._done.append(AdapterChange(engine, incarnation, outcome))
        return True

    def drain(self) -> list[AdapterChange]:
        """Answers since the last call."""
        done, self._done = self._done, []
        return done

    def _may_be_loaded(self, lane: Lane) -> bool:
        """Whether a version is wanted, and an engine of the base has it or may come to have it."""
        if lane not in self._wanted:
            return False
        members = self._core.members.with_model(lane.model)
        return not members or any(lane not in each.refused for each in members)

    def _id(self, engine: str) -> str:
        """Tells incarnations apart: an answer of one is none of the next one's."""
        member = self._core.members.live.get(engine)
        return f"{engine}/{member.incarnation if member else ''}"

    def _task(self, engine: str, lane: Lane, wanted: LoadAdapter | UnloadAdapter) -> tuple[str, ChangeAdapter]:
        self._number += 1
        self._tasks[self._number] = (self._id(engine), lane)
        return engine, ChangeAdapter(self._number, self._pack(self._registry.to_body(wanted)))


def adapter_registry() -> Registry:
    """The messages that travel about adapters."""
    registry = Registry()
    registry.register(LoadAdapter, UnloadAdapter, AdapterLoaded, AdapterUnloaded, AdapterRefused)
    return registry


def _lane(change: LoadAdapter | UnloadAdapter) -> Lane:
    return Lane(change.base, adapter_name(change.name, change.version))
