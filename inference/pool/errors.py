"""What a running pool raises.

PoolError
+-- EnginesGivenUpError    engines that somebody needs were started again too often
+-- UnknownEngineError     no engine of the pool has this name
"""

from __future__ import annotations

from collections.abc import Iterable


class PoolError(Exception):
    """Base class of what a running pool raises."""


class EnginesGivenUpError(PoolError):
    """Raised when requests would wait for ever: the engines that could answer keep dying."""

    def __init__(self, engines: Iterable[str], why: str = "requests wait, and their engines keep dying") -> None:
        self.engines = tuple(engines)
        super().__init__(f"{why}: {', '.join(self.engines)}; see their logs")


class UnknownEngineError(PoolError):
    """Raised when an engine is named that the pool has not."""

    def __init__(self, engine: str) -> None:
        super().__init__(f"the pool has no engine {engine!r}")
        self.engine = engine
