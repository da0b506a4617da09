"""The engine that drives vLLM: requests join a running batch, adapters come and go between two passes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any

from inference.adapters.content import verify
from inference.adapters.errors import UnreadableError, WrongContentError
from inference.adapters.messages import AdapterLoaded, AdapterRefused, AdapterUnloaded, LoadAdapter, UnloadAdapter
from inference.engines.refusing import refusal
from inference.engines.tickets import Tickets
from inference.engines.unserved import unknown_adapter, unknown_model
from inference.engines.vllm.core import Core, RefusedByVllmError, Weights
from inference.engines.vllm.prompts import prompt_token_ids
from inference.engines.vllm.replies import Telling, Written, finished, generated
from inference.engines.vllm.versions import Held, Versions
from inference.messages import Failed
from inference.text import EngineLostError, Finished, GenerateText, Piece, TextCounters, adapter_name


@dataclass(frozen=True, slots=True)
class _Asked:
    request: GenerateText
    name: str  # in vLLM
    held: Held | None  # the version that answers
    telling: Telling | None  # of a streamed request


class VllmEngine:
    """Serves one model and the versions of adapters that are loaded."""

    name = "vllm"

    def __init__(self, core: Core) -> None:
        self._core, self._plan = core, core.plan
        self._tickets = Tickets(self.name)
        self._asked: dict[str, _Asked] = {}
        self._versions = Versions(self._plan.room)
        self._pieces: list[Piece] = []
        self._lost: EngineLostError | None = None

    @property
    def slots(self) -> int:
        return self._plan.slots

    @property
    def under_way(self) -> int:
        return len(self._tickets)

    @property
    def counters(self) -> TextCounters:
        return self._tickets.counters

    def start(self) -> None:
        """Load model and adapters of the plan. Raises EngineLostError."""
        self._core.start()
        self._tickets.open()
        for each in self._plan.adapters:
            wanted = LoadAdapter(base=self._plan.served_name, **each.model_dump())
            reply = self.load(wanted)
            if isinstance(reply, AdapterRefused):
                raise EngineLostError(f"adapter {adapter_name(each.name, each.version)}: {reply.detail}")

    # -- requests ------------------------------------------------------------------------------------------------------

    def submit(self, ticket: str, request: GenerateText, seed: int) -> None:
        self._tickets.require_open()
        if self._lost is not None:
            raise self._lost
        self._tickets.take(ticket)
        refused = self._begin(ticket, request, seed)
        if refused is not None:
            self._tickets.answer(ticket, refused)

    def cancel(self, ticket: str) -> bool:
        self._tickets.require_open()
        if ticket not in self._tickets:
            return False
        if ticket in self._asked and self._lost is None:
            asked = self._asked[ticket]
            written = self._core.abort(asked.name)
            self._end(ticket)
            self._tickets.answer(ticket, generated(asked.request, written, "cancelled"))
        return True

    def step(self, timeout_s: float) -> list[Finished]:
        self._tickets.require_open()
        deadline = monotonic() + timeout_s
        while self._asked and self._lost is None:
            self._advance()
            if self._tickets.has_ready or self._pieces or monotonic() >= deadline:
                break
        replies = self._tickets.hand_out()
        if not replies and self._lost is not None:
            raise self._lost
        return replies

    def written(self) -> list[Piece]:
        """Pieces since the last call."""
        pieces, self._pieces = self._pieces, []
        return pieces

    def close(self) -> None:
        self._tickets.close()
        if self._core.is_started and self._lost is None:
            for asked in self._asked.values():
                self._core.abort(asked.name)
            for held in self._versions.all():
                self._core.remove(held.number)
        self._asked.clear()
        self._pieces.clear()
        self._core.close()

    # -- adapters ------------------------------------------------------------------------------------------------------

    def load(self, wanted: LoadAdapter) -> AdapterLoaded | AdapterRefused:
        self._require_working()
        held = self._versions.find(wanted.name, wanted.version)
        refused = self._refused_load(wanted, held)
        if refused is not None:
            return refused
        if held is None:
            weights = _weights(self._core.next_number(), wanted)
            try:
                self._core.load(weights)
            except RefusedByVllmError as error:
                return _refused(wanted, "unreadable", str(error))
            held = Held(weights.number, wanted)
            self._versions.hold(held)
        held.is_leaving = False
        return _loaded(held)

    def unload(self, wanted: UnloadAdapter) -> AdapterUnloaded | AdapterRefused:
        self._require_working()
        if wanted.base != self._plan.served_name:
            return _refused(wanted, "unknown_base", f"the model {wanted.base!r} is not served")
        held = self._versions.find(wanted.name, wanted.version)
        if held is None or held.is_leaving:
            return _refused(wanted, "unknown_version", f"{adapter_name(wanted.name, wanted.version)} is not loaded")
        if self._versions.leave(held):
            self._core.remove(held.number)
        return AdapterUnloaded(base=wanted.base, name=wanted.name, version=wanted.version)

    def adapters(self) -> tuple[AdapterLoaded, ...]:
        self._tickets.require_open()
        return tuple(_loaded(held) for held in self._versions.serving())

    # -- inside --------------------------------------------------------------------------------------------------------

    def _require_working(self) -> None:
        self._tickets.require_open()
        if self._lost is not None:
            raise self._lost

    def _begin(self, ticket: str, request: GenerateText, seed: int) -> Failed | None:
        """Hand a request to vLLM; why not, if it cannot be."""
        refused = refusal(request)
        if refused is not None:
            return refused
        if request.model != self._plan.served_name:
            return unknown_model(request.model)
        tokens = prompt_token_ids(self._core.tokenizer, request)
        if isinstance(tokens, Failed):
            return tokens
        if len(tokens) >= self._plan.context_tokens:
            detail = f"a prompt of {len(tokens)} tokens does not fit into a context of {self._plan.context_tokens}"
            return Failed(reason="prompt_too_long", detail=detail)
        held = self._versions.begin(request.adapter, request.adapter_version) if request.adapter else None
        if request.adapter and held is None:
            return unknown_adapter(request)
        try:
            name = self._core.submit(ticket, tokens, request, seed, _weights_of(held))
        except RefusedByVllmError as error:
            self._release(held)
            return Failed(reason="malformed_schema" if request.schema else "unanswerable_request", detail=str(error))
        is_streamed = request.wanted is not None and request.wanted.stream
        self._asked[ticket] = _Asked(request, name, held, Telling(request) if is_streamed else None)
        return None

    def _advance(self) -> None:
        try:
            for output in self._core.step():
                self._take(output)
        except EngineLostError as error:
            self._lost = error

    def _take(self, output: Any) -> None:
        """What vLLM says of one request: a piece, or the end."""
        ticket, answer = output.request_id, output.outputs[0]
        asked = self._asked[ticket]
        written = Written(
            text=answer.text,
            token_ids=answer.token_ids,
            logprobs=answer.logprobs,
            prompt_token_ids=output.prompt_token_ids,
            cached_tokens=output.num_cached_tokens or 0,
            prompt_tokens=len(output.prompt_token_ids),
        )
        if asked.telling is not None:
            piece = asked.telling.piece(written, is_last=output.finished)
            if piece is not None:
                self._pieces.append(Piece(ticket, piece))
        if not output.finished:
            return
        reply = finished(asked.request, written, answer.finish_reason)
        self._end(ticket)
        if isinstance(reply, Failed):
            self._book_unanswered(written)
        self._tickets.answer(ticket, reply)

    def _end(self, ticket: str) -> None:
        self._release(self._asked.pop(ticket).held)

    def _release(self, held: Held | None) -> None:
        if held is not None and self._versions.end(held):
            self._core.remove(held.number)

    def _book_unanswered(self, written: Written) -> None:
        counters = self._tickets.counters
        self._tickets.counters = replace(
            counters,
            unanswered_prompt_tokens=counters.unanswered_prompt_tokens + written.prompt_tokens,
            unanswered_completion_tokens=counters.unanswered_completion_tokens + len(written.token_ids),
        )

    def _refused_load(self, wanted: LoadAdapter, held: Held | None) -> AdapterRefused | None:
        if not self._plan.adapter_slots:
            return _refused(wanted, "no_adapters", "this engine serves the base model only (adapter_slots is 0)")
        if wanted.base != self._plan.served_name:
            return _refused(wanted, "unknown_base", f"the model {wanted.base!r} is not served")
        if held is not None:
            if held.wanted.sha256 == wanted.sha256:
                return None
            return _refused(wanted, "version_taken", "this version is loaded with another content")
        if self._versions.is_full:
            return _refused(wanted, "no_room", f"{self._plan.room} versions are loaded, which is all there may be")
        try:
            verify(Path(wanted.path), wanted.sha256)
        except WrongContentError as error:
            return _refused(wanted, "wrong_content", str(error))
        except UnreadableError as error:
            return _refused(wanted, "unreadable", str(error))
        return None


def _weights(number: int, wanted: LoadAdapter) -> Weights:
    """The content is part of the name: what is cached for a prompt is found by it."""
    return Weights(number, f"{adapter_name(wanted.name, wanted.version)}#{wanted.sha256}", wanted.path)


def _weights_of(held: Held | None) -> Weights | None:
    return None if held is None else _weights(held.number, held.wanted)


def _loaded(held: Held) -> AdapterLoaded:
    wanted = held.wanted
    return AdapterLoaded(base=wanted.base, name=wanted.name, version=wanted.version, sha256=wanted.sha256)


def _refused(wanted: LoadAdapter | UnloadAdapter, reason: Any, detail: str) -> AdapterRefused:
    return AdapterRefused(base=wanted.base, name=wanted.name, version=wanted.version, reason=reason, detail=detail)
