"""One command of the simulator, started as a user starts it, with what it cost."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from brokers.journal.reader import JournalReader
from tests.support.runs import MODELLED

ROOT = Path(__file__).resolve().parents[1]
GLANCE_S = 0.05  # between two looks at the memory of the processes


class CommandFailedError(Exception):
    """Raised when a measured command did not end well: nothing it took may be reported."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one command took."""

    cpu_s: float  # user and system time of all its processes, interpreter start included
    wall_s: float
    first_progress_s: float | None  # until the first line of progress
    peak_rss_kib: Mapping[str, int] = field(default_factory=dict)  # by process


def simulate(*arguments: str | Path, live: Path | None = None) -> Cost:
    """Run `python -m actors.simulation ARGUMENTS`. With `live` (its run folder) the memory of each process is watched.

    Raises CommandFailedError.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started_s = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "actors.simulation", *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    said, first_s, peaks = _follow(process, live, started_s)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise CommandFailedError(f"{process.args!r} ended with {process.returncode}: {said.decode()[-2000:]}")
    return Cost(
        usage.ru_utime + usage.ru_stime, time.monotonic() - started_s, first_s, peaks or {"all": usage.ru_maxrss}
    )


def run(folder: Path, *arguments: str, watch: bool = False) -> Cost:
    """A whole run into a new folder. No code is written: what is measured is the simulator."""
    options = ("--output", folder, "--metrics-port", "0", *arguments, MODELLED)
    return simulate("run", *options, live=folder if watch else None)


def rows_of(folder: Path) -> int:
    """How many rows a run's log has."""
    with JournalReader(folder / "run.sqlite") as journal:
        return journal.count()


def _follow(
    process: subprocess.Popen[bytes], live: Path | None, started_s: float
) -> tuple[bytes, float | None, dict[str, int]]:
    """Read what it says until it ends: all of it, when progress came first, and the peaks of memory."""
    assert process.stderr is not None
    said, first_s, peaks = b"", None, dict[str, int]()
    with selectors.DefaultSelector() as selector, process.stderr as stream:
        selector.register(stream, selectors.EVENT_READ)
        while True:
            if selector.select(None if live is None else GLANCE_S):
                part = os.read(stream.fileno(), 65536)
                if not part:
                    return said, first_s, peaks
                said += part
                if first_s is None and b"sprint 1/" in said:
                    first_s = time.monotonic() - started_s
            if live is not None:
                _look(live, process.pid, peaks)


def _look(folder: Path, launcher: int, peaks: dict[str, int]) -> None:
    try:
        pids = dict(json.loads((folder / ".live" / "run.json").read_text(encoding="utf-8"))["pids"])
    except (FileNotFoundError, json.JSONDecodeError):  # not up yet, or down again
        return
    for name, pid in {**pids, "launcher": launcher}.items():
        try:
            status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        except (FileNotFoundError, ProcessLookupError):
            continue
        found = [line for line in status.splitlines() if line.startswith(("VmHWM:", "VmRSS:"))]
        peak = max((int(line.split()[1]) for line in found), default=0)
        peaks[name] = max(peak, peaks.get(name, 0))
