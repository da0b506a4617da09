"""The tokens of a request, by the model's own tokenizer and chat template."""

from __future__ import annotations

from typing import Any, Protocol

from inference.messages import Failed
from inference.text import GenerateText

_DETAIL_CHARS = 300


class Tokenizer(Protocol):
    """What is used of a tokenizer of transformers."""

    chat_template: Any

    def apply_chat_template(self, conversation: list[dict[str, str]], **options: Any) -> Any:
        """The text of a conversation."""
        ...

    def __call__(self, text: str, **options: Any) -> Any:
        """The tokens of a text."""
        ...


def prompt_token_ids(tokenizer: Tokenizer, request: GenerateText) -> list[int] | Failed:
    """What the model reads: a conversation by its chat template, or a bare text as it is."""
    if request.prompt:
        ids: list[int] = tokenizer(request.prompt)["input_ids"]
    else:
        if not tokenizer.chat_template:
            return _unanswerable("this model has no chat template, it goes on with a prompt only")
        conversation = [{"role": message.role, "content": message.content} for message in request.messages]
        try:
            text = tokenizer.apply_chat_template(conversation, tokenize=False, add_generation_prompt=True)
        except Exception as error:  # noqa: BLE001 - a template is a program that came with the model
            return _unanswerable(f"the model's chat template refuses this conversation: {error}")
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]  # the template has them
    return ids or _unanswerable("the prompt has no tokens")


def _unanswerable(detail: str) -> Failed:
    return Failed(reason="unanswerable_request", detail=" ".join(detail.split())[:_DETAIL_CHARS])
