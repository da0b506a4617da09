"""How sure a share is, and where a quantile lies. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from training.house.intervals import share_interval


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many, with the interval that a 95 % confidence leaves."""

    passed: int
    tried: int

    @property
    def value(self) -> float:
        """The share itself; 0 where nothing was tried."""
        return self.passed / self.tried if self.tried else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval at 95 %; all there is where nothing was tried."""
        if not self.tried:
            return 0.0, 1.0
        found = share_interval(self.passed, self.tried)
        return found.low, found.high


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that this share of all does not exceed (nearest rank). Raises ValueError without values."""
    if not values:
        raise ValueError("no quantile of nothing")
    return sorted(values)[max(0, ceil(share * len(values)) - 1)]
