"""What a role asks of a model: one YAML file for each role, read with its places so that a slip names its line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt, ValidationError

from config.errors import ConfigError, Problem
from config.section import NonEmptyText, Probability, Section
from config.yaml_tree import dotted, parse_tree, read_text

ROLES = Path(__file__).parent / "roles"
_Cases = Annotated[int, Field(ge=1, le=10_000)]


class Asked(Section):
    """One part whose tasks are solved or not."""

    cases: _Cases  # how many tasks
    at_least: Probability  # passed when the whole 95 % interval of the share lies at or above
    max_tokens: PositiveInt = 512  # of one answer


class Latency(Section):
    """How quickly it answers, one request after another; informative unless there are limits."""

    requests: _Cases = 20
    max_tokens: PositiveInt = 256
    p50_s: PositiveFloat | None = None  # wall seconds that half of the answers may take
    p99_s: PositiveFloat | None = None


class Profile(Section):
    """What one role asks."""

    role: NonEmptyText
    topics: Annotated[tuple[NonEmptyText, ...], Field(min_length=1)]  # what instructions are about
    decisions: Asked
    instructions: Asked
    katas: Asked | None = None  # None: who plays it writes no code
    latency: Latency = Latency()


def known_roles() -> tuple[str, ...]:
    """The roles that there is a profile for."""
    return tuple(sorted(path.stem for path in ROLES.glob("*.yaml")))


def profile_of(role: str) -> Profile:
    """The shipped profile of a role; `product owner` and `product-owner` are `product_owner`. Raises ConfigError."""
    name = role.strip().lower().replace(" ", "_").replace("-", "_")
    if name not in known_roles():
        allowed = f"one of {', '.join(known_roles())}"
        raise ConfigError((Problem(file="command line", line=0, key="--role", message=role, allowed=allowed),))
    return read_profile(ROLES / f"{name}.yaml")


def read_profile(path: Path) -> Profile:
    """A profile from a file. Raises ConfigError with every problem, each with key and line."""
    problems: list[Problem] = []
    text = read_text(path, problems)
    tree = parse_tree(text, str(path), problems) if text is not None else None
    if tree is None and not problems:
        problems.append(Problem(file=str(path), line=0, key="", message="is empty", allowed="a profile"))
    if problems or tree is None:
        raise ConfigError(tuple(problems))
    try:
        return Profile.model_validate(tree.plain())
    except ValidationError as error:
        found = [
            Problem(
                file=str(path),
                line=tree.at(each["loc"]).line,
                key=dotted(each["loc"]),
                message=each["msg"],
                value=tree.at(each["loc"]).text,
            )
            for each in error.errors(include_url=False)
        ]
        raise ConfigError(tuple(found)) from None
