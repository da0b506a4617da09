"""Many actors on a few threads, in wall time: the host of actors outside a simulation.

The lock of a mailbox is its "scheduled" flag: held while the mailbox waits for a thread or runs on one, so an actor
never runs twice at once. A thread that blocks in a future is replaced for as long as it blocks, so an `ask` inside a
handler cannot starve the pool; an ask that would wait for itself raises AskCycleError instead.
"""

from __future__ import annotations

import collections
import logging
import queue
import sys
import threading
from _thread import allocate_lock
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import pykka
from pykka import ActorDeadError
from pykka.messages import ProxyCall, ProxyGetAttr, ProxySetAttr, _ActorStop

from brokers.node.errors import AskCycleError

logger = logging.getLogger(__name__)

_thread = threading.local()  # .pool and .actor of a pool's own threads

_OF_PYKKA = frozenset((_ActorStop, ProxyCall, ProxyGetAttr, ProxySetAttr))
TURN = 64  # messages one mailbox handles before the next mailbox gets its turn
DeadLetterHandler = Callable[[str, Any], None]  # actor, message


class Pool:
    """`size` threads run ready mailboxes; `dead_letter` is told of every message that nobody will handle."""

    def __init__(self, size: int = 2, *, dead_letter: DeadLetterHandler | None = None) -> None:
        self.ready: queue.SimpleQueue[PoolMailbox | None] = queue.SimpleQueue()
        self.dead_letter = dead_letter
        self.threads = 0  # alive, blocked ones included
        self._size, self._blocked, self._started = size, 0, 0
        self._waits_for: dict[Any, PoolFuture] = {}  # actor -> the answer it waits for
        self._lock = allocate_lock()
        with self._lock:
            for _ in range(size):
                self._spawn()

    def mailbox_for(self, actor: Any) -> PoolMailbox:
        return PoolMailbox(actor, self)

    def admit(self, actor: Any) -> None:
        """Run `on_start` in the caller's thread and open the mailbox."""
        actor._actor_loop_setup()
        actor.actor_inbox.open()

    def close(self) -> None:
        """End the threads once the mailboxes that are ready now have had their turn."""
        with self._lock:
            self._size = 0
            for _ in range(self.threads):
                self.ready.put(None)

    def current_actor(self) -> Any:
        """The actor that this thread is running; None outside the pool."""
        return getattr(_thread, "actor", None)

    def enter_blocking(self, future: PoolFuture) -> None:
        """The current actor is about to wait. Raises AskCycleError if the one who will answer waits for it."""
        actor = self.current_actor()
        with self._lock:
            if future.asked is not None and not future.is_settled:  # once answered, who was asked may ask back
                self._check_for_cycle(actor, future)
                self._waits_for[actor] = future
            self._blocked += 1
            if self.threads - self._blocked < self._size:
                self._spawn()

    def leave_blocking(self) -> None:
        with self._lock:
            self._blocked -= 1
            self._waits_for.pop(self.current_actor(), None)

    def _check_for_cycle(self, actor: Any, future: PoolFuture) -> None:
        cycle, waits = [actor, future.asked], True
        while waits and cycle[-1] is not actor:
            following = self._waits_for.get(cycle[-1])
            waits = following is not None and not following.is_settled  # a settled one has yet to be noticed
            if waits and following is not None:
                cycle.append(following.asked)
        if cycle[-1] is actor:
            raise AskCycleError(tuple(type(part).__name__ for part in cycle))

    def _spawn(self) -> None:
        """Start a thread; the caller holds the lock."""
        self.threads += 1
        self._started += 1
        threading.Thread(target=self._work, daemon=True, name=f"actors-{self._started}").start()

    def _work(self) -> None:
        _thread.pool = self
        get = self.ready.get
        while (mailbox := get()) is not None:
            _thread.actor = mailbox.actor
            mailbox.run(TURN)
            _thread.actor = None
            if self.threads - self._blocked > self._size and self._is_surplus():
                return
        with self._lock:
            self.threads -= 1

    def _is_surplus(self) -> bool:
        """Whether a thread that stood in for a blocked one may end: that one goes on."""
        with self._lock:
            surplus = 0 < self._size < self.threads - self._blocked
            self.threads -= surplus
            return surplus


