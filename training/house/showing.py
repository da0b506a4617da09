"""The table of judgements on a screen."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from training.house.intervals import Interval
from training.house.scoring import ENOUGH, Line

_LEGAL_TARGET = 0.95


def show_lines(lines: Sequence[Line], title: str, console: Console) -> None:
    """Legality and agreement for each kind of decision, with 95 % intervals."""
    grid = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for heading in (
        "decision",
        "n",
        "legal %",
        "agrees with rules %",
        "random play %",
        "rules with rules %",
        "beats random",
    ):
        grid.add_column(heading, justify="left" if heading == "decision" else "right", no_wrap=heading == "decision")
    for line in lines:
        grid.add_row(
            line.kind.replace("_", " "),
            str(line.decisions),
            _shown(line.legal_share),
            _shown(line.agreement),
            _shown(line.random_agreement),
            f"{100 * line.self_agreement:.0f}",
            _verdict(line),
            style="bold" if line.kind == "all" else "",
        )
    console.print(grid)
    console.print(
        "legal: the first answer is possible in the observed state. rules: the behavioural policy; it throws dice, and so "
        "agrees with itself only as far as the last but one figure says.",
        highlight=False,
    )


def _shown(interval: Interval) -> str:
    return f"{100 * interval.value:.0f} [{100 * interval.low:.0f} {100 * interval.high:.0f}]"


def _verdict(line: Line) -> str:
    if line.decisions < ENOUGH:
        return "too few"
    advantage = f"{100 * line.advantage.value:+.0f} [{100 * line.advantage.low:+.0f} {100 * line.advantage.high:+.0f}]"
    return f"{advantage} {'yes' if line.is_above_random else 'no'}"
