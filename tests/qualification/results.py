"""What came out: for each part a share with its interval and the verdict, or latencies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.qualification.intervals import Share

SHOWN = 5  # failures of one part that are told


@dataclass(frozen=True, slots=True, kw_only=True)
class PartResult:
    """One part."""

    part: str
    is_passed: bool
    what: str  # measured, in words
    wanted: str
    share: Share | None = None
    figures: Mapping[str, float] = field(default_factory=dict)
    groups: Mapping[str, Share] = field(default_factory=dict)
    failures: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """Everything, for programs."""
        found: dict[str, Any] = {"part": self.part, "passed": self.is_passed, "wanted": self.wanted}
        if self.share is not None:
            found["share"] = _share(self.share)
            found["groups"] = {name: _share(share) for name, share in self.groups.items()}
        if self.figures:
            found["figures"] = dict(self.figures)
        return {**found, "measured": self.what, "failures": list(self.failures)}


def share_result(
    part: str,
    share: Share,
    at_least: float,
    *,
    groups: Mapping[str, Share],
    failures: Sequence[str],
    figures: Mapping[str, float] | None = None,
) -> PartResult:
    """Passed when the whole interval lies at or above what is asked for."""
    low, high = share.interval
    return PartResult(
        part=part,
        is_passed=share.tried > 0 and low >= at_least,
        what=f"{share.passed} of {share.tried}, {share.value:.1%} ({low:.1%} to {high:.1%})",
        wanted=f"at least {at_least:.0%}",
        share=share,
        figures=figures or {},
        groups=groups,
        failures=failures,
    )


def not_asked(part: str, why: str) -> PartResult:
    """A part that the candidate cannot do, which is not a pass."""
    return PartResult(part=part, is_passed=False, what=why, wanted="an answer")


def _share(share: Share) -> dict[str, Any]:
    low, high = share.interval
    return {"passed": share.passed, "tried": share.tried, "low": round(low, 6), "high": round(high, 6)}
