"""The frames between a pool and its engines: msgpack lists, checked when they come in.

    engine -> pool   ["ready", incarnation, slots]              also once a second while idle, as a sign of life
    engine -> pool   ["replies", incarnation, [[ticket, body], ...]]
    engine -> pool   ["bye", incarnation]                       an orderly end
    pool -> engine   [[ticket, seed, body], ...]

Bodies are msgpack maps of messages. A frame of another form raises FrameError; its receiver counts and drops it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from brokers.wire.packing import packer, unpack
from brokers.wire.registry import WireError

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


class Replies(NamedTuple):
    """An engine answered these tickets."""

    incarnation: str
    replies: list[tuple[str, bytes]]


class Bye(NamedTuple):
    """An engine ends in good order."""

    incarnation: str


class Work(NamedTuple):
    """One request for an engine."""

    ticket: str
    seed: int
    request: bytes


def pack_ready(incarnation: str, slots: int) -> bytes:
    """An engine's announcement."""
    return _pack(["ready", incarnation, slots])


def pack_replies(incarnation: str, replies: Iterable[tuple[str, bytes]]) -> bytes:
    """An engine's answers."""
    return _pack(["replies", incarnation, [[ticket, body] for ticket, body in replies]])


def pack_bye(incarnation: str) -> bytes:
    """An engine's farewell."""
    return _pack(["bye", incarnation])


def pack_work(work: Iterable[Work]) -> bytes:
    """Requests for an engine."""
    return _pack([[part.ticket, part.seed, part.request] for part in work])


def unpack_from_engine(data: bytes) -> Ready | Replies | Bye:
    """What an engine says. Raises FrameError."""
    match _unpacked(data):
        case ["ready", str() as incarnation, int() as slots] if 1 <= slots <= MAX_SLOTS:
            return Ready(incarnation, slots)
        case ["replies", str() as incarnation, list() as replies]:
            return Replies(incarnation, [_reply(part) for part in replies])
        case ["bye", str() as incarnation]:
            return Bye(incarnation)
        case _:
            raise FrameError("an engine sent neither ready nor replies nor bye")


def unpack_work(data: bytes) -> list[Work]:
    """What a pool asks for. Raises FrameError."""
    parts = _unpacked(data)
    if not isinstance(parts, list):
        raise FrameError("a pool sent no list")
    return [_work(part) for part in parts]


def _unpacked(data: bytes) -> Any:
    try:
        return unpack(data, limit=MAX_FRAME_BYTES)
    except WireError as error:
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
