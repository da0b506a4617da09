"""The training loop: next-token loss over whole conversations, one pass over the examples, in an order the seed decides.

Nothing here follows from the clock: the same examples, seed and number of threads give the same weights on the same
machine. Loss on the question too is what makes a small model read it (measured: copying and comparing come several
times sooner than with loss on the answer alone).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from config.streams import Stream
from training.house.examples import Example, shuffled
from training.house.tokenizing import END, train_tokenizer

IGNORED = -100  # the label of what has no loss
_POOL = 40  # batches whose examples are sorted by length together, so that little is padding


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How large the model is, and how it is trained."""

    layers: int = 4
    hidden: int = 128
    heads: int = 4
    key_value_heads: int = 2
    inner: int = 384
    context_tokens: int = 1024
    batch_tokens: int = 2048  # padding included
    learning_rate: float = 3e-3
    least_rate: float = 1e-4
    warmup_steps: int = 50
    passes: int = 1  # over all examples


@dataclass(frozen=True, slots=True)
class Step:
    """What is told after a step."""

    number: int  # from 1
    of: int
    loss: float  # mean over the tokens of its batch, in nats
    tokens: int  # of the batch, without padding


Tell = Callable[[Step], None]


@dataclass(frozen=True, slots=True)
class Encoded:
    """One conversation with its answer as token numbers."""

    kind: str
    tokens: tuple[int, ...]
    answer_at: int  # position of the answer's first token


def encode(tokenizer: Any, example: Example) -> Encoded:
    """The conversation as the chat template writes it, then answer and end."""
    conversation = [{"role": message.role, "content": message.content} for message in example.messages]
    asked = tokenizer.apply_chat_template(conversation, tokenize=False, add_generation_prompt=True)
    prompt = tokenizer(asked, add_special_tokens=False)["input_ids"]
    answer = tokenizer(example.answer + END, add_special_tokens=False)["input_ids"]
    return Encoded(example.kind, (*prompt, *answer), len(prompt))


def texts_of(examples: Sequence[Example]) -> Iterator[str]:
    """Every text that the tokenizer is made from."""
    for example in examples:
        yield from (message.content for message in example.messages)
        yield example.answer


