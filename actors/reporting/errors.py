"""What can be wrong with a log that is turned into artifacts.

ReportingError
+-- InconsistentLogError   two events contradict each other; no artifact could tell the truth
"""

from __future__ import annotations


class ReportingError(Exception):
    """Base class for everything that keeps a log from becoming artifacts."""


class InconsistentLogError(ReportingError):
    """Raised when events contradict each other, for instance points that do not add up."""

    def __init__(self, team: str, sprint: int, reason: str) -> None:
        super().__init__(f"team {team}, sprint {sprint}: {reason}")
        self.team, self.sprint, self.reason = team, sprint, reason
