"""How far a run has come: a bar with an ETA on a terminal, one plain line a sprint elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class ProgressReporter:
    """Shows small progress maps: `sprint` and `sprints` always; `day`, `days`, `velocity`, `events`, `eta_s` if known.

    `sprint` and `day` are 1-based and running; `eta_s` is wall seconds. Use it as a context manager.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._latest: dict[str, Any] = {}
        self._printed_sprint = 0
        self._task: TaskID | None = None
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )

    def __enter__(self) -> ProgressReporter:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    def update(self, progress: Mapping[str, Any]) -> None:
        """Show where the run is now; what a map leaves out stays as it was."""
        self._latest.update(progress)
        if self._console.is_terminal:
            self._move_bar()
        elif self._latest["sprint"] > self._printed_sprint:
            self._printed_sprint = self._latest["sprint"]
            self._console.print(_line(self._latest), highlight=False, markup=False, soft_wrap=True)

    def finish(self) -> None:
        """Show that all sprints are over."""
        if self._task is not None:
            self._bar.update(self._task, completed=self._latest["sprints"])

    def _move_bar(self) -> None:
        if self._task is None:
            self._task = self._bar.add_task("", total=self._latest["sprints"])
        self._bar.update(
            self._task,
            total=self._latest["sprints"],
            completed=_sprints_done(self._latest),
            description=_line(self._latest),
        )


def _sprints_done(progress: Mapping[str, Any]) -> float:
    """Sprints that are over, with the days of the running one as a fraction."""
    days = progress.get("days") or 0
    part = (progress.get("day", 1) - 1) / days if days else 0.0
    return float(progress["sprint"] - 1 + min(max(part, 0.0), 1.0))


def _line(progress: Mapping[str, Any]) -> str:
    words = [f"sprint {progress['sprint']}/{progress['sprints']}"]
    if "day" in progress:
        words.append(f"day {progress['day']}")
    if progress.get("velocity") is not None:
        words.append(f"last velocity {progress['velocity']}")
    if "events" in progress:
        words.append(f"{progress['events']} events")
    if progress.get("eta_s") is not None:
        words.append(f"about {round(progress['eta_s'])} s left")
    return ", ".join(words)
