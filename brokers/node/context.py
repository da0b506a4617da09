"""What an actor may do with the world while it handles a message: the only door out of a handler."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Protocol

from brokers.wire.registry import Message
from config.streams import Draw


class Context(Protocol):
    """Time, chance and messages, as one actor sees them.

    Times are integer microseconds of virtual time since the run began. What returns an awaitable is awaited inside an
    `async def on_receive`; while it waits the actor goes on handling other messages (it is re-entrant), so state that
    was read before an `await` may have changed after it. Asks, sleeps and effects are issued when they are called, not
    when they are awaited: `pending = [context.ask(m, Vote()) for m in members]; votes = [await p for p in pending]`
    asks everybody at once.
    """

    incarnation: int  # 0 at first, one more after each crash
    effects_issued: int  # so far, over all incarnations; the next one has this number in the journal

    @property
    def name(self) -> str:
        """The actor's address, for instance `agent/ahmed_senior_dev_lead`."""
        ...

    @property
    def now_us(self) -> int:
        """The virtual time of the message being handled."""
        ...

    @property
    def sender(self) -> str:
        """The address that sent the message being handled."""
        ...

    def draw(self, stream: str, entity: str, n: int) -> Draw:
        """Chance keyed by (stream, entity, n) and the run's seed: the same key always gives the same draw."""
        ...

    def tell(self, to: str, message: Message, *, delay_us: int = 0) -> None:
        """Send without expecting an answer; it arrives `link_delay + delay_us` from now."""
        ...

    def ask(self, to: str, message: Message, *, timeout_us: int | None = None) -> Any:
        """Awaitable: the answer. Raises RefusedError (the receiver's rule said no, or it failed), AskTimeoutError."""
        ...

    def sleep(self, duration_us: int) -> Any:
        """Awaitable: returns after `duration_us` (at least 1) of virtual time."""
        ...

    def effect(self, request: Message, *, duration_us: int) -> Any:
        """Awaitable: the reply of the outside world (a model, a sandbox), due `duration_us` (>= link_delay) from now.

        Raises EffectFailedError when the reply is a typed failure.
        """
        ...

    def after(self, delay_us: int, message: Message) -> None:
        """A timer: `message` arrives in the actor's own mailbox after `delay_us` (at least 1)."""
        ...

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine beside the handler; it ends with the actor's incarnation."""
        ...

    def publish(self, event: Message) -> None:
        """Put an event into the run's log; observers and projections read it, no actor does."""
        ...

    def watch(self, other: str) -> None:
        """From now on receive `ActorRestarted(actor, incarnation)` when `other` crashed and was restarted in place."""
        ...
