"""One writer at a time: a lock file that the kernel releases when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from brokers.journal.errors import LockedError


class WriterLock:
    """Holds `<journal>.lock` from construction to `release()`. The file contains the holder's pid."""

    def __init__(self, journal: Path) -> None:
        self.path = journal.with_name(journal.name + ".lock")
        self._fd = -1
        while self._fd < 0:
            self._try_to_take(journal)

    def _try_to_take(self, journal: Path) -> None:
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.read(fd, 32).split(b"\n")[0]
            os.close(fd)
            raise LockedError(journal, int(pid) if pid.isdigit() else 0) from None
        if not _is_still(self.path, fd):  # the last holder removed the file between our open and our flock
            os.close(fd)
            return
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        self._fd = fd

    def release(self) -> None:
        """Remove the file and let the next writer in. Does nothing the second time."""
        if self._fd < 0:
            return
        self.path.unlink(missing_ok=True)
        os.close(self._fd)
        self._fd = -1


def _is_still(path: Path, fd: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(fd))
    except FileNotFoundError:
        return False
