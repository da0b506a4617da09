"""The frames between a pool and its engines: msgpack lists, checked when they come in.

    engine -> pool   ["ready", incarnation, slots]              also once a second, as a sign of life
                     ["ready", incarnation, slots, told]        told: a map that may have `models`, `adapters`,
                                                                `counters`, `starting` and `ahead`, each told only
                                                                where known; ahead: requests that it takes beyond its
                                                                slots, so that it need not wait for the next one
                     ["replies", incarnation, [[ticket, body], ...]]
                     ["replies", incarnation, [[ticket, body], ...], counters]
                     ["parts", incarnation, [[ticket, body], ...]]   of answers that are still being written
                     ["adapter", incarnation, number, body]     what became of a change of adapters
                     ["bye", incarnation]                       an orderly end
    pool -> engine   [[ticket, seed, body], ...]
                     ["cancel", [ticket, ...]]                  each still gets its reply
                     ["adapter", number, body]                  load or unload a version; answered by "adapter"
                     ["drain"]                                  finish what is under way, then say goodbye and end
                     ["reset"]                                  you were given up: end at once

Bodies are msgpack maps of messages. Counters are those of TextCounters by name, and cover the replies up to this frame.
A frame of another form raises FrameError; its receiver counts and drops it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from brokers.wire.packing import packer, unpack
from brokers.wire.registry import WireError
from inference.pool.state import UNTOLD, Serves, counters_from_map, counters_to_map
from inference.text import TextCounters

MAX_FRAME_BYTES = 16 * 1024 * 1024
HIGH_WATER_MARK = 10_000
MAX_SLOTS = 65_536

_pack = packer()


class FrameError(WireError):
    """Raised for a frame that no pool and no engine sends."""


class Ready(NamedTuple):
    """An engine is there and will take this many requests at once."""

    incarnation: str
    slots: int
    serves: Serves = UNTOLD
    counters: TextCounters | None = None
    is_starting: bool = False
    ahead: int = 0


class Replies(NamedTuple):
    """An engine answered these tickets."""

    incarnation: str
    replies: list[tuple[str, bytes]]
    counters: TextCounters | None = None


class Parts(NamedTuple):
    """An engine wrote more of these tickets' answers."""

    incarnation: str
    parts: list[tuple[str, bytes]]


class AdapterDone(NamedTuple):
    """An engine changed its adapters, or refused to."""

    incarnation: str
    number: int  # of the task
    body: bytes  # AdapterLoaded, AdapterUnloaded or AdapterRefused


class Bye(NamedTuple):
    """An engine ends in good order."""

    incarnation: str


class Work(NamedTuple):
    """One request for an engine."""

    ticket: str
    seed: int
    request: bytes


class Cancel(NamedTuple):
    """Stop working on these tickets."""

    tickets: list[str]


class ChangeAdapter(NamedTuple):
    """Load or unload a version of an adapter."""

    number: int
    body: bytes  # LoadAdapter or UnloadAdapter


class Drain(NamedTuple):
    """Finish, and end."""


class GivenUp(NamedTuple):
    """The pool counts on this incarnation no more."""


FromEngine = Ready | Replies | Parts | AdapterDone | Bye
FromPool = list[Work] | Cancel | ChangeAdapter | Drain | GivenUp


def pack_ready(
    incarnation: str,
    slots: int,
    serves: Serves = UNTOLD,
    counters: TextCounters | None = None,
    *,
    is_starting: bool = False,
    ahead: int = 0,
) -> bytes:
    """An engine's announcement."""
    told: dict[str, Any] = {}
    if serves.models is not None:
        told["models"] = list(serves.models)
    if serves.adapters is not None:
        told["adapters"] = list(serves.adapters)
    if counters is not None:
        told["counters"] = counters_to_map(counters)
    if is_starting:
        told["starting"] = True
    if ahead:
        told["ahead"] = ahead
    return _pack(["ready", incarnation, slots, told] if told else ["ready", incarnation, slots])


def pack_replies(incarnation: str, replies: Iterable[tuple[str, bytes]], counters: TextCounters | None = None) -> bytes:
    """An engine's answers, with its counters where it has some."""
    found = [[ticket, body] for ticket, body in replies]
    if counters is None:
        return _pack(["replies", incarnation, found])
    return _pack(["replies", incarnation, found, counters_to_map(counters)])


