"""The text of an oracle: filling in the chosen alternatives, and leaving out what is not built yet."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping

_OWN_LINE = re.compile(r"^([ ]*)<<(\w+)>>[ ]*$", re.MULTILINE)
_INLINE = re.compile(r"<<(\w+)>>")


def fill(template: str, code: Mapping[str, str]) -> str:
    """Replace every `<<name>>`; one that has a line to itself may become several lines, indented like it.

    Raises:
        KeyError: A placeholder has no code.
    """

    def lines(match: re.Match[str]) -> str:
        return "\n".join(f"{match[1]}{line}" if line else line for line in code[match[2]].split("\n"))

    return _INLINE.sub(lambda match: code[match[1]], _OWN_LINE.sub(lines, template))


def placeholders(template: str) -> tuple[str, ...]:
    """The names that `fill` needs, in the order of their first use."""
    return tuple(dict.fromkeys(_INLINE.findall(template)))


def only(source: str, functions: Iterable[str]) -> str:
    """The module with these functions and whatever they use, and nothing else; its text is otherwise unchanged."""
    tree = ast.parse(source)
    lines = source.splitlines()
    body = [node for node in tree.body if not _is_docstring(node)]
    owners = {name: node for node in body for name in defined_names(node)}
    wanted: dict[int, None] = {}  # by the line a node begins at
    waiting = [owners[name] for name in functions]
    while waiting:
        node = waiting.pop()
        if node.lineno not in wanted:
            wanted[node.lineno] = None
            waiting += [owners[name] for name in used_names(node) if name in owners]
    kept = [node for node in body if node.lineno in wanted]
    parts = [node for node in tree.body if _is_docstring(node)] + kept
    return _joined(parts, lines)


def calls_of(source: str, function: str) -> tuple[str, ...]:
    """The functions of the module that one of its functions needs, itself included, in the order of the module."""
    tree = ast.parse(only(source, [function]))
    return tuple(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def _joined(nodes: list[ast.stmt], lines: list[str]) -> str:
    text, before = "", None
    for node in nodes:
        if before is not None:
            text += "\n" * _gap(before, node)
        text += "\n".join(lines[_first_line(node, lines) - 1 : node.end_lineno]) + "\n"
        before = node
    return text


def _gap(before: ast.stmt, node: ast.stmt) -> int:
    definitions = (ast.FunctionDef, ast.ClassDef)
    if isinstance(before, definitions) or isinstance(node, definitions):
        return 2
    return 0 if type(before) is type(node) and not _is_docstring(before) else 1


def _first_line(node: ast.stmt, lines: list[str]) -> int:
    decorators = getattr(node, "decorator_list", [])
    first: int = min([node.lineno, *(one.lineno for one in decorators)])
    while first > 1 and lines[first - 2].startswith("#"):
        first -= 1
    return first


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def defined_names(node: ast.stmt) -> list[str]:
    """The top-level names that a statement gives to a module."""
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return [alias.asname or alias.name.split(".")[0] for alias in names]
        case ast.Assign(targets=targets):
            return [one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case _:
            return []


def used_names(node: ast.stmt) -> list[str]:
    """The names that occur in a statement, each once."""
    return list(dict.fromkeys(one.id for one in ast.walk(node) if isinstance(one, ast.Name)))


def function_texts(source: str) -> dict[str, str]:
    """The text of each function of a module."""
    lines = source.splitlines()
    return {
        node.name: "\n".join(lines[node.lineno - 1 : node.end_lineno])
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef)
    }
