"""The tokenizer: byte pairs learned from the examples, so that their words are short; and the chat template."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

VOCABULARY = 1024
END = "<|end|>"
PADDING = "<|pad|>"
ROLES = ("system", "user", "assistant")
CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}"
    "{% if message.role == 'assistant' %}<|end|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def train_tokenizer(texts: Iterable[str]) -> Any:
    """A tokenizer of `VOCABULARY` tokens; every text can be written, bytes are the last resort.

    It is Qwen2's, which takes texts apart in its own way: whatever loads a Qwen2 model loads that, whichever other
    way a folder asks for (transformers 5.19), and a model reads nothing that it has not seen.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import Qwen2Tokenizer

    backend = Qwen2Tokenizer().backend_tokenizer
    learning = Tokenizer(models.BPE())
    learning.normalizer, learning.pre_tokenizer = backend.normalizer, backend.pre_tokenizer
    roles = [f"<|{role}|>" for role in ROLES]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[PADDING, END, *roles],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    learning.train_from_iterator(texts, trainer)
    learned = json.loads(learning.to_str())["model"]
    merges: Any = [tuple(pair) for pair in learned["merges"]]  # pairs, whatever their annotation says
    tokenizer = Qwen2Tokenizer(
        vocab=learned["vocab"],
        merges=merges,
        unk_token=PADDING,
        eos_token=END,
        pad_token=PADDING,
        additional_special_tokens=roles,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer
