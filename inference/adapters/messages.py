"""What a pool and an engine say to each other about adapters, and what an engine that serves them is to its host.

A version is immutable: name, version and content hash belong together for ever. Loading the same one again changes
nothing; another content under a version that is loaded is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, runtime_checkable

RefusalReason = Literal[
    "unknown_base",  # the engine serves another model
    "unknown_version",  # it is not loaded
    "version_taken",  # this version is loaded with another content
    "unreadable",  # its files are missing, or are no adapter for this model
    "wrong_content",  # its files have another hash
    "no_room",  # the engine holds as many versions as it can
    "no_adapters",  # this engine serves the base model only
]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadAdapter:
    """Load a version of an adapter beside those that are loaded. Answered by AdapterLoaded or AdapterRefused."""

    KIND: ClassVar[str] = "inference.load_adapter/1"
    base: str  # the model that it adapts, under the name by which requests call it
    name: str
    version: int  # from 1
    path: str  # the folder with its files, where the engine runs
    sha256: str  # of its files, 64 hexadecimal digits: `inference.adapters.content.content_hash`


@dataclass(frozen=True, slots=True, kw_only=True)
class UnloadAdapter:
    """Take no more requests for a version. Those under way are finished by it. Answered like LoadAdapter."""

    KIND: ClassVar[str] = "inference.unload_adapter/1"
    base: str
    name: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterLoaded:
    """From now on the engine answers requests that name this version."""

    KIND: ClassVar[str] = "inference.adapter_loaded/1"
    base: str
    name: str
    version: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterUnloaded:
    """The engine takes no more requests for this version; its weights go when the last one under way is done."""

    KIND: ClassVar[str] = "inference.adapter_unloaded/1"
    base: str
    name: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterRefused:
    """Nothing was changed."""

    KIND: ClassVar[str] = "inference.adapter_refused/1"
    base: str
    name: str
    version: int
    reason: RefusalReason
    detail: str  # for people


@runtime_checkable
class ManagesAdapters(Protocol):
    """What a `TextEngine` also has that loads adapters while it works. Called between steps, by the same thread."""

    def load(self, wanted: LoadAdapter) -> AdapterLoaded | AdapterRefused:
        """Load a version; takes milliseconds, drops nothing. Raises EngineClosedError or EngineLostError."""
        ...

    def unload(self, wanted: UnloadAdapter) -> AdapterUnloaded | AdapterRefused:
        """Take no more requests for a version. Raises EngineClosedError or EngineLostError."""
        ...

    def adapters(self) -> tuple[AdapterLoaded, ...]:
        """The versions that new requests may name, sorted by name and version. Raises EngineClosedError."""
        ...
