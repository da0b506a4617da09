"""The form of OpenAI-compatible chat completions: bodies that go out, what comes back, and what its errors mean.

ServerFault   the server is at fault, not the request: its engine counts as lost
"""

from __future__ import annotations

import json
import time
from email.utils import parsedate_to_datetime
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, Field, ValidationError

from inference.engines.schemas import read_schema
from inference.engines.unserved import unknown_adapter, unknown_model
from inference.messages import Failed
from inference.text import ChatMessage, GenerateText, TextEngineError, TextGenerated, adapter_name

Guided = Literal["response_format", "structured_outputs", "none"]
BUSY = frozenset({408, 425, 429, 502, 503, 504})  # the same request may well be answered a little later
REFUSING_TOKEN = frozenset({401, 403, 407})
_DETAIL_CHARS = 300
_SEED_BITS = (1 << 63) - 1  # servers take signed 64-bit seeds
_SCHEMA_PARAMETERS = ("response_format", "structured_outputs", "guided")


class ServerFault(TextEngineError):  # noqa: N818 - the engine turns it into an EngineLostError
    """Raised for an answer that no compatible server gives to a request, good or bad."""


class Answer(NamedTuple):
    """A reply, and the tokens that were spent where the reply itself cannot tell (a Failed)."""

    reply: TextGenerated | Failed
    unanswered_prompt_tokens: int = 0
    unanswered_completion_tokens: int = 0


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _PromptDetails(BaseModel):
    cached_tokens: int | None = Field(default=None, ge=0)


class _Usage(BaseModel):
    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)
    prompt_tokens_details: _PromptDetails | None = None


class _Completion(BaseModel):
    model: str
    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage


class _Model(BaseModel):
    id: str


class _Models(BaseModel):
    data: list[_Model]


class _Error(BaseModel):
    message: str
    code: str | int | None = None
    param: str | None = None


class _ErrorBody(BaseModel):
    error: _Error


def served_name(request: GenerateText) -> str:
    """The name under which a server has what a request wants: an adapter's version is a model of its own there."""
    return adapter_name(request.adapter, request.adapter_version) if request.adapter else request.model


def chat_body(request: GenerateText, seed: int, *, guided: Guided) -> bytes:
    """The JSON body of a request.

    Args:
        seed: Its lowest 63 bits go to the server.
        guided: How the server takes a schema: `response_format` is OpenAI's way and understood by vLLM, too;
            `structured_outputs` is vLLM's own.
    """
    body: dict[str, Any] = {
        "model": served_name(request),
        "messages": [_message(message, place) for place, message in enumerate(request.messages)],
        "max_tokens": request.max_tokens,
        "temperature": request.temperature_permille / 1000,
        "seed": seed & _SEED_BITS,
        "n": 1,
        "stream": False,
    }
    if request.schema:
        schema = read_schema(request.schema).schema
        if guided == "structured_outputs":
            body["structured_outputs"] = {"json": schema}
        else:
            named = {"name": "answer", "strict": True, "schema": schema}
            body["response_format"] = {"type": "json_schema", "json_schema": named}
    return json.dumps(body, ensure_ascii=False).encode()


def read_completion(request: GenerateText, data: bytes) -> Answer:
    """The reply that a server's 200 holds. Raises ServerFault."""
    try:
        completion = _Completion.model_validate_json(data)
    except ValidationError as error:
        raise ServerFault(f"the server sent no chat completion: {_first_problem(error)}") from None
    if request.adapter and completion.model != served_name(request):
        raise ServerFault(f"{served_name(request)!r} was asked, {completion.model!r} answered")
    choice, usage = completion.choices[0], completion.usage
    text = choice.message.content or ""
    refused = _refused_answer(request, choice, text)
    if refused is not None:
        return Answer(refused, usage.prompt_tokens, usage.completion_tokens)
    details = usage.prompt_tokens_details
    return Answer(
        TextGenerated(
            text=text,
            finish="length" if choice.finish_reason == "length" else "stop",
            model=request.model if request.adapter else completion.model,
            adapter=request.adapter,
            adapter_version=request.adapter_version,
            prompt_tokens=usage.prompt_tokens,
            cached_tokens=None if details is None else details.cached_tokens,
            completion_tokens=usage.completion_tokens,
        )
    )


def read_error(request: GenerateText, status: int, data: bytes) -> Failed:
    """What a status of 400 to 499 says about a request. Raises ServerFault where it says nothing about it."""
    error = _error(data)
    if status in REFUSING_TOKEN:
        raise ServerFault(f"the server refuses the token (status {status})")
    if not 400 <= status < 500:
        raise ServerFault(f"the server answered with status {status}: {error.message if error else ''}".rstrip(": "))
    if status == 404:
        if error is None:  # a server that knows the path says which model it misses
            raise ServerFault("the server has no chat completions at this address (status 404)")
        return unknown_adapter(request) if request.adapter else unknown_model(request.model)
    told = _line(error.message) if error else f"status {status}"
    param = (error.param or "") if error else ""
    if status == 413 or (error and (error.code == "context_length_exceeded" or "context length" in error.message)):
        return Failed(reason="prompt_too_long", detail=told)
    if request.schema and param.startswith(_SCHEMA_PARAMETERS):
        return Failed(reason="malformed_schema", detail=told)
    return Failed(reason="unanswerable_request", detail=told)


def read_models(data: bytes) -> tuple[str, ...]:
    """The names of a server's models, adapters among them, sorted. Raises ServerFault."""
    try:
        return tuple(sorted(model.id for model in _Models.model_validate_json(data).data))
    except ValidationError as error:
        raise ServerFault(f"the server sent no list of models: {_first_problem(error)}") from None


def retry_after_s(header: str | None) -> float | None:
    """Seconds that a Retry-After header asks for; None without one that can be read.

    Source: RFC 9110, section 10.2.3: seconds, or a date.
    """
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _message(message: ChatMessage, place: int) -> dict[str, str]:
    body = {"role": message.role, "content": message.content}
    if message.role == "tool":
        body["tool_call_id"] = f"call-{place}"  # the format wants one
    return body


def _refused_answer(request: GenerateText, choice: _Choice, text: str) -> Failed | None:
    if choice.finish_reason == "length":
        return None
    if choice.finish_reason == "content_filter":
        return Failed(reason="unanswerable_request", detail="the server withheld its answer (content_filter)")
    if choice.finish_reason != "stop":
        raise ServerFault(f"an answer ended with {choice.finish_reason!r}, which was not asked for")
    problem = read_schema(request.schema).problem(text) if request.schema else ""
    return Failed(reason="schema_not_honoured", detail=problem) if problem else None


def _error(data: bytes) -> _Error | None:
    """The error in a body: OpenAI's form, or the flat one of earlier vLLM servers."""
    for form in (_ErrorBody, _Error):
        try:
            found = form.model_validate_json(data)
        except ValidationError:
            continue
        return found.error if isinstance(found, _ErrorBody) else found
    return None


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'body'}: {first['msg']}"


def _line(text: str) -> str:
    return " ".join(text.split())[:_DETAIL_CHARS]
