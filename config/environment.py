"""The only place where environment variables are read, and written for libraries that know no other way."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def runtime_folder() -> Path | None:
    """The user's private folder for sockets (`XDG_RUNTIME_DIR`), if there is a usable one."""
    named = os.environ.get("XDG_RUNTIME_DIR")
    folder = Path(named) if named else None
    return folder if folder is not None and folder.is_dir() and os.access(folder, os.W_OK) else None


def provide(settings: Mapping[str, str | None]) -> None:
    """Set variables for libraries that this process will load; None removes one."""
    for name, value in settings.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def environment_with(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of this process with some variables set, for a child process."""
    return {**os.environ, **settings}
