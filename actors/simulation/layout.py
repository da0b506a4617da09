"""Which actor lives on which node, and where nodes and engines listen."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self
from zlib import crc32

SERVICES = "services"
ENGINES = 1


@dataclass(frozen=True, slots=True)
class Layout:
    """`nodes` processes: services first, agents sharded by name hash over the others; one node holds everything."""

    nodes: int

    @property
    def names(self) -> tuple[str, ...]:
        return (SERVICES, *(f"agents-{number}" for number in range(1, self.nodes)))

    @property
    def numbers(self) -> dict[str, int]:
        """Each node's number on the links."""
        return {name: number for number, name in enumerate(self.names)}

    def home(self, actor: str) -> str:
        """The node of an actor. The log does not depend on it."""
        if self.nodes == 1 or not actor.startswith("agent/"):
            return SERVICES
        return f"agents-{1 + crc32(actor.encode()) % (self.nodes - 1)}"

    def residents(self, node: str, actors: Iterable[str]) -> tuple[str, ...]:
        """The actors of one node, in the order given."""
        return tuple(actor for actor in actors if self.home(actor) == node)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What one process of a run is told on its command line."""

    folder: str  # the run folder
    sockets: str  # private directory of the run's sockets
    nodes: int
    node: str
    parent: int | None = None  # process to die with
    replay: bool = False  # every effect must come from the journal
    hub_endpoint: str | None = None  # None: no door for outsiders
    paced: bool = False
    paused: bool = False
    allow_code_change: bool = False
    hold_s: float = 0.0
    model_server: dict[str, Any] | None = None  # where the server of a model is, if no longer where the journal says

    @property
    def layout(self) -> Layout:
        return Layout(self.nodes)

    @property
    def run_folder(self) -> Path:
        return Path(self.folder)

    def endpoint(self, name: str) -> str:
        """Where a node, an engine pool or the hub listens."""
        return f"ipc://{self.sockets}/{name}.sock"

    def to_argument(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_argument(cls, text: str) -> Self:
        return cls(**json.loads(text))
