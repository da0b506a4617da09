"""A whole node in virtual time for tests: real partition, real codec, engine in line, no processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from brokers.node import messages as node_messages
from brokers.node.letters import Letter, LetterCodec
from brokers.node.partition import Partition, Supervision, Turns, in_order
from brokers.node.rows import Row, merge
from brokers.wire.registry import Registry

MILLISECOND = 1_000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


def minutes(count: int) -> int:
    """Microseconds in so many minutes."""
    return count * MINUTE


def registry_of(*modules: ModuleType) -> Registry:
    """A registry of the runtime's messages and those of the given modules."""
    registry = Registry()
    registry.register_module(node_messages, *modules)
    return registry


@dataclass
class VirtualWorld:
    """Start actors, send letters from outside, run, and look at what was published and logged."""

    registry: Registry
    engine: Any = None  # has .answer(request, seed) -> message
    seed: int = 1
    link_delay_us: int = 50 * MILLISECOND
    turns: Turns = in_order
    supervision: Supervision | None = None
    rows: list[Row] = field(default_factory=list)
    published: list[Any] = field(default_factory=list)
    effects: list[Any] = field(default_factory=list)
    now_us: int = 0

    def __post_init__(self) -> None:
        self.partition = Partition(
            self.registry,
            seed=self.seed,
            link_delay_us=self.link_delay_us,
            turns=self.turns,
            supervision=self.supervision,
        )
        self._codec = LetterCodec(self.registry, self.partition.tie)
        self._outside = 0
        self._due: list[tuple[int, str, int, bytes]] = []

    def start(self, name: str, factory: Callable[[], Any]) -> None:
        self.partition.start(name, factory, order=len(self.partition.names()))

    def tell(self, to: str, message: Any, *, at: int = 0) -> None:
        """Send a message from outside; it arrives at `at` (not before what already happened)."""
        self._send(to, message, at, corr=0)

    def ask(self, to: str, message: Any, *, at: int | None = None) -> Any:
        """Ask, run until quiet, and return the answer. Raises what a refusal raises in an actor."""
        asker = f"outside/{self._outside}"
        probe = _Probe()
        self.partition.start(asker, lambda: _asker(probe, to, message, at or self.now_us + 1), order=10_000)
        self.run_until_quiet()
        if probe.error is not None:
            raise probe.error
        assert probe.answered, f"{to} never answered {message}"
        return probe.value

    def run_until_quiet(self, *, limit_us: int | None = None) -> None:
        """Handle everything there is (up to `limit_us`)."""
        while (start := self._next()) is not None and (limit_us is None or start < limit_us):
            end = start + self.link_delay_us
            if limit_us is not None:
                end = min(end, limit_us)
            self._window(end)

    def run_until(self, time_us: int) -> None:
        self.run_until_quiet(limit_us=time_us)
        self.now_us = max(self.now_us, time_us)

    def events(self, cls: type[Any]) -> list[Any]:
        """Published events of one class, in order."""
        return [event for event in self.published if isinstance(event, cls)]

    def _send(self, to: str, message: Any, at: int, *, corr: int) -> None:
        self._outside += 1
        time_us = max(at, self.now_us)
        self.partition.deliver(
            Letter(time_us, self.partition.tie(time_us, "outside"), "outside", self._outside, to, "", corr, 0, message)
        )

    def _next(self) -> int | None:
        times = [
            time
            for time in (self.partition.next_time(), min((d[0] for d in self._due), default=None))
            if time is not None
        ]
        return min(times, default=None)

    def _window(self, end: int) -> None:
        for effect in sorted(due for due in self._due if due[0] < end):
            self._due.remove(effect)
            self.partition.deliver_effect(effect[1], effect[2], effect[0], effect[3])
        result = self.partition.run_window(end)
        for issued in result.effects:
            request = self._codec.from_body_bytes(issued.request)
            self.effects.append(request)
            assert self.engine is not None, f"{issued.actor} asked for an effect, but this world has no engine"
            reply = self.engine.answer(request, seed=issued.number)
            self._due.append((issued.due_us, issued.actor, issued.number, self._codec.to_body_bytes(reply)))
        for row in merge(result.groups):
            self.now_us = row.time_us
            self.rows.append(row)
            if row.message is not None:
                self.published.append(row.message)


class _Probe:
    value: Any = None
    error: Exception | None = None
    answered = False


def _asker(probe: _Probe, to: str, message: Any, at: int) -> Any:
    from brokers.node.actor import Actor
    from brokers.node.errors import NodeError

    class Asker(Actor):
        def on_start(self) -> None:
            self.context.spawn(self._ask())

        async def _ask(self) -> None:
            await self.context.sleep(max(1, at - self.context.now_us))
            try:
                probe.value = await self.context.ask(to, message)
            except NodeError as error:
                probe.error = error
            probe.answered = True

    return Asker()
