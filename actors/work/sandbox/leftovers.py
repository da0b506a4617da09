"""The folder of one sandbox, and what sandboxes left behind whose process was killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
import time
from pathlib import Path

YOUNG_S = 60.0  # a folder this young may belong to somebody who has not locked it yet
_NAME = re.compile(r"scrummage-(\d+)-.+")


class WorkFolder:
    """A private folder that is locked as long as its owner lives; making one removes those whose owner is gone."""

    def __init__(self, parent: Path | None = None) -> None:
        parent = Path(tempfile.gettempdir()) if parent is None else parent
        remove_leftover_folders(parent)
        self.path = Path(tempfile.mkdtemp(prefix=f"scrummage-{os.getpid()}-", dir=parent))
        self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def close(self) -> None:
        """Remove the folder with all in it; a second call does nothing."""
        if self._lock >= 0:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)
            self._lock = -1


def remove_leftover_folders(parent: Path) -> None:
    """Remove folders of sandboxes that nobody holds any more."""
    for folder in sorted(parent.glob("scrummage-*")):
        if not _NAME.fullmatch(folder.name):
            continue
        with contextlib.suppress(OSError):  # somebody else's, or just removed
            if time.time() - folder.stat().st_mtime > YOUNG_S:
                _remove_if_free(folder)


def _remove_if_free(folder: Path) -> None:
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def remove_leftover_groups(parent: Path) -> None:
    """Remove empty control groups whose maker is gone; the kernel keeps those that hold a process."""
    for group in sorted(parent.glob("scrummage-*")):
        match = _NAME.fullmatch(group.name)
        if match and not Path(f"/proc/{match[1]}").exists():
            with contextlib.suppress(OSError):
                group.rmdir()
