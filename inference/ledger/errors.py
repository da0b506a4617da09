"""What can be wrong with a ledger.

LedgerError
+-- UnpricedError   a sum of money is wanted of a model that has no price
"""

from __future__ import annotations


class LedgerError(Exception):
    """Base class of what this package raises."""


class UnpricedError(LedgerError):
    """Raised where money is to be limited that nobody can count."""

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(f"{model} has no price: {reason}")
        self.model, self.reason = model, reason
