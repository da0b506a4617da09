"""Small pieces of text and numbers that reports are made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from math import fsum

_BARS = "▁▂▃▄▅▆▇█"
_RESERVED = re.compile(r"(question|result)[\s:]*:", re.IGNORECASE)


def one_line(text: str) -> str:
    """Text from an event on a single line, without the markers that readers of retro.md count."""
    return _RESERVED.sub(lambda found: found[1], " ".join(text.split()))


def fixed(value: float) -> float:
    """A number with at most three decimals, as every artifact shows it."""
    return round(value, 3)


def ratio(part: int, whole: int) -> float | None:
    """A share rounded to three decimals; None when there is nothing to take a share of."""
    return fixed(part / whole) if whole else None


def percentage(part: int, whole: int) -> float | None:
    """A share in percent, rounded to three decimals; None when there is nothing to take a share of."""
    return fixed(100 * part / whole) if whole else None


def mean(values: Sequence[float]) -> float | None:
    """The average, rounded to three decimals; None of nothing."""
    return fixed(fsum(values) / len(values)) if values else None


def shown(value: float | str | None, unit: str = "") -> str:
    """A value for people; what was not measured is a dash."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".") + unit
    return f"{value}{unit}"


def percent(value: float | None) -> str:
    """A share as a percentage with one decimal."""
    return "–" if value is None else f"{100 * value:.1f} %"


def sparkline(values: Iterable[int]) -> str:
    """One bar character for each value, scaled to the largest."""
    heights = list(values)
    top = max(heights, default=0)
    return "".join(_BARS[value * (len(_BARS) - 1) // top if top else 0] for value in heights)


def slug(title: str) -> str:
    """A title as part of a file name: lower-case ASCII words joined by hyphens."""
    return "-".join(re.findall(r"[a-z0-9]+", title.lower()))[:60].strip("-") or "untitled"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
