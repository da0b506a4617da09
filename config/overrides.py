"""Settings from the command line: `team.wip_limits.in_progress=3` laid over what the files say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from config.errors import Problem
from config.yaml_tree import Loc, Located, dotted, parse_tree, shown

COMMAND_LINE: Final = "command line"
# A profile's agents and teams are examples; a user who names their own means only those.
_REPLACED: Final[tuple[Loc, ...]] = (("models", "agents"), ("teams",))
_SEGMENT: Final = re.compile(r"([^.\[\]\s]+)((?:\[[0-9]{1,4}\])*)")


def overlay(base: Located, over: Located, loc: Loc = ()) -> Located:
    """Lay one tree over another: mappings are merged key by key, everything else is replaced."""
    if not isinstance(base.value, dict) or not isinstance(over.value, dict) or loc in _REPLACED:
        return over
    merged = dict(base.value)
    for key, value in over.value.items():
        merged[key] = overlay(base.value[key], value, (*loc, key)) if key in base.value else value
    return Located(merged, over.file, over.line, over.text)


def parse_overrides(overrides: Sequence[str], problems: list[Problem]) -> list[tuple[Loc, Located]]:
    """Read `key=value` arguments; the line of each is its position, counted from 1."""
    parsed: dict[Loc, Located] = {}
    for position, override in enumerate(overrides, start=1):
        key, equals, text = override.partition("=")
        loc = _path(key.strip())
        if not equals or loc is None:
            problems.append(_problem(position, "", f"{shown(override)} is no setting", "key=value"))
            continue
        if loc in parsed:
            problems.append(_problem(position, dotted(loc), f"given twice, first as argument {parsed[loc].line}"))
            continue
        before = len(problems)
        value = parse_tree(text, COMMAND_LINE, problems, first_line=position)
        problems[before:] = [replace(found, line=position, key=dotted(loc)) for found in problems[before:]]
        if value is None and len(problems) > before:
            continue
        parsed[loc] = _on_line(value or Located(None, COMMAND_LINE, position, "nothing"), position)
    return list(parsed.items())


def put(tree: Located, loc: Loc, leaf: Located, problems: list[Problem], done: Loc = ()) -> Located:
    """Return the tree with one value laid over what is at a path."""
    if not loc:
        return overlay(tree, leaf, done)
    part, *rest = loc
    if isinstance(part, int):
        items = tree.value if isinstance(tree.value, list) else []
        if part >= len(items):
            problems.append(_problem(leaf.line, dotted((*done, part)), f"there are only {len(items)} of these"))
            return tree
        inner = put(items[part], tuple(rest), leaf, problems, (*done, part))
        return Located([*items[:part], inner, *items[part + 1 :]], tree.file, tree.line, tree.text)
    known = tree.value if isinstance(tree.value, dict) else {}
    if part in known:
        inner = put(known[part], tuple(rest), leaf, problems, (*done, part))
    elif any(isinstance(later, int) for later in rest):
        problems.append(_problem(leaf.line, dotted((*done, *loc)), f"there are no {shown(part)} to choose from"))
        return tree
    else:
        inner = _nest([later for later in rest if isinstance(later, str)], leaf)
    return Located({**known, part: inner}, tree.file, tree.line, tree.text)


def _nest(rest: Sequence[str], leaf: Located) -> Located:
    """Wrap a leaf into the mappings of a path that does not exist yet; the sections will name what is unknown."""
    nested = leaf
    for part in reversed(rest):
        nested = Located({part: nested}, leaf.file, leaf.line, "a mapping")
    return nested


def _path(key: str) -> Loc | None:
    loc: list[str | int] = []
    for segment in key.split("."):
        match = _SEGMENT.fullmatch(segment)
        if match is None:
            return None
        loc.append(match[1])
        loc += [int(index) for index in re.findall(r"[0-9]+", match[2])]
    return tuple(loc)


def _on_line(tree: Located, line: int) -> Located:
    value = tree.value
    if isinstance(value, dict):
        value = {key: _on_line(item, line) for key, item in value.items()}
    elif isinstance(value, list):
        value = [_on_line(item, line) for item in value]
    return Located(value, tree.file, line, tree.text)


def _problem(line: int, key: str, message: str, allowed: str = "") -> Problem:
    return Problem(file=COMMAND_LINE, line=line, key=key, message=message, allowed=allowed)
