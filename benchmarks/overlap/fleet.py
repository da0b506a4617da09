"""Modelled engines behind the executor of a run: every reply is there at once, and handed out when a model had it.

What an agent decides comes from the behavioural policy, so a run has one log whatever the engines take. What a model
would have had to read is its real prompt; what it would have had to write is a number of tokens, set by `Sizes`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp
from typing import Any

from actors.policy.calibration import Calibration
from actors.policy.decisions import Decide
from actors.policy.engine import BehaviouralEngine
from actors.policy.prompting.prompts import Prompts
from actors.policy.thinking import thinking_us
from actors.roles.desk import LINK_MARGIN_US
from brokers.clock.waiting import Waiter
from brokers.node.messages import Done
from brokers.wire.packing import packer, unpack
from brokers.wire.registry import Registry
from config.streams import draw
from inference.engines.modelled.clock import Clock
from inference.engines.modelled.engine import TOKEN_CHARS, ModelledEngine
from inference.engines.modelled.profile import EngineProfile
from inference.text import ChatMessage, GenerateText, TextGenerated

MODEL = "modelled"
TOKENS_EACH_S = 3  # of virtual time: twenty seconds of thought are sixty tokens, half a second of a 7B model on an H100
NOISE = 0.5  # standard deviation of the logarithm of a noisy size

Sizes = Callable[[int, str], int]  # tokens in proportion to the modelled duration, ticket -> tokens that are written


def tokens_of(duration_us: int) -> int:
    """Tokens in proportion to virtual time."""
    return max(1, duration_us * TOKENS_EACH_S // 1_000_000)


def proportional(tokens: int, _ticket: str) -> int:
    """As long as the virtual duration says."""
    return tokens


def noisy(seed: int) -> Sizes:
    """Around it: times a log-normal factor of mean 1."""

    def size(tokens: int, ticket: str) -> int:
        normal = draw(seed, "overlap_noise", ticket, 0).normal_milli() / 1000
        return max(1, round(tokens * exp(NOISE * normal - NOISE**2 / 2)))

    return size


def independent(seed: int, sizes: Sequence[int]) -> Sizes:
    """As long as some other call of the run is, whichever: the same sizes overall, without any relation."""

    def size(_tokens: int, ticket: str) -> int:
        return draw(seed, "overlap_size", ticket, 0).pick(sizes)

    return size


def filler(request: GenerateText, _seed: int) -> str:
    """A text of exactly the tokens that were asked for; nobody reads it."""
    return "." * (TOKEN_CHARS * request.max_tokens)


@dataclass(frozen=True, slots=True)
class Call:
    """One request that was answered."""

    ticket: str
    proportional_tokens: int
    tokens: int
    began_us: int  # of the clock of the engines
    ended_us: int

    @property
    def took_us(self) -> int:
        return self.ended_us - self.began_us


class Fleet:
    """An executor: equal engines that share one clock; a request goes to the one with the fewest under way."""

    sockets = ("engines",)  # nothing to poll: `EngineWaiter` waits for them

    def __init__(
        self,
        *,
        registry: Registry,
        seed: int,
        calibration: Calibration,
        prompts: Prompts,
        profile: EngineProfile,
        engines: int,
        clock: Clock,
        sizes: Sizes,
    ) -> None:
        self.clock = clock
        self.calls: list[Call] = []
        self._registry, self._calibration, self._prompts, self._sizes = registry, calibration, prompts, sizes
        self._people = BehaviouralEngine(seed, calibration)
        self._engines = [ModelledEngine(profile, clock, model=MODEL, write=filler) for _ in range(engines)]
        for engine in self._engines:
            engine.start()
        self._pack, self._stepped_us = packer(), -1
        self._begun: dict[str, tuple[bytes, int, int, int]] = {}  # reply, proportional and real tokens, beginning
        self._done: list[tuple[str, bytes]] = []

    @property
    def under_way(self) -> int:
        """Requests without a reply."""
        return len(self._begun)

    def submit(self, ticket: str, request: bytes, seed: int) -> None:
        """Begin with a request."""
        reply, messages, tokens = self._answered(self._registry.from_body(unpack(request)), seed)
        size = self._sizes(tokens, ticket)
        self._begun[ticket] = (self._pack(self._registry.to_body(reply)), tokens, size, self.clock.now_us())
        asked = GenerateText(
            model=MODEL,
            adapter="",
            adapter_version=0,
            messages=messages,
            schema="",
            max_tokens=size,
            temperature_permille=0,
            priority="agent",
        )
        min(self._engines, key=lambda engine: engine.under_way).submit(ticket, asked, seed)

    def drain(self) -> list[tuple[str, bytes]]:
        """Replies that are there now."""
        self._step()
        done, self._done = self._done, []
        return done

    def wait(self) -> None:
        """Let time pass until a reply is there."""
        while not self._done:
            changes = [change for engine in self._engines if (change := engine.next_change_us) is not None]
            self.clock.wait_until_us(min(changes))
            self._stepped_us = -1
            self._step()

    def _answered(self, request: Any, seed: int) -> tuple[Any, tuple[ChatMessage, ...], int]:
        """What comes back in the end, what a model reads for it, and what it writes if it is in proportion."""
        match request:
            case Decide(observation=observation):
                duration_us = max(LINK_MARGIN_US, thinking_us(observation, self._calibration))
                messages = self._prompts.messages(observation)
                return self._people.answer(request, seed), messages, tokens_of(duration_us)
            case GenerateText():
                return Done(), request.messages, request.max_tokens
            case _:
                raise TypeError(f"nobody asks a model for {request.KIND}")

    def _step(self) -> None:
        now_us = self.clock.now_us()
        if now_us == self._stepped_us:  # no text is done at the instant at which it was asked for
            return
        self._stepped_us = now_us
        for engine in self._engines:
            change_us = engine.next_change_us
            for ticket, reply in engine.step(0) if change_us is not None and change_us <= now_us else ():
                assert isinstance(reply, TextGenerated), reply
                packed, tokens, size, began_us = self._begun.pop(ticket)
                assert reply.completion_tokens == size, "the profile has room for every text"
                self.calls.append(Call(ticket, tokens, size, began_us, self.clock.now_us()))
                self._done.append((ticket, packed))


class EngineWaiter(Waiter):
    """Waits for a fleet in the fleet's own time, where a run waits for sockets otherwise."""

    def __init__(self, fleet: Fleet) -> None:
        super().__init__()
        self._fleet = fleet
        self._take: list[Callable[[], None]] = []

    def add(self, socket: Any, handle: Callable[[], None]) -> None:
        """Nobody but the fleet has something to say in these runs."""
        self._take.append(handle)

    def wait(self, timeout_ms: int | None = None) -> None:
        """For ever is until the next reply; a glance takes no time."""
        if timeout_ms is None:
            self._fleet.wait()
        for take in self._take:
            take()

    def glance(self, every_s: float) -> bool:
        """A reply that is there is always seen."""
        self.wait(0)
        return True
