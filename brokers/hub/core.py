"""What the hub decides: bytes come in, actions go out. Pure: no sockets, no threads, no clock.

The poll loop in `server.py` carries the actions out. Nothing here must survive a restart: who waits asks again with
the same id, and the run answers from its own memory.
"""

from __future__ import annotations

import hmac
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, TypeAlias

import msgpack

from brokers.hub.commands import WIRE_VERSION, Refusal, Request, parse_request
from brokers.hub.idempotency import AnswerCache, Key, Standing
from brokers.wire.packing import packer, unpack
from brokers.wire.registry import WireError

MAX_REQUEST_BYTES = 64 * 1024  # a longer one is refused; above MAX_MESSAGE_BYTES its sender is cut off
MAX_MESSAGE_BYTES = 1024 * 1024
MAX_TOPIC_BYTES = 128
MAX_CHOICES = 100_000  # names that a run may list in its hello
ANSWER_WITHIN_S = 60.0
MAX_WAITING = 2048  # queries and commands together that the simulation owes an answer
SYNC_PREFIX = b"sync/"
EVENT_PREFIX = b"event."
LIVE_PREFIX = b"live."  # facts of the moment: in no log, without a number


@dataclass(frozen=True, slots=True)
class ToClient:
    """Send a packed reply to one client."""

    identity: bytes
    payload: bytes


@dataclass(frozen=True, slots=True)
class ToFeed:
    """Send frames to the simulation."""

    identity: bytes
    frames: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Publish:
    """Send a topic and its payload to whoever subscribed."""

    topic: bytes
    payload: bytes


