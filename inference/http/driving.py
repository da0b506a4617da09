"""Engines in a thread of their own, asked from an event loop.

The loop's side only hands over commands and gets events; the thread's side is a `Driver`, used by that thread alone.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import count
from types import TracebackType
from typing import Protocol

from inference.http.backend import AdapterAction, BackendState, Event, Expired, ServedModel, Unavailable
from inference.http.errors import BackendLostError, RefusedError
from inference.text import GenerateText, TextWritten

IDLE_S = 0.2  # how long the thread waits at once for something to happen
_LOOP_GRACE_S = 0.05


class Driver(Protocol):
    """What works on requests. All but `wake` is called by one thread."""

    def open(self) -> None:
        """Get ready. Raises BackendLostError."""
        ...

    def submit(self, ticket: str, request: GenerateText, seed: int, deadline_s: float) -> None:
        """Take a request on; its events come out of `events`. Raises BackendLostError."""
        ...

    def cancel(self, ticket: str) -> None:
        """Stop working on a request; whatever comes for it is dropped by the caller."""
        ...

    def events(self, timeout_s: float) -> list[tuple[str, Event]]:
        """What happened, in its order; waits for it, not longer than this. Raises BackendLostError."""
        ...

    def adapter(self, action: AdapterAction, served: ServedModel, path: str, sha256: str, done: Done) -> None:
        """Begin to load or unload; `done` is called from `events`, once, with what went wrong or None."""
        ...

    def state(self) -> BackendState:
        """What there is just now."""
        ...

    def wake(self) -> None:
        """Let `events` return; from any thread."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


Done = Callable[[RefusedError | None], None]


