"""One actor's place in a partition: its mailbox, its counters, its incarnation, and what it waits for.

The cell survives a crash of the actor in it: sequence numbers, effect counter and mailbox go on; coroutines, asks and
timers of the dead incarnation do not.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from brokers.node.awaiting import Pending
from brokers.node.errors import LinkDelayError
from brokers.node.letters import Letter
from brokers.node.messages import Deadline, Refused, Restart, Wake, Watch

if TYPE_CHECKING:
    from brokers.node.actor import Actor
    from brokers.node.partition import Partition
    from config.streams import Draw

Factory = Callable[[], "Actor"]


class VirtualMailbox:
    """Letters in the order of their keys."""

    __slots__ = ("_cell", "heap")

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self.heap: list[tuple[int, int, str, int, Letter]] = []

    def put(self, envelope: Any) -> None:
        """Pykka's way in. Raises RuntimeError: in virtual time everything goes through a context."""
        raise RuntimeError(f"{self._cell.name} lives in virtual time: use context.tell or context.ask")

    def push(self, letter: Letter) -> None:
        heappush(self.heap, (letter.time_us, letter.tie, letter.src, letter.seq, letter))

    def get(self) -> Letter:
        return heappop(self.heap)[4]

    def empty(self) -> bool:
        return not self.heap


class Cell:
    """Everything the partition keeps for one address; doubles as the actor's `Context`."""

    def __init__(self, name: str, factory: Factory, partition: Partition) -> None:
        self.name, self.factory, self.partition = name, factory, partition
        self.mailbox = VirtualMailbox(self)
        self.actor: Actor | None = None  # None before the start and between crash and restart
        self.incarnation = 0
        self.crashes: list[int] = []  # virtual times of recent crashes
        self.suspended_until_us = 0
        self.watchers: list[str] = []
        self.postponed = 0  # letters that had to wait for a restart, over all incarnations
        self.suspended: dict[
            int, Coroutine[Any, Any, Any]
        ] = {}  # token that it awaits -> coroutine of this incarnation
        self.is_spawning = False
        self.doom: Exception | None = None  # spawned work failed; the actor is restarted once its handler is through
        self.waiting: dict[int, Pending] = {}  # token -> ask, sleep or effect of this incarnation
        self.questions: dict[str, Letter] = {}  # asks whose coroutine is not done, by letter id
        self.born_seq = 0  # letters to itself with a smaller number are timers of a dead incarnation
        self.effects: dict[int, tuple[int, str]] = {}  # effect number -> (token = letter seq, cause)
        self.effects_issued = 0
        self.scheduled = False  # already on the list of the running window
        self.published: list[tuple[int, Any]] = []  # (seq, event) of the letter being handled
        self.letter: Letter | None = None
        self._seq = 0

    # --- Context ---------------------------------------------------------------------------------------------------

    @property
    def now_us(self) -> int:
        assert self.letter is not None, "a context is only usable while its actor handles a message"
        return self.letter.time_us

    @property
    def sender(self) -> str:
        assert self.letter is not None
        return self.letter.src

    def draw(self, stream: str, entity: str, n: int) -> Draw:
        return self.partition.draw(stream, entity, n)

    def tell(self, to: str, message: Any, *, delay_us: int = 0) -> None:
        if delay_us < 0:
            raise LinkDelayError(f"tell {message.KIND}", delay_us, 0)
        self._send(to, message, self.partition.link_delay_us + delay_us)

    def ask(self, to: str, message: Any, *, timeout_us: int | None = None) -> Pending:
        if timeout_us is not None and timeout_us < 1:
            raise LinkDelayError(f"deadline of {message.KIND}", timeout_us, 1)
        deadline_us = 0 if timeout_us is None else self.now_us + timeout_us
        seq = self.next_seq()
        pending = self._expect(seq)
        self._post(to, message, self.now_us + self.partition.link_delay_us, seq, corr=seq, deadline_us=deadline_us)
        if timeout_us is not None:
            late = Deadline(token=seq, to=to, asked=message.KIND, timeout_us=timeout_us)
            self._post(self.name, late, deadline_us, self.next_seq())
        return pending

    def sleep(self, duration_us: int) -> Pending:
        if duration_us < 1:
            raise LinkDelayError("sleep", duration_us, 1)
        seq = self.next_seq()
        pending = self._expect(seq)
        self._post(self.name, Wake(token=seq), self.now_us + duration_us, seq)
        return pending

    def effect(self, request: Any, *, duration_us: int) -> Pending:
        least = self.partition.link_delay_us
        if duration_us < least:
            raise LinkDelayError(f"effect {request.KIND}", duration_us, least)
        seq = self.next_seq()
        pending = self._expect(seq)
        number = self.effects_issued
        self.effects_issued += 1
        assert self.letter is not None
        self.effects[number] = (seq, self.letter.id)
        self.partition.issue_effect(self.name, number, self.now_us + duration_us, request)
        return pending

    def after(self, delay_us: int, message: Any) -> None:
        if delay_us < 1:
            raise LinkDelayError(f"timer {message.KIND}", delay_us, 1)
        self._post(self.name, message, self.now_us + delay_us, self.next_seq())

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        outer, self.is_spawning = self.is_spawning, True
        try:
            self.partition.drive(self, work, None)
        finally:
            self.is_spawning = outer

    def publish(self, event: Any) -> None:
        self.partition.require(event)
        self.published.append((self.next_seq(), event))

    def watch(self, other: str) -> None:
        self.tell(other, Watch())

    # --- for the partition -----------------------------------------------------------------------------------------

    def next_seq(self) -> int:
        self._seq += 1
        return self._seq

    def answer(self, question: Letter, body: Any) -> None:
        """Send the answer to an ask."""
        time_us = self.now_us + self.partition.link_delay_us
        self._post(question.src, body, time_us, self.next_seq(), corr=-question.corr)

    def forget(self) -> None:
        """Drop what the dead incarnation waited for (its coroutines are closed); those who wait for it are told."""
        for question in self.questions.values():
            self.answer(question, Refused(error="ActorRestartedError", text=f"{self.name} was restarted", facts=()))
        self.questions.clear()
        self.waiting.clear()
        self.effects.clear()
        self.actor, self.doom = None, None
        self.born_seq = self._seq + 1

    def restart_at(self, time_us: int, tie: int) -> None:
        """Begin again then, before anything else that is due at that time."""
        assert self.letter is not None
        message = Restart(incarnation=self.incarnation)
        cause = self.letter.id
        self.partition.deliver(Letter(time_us, tie, self.name, self.next_seq(), self.name, cause, 0, 0, message))

    def is_stale(self, letter: Letter) -> bool:
        """Whether a letter is a timer, or a question to itself, of a dead incarnation."""
        return letter.src == self.name and letter.seq < self.born_seq and letter.corr >= 0

    def _expect(self, token: int) -> Pending:
        pending = Pending(token)
        self.waiting[token] = pending
        return pending

    def _send(self, to: str, message: Any, delay_us: int) -> None:
        self._post(to, message, self.now_us + delay_us, self.next_seq())

    def _post(self, to: str, message: Any, time_us: int, seq: int, *, corr: int = 0, deadline_us: int = 0) -> None:
        assert self.letter is not None
        partition = self.partition
        partition.require(message)
        tie = partition.tie(time_us, self.name)
        partition.post(Letter(time_us, tie, self.name, seq, to, self.letter.id, corr, deadline_us, message))
