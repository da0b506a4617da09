"""Everything a run reads, as bytes that its journal keeps: resume, fork and replay read nothing else."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Self

from config.sections import RunConfig

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("config", "brokers", "inference", "actors")
LOCK = "requirements/base.txt"
PROMPTS = "prompts.json"
ADAPTERS = "adapters.json"
SUFFIXES = frozenset({".py", ".toml", ".yaml", ".j2"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInputs:
    """Frozen inputs of one run; `backlog`, `calibration` and `prompts` are the texts of their files."""

    config: RunConfig
    backlog: str
    backlog_name: str  # for error messages only
    calibration: str
    code: str  # digest of the code that ran it, see `code_digest`
    prompts: Mapping[str, str] = field(default_factory=dict)  # by name; empty where no model is asked
    adapters: Mapping[str, str] = field(default_factory=dict)  # content hash of each version that is loaded, by name

    def to_files(self) -> dict[str, bytes]:
        """What `Journal.create` keeps."""
        facts = {"backlog_name": self.backlog_name, "code": self.code}
        maps = {PROMPTS: self.prompts, ADAPTERS: self.adapters}
        told = {name: json.dumps(dict(each), sort_keys=True).encode() for name, each in maps.items() if each}
        return {
            "config.json": self.config.model_dump_json().encode(),
            "backlog.yaml": self.backlog.encode(),
            "calibration.toml": self.calibration.encode(),
            "run.json": json.dumps(facts, sort_keys=True).encode(),
            **told,
        }

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """The inputs that a journal kept. Raises KeyError for a journal of something else."""
        facts = json.loads(files["run.json"])
        return cls(
            config=RunConfig.model_validate_json(files["config.json"]),
            backlog=files["backlog.yaml"].decode(),
            backlog_name=facts["backlog_name"],
            calibration=files["calibration.toml"].decode(),
            code=facts["code"],
            prompts=json.loads(files.get(PROMPTS, b"{}")),
            adapters=json.loads(files.get(ADAPTERS, b"{}")),
        )


def code_digest(root: Path = ROOT) -> str:
    """One digest over code, lock file and Python minor version: equal logs are promised for equal digests."""
    total = sha256(f"python {sys.version_info.major}.{sys.version_info.minor}\n".encode())
    total.update((root / LOCK).read_bytes())
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*")):
            if path.suffix in SUFFIXES and path.is_file():
                total.update(path.relative_to(root).as_posix().encode() + b"\0")
                total.update(sha256(path.read_bytes()).digest())
    return total.hexdigest()
