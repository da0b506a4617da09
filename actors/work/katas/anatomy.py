"""What an oracle is made of: its definitions, who uses whom, which open points reach which function, its shape."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product
from types import ModuleType

from mccabe import PathGraphingAstVisitor

from actors.work.katas.execution import load_source
from actors.work.katas.exercise import Exercise
from actors.work.katas.oracle import defined_names, fill, used_names

Choices = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Definition:
    """A top-level name of a module: its text without layout, and the top-level names that it uses."""

    shape: str
    uses: tuple[str, ...]


class Anatomy:
    """An exercise taken apart. Every way to write its source is parsed and loaded once."""

    def __init__(self, exercise: Exercise) -> None:
        self.exercise = exercise
        self._sources: dict[Choices, str] = {}
        self._modules: dict[str, ModuleType] = {}

    @cached_property
    def single(self) -> tuple[Choices, ...]:
        """What is assumed, and every way to deviate from it in one open point."""
        assumed = self.exercise.assumed
        return (assumed, *(self.with_choice(assumed, *one) for one in self._deviations()))

    def _deviations(self) -> Iterator[tuple[int, int]]:
        for position, point in enumerate(self.exercise.kata.open_points):
            yield from ((position, other) for other in range(1, len(point.alternatives)))

    @staticmethod
    def with_choice(choices: Choices, position: int, other: int) -> Choices:
        """The same choices but for one open point."""
        return (*choices[:position], other, *choices[position + 1 :])

    def source(self, choices: Choices) -> str:
        """The whole module as it is written with these choices.

        Helpers that only other choices use stay in combinations: leaving them out changes no behaviour and takes time.
        """
        if choices not in self._sources:
            is_single = sum(map(bool, choices)) < 2
            self._sources[choices] = self.exercise.source(choices) if is_single else self._filled(choices)
        return self._sources[choices]

    def _filled(self, choices: Choices) -> str:
        code = {needed.family: needed.module for needed in self.exercise.needs}
        for point, chosen in zip(self.exercise.kata.open_points, choices, strict=True):
            code.update(point.alternatives[chosen].code)
        return fill(self.exercise.kata.source, code)

    def module(self, choices: Choices) -> ModuleType:
        """The module with these choices, loaded once."""
        text = self.source(choices)
        if text not in self._modules:
            self._modules[text] = load_source(self.exercise, text)
        return self._modules[text]

    @cached_property
    def uses(self) -> Mapping[str, tuple[str, ...]]:
        """For each top-level name the names that it uses, whatever is chosen."""
        found: dict[str, dict[str, None]] = {}
        for choices in self.single:
            for name, one in definitions(self.source(choices)).items():
                found.setdefault(name, {}).update(dict.fromkeys(one.uses))
        return {name: tuple(used) for name, used in found.items()}

    @lru_cache(maxsize=32)  # noqa: B019 - lives no longer than the rules of one exercise
    def reach(self, function: str) -> tuple[str, ...]:
        """A function and everything that it may use, directly or not."""
        seen: dict[str, None] = {}
        waiting = [function]
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen[name] = None
                waiting += self.uses.get(name, ())
        return tuple(seen)

    @cached_property
    def _touched(self) -> tuple[frozenset[str], ...]:
        """For each open point the top-level names that its alternatives change."""
        plain = definitions(self.source(self.exercise.assumed))
        touched: list[set[str]] = [set() for _ in self.exercise.kata.open_points]
        for (position, _), choices in zip(self._deviations(), self.single[1:], strict=True):
            other = definitions(self.source(choices))
            names = dict.fromkeys([*plain, *other])
            touched[position] |= {name for name in names if plain.get(name) != other.get(name)}
        return tuple(map(frozenset, touched))

    def points_of(self, function: str) -> tuple[int, ...]:
        """Positions of the open points that can make a difference to a function."""
        reach = self.reach(function)
        return tuple(
            position for position, touched in enumerate(self._touched) if any(name in touched for name in reach)
        )

    def combinations(self, function: str) -> tuple[Choices, ...]:
        """All choices that a function can tell apart; the other open points stay as assumed."""
        relevant = self.points_of(function)
        ranges = [
            range(len(point.alternatives)) if position in relevant else range(1)
            for position, point in enumerate(self.exercise.kata.open_points)
        ]
        return tuple(product(*ranges))


def definitions(source: str) -> Mapping[str, Definition]:
    """The top-level names of a module."""
    found: dict[str, Definition] = {}
    for node in ast.parse(source).body:
        uses = tuple(used_names(node))
        for name in defined_names(node):
            found[name] = Definition(ast.dump(node), uses)
    return found


class _Plainer(ast.NodeTransformer):
    """Takes away what makes two copies of one algorithm look different: names, constants, docstrings."""

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(id="name", ctx=ast.Load())

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return ast.arg(arg="name")

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        return ast.keyword(arg="name", value=self.visit(node.value))

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        return ast.Attribute(value=self.visit(node.value), attr=node.attr, ctx=ast.Load())

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.Constant(value=0)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        return ast.Constant(value=0)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        body = [self.visit(one) for one in node.body if not is_docstring(one)]
        return ast.FunctionDef(name="name", args=self.visit(node.args), body=body, decorator_list=[])


def is_docstring(node: ast.stmt) -> bool:
    """Whether a statement is nothing but a text."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def shape(source: str, least: int = 0) -> tuple[str, ...]:
    """The functions of a module without names, constants and docstrings, sorted.

    Args:
        source: The module.
        least: Leave out functions with fewer nodes in their syntax tree.
    """
    plain = [_Plainer().visit(one) for one in functions(source)]
    return tuple(sorted(ast.dump(one) for one in plain if sum(1 for _ in ast.walk(one)) >= least))


def complexities(source: str) -> Mapping[str, int]:
    """McCabe's cyclomatic complexity of every function, by its name.

    Source: McCabe 1976, "A Complexity Measure", IEEE TSE SE-2(4), as the library `mccabe` counts it.
    """
    visitor = PathGraphingAstVisitor()
    visitor.preorder(ast.parse(source), visitor)
    return {graph.entity: graph.complexity() for graph in visitor.graphs.values()}


def functions(source: str) -> Sequence[ast.FunctionDef]:
    """The top-level functions."""
    return [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