Action: TypeAlias = ToClient | ToFeed | Publish


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who asked, and under which request number the simulation was asked."""

    identity: bytes
    client_id: str


class HubCore:
    """Validates, routes and counts. Every `on_…` returns what is to be sent."""

    def __init__(self, token: str, *, hub_id: bytes) -> None:
        self._token = token.encode()
        self._hub_id = hub_id
        self._pack = packer()
        self._feed = b""  # identity of the simulation's connection; empty while there is none
        self._choices: dict[str, frozenset[str]] = {}
        self._changes: AnswerCache[_Asked] = AnswerCache()
        self._requests: dict[bytes, tuple[Key | None, _Asked, float]] = {}  # request number -> what was asked
        self._asked = 0
        self._last_seq = 0
        self.info: Mapping[str, Any] = {}
        self.sample = b""
        self.refused: Counter[str] = Counter()
        self.received: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()

    @property
    def is_connected(self) -> bool:
        """Whether a simulation said hello."""
        return bool(self._feed)

    @property
    def waiting(self) -> int:
        """Commands and queries that the simulation has not answered yet."""
        return len(self._requests)

    # From clients

    def on_client(self, frames: Sequence[bytes], *, now_s: float) -> list[Action]:
        """Handle one multipart from the clients' ROUTER: identity, empty frame, packed map."""
        if len(frames) != 3 or frames[1]:
            self.refused["framing"] += 1
            return []
        identity, _, payload = frames
        fields: dict[str, Any] = {}
        try:
            fields = self._decode(payload)
            return self._carry_out(identity, self._admit(fields), now_s)
        except Refusal as refusal:
            self.refused[refusal.error] += 1
            return [self._reply(identity, fields.get("id"), refusal.as_answer())]

    def _decode(self, payload: bytes) -> dict[str, Any]:
        if len(payload) > MAX_REQUEST_BYTES:
            raise Refusal("too_large", f"a request may have {MAX_REQUEST_BYTES} bytes, this one has {len(payload)}")
        try:
            fields = msgpack.unpackb(
                payload, raw=False, max_str_len=4096, max_bin_len=0, max_array_len=16, max_map_len=32, max_ext_len=0
            )
        except (ValueError, msgpack.UnpackException):
            raise Refusal("malformed", "the request is not one msgpack map within the limits") from None
        if not isinstance(fields, dict) or not all(isinstance(key, str) for key in fields):
            raise Refusal("malformed", "the request must be a msgpack map with text keys")
        return fields

    def _admit(self, fields: Mapping[str, Any]) -> Request:
        if type(fields.get("v")) is not int or fields["v"] != WIRE_VERSION:
            raise Refusal("unsupported_version", f"v must be {WIRE_VERSION}", [str(WIRE_VERSION)])
        token = fields.get("token")
        given = token.encode() if isinstance(token, str) else b""
        if not hmac.compare_digest(given, self._token):
            raise Refusal("unauthorized", "the token is missing or wrong; it is in .live/run.json of the run's folder")
        request = parse_request(fields, self._choices)
        self.received[request.command] += 1
        return request

    def _carry_out(self, identity: bytes, request: Request, now_s: float) -> list[Action]:
        if not self._feed:
            raise Refusal("unavailable", "no simulation is connected to the hub; send it again with the same id")
        asked = _Asked(identity, request.client_id)
        if request.is_query:
            if len(self._requests) >= MAX_WAITING:
                raise Refusal("busy", "too many requests wait for the simulation")
            return [self._forward(None, asked, request, now_s)]
        key = (request.client, request.client_id)
        standing = self._changes.ask(key, fingerprint(request.body), asked, now_s=now_s)
        match standing:
            case Standing.NEW:
                return [self._forward(key, asked, request, now_s)]
            case Standing.WAITING:
                return []
            case Standing.CONFLICT:
                raise Refusal("id_reused", "this client used this id for another command")
            case Standing.FULL:
                raise Refusal("busy", "too many commands wait for the simulation")
            case _:
                self.counts["repeated"] += 1
                return [self._reply(identity, request.client_id, standing)]

    def _forward(self, key: Key | None, asked: _Asked, request: Request, now_s: float) -> Action:
        self._asked += 1
        number = self._hub_id + self._asked.to_bytes(8, "big")
        self._requests[number] = (key, asked, now_s)
        body = {"client": request.client, "id": request.client_id, "body": request.body}
        return ToFeed(self._feed, (b"command", number, self._pack(body)))

    def _reply(self, identity: bytes, client_id: object, answer: Mapping[str, Any]) -> Action:
        self.counts["answered"] += 1
        known_id = client_id if isinstance(client_id, str) else None
        return ToClient(identity, self._pack({"v": WIRE_VERSION, "id": known_id, **answer}))

    def on_tick(self, *, now_s: float) -> list[Action]:
        """Tell those who waited too long that they may ask again."""
        before = now_s - ANSWER_WITHIN_S
        late = [number for number, (_, _, since_s) in self._requests.items() if since_s < before]
        waiters = [asked for key, asked, _ in map(self._requests.pop, late) if key is None]
        for _, askers in self._changes.give_up(asked_before_s=before):
            waiters.extend(askers)
        self.counts["expired"] += len(waiters)
        return self._unavailable(waiters, "the simulation did not answer in time")

    def on_undelivered(self, command: ToFeed, *, has_left: bool) -> list[Action]:
        """Tell who asked that the simulation could not be reached."""
        if has_left and command.identity == self._feed:
            self._feed = b""
        known = self._requests.pop(command.frames[1], None)
        if known is None:
            return []
        key, asked, _ = known
        waiters = (asked,) if key is None else self._changes.release(key)
        return self._unavailable(waiters, "the simulation does not take commands now")

    def _unavailable(self, waiters: Sequence[_Asked], reason: str) -> list[Action]:
        answer = Refusal("unavailable", f"{reason}; send it again with the same id").as_answer()
        self.refused["unavailable"] += len(waiters)
        return [self._reply(asked.identity, asked.client_id, answer) for asked in waiters]

    # From the simulation

    def on_feed(self, frames: Sequence[bytes]) -> list[Action]:
        """Handle one multipart from the feed's ROUTER: identity, what it is, and its parts."""
        try:
            match frames:
                case [identity, b"hello", info]:
                    return self._on_hello(identity, _map(unpack(info)))
                case [_, b"reply", number, answer]:
                    return self._on_reply(number, _map(unpack(answer)))
                case [_, b"events", packed]:
                    return self._on_events([_event(item) for item in unpack(packed)])
                case [_, b"live", topic, payload] if topic.startswith(LIVE_PREFIX):
                    return [Publish(topic, payload)]
                case [_, b"sample", exposition]:
                    self.sample = exposition
                    return []
        except (WireError, TypeError, ValueError):
            pass
        self.counts["malformed_feed"] += 1
        return []

    def _on_hello(self, identity: bytes, info: dict[str, Any]) -> list[Action]:
        choices = {path: frozenset(names) for path, names in _map(info.get("choices", {})).items()}
        if sum(map(len, choices.values())) > MAX_CHOICES:
            raise ValueError("too many choices")
        self._choices = choices
        self.info = {key: value for key, value in info.items() if key != "choices"}
        self._feed = identity
        self._last_seq = 0
        self.counts["hellos"] += 1
        return []

    def _on_reply(self, number: bytes, answer: dict[str, Any]) -> list[Action]:
        known = self._requests.pop(number, None)
        if known is None:
            self.counts["unasked_replies"] += 1
            return []
        key, asked, _ = known
        waiters = (asked,) if key is None else self._changes.answer(key, answer)
        return [self._reply(waiter.identity, waiter.client_id, answer) for waiter in waiters]

    def _on_events(self, events: Sequence[tuple[int, str, bytes]]) -> list[Action]:
        actions: list[Action] = []
        for seq, topic, payload in events:
            if self._last_seq and seq > self._last_seq + 1:
                self.counts["missing_events"] += seq - self._last_seq - 1
            self._last_seq = seq
            actions.append(Publish(topic.encode(), payload))
        self.counts["events"] += len(actions)
        return actions

    # From subscribers

    def on_subscription(self, message: bytes) -> list[Action]:
        """Handle what the XPUB reports: a byte that says on or off, and the topic."""
        is_on, topic = message[:1] == b"\x01", message[1:]
        if message[:1] not in (b"\x00", b"\x01") or len(topic) > MAX_TOPIC_BYTES:
            self.refused["subscription"] += 1
            return []
        if topic.startswith(SYNC_PREFIX):
            if not is_on:
                return []
            self.counts["syncs"] += 1
            return [Publish(topic, b"")]
        if not any(topic.startswith(known) or known.startswith(topic) for known in (EVENT_PREFIX, LIVE_PREFIX)):
            self.refused["topic"] += 1
        return []


def _map(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("expected a map")
    return value


def _event(item: Any) -> tuple[int, str, bytes]:
    seq, topic, payload = item
    if type(seq) is not int or not isinstance(topic, str) or not isinstance(payload, bytes):
        raise TypeError("expected [seq, topic, payload]")
    return seq, topic, payload


def fingerprint(body: Mapping[str, Any]) -> bytes:
    """What makes two requests the same, whatever the order of their fields."""
    return blake2b(json.dumps(body, sort_keys=True).encode(), digest_size=16).digest()