class PoolMailbox:
    """First in, first out; unbounded. Handed to a thread when it has mail and nobody runs it."""

    __slots__ = ("_flag", "_mail", "_pool", "actor")

    def __init__(self, actor: Any, pool: Pool) -> None:
        self.actor, self._pool = actor, pool
        self._mail: collections.deque[Any] = collections.deque()
        self._flag = allocate_lock()
        self._flag.acquire()  # closed until the actor has started

    def put(self, envelope: Any) -> None:
        self._mail.append(envelope)
        if envelope.reply_to is not None:
            envelope.reply_to.asked = self.actor
        if self._flag.acquire(False):
            self._pool.ready.put(self)

    def get(self) -> Any:
        return self._mail.popleft()

    def empty(self) -> bool:
        return not self._mail

    def open(self) -> None:
        self._release()

    def run(self, budget: int) -> None:
        """Handle up to `budget` messages, then queue again behind the others if more wait."""
        mail, step, on_receive = self._mail, self._step, self.actor.on_receive
        is_alive = not self.actor.actor_stopped.is_set()
        while mail and budget and is_alive:
            budget -= 1
            envelope = mail.popleft()
            if envelope.reply_to is None and type(envelope.message) not in _OF_PYKKA:
                try:  # the short way of what `_step` does: most messages are told
                    on_receive(envelope.message)
                    continue
                except BaseException:  # noqa: BLE001 handled like any other
                    self._on_error(envelope)
            else:
                step(envelope)
            is_alive = not self.actor.actor_stopped.is_set()
        if not is_alive:
            self._bury()
        if mail:
            self._pool.ready.put(self)
        else:
            self._release()

    def _release(self) -> None:
        self._flag.release()
        if self._mail and self._flag.acquire(False):  # mail came between the last look and the release
            self._pool.ready.put(self)

    def _step(self, envelope: Any) -> None:
        """One message by Pykka's law: an exception in an ask goes to the asker, in a tell it stops the actor."""
        reply_to = envelope.reply_to
        if reply_to is not None and reply_to.taken_back is not None:
            reply_to.set_exception(reply_to.taken_back)
            return
        try:
            value = self.actor._handle_receive(envelope.message)
            if reply_to is not None:
                reply_to.set(value)
        except BaseException:  # noqa: BLE001 whatever it is, Pykka says what follows
            self._on_error(envelope)

    def _on_error(self, envelope: Any) -> None:
        """Deal with the exception that is being handled."""
        exc_info = sys.exc_info()
        if envelope.reply_to is not None:
            envelope.reply_to.set_exception(exc_info)
        if not isinstance(exc_info[1], Exception):  # an exit: Pykka stops all actors
            self.actor._stop()
            pykka.ActorRegistry.stop_all(block=False)
        elif envelope.reply_to is None:
            self._fail(exc_info)
            self._tell_dead(envelope.message)

    def _fail(self, exc_info: Any) -> None:
        self.actor._handle_failure(*exc_info)
        try:
            self.actor.on_failure(*exc_info)
        except Exception:  # noqa: BLE001 logged; the actor stops all the same
            self.actor._handle_failure(*sys.exc_info())

    def _bury(self) -> None:
        """Asks that wait fail as Pykka says; tells that wait become dead letters instead of vanishing."""
        while self._mail:
            envelope = self._mail.popleft()
            is_stop = isinstance(envelope.message, _ActorStop)
            if envelope.reply_to is None:
                if not is_stop:
                    self._tell_dead(envelope.message)
            elif is_stop:
                envelope.reply_to.set(None)
            else:
                dead = ActorDeadError(f"{self.actor.actor_ref} stopped before handling the message")
                envelope.reply_to.set_exception((ActorDeadError, dead, None))

    def _tell_dead(self, message: Any) -> None:
        if self._pool.dead_letter is None:
            return
        try:
            self._pool.dead_letter(type(self.actor).__name__, message)
        except Exception:
            logger.exception("nobody took the dead letter of %s: %r", self.actor, message)


class PoolFuture(pykka.Future[Any]):
    """Pykka's future on one lock instead of a condition; `asked` is the actor that will answer."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: Any = None
        self.taken_back: Any = None  # why nobody needs the answer any more
        self._value: Any = None
        self._error: Any = None
        self._done, self._once = allocate_lock(), allocate_lock()
        self._done.acquire()

    @property
    def is_settled(self) -> bool:
        """Whether the answer is there, or about to be."""
        return self._once.locked()

    def get(self, *, timeout: float | None = None) -> Any:
        if self._get_hook is not None:
            return super().get(timeout=timeout)
        if not self._done.acquire(False):
            self._wait(timeout)
        self._done.release()
        if self._error is not None:
            _, error, traceback = self._error
            raise error.with_traceback(traceback)
        return self._value

    def set(self, value: Any = None) -> None:
        self._settle()
        self._value = value
        self._done.release()

    def set_exception(self, exc_info: Any = None) -> None:
        self._settle()
        kind, error, traceback = exc_info or sys.exc_info()
        self._error = (kind, kind() if error is None and kind is not None else error, traceback)
        self._done.release()

    def set_get_hook(self, func: Callable[[float | None], Any]) -> None:
        self._settle()
        super().set_get_hook(func)

    def _settle(self) -> None:
        if not self._once.acquire(False):
            raise queue.Full

    def _wait(self, timeout: float | None) -> None:
        pool: Pool | None = getattr(_thread, "pool", None)
        if pool is not None:
            self._enter(pool)
        try:
            if not self._done.acquire(True, -1 if timeout is None else timeout):
                raise pykka.Timeout(f"{timeout} seconds")
        finally:
            if pool is not None:
                pool.leave_blocking()

    def _enter(self, pool: Pool) -> None:
        """Tell the pool; a question that would wait for itself is taken back from the mailbox it lies in."""
        try:
            pool.enter_blocking(self)
        except AskCycleError as error:
            self.taken_back = (AskCycleError, error, None)
            raise


@lru_cache(maxsize=1)
def shared_pool() -> Pool:
    """The pool of actors started as in plain Pykka (`MyActor.start()`), outside any node."""
    return Pool()
