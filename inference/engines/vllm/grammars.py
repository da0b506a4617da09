"""What vLLM is told to enforce for a schema: the schema itself, or a grammar where xgrammar would make a wrong one.

In a string with a length xgrammar (0.2.8) allows unescaped control characters, a tab for instance, which no JSON has
(github.com/mlc-ai/xgrammar/issues/800). Such schemas become the grammar that xgrammar itself makes of them, in which
these strings hold no control characters. What is left of that fault: no escape can be written in such a string, so a
quotation mark or a new line cannot. An exact grammar (each escape counts as one character) was tried: its masks take
tens of milliseconds a token. Who needs escapes gives no length.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

_KEPT = 256  # as many as schemas are kept in `inference.engines.schemas`
_CLASS = r"[^\"\\\r\n]"  # of one character of a string with a length, as xgrammar writes it
_JSON_CLASS = r"[^\0-\x1f\"\\]"


@lru_cache(maxsize=_KEPT)
def constraint(schema: str) -> dict[str, str]:
    """Arguments of vLLM's `StructuredOutputsParams` for a schema that was checked.

    Schemas that xgrammar cannot enforce are handed on as they are: vLLM refuses them, in words of its own.

    Raises:
        ValueError: It is nested too deeply, or xgrammar can make nothing of it.
    """
    from vllm.sampling_params import check_json_nesting  # unpublished, as the next
    from vllm.v1.structured_output.backend_xgrammar import has_xgrammar_unsupported_json_features

    read: Any = json.loads(schema)
    check_json_nesting(read)
    if not _has_lengths(read) or has_xgrammar_unsupported_json_features(read):
        return {"json": schema}
    return {"grammar": _grammar(schema)}


def _has_lengths(part: Any) -> bool:
    """Whether some string in a schema has a length, or a key has that name, which does no harm."""
    match part:
        case dict():
            return "minLength" in part or "maxLength" in part or any(map(_has_lengths, part.values()))
        case list():
            return any(map(_has_lengths, part))
    return False


def _grammar(schema: str) -> str:
    """As vLLM has it made, without whitespace, but for control characters."""
    import xgrammar

    made = str(xgrammar.Grammar.from_json_schema(schema, any_whitespace=False, separators=(",", ":")))
    return made.replace(_CLASS, _JSON_CLASS)
