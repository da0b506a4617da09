"""The actor that xoscar's second process imports; a module of its own because its base class is xoscar's."""

from __future__ import annotations

from typing import Any

import xoscar  # type: ignore[import-not-found,unused-ignore]


class Counting(xoscar.Actor):  # type: ignore[misc,unused-ignore]
    """Counts what it hears."""

    def __init__(self) -> None:
        self._seen = 0

    def hear(self, message: Any) -> None:
        """Count it."""
        self._seen += 1

    def seen(self) -> int:
        """How many so far."""
        return self._seen
