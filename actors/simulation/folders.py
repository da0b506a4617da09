"""Run folders: where a run's results go, and what is in one already."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from brokers.journal.journal import Journal
from brokers.journal.reader import JournalReader

OUTPUTS = Path("outputs")
JOURNAL = "run.sqlite"
_NUMBERED = re.compile(r"run-(\d+)")


class FolderError(Exception):
    """Raised when a run cannot be put where it was asked to go."""


def next_free_folder(outputs: Path = OUTPUTS) -> Path:
    """`outputs/run-001`, or the number after the highest there."""
    names = [path.name for path in outputs.iterdir()] if outputs.is_dir() else []
    taken = [int(found.group(1)) for name in names if (found := _NUMBERED.fullmatch(name))]
    return outputs / f"run-{max(taken, default=0) + 1:03d}"


def holds_run(folder: Path) -> bool:
    """Whether a run was begun there."""
    return Journal.exists(folder / JOURNAL)


def check_run(folder: Path) -> None:
    """Raises FolderError where no run was begun, NotAJournalError where its journal is damaged."""
    if not (folder / JOURNAL).is_file():
        raise FolderError(f"there is no run in {folder}")
    JournalReader(folder / JOURNAL).close()


def check_new(folder: Path) -> None:
    """Raises FolderError unless a new run may begin there. Touches nothing."""
    check_place(folder)
    if folder.is_dir() and any(folder.iterdir()) and not _was_killed_at_birth(folder):
        hint = "; --resume goes on with the run in it" if holds_run(folder) else ""
        raise FolderError(f"{folder} is not empty{hint}")


def check_place(folder: Path) -> None:
    """Raises FolderError unless files can be written there. Touches nothing."""
    nearest = next(path for path in (folder.absolute(), *folder.absolute().parents) if os.path.lexists(path))
    if not nearest.is_dir():
        raise FolderError(f"{nearest} is a file, not a folder")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise FolderError(f"{nearest} cannot be written to")


def make_folder(folder: Path) -> None:
    """Make a folder and those above it. Raises FolderError with what the system says against it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FolderError(f"{folder} cannot be made: {error.strerror}") from None


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep every other launcher out of a run's folder; the kernel lets go when this process ends, however it ends.

    Raises FolderError where another one is in it.
    """
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderError(f"{folder} is in use by another process") from None
        yield
    finally:
        os.close(fd)


def _was_killed_at_birth(folder: Path) -> bool:
    """Whether nothing is there but a journal whose creation never ended."""
    return all(path.name.startswith(JOURNAL) for path in folder.iterdir()) and Journal.is_unborn(folder / JOURNAL)
