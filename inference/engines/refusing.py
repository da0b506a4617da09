"""What every text engine refuses before it works on a request: the same refusal, whoever serves it."""

from __future__ import annotations

from inference.engines.schemas import MalformedSchemaError, read_schema
from inference.messages import Failed
from inference.text import GenerateText

MAX_TEMPERATURE_PERMILLE = 2000  # as OpenAI-compatible servers have it
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


def unknown_model(model: str) -> Failed:
    """No such model is served."""
    return Failed(reason="unknown_model", detail=f"the model {model!r} is not served")


def unknown_adapter(request: GenerateText) -> Failed:
    """No such adapter is served with this model, or not in this version."""
    wanted = f"{request.adapter!r}, version {request.adapter_version}"
    return Failed(reason="unknown_adapter", detail=f"the adapter {wanted}, is not served with {request.model!r}")


def _malformed(request: GenerateText) -> str:
    if not request.model:
        return "the request names no model"
    if not request.messages:
        return "a conversation needs at least one message"
    if not 1 <= request.max_tokens <= MAX_TOKENS:
        return f"max_tokens must be from 1 to {MAX_TOKENS}, not {request.max_tokens}"
    if not 0 <= request.temperature_permille <= MAX_TEMPERATURE_PERMILLE:
        return f"temperature_permille must be from 0 to {MAX_TEMPERATURE_PERMILLE}, not {request.temperature_permille}"
    if request.adapter_version < 0 or (request.adapter_version and not request.adapter):
        return f"adapter {request.adapter!r} cannot have version {request.adapter_version}"
    texts = (request.model, request.adapter, request.schema, *(message.content for message in request.messages))
    if not all(_is_text(text) for text in texts):
        return "a text holds half a character (a surrogate), which no byte encoding has"
    return ""


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
