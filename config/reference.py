"""The page of all configuration keys, written from the sections themselves so that it cannot disagree with them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date

from pydantic_core import PydanticUndefined

from config.acted_on import ACTED_ON_BY_ENGINE, is_acted_on
from config.schema import KnownKey, known_keys, words
from config.sections import RunConfig

_LONGEST_DEFAULT = 60
DEFAULT_ENGINE = RunConfig().models.engine


def reference_markdown() -> str:
    """Return a Markdown page with one table for each section: key, what is allowed, default, acted on or not yet."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Configuration keys"
    yield ""
    yield "Defaults are those of an empty file; `config/profiles/default.yaml` also names the eleven agents. A key"
    yield "that is not acted on yet is accepted and checked, and reported when you set it."
    section = ""
    for known in known_keys(RunConfig):
        if known.key.partition(".")[0].removesuffix("[]") != section:
            section = known.key.partition(".")[0].removesuffix("[]")
            yield from ("", f"## {section}", "", "| key | allowed | default | acted on |", "|---|---|---|---|")
        yield _row(known)


def _row(known: KnownKey) -> str:
    acted_on = "yes" if is_acted_on(known.key) else "not yet"
    if acted_on != "yes" and is_acted_on(known.key, asks_model=True):
        acted_on = "with `policy.judgement: model` or `code_generation.hands: llm`"
        engines = [each for each in ACTED_ON_BY_ENGINE if is_acted_on(known.key, asks_model=True, engine=each)]
        if DEFAULT_ENGINE not in engines:
            acted_on += f", and `models.engine: {engines[0]}`"
    if known.key.startswith("door."):
        acted_on = "by `python -m inference serve`"
    allowed = words(known.kind).replace("|", "\\|")
    return f"| `{known.key}` | {allowed} | {_default(known.default)} | {acted_on} |"


def _default(value: object) -> str:
    if value is PydanticUndefined:
        return "required"
    if isinstance(value, date):
        return f"`{value.isoformat()}`"
    if isinstance(value, tuple) and len(json.dumps(value)) > _LONGEST_DEFAULT:
        return f"{len(value)} entries"
    return f"`{json.dumps(value, ensure_ascii=False)}`".replace("|", "\\|")
