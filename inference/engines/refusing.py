"""What every text engine refuses before it works on a request: the same refusal, whoever serves it."""

from __future__ import annotations

from inference.engines.schemas import MalformedSchemaError, read_schema
from inference.messages import Failed
from inference.text import GenerateText, Wanted

MAX_TEMPERATURE_PERMILLE = 2000  # as OpenAI-compatible servers have it
MAX_LOGPROBS = 20  # as OpenAI-compatible servers have it
MAX_STOPS = 4  # likewise
MAX_TOKENS = 1 << 20  # of an answer; more than any model writes


def refusal(request: GenerateText) -> Failed | None:
    """Why a request cannot be answered by any engine; None if it may be worked on."""
    wrong = _malformed(request)
    if wrong:
        return Failed(reason="malformed_request", detail=wrong)
    if request.schema:
        try:
            read_schema(request.schema)
        except MalformedSchemaError as error:
            return Failed(reason="malformed_schema", detail=str(error))
    return None


def unsupported(request: GenerateText, engine: str, *, can: frozenset[str] = frozenset()) -> Failed | None:
    """Why this kind of engine cannot do what is wanted; None if it can.

    Args:
        can: Of `prompt`, `stop`, `top_p`, `logprobs`, `token_ids`, what it can. Streaming is never refused.
    """
    wanted = request.wanted
    asked = {
        "prompt": bool(request.prompt),
        "stop": wanted is not None and bool(wanted.stop),
        "top_p": wanted is not None and wanted.top_p_permille != 1000,
        "logprobs": wanted is not None and wanted.logprobs is not None,
        "token_ids": wanted is not None and wanted.token_ids,
    }
    lacking = [name for name, is_asked in asked.items() if is_asked and name not in can]
    if not lacking:
        return None
    return Failed(reason="unanswerable_request", detail=f"{engine} has no {', '.join(lacking)}")


def _malformed(request: GenerateText) -> str:
    if not request.model:
        return "the request names no model"
    if bool(request.messages) == bool(request.prompt):
        return "a request needs at least one message, or a prompt and no messages"
    if not 1 <= request.max_tokens <= MAX_TOKENS:
        return f"max_tokens must be from 1 to {MAX_TOKENS}, not {request.max_tokens}"
    if not 0 <= request.temperature_permille <= MAX_TEMPERATURE_PERMILLE:
        return f"temperature_permille must be from 0 to {MAX_TEMPERATURE_PERMILLE}, not {request.temperature_permille}"
    if request.adapter_version < 0 or (request.adapter_version and not request.adapter):
        return f"adapter {request.adapter!r} cannot have version {request.adapter_version}"
    wanted = request.wanted or Wanted()
    if not 1 <= wanted.top_p_permille <= 1000:
        return f"top_p_permille must be from 1 to 1000, not {wanted.top_p_permille}"
    if wanted.logprobs is not None and not 0 <= wanted.logprobs <= MAX_LOGPROBS:
        return f"logprobs must be from 0 to {MAX_LOGPROBS}, not {wanted.logprobs}"
    if "" in wanted.stop or len(wanted.stop) > MAX_STOPS:
        return f"stop must be at most {MAX_STOPS} texts, none of them empty"
    contents = (message.content for message in request.messages)
    texts = (request.model, request.adapter, request.schema, request.prompt, *wanted.stop, *contents)
    if not all(_is_text(text) for text in texts):
        return "a text holds half a character (a surrogate), which no byte encoding has"
    return ""


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
