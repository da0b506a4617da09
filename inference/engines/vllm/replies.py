"""What vLLM wrote, as replies: finished ones, cancelled ones, and pieces of those that are still being written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from inference.engines.schemas import read_schema
from inference.messages import Failed
from inference.text import (
    EngineLostError,
    Finish,
    GenerateText,
    LikelyToken,
    TextDetails,
    TextGenerated,
    TextWritten,
    Wanted,
    WrittenToken,
)

_IMPOSSIBLE = -9_999.0  # stands for the logarithm of nothing, as on OpenAI-compatible servers


class Written(NamedTuple):
    """What there is of an answer. `logprobs` has a map from token to vLLM's Logprob for each token, or is None."""

    text: str
    token_ids: Sequence[int]
    logprobs: Sequence[Mapping[int, Any]] | None
    prompt_token_ids: Sequence[int]
    cached_tokens: int
    prompt_tokens: int  # that the model has read; 0 before its first pass over them


def generated(request: GenerateText, written: Written, finish: Finish) -> TextGenerated:
    """A reply."""
    return TextGenerated(
        text=written.text,
        finish=finish,
        model=request.model,
        adapter=request.adapter,
        adapter_version=request.adapter_version,
        prompt_tokens=written.prompt_tokens,
        cached_tokens=min(written.cached_tokens, written.prompt_tokens),
        completion_tokens=len(written.token_ids),
        details=details(request.wanted, written),
    )


def finished(request: GenerateText, written: Written, reason: str) -> TextGenerated | Failed:
    """The reply to a request that vLLM is done with.

    Args:
        reason: vLLM's `finish_reason`.
    Raises:
        EngineLostError: It was not done with it in any way that was asked for.
    """
    if reason == "length":
        return generated(request, written, "length")
    if reason == "error" and request.schema:
        return Failed(reason="malformed_schema", detail="no grammar can be made of this schema")
    if reason != "stop":
        raise EngineLostError(f"vLLM ended an answer with {reason!r}, which was not asked for")
    problem = read_schema(request.schema).problem(written.text) if request.schema else ""
    return Failed(reason="schema_not_honoured", detail=problem) if problem else generated(request, written, "stop")


class Telling:
    """Tells one answer in pieces while it is written."""

    def __init__(self, request: GenerateText) -> None:
        self._wanted = request.wanted
        self._chars = self._tokens = 0

    def piece(self, written: Written, *, is_last: bool) -> TextWritten | None:
        """What came since the last piece; None where that is nothing to tell yet.

        Tokens whose text is not certain yet (half a character, the beginning of a stop text) wait for it.
        """
        text = written.text[self._chars :]
        has_more = len(written.token_ids) > self._tokens
        if not text and not (is_last and has_more and _wants_details(self._wanted)):
            return None
        since = written._replace(
            token_ids=written.token_ids[self._tokens :],
            logprobs=None if written.logprobs is None else written.logprobs[self._tokens :],
            prompt_token_ids=() if self._tokens else written.prompt_token_ids,
        )
        piece = TextWritten(text=text, start=self._chars, details=details(self._wanted, since))
        self._chars, self._tokens = len(written.text), len(written.token_ids)
        return piece


def details(wanted: Wanted | None, written: Written) -> TextDetails | None:
    """What was wanted besides the text; None if nothing was."""
    if wanted is None or not _wants_details(wanted):
        return None
    count = wanted.logprobs
    return TextDetails(
        prompt_token_ids=tuple(written.prompt_token_ids) if wanted.token_ids else (),
        token_ids=tuple(written.token_ids) if wanted.token_ids else (),
        tokens=() if count is None else tuple(_tokens(written, count)),
    )


def _wants_details(wanted: Wanted | None) -> bool:
    return wanted is not None and (wanted.token_ids or wanted.logprobs is not None)


def _tokens(written: Written, count: int) -> list[WrittenToken]:
    found = []
    for token_id, places in zip(written.token_ids, written.logprobs or (), strict=True):
        likely = {each: _likely(each, logprob) for each, logprob in places.items()}
        ranked = sorted(likely.values(), key=lambda each: (-each.logprob_micro, each.token_id))
        # vLLM tells the chosen token besides the likeliest ones, wherever it ranks
        ranks = {each: logprob.rank for each, logprob in places.items()}
        likeliest = [each for each in ranked if (ranks[each.token_id] or 0) <= count]
        found.append(WrittenToken(chosen=likely[token_id], likeliest=tuple(likeliest[:count])))
    return found


def _likely(token_id: int, logprob: Any) -> LikelyToken:
    return LikelyToken(
        token=logprob.decoded_token or "",
        token_id=token_id,
        logprob_micro=round(max(logprob.logprob, _IMPOSSIBLE) * 1_000_000),
    )
