"""How an engine process learns that it should end: a signal, or a call from another thread."""

from __future__ import annotations

import signal
import socket


class StopSignal:
    """A flag that a poll loop can wait for: readable once it is set."""

    def __init__(self) -> None:
        self._read, self._write = socket.socketpair()
        self._read.setblocking(False)
        self._write.setblocking(False)

    def fileno(self) -> int:
        """To be polled for reading."""
        return self._read.fileno()

    def set(self) -> None:
        """Ask for the end; from any thread or signal handler."""
        try:
            self._write.send(b"\0")
        except BlockingIOError:  # it is set many times over
            return

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

    def close(self) -> None:
        """Let go of both ends."""
        self._read.close()
        self._write.close()
