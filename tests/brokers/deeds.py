"""Actors for the tests of virtual time: each does what its test has written down."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from brokers.node.actor import Actor
from brokers.node.messages import EffectFailed
from tests.support.world import MILLISECOND, SECOND, VirtualWorld, registry_of

DELAY_US = 50 * MILLISECOND
BACKOFF_US = SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Do:
    """Do what the test has written down under this name."""

    KIND: ClassVar[str] = "test.do/1"
    what: str
    n: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """Something was noted, and when."""

    KIND: ClassVar[str] = "test.noted/1"
    by: str
    what: str
    at_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unregistered:
    """Nobody registers this one."""

    KIND: ClassVar[str] = "test.unregistered/1"


REGISTRY = registry_of(sys.modules[__name__])
REGISTRY._by_kind.pop(Unregistered.KIND)


class FullError(Exception):
    """A rule of the tests."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"only {limit} fit")
        self.limit = limit


Deed = Callable[[Any, Do], Any]


class Doer(Actor):
    """Does what its deeds say; notes what it has no deed for."""

    refusals = (FullError,)

    def __init__(self, deeds: dict[str, Deed]) -> None:
        super().__init__()
        self.deeds = deeds
        self.memory: list[str] = []

    def on_start(self) -> None:
        if "start" in self.deeds:
            self.deeds["start"](self, Do(what="start"))

    def on_receive(self, message: Any) -> Any:
        if isinstance(message, Do) and message.what in self.deeds:
            return self.deeds[message.what](self, message)
        self.note(message.what if isinstance(message, Do) else message.KIND)
        return None

    def note(self, what: str) -> None:
        self.memory.append(what)
        self.context.publish(Noted(by=self.context.name, what=what, at_us=self.context.now_us))


class Oracle:
    """An engine that says back what it was asked, or fails."""

    def answer(self, request: Do, seed: int) -> Any:
        return EffectFailed(reason="no engine") if request.what == "fail" else Do(what=request.what, n=seed)


def start(world: VirtualWorld, name: str, **deeds: Deed) -> None:
    world.start(name, lambda: Doer(deeds))


def noted(world: VirtualWorld, by: str | None = None) -> list[str]:
    return [event.what for event in world.events(Noted) if by is None or event.by == by]


def times(world: VirtualWorld, what: str) -> list[int]:
    return [event.at_us for event in world.events(Noted) if event.what == what]


def crash(actor: Any, message: Do) -> None:
    raise RuntimeError("a bug")


async def slow(actor: Any, message: Do) -> Do:
    await actor.context.sleep(SECOND)
    actor.note("done all the same")
    return Do(what="slowly")
