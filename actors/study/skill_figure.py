"""The figure of the skill study: one panel for each thing that is compared, a dot and its interval for each group."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from actors.study.patterns import Interval
from actors.study.skill import ACCEPTED, ASKED, CRITERIA, ESCAPED, Answer

WIDTH_IN, HEIGHT_IN = 11.0, 5.2
COLOURS = ("#9a6324", "#c79100", "#1b7837", "#b58a63", "#2166ac", "#7f9fc4")  # told apart by position, too
SALT = "scrummage"  # names in an SVG follow from it, so that equal figures are equal files


def save_figure(path: Path, answered: Answer) -> Path:
    """Draw the answer into a file; equal answers give equal bytes."""
    with mpl.rc_context({"svg.hashsalt": SALT, "font.size": 10, "axes.spines.top": False, "axes.spines.right": False}):
        figure = draw(answered)
        metadata = {"Date": None} if path.suffix == ".svg" else None
        figure.savefig(path, metadata=metadata)
    return path


def draw(answered: Answer) -> Figure:
    """Four panels side by side, two by two."""
    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), layout="constrained")
    panels = figure.subplots(2, 2).flat
    for axes, measure in zip(panels, (ACCEPTED, ESCAPED, CRITERIA), strict=False):
        _panel(axes, measure.text, {arm: figures[measure.text] for arm, figures in answered.table.items()})
    _panel(figure.axes[-1], ASKED.text, answered.by_question[ASKED.text])
    figure.suptitle("Figures over seeds, 95 % intervals")
    return figure


def _panel(axes: Any, title: str, figures: Mapping[str, Interval | None]) -> None:
    names = list(figures)
    for row, (name, colour) in enumerate(zip(names, COLOURS, strict=False)):
        found = figures[name]
        if found is None:
            continue
        errors = [[found.value - found.low], [found.high - found.value]]
        axes.errorbar(found.value, row, xerr=errors, fmt="o", color=colour, capsize=4, linewidth=2)
        axes.annotate(f"{found.value:.3f}", (found.value, row), (0, 7), textcoords="offset points", ha="center", size=9)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.7)
    axes.set_title(title, loc="left", fontsize=10)
    axes.grid(axis="x", color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.margins(x=0.12)
