"""What can be wrong with a ledger.

LedgerError
+-- UnpricedError   a sum of money is wanted of a model that has no price
+-- MismatchError   what was paid for is not what the answers say
+-- UnmeasuredError a run was recorded when answers did not tell what they took
"""

from __future__ import annotations


class LedgerError(Exception):
    """Base class of what this package raises."""


class UnpricedError(LedgerError):
    """Raised where money is to be limited that nobody can count."""

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(f"{model} has no price: {reason}")
        self.model, self.reason = model, reason


class MismatchError(LedgerError):
    """Raised where a decision paid for other answers than there are; a journal that is whole has none such."""

    def __init__(self, actor: str, what: str) -> None:
        super().__init__(f"{actor}: {what}")
        self.actor, self.what = actor, what


class UnmeasuredError(LedgerError):
    """Raised for a run of an earlier version."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"its answers are {kind}, which do not tell what they took of engines")
        self.kind = kind
