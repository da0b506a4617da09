"""From the body of a request to what engines are asked: pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from config.streams import draw
from inference.engines.refusing import refusal
from inference.http.backend import ServedModel, resolve
from inference.http.bodies import MAX_CHOICES, ChatBody, Common, CompletionBody, ResponseFormat
from inference.http.errors import RefusedError, refused, unsupported, wrong
from inference.text import PRIORITIES, ChatMessage, GenerateText, Priority, Wanted

BYTES_A_TOKEN = 4  # of a prompt, about: only for reserving, what was used is booked afterwards
_ANY_OBJECT = '{"type":"object"}'
_SEED_BITS = (1 << 63) - 1
_MESSAGE_CHARS = 300
_TAGS = re.compile(r"^(str|constrained-str|list\[.*|function-.*|Text|TextPart)$")

BodyT = TypeVar("BodyT", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What holds where a body says nothing."""

    max_tokens: int
    seed: int
    priority: Priority = "agent"  # a body may ask for a lower one, not for a higher one


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of the answers that a client wants."""

    request: GenerateText
    seed: int
    prompt: int  # which of several prompts
    prompt_bytes: int

    @property
    def most_tokens(self) -> int:
        """What it may spend at most, as far as that is known before its prompt is counted."""
        return self.request.max_tokens + self.prompt_bytes // BYTES_A_TOKEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a client wants, ready for the engines."""

    choices: tuple[Choice, ...]
    asked_model: str  # as the client wrote it
    is_chat: bool
    is_stream: bool
    wants_usage: bool  # at the end of a stream
    wants_logprobs: bool
    wants_token_ids: bool
    timeout_s: float | None


def read_body(form: type[BodyT], data: bytes) -> BodyT:
    """A body in its form. Raises RefusedError, which names the field."""
    try:
        return form.model_validate_json(data)
    except ValidationError as error:
        raise _refusal(error.errors(include_url=False)) from None


def read_chat(data: bytes, served: Iterable[ServedModel], terms: Terms) -> Asked:
    """What the body of a chat completion asks. Raises RefusedError."""
    body = read_body(ChatBody, data)
    if body.top_logprobs is not None and not body.logprobs:
        raise wrong("top_logprobs needs logprobs to be true", "top_logprobs")
    logprobs = (body.top_logprobs or 0) if body.logprobs else None
    messages = tuple(
        ChatMessage(role="system" if each.role == "developer" else each.role, content=each.text)
        for each in body.messages
    )
    max_tokens = body.max_completion_tokens or body.max_tokens or terms.max_tokens
    priority = _no_higher(body.priority, terms.priority)
    request = _request(body, resolve(body.model, served), max_tokens, logprobs, priority, messages=messages)
    return _asked(body, [request], logprobs=logprobs, is_chat=True, drawn_seed=terms.seed)


def read_completion(data: bytes, served: Iterable[ServedModel], terms: Terms) -> Asked:
    """What the body of a completion asks: one answer for each prompt, or `n`. Raises RefusedError."""
    body = read_body(CompletionBody, data)
    prompts = [body.prompt] if isinstance(body.prompt, str) else body.prompt
    if "" in prompts:
        raise wrong("a prompt is empty", "prompt")
    max_tokens = body.max_tokens or terms.max_tokens
    model = resolve(body.model, served)
    if len(prompts) * (body.n or 1) > MAX_CHOICES:
        raise wrong(f"{len(prompts)} prompts with {body.n} answers each; at most {MAX_CHOICES} are allowed", "n")
    priority = _no_higher(body.priority, terms.priority)
    requests = [_request(body, model, max_tokens, body.logprobs, priority, prompt=prompt) for prompt in prompts]
    return _asked(body, requests, logprobs=body.logprobs, is_chat=False, drawn_seed=terms.seed)


def _no_higher(wanted: Priority | None, allowed: Priority) -> Priority:
    """The priority of a request whose token allows one. Raises RefusedError for a higher one."""
    if wanted is None:
        return allowed
    if PRIORITIES.index(wanted) < PRIORITIES.index(allowed):
        raise RefusedError(403, f"this token may ask with priority {allowed} at most", param="priority")
    return wanted


