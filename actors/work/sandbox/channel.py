"""The judge's end of the line to a candidate: never blocks for good, and takes no more than it should."""

from __future__ import annotations

import json
import select
import socket
from typing import Any, Protocol

from actors.work.sandbox.watching import TICK_S, Finding
from actors.work.sandbox.wire import HEADER_BYTES, frame

READ_BYTES = 1 << 16


class Watch(Protocol):
    """Says at every tick whether to wait on."""

    def look(self) -> Finding: ...


class TurnEndedError(Exception):
    """Raised when a turn ends without an answer; `why` is "gone", "malformed", "too_large" or what the watch found."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Channel:
    """Frames to and from one candidate. Its end of the line is in hostile hands: every byte may be a lie."""

    def __init__(self, most_bytes: int) -> None:
        self._ours, self.theirs = socket.socketpair()
        self._ours.setblocking(False)
        self._most_bytes = most_bytes
        self._received = bytearray()

    def give_away(self) -> None:
        """Close the candidate's end here, once the zygote has it."""
        self.theirs.close()

    def close(self) -> None:
        """Hang up."""
        self._ours.close()
        self.theirs.close()

    def send(self, message: dict[str, Any], watch: Watch) -> None:
        """Send one message whole.

        Raises:
            TurnEndedError: The candidate is gone, or takes the message too slowly.
        """
        rest = memoryview(frame(message))
        while rest:
            try:
                rest = rest[self._ours.send(rest) :]
            except BlockingIOError:
                if not wait_for(TICK_S, to_write=self._ours):
                    _look(watch)
            except OSError:
                raise TurnEndedError("gone") from None

    def receive(self, watch: Watch, control: socket.socket) -> dict[str, Any]:
        """Wait for one message.

        Raises:
            TurnEndedError: No message came; `control` speaking means that the candidate ended, whoever holds its line.
        """
        while True:
            message = self._message()
            if message is not None:
                return message
            ready = wait_for(TICK_S, self._ours, control)
            if self._ours.fileno() in ready:
                self._read()
            elif control.fileno() in ready:
                raise TurnEndedError("gone")
            else:
                _look(watch)

    def _read(self) -> None:
        try:
            part = self._ours.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            part = b""
        if not part:
            raise TurnEndedError("gone")
        self._received += part

    def _message(self) -> dict[str, Any] | None:
        if len(self._received) < HEADER_BYTES:
            return None
        length = int.from_bytes(self._received[:HEADER_BYTES], "big")
        if length > self._most_bytes:
            raise TurnEndedError("too_large")
        if len(self._received) < HEADER_BYTES + length:
            return None
        body = bytes(self._received[HEADER_BYTES : HEADER_BYTES + length])
        del self._received[: HEADER_BYTES + length]
        try:
            message = json.loads(body, parse_constant=_refuse)
        except (ValueError, RecursionError):
            raise TurnEndedError("malformed") from None
        if type(message) is not dict:
            raise TurnEndedError("malformed")
        return message


def wait_for(seconds: float, *to_read: socket.socket, to_write: socket.socket | None = None) -> list[int]:
    """Wait until a socket is ready and return the numbers of those that are. `select` could not take large numbers."""
    waiting = select.poll()
    for each in to_read:
        waiting.register(each, select.POLLIN)
    if to_write is not None:
        waiting.register(to_write, select.POLLOUT)
    return [number for number, _ in waiting.poll(seconds * 1000)]


def _look(watch: Watch) -> None:
    finding = watch.look()
    if finding != "wait":
        raise TurnEndedError(finding)


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no plain number")
