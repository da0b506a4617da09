"""What a running pool raises.

PoolError
+-- EnginesGivenUpError    engines that somebody needs were started again too often
+-- UnknownEngineError     no engine of the pool has this name
+-- VersionRefusedError    an engine will not load a version of an adapter; nothing was answered
+-- VersionNotServedError  an engine says that it has not the version that it was asked for
"""

from __future__ import annotations

from collections.abc import Iterable

from inference.adapters.messages import AdapterRefused
from inference.text import adapter_name


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


class VersionRefusedError(PoolError):
    """Raised when an engine refuses a version that requests name."""

    def __init__(self, engine: str, refused: AdapterRefused) -> None:
        name = adapter_name(refused.name, refused.version)
        super().__init__(f"{engine} does not load adapter {name} ({refused.reason}: {refused.detail})")
        self.engine, self.refused = engine, refused


class VersionNotServedError(PoolError):
    """Raised when an engine says that it has not the version that it was asked for."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(f"adapter {name} is not there ({detail})")
        self.name = name
