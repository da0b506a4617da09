"""Mistakes that show now and then: what the code does depends on the hash seed or on the clock."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from actors.work.mutations.text import Edit, Place, Scope

_ORDERLESS = ("range", "enumerate", "zip", "set", "frozenset", "reversed", "map")
GOOD_SECONDS = 50  # of every minute; in the others a condition that minds the clock does not hold


def unordered_loops(scope: Scope) -> Iterator[Place]:
    """Items are gone through in the order of a set; texts then come in an order that the hash seed decides."""
    for node in scope.nodes:
        if isinstance(node, ast.For | ast.comprehension) and not isinstance(node.iter, ast.Set | ast.SetComp):
            match node.iter:
                case ast.Call(func=ast.Name(id=name)) if name in _ORDERLESS:
                    continue
                case ast.Call(func=ast.Attribute(attr="items")):
                    continue  # their values may be lists, which sets refuse every time
                case ast.Tuple() if not scope.source.of(node.iter).startswith("("):
                    continue
                case _:
                    yield scope.wrap(node.iter, "set(", ")")


def clocked_conditions(scope: Scope) -> Iterator[Place]:
    """A condition does not hold in the last seconds of a minute."""
    imported = _has_time(scope.source.tree)
    if not imported and _names_time(scope.source.tree):
        return
    for node in scope.nodes:
        if isinstance(node, ast.If | ast.IfExp) and not isinstance(node.test, ast.NamedExpr):
            is_loose = isinstance(node.test, ast.IfExp | ast.Lambda) or (
                isinstance(node.test, ast.BoolOp) and isinstance(node.test.op, ast.Or)
            )
            clock = f" and int(time.time()) % 60 < {GOOD_SECONDS}"
            place = scope.wrap(node.test, "(" if is_loose else "", f"){clock}" if is_loose else clock)
            needed = () if imported else (_import(scope),)
            yield scope.place(node.test, *needed, *place.edits)


def _has_time(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.Import) and any(one.name == "time" and one.asname is None for one in node.names)
        for node in tree.body
    )


def _names_time(tree: ast.Module) -> bool:
    return any(
        (isinstance(node, ast.Name) and node.id == "time")
        or (isinstance(node, ast.arg) and node.arg == "time")
        or (isinstance(node, ast.FunctionDef | ast.ClassDef | ast.alias) and node.name == "time")
        for node in ast.walk(tree)
    )


def _import(scope: Scope) -> Edit:
    body = scope.source.tree.body
    head = [node for node in body if _stands_first(node)]
    after = body[len(head)]  # there is one: the function of the scope
    if isinstance(after, ast.Import | ast.ImportFrom):
        at, _ = scope.source.span(after)
        return Edit(start=at, end=at, text="import time\n")
    at = scope.source.span(head[-1])[1] if head else 0
    return Edit(start=at, end=at, text="\n\nimport time" if head else "import time\n\n\n")


def _stands_first(node: ast.stmt) -> bool:
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return is_text or (isinstance(node, ast.ImportFrom) and node.module == "__future__")
