"""Result folders of executed work for tests: written from a log, and read the way users do."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from actors.reporting.entries import LoggedEvent
from actors.reporting.run_info import RunInfo
from actors.reporting.writer import ArtifactWriter
from tests.actors.reporting import builders as b

EXECUTED = b.run_info(executes=True)


def write(folder: Path, log: Iterable[LoggedEvent], info: RunInfo = EXECUTED) -> dict[str, Any]:
    writer = ArtifactWriter(folder, info)
    for entry in log:
        writer.apply(entry)
    return writer.finish(event_digest="d" * 64)


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def card_log(*events: Any) -> list[LoggedEvent]:
    return b.entries([(0, b.team_formed()), (0, b.sprint_started()), *((b.at(1, 1), event) for event in events)])
