"""Every number of the behavioural policy and of the model of work, read from a calibration file and checked.

A calibration is a TOML file in which each number is `{ value = 125, unit = "permille", source = "..." }`. The tree of
frozen dataclasses below says which numbers there are; nothing else may stand in the file and nothing may be missing.

    CalibrationError     everything that is wrong with a file, each problem with its key
"""

from __future__ import annotations

import dataclasses
import tomllib
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from actors.policy.calibration_sections import (
    Answering,
    Asking,
    Checkpoints,
    Defects,
    Disturbances,
    Effort,
    Escalations,
    Estimating,
    Familiarity,
    Interruptions,
    Judging,
    Knowledge,
    Lessons,
    Pace,
    Planning,
    Positive,
    Quality,
    Range,
    Reviews,
    Skill,
    Standup,
    Tests,
    Thinking,
    TopicPriors,
    Triage,
)

SHIPPED = Path(__file__).resolve().parents[2] / "config" / "profiles" / "calibration.toml"
_ENTRY_KEYS = frozenset({"value", "unit", "source"})


class CalibrationError(ValueError):
    """Raised when a calibration file cannot be used. Its text is one line for each problem."""

    def __init__(self, file: str, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(f"{file}: {problem}" for problem in problems))
        self.file, self.problems = file, problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """All numbers, one section for each mechanism."""

    skill: Skill
    knowledge: Knowledge
    familiarity: Familiarity
    lessons: Lessons
    effort: Effort
    pace: Pace
    defects: Defects
    quality: Quality
    tests: Tests
    interruptions: Interruptions
    disturbances: Disturbances
    asking: Asking
    topic_priors: TopicPriors
    answering: Answering
    estimating: Estimating
    planning: Planning
    checkpoints: Checkpoints
    reviews: Reviews
    escalations: Escalations
    standup: Standup
    triage: Triage
    judging: Judging
    thinking: Thinking


def load_calibration(path: Path | None = None) -> Calibration:
    """Read a calibration file, by default the shipped one. Raises CalibrationError; OSError if it cannot be read."""
    source = SHIPPED if path is None else path
    try:
        text = source.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CalibrationError(str(source), (f"not UTF-8 text: {error}",)) from None
    return parse_calibration(text, file=str(source))


@cache
def shipped_calibration() -> Calibration:
    """The calibration that comes with the package, read once."""
    return load_calibration()


def parse_calibration(text: str, *, file: str = "calibration") -> Calibration:
    """Check the text of a calibration file. Raises CalibrationError naming every problem at once."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CalibrationError(file, (f"not valid TOML: {error}",)) from None
    problems: list[str] = []
    calibration: Calibration | None = _read_section(Calibration, tree, "", problems)
    if calibration is not None:
        problems.extend(_out_of_order(calibration))
    if calibration is None or problems:
        raise CalibrationError(file, tuple(problems))
    return calibration


def _read_section(cls: type[Any], table: object, path: str, problems: list[str]) -> Any:
    """Build a section, or return None after noting why it cannot be built."""
    if not isinstance(table, Mapping):
        problems.append(f"{path.rstrip('.')}: must be a table")
        return None
    before = len(problems)
    hints = typing.get_type_hints(cls, include_extras=True)
    names = [field.name for field in dataclasses.fields(cls)]
    problems.extend(f"{path}{key}: unknown key" for key in table if key not in names)
    values: dict[str, Any] = {}
    for name in names:
        if name not in table:
            problems.append(f"{path}{name}: missing")
        elif dataclasses.is_dataclass(hints[name]):
            section = typing.cast("type[Any]", hints[name])
            values[name] = _read_section(section, table[name], f"{path}{name}.", problems)
        else:
            values[name] = _read_number(hints[name], table[name], f"{path}{name}", problems)
    return cls(**values) if len(problems) == before else None


def _read_number(hint: Any, entry: object, key: str, problems: list[str]) -> Any:
    if not isinstance(entry, Mapping) or entry.keys() != _ENTRY_KEYS:
        problems.append(f"{key}: must be {{ value = ..., unit = ..., source = ... }}")
        return None
    for text in ("unit", "source"):
        if not isinstance(entry[text], str) or not entry[text].strip():
            problems.append(f"{key}: {text} must be text that is not empty")
    value = entry["value"]
    if typing.get_origin(hint) is not tuple:
        problems.extend(_faults(key, value, _range_of(hint)))
        return value
    length = len(typing.get_args(hint))
    if not isinstance(value, list) or len(value) != length:
        problems.append(f"{key}: value must be a list of {length} numbers")
        return None
    for number in value:
        problems.extend(_faults(key, number, _range_of(Positive)))
    return tuple(value)


def _range_of(hint: Any) -> Range:
    return next(part for part in typing.get_args(hint) if isinstance(part, Range))


def _faults(key: str, value: object, allowed: Range) -> list[str]:
    if type(value) is not int or not allowed.low <= value <= allowed.high:
        return [f"{key}: value must be a whole number from {allowed.low} to {allowed.high}, not {value!r}"]
    return []


def _out_of_order(calibration: Calibration) -> list[str]:
    """Pairs of numbers of which the first may not be above the second."""
    pairs = {
        "effort.factor_minimum, factor_maximum": (calibration.effort.factor_minimum, calibration.effort.factor_maximum),
        "pace.minimum, maximum": (calibration.pace.minimum, calibration.pace.maximum),
        "knowledge.start, ceiling": (calibration.knowledge.start, calibration.knowledge.ceiling),
        "familiarity.start, ceiling": (calibration.familiarity.start, calibration.familiarity.ceiling),
        "interruptions.resume_minutes_low, resume_minutes_high": (
            calibration.interruptions.resume_minutes_low,
            calibration.interruptions.resume_minutes_high,
        ),
        "answering.pause_low_ms, pause_high_ms": (
            calibration.answering.pause_low_ms,
            calibration.answering.pause_high_ms,
        ),
        "planning.first_belief_tasks, remembered_tasks": (
            calibration.planning.first_belief_tasks,
            calibration.planning.remembered_tasks,
        ),
        "planning.share_spread, 900": (calibration.planning.share_spread, 900),  # no task without work
        "planning.test_share, 900": (calibration.planning.test_share, 900),
    }
    return [f"{keys}: {low} is above {high}" for keys, (low, high) in pairs.items() if low > high]