def train(examples: Sequence[Example], shape: Shape, *, seed: int, tell: Tell) -> tuple[Any, Any]:
    """Train model and tokenizer; returns both."""
    import torch

    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(seed)
    tokenizer = train_tokenizer(texts_of(examples))
    encoded = [encode(tokenizer, example) for example in examples]
    model = new_model(tokenizer, shape)
    batches = [
        batch for turn in range(shape.passes) for batch in _batches(encoded, shape, Stream(seed, f"house_batches {turn}"))
    ]
    optimizer = torch.optim.AdamW(model.parameters(), lr=shape.learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    model.train()
    with Halves(model, tokenizer.pad_token_id) as halves:
        for number, batch in enumerate(batches, start=1):
            for group in optimizer.param_groups:
                group["lr"] = rate_at(number, len(batches), shape)
            loss = halves.gradients(batch)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            tell(Step(number, len(batches), loss, sum(len(one.tokens) for one in batch)))
    model.eval()
    return model, tokenizer


class Halves:
    """Computes the gradients of a batch in two halves, side by side, one core each.

    Threads inside an operation would have to meet thousands of times in a step, and wait there for whoever the machine
    holds up; halves meet once. There are two of them on any machine, so weights do not follow from its cores.
    """

    def __init__(self, model: Any, padding: int) -> None:
        self._models = [model, copy.deepcopy(model)]
        self._padding = padding
        self._threads = ThreadPoolExecutor(len(self._models))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown()

    def gradients(self, batch: Sequence[Encoded]) -> float:
        """Leave the gradient of the batch's mean loss in the model; returns that loss."""
        import torch

        first, second = self._models
        with torch.no_grad():
            for own, shared in zip(second.parameters(), first.parameters(), strict=True):
                own.copy_(shared)
        of = sum(len(one.tokens) - 1 for one in batch)
        halves = [batch[0::2], batch[1::2]]
        losses = list(self._threads.map(lambda pair: self._backward(*pair, of), zip(self._models, halves, strict=True)))
        if halves[1]:
            for own, other in zip(first.parameters(), second.parameters(), strict=True):
                own.grad.add_(other.grad)
        return sum(losses)

    def _backward(self, model: Any, half: Sequence[Encoded], of: int) -> float:
        """The half's part of the mean loss over `of` tokens."""
        model.zero_grad(set_to_none=True)
        if not half:
            return 0.0
        tokens, labels = padded(half, self._padding)
        loss = model(input_ids=tokens, labels=labels, use_cache=False, num_items_in_batch=of).loss
        loss.backward()
        return float(loss.item())


def new_model(tokenizer: Any, shape: Shape) -> Any:
    """A Qwen2-like model with random weights."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    config = Qwen2Config(
        vocab_size=-(-len(tokenizer) // 64) * 64,
        hidden_size=shape.hidden,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_value_heads,
        max_position_embeddings=shape.context_tokens,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = Qwen2ForCausalLM(config).float()
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model


def rate_at(step: int, steps: int, shape: Shape) -> float:
    """Learning rate of a step: a short rise, then half a cosine down."""
    warm = min(1.0, step / shape.warmup_steps)
    left = 0.5 * (1 + math.cos(math.pi * (step - 1) / max(1, steps)))
    return warm * (shape.least_rate + (shape.learning_rate - shape.least_rate) * left)


def padded(batch: Sequence[Encoded], padding: int) -> tuple[Any, Any]:
    """Token numbers and labels of a batch; causal attention never looks at padding behind a text."""
    import torch

    longest = max(len(one.tokens) for one in batch)
    tokens = [[*one.tokens, *[padding] * (longest - len(one.tokens))] for one in batch]
    labels = [[*one.tokens, *[IGNORED] * (longest - len(one.tokens))] for one in batch]
    return torch.tensor(tokens), torch.tensor(labels)


def held_out_loss(model: Any, tokenizer: Any, examples: Sequence[Example]) -> dict[str, float]:
    """Mean loss of the answers' tokens by kind, in nats; what chance decides cannot be learned, so none reaches 0."""
    import torch

    found: dict[str, float] = {}
    for kind in sorted({example.kind for example in examples}):
        total, count = 0.0, 0
        for example in (one for one in examples if one.kind == kind):
            encoded = encode(tokenizer, example)
            tokens = torch.tensor([encoded.tokens])
            labels = tokens.clone()
            labels[0, : encoded.answer_at] = IGNORED
            with torch.no_grad():
                loss = model(input_ids=tokens, labels=labels, use_cache=False).loss
            answered = len(encoded.tokens) - encoded.answer_at
            total, count = total + float(loss.item()) * answered, count + answered
        found[kind] = total / count
    return found


def save(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write both as engines read them."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def facts_of(model: Any, tokenizer: Any, shape: Shape) -> dict[str, Any]:
    """Size and settings, for the file beside the model."""
    return {
        "parameters": sum(weights.numel() for weights in model.parameters()),
        "vocabulary": len(tokenizer),
        "shape": asdict(shape),
    }


def _batches(encoded: Sequence[Encoded], shape: Shape, stream: Stream) -> list[list[Encoded]]:
    """Batches of texts of similar length, in a drawn order."""
    texts: list[Encoded] = shuffled(encoded, stream, "texts")
    at_once = max(1, _POOL * shape.batch_tokens * len(texts) // max(1, sum(len(one.tokens) for one in texts)))
    batches: list[list[Encoded]] = []
    for start in range(0, len(texts), at_once):
        batch: list[Encoded] = []
        for one in sorted(texts[start : start + at_once], key=lambda each: len(each.tokens)):
            if batch and (len(batch) + 1) * len(one.tokens) > shape.batch_tokens:
                batches.append(batch)
                batch = []
            batch.append(one)
        batches.append(batch)
    return shuffled(batches, stream, "batches")
