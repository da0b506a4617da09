"""The bank and the mutation check as tables, for a terminal or in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.table import Table

from actors.work.katas.anatomy import complexities
from actors.work.katas.exercise import Exercise
from actors.work.katas.kata import DOMAINS
from actors.work.katas.mutants import Mutant, all_sites, by_operator
from actors.work.mutations.operators import OPERATORS, fix_size
from actors.work.mutations.planting import NOT_COMPILING, SAME_TREE, UNNOTICED

KILLED = ("killed by acceptance", "killed by canary")
DISCARDED = (UNNOTICED, SAME_TREE, NOT_COMPILING, "cpu limit", "memory limit", "blocked")


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows of text under headings; `numbers` are the columns that are set to the right."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[str, ...]

    def markdown(self) -> str:
        """The table in Markdown."""
        marks = ["---:" if heading in self.numbers else "---" for heading in self.headings]
        return "\n".join(f"| {' | '.join(row)} |" for row in (self.headings, marks, *self.rows))

    def rich(self) -> Table:
        """The table for a terminal."""
        table = Table()
        for heading in self.headings:
            table.add_column(heading, justify="right" if heading in self.numbers else "left")
        for row in self.rows:
            table.add_row(*row)
        return table


def families_by_domain(families: Sequence[str]) -> Grid:
    """One row for each family: its size with what is assumed, and what it leaves open. Variant 0 stands for all."""
    exercises = sorted((Exercise(family, 0) for family in families), key=lambda one: DOMAINS.index(one.kata.domain))
    headings = ("domain", "family", "points", "criteria", "open points", "alternatives")
    sizes = ("lines", "functions", "complexity", "hidden tests", "places for mistakes", "smallest fix")
    rows = tuple(_row(one) for one in exercises)
    return Grid((*headings, *sizes, "needs"), rows, ("points", "criteria", "open points", *sizes))


def _row(one: Exercise) -> tuple[str, ...]:
    source = one.source(one.assumed)
    complexity = complexities(source)
    return (
        one.kata.domain,
        one.family,
        str(one.kata.points),
        str(len(one.kata.criteria)),
        str(len(one.kata.open_points)),
        "+".join(str(len(point.alternatives)) for point in one.kata.open_points),
        str(len(source.splitlines())),
        str(len(complexity)),
        str(max(complexity.values())),
        str(len(one.cases("acceptance")) + len(one.cases("canary"))),
        str(len(all_sites(source))),
        str(min(fix_size(source, one.source(choices)) for choices in _other_choices(one))),
        ", ".join(one.kata.needs),
    )


def _other_choices(one: Exercise) -> Iterator[tuple[int, ...]]:
    """What is assumed but for one open point."""
    for position, point in enumerate(one.kata.open_points):
        for choice in range(len(point.alternatives)):
            if choice != one.assumed[position]:
                yield (*one.assumed[:position], choice, *one.assumed[position + 1 :])


def mutants_by_operator(mutants: Sequence[Mutant]) -> Grid:
    """One row for each kind of mistake and one for all: drawn, killed, discarded by reason."""
    counts = by_operator(mutants)
    shown = [reason for reason in DISCARDED if any(reason in counter for counter in counts.values())]
    rows = []
    for operator in OPERATORS:
        if operator.name in counts:
            counter = counts[operator.name]
            numbers = [counter.total(), *(counter[column] for column in (*KILLED, *shown))]
            rows.append((operator.name, operator.incident_class, numbers))
    totals = [sum(column) for column in zip(*(numbers for _, _, numbers in rows), strict=True)]
    headings = ("operator", "incident class", "drawn", *KILLED, *shown)
    text = tuple((name, incident, *map(str, numbers)) for name, incident, numbers in [*rows, ("all", "", totals)])
    return Grid(headings, text, headings[2:])
