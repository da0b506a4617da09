"""The run folder as a place for artifacts: each file appears whole or not at all, and always with the same bytes."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from io import BufferedWriter
from pathlib import Path
from typing import Any

SCHEMA_VERSION = 2
SCRATCH = ".tmp"


class ArtifactFolder:
    """Writes files below one folder by way of its `.tmp/`, which is on the same file system."""

    def __init__(self, folder: Path) -> None:
        self.path = folder
        self._scratch = folder / SCRATCH
        self._scratch.mkdir(parents=True, exist_ok=True)

    def write_text(self, relative: str, text: str) -> None:
        """Put a text file in place, as UTF-8 with LF line ends."""
        scratch = self.scratch(relative)
        scratch.write_bytes(text.encode("utf-8"))
        self.publish(scratch, relative)

    def write_json(self, relative: str, value: Mapping[str, Any]) -> None:
        """Put a JSON file in place: sorted keys, two spaces, a final newline."""
        self.write_text(
            relative, json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        )

    def scratch(self, relative: str) -> Path:
        """Where a file is prepared before it is published."""
        return self._scratch / relative.replace("/", "__")

    def open_scratch(self, relative: str) -> BufferedWriter:
        """An empty file to append to for as long as the run lasts; publish it at the end."""
        return self.scratch(relative).open("wb")

    def publish(self, scratch: Path, relative: str) -> None:
        """Move a prepared file to its place in one step."""
        target = self.path / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(scratch, target)


def json_line(value: Mapping[str, Any]) -> str:
    """One record of a JSON Lines file."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
