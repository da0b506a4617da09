"""The hub's poll loop: carries out what `core.py` decides. Holds nothing that a restart would miss."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, assert_never

import zmq

from brokers.hub.core import MAX_MESSAGE_BYTES, Action, HubCore, Publish, ToClient, ToFeed

_MESSAGES_A_TURN = 64  # from one socket before the others get theirs
_FRAMES_KEPT = 4  # of a multipart; more frames are counted and thrown away
_MAX_FEED_BYTES = 64 * 1024 * 1024
_MAX_SUBSCRIPTION_BYTES = 1024  # holds the handshake of a subscriber too
_CLIENT_HWM = 16  # messages of up to MAX_MESSAGE_BYTES that may wait for each client
_EVENTS_HWM = 10_000  # events that may wait for each subscriber; more are dropped and leave a gap in seq
_FEED_HWM = 64
_TICK_MS = 1000


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the hub listens."""

    clients: tuple[str, ...]
    events: tuple[str, ...]
    feed: str

    def remove_files(self) -> None:
        """Take away the socket files that libzmq leaves behind."""
        for endpoint in (*self.clients, *self.events, self.feed):
            if endpoint.startswith("ipc:///"):
                Path(endpoint.removeprefix("ipc://")).unlink(missing_ok=True)


class HubServer:
    """Binds its sockets at once; `run()` serves until `stop_fd` becomes readable."""

    def __init__(self, core: HubCore, endpoints: Endpoints, *, stop_fd: int) -> None:
        self._core, self._endpoints, self._stop_fd = core, endpoints, stop_fd
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._clients = self._bind(
            zmq.ROUTER, endpoints.clients, _options(_CLIENT_HWM, MAX_MESSAGE_BYTES) | {zmq.ROUTER_MANDATORY: 1}
        )
        self._events = self._bind(
            zmq.XPUB, endpoints.events, _options(_EVENTS_HWM, _MAX_SUBSCRIPTION_BYTES) | {zmq.XPUB_VERBOSE: 1}
        )
        self._feed = self._bind(
            zmq.ROUTER,
            (endpoints.feed,),
            _options(_FEED_HWM, _MAX_FEED_BYTES) | {zmq.ROUTER_MANDATORY: 1, zmq.PROBE_ROUTER: 1},
        )

    def run(self) -> None:
        """Serve until told to stop, then close the sockets and remove their files."""
        poller = zmq.Poller()
        for source in (self._clients, self._events, self._feed, self._stop_fd):
            poller.register(source, zmq.POLLIN)
        handlers: tuple[tuple[Any, Callable[[], None]], ...] = (
            (self._feed, self._serve_feed),
            (self._clients, self._serve_clients),
            (self._events, self._serve_subscriptions),
        )
        next_tick_s = time.monotonic() + _TICK_MS / 1000
        try:
            while True:
                ready = dict(poller.poll(_TICK_MS))
                if self._stop_fd in ready:
                    return
                for source, serve in handlers:
                    if source in ready:
                        serve()
                if time.monotonic() >= next_tick_s:
                    next_tick_s = time.monotonic() + _TICK_MS / 1000
                    self._carry_out(self._core.on_tick(now_s=time.monotonic()))
        finally:
            self.close()

    def close(self) -> None:
        """Close the sockets; what is under way gets a moment to leave."""
        for socket in (self._clients, self._events, self._feed):
            socket.close(linger=100)
        self._context.term()
        self._endpoints.remove_files()

    def _serve_clients(self) -> None:
        for frames in _drain(self._clients):
            self._carry_out(self._core.on_client(frames, now_s=time.monotonic()))

    def _serve_feed(self) -> None:
        for frames in _drain(self._feed):
            self._carry_out(self._core.on_feed(frames))

    def _serve_subscriptions(self) -> None:
        for frames in _drain(self._events):
            self._carry_out(self._core.on_subscription(frames[0]))

    def _carry_out(self, actions: Sequence[Action]) -> None:
        for action in actions:
            try:
                self._send(action)
            except zmq.ZMQError as error:  # the receiver left, or does not read
                if error.errno not in (zmq.EAGAIN, zmq.EHOSTUNREACH):
                    raise
                self._core.counts["undelivered"] += 1
                if isinstance(action, ToFeed):
                    self._carry_out(self._core.on_undelivered(action, has_left=error.errno == zmq.EHOSTUNREACH))

    def _send(self, action: Action) -> None:
        match action:
            case Publish(topic, payload):
                self._events.send_multipart((topic, payload), zmq.NOBLOCK)
            case ToClient(identity, payload):
                self._clients.send_multipart((identity, b"", payload), zmq.NOBLOCK)
            case ToFeed(identity, frames):
                self._feed.send_multipart((identity, *frames), zmq.NOBLOCK)
            case _:
                assert_never(action)

    def _bind(self, kind: int, endpoints: Sequence[str], options: dict[int, int]) -> zmq.Socket[bytes]:
        socket = self._context.socket(kind)
        for option, value in options.items():
            socket.setsockopt(option, value)
        for endpoint in endpoints:
            socket.bind(endpoint)
        return socket


def _options(high_water: int, max_bytes: int) -> dict[int, int]:
    return {zmq.SNDHWM: high_water, zmq.RCVHWM: high_water, zmq.MAXMSGSIZE: max_bytes, zmq.LINGER: 0}


def _drain(socket: zmq.Socket[bytes]) -> list[list[bytes]]:
    """A turn's worth of multiparts, each with its first frames only, and one more where there were too many."""
    messages: list[list[bytes]] = []
    while len(messages) < _MESSAGES_A_TURN:
        try:
            frames = [socket.recv(zmq.NOBLOCK)]
        except zmq.Again:
            break
        while socket.getsockopt(zmq.RCVMORE):
            frame = socket.recv(zmq.NOBLOCK)
            if len(frames) <= _FRAMES_KEPT:
                frames.append(frame)
        messages.append(frames)
    return messages


def stop_pipe() -> tuple[int, int]:
    """A pipe for `signal.set_wakeup_fd`: (to poll, to write)."""
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    return reading, writing
