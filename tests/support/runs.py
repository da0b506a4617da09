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
NOT_ARTIFACTS = ("run.sqlite", "logs", ".live", ".tmp", ".git", "workspace")
MODELLED = "code_generation.mode=modelled"  # asked of every run whose subject is not the code that is written


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


def asking(*arguments: str, executes: bool) -> tuple[str, ...]:
    """Arguments of a run; without code unless it is what the test is about."""
    return arguments if executes else (*arguments, MODELLED)


def patience_s(*, executes: bool) -> float:
    """Wall seconds after which a run counts as hung, also on a machine that others keep busy."""
    return 300 if executes else 100


def run(
    folder: Path,
    *arguments: str,
    env: dict[str, str] | None = None,
    umask: int = -1,
    executes: bool = False,
) -> Finished:
    """A run that must succeed."""
    options = ("--output", folder, "--metrics-port", "0", *asking(*arguments, executes=executes))
    done = simulate("run", *options, env=env, umask=umask, timeout_s=patience_s(executes=executes))
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
