"""The actors of one node in virtual time: run window by window, in one total order.

Within a window `[t, t + link_delay)` no actor can hear of another, so they may take their turns in any order (`turns`
decides; tests shuffle it) while each handles its own letters by key. What was handled is returned as groups that sort
into the run's log: one letter, then the events published while it was handled.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from heapq import heappop, heappush
from inspect import iscoroutine
from typing import Any

from brokers.node.actor import hosting
from brokers.node.answers import answer_of, describe, refusal_of
from brokers.node.awaiting import Pending
from brokers.node.cell import Cell, Factory, VirtualMailbox
from brokers.node.errors import (
    AskTimeoutError,
    IslandCrossedError,
    MailboxOverflowError,
    RestartLimitError,
)
from brokers.node.letters import Letter, LetterCodec, tie_breaker
from brokers.node.messages import (
    ActorRestarted,
    DeadLettered,
    Deadline,
    Done,
    Refused,
    Restart,
    Start,
    Wake,
    Watch,
)
from brokers.node.rows import EffectIssued, Group, Row, WindowResult
from brokers.wire.registry import Registry, UnknownKindError
from config.streams import Draw, draw

SECOND = 1_000_000
FIRST_TIE = -(1 << 62)  # of starts and restarts: before all hashes, with room for what waited for them


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervision:
    """How crashes are treated: restart in place, virtual backoff doubling from `backoff_us` up to `backoff_cap_us`."""

    backoff_us: int = SECOND
    backoff_cap_us: int = 60 * SECOND
    max_restarts: int = 5  # within `within_us`; one more stops the run
    within_us: int = 3_600 * SECOND


Turns = Callable[[list[Cell]], Iterable[Cell]]


def in_order(cells: list[Cell]) -> Iterable[Cell]:
    """The usual turns: as they come."""
    return cells


class Partition:
    """Hosts actors of one node. Not thread-safe: one thread runs windows."""

    def __init__(
        self,
        registry: Registry,
        *,
        seed: int,
        link_delay_us: int,
        knows: Callable[[str], bool] | None = None,
        supervision: Supervision | None = None,
        turns: Turns = in_order,
        mailbox_guard: int = 1_000_000,
    ) -> None:
        """`knows` tells whether an address lives on another node; letters to nobody become dead letters."""
        self.link_delay_us, self.seed = link_delay_us, seed
        self.tie = tie_breaker(seed)
        self.require = registry.require
        self._registry, self._codec = registry, LetterCodec(registry, self.tie)
        self._knows = knows or (lambda name: False)
        self._supervision = supervision or Supervision()
        self._turns, self._guard = turns, mailbox_guard
        self._cells: dict[str, Cell] = {}
        self._hosted: Cell | None = None  # the cell whose actor is being constructed
        self._agenda: list[tuple[int, int, Cell]] = []  # (time, tie-free counter, cell) of every letter
        self._island_of: dict[str, int] = {}  # empty: everybody may write to everybody
        self._islands: list[list[Cell]] = []
        self._posted = 0
        self.waiting = 0  # letters in all mailboxes
        self._result = WindowResult()

    # --- setting up ------------------------------------------------------------------------------------------------

    def start(self, name: str, factory: Factory, *, order: int) -> None:
        """Add an actor; it starts at time 0. `order` is its place among all actors of the run, whatever the node."""
        cell = Cell(name, factory, self)
        self._cells[name] = cell
        self.deliver(Letter(0, FIRST_TIE, "run", order, name, "", 0, 0, Start()))

    def names(self) -> tuple[str, ...]:
        return tuple(self._cells)

    def separate(self, groups: Sequence[Collection[str]]) -> dict[str, int]:
        """From now on actors of two groups may not write to each other. Returns the group of each actor.

        Raises ValueError unless each actor is in exactly one group.
        """
        self._island_of = {actor: number for number, group in enumerate(groups) for actor in group}
        if sorted(actor for group in groups for actor in group) != sorted(self._cells):
            raise ValueError("each actor must be on exactly one island")
        self._islands = [[self._cells[actor] for actor in group] for group in groups]
        return self._island_of

    def mailbox_for(self, actor: Any) -> VirtualMailbox:
        """Host protocol: the mailbox outlives the actor object."""
        assert self._hosted is not None
        return self._hosted.mailbox

    def admit(self, actor: Any) -> None:
        """Host protocol: nothing to do, windows run the mailbox."""

    # --- running ---------------------------------------------------------------------------------------------------

    def next_time(self) -> int | None:
        """When the earliest letter is due; None when nothing waits."""
        agenda = self._agenda
        while agenda:
            time_us, _, cell = agenda[0]
            heap = cell.mailbox.heap
            if heap and heap[0][0] <= time_us:
                return heap[0][0]
            heappop(agenda)
        return None

    def next_of(self, island: int) -> int | None:
        """When the earliest letter of an island is due; None when nothing waits there."""
        return min((cell.mailbox.heap[0][0] for cell in self._islands[island] if cell.mailbox.heap), default=None)

    def deliver(self, letter: Letter) -> None:
        """Accept a letter for an actor of this node."""
        cell = self._cells[letter.dst]
        cell.mailbox.push(letter)
        self._posted += 1
        self.waiting += 1
        heappush(self._agenda, (letter.time_us, self._posted, cell))
        if self.waiting > self._guard:
            largest = max(self._cells.values(), key=lambda each: len(each.mailbox.heap))
            raise MailboxOverflowError(self.waiting, self._guard, largest.name, len(largest.mailbox.heap))

    def deliver_effect(self, actor: str, number: int, due_us: int, reply: bytes) -> None:
        """Accept the reply of an effect (packed body); dropped when the incarnation that asked is gone."""
        cell = self._cells[actor]
        issued = cell.effects.pop(number, None)
        if issued is not None:
            token, cause = issued  # the token is also the reply's place in the order, fixed when it was issued
            body = self._codec.from_body_bytes(reply)
            self.deliver(Letter(due_us, self.tie(due_us, actor), actor, token, actor, cause, -token, 0, body))

    def run_window(self, end_us: int, *, island: int | None = None) -> WindowResult:
        """Handle every letter that is due before `end_us`, of all or of one island. Raises what must stop the run."""
        ready = self._islands[island] if island is not None else self._ready(end_us)
        result = self._result = WindowResult()
        for cell in self._turns(ready):
            cell.scheduled = False
            heap = cell.mailbox.heap
            while heap and heap[0][0] < end_us:
                self._handle(cell, heappop(heap)[4])
        return result

    def _ready(self, end_us: int) -> list[Cell]:
        ready: list[Cell] = []
        agenda = self._agenda
        while agenda and agenda[0][0] < end_us:
            cell = heappop(agenda)[2]
            if not cell.scheduled and cell.mailbox.heap:
                cell.scheduled = True
                ready.append(cell)
        return ready

    # --- for cells -------------------------------------------------------------------------------------------------

    def draw(self, stream: str, entity: str, n: int) -> Draw:
        return draw(self.seed, stream, entity, n)

    def post(self, letter: Letter) -> None:
        """Send a letter on its way, to this node or another; to nobody is a dead letter."""
        if letter.dst in self._cells:
            if self._island_of and self._island_of[letter.dst] != self._island_of[letter.src]:
                raise IslandCrossedError(letter.src, letter.dst, letter.body.KIND)
            self.deliver(letter)
        elif self._knows(letter.dst):
            self._result.outgoing.append(letter)
        else:
            self._return_to_sender(letter)

    def issue_effect(self, actor: str, number: int, due_us: int, request: Any) -> None:
        self._result.effects.append(EffectIssued(actor, number, due_us, self._codec.to_body_bytes(request)))

    def drive(self, cell: Cell, work: Coroutine[Any, Any, Any], question: Letter | None) -> None:
        """Run a coroutine until it waits or ends; when it ends, answer the question that began it."""
        try:
            pending = work.send(None)
        except StopIteration as ended:
            self._finish(cell, question, ended.value)
        except Exception as error:  # noqa: BLE001 a handler's bug is supervised, whatever it is
            self._fail(cell, question, error)
        else:
            self._suspend(cell, work, question, pending)

    # --- one letter ------------------------------------------------------------------------------------------------

    def _handle(self, cell: Cell, letter: Letter) -> None:
        self.waiting -= 1
        if cell.actor is None and not isinstance(letter.body, (Start, Restart)):
            self._postpone(cell, letter)
            return
        if cell.is_stale(letter):
            return
        cell.letter = letter
        is_handled = self._dispatch(cell, letter)
        if cell.doom is not None:
            self._restart(cell, cell.doom)
        if is_handled:
            self._log(cell, letter)
        cell.letter = None

    def _dispatch(self, cell: Cell, letter: Letter) -> bool:
        """Give one letter to its actor. False: it concerned nobody any more, and leaves no trace."""
        body = letter.body
        if letter.corr < 0:
            return self._settle(cell, -letter.corr, *answer_of(body))
        match body:
            case Wake(token=token) if letter.src == cell.name:
                return self._settle(cell, token, None, None)
            case Deadline(token=token) if letter.src == cell.name:
                return self._settle(cell, token, None, AskTimeoutError(body.to, body.asked, body.timeout_us))
            case Start() | Restart():
                self._begin(cell, letter)
            case Watch():
                if letter.src not in cell.watchers:
                    cell.watchers.append(letter.src)
            case _:
                self._receive(cell, letter)
        return True

    def _begin(self, cell: Cell, letter: Letter) -> None:
        self._hosted = cell
        token = hosting.set(self)
        try:
            cell.actor = cell.factory()
            cell.actor.context = cell
            cell.actor.on_start()
        except Exception as error:  # noqa: BLE001 supervised
            self._fail(cell, letter, error)
        finally:
            hosting.reset(token)
            self._hosted = None

    def _receive(self, cell: Cell, letter: Letter) -> None:
        assert cell.actor is not None
        question = letter if letter.corr else None
        try:
            value = cell.actor.on_receive(letter.body)
        except Exception as error:  # noqa: BLE001 supervised
            self._fail(cell, letter, error)
            return
        if iscoroutine(value):
            if question is not None:
                cell.questions[question.id] = question
            self.drive(cell, value, letter)
        else:
            self._finish(cell, question, value)

    def _settle(self, cell: Cell, token: int, value: Any, error: Exception | None) -> bool:
        pending = cell.waiting.pop(token, None)
        if pending is None:
            return False
        pending.settle(value, error)
        return True

    def _suspend(self, cell: Cell, work: Coroutine[Any, Any, Any], question: Letter | None, pending: Any) -> None:
        try:
            if not isinstance(pending, Pending):
                raise TypeError("an actor may only await what its context gives")
            pending.when_settled(partial(self._resume, cell, work, question, pending.token))
        except (TypeError, RuntimeError) as error:
            self._close(cell, work)
            self._fail(cell, question, error)
        else:
            cell.suspended[pending.token] = work

    def _resume(self, cell: Cell, work: Coroutine[Any, Any, Any], question: Letter | None, token: int) -> None:
        del cell.suspended[token]
        self.drive(cell, work, question)

    def _finish(self, cell: Cell, question: Letter | None, value: Any) -> None:
        if question is None or question.corr <= 0:
            return
        answer = Done() if value is None else value
        try:
            self.require(answer)
        except UnknownKindError as error:
            self._fail(cell, question, error)
        else:
            cell.questions.pop(question.id, None)
            cell.answer(question, answer)

    # --- supervision -----------------------------------------------------------------------------------------------

    def _fail(self, cell: Cell, letter: Letter | None, error: Exception) -> None:
        """A rule refused an ask: tell the asker. Anything else is a bug: dead letter, and restart after a backoff."""
        if isinstance(error, (MailboxOverflowError, IslandCrossedError)):
            raise error  # stops the run, whoever sent the letter too many, or astray
        asked = letter is not None and letter.corr > 0
        if asked:
            assert letter is not None
            cell.questions.pop(letter.id, None)
        refusals = cell.actor.refusals if cell.actor is not None else ()
        if asked and isinstance(error, refusals):
            assert letter is not None
            cell.answer(letter, refusal_of(error))
            return
        if asked:
            assert letter is not None
            cell.answer(letter, Refused(error="HandlerError", text=describe(error), facts=()))
        self._bury(cell, letter or cell.letter, error)
        if cell.is_spawning:  # inside a handler: that one ends first
            cell.doom = cell.doom or error
        else:
            self._restart(cell, error)

    def _bury(self, cell: Cell, letter: Letter | None, error: Exception) -> None:
        assert letter is not None
        cell.publish(
            DeadLettered(
                actor=cell.name,
                sender=letter.src,
                message_kind=letter.body.KIND,
                error=describe(error),
                incarnation=cell.incarnation,
            )
        )

    def _close(self, cell: Cell, work: Coroutine[Any, Any, Any]) -> None:
        """End a coroutine now, so that its clean-up has a definite place in the log."""
        try:
            work.close()
        except Exception as error:  # noqa: BLE001 its actor is being restarted already
            self._bury(cell, cell.letter, error)

    def _restart(self, cell: Cell, error: Exception) -> None:
        rules, now_us = self._supervision, cell.now_us
        cell.crashes = [*(at for at in cell.crashes if at > now_us - rules.within_us), now_us]
        if len(cell.crashes) > rules.max_restarts:
            raise RestartLimitError(cell.name, len(cell.crashes), describe(error)) from error
        backoff_us = min(rules.backoff_us << (len(cell.crashes) - 1), rules.backoff_cap_us)
        while cell.suspended:
            self._close(cell, cell.suspended.pop(next(iter(cell.suspended))))
        cell.forget()
        cell.incarnation += 1
        cell.suspended_until_us = now_us + backoff_us
        cell.restart_at(cell.suspended_until_us, FIRST_TIE)
        for watcher in cell.watchers:
            note = ActorRestarted(actor=cell.name, incarnation=cell.incarnation)
            cell.tell(watcher, note, delay_us=backoff_us)

    def _postpone(self, cell: Cell, letter: Letter) -> None:
        """Mail for an actor that waits for its restart is handled just after it: in its order, and before newer mail.

        Mail that comes at the very instant an actor starts, but sorts before its start, is handled a moment later.
        """
        if letter.time_us >= cell.suspended_until_us:
            letter.time_us += 1
            letter.tie = self.tie(letter.time_us, letter.src)
            self.deliver(letter)
            return
        cell.postponed += 1
        letter.time_us = cell.suspended_until_us
        letter.tie = FIRST_TIE + cell.postponed
        self.deliver(letter)

    def _return_to_sender(self, letter: Letter) -> None:
        cell = self._cells[letter.src]
        reason = f"no actor is called {letter.dst}"
        cell.publish(
            DeadLettered(
                actor=letter.dst, sender=letter.src, message_kind=letter.body.KIND, error=reason, incarnation=0
            )
        )
        if letter.corr > 0:
            refused = Refused(error="UnknownActorError", text=reason, facts=(("actor", letter.dst),))
            back = Letter(
                letter.time_us,
                letter.tie,
                letter.src,
                cell.next_seq(),
                letter.src,
                letter.cause,
                -letter.corr,
                0,
                refused,
            )
            self.deliver(back)

    # --- the log ---------------------------------------------------------------------------------------------------

    def _log(self, cell: Cell, letter: Letter) -> None:
        record = self._codec.to_record(letter)
        first = Row(letter.time_us, letter.src, letter.seq, letter.dst, letter.body.KIND, letter.cause, record, None)
        if not cell.published:
            self._result.groups.append(Group(letter.key, (first,)))
            return
        rows, cause = [first], letter.id
        for seq, event in cell.published:
            told = Letter(letter.time_us, 0, cell.name, seq, "", cause, 0, 0, event)
            rows.append(Row(letter.time_us, cell.name, seq, "", event.KIND, cause, self._codec.to_record(told), event))
        cell.published.clear()
        self._result.groups.append(Group(letter.key, tuple(rows)))
