"""Kinds of mistakes, where a source has room for them, and the source with some of them made.

Everything is text and syntax tree: nothing is run. A site names a place in the ORIGINAL source, so several can be
chosen at once, in any order, and only the text concerned changes; comments and layout elsewhere stay.
Source: the operator set of SWE-smith (procedural bug generation) and of mutation tools such as mutmut and cosmic-ray.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import pairwise

from actors.work.mutations import expressions, flaky, statements
from actors.work.mutations.errors import BrokenMutantError, OverlappingSitesError, UnknownSiteError
from actors.work.mutations.text import Edit, Place, Scope, Source

Finder = Callable[[Scope], Iterator[Place]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """One kind of mistake."""

    name: str
    incident_class: str  # what the board calls it
    severity: int  # 1 is cosmetic, 4 loses data or lets anybody in
    find: Finder
    flaky: bool = False  # shows now and then only; never drawn as an ordinary defect


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Site:
    """The `number`-th place (from 0) for an operator in a top-level function of the original source."""

    function: str
    operator: str
    number: int

    def __str__(self) -> str:
        return f"{self.function}/{self.operator}/{self.number}"


def _operator(name: str, incident_class: str, severity: int, find: Finder, *, flaky: bool = False) -> Operator:
    return Operator(name=name, incident_class=incident_class, severity=severity, find=find, flaky=flaky)


OPERATORS: tuple[Operator, ...] = (
    _operator("off_by_one_constant", "off-by-one error", 2, expressions.off_by_one_constants),
    _operator("comparison_flip", "boundary error", 2, expressions.flipped_comparisons),
    _operator("comparison_reverse", "inverted comparison", 3, expressions.reversed_comparisons),
    _operator("boolean_negation", "inverted condition", 3, expressions.negated_conditions),
    _operator("logic_change", "wrong condition", 3, expressions.changed_logic),
    _operator("operand_swap", "swapped operands", 2, expressions.swapped_operands),
    _operator("argument_swap", "swapped arguments", 2, expressions.swapped_arguments),
    _operator("operator_change", "wrong calculation", 3, expressions.changed_operators),
    _operator("wrong_function", "wrong function called", 2, expressions.wrong_functions),
    _operator("skipped_cleaning", "input not normalised", 1, expressions.skipped_cleaning),
    _operator("flipped_flag", "inverted flag", 2, expressions.flipped_flags),
    _operator("wrong_key", "wrong field", 2, expressions.wrong_keys),
    _operator("wrong_default", "wrong default", 1, statements.wrong_defaults),
    _operator("mutable_default", "state kept between calls", 4, statements.mutable_defaults),
    _operator("dropped_return", "missing result", 3, statements.dropped_returns),
    _operator("removed_guard", "missing check", 4, statements.removed_guards),
    _operator("swallowed_exception", "error swallowed", 4, statements.swallowed_exceptions),
    _operator("loop_cut_short", "items missed", 3, statements.shortened_loops),
    _operator("dropped_statement", "missing step", 3, statements.dropped_statements),
    _operator("wrong_branch", "wrong branch taken", 3, statements.wrong_branches),
    _operator("order_dependence", "depends on order", 2, flaky.unordered_loops, flaky=True),
    _operator("time_dependence", "depends on the clock", 2, flaky.clocked_conditions, flaky=True),
)
BY_NAME: Mapping[str, Operator] = {operator.name: operator for operator in OPERATORS}


def sites(source: str, functions: Sequence[str], *, flaky: bool = False) -> tuple[Site, ...]:
    """All places for ordinary mistakes in some top-level functions, or for flaky ones; the same order every time.

    Raises:
        SyntaxError: The source is no Python.
    """
    places = _places(source)
    return tuple(
        Site(function=function, operator=operator.name, number=number)
        for function in functions
        for operator in OPERATORS
        if operator.flaky is flaky and function in places
        for number in range(len(places[function][operator.name]))
    )


def apply(source: str, chosen: Sequence[Site]) -> str:
    """The source with all these mistakes made; the order of `chosen` does not matter.

    Raises:
        UnknownSiteError: The source has no such place.
        OverlappingSitesError: Two of them change the same text.
        BrokenMutantError: The result does not compile.
    """
    edits = [(edit, site) for site in sorted(set(chosen)) for edit in _place(source, site).edits]
    text = source
    for edit, replacement in reversed(_resolved(edits)):
        text = text[: edit.start] + replacement + text[edit.end :]
    try:
        compile(text, "<mutant>", "exec", dont_inherit=True)
    except SyntaxError as error:
        raise BrokenMutantError(f"{error.msg}, line {error.lineno}") from error
    return text


def line_of(source: str, site: Site) -> int:
    """The line, from 1, in which the mistake is made. Raises UnknownSiteError."""
    return _place(source, site).line


def fix_size(source: str, mutated: str) -> int:
    """Changed lines of the diff between two sources; a line that reads otherwise counts once."""
    matcher = SequenceMatcher(None, source.splitlines(), mutated.splitlines(), autojunk=False)
    return sum(max(b - a, d - c) for kind, a, b, c, d in matcher.get_opcodes() if kind != "equal")


def _resolved(edits: list[tuple[Edit, Site]]) -> list[tuple[Edit, str]]:
    """Edits in the order of the text, each with what it writes. Equal insertions (an import) are made once."""
    once = {(edit, site if edit.end > edit.start else None): site for edit, site in edits}
    ordered = sorted(((edit, site) for (edit, _), site in once.items()), key=lambda pair: (pair[0].start, pair[0].end))
    for (before, one), (after, other) in pairwise(ordered):
        is_twice = before.start == before.end == after.start == after.end
        if after.start < before.end or is_twice:
            raise OverlappingSitesError(str(one), str(other))
    dropped = [edit.block for edit, _ in ordered if edit.block is not None]
    written: list[tuple[Edit, str]] = []
    for edit, _ in ordered:
        is_emptied = edit.block is not None and dropped.count(edit.block) == edit.block[1]
        is_first = all(before.block != edit.block for before, _ in written)
        written.append((edit, edit.instead if is_emptied and is_first else edit.text))
    return written


def _place(source: str, site: Site) -> Place:
    places = _places(source).get(site.function, {}).get(site.operator, ())
    if not 0 <= site.number < len(places):
        raise UnknownSiteError(site.function, site.operator, site.number)
    return places[site.number]


@lru_cache(maxsize=256)
def _places(source: str) -> Mapping[str, Mapping[str, tuple[Place, ...]]]:
    module = Source(source)
    scopes = [Scope(module, node) for node in module.tree.body if isinstance(node, ast.FunctionDef)]
    return {
        scope.function.name: {
            operator.name: tuple(sorted(operator.find(scope), key=lambda place: place.start)) for operator in OPERATORS
        }
        for scope in scopes
    }
