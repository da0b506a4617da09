"""What is decided in an answer: everything but its words and what only sizes it.

Two answers agree when this is equal. Left out are texts, the length of a pause, the kind of a question (its topic
stays) and the exact shares of a plan, which decides how many tasks there are, in which order, and whose work they are.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from actors.policy.decisions import ToolChoice
from actors.policy.prompting.forms import FORMS
from brokers.wire.registry import Message

WORDS = frozenset({"text", "reason", "consequence", "approach", "title", "keep", "drop", "puzzle"})
SIZES = frozenset({"pause_ms", "category", "share_permille"})

Gist = tuple[Any, ...]


def gist(answer: Message) -> Gist:
    """What the answer decides, key by key in the order of its form. Raises ValueError for what is no judgement."""
    if type(answer) not in FORMS or isinstance(answer, ToolChoice):
        raise ValueError(f"{answer.KIND} is no judgement")
    return _decided(answer)


def _decided(part: Any) -> Gist:
    return tuple(_value(getattr(part, key.name)) for key in fields(part) if key.name not in WORDS | SIZES)


def _value(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_value(one) for one in value)
    return _decided(value) if is_dataclass(value) else value