def pack_parts(incarnation: str, parts: Iterable[tuple[str, bytes]]) -> bytes:
    """Parts of an engine's answers."""
    return _pack(["parts", incarnation, [[ticket, body] for ticket, body in parts]])


def pack_adapter_done(incarnation: str, number: int, body: bytes) -> bytes:
    """What became of a change of adapters."""
    return _pack(["adapter", incarnation, number, body])


def pack_bye(incarnation: str) -> bytes:
    """An engine's farewell."""
    return _pack(["bye", incarnation])


def pack_work(work: Iterable[Work]) -> bytes:
    """Requests for an engine."""
    return _pack([[part.ticket, part.seed, part.request] for part in work])


def pack_control(frame: Cancel | ChangeAdapter | Drain | GivenUp) -> bytes:
    """Anything else for an engine."""
    match frame:
        case Cancel(tickets):
            return _pack(["cancel", tickets])
        case ChangeAdapter(number, body):
            return _pack(["adapter", number, body])
        case Drain():
            return _pack(["drain"])
        case GivenUp():
            return _pack(["reset"])


def unpack_from_engine(data: bytes) -> FromEngine:
    """What an engine says. Raises FrameError."""
    match _unpacked(data):
        case ["ready", str() as incarnation, int() as slots, *told] if 1 <= slots <= MAX_SLOTS and len(told) < 2:
            return _ready(incarnation, slots, told[0] if told else {})
        case ["replies", str() as incarnation, list() as replies]:
            return Replies(incarnation, [_reply(part) for part in replies])
        case ["replies", str() as incarnation, list() as replies, dict() as counters]:
            return Replies(incarnation, [_reply(part) for part in replies], _counters(counters))
        case ["parts", str() as incarnation, list() as parts]:
            return Parts(incarnation, [_reply(part) for part in parts])
        case ["adapter", str() as incarnation, int() as number, bytes() as body]:
            return AdapterDone(incarnation, number, body)
        case ["bye", str() as incarnation]:
            return Bye(incarnation)
        case _:
            raise FrameError("an engine sent nothing that an engine says")


def unpack_from_pool(data: bytes) -> FromPool:
    """What a pool says. Raises FrameError."""
    match _unpacked(data):
        case ["cancel", list() as tickets] if all(isinstance(each, str) for each in tickets):
            return Cancel(tickets)
        case ["adapter", int() as number, bytes() as body]:
            return ChangeAdapter(number, body)
        case ["drain"]:
            return Drain()
        case ["reset"]:
            return GivenUp()
        case list() as parts:
            return [_work(part) for part in parts]
        case _:
            raise FrameError("a pool sent no list")


def unpack_work(data: bytes) -> list[Work]:
    """What a pool asks for. Raises FrameError, also for a frame that is no request."""
    found = unpack_from_pool(data)
    if not isinstance(found, list):
        raise FrameError("a pool sent no requests")
    return found


def _unpacked(data: bytes) -> Any:
    try:
        return unpack(data, limit=MAX_FRAME_BYTES)
    except WireError as error:
        raise FrameError(str(error)) from None


def _ready(incarnation: str, slots: int, told: Any) -> Ready:
    if not isinstance(told, dict) or not told.keys() <= {"models", "adapters", "counters", "starting", "ahead"}:
        raise FrameError("what an engine tells of itself is a map of models, adapters, counters, starting and ahead")
    ahead = told.get("ahead", 0)
    if type(ahead) is not int or not 0 <= ahead <= MAX_SLOTS:
        raise FrameError(f"an engine takes from 0 to {MAX_SLOTS} requests ahead")
    serves = Serves(_names(told.get("models")), _names(told.get("adapters")))
    counters = told.get("counters")
    return Ready(
        incarnation,
        slots,
        serves,
        None if counters is None else _counters(counters),
        told.get("starting") is True,
        ahead,
    )


def _names(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise FrameError("models and adapters are lists of names")
    return tuple(value)


def _counters(value: Any) -> TextCounters:
    try:
        return counters_from_map(value)
    except (AttributeError, ValueError) as error:
        raise FrameError(str(error)) from None


def _reply(part: Any) -> tuple[str, bytes]:
    match part:
        case [str() as ticket, bytes() as body]:
            return ticket, body
        case _:
            raise FrameError("a reply must be [ticket, body]")


def _work(part: Any) -> Work:
    match part:
        case [str() as ticket, int() as seed, bytes() as request]:
            return Work(ticket, seed, request)
        case _:
            raise FrameError("a request must be [ticket, seed, body]")
