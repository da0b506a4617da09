"""From what was typed to a run folder with a journal: everything is checked before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actors.policy.calibration import CalibrationError, parse_calibration
from actors.simulation.exercises import exercise_problems
from actors.simulation.folders import JOURNAL, make_folder
from actors.simulation.inputs import RunInputs, code_digest
from actors.simulation.judges import read_prompts
from brokers.journal.journal import Journal
from config.backlog import load_backlog
from config.errors import ConfigError, Problem
from config.loader import LoadedConfig, UnusedKey, load_config
from config.profiles import CALIBRATION, KATAS, TASKFLOW
from config.sections import RunConfig


@dataclass(frozen=True, slots=True)
class Prepared:
    """Checked inputs, and what to tell the user about them."""

    inputs: RunInputs
    loaded: LoadedConfig  # says where a setting was made
    unused: tuple[UnusedKey, ...]
    lacking: tuple[str, ...]


def prepare(
    config_path: Path | None,
    backlog_path: Path | None,
    *,
    overrides: Sequence[str] = (),
    seed: int | None = None,
    sprints: int | None = None,
) -> Prepared:
    """Read and check everything. Raises ConfigError with every problem of every file at once."""
    settings = settings_of(overrides, seed=seed, sprints=sprints)
    problems: list[Problem] = []
    loaded = backlog = None
    try:
        loaded = load_config(config_path, overrides=settings)
    except ConfigError as error:
        problems.extend(error.problems)
    executes = loaded is not None and loaded.config.code_generation.mode == "executed"
    path = backlog_path or (KATAS if executes else TASKFLOW)
    try:
        backlog = load_backlog(path)
    except ConfigError as error:
        problems.extend(error.problems)
    if executes and backlog is not None:
        problems.extend(exercise_problems(backlog))
    calibration = _calibration(loaded.config, config_path, problems) if loaded is not None else ""
    prompts: Mapping[str, str] = {}
    if loaded is not None and loaded.config.asks_model:
        prompts = read_prompts(loaded.config, config_path, problems)
    if loaded is None or backlog is None or problems:
        raise ConfigError(tuple(problems))
    inputs = RunInputs(
        config=loaded.config,
        backlog=backlog.text,
        backlog_name=path.name,
        calibration=calibration,
        code=code_digest(),
        prompts=prompts,
    )
    return Prepared(inputs, loaded, loaded.accepted_but_unused, backlog.lacking())


def settings_of(overrides: Sequence[str], *, seed: int | None, sprints: int | None) -> list[str]:
    """Options that are short for settings, as settings."""
    settings = [*overrides]
    settings += [] if seed is None else [f"simulation.seed={seed}"]
    settings += [] if sprints is None else [f"simulation.sprints={sprints}"]
    return settings


def _calibration(config: RunConfig, config_path: Path | None, problems: list[Problem]) -> str:
    """The calibration's text. A relative path is relative to the configuration that names it."""
    named = config.policy.calibration
    base = config_path.parent if config_path is not None else Path()
    path = base / named if named is not None else CALIBRATION
    try:
        text = path.read_text(encoding="utf-8")
        parse_calibration(text, file=str(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = f"cannot be read: {error}"
        problems.append(Problem(file=str(path), line=0, key="policy.calibration", message=reason, value=str(named)))
        return ""
    except CalibrationError as error:
        problems += [
            Problem(file=str(path), line=0, key="policy.calibration", message=problem) for problem in error.problems
        ]
        return ""
    return text


def create_run(folder: Path, inputs: RunInputs) -> None:
    """Make the folder and its journal."""
    make_folder(folder)
    Journal.create(folder / JOURNAL, inputs.to_files()).close()


def differences(stored: RunConfig, wished: RunConfig) -> list[str]:
    """Settings in which two configurations differ, as `key: was A, is B`."""
    was, now = _flat(stored.model_dump(mode="json")), _flat(wished.model_dump(mode="json"))
    return [
        f"{key}: was {was.get(key)}, is {now.get(key)}"
        for key in sorted(was.keys() | now.keys())
        if was.get(key) != now.get(key)
    ]


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {path: value}
    return {key: leaf for name, part in value.items() for key, leaf in _flat(part, f"{path}.{name}".strip(".")).items()}
