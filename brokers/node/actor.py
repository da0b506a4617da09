"""Our actor: a Pykka actor whose mailbox is run by a host instead of by a thread of its own.

Three hooks of `pykka.Actor` that its author documents for implementors of new actor types are filled in; `tell`, `ask`,
proxies, registry and `stop` stay Pykka's (docs/decisions/0002). A host is either a `Pool` (a few threads, wall time) or
a `Partition` (one node of a simulation, virtual time).
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, ClassVar, Protocol

import pykka

from brokers.node.context import Context
from brokers.node.pool import PoolFuture, shared_pool


class Mailbox(Protocol):
    """What Pykka needs of an inbox."""

    def put(self, envelope: Any, /) -> None: ...
    def get(self) -> Any: ...
    def empty(self) -> bool: ...


class Host(Protocol):
    """Who runs an actor's mailbox."""

    def mailbox_for(self, actor: Any) -> Mailbox: ...
    def admit(self, actor: Any) -> None: ...


hosting: ContextVar[Host | None] = ContextVar("hosting", default=None)


class Actor(pykka.Actor):
    """Base class of all actors.

    `on_receive` may be a coroutine function when the actor lives in a simulation. An exception listed in `refusals`,
    raised while an *ask* is handled, goes to the asker; any other exception is a bug and restarts the actor in place.
    """

    refusals: ClassVar[tuple[type[Exception], ...]] = ()
    context: Context  # set by the partition before `on_start`

    def _create_actor_inbox(self) -> Any:  # type: ignore[override]  # an instance method on purpose: the mailbox knows its actor
        self._host = hosting.get() or shared_pool()
        return self._host.mailbox_for(self)

    @staticmethod
    def _create_future() -> pykka.Future[Any]:
        return PoolFuture()

    def _start_actor_loop(self) -> None:
        self._host.admit(self)
