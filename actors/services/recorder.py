"""The recorder: follows the log and keeps everything that is derived from it.

It lives on a thread of its own, beside virtual time: what it does can be slow, and can never change the run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actors.reporting.entries import LoggedEvent
from actors.reporting.metrics import RunMetrics
from actors.reporting.run_info import RunInfo
from actors.reporting.writer import ArtifactWriter
from actors.services.run_progress import RunProgress
from brokers.node.actor import Actor


@dataclass(frozen=True, slots=True)
class Recorded:
    """Told: events in log order."""

    entries: tuple[LoggedEvent, ...]


@dataclass(frozen=True, slots=True)
class CatchUp:
    """Ask whether everything told before is recorded. Answered with None, or raises what it failed with."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Ask for the metrics as Prometheus reads them, and how far the run is."""

    mailbox_depths: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Sampled:
    """The answer to Sample."""

    exposition: bytes
    progress: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Ask for the boards as they are now."""


@dataclass(frozen=True, slots=True)
class Close:
    """The log is complete: write what is left. Answered with the final report."""

    event_digest: str


class Recorder(Actor):
    """Owns the projections of one run: artifacts, metrics, progress.

    Events are told, so nobody hears when one cannot be recorded (a full disk, say): the first such failure ends the
    recording, and every later question is answered with it.
    """

    def __init__(self, folder: Path, info: RunInfo, *, sprints: int) -> None:
        super().__init__()
        self._writer = ArtifactWriter(folder, info)
        self._metrics = RunMetrics()
        self._progress = RunProgress(sprints)
        self._failure: Exception | None = None

    def on_receive(self, message: Recorded | CatchUp | Sample | Snapshot | Close) -> Any:
        if isinstance(message, Recorded):
            self._record(message.entries)
            return None
        if self._failure is not None:
            raise self._failure
        match message:
            case CatchUp():
                return None
            case Sample(mailbox_depths=depths):
                for node, depth in depths:
                    self._metrics.set_mailbox_depth(node, depth)
                return Sampled(self._metrics.exposition(), self._progress.as_dict())
            case Snapshot():
                return self._writer.boards()
            case Close(event_digest=event_digest):
                return self._writer.finish(event_digest=event_digest)

    def _record(self, entries: tuple[LoggedEvent, ...]) -> None:
        if self._failure is not None:
            return
        try:
            for entry in entries:
                self._writer.apply(entry)
                self._metrics.apply(entry)
                self._progress.apply(entry)
        except Exception as error:  # noqa: BLE001 whatever it is, the next one who asks hears it
            self._failure = error
