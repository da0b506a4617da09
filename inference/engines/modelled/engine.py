"""An engine that keeps a model's time without its weights.

Its texts come from a function that it is given, or are filler that says so; its times, token counts, cache hits and
limits come from a profile. In virtual time a step moves the clock; in wall time it takes as long as the real thing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from config.streams import draw
from inference.engines.modelled.batch import Batch, LoadFigures, Sequence
from inference.engines.modelled.clock import Clock
from inference.engines.modelled.kv_cache import Holding, block_hashes
from inference.engines.modelled.profile import EngineProfile
from inference.engines.refusing import refusal, unsupported
from inference.engines.schemas import read_schema
from inference.engines.tickets import Tickets
from inference.engines.unserved import unknown_adapter, unknown_model
from inference.messages import Failed
from inference.text import PRIORITIES, Finish, Finished, GenerateText, TextCounters, TextGenerated, adapter_name

Write = Callable[[GenerateText, int], str]  # request, seed -> the whole text
TOKEN_CHARS = 4  # of English text, about (OpenAI, "What are tokens and how to count them?")
_FILLER = "modelled filler, nobody wrote this. "  # nine tokens


class _Planned(NamedTuple):
    request: GenerateText
    text: str
    finish: Finish


class ModelledEngine:
    """Serves one model and some adapter versions."""

    name = "modelled"

    def __init__(
        self,
        profile: EngineProfile,
        clock: Clock,
        *,
        model: str,
        adapters: Iterable[tuple[str, int]] = (),
        write: Write | None = None,
        filler_tokens: tuple[int, int] = (32, 256),
    ) -> None:
        """Make an engine.

        Args:
            adapters: Names with versions.
            write: What the texts are; None: filler, and requests with a schema are refused.
            filler_tokens: Smallest and largest size of filler; each size between is as likely.
        Raises:
            ValueError: The sizes are no range from 1 on.
        """
        if not 1 <= filler_tokens[0] <= filler_tokens[1]:
            raise ValueError(f"filler_tokens must be a range from 1 on, not {filler_tokens}")
        self.profile = profile
        self._clock, self._model, self._adapters = clock, model, frozenset(adapters)
        self._write, self._filler_tokens = write, filler_tokens
        self._batch = Batch(profile)
        self._tickets = Tickets(self.name, clock.now_us)
        self._planned: dict[str, _Planned] = {}
        self._submitted = 0

    @property
    def slots(self) -> int:
        return self.profile.slots

    @property
    def under_way(self) -> int:
        return len(self._tickets)

    @property
    def counters(self) -> TextCounters:
        return self._tickets.counters

    @property
    def figures(self) -> LoadFigures:
        """What its time and memory went into so far."""
        return self._batch.figures

    @property
    def next_change_us(self) -> int | None:
        """When stepping may bring something new, for a driver of several engines; None: when more is submitted."""
        return self._clock.now_us() if self._tickets.has_ready else self._batch.next_change_us

    def start(self) -> None:
        self._tickets.open()

    def submit(self, ticket: str, request: GenerateText, seed: int) -> None:
        self._tickets.take(ticket)
        now_us = self._catch_up()
        prompt = prompt_tokens(request)
        plan = self._plan(request, seed, len(prompt))
        if isinstance(plan, Failed):
            self._tickets.answer(ticket, plan)
            return
        self._planned[ticket] = plan
        self._submitted += 1
        answer = _pieces(plan.text)
        owner = f"{request.model}/{adapter_name(request.adapter, request.adapter_version)}"
        hashes = block_hashes(owner, [*prompt, *answer], self.profile.block_tokens)
        self._batch.submit(
            Sequence(
                ticket=ticket,
                urgency=PRIORITIES.index(request.priority),
                order=self._submitted,
                arrived_us=now_us,
                prompt_tokens=len(prompt),
                planned_tokens=max(1, len(answer)),
                has_adapter=bool(request.adapter),
                holding=Holding(hashes),
            )
        )

    def cancel(self, ticket: str) -> bool:
        self._tickets.require_open()
        if ticket not in self._tickets:
            return False
        now_us = self._catch_up()
        if ticket in self._planned:
            sequence = self._batch.cancel(ticket, now_us)
            self._answer(sequence, now_us, is_cancelled=True)
        return True

    def step(self, timeout_s: float) -> list[Finished]:
        self._tickets.require_open()
        deadline_us = self._clock.now_us() + max(0, int(timeout_s * 1_000_000))
        if self._tickets and not self._tickets.has_ready:
            finished = self._batch.advance(deadline_us)
            for sequence in finished:
                self._answer(sequence, self._batch.now_us)
            self._clock.wait_until_us(self._batch.now_us if finished else deadline_us)
        return self._tickets.hand_out()

    def close(self) -> None:
        self._tickets.close()
        self._planned.clear()

    def _catch_up(self) -> int:
        """Calculate up to now, and return when that was: in wall time it is later at the next look."""
        now_us = self._clock.now_us()
        while finished := self._batch.advance(now_us):
            for sequence in finished:
                self._answer(sequence, self._batch.now_us)
        return now_us

    def _plan(self, request: GenerateText, seed: int, prompt: int) -> _Planned | Failed:
        refused = refusal(request) or unsupported(request, self.name)
        if refused is not None:
            return refused
        if request.model != self._model:
            return unknown_model(request.model)
        if request.adapter and (request.adapter, request.adapter_version) not in self._adapters:
            return unknown_adapter(request)
        room = self.profile.context_tokens - prompt
        if room < 1:
            detail = f"a prompt of {prompt} tokens does not fit into a context of {self.profile.context_tokens}"
            return Failed(reason="prompt_too_long", detail=detail)
        if request.schema and self._write is None:
            return Failed(reason="unanswerable_request", detail="filler cannot satisfy a schema")
        text = self._write(request, seed) if self._write else self._filler(request, seed)
        limit = TOKEN_CHARS * min(room, request.max_tokens)
        if len(text) > limit:
            return _Planned(request, text[:limit], "length")
        problem = read_schema(request.schema).problem(text) if request.schema else ""
        return Failed(reason="schema_not_honoured", detail=problem) if problem else _Planned(request, text, "stop")

    def _filler(self, request: GenerateText, seed: int) -> str:
        low, high = self._filler_tokens
        size = low + draw(seed, "modelled_tokens", "".join(prompt_tokens(request))).below(high - low + 1)
        chars = size * TOKEN_CHARS
        return (_FILLER * (chars // len(_FILLER) + 1))[:chars]

    def _answer(self, sequence: Sequence, at_us: int, *, is_cancelled: bool = False) -> None:
        request, text, finish = self._planned.pop(sequence.ticket)
        reply = TextGenerated(
            text=text[: TOKEN_CHARS * sequence.generated],
            finish="cancelled" if is_cancelled else finish,
            model=request.model,
            adapter=request.adapter,
            adapter_version=request.adapter_version,
            prompt_tokens=sequence.prompt_tokens if sequence.was_admitted else 0,
            cached_tokens=sequence.cached,
            completion_tokens=sequence.generated,
        )
        self._tickets.answer(sequence.ticket, reply, at_us=at_us)


def prompt_tokens(request: GenerateText) -> list[str]:
    """The tokens of a prompt as this model of an engine counts them: pieces of four characters of each part.

    A conversation that goes on with an answer begins with the tokens of prompt and answer, as with chat templates.
    """
    tokens: list[str] = []
    for message in request.messages:
        tokens += [*_pieces(f"{message.role}: "), *_pieces(message.content), "\n"]
    return [*tokens, *_pieces("assistant: ")]


def _pieces(text: str) -> list[str]:
    return [text[start : start + TOKEN_CHARS] for start in range(0, len(text), TOKEN_CHARS)]