class DrivenBackend:
    """A `Backend` around a driver. Made, entered and used in one event loop."""

    def __init__(self, driver: Driver, on_lost: Callable[[], None] = lambda: None) -> None:
        """`on_lost` is called once, in the loop, when the driver cannot go on; nothing is answered any more then."""
        self._driver, self._on_lost = driver, on_lost
        self._commands: deque[Callable[[], None]] = deque()
        self._exchanges: dict[str, DrivenExchange] = {}  # touched in the loop only
        self._numbers = count(1)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="door-backend", daemon=True)
        self._ready: asyncio.Future[None] | None = None
        self._stopping = False
        self._lost = ""
        self._told_s = 0.0
        self._state = BackendState(engines=(), served=(), open_tickets=0)

    async def start(self) -> None:
        """Start the thread and wait until the driver is ready. Raises BackendLostError."""
        self._loop = asyncio.get_running_loop()
        self._ready = self._loop.create_future()
        self._thread.start()
        await self._ready

    async def close(self) -> None:
        """End the thread; whoever still waits is told that nobody answers."""
        self._stopping = True
        self._driver.wake()
        while self._thread.is_alive():
            await asyncio.sleep(_LOOP_GRACE_S)
        self._end_all("the door is closing")

    def ask(self, request: GenerateText, seed: int, *, deadline_s: float) -> DrivenExchange:
        """Send a request on its way when the exchange is entered."""
        return DrivenExchange(self, f"door-{next(self._numbers)}", request, seed, deadline_s)

    def state(self) -> BackendState:
        """As of the last time the thread looked."""
        known = self._state
        return replace(known, open_tickets=len(self._exchanges), lost=self._lost)

    async def adapter(self, action: AdapterAction, served: ServedModel, *, path: str, sha256: str) -> None:
        """Load or unload one version of an adapter. Raises RefusedError."""
        assert self._loop is not None, "the backend is started"
        loop = self._loop
        answered: asyncio.Future[None] = loop.create_future()

        def done(wrong: RefusedError | None) -> None:
            self._tell([])  # whoever hears of it sees it
            loop.call_soon_threadsafe(_settle, answered, wrong)

        self._command(lambda: self._driver.adapter(action, served, path, sha256, done))
        await answered

    def do(self, work: Callable[[], None], then: Callable[[], None]) -> None:
        """Have the driver's thread do something; `then` is called in the loop once it shows. From any thread."""

        def carry_out() -> None:
            assert self._loop is not None, "the backend is started"
            work()
            self._tell([])
            self._loop.call_soon_threadsafe(then)

        self._command(carry_out)

    # -- for exchanges, in the loop ------------------------------------------------------------------------------------

    def begin(self, exchange: DrivenExchange) -> None:
        """Take an exchange on."""
        self._exchanges[exchange.ticket] = exchange
        if self._lost:
            exchange.deliver(Unavailable(self._lost))
        else:
            self._command(lambda: self._submit(exchange))

    def end(self, exchange: DrivenExchange) -> None:
        """Forget an exchange; cancel it unless it was answered."""
        del self._exchanges[exchange.ticket]
        if not exchange.is_answered:
            self._command(lambda: self._driver.cancel(exchange.ticket))

    def _command(self, command: Callable[[], None]) -> None:
        self._commands.append(command)
        self._driver.wake()

    def _deliver(self, events: Iterable[tuple[str, Event]], state: BackendState) -> None:
        self._state = state
        for ticket, event in events:
            exchange = self._exchanges.get(ticket)
            if exchange is not None:  # or it was cancelled
                exchange.deliver(event)

    def _end_all(self, reason: str) -> None:
        self._lost = self._lost or reason
        for exchange in list(self._exchanges.values()):
            if not exchange.is_answered:
                exchange.deliver(Unavailable(reason))

    # -- in the thread -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        assert self._loop is not None, "started by `start`"
        assert self._ready is not None, "likewise"
        try:
            self._driver.open()
            self._tell([])
            self._loop.call_soon_threadsafe(_settle, self._ready, None)
            while not self._stopping:
                while self._commands:
                    self._commands.popleft()()
                events = self._driver.events(IDLE_S)
                if events or time.monotonic() - self._told_s >= IDLE_S:
                    self._tell(events)
        except Exception as error:  # noqa: BLE001 - told to everybody who waits, for ever otherwise
            lost = (
                error if isinstance(error, BackendLostError) else BackendLostError(f"{type(error).__name__}: {error}")
            )
            self._loop.call_soon_threadsafe(_settle, self._ready, lost)
            self._loop.call_soon_threadsafe(self._end_all, str(lost))
            self._loop.call_soon_threadsafe(self._on_lost)
        finally:
            self._driver.close()

    def _submit(self, exchange: DrivenExchange) -> None:
        left_s = exchange.deadline_s - (time.monotonic() - exchange.began_s)
        if left_s <= 0:
            self._tell([(exchange.ticket, Expired())])
            return
        self._driver.submit(exchange.ticket, exchange.request, exchange.seed, left_s)

    def _tell(self, events: list[tuple[str, Event]]) -> None:
        assert self._loop is not None, "started by `start`"
        self._told_s = time.monotonic()
        self._loop.call_soon_threadsafe(self._deliver, events, self._driver.state())


class DrivenExchange:
    """One request on its way."""

    def __init__(
        self, backend: DrivenBackend, ticket: str, request: GenerateText, seed: int, deadline_s: float
    ) -> None:
        self.ticket, self.request, self.seed, self.deadline_s = ticket, request, seed, deadline_s
        self.began_s = time.monotonic()
        self.is_answered = False
        self._backend = backend
        self._events: asyncio.Queue[Event] = asyncio.Queue()

    async def __aenter__(self) -> DrivenExchange:
        self._backend.begin(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._backend.end(self)

    async def next(self) -> Event:
        """The next event. The deadline holds here, too: the engines may be too busy to notice it."""
        if self.is_answered and self._events.empty():
            return Unavailable("it was answered already")
        left_s = self.deadline_s - (time.monotonic() - self.began_s)
        try:
            async with asyncio.timeout(max(0.0, left_s)):
                return await self._events.get()
        except TimeoutError:
            return Expired()

    def deliver(self, event: Event) -> None:
        """Something happened; called in the loop."""
        self.is_answered = self.is_answered or not isinstance(event, TextWritten)
        self._events.put_nowait(event)


def _settle(future: asyncio.Future[None], wrong: Exception | None) -> None:
    if future.done():
        return
    if wrong is None:
        future.set_result(None)
    else:
        future.set_exception(wrong)
