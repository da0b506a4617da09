"""Who is to blame that a turn does not end: the candidate that computes or sleeps, or the machine that lets it wait."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from actors.work.sandbox.limits import Limits

TICK_S = 0.02
ASLEEP = frozenset(
    "STtZXxI"
)  # sleeping, stopped or ended by its own doing; R runs or waits for a processor, D for a disk
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")

Finding = Literal["wait", "cpu_limit", "blocked", "late"]


@dataclass(frozen=True, slots=True)
class Sample:
    """A candidate and all it started, at one moment."""

    cpu_s: float
    is_asleep: bool  # every thread of every process


def sample_children(parent: int) -> Sample | None:
    """Look at everything below a process; None where the kernel does not show it or nothing is there."""
    ticks, states = 0, []
    pids = descendants(parent)
    if not pids:
        return None
    for pid in pids:
        try:
            ticks += sum(int(each) for each in _stat(f"/proc/{pid}/stat")[11:15])  # own and of reaped children
            states += [_stat(f"/proc/{pid}/task/{each}/stat")[0] for each in os.listdir(f"/proc/{pid}/task")]
        except OSError:  # it ended while we looked
            continue
    return Sample(ticks / _CLOCK_TICKS, all(state in ASLEEP for state in states))


def descendants(parent: int) -> list[int]:
    """Every process below one, as far as the kernel shows them."""
    found: list[int] = []
    waiting = _children(parent)
    while waiting:
        found.append(waiting.pop())
        waiting += _children(found[-1])
    return found


class Patience:
    """Watches one turn of a candidate; asked at every tick, it says what the turn has come to."""

    def __init__(self, zygote: int, limits: Limits, cpu_s: float) -> None:
        self._zygote, self._limits, self._cpu_s = zygote, limits, cpu_s
        self._first: float | None = None
        self._waited_s = self._asleep_s = 0.0
        self._last = time.monotonic()

    def renew(self) -> None:
        """Be patient again: something was heard. Processor time goes on counting."""
        self._waited_s = self._asleep_s = 0.0
        self._last = time.monotonic()

    def look(self) -> Finding:
        """Judge the time since the last look. A pause of our own counts as two ticks, however long it was."""
        now = time.monotonic()
        passed = min(now - self._last, 2 * TICK_S)
        self._last = now
        self._waited_s += passed
        sample = sample_children(self._zygote)
        if sample is not None:
            if self._first is None:
                self._first = sample.cpu_s
            self._asleep_s += passed if sample.is_asleep else 0.0
            if sample.cpu_s - self._first >= self._cpu_s:
                return "cpu_limit"
            if self._asleep_s >= self._limits.asleep_s:
                return "blocked"
        return "late" if self._waited_s >= self._limits.patience_s else "wait"


def _children(pid: int) -> list[int]:
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
        return [int(each) for task in tasks for each in Path(f"/proc/{pid}/task/{task}/children").read_text().split()]
    except OSError:
        return []


def _stat(path: str) -> list[str]:
    """The fields of a stat file from the state on; the name before it may hold anything."""
    return Path(path).read_text(errors="replace").rpartition(")")[2].split()
