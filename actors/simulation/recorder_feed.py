"""From the clock's thread to the recorder's: events over there, samples back."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from actors.reporting.entries import LoggedEvent
from actors.services.recorder import CatchUp, Recorded, Sample, Sampled
from brokers.node.rows import Row

SAMPLE_S = 0.25  # wall seconds between two samples of metrics and progress, at least
SHARE = 20  # one sample in so many times as long as it takes: the metrics of a hundred teams are a long page
BATCH = 256  # events told at once: waking the recorder's thread costs more than an event
MOST_UNREAD = 4_000  # events after which the recorder is waited for, so that memory stays flat


class RecorderFeed:
    """Hands events to the recorder's thread, and samples it now and then."""

    def __init__(self, recorder: Any, depths: Callable[[], dict[str, int]]) -> None:
        self._recorder, self._depths = recorder, depths
        self._waiting: list[LoggedEvent] = []
        self._told = 0
        self._sampled_s, self._pause_s = 0.0, SAMPLE_S

    def observe(self, first: int, rows: list[Row]) -> None:
        self._waiting.extend(
            LoggedEvent(n=n, time_us=row.time_us, src=row.src, seq=row.seq, cause=row.cause, message=row.message)
            for n, row in enumerate(rows, first)
            if row.message is not None
        )
        if len(self._waiting) >= BATCH:
            self._tell()
            if self._told >= MOST_UNREAD:
                self._catch_up()

    def _tell(self) -> None:
        self._recorder.tell(Recorded(tuple(self._waiting)))
        self._told += len(self._waiting)
        self._waiting.clear()

    def is_due(self) -> bool:
        return time.monotonic() - self._sampled_s >= self._pause_s

    def sample(self) -> Sampled:
        """Wait for the recorder; raises what it failed with."""
        self._catch_up()
        started_s = time.monotonic()
        sampled: Sampled = self._recorder.ask(Sample(tuple(self._depths().items())))
        self._sampled_s = time.monotonic()
        self._pause_s = max(SAMPLE_S, SHARE * (self._sampled_s - started_s))
        return sampled

    def _catch_up(self) -> None:
        """Wait until the recorder has read everything observed; raises what it failed with."""
        self._tell()
        self._told = 0
        self._recorder.ask(CatchUp())

    def ask(self, question: Any) -> Any:
        """Ask the recorder something; it has read everything observed before. Raises what it failed with."""
        self._tell()
        self._told = 0
        return self._recorder.ask(question)
