"""The simulation's end of the hub: commands come in, replies, events and measures go out. Never blocks.

to the hub      [hello, info]  [reply, request number, answer]  [events, [[seq, topic, payload], …]]  [sample, text]
                [live, topic, payload]
from the hub    [command, request number, {client, id, body}]   and one empty frame for each new connection
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgpack
import zmq

from brokers.hub.commands import COMMANDS, Refusal
from brokers.hub.core import fingerprint
from brokers.hub.idempotency import AnswerCache, Key, Standing
from brokers.wire.packing import packer, unpack

_BATCH_EVENTS = 128
_BATCH_BYTES = 256 * 1024
_BATCHES = 64  # that may wait in the socket; more are dropped and leave a gap in seq
_REPLIES = 1024
_COMMANDS_A_POLL = 256


@dataclass(frozen=True, slots=True)
class ClientCommand:
    """A request from outside, already validated by the hub. `body` has `command` and that command's fields."""

    request_id: bytes
    client: str
    client_id: str
    body: dict[str, Any]


def event_payload(*, seq: int, time_us: int, src: str, kind: str, cause: str, body: Mapping[str, Any]) -> bytes:
    """What subscribers get under the topic `event.<kind>`."""
    event = {"seq": seq, "time_us": time_us, "src": src, "kind": kind, "cause": cause, "body": dict(body)}
    return bytes(msgpack.packb(event))


class HubFeed:
    """Used by one thread of the services node. A hub that dies and comes back is greeted again by itself."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], endpoint: str) -> None:
        self._pack = packer()
        self.socket: zmq.Socket[bytes] = context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.IMMEDIATE, 1)  # nothing queues for a hub that is not there
        self.socket.setsockopt(zmq.SNDHWM, _BATCHES)
        self.socket.setsockopt(zmq.RCVHWM, 1024)
        self.socket.setsockopt(zmq.MAXMSGSIZE, 1024 * 1024)
        self.socket.setsockopt(zmq.RECONNECT_IVL, 20)
        self.socket.setsockopt(zmq.RECONNECT_IVL_MAX, 200)
        self.socket.connect(endpoint)
        self._events: list[tuple[int, str, bytes]] = []
        self._events_bytes = 0
        self._replies: deque[tuple[bytes, ...]] = deque()
        self._hello: bytes | None = None
        self._sample: bytes | None = None
        self._owes_hello = self._owes_sample = False
        self._changes: AnswerCache[bytes] = AnswerCache()
        self._keys: dict[bytes, Key] = {}
        self.dropped_events = 0
        self.dropped_replies = 0

    def hello(self, info: Mapping[str, Any]) -> None:
        """Introduce the run. `info["choices"]` may list allowed names by path, such as `disturbance.type`, `actor`."""
        self._hello, self._owes_hello = self._pack(dict(info)), True
        self._send_owed()

    def poll(self) -> list[ClientCommand]:
        """The commands that arrived; also sends what is waiting to go. Each command must get one `reply`."""
        arrived: list[ClientCommand] = []
        for _ in range(_COMMANDS_A_POLL):
            try:
                frames = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            if frames == [b""]:  # a hub accepted our connection: a new one, for all we know
                self._owes_hello, self._owes_sample = self._hello is not None, self._sample is not None
            elif len(frames) == 3 and frames[0] == b"command":
                arrived.extend(self._admit(frames[1], unpack(frames[2])))
        self.flush()
        return arrived

    def reply(self, request_id: bytes, answer: Mapping[str, Any]) -> None:
        """Answer a command: `{"ok": True, …}`, or `{"ok": False, "error", "reason", "allowed"}`."""
        key = self._keys.pop(request_id, None)
        waiters = (request_id,) if key is None else self._changes.answer(key, answer)
        packed = self._pack(dict(answer))
        for waiter in waiters:
            self._queue_reply(waiter, packed)
        self._send_owed()

    def publish(self, seq: int, topic: str, payload: bytes) -> None:
        """Offer an event to subscribers. `seq` counts published events without gaps; `topic` is `event.<kind>`."""
        self._events.append((seq, topic, payload))
        self._events_bytes += len(payload)
        if len(self._events) >= _BATCH_EVENTS or self._events_bytes >= _BATCH_BYTES:
            self._send_events()

    def tell_live(self, topic: str, payload: bytes) -> None:
        """Offer a fact of this moment, which is in no log, to subscribers; lost where the hub is not there.

        `topic` is `live.<what>`.
        """
        self._send((b"live", topic.encode(), payload))

    def sample(self, exposition: bytes) -> None:
        """Hand over the measures of now, as Prometheus text format 0.0.4; only the latest is kept."""
        self._sample, self._owes_sample = exposition, True
        self._send_owed()

    def flush(self) -> None:
        """Send what can be sent without waiting."""
        self._send_owed()
        self._send_events()

    def close(self, *, linger_ms: int = 200) -> None:
        """Send what is left for at most `linger_ms` and close."""
        self.flush()
        self.socket.close(linger_ms)

    def _admit(self, request_id: bytes, fields: Mapping[str, Any]) -> list[ClientCommand]:
        """Pass a command on once, also when a restarted hub brings it again."""
        command = ClientCommand(request_id, fields["client"], fields["id"], fields["body"])
        if COMMANDS[command.body["command"]].is_query:
            return [command]
        key = (command.client, command.client_id)
        match self._changes.ask(key, fingerprint(command.body), request_id):
            case Standing.NEW:
                self._keys[request_id] = key
                return [command]
            case Standing.WAITING:
                pass
            case Standing.CONFLICT:
                refusal = Refusal("id_reused", "this client used this id for another command")
                self._queue_reply(request_id, self._pack(refusal.as_answer()))
            case Standing.FULL:
                refusal = Refusal("busy", "too many commands wait for the simulation")
                self._queue_reply(request_id, self._pack(refusal.as_answer()))
            case answer:
                self._queue_reply(request_id, self._pack(dict(answer)))
        return []

    def _queue_reply(self, request_id: bytes, packed: bytes) -> None:
        if len(self._replies) >= _REPLIES:
            self._replies.popleft()
            self.dropped_replies += 1
        self._replies.append((b"reply", request_id, packed))

    def _send_owed(self) -> None:
        """Hello first, then replies, then the sample; what does not fit stays owed."""
        if self._owes_hello and self._hello is not None:
            self._owes_hello = not self._send((b"hello", self._hello))
        while self._replies and self._send(self._replies[0]):
            self._replies.popleft()
        if self._owes_sample and self._sample is not None:
            self._owes_sample = not self._send((b"sample", self._sample))

    def _send_events(self) -> None:
        if not self._events:
            return
        if not self._send((b"events", self._pack(self._events))):
            self.dropped_events += len(self._events)
        self._events.clear()
        self._events_bytes = 0

    def _send(self, frames: tuple[bytes, ...]) -> bool:
        try:
            self.socket.send_multipart(frames, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True
