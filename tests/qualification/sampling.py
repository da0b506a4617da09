"""Random play: a text drawn from what a schema allows, each choice as likely as the others."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from config.streams import Draw, draw

_WORDS = ("we", "saw", "this", "before", "and", "will", "look", "again", "once", "the", "tests", "are", "green")
_MOST_WORDS = 12
_MOST_ITEMS = 4


def sample(schema: str, seed: int) -> str:
    """JSON without whitespace that satisfies a schema of `actors.policy.prompting`. Raises ValueError for others."""
    return json.dumps(_Sampler(seed).value(json.loads(schema)), separators=(",", ":"), ensure_ascii=False)


class _Sampler:
    def __init__(self, seed: int) -> None:
        self._seed, self._draws = seed, count()

    def value(self, schema: dict[str, Any]) -> Any:
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._draw().pick(schema["enum"])
        for several in ("anyOf", "oneOf"):
            if several in schema:
                return self.value(self._draw().pick(schema[several]))
        match schema.get("type"):
            case "object":
                return {name: self.value(part) for name, part in schema["properties"].items()}
            case "array":
                return self._array(schema)
            case "integer":
                low, high = schema["minimum"], schema["maximum"]
                return low + self._draw().below(high - low + 1)
            case "boolean":
                return self._draw().chance(500)
            case "string":
                return self._words(schema)
        raise ValueError(f"no sample of {schema}")

    def _array(self, schema: dict[str, Any]) -> list[Any]:
        if "prefixItems" in schema:
            return [self.value(part) for part in schema["prefixItems"]]
        fewest = schema.get("minItems", 0)
        most = min(schema.get("maxItems", _MOST_ITEMS), max(fewest, _MOST_ITEMS))
        size = fewest + self._draw().below(most - fewest + 1)
        return [self.value(schema["items"]) for _ in range(size)]

    def _words(self, schema: dict[str, Any]) -> str:
        fewest, most = schema.get("minLength", 0), schema.get("maxLength", 10_000)
        words = [self._draw().pick(_WORDS) for _ in range(1 + self._draw().below(_MOST_WORDS))]
        return " ".join(words).ljust(fewest, ".")[:most]

    def _draw(self) -> Draw:
        return draw(self._seed, "random_play", "", next(self._draws))
