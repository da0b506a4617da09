"""Small files for the tests of `config`."""

from __future__ import annotations

from pathlib import Path

from config.errors import ConfigError, Problem
from config.loader import load_config

TEAM_OF_THREE = """\
models:
  agents:
    ada: {name: Ada, seniority: senior, primary_specialization: backend, role_archetype: developer+leader}
    bob: {name: Bob, seniority: junior, primary_specialization: frontend, role_archetype: developer}
    eve_po: {name: Eve, seniority: senior, primary_specialization: api_design, role_archetype: leader}
"""


def write(folder: Path, text: str, name: str = "config.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def problems_of(path: Path | None, *overrides: str) -> tuple[Problem, ...]:
    try:
        load_config(path, overrides=overrides)
    except ConfigError as error:
        return error.problems
    return ()
