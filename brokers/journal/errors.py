"""What can be wrong with a journal.

JournalError
+-- LockedError        another process writes it; `pid` says which
+-- JournalExistsError a new journal would overwrite one that holds a run
+-- NotAJournalError   the file is missing, or is something else, or was damaged
+-- VersionError       written by a version whose layout this one does not know
+-- DuplicateError     an effect or command with that identity is stored already
+-- DivergedError      a replay did something else than the run it replays
"""

from __future__ import annotations

from pathlib import Path


class JournalError(Exception):
    """Base class for everything that is wrong with a journal."""


class LockedError(JournalError):
    """Raised when another process has the journal open for writing."""

    def __init__(self, path: Path, pid: int) -> None:
        holder = f"process {pid}" if pid else "another process"
        super().__init__(f"{path} is being written by {holder}")
        self.path, self.pid = path, pid


class JournalExistsError(JournalError):
    """Raised when a journal would be created over one that holds a run."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} already holds a run")
        self.path = path


class NotAJournalError(JournalError):
    """Raised when a file is missing, is not a journal, or cannot be read as one."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} is not a journal: {reason}")
        self.path, self.reason = path, reason


class VersionError(JournalError):
    """Raised when a journal has another layout than this version writes."""

    def __init__(self, path: Path, found: int, expected: int) -> None:
        super().__init__(f"{path} has layout {found}, this version reads layout {expected}")
        self.path, self.found, self.expected = path, found, expected


class DuplicateError(JournalError):
    """Raised when an effect or command is added twice."""


class DivergedError(JournalError):
    """Raised when row `n` of a replay differs from the stored row; `field` is the first field that does."""

    def __init__(self, n: int, field: str, expected: object, actual: object) -> None:
        super().__init__(f"diverged at event {n}: {field} was {expected!r}, is {actual!r}")
        self.n, self.field, self.expected, self.actual = n, field, expected, actual
