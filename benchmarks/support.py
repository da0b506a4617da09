"""How measurements are taken and judged: interleaved rounds, medians, ratios against what DESIGN section 11 asks for.

On a shared machine absolute numbers mean little, so all cases of one table take turns within each round, and a target
is a ratio between two of them (or a size in memory).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

console = Console(width=120)


@dataclass(frozen=True, slots=True)
class Effort:
    """How much work a measurement may do."""

    rounds: int = 5
    share: float = 1.0  # of the usual number of messages

    def count(self, usual: int) -> int:
        """So many messages instead of the usual number; at least one."""
        return max(1, round(usual * self.share))


QUICK = Effort(rounds=3, share=0.1)


@dataclass(frozen=True, slots=True)
class Target:
    """Something to reach, and what was measured."""

    what: str
    bound: float
    measured: float | None  # None: could not be measured here
    unit: str = "x"
    at_least: bool = True  # otherwise at most
    reason: str = ""  # why it could not be measured

    @property
    def is_reached(self) -> bool | None:
        """None when nothing was measured."""
        if self.measured is None:
            return None
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound


def rate(work: Callable[[int], object], count: int) -> float:
    """How often per wall second `work(count)` did its thing."""
    start_s = time.perf_counter()
    work(count)
    return count / (time.perf_counter() - start_s)


def interleave(cases: Mapping[str, Callable[[], float]], effort: Effort) -> dict[str, float]:
    """Measure each case once a round, in turns, and return its median over the rounds."""
    measured: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(effort.rounds):
        names = list(cases)
        for name in names if number % 2 == 0 else reversed(names):  # nobody is always first
            measured[name].append(cases[name]())
    return {name: statistics.median(values) for name, values in measured.items()}


def show_ratios(title: str, measured: Mapping[str, float], *, base: str, unit: str = "per s") -> None:
    """One table: each case, and how many times the base case it is."""
    table = Table(title=title, title_justify="left")
    table.add_column("case")
    table.add_column(unit, justify="right")
    table.add_column(f"x {base}", justify="right")
    for name, value in measured.items():
        table.add_row(name, f"{value:,.0f}" if value >= 100 else f"{value:.2f}", f"{value / measured[base]:.2f}")
    console.print(table)


def show_targets(targets: list[Target]) -> bool:
    """The closing table; says whether nothing was missed."""
    table = Table(title="Targets (DESIGN section 11)", title_justify="left")
    for column in ("what", "target", "measured", ""):
        table.add_column(column, justify="left" if column in ("what", "") else "right")
    verdicts = {True: "[green]reached[/]", False: "[bold red]missed[/]"}
    for target in targets:
        sign = ">=" if target.at_least else "<="
        measured = "-" if target.measured is None else f"{target.measured:,.2f} {target.unit}"
        reached = target.is_reached
        verdict = target.reason if reached is None else verdicts[reached]
        table.add_row(target.what, f"{sign} {target.bound:g} {target.unit}", measured, verdict)
    console.print(table)
    return all(target.is_reached is not False for target in targets)
