"""Whole runs through the command line, as a user starts them."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from brokers.journal.reader import JournalReader

ROOT = Path(__file__).resolve().parents[2]
NOT_ARTIFACTS = ("run.sqlite", "logs", ".live", ".tmp", ".git")


@dataclass(frozen=True)
class Finished:
    """A command that ended."""

    code: int
    out: str
    err: str


def command(*arguments: str | Path, **extra_environment: str) -> list[str]:
    """The argument vector of `python -m actors.simulation …`."""
    return [sys.executable, "-m", "actors.simulation", *map(str, arguments)]


def simulate(
    *arguments: str | Path, env: dict[str, str] | None = None, umask: int = -1, timeout_s: float = 100
) -> Finished:
    """Run one command of `actors.simulation` to its end."""
    done = subprocess.run(
        command(*arguments),
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        umask=umask,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def run(folder: Path, *arguments: str, env: dict[str, str] | None = None, umask: int = -1) -> Finished:
    """A run that must succeed."""
    done = simulate("run", "--output", folder, "--metrics-port", "0", *arguments, env=env, umask=umask)
    assert done.code == 0, done.err + done.out
    return done


def digest(folder: Path) -> str:
    """The digest of a run's log, computed from the journal's rows."""
    with JournalReader(folder / "run.sqlite") as journal:
        return journal.digest()


def artifacts(folder: Path) -> dict[str, str]:
    """Every artifact with the hash of its bytes."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.relative_to(folder).parts[0].startswith(NOT_ARTIFACTS)
    }
