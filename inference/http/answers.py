"""From what engines wrote to the bodies of answers, whole or in pieces: pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from inference.http.asking import Asked
from inference.http.backend import ServedModel
from inference.http.writing import News
from inference.text import LikelyToken, TextDetails, TextGenerated, WrittenToken


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """What every body of one answer begins with."""

    id: str
    created_s: int  # wall-clock seconds since 1970, which the format wants


def answer(asked: Asked, replies: Sequence[TextGenerated], heading: Heading) -> dict[str, Any]:
    """The body of a whole answer, one choice for each reply."""
    body: dict[str, Any] = {
        "id": heading.id,
        "object": "chat.completion" if asked.is_chat else "text_completion",
        "created": heading.created_s,
        "model": answered_model(replies[0]),
        "choices": [_choice(asked, place, reply) for place, reply in enumerate(replies)],
        "usage": usage(asked, replies),
    }
    if asked.wants_token_ids and asked.is_chat:
        body["prompt_token_ids"] = list(_details(replies[0]).prompt_token_ids)
    return body


def answered_model(reply: TextGenerated) -> str:
    """The name of what really answered."""
    return ServedModel(reply.model, reply.adapter, reply.adapter_version).name


def usage(asked: Asked, replies: Sequence[TextGenerated]) -> dict[str, Any]:
    """Tokens, in OpenAI's way: a prompt counts once however many answers it has."""
    prompts: dict[int, TextGenerated] = {}
    for choice, reply in zip(asked.choices, replies, strict=True):
        prompts.setdefault(choice.prompt, reply)
    prompt_tokens = sum(reply.prompt_tokens for reply in prompts.values())
    completion_tokens = sum(reply.completion_tokens for reply in replies)
    told: dict[str, Any] = {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }
    cached = [reply.cached_tokens for reply in prompts.values()]
    if None not in cached:  # an engine that does not tell is not said to have cached nothing
        told["prompt_tokens_details"] = {"cached_tokens": sum(each or 0 for each in cached)}
    return told


def chunk(asked: Asked, heading: Heading, model: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
    """One piece of a stream."""
    body: dict[str, Any] = {
        "id": heading.id,
        "object": "chat.completion.chunk" if asked.is_chat else "text_completion",
        "created": heading.created_s,
        "model": model,
        "choices": choices,
    }
    if asked.wants_usage:
        body["usage"] = None
    return body


def piece(asked: Asked, place: int, news: News, *, finish: str | None, is_first: bool) -> dict[str, Any]:
    """A choice of a piece."""
    choice: dict[str, Any] = {"index": place, "finish_reason": finish}
    if asked.is_chat:
        delta: dict[str, Any] = {"role": "assistant"} if is_first else {}
        choice["delta"] = delta if finish is not None else delta | {"content": news.text}
    else:
        choice["text"] = news.text
    choice["logprobs"] = _logprobs(asked, news.details.tokens, news.offset) if finish is None else None
    if asked.wants_token_ids and finish is None:
        choice["token_ids"] = list(news.details.token_ids)
        if not asked.is_chat and news.details.prompt_token_ids:
            choice["prompt_token_ids"] = list(news.details.prompt_token_ids)
    return choice


def _choice(asked: Asked, place: int, reply: TextGenerated) -> dict[str, Any]:
    details = _details(reply)
    choice: dict[str, Any] = {"index": place, "finish_reason": reply.finish}
    if asked.is_chat:
        choice["message"] = {"role": "assistant", "content": reply.text, "refusal": None}
    else:
        choice["text"] = reply.text
    choice["logprobs"] = _logprobs(asked, details.tokens, 0)
    if asked.wants_token_ids:
        choice["token_ids"] = list(details.token_ids)
        if not asked.is_chat:
            choice["prompt_token_ids"] = list(details.prompt_token_ids)
    return choice


def _details(reply: TextGenerated) -> TextDetails:
    return reply.details or TextDetails()


def _logprobs(asked: Asked, tokens: Sequence[WrittenToken], offset: int) -> dict[str, Any] | None:
    if not asked.wants_logprobs:
        return None
    if asked.is_chat:
        content = [
            _likely(each.chosen) | {"top_logprobs": [_likely(other) for other in each.likeliest]} for each in tokens
        ]
        return {"content": content, "refusal": None}
    offsets: list[int] = []
    for each in tokens:
        offsets.append(offset)
        offset += len(each.chosen.token)
    return {
        "tokens": [each.chosen.token for each in tokens],
        "token_logprobs": [_logarithm(each.chosen) for each in tokens],
        "top_logprobs": [{other.token: _logarithm(other) for other in each.likeliest} for each in tokens],
        "text_offset": offsets,
    }


def _likely(token: LikelyToken) -> dict[str, Any]:
    return {
        "token": token.token,
        "logprob": _logarithm(token),
        "bytes": list(token.token.encode("utf-8", "surrogatepass")),
    }


def _logarithm(token: LikelyToken) -> float:
    return token.logprob_micro / 1_000_000
