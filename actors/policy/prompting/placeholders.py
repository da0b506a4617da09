"""Reads a template without rendering it: every placeholder must exist, in branches that are hardly ever taken, too."""

from __future__ import annotations

import dataclasses
import difflib
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin

from jinja2 import nodes

Scope = Mapping[str, Any]  # placeholder -> its type; Any where nothing is known

_FORBIDDEN = (
    nodes.Call,
    nodes.CallBlock,
    nodes.Extends,
    nodes.FilterBlock,
    nodes.FromImport,
    nodes.Import,
    nodes.Include,
    nodes.Macro,
    nodes.With,
)


def problems(parts: Sequence[nodes.Node], scope: Scope) -> Iterator[tuple[int, str]]:
    """Line and text of everything in a part of a template that does not fit these placeholders.

    What one node sets, those after it know.
    """
    for part in parts:
        yield from _of_one(part, scope)
        if isinstance(part, nodes.Assign):
            scope = {**scope, **_bound(part.target, _type_of(part.node, scope))}


def _of_one(tree: nodes.Node, scope: Scope) -> Iterator[tuple[int, str]]:
    if isinstance(tree, _FORBIDDEN):
        yield tree.lineno, f"a template may not use {type(tree).__name__.lower()}: it prints, chooses and repeats"
        return
    match tree:
        case nodes.Name(name=name, ctx="load") if name not in scope:
            yield tree.lineno, _unknown(name, tuple(scope))
        case nodes.Getattr(node=owner, attr=attr):
            yield from _of_one(owner, scope)
            yield from _field_problems(tree, _type_of(owner, scope), attr)
        case nodes.For():
            yield from _of_one(tree.iter, scope)
            inner = {**scope, "loop": Any, **_bound(tree.target, _item(_type_of(tree.iter, scope)))}
            yield from problems([*([tree.test] if tree.test else []), *tree.body], inner)
            yield from problems(tree.else_, scope)
        case nodes.If():
            yield from _of_one(tree.test, scope)
            for branch in (tree.body, tree.elif_, tree.else_):
                yield from problems(branch, scope)
        case _:
            yield from problems(list(tree.iter_child_nodes()), scope)


def _field_problems(node: nodes.Node, owner: Any, attr: str) -> Iterator[tuple[int, str]]:
    if owner is Any:
        return
    fields = tuple(_fields(owner))
    if attr not in fields:
        yield node.lineno, _unknown(attr, fields) if fields else f"`{attr}` is asked of a value that has no parts"


def _unknown(name: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"there is no placeholder `{name}` here; there are {', '.join(known)}{hint}"


def _bound(target: nodes.Node, hint: Any) -> dict[str, Any]:
    """The names that a loop or an assignment makes."""
    if isinstance(target, nodes.Name):
        return {target.name: hint}
    return {name.name: Any for name in target.find_all(nodes.Name)}


def _type_of(node: nodes.Node, scope: Scope) -> Any:
    match node:
        case nodes.Name(name=name):
            return scope.get(name, Any)
        case nodes.Getattr(node=owner, attr=attr):
            return _fields(_type_of(owner, scope)).get(attr, Any)
        case nodes.Getitem(node=owner):
            return _item(_type_of(owner, scope))
        case nodes.Filter(name="first" | "last", node=nodes.Node() as owner):
            return _item(_type_of(owner, scope))
        case _:
            return Any


def _fields(hint: Any) -> dict[str, Any]:
    """What can be asked of a value of a type."""
    return typing.get_type_hints(hint) if isinstance(hint, type) and dataclasses.is_dataclass(hint) else {}


def _item(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is tuple and get_args(hint) else Any
