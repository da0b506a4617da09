"""From a located tree to a checked section, with every problem in our own words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from config.errors import Problem
from config.schema import kind_at, nearest_key, words
from config.yaml_tree import Loc, Located, dotted, shown

Root = TypeVar("Root", bound=BaseModel)


def validate(root: type[Root], tree: Located, problems: list[Problem]) -> tuple[Root | None, tuple[Loc, ...]]:
    """Check a tree against a section.

    Returns:
        The section, and the paths that had to be left out of it. Those are noted as problems, so the section is only
        good for finding more of them. None where nothing can be made of the tree.
    """
    data = tree.plain()
    try:
        return root.model_validate(data), ()
    except ValidationError as error:
        details = [detail for detail in error.errors(include_url=False) if not _repeats(tree, detail)]
    problems.extend(_problem(root, tree, detail) for detail in details)
    broken = tuple(dict.fromkeys(_without(detail) for detail in details))
    for loc in broken:
        data = _pruned(data, loc)
    try:
        return root.model_validate(data), broken
    except ValidationError:  # what is left has gaps of its own, which would only repeat what was said
        return None, broken


def concerns(broken: Loc, loc: Loc) -> bool:
    """Whether one of two paths leads to the other."""
    shorter = min(len(broken), len(loc))
    return broken[:shorter] == loc[:shorter]


def problem_at(tree: Located, loc: Loc, message: str, *, allowed: str = "", nearest: str = "") -> Problem:
    """Describe a problem with the value at a path; its place is the deepest value that exists there."""
    place = tree.at(loc)
    return Problem(
        file=place.file,
        line=place.line,
        key=dotted(loc),
        message=message,
        value=place.text,
        allowed=allowed,
        nearest=nearest,
    )


def _problem(root: type[BaseModel], tree: Located, detail: ErrorDetails) -> Problem:
    loc: Loc = detail["loc"]
    kind = kind_at(root, loc)
    allowed = words(kind) if kind else ""
    match detail["type"]:
        case "extra_forbidden":
            return problem_at(tree, loc, "unknown key", nearest=nearest_key(root, loc))
        case "missing":
            return problem_at(tree, loc, "is missing", allowed=allowed)
        case "too_long":
            ctx: Mapping[str, object] = detail.get("ctx", {})
            return problem_at(tree, loc, "has too many entries", allowed=f"at most {ctx.get('max_length')}")
        case "too_short":
            return problem_at(tree, loc, "is empty", allowed=allowed)
    if loc and loc[-1] == "[key]":
        return problem_at(tree, loc[:-1], f"{shown(str(loc[-2]))} is not allowed as an id", allowed=allowed)
    return problem_at(tree, loc, f"{tree.at(loc).text} is not allowed", allowed=allowed)


def _repeats(tree: Located, detail: ErrorDetails) -> bool:
    """Whether a list is only called empty because each of its items has a problem of its own."""
    return detail["type"] == "too_short" and bool(tree.at(detail["loc"]).value)


def _without(detail: ErrorDetails) -> Loc:
    """Return the path to leave out; up to the list it is in, as other items would move, or to what lacks a key."""
    loc: Loc = detail["loc"]
    if detail["type"] == "missing" or (loc and loc[-1] == "[key]"):
        loc = loc[:-1]
    first_item = next((i for i, part in enumerate(loc) if isinstance(part, int)), len(loc))
    return loc[:first_item]


def _pruned(data: object, loc: Loc) -> object:
    if not loc:
        return {}
    if not isinstance(data, dict) or loc[0] not in data:
        return data
    return dict(_pruned_items(data, loc))


def _pruned_items(data: Mapping[object, object], loc: Loc) -> Iterator[tuple[object, object]]:
    for key, value in data.items():
        if key != loc[0]:
            yield key, value
        elif len(loc) > 1:
            yield key, _pruned(value, loc[1:])
