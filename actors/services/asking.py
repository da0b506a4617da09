"""Two ways to ask: a person, who may be gone, and a service, which will be back."""

from __future__ import annotations

from typing import Any

from actors.scrum.calendar import MINUTE_US
from brokers.node.context import Context
from brokers.node.errors import AskTimeoutError, RefusedError
from brokers.wire.registry import Message

PATIENCE_US = 60 * MINUTE_US  # how long a person is waited for; only a crash takes that long
RETRY_US = 1_000_000
CRASHED = ("HandlerError", "ActorRestartedError")  # what the runtime answers for one that failed, or was restarted
BUSY = "BusyError"  # what a service answers that will be ready again by itself


async def ask_person(context: Context, address: str, message: Message) -> Any:
    """Ask a person; None if nobody answers because they refused, crashed or are gone."""
    try:
        return await context.ask(address, message, timeout_us=PATIENCE_US)
    except (RefusedError, AskTimeoutError):
        return None


async def insist(context: Context, address: str, message: Message) -> Any:
    """Ask a service; one that crashed or is busy is asked again. Raises RefusedError when a rule says no."""
    while True:
        try:
            return await context.ask(address, message)
        except RefusedError as refused:
            if refused.error not in (*CRASHED, BUSY):
                raise
        await context.sleep(RETRY_US)
