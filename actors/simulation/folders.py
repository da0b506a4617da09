"""Run folders: where a run's results go, and what is in one already."""

from __future__ import annotations

import re
from pathlib import Path

from brokers.journal.journal import Journal

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


def check_new(folder: Path) -> None:
    """Raises FolderError unless a new run may begin there. Touches nothing."""
    if folder.exists() and not folder.is_dir():
        raise FolderError(f"{folder} is a file, not a folder")
    if folder.is_dir() and any(folder.iterdir()):
        hint = "; --resume goes on with the run in it" if holds_run(folder) else ""
        raise FolderError(f"{folder} is not empty{hint}")
