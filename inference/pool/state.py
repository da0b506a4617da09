"""What a pool knows and tells: what a request is for, what an engine serves, how things stand. Values, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from inference.text import PRIORITIES, Priority, TextCounters

EngineStatus = Literal["starting", "ready", "draining", "away"]


class Aim(NamedTuple):
    """What a request is for, as far as it decides who may answer it and when."""

    model: str = ""  # empty: any engine of the pool
    adapter: str = ""  # one version, as in `adapter_name`; empty: the base model
    prefix: bytes = b""  # stands for the beginning of the prompt; empty: it shares none
    priority: Priority = "agent"


ANYWHERE = Aim()


class Serves(NamedTuple):
    """What an engine says that it serves; None: it did not say, and refuses by itself what it has not."""

    models: tuple[str, ...] | None = None
    adapters: tuple[str, ...] | None = None  # loaded, one version each, as in `adapter_name`

    def has_model(self, model: str) -> bool:
        """Whether it is worth asking for this model."""
        return self.models is None or model in self.models

    def has_adapter(self, adapter: str) -> bool:
        """Whether it is worth asking for this version of an adapter."""
        return self.adapters is None or adapter in self.adapters


UNTOLD = Serves()


class PoolLimits(NamedTuple):
    """Who may take how much, and how long silence is borne."""

    reserve: int = 0  # free slots, over the engines of each model, that trainer and batch leave to agents
    patience: int = 100  # more urgent requests that may pass a class that waits, before one of that class goes
    lease_s: float | None = None  # wall seconds without a sign of life after which an engine is lost; None: never
    start_s: float = 900.0  # the same while it loads its model


NO_LIMITS = PoolLimits()


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineView:
    """One engine as the pool sees it."""

    name: str
    incarnation: str  # empty while it is away
    status: EngineStatus
    models: tuple[str, ...] | None
    adapters: tuple[str, ...] | None
    slots: int
    under_way: int
    counters: TextCounters | None  # since its incarnation began, as it told last; None: it told none


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolState:
    """How a pool stands: its engines by name, and what waits."""

    engines: tuple[EngineView, ...]
    queued: Mapping[Priority, int]
    counts: Mapping[str, int]  # what happened so far, for instance `submitted`, `requeued`, `expired`
    given_up: tuple[str, ...] = ()  # models whose engines keep dying; requests for them are turned away

    @property
    def free_slots(self) -> int:
        """Requests that could be sent now."""
        return sum(max(0, each.slots - each.under_way) for each in self.engines if each.status == "ready")

    def to_json(self) -> dict[str, Any]:
        """As plain maps and lists, for an event or a page."""
        return {
            "engines": [
                {
                    "name": each.name,
                    "incarnation": each.incarnation,
                    "status": each.status,
                    "models": None if each.models is None else list(each.models),
                    "adapters": None if each.adapters is None else list(each.adapters),
                    "slots": each.slots,
                    "under_way": each.under_way,
                    "counters": None if each.counters is None else counters_to_map(each.counters),
                }
                for each in self.engines
            ],
            "queued": {priority: self.queued[priority] for priority in PRIORITIES},
            "counts": dict(sorted(self.counts.items())),
            "given_up": list(self.given_up),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LostWork:
    """The end of an incarnation: what it had told it did, and what it had not answered yet.

    What it did after its last word, and for the tickets here, is in no reply and nobody knows how much it was.
    """

    engine: str
    incarnation: str
    tickets: tuple[str, ...]  # under way when it ended; asked again elsewhere unless they were given up meanwhile
    counters: TextCounters | None  # the last it told; reconcile with the replies that came; None: it told none
    was_orderly: bool  # it said goodbye


COUNTER_NAMES: tuple[str, ...] = tuple(TextCounters.__dataclass_fields__)


def counters_to_map(counters: TextCounters) -> dict[str, int]:
    """Each count under its name."""
    return {name: getattr(counters, name) for name in COUNTER_NAMES}


def counters_from_map(counts: Mapping[str, Any]) -> TextCounters:
    """Raises ValueError for other names, or for a value that is no count."""
    if counts.keys() != set(COUNTER_NAMES) or any(type(each) is not int or each < 0 for each in counts.values()):
        raise ValueError(f"counters are {', '.join(COUNTER_NAMES)}, each from 0 on")
    return TextCounters(**counts)
