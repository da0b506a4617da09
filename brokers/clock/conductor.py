"""Runs a simulation: grants windows, carries letters and effects, writes the log.

One turn: let the outside in, decide the next window, commit the effects it will deliver, let all nodes in it work at
the same time, then merge what they did into the log. Everything that can block waits in one `Waiter`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

from brokers.clock.ahead import Islands
from brokers.clock.core import ClockCore, DueEffect, DueReply, Quiet, WaitForEffect, Window
from brokers.clock.effects import EffectDesk
from brokers.clock.members import RemoteMember, unpack_log
from brokers.clock.messages import EffectRequest, Hello, NodeFailed, Sent, WindowDone
from brokers.clock.waiting import Waiter
from brokers.journal.journal import Journal
from brokers.journal.rows import LogRow
from brokers.links.zmq_links import Inbox
from brokers.node.letters import Letter, LetterCodec
from brokers.node.partition import Partition
from brokers.node.rows import EffectIssued, Group, Row, merge
from brokers.wire.registry import Registry

GLANCE_S = 0.002  # wall seconds between two looks at sockets while there is work
COMMIT_S = 0.25  # wall seconds after which log rows are committed even if no effect waits for it


class ClockError(Exception):
    """Base class for what stops a run from the clock's side."""


class NodeLostError(ClockError):
    """Raised when a node said that it cannot go on."""

    def __init__(self, node: str, error: str) -> None:
        super().__init__(f"{node}: {error}")
        self.node, self.error = node, error


class Observer(Protocol):
    """Follows the log; must not change anything that the log depends on."""

    def observe(self, first: int, rows: list[Row]) -> None:
        """Rows in order; `first` is the number of the first one, from 1."""
        ...


class Gate(Protocol):
    """Decides when the next window may begin in wall time: pacing, pause, step."""

    @property
    def is_slow(self) -> bool:
        """Whether every window must pass here, none in the same breath with the one before."""
        ...

    def hold(self, start_us: int, wait: Callable[[int | None], None], *, is_past: bool) -> None:
        """Return when a window at `start_us` may begin; `wait(timeout_ms)` lets the outside in meanwhile.

        `is_past`: an earlier life of the run was there already; it is replayed without holding it up.
        """
        ...

    def passed(self, end_us: int) -> None:
        """A window is over."""
        ...


class OpenGate:
    """As fast as it goes."""

    is_slow = False

    def hold(self, start_us: int, wait: Callable[[int | None], None], *, is_past: bool) -> None: ...

    def passed(self, end_us: int) -> None: ...


