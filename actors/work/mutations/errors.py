"""What can be wrong with a request for defects.

MutationError
├── UnknownSiteError       the source has no such place
├── OverlappingSitesError  two places would change the same text
└── BrokenMutantError      the changed source is no Python; a mistake of an operator
"""

from __future__ import annotations


class MutationError(Exception):
    """Base of all errors of this package; no source was changed."""


class UnknownSiteError(MutationError):
    """Raised for a place that the source does not have."""

    def __init__(self, function: str, operator: str, number: int) -> None:
        super().__init__(f"{function} has no place {number} for {operator}")
        self.function, self.operator, self.number = function, operator, number


class OverlappingSitesError(MutationError):
    """Raised when two chosen places would change the same text."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second} change the same text")
        self.first, self.second = first, second


class BrokenMutantError(MutationError):
    """Raised when a changed source does not compile."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the changed source does not compile: {reason}")
        self.reason = reason