def _asked(
    body: Common, requests: Sequence[GenerateText], *, logprobs: int | None, is_chat: bool, drawn_seed: int
) -> Asked:
    if body.stream_options is not None and not body.stream:
        raise wrong("stream_options needs stream to be true", "stream_options")
    seed = drawn_seed if body.seed is None else body.seed & _SEED_BITS
    choices = tuple(
        Choice(request=request, seed=_seed_of(seed, nth), prompt=place, prompt_bytes=size)
        for place, request in enumerate(requests)
        for size in [_prompt_bytes(request)]
        for nth in range(body.n or 1)
    )
    return Asked(
        choices=choices,
        asked_model=body.model,
        is_chat=is_chat,
        is_stream=bool(body.stream),
        wants_usage=body.stream_options is not None and body.stream_options.include_usage,
        wants_logprobs=logprobs is not None,
        wants_token_ids=bool(body.return_token_ids),
        timeout_s=body.timeout,
    )


def _request(
    body: Common,
    model: ServedModel,
    max_tokens: int,
    logprobs: int | None,
    priority: Priority,
    *,
    messages: tuple[ChatMessage, ...] = (),
    prompt: str = "",
) -> GenerateText:
    stop = () if body.stop is None else (body.stop,) if isinstance(body.stop, str) else tuple(body.stop)
    wanted = Wanted(
        stop=stop,
        top_p_permille=1000 if body.top_p is None else max(1, round(1000 * body.top_p)),
        logprobs=logprobs,
        token_ids=bool(body.return_token_ids),
        stream=bool(body.stream),
    )
    request = GenerateText(
        model=model.model,
        adapter=model.adapter,
        adapter_version=model.version,
        messages=messages,
        schema=_schema(body.response_format),
        max_tokens=max_tokens,
        temperature_permille=1000 if body.temperature is None else round(1000 * body.temperature),
        priority=priority,
        prompt=prompt,
        wanted=None if wanted == Wanted() else wanted,
    )
    failed = refusal(request)  # before anything is reserved or sent
    if failed is not None:
        raise refused(failed, body.model)
    return request


def _schema(wanted: ResponseFormat | None) -> str:
    if wanted is None or wanted.type == "text":
        return ""
    if wanted.type == "json_object":
        return _ANY_OBJECT
    if wanted.json_schema is None:
        raise wrong("a response_format of type json_schema needs json_schema", "response_format.json_schema")
    return json.dumps(wanted.json_schema.schema_, ensure_ascii=False, separators=(",", ":"))


def _prompt_bytes(request: GenerateText) -> int:
    return sum(len(text.encode()) for text in (request.prompt, *(each.content for each in request.messages)))


def _seed_of(seed: int, nth: int) -> int:
    """The first answer has the seed that was given, each other one its own."""
    return seed if nth == 0 else draw(seed, "door_choice", "", nth).bits & _SEED_BITS


def _refusal(details: Sequence[ErrorDetails]) -> RefusedError:
    """The first unknown field, or else the first wrong one."""
    for detail in details:
        if detail["type"] == "extra_forbidden":
            return unsupported(_param(detail))
    first = details[0]
    inside = [detail for detail in details if _param(detail).startswith(_param(first))]
    first = max(
        inside, key=lambda detail: _param(detail).count(".")
    )  # of the branches of a union the one that fits most
    param = _param(first)
    if first["type"] == "json_invalid":
        return wrong(f"the body is not JSON: {first['msg']}"[:_MESSAGE_CHARS], code="malformed_json")
    if first["type"] == "missing":
        return wrong(f"{param} is missing", param, code="missing_parameter")
    return wrong(f"{param or 'body'}: {_told(first)}"[:_MESSAGE_CHARS], param or None, code="invalid_value")


def _param(detail: ErrorDetails) -> str:
    """The path of a field as a client writes it; the branches of a union that were tried are no part of it."""
    return ".".join(str(part) for part in detail["loc"] if not _TAGS.match(str(part)))


def _told(detail: ErrorDetails) -> str:
    if detail["type"] in ("less_than_equal", "greater_than_equal") and detail.get("ctx", {}).get("le") == 0:
        return "only 0 is supported"
    return detail["msg"]