class Conductor:
    """The services node's main loop. Owns the clock, the routing of its own node, and the writing of the log."""

    def __init__(
        self,
        *,
        name: str,
        partition: Partition,
        registry: Registry,
        codec: LetterCodec,
        journal: Journal,
        desk: EffectDesk,
        link_delay_us: int,
        remotes: Mapping[str, RemoteMember] | None = None,
        where: Mapping[str, str] | None = None,
        gate: Gate | None = None,
        waiter: Waiter | None = None,
        islands: Sequence[Collection[str]] = (),
    ) -> None:
        """`where` tells the node of every actor that is not in `partition`; `islands`, on one node only, who never
        writes to whom. Raises ValueError for islands that others could reach."""
        if islands and remotes:
            raise ValueError("islands run ahead on one node only")
        self.waiter = waiter or Waiter()
        self.windows = 0
        self.codec = codec
        self._name, self._partition, self._registry = name, partition, registry
        self._journal, self._desk, self._gate = journal, desk, gate or OpenGate()
        self._remotes, self._where = dict(remotes or {}), dict(where or {})
        self._core = ClockCore((name, *self._remotes), link_delay_us=link_delay_us)
        self._islands = Islands(islands, partition) if islands else None
        self._working: set[str] = set()
        self._groups: list[Group] = []
        self._met: dict[str, Hello] = {}
        self._dones: list[WindowDone] = []
        self._under_way: list[tuple[str, int]] = []  # (node, time) of letters the core has not heard of
        self._waiting_letters: dict[str, int] = {}
        self._committed_s = time.monotonic()
        self._replies = 0  # that the executor gave in this life
        self.on_caught_up: Callable[[], None] = lambda: None  # called once, when there is no past left to replay
        for socket in desk.sockets:
            self.waiter.add(socket, self._take_replies)

    # --- what others may ask ---------------------------------------------------------------------------------------

    @property
    def now_us(self) -> int:
        """Everything before this virtual time has been handled."""
        return self._core.now_us

    def now_of(self, actor: str) -> int:
        """Everything of this actor before this time has been handled; later than `now_us` where it ran ahead."""
        return self.now_us if self._islands is None else max(self.now_us, self._islands.now_of(actor))

    @property
    def is_replaying(self) -> bool:
        """Whether the log is still being compared with what an earlier life of this run wrote."""
        return self._journal.count() < self._journal.stored_count()

    def waiting_letters(self) -> dict[str, int]:
        """Letters in the mailboxes of each node."""
        return {self._name: self._partition.waiting, **self._waiting_letters}

    def post_from_outside(self, letter: Letter) -> None:
        """Put a journalled command into the run; its time must not be before `now_of` its receiver."""
        node = self._where.get(letter.dst, self._name)
        self._post(node, letter)

    # --- links -----------------------------------------------------------------------------------------------------

    def dismiss(self) -> None:
        """Tell the other nodes that the run is over."""
        for remote in self._remotes.values():
            remote.finish()

    def listen(self, inbox: Inbox) -> None:
        """Take part in links."""

        def receive() -> None:
            while (frame := inbox.receive(wait=False)) is not None:
                for parts in frame[1]:
                    letter = self.codec.from_list(parts)
                    if letter.dst.startswith("@"):
                        self._steer(letter.body)
                    else:
                        self._partition.deliver(letter)

        self.waiter.add(inbox.socket, receive)

    def meet(self, nodes: int) -> None:
        """Wait until so many other nodes have said hello."""
        while len(self._met) < nodes:
            self.waiter.wait()

    def _steer(self, message: Any) -> None:
        match message:
            case WindowDone():
                self._working.discard(message.node)
                self._dones.append(message)
            case Hello(node=node, next_us=next_us):
                self._core.node_next(node, next_us)
                self._met[node] = message
            case NodeFailed(node=node, error=error):
                raise NodeLostError(node, error)
            case _:
                raise TypeError(f"the clock does not understand {message.KIND}")

    def _account(self, sender: str, sent: tuple[Sent, ...]) -> None:
        """Letters that went from one node to another directly: their receivers must know how many to wait for."""
        for part in sent:
            self._under_way.append((part.node, part.earliest_us))
            remote = self._remotes.get(part.node)
            if remote is not None:
                remote.expect[sender] = part.letters

    # --- the loop --------------------------------------------------------------------------------------------------

    def run(self, observer: Observer) -> None:
        """Conduct until nothing is due any more; everything is committed then. Raises what stops the run."""
        self._core.node_next(self._name, self._partition.next_time())
        has_caught_up = False
        while True:
            if self.waiter.glance(GLANCE_S) or not self._desk.sockets:
                self._collect_effects()
            if not has_caught_up and not self.is_replaying:
                has_caught_up = True
                self.on_caught_up()
            self._hold()
            self._core.runs_ahead = bool(self._remotes) and not self._gate.is_slow
            match self._core.next_window():
                case Quiet():
                    break
                case WaitForEffect():
                    if not self._run_ahead():
                        self._wait(None if self._desk.sockets else 0)
                case Window() as window:
                    self._conduct(window)
                    self._write_log(observer)
        self._write_log(observer)
        self._desk.commit()

    def _hold(self) -> None:
        """Wait until the gate lets the earliest thing pass; meanwhile something earlier may come from outside."""
        while True:
            self._tell_core()
            start_us = self._core.earliest_us()
            if start_us is None:
                return
            self._gate.hold(start_us, self._wait, is_past=self.is_replaying)
            self._tell_core()
            if self._core.earliest_us() == start_us:
                return

    def _wait(self, timeout_ms: int | None) -> None:
        if not self._collect_effects():  # it also asks for what was only queued so far
            self.waiter.wait(timeout_ms)

    def _conduct(self, window: Window) -> None:
        if window.effects:
            self._desk.make_durable([due for due, _ in window.effects])
        self.windows += 1
        effects: dict[str, list[DueReply]] = {}
        for pair in window.effects:
            effects.setdefault(pair[0].node, []).append(pair)
        for node in window.nodes:
            if node != self._name:
                self._working.add(node)
                self._remotes[node].grant(self.windows, window, effects.get(node, ()))
        if self._name in window.nodes:
            self._work(window.end_us, effects.get(self._name, ()))
        while self._working:
            self.waiter.wait()
        self._core.node_next(self._name, self._partition.next_time())
        self._core.reached(max([window.end_us, *(done.end_us for done in self._dones)]))
        if self._dones:
            self._settle_dones()
        self._tell_core()
        self._gate.passed(window.end_us)

    def _run_ahead(self) -> bool:
        """Let an island go on that does not wait; whether there was one. A gate that looks at windows sees them all."""
        found = None if self._islands is None or self._gate.is_slow else self._islands.window(self._core)
        if found is None:
            return False
        assert self._islands is not None
        island, window = found
        self._desk.make_durable([due for due, _ in window.effects])
        self.windows += 1
        for due, reply in window.effects:
            self._partition.deliver_effect(due.actor, due.number, due.due_us, reply)
        result = self._partition.run_window(window.end_us, island=island)
        self._islands.ran(island, result.groups)
        self._issue(self._name, result.effects)
        self._core.node_next(self._name, self._partition.next_time())
        return True

    def _settle_dones(self) -> None:
        """Take in what the other nodes did, once all of them are done: a letter under way may be due before what its
        receiver, who has not seen it yet, called its next."""
        for done in self._dones:
            self._core.node_next(done.node, done.next_us)
            self._waiting_letters[done.node] = done.waiting
            self._groups.extend(unpack_log(done.log, self._registry))
        for done in self._dones:
            self._account(done.node, done.sent)
            self._issue(done.node, done.effects)
        self._dones.clear()

    def _tell_core(self) -> None:
        for node, time_us in self._under_way:
            self._core.letters_sent(node, time_us)
        self._under_way.clear()

    def _work(self, end_us: int, effects: Iterable[DueReply]) -> None:
        if self._islands is not None:
            self._islands.changed()
        for due, reply in effects:
            self._partition.deliver_effect(due.actor, due.number, due.due_us, reply)
        result = self._partition.run_window(end_us)
        self._groups.extend(result.groups)
        for letter in result.outgoing:
            self._post(self._where[letter.dst], letter)
        self._issue(self._name, result.effects)

    def _post(self, node: str, letter: Letter) -> None:
        if node == self._name:
            self._partition.deliver(letter)
            if self._islands is not None:
                self._islands.changed()
        else:
            self._remotes[node].post(letter)
        self._under_way.append((node, letter.time_us))

    def _issue(self, node: str, effects: tuple[EffectRequest, ...] | list[EffectIssued]) -> None:
        for effect in effects:
            self._core.effect_issued(DueEffect(effect.due_us, effect.actor, effect.number, node))
            reply = self._desk.issue(effect)
            if reply is not None:
                self._core.effect_replied(effect.actor, effect.number, reply)

    def _collect_effects(self) -> bool:
        """Send what waits for engines and take in what they replied; whether there was something."""
        before = self._replies
        if self._desk.is_asking:
            self._take_replies()
        return self._replies > before

    def _take_replies(self) -> None:
        for effect, reply in self._desk.collect():
            self._replies += 1
            self._core.effect_replied(effect.actor, effect.number, reply)

    # --- the log ---------------------------------------------------------------------------------------------------

    def _write_log(self, observer: Observer) -> None:
        if self._islands is not None and self._islands.is_ahead:
            self._groups += self._islands.released(self._core.earliest_us())
        if not self._groups:
            return
        rows = merge(self._groups)
        self._groups = []
        first = self._journal.count() + 1
        self._journal.append([LogRow._make(row[:7]) for row in rows])
        now_s = time.monotonic()
        if now_s - self._committed_s > COMMIT_S:
            self._committed_s = now_s
            self._desk.commit()
        observer.observe(first, rows)
