"""Errors as data and back: how a refusal travels, and what the asker makes of an answer."""

from __future__ import annotations

import re
from typing import Any

from brokers.node.errors import EffectFailedError, RefusedError
from brokers.node.messages import Done, EffectFailed, Refused


def refusal_of(error: Exception) -> Refused:
    """A refused command as data: the error's class, its text, and the facts it keeps as attributes."""
    facts = tuple((name, str(value)) for name, value in sorted(vars(error).items()) if not name.startswith("_"))
    return Refused(error=type(error).__name__, text=str(error), facts=facts)


def answer_of(body: Any) -> tuple[Any, Exception | None]:
    """The value that an answer brings to the asker, or the error that it raises there."""
    match body:
        case Done():
            return None, None
        case Refused(error=error, text=text, facts=facts):
            return None, RefusedError(error, text, facts)
        case EffectFailed(reason=reason):
            return None, EffectFailedError(reason)
    return body, None


_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")


def describe(error: Exception) -> str:
    """The error in one line, without memory addresses, so that the log is the same in every process."""
    return _ADDRESS.sub("0x…", f"{type(error).__name__}: {error}")[:500]
