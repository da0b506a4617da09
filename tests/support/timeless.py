"""Replies without the time that they took: the only part of one that no two lives have in common."""

from __future__ import annotations

from dataclasses import replace

from inference.messages import Failed
from inference.text import TextGenerated

Reply = TextGenerated | Failed


def timeless(reply: Reply) -> Reply:
    """The reply with everything but its time."""
    return replace(reply, engine_us=None) if isinstance(reply, TextGenerated) else reply
