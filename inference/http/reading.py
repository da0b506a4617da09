"""What comes in with a request, before anybody looks at its meaning: who asks, from where, how much, by when."""

from __future__ import annotations

import asyncio
import ipaddress
import math
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

from config.door_section import DoorSection
from inference.http.errors import RefusedError, wrong
from inference.http.limits import Held

T = TypeVar("T")
TIMEOUT_HEADER = "x-request-timeout"  # seconds until nobody wants the answer any more
_DRAINED_BODIES = 16  # so much of a body that is too large is read away, so that its sender sees why


class ClientGoneError(Exception):
    """Raised when whoever asked has closed the connection: nobody reads an answer."""


async def body_of(request: Request, section: DoorSection, held: Held) -> bytes:
    """The body of a request; while it comes it is among the bytes held.

    Raises:
        RefusedError: 408, 413, 415 or 429.
        ClientGoneError: The connection was closed before all of it was here.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise RefusedError(415, "the body must be application/json, and Content-Type must say so")
    limit = section.max_body_kib * 1024
    body = bytearray()
    size = 0
    try:
        async with asyncio.timeout(section.body_s):
            async for part in request.stream():
                size += len(part)
                if size <= limit:
                    held.take(len(part))
                    body += part
                elif size > _DRAINED_BODIES * limit:
                    break
    except TimeoutError:
        message = f"the body did not come within {section.body_s:g} s"
        raise RefusedError(408, message, type="timeout_error", is_worth_retrying=False) from None
    except ClientDisconnect:
        raise ClientGoneError from None
    finally:
        held.give_back(len(body))
    if size > limit:
        message = f"the body has more than {limit} bytes"
        raise RefusedError(413, message, code="request_too_large")
    return bytes(body)


def deadline_of(request: Request, in_body_s: float | None, section: DoorSection) -> tuple[float, bool]:
    """Seconds that an answer may take, and whether the client said so. Raises RefusedError for what is no number."""
    wanted = [] if in_body_s is None else [in_body_s]
    header = request.headers.get(TIMEOUT_HEADER)
    if header is not None:
        try:
            seconds = float(header)
        except ValueError:
            seconds = math.nan
        if not 0 < seconds <= 86_400:
            raise wrong(f"{TIMEOUT_HEADER} must be seconds from above 0 to 86400", TIMEOUT_HEADER)
        wanted.append(seconds)
    own = min(wanted, default=math.inf)
    return (own, True) if own <= section.deadline_s else (section.deadline_s, False)


def require_local_name(request: Request, section: DoorSection) -> None:
    """Without tokens nobody may come by another name than this machine's: a web page could, by a name of its own.

    Raises:
        RefusedError: 403, the Host header names something else.
    """
    host = request.headers.get("host", "").lower()
    name = host.partition("]")[0].strip("[") if host.startswith("[") else host.partition(":")[0]
    if name in ("", "localhost", section.host.strip("[]")):
        return
    try:
        is_local = ipaddress.ip_address(name).is_loopback
    except ValueError:
        is_local = False
    if not is_local:
        raise RefusedError(403, "without tokens this door is for this machine only", type="permission_error")


async def unless_gone(receive: Callable[[], Awaitable[Any]], work: Awaitable[T]) -> T:
    """Do some work, or cancel it when the client closes the connection. Raises ClientGoneError."""
    working = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientGoneError
        return working.result()
    finally:
        working.cancel()
        watching.cancel()
        await asyncio.gather(working, watching, return_exceptions=True)


async def _gone(receive: Callable[[], Awaitable[Any]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
