"""Random play: an answer drawn uniformly from what the schema of an observation allows, key by key.

Of several forms one is drawn first, then each of its values: to ask nothing is then as likely as to ask, however many
questions there are. Words are one fixed word, for no judgement lies in them.
"""

from __future__ import annotations

import json
from typing import Any

from actors.policy.prompting.schemas import Schema
from config.streams import Stream

_WORD = "So."


class Dealer:
    """Deals the draws of one answer one after another."""

    def __init__(self, seed: int, entity: str) -> None:
        self._stream, self._entity, self._dealt = Stream(seed, "random_play"), entity, 0

    def below(self, count: int) -> int:
        """One of `count` numbers from 0."""
        found = self._stream.draw(self._entity, self._dealt).below(count)
        self._dealt += 1
        return found


def play(schema: Schema, dealer: Dealer) -> str:
    """An answer as text. Raises ValueError for a schema of another shape than those of decisions."""
    return json.dumps(_value(schema, dealer), ensure_ascii=False, separators=(",", ":"))


def _value(schema: Schema, dealer: Dealer) -> Any:
    if "anyOf" in schema:
        return _value(schema["anyOf"][dealer.below(len(schema["anyOf"]))], dealer)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][dealer.below(len(schema["enum"]))]
    match schema["type"]:
        case "object":
            return {name: _value(part, dealer) for name, part in schema["properties"].items()}
        case "array":
            return _items(schema, dealer)
        case "integer":
            return schema["minimum"] + dealer.below(schema["maximum"] - schema["minimum"] + 1)
        case "boolean":
            return bool(dealer.below(2))
        case "string":
            return _WORD if schema.get("minLength", 0) else ""
        case other:
            raise ValueError(f"no schema of a decision has the type {other!r}")


def _items(schema: Schema, dealer: Dealer) -> list[Any]:
    if "prefixItems" in schema:
        return [_value(part, dealer) for part in schema["prefixItems"]]
    fewest = schema.get("minItems", 0)
    count = fewest + dealer.below(schema["maxItems"] - fewest + 1)
    return [_value(schema["items"], dealer) for _ in range(count)]
