"""How far something has come: a bar with an ETA on a terminal, a plain line now and then elsewhere; what it took."""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

LINE_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds, on the wall and of processors; those of child processes count once they ended."""

    wall_s: float
    cpu_s: float

    @classmethod
    def now(cls) -> Spent:
        """Since some beginning; only differences say something."""
        usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return cls(time.monotonic(), sum(usage.ru_utime + usage.ru_stime for usage in usages))

    def __sub__(self, other: Spent) -> Spent:
        return Spent(self.wall_s - other.wall_s, self.cpu_s - other.cpu_s)

    def __str__(self) -> str:
        return f"{self.wall_s:.1f} s ({self.cpu_s:.1f} s of processors)"


class Advance:
    """Shows one piece of work. Use it as a context manager."""

    def __init__(self, what: str, console: Console | None = None) -> None:
        self._what = what
        self._console = console or Console(stderr=True)
        self._began_s = self._told_s = time.monotonic()
        self._done_before = 0  # what came first may have waited for a library to load: the pace is that of the rest
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task(what, total=1)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    def show(self, done: int, of: int, note: str = "") -> None:
        """So much of so much is done."""
        self._bar.update(self._task, completed=done, total=of, description=f"{self._what} {note}".strip())
        now_s = time.monotonic()
        if not self._done_before:
            self._began_s, self._done_before = now_s, done
        if self._console.is_terminal or (done < of and now_s - self._told_s < LINE_EVERY_S):
            return
        self._told_s = now_s
        text = f"{self._what} {done}/{of} {note}".strip()
        if done < of and done > self._done_before:
            left_s = (now_s - self._began_s) * (of - done) / (done - self._done_before)
            text = f"{text}, {left_s:.0f} s left"
        self._console.print(text, highlight=False, soft_wrap=True)
