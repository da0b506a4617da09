"""Source as text and as tree at once: where a node stands, and what an edit of that text is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

NAMED = ast.expr | ast.stmt | ast.excepthandler | ast.arg | ast.keyword  # nodes that know where they stand


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Replace the characters from `start` up to `end`; equal ends insert.

    A dropped statement knows the block it stands in, because a block must not become empty: `(offset, statements)`.
    """

    start: int
    end: int
    text: str
    block: tuple[int, int] | None = None
    instead: str = ""  # the text when nothing else is left in the block


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One way to make the mistake: the line it is made in and the edits that make it."""

    line: int  # 1-based
    start: int
    edits: tuple[Edit, ...]


class Source:
    """A module's text with offsets in characters (the tree counts in bytes of UTF-8)."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(text)
        self._lines = text.splitlines(keepends=True)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))

    def span(self, node: NAMED) -> tuple[int, int]:
        """Start and end of a node; parentheses around an expression are not part of it."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._offset(node.lineno, node.col_offset), self._offset(node.end_lineno, node.end_col_offset)

    def of(self, node: NAMED) -> str:
        """The text of a node."""
        start, end = self.span(node)
        return self.text[start:end]

    def gap(self, left: NAMED, right: NAMED) -> str:
        """What is written between two nodes."""
        return self.text[self.span(left)[1] : self.span(right)[0]]

    def drop(self, statement: ast.stmt, block: list[ast.stmt] | None) -> Edit:
        """Remove a statement with its lines; without a block it may go without leaving anything."""
        start, end = self.span(statement)
        first, last = self._starts[statement.lineno - 1], self._starts[statement.end_lineno or statement.lineno]
        indent, rest = self.text[first:start], self.text[end:last].strip()
        if indent.strip() or (rest and not rest.startswith("#")):
            return Edit(start=start, end=end, text="pass")
        if block is None:
            return Edit(start=first, end=last, text="")
        where = (self.span(block[0])[0], len(block))
        return Edit(start=first, end=last, text="", block=where, instead=f"{indent}pass\n")

    def _offset(self, line: int, column: int) -> int:
        text = self._lines[line - 1]
        prefix = column if text.isascii() else len(text.encode()[:column].decode())
        return self._starts[line - 1] + prefix


@dataclass(frozen=True, slots=True)
class Scope:
    """One top-level function, with the nodes in which mistakes may be made, in the order of the text."""

    source: Source
    function: ast.FunctionDef
    nodes: tuple[ast.AST, ...] = field(init=False)

    def __post_init__(self) -> None:
        found = [node for statement in self.function.body for node in _walk(statement)]
        object.__setattr__(self, "nodes", tuple(found))

    def blocks(self) -> Iterator[tuple[ast.stmt, list[ast.stmt]]]:
        """Every statement with the block it stands in."""
        for node in (self.function, *self.nodes):
            for name in ("body", "orelse", "finalbody"):
                block = getattr(node, name, None)
                if isinstance(block, list):
                    yield from ((statement, block) for statement in block)

    def replace(self, node: NAMED, text: str) -> Place:
        """A place where one node reads otherwise."""
        start, end = self.source.span(node)
        return self.place(node, Edit(start=start, end=end, text=text))

    def swap(self, one: NAMED, other: NAMED, texts: tuple[str, str] | None = None) -> Place:
        """A place where two nodes change places; `texts` if they must be written otherwise there."""
        first, second = texts or (self.source.of(one), self.source.of(other))
        (a, b), (c, d) = self.source.span(one), self.source.span(other)
        return self.place(one, Edit(start=a, end=b, text=second), Edit(start=c, end=d, text=first))

    def wrap(self, node: NAMED, before: str, after: str) -> Place:
        """A place where something is written before and after a node."""
        start, end = self.source.span(node)
        edits = (Edit(start=start, end=start, text=before), Edit(start=end, end=end, text=after))
        return self.place(node, *(edit for edit in edits if edit.text))

    def place(self, node: NAMED, *edits: Edit) -> Place:
        """A place with any edits, named after a node."""
        return Place(line=node.lineno, start=self.source.span(node)[0], edits=edits)


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """Nodes in the order of the text, without annotations, defaults, what errors say, and f-strings.

    Python 3.11 does not know where the parts of an f-string stand; the words of an error are nobody's contract.
    """
    yield node
    if isinstance(node, ast.JoinedStr | ast.Raise):
        return
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "args") and not isinstance(node, ast.Call):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _walk(child)
