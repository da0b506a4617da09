"""A run under way, in processes of its own, with a client at its hub."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zmq
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from actors.scrum.calendar import SprintCalendar
from brokers.journal.reader import JournalReader
from brokers.journal.rows import LogRow
from brokers.wire.packing import unpack
from tests.brokers.hub.conftest import Client
from tests.support.runs import ROOT, Finished, asking, command

CALENDAR = SprintCalendar(days_per_sprint=5)  # of the default profile
HOUR_US = 3_600_000_000


@dataclass
class Running:
    """A run that outsiders can reach."""

    folder: Path
    process: subprocess.Popen[str]
    context: zmq.Context[Any]
    live: dict[str, Any]
    out: str

    def connect(self, name: str = "tester", *, token: str | None = None) -> Client:
        return Client(self.context, self.live["endpoints"]["clients"], token or self.live["token"], name)

    def client(self, name: str = "tester") -> Client:
        """A client whose first question was answered: the simulation is there."""
        client = self.connect(name)
        assert client.ask_until_connected("status")["ok"]
        return client

    def subscribe(self, topic: bytes, *, within_s: float = 90) -> zmq.Socket[Any]:
        """A subscriber that is served for certain; reading from it fails when nothing comes for so long."""
        events: zmq.Socket[Any] = self.context.socket(zmq.SUB)
        events.linger, events.rcvtimeo = 0, round(within_s * 1000)
        events.connect(self.live["endpoints"]["events"])
        events.subscribe(topic)
        events.subscribe(b"sync/tests")
        while events.recv_multipart()[0] != b"sync/tests":
            pass
        return events

    def finish(self, timeout_s: float = 90) -> Finished:
        out, err = self.process.communicate(timeout=timeout_s)
        return Finished(self.process.returncode, self.out + out, err)

    def metrics(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """Every sample of /metrics."""
        samples = (one for family in self._families() for one in family.samples)
        return {(one.name, frozenset(one.labels.items())): one.value for one in samples}

    def metric_names(self) -> list[str]:
        """The name of every metric, sampled yet or not."""
        return [f"{one.name}_total" if one.type == "counter" else one.name for one in self._families()]

    def _families(self) -> list[Metric]:
        with urllib.request.urlopen(self.live["metrics_url"], timeout=20) as page:
            return list(text_string_to_metric_families(page.read().decode()))


@contextmanager
def running(
    folder: Path, *arguments: str, env: dict[str, str] | None = None, executes: bool = False
) -> Iterator[Running]:
    """Start a run and wait until outsiders are served; it ends with the block if not before."""
    process = subprocess.Popen(
        command("run", "--output", folder, "--metrics-port", "0", *asking(*arguments, executes=executes)),
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    context: zmq.Context[Any] = zmq.Context()
    try:
        out = _read_until(process, "metrics")
        live = json.loads((folder / ".live" / "run.json").read_text())
        yield Running(folder, process, context, live, out)
    finally:
        context.destroy(linger=0)
        if process.poll() is None:
            process.terminate()
            try:
                process.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


def _read_until(process: subprocess.Popen[str], word: str) -> str:
    assert process.stdout is not None
    assert process.stderr is not None
    read = ""
    while not (line := process.stdout.readline()).startswith(word):
        assert line, f"it ended before it said {word}: {read}{process.stderr.read()}"
        read += line
    return read + line


def clock_us(sprint: int, day: int, hour: int) -> int:
    """Virtual time of an hour of a day of a sprint, in the default calendar."""
    return CALENDAR.midnight(sprint, day) + hour * HOUR_US


def events(folder: Path, *kinds: str) -> list[tuple[LogRow, dict[str, Any]]]:
    """Published events of these kinds, or all, each with its fields."""
    with JournalReader(folder / "run.sqlite") as journal:
        rows = [row for _, row in journal.rows(kinds=kinds or None) if not row.dst]
    return [(row, unpack(row.record)[7]) for row in rows]
