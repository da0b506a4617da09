"""What a command's exit status says."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit statuses; 2 and 75 as sysexits and argparse use them."""

    OK = 0
    FAILED = 1  # a bug of ours, or the machine failed (disk full, no sockets): see logs/
    BAD_INPUT = 2  # configuration, backlog or options; nothing was written
    DIVERGED = 3  # a replay differs from its journal
    RESUMABLE = 75  # a node died or was stopped: `--resume` goes on
    INTERRUPTED = 130  # Ctrl-C: committed, `--resume` goes on
