"""What the host of an engine behind HTTP is told: `--engine inference.engines.openai_serving:build`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inference.engines.openai_http import ChatServer, OpenAIEngine, read_token
from inference.text import EngineLostError, ServedText, TextEngine

_SLOTS = 32
_KEYS = {"base_url": str, "token_file": str, "models": list}


def build(plan: Mapping[str, Any]) -> ServedText:
    """Make the description of an engine; nothing is asked and no token is read before its first request.

    Args:
        plan: `base_url` of the server; `token_file`, the path of its bearer token, empty for none; `models`, the names
            that it must serve.
    Raises:
        ValueError: The plan has other keys, or a value of another type.
    """
    if plan.keys() != _KEYS.keys() or any(type(plan[key]) is not kind for key, kind in _KEYS.items()):
        raise ValueError("the plan of an engine behind HTTP is {base_url: text, token_file: text, models: [text]}")
    base_url, token_file, models = plan["base_url"], plan["token_file"], tuple(plan["models"])
    ChatServer(base_url=base_url, models=models)  # refuses what is no address

    def make() -> TextEngine:
        try:
            token = read_token(Path(token_file)) if token_file else ""
        except ValueError as error:
            raise EngineLostError(str(error)) from None
        return OpenAIEngine(ChatServer(base_url=base_url, token=token, slots=_SLOTS, models=models))

    return ServedText(make=make, slots=_SLOTS, models=models or None)


def served_models(base_url: str, token: str) -> tuple[str, ...]:
    """The models that a server says it serves, asked once and not for long. Raises EngineLostError, ValueError."""
    engine = OpenAIEngine(ChatServer(base_url=base_url, token=token, answer_s=10.0, busy_s=5.0))
    try:
        engine.start()
        return engine.models
    finally:
        engine.close()
