"""What the door needs of the engines behind it, and the names under which it shows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, NamedTuple, Protocol

from inference.http.errors import unknown_model
from inference.messages import Failed
from inference.text import GenerateText, TextCounters, TextGenerated, TextWritten, adapter_name


class Expired(NamedTuple):
    """The deadline of a request passed before its answer was there; it is not worked on any more."""


class Unavailable(NamedTuple):
    """A request that nobody will answer: the engines are gone, or the door closes."""

    detail: str


class TurnedAway(NamedTuple):
    """A request for a model whose engines keep dying; other models are answered."""

    model: str
    retry_s: float  # wall-clock seconds between two tries to have its engines back


Event = (
    TextWritten | TextGenerated | Failed | Expired | Unavailable | TurnedAway
)  # after each but the first nothing follows


@dataclass(frozen=True, slots=True, order=True)
class ServedModel:
    """A base model, or one version of an adapter on it."""

    model: str
    adapter: str = ""
    version: int = 0

    @property
    def name(self) -> str:
        """Under which clients ask for it: `base`, or `adapter@version`."""
        return adapter_name(self.adapter, self.version) if self.adapter else self.model


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineState:
    """One engine as the door shows it."""

    name: str
    incarnation: str
    slots: int
    under_way: int
    counters: TextCounters
    models: tuple[str, ...]  # that it serves


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendState:
    """What there is behind the door just now."""

    engines: tuple[EngineState, ...]
    served: tuple[ServedModel, ...]
    open_tickets: int  # requests of the door that have no answer yet
    given_up: tuple[str, ...] = ()  # models whose engines keep dying: requests for them are turned away
    lost: str = ""  # why nothing is answered any more; empty while all is well

    def is_up(self, model: str) -> bool:
        """Whether an engine of a base model takes requests just now."""
        return any(model in each.models for each in self.engines)


class Exchange(Protocol):
    """One request on its way; leaving the `async with` cancels it unless it was answered."""

    async def __aenter__(self) -> Exchange: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def next(self) -> Event:
        """The next piece, or what it ended with."""
        ...


AdapterAction = Literal["load", "unload"]


class Backend(Protocol):
    """Engines that are asked from an event loop. Nothing here waits for an engine but `Exchange.next` and `adapter`."""

    def ask(self, request: GenerateText, seed: int, *, deadline_s: float) -> Exchange:
        """Send a request on its way; `deadline_s` are wall-clock seconds from now."""
        ...

    def state(self) -> BackendState:
        """What there is just now."""
        ...

    async def adapter(self, action: AdapterAction, served: ServedModel, *, path: str, sha256: str) -> None:
        """Load or unload one version of an adapter on all engines of its base. Raises RefusedError."""
        ...


def resolve(name: str, served: Iterable[ServedModel]) -> ServedModel:
    """What a client means by a name: exactly that or, for an adapter without a version, the newest that is loaded.

    Raises:
        RefusedError: Nothing of that name is served.
    """
    versions: list[ServedModel] = []
    for each in served:
        if each.name == name:
            return each
        if each.adapter and each.adapter == name:
            versions.append(each)
    if not versions:
        raise unknown_model(name)
    return max(versions, key=lambda each: each.version)
