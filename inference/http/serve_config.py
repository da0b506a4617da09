"""The configuration of `python -m inference serve`: the door, and what is behind it.

door: {host: 127.0.0.1, port: 8000}
engine:                                             # one engine in the door's own process
  builder: inference.engines.openai_serving:build   # package.module:function, as for `python -m inference.engines`
  plan: {base_url: "http://127.0.0.1:9000/v1", token_file: "", models: [tiny]}
  models: [tiny]
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from config.errors import ConfigError, Problem
from config.section import NonEmptyText, Section
from config.validation import problem_at, validate
from config.yaml_tree import Located, parse_tree, read_text
from inference.http.settings import DoorSection


class EngineSection(Section):
    """One engine in the door's own process (`engine:`)."""

    builder: NonEmptyText
    plan: dict[str, Any] = Field(default_factory=dict)
    models: Annotated[tuple[NonEmptyText, ...], Field(min_length=1)]  # base models that it serves

    @model_validator(mode="before")
    @classmethod
    def _as_lists(cls, data: Any) -> Any:
        """A plan is a map of JSON values for its builder; sections have tuples."""
        if isinstance(data, dict) and isinstance(data.get("plan"), dict):
            return data | {"plan": _with_lists(data["plan"])}
        return data


class ServeConfig(Section):
    """The whole file."""

    door: DoorSection = DoorSection()
    engine: EngineSection


def read_serve_config(path: Path) -> tuple[ServeConfig, Located]:
    """Read the file; the tree has the places of its values. Raises ConfigError with file, line and key."""
    problems: list[Problem] = []
    text = read_text(path, problems)
    tree = parse_tree(text, str(path), problems) if text is not None else None
    if tree is None:
        if not problems:
            problems.append(
                Problem(file=str(path), line=0, key="", message="is empty", allowed="a mapping of sections")
            )
        raise ConfigError(tuple(problems))
    found, _ = validate(ServeConfig, tree, problems)
    if problems or found is None:
        raise ConfigError(tuple(problems))
    return found, tree


def refused_plan(tree: Located, message: str) -> ConfigError:
    """What an engine's builder says of its plan, with its place."""
    return ConfigError((problem_at(tree, ("engine",), message),))


def _with_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_lists(each) for key, each in value.items()}
    return [_with_lists(each) for each in value] if isinstance(value, tuple) else value
