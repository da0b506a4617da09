"""How a poll loop is woken: from another thread, or by a signal."""

from __future__ import annotations

import signal
import socket
from contextlib import suppress


class Waker:
    """Makes a poll return, from any thread."""

    def __init__(self) -> None:
        self._read, self._write = socket.socketpair()
        self._read.setblocking(False)
        self._write.setblocking(False)

    def fileno(self) -> int:
        """To be polled for reading."""
        return self._read.fileno()

    def set(self) -> None:
        """Let the poll return. Nothing happens once it is closed, or when it is set many times over."""
        with suppress(OSError):
            self._write.send(b"\0")

    def clear(self) -> None:
        """From now on the poll waits again."""
        with suppress(BlockingIOError):
            self._read.recv(65_536)

    def close(self) -> None:
        """Let go of both ends."""
        self._read.close()
        self._write.close()


class StopSignal(Waker):
    """A waker that nobody clears: how an engine process learns that it should end."""

    def is_set(self) -> bool:
        """Whether somebody asked for the end."""
        try:
            return bool(self._read.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return False

    def set_on(self, *signals: signal.Signals) -> None:
        """Let signals set it; also one that arrives just before the loop begins to wait. Main thread only."""
        signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        for number in signals:
            signal.signal(number, lambda *_: self.set())
