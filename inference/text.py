"""Text from a model: the request, its reply, and what an engine that writes text is to its host.

`Engine` (inference/engine.py) answers one request after another. A `TextEngine` works on many at once: its host gives
it requests whenever they come, and steps it; a request that comes late joins those under way. That is the shape of
vLLM's `add_request`, `abort_request` and `step`, of a pool of HTTP connections, and of a latency model.

A `Failed` is an answer: it follows from the request alone (or from what an engine serves) and is journalled. What has
to do with the machinery around a model (a lost server, a time-out, a refused token) is never an answer but an error:

    TextEngineError
    +-- EngineLostError    the engine cannot go on; what it had under way is asked again elsewhere, with the same seed
    +-- EngineClosedError  it was not started, or is closed
    +-- TicketInUseError   the ticket is under way
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

from brokers.wire.registry import Registry
from inference.messages import Expired, Failed, TurnedAway

Role = Literal["system", "user", "assistant", "tool"]
Priority = Literal["agent", "trainer", "batch"]
Finish = Literal["stop", "length", "cancelled"]
PRIORITIES: tuple[Priority, ...] = ("agent", "trainer", "batch")  # the most urgent first


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    """One message of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What only some callers want of a text. An engine that cannot do it refuses, it never leaves it out."""

    stop: tuple[str, ...] = ()  # the text ends before the first of these
    top_p_permille: int = 1000
    logprobs: int | None = None  # log-probability of each token, and those of this many likeliest ones in its place
    token_ids: bool = False  # numbers of the tokens of prompt and answer
    stream: bool = False  # TextWritten while it is written, where the engine can (`StreamsText`)


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateText:
    """Go on with a conversation, or with a bare text. Answered by TextGenerated or Failed."""

    KIND: ClassVar[str] = "inference.generate_text/1"
    model: str
    adapter: str  # empty: the base model
    adapter_version: int  # 0 without an adapter
    messages: tuple[ChatMessage, ...]  # a conversation; empty where there is a prompt
    schema: str  # JSON schema that the answer must satisfy, as text; empty: free text
    max_tokens: int  # of the answer
    temperature_permille: int  # 1000 is the model's own distribution, 0 the likeliest token each time
    priority: Priority
    prompt: str = ""  # a bare text to go on with, in place of messages
    wanted: Wanted | None = None  # None: a text, and nothing else


@dataclass(frozen=True, slots=True, kw_only=True)
class LikelyToken:
    """A token that could stand somewhere."""

    token: str
    token_id: int
    logprob_micro: int  # millionths of the natural logarithm of its probability


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenToken:
    """A token that was written, with those that were likeliest in its place."""

    chosen: LikelyToken
    likeliest: tuple[LikelyToken, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDetails:
    """What was wanted besides the text."""

    prompt_token_ids: tuple[int, ...] = ()
    token_ids: tuple[int, ...] = ()
    tokens: tuple[WrittenToken, ...] = ()  # with log-probabilities


@dataclass(frozen=True, slots=True, kw_only=True)
class TextWritten:
    """A piece of an answer that is still being written. TextGenerated comes after the last one, with the whole text.

    After an engine is lost, its successor writes the same text from the beginning: `start` says which pieces are known.
    """

    KIND: ClassVar[str] = "inference.text_written/1"
    text: str
    start: int  # characters of the answer before this piece
    details: TextDetails | None  # of the tokens of this piece


@dataclass(frozen=True, slots=True, kw_only=True)
class TextGenerated:
    """What a model wrote. Model, adapter and version are those that really answered.

    `cached_tokens` and `engine_us` follow from an engine's past and from wall time: they are journalled and counted,
    and None in what an actor gets and a log has (`inference/measured.py`).
    """

    KIND: ClassVar[str] = "inference.text_generated/2"
    text: str
    finish: Finish  # stop: it was done; length: cut at max_tokens; cancelled: what there was when it was cancelled
    model: str
    adapter: str
    adapter_version: int
    prompt_tokens: int
    cached_tokens: int | None  # of the prompt's, from a prefix cache; None: the engine does not tell, and in each log
    completion_tokens: int
    details: TextDetails | None = None  # what was wanted besides the text
    engine_us: int | None = None  # since an engine took it on; None: none measured it, and in each log


class TextEngineError(Exception):
    """Base class of what an engine raises; each is about the engine, none about a request."""


class EngineLostError(TextEngineError):
    """Raised when an engine cannot go on. Its host ends it, starts another and asks again what was under way."""


class EngineClosedError(TextEngineError):
    """Raised when an engine is used before `start` or after `close`."""

    def __init__(self, engine: str) -> None:
        super().__init__(f"{engine} is not started, or is closed")
        self.engine = engine


class TicketInUseError(TextEngineError):
    """Raised when a ticket is submitted that is under way."""

    def __init__(self, ticket: str) -> None:
        super().__init__(f"ticket {ticket!r} is under way")
        self.ticket = ticket


class Finished(NamedTuple):
    """A request was answered."""

    ticket: str
    reply: TextGenerated | Failed


class Piece(NamedTuple):
    """A part of an answer that is still being written."""

    ticket: str
    written: TextWritten


@dataclass(frozen=True, slots=True, kw_only=True)
class TextCounters:
    """What an engine did since it was started. Token counts are the sums over the replies that it handed out."""

    completed: int = 0  # replies that finished with stop or length
    cancelled: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0  # as far as told
    completion_tokens: int = 0
    unanswered_prompt_tokens: int = 0  # spent on answers that became a Failed, and so in no reply
    unanswered_completion_tokens: int = 0
    repeated: int = 0  # requests sent again because their answer got lost on its way; nobody knows their tokens
    unmetered: int = 0  # cancelled replies whose tokens the engine does not know
    engine_us: int = 0  # sum over the replies, cancelled ones too: longer than the engine's life, as it works on many
    unanswered_us: int = 0  # likewise of those that became a Failed, which carries no time


@runtime_checkable
class TextEngine(Protocol):
    """Writes text for many requests at once. Driven by one thread.

    The same request with the same seed has the same text, whatever else is under way. Each submitted request gets
    exactly one reply, out of `step`. A request that cannot be answered gets a `Failed`, never an exception.
    """

    @property
    def name(self) -> str:
        """What kind of engine it is, for instance `openai`."""
        ...

    @property
    def slots(self) -> int:
        """How many requests it works on at once; more may be submitted, and wait inside."""
        ...

    @property
    def under_way(self) -> int:
        """Requests that were submitted and whose reply was not handed out yet. At 0 there is nothing to step for."""
        ...

    @property
    def counters(self) -> TextCounters:
        """What it did since it was started; reconciles with the replies that `step` handed out."""
        ...

    def start(self) -> None:
        """Load what it needs; called once. Raises EngineLostError."""
        ...

    def submit(self, ticket: str, request: GenerateText, seed: int) -> None:
        """Take a request on; never waits. Raises EngineClosedError, EngineLostError or TicketInUseError."""
        ...

    def cancel(self, ticket: str) -> bool:
        """Stop working on a request and free its slot at once; never waits.

        The next step hands out its reply: finish `cancelled` with what was written, or the answer that was there
        already. False: the ticket is not under way. Raises EngineClosedError.
        """
        ...

    def step(self, timeout_s: float) -> list[Finished]:
        """Go on, and hand out the replies there are; wait at most this many seconds for the first one.

        Returns at once when nothing is under way. Raises EngineClosedError, and EngineLostError once every reply
        that came before the loss is handed out.
        """
        ...

    def close(self) -> None:
        """Let go of everything, also of what is under way; may be called again."""
        ...


@runtime_checkable
class StreamsText(Protocol):
    """What a `TextEngine` also has that tells texts while it writes them."""

    def written(self) -> list[Piece]:
        """Pieces written since the last call, of requests that want them; each comes before its reply is handed out."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedText:
    """How a text engine is made, and how many requests it works on at once: what its host needs to know.

    It is made for the first request that comes, so that a host without work needs no server and no model.
    """

    make: Callable[[], TextEngine]  # raises EngineLostError
    slots: int
    models: tuple[str, ...] | None = None  # that it serves; None: it says so only by refusing
    loads_first: bool = False  # it is made at once, and takes no request before


def unwritten(request: GenerateText) -> TextGenerated:
    """The reply to a request that was cancelled, where nobody knows of anything that was written."""
    return TextGenerated(
        text="",
        finish="cancelled",
        model=request.model,
        adapter=request.adapter,
        adapter_version=request.adapter_version,
        prompt_tokens=0,
        cached_tokens=None,
        completion_tokens=0,
    )


def adapter_name(adapter: str, version: int) -> str:
    """One version of an adapter as one word, the name under which servers serve it: `reviewer@3`."""
    return f"{adapter}@{version}"


def name_and_version(written: str) -> tuple[str, int]:
    """What `adapter_name` was given. Raises ValueError for what it never says."""
    adapter, _, version = written.rpartition("@")
    return adapter, int(version)


def text_registry() -> Registry:
    """The messages that travel to and from a text engine."""
    registry = Registry()
    registry.register(GenerateText, TextWritten, TextGenerated, Failed, Expired, TurnedAway)
    return registry
