"""Runs that are done, one a line: a study of hours that was cut off goes on where it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class RunBook:
    """A file of finished runs. A run counts only for the code that made it: `code` is that code's digest."""

    def __init__(self, path: Path, code: str) -> None:
        self._path, self.code = path, code
        self._records: dict[str, dict[str, Any]] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                self._read(line)

    def find(self, key: str) -> dict[str, Any] | None:
        """The record of a run, None if it was not finished."""
        return self._records.get(key)

    def add(self, key: str, record: dict[str, Any]) -> None:
        """Write a finished run down."""
        self._records[key] = record
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            if file.tell() and not self._ends_with_line():
                file.write("\n")
            file.write(json.dumps({"case": key, "record": record}, sort_keys=True) + "\n")

    def _ends_with_line(self) -> bool:
        return self._path.read_bytes().endswith(b"\n")

    def _read(self, line: str) -> None:
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:  # cut off while it was written: that run is made again
            return
        self._records[entry["case"]] = entry["record"]
