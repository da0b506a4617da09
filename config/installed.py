"""Whether what a command needs is installed, asked before anything of it is imported."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec


def lacking(command: str, packages: Iterable[str], remedy: str) -> str:
    """One line that says what a command lacks and how to get it; empty if everything is there.

    Args:
        packages: Names under which they are imported.
        remedy: A command to type.
    """
    missing = [name for name in packages if find_spec(name) is None]
    return f"{command} needs {', '.join(missing)}, not installed here: {remedy}" if missing else ""
