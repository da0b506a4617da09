"""One answer that is sent while it is written: what of each event is new to the client. Pure.

An engine that is lost has a successor, which writes the same text from its beginning; only what the client has not seen
goes out.
"""

from __future__ import annotations

from typing import NamedTuple

from inference.http.errors import ContradictionError
from inference.text import TextDetails, TextGenerated, TextWritten


class News(NamedTuple):
    """What goes out."""

    text: str
    details: TextDetails
    offset: int  # characters before it


class Writing:
    """One choice of a stream."""

    def __init__(self) -> None:
        self._sent = ""
        self._sent_tokens = 0
        self._seen_tokens = 0  # of the engine that writes now
        self._told_prompt = False

    def written(self, piece: TextWritten) -> News:
        """What of a piece is new; its text may be empty."""
        if piece.start == 0:
            self._seen_tokens = 0
        details = piece.details or TextDetails()
        known = len(self._sent) - piece.start
        if known < 0:
            raise ContradictionError(f"a piece begins at {piece.start}, only {len(self._sent)} characters are known")
        if not piece.text.startswith(self._sent[piece.start : piece.start + len(piece.text)]):
            raise ContradictionError("an engine wrote another text than the one before it")
        return self._new(piece.text[known:], details)

    def finished(self, reply: TextGenerated) -> News:
        """What was not sent before the end."""
        if not reply.text.startswith(self._sent):
            raise ContradictionError("the whole text is another one than its pieces")
        self._seen_tokens = 0
        return self._new(reply.text[len(self._sent) :], reply.details or TextDetails())

    def _new(self, text: str, details: TextDetails) -> News:
        tokens = max(len(details.tokens), len(details.token_ids))
        skipped = max(0, self._sent_tokens - self._seen_tokens)
        self._seen_tokens += tokens
        news = News(
            text,
            TextDetails(
                prompt_token_ids=() if self._told_prompt else details.prompt_token_ids,
                token_ids=details.token_ids[skipped:],
                tokens=details.tokens[skipped:],
            ),
            len(self._sent),
        )
        self._told_prompt = self._told_prompt or bool(details.prompt_token_ids)
        self._sent += text
        self._sent_tokens = max(self._sent_tokens, self._seen_tokens)
        return news
