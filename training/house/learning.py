"""The training loop: next-token loss over whole conversations, in the order of the examples.

Nothing here follows from the clock: the same examples and seed give the same weights on the same machine. Three things
let a small model read in minutes, all tried on the loss of held-out answers: loss on the question too, though with less
weight; rows that hold conversations of all kinds and not of one length, and so mostly one kind; and weights that begin
larger than is usual for large models.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from training.house.examples import Example
from training.house.tokenizing import END, train_tokenizer

IGNORED = -100  # the label of what has no loss
WORKERS = 2  # that each compute a part of a step, whatever the machine: weights do not follow from its cores


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How large the model is, and how it is trained."""

    layers: int = 4
    hidden: int = 128
    heads: int = 4
    key_value_heads: int = 2
    inner: int = 384
    context_tokens: int = 1024
    row_tokens: int = 256  # conversations are packed into rows of this length, and read no others
    rows: int = 8  # of one step
    learning_rate: float = 3e-3
    least_rate: float = 1e-4
    warmup_steps: int = 50
    passes: int = 1  # over all examples
    question_weight: float = 0.3  # of the loss of a question's token; an answer's has 1
    weights_spread: float = 0.08  # standard deviation of weights before training


@dataclass(frozen=True, slots=True)
class Step:
    """What is told after a step."""

    number: int  # from 1
    of: int
    loss: float  # weighted mean over its tokens, in nats
    tokens: int  # without padding


Tell = Callable[[Step], None]


@dataclass(frozen=True, slots=True)
class Encoded:
    """One conversation with its answer as token numbers."""

    kind: str
    tokens: tuple[int, ...]
    answer_at: int  # position of the answer's first token


Row = list[Encoded]


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
    model = new_model(tokenizer, shape)
    rows = packed([encode(tokenizer, example) for example in examples], shape.row_tokens) * shape.passes
    steps = [rows[start : start + shape.rows] for start in range(0, len(rows), shape.rows)]
    optimizer = torch.optim.AdamW(model.parameters(), lr=shape.learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    model.train()
    with Workers(model, shape, tokenizer.pad_token_id) as workers:
        for number, step in enumerate(steps, start=1):
            for group in optimizer.param_groups:
                group["lr"] = rate_at(number, len(steps), shape)
            loss = workers.gradients(step)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            tell(Step(number, len(steps), loss, tokens_in(step)))
    model.eval()
    return model, tokenizer


class Workers:
    """Compute the gradients of a step, each those of a part of its rows, side by side.

    Threads inside an operation would have to meet thousands of times in a step, and wait there for whichever the
    machine holds up; these meet once.
    """

    def __init__(self, model: Any, shape: Shape, padding: int) -> None:
        self._models = [model, *(copy.deepcopy(model) for _ in range(WORKERS - 1))]
        self._shape, self._padding = shape, padding
        self._threads = ThreadPoolExecutor(WORKERS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown()

    def gradients(self, rows: Sequence[Row]) -> float:
        """Leave the gradient of the weighted mean loss over all tokens in the model; returns that loss."""
        import torch

        first, *others = self._models
        with torch.no_grad():
            for other in others:
                for own, shared in zip(other.parameters(), first.parameters(), strict=True):
                    own.copy_(shared)
        parts = [rows[place::WORKERS] for place in range(WORKERS)]
        total = weight_of(rows, self._shape.question_weight)
        losses = list(self._threads.map(self._backward, self._models, parts, [total] * WORKERS))
        for other, part in zip(others, parts[1:], strict=True):
            for own, found in zip(first.parameters(), other.parameters(), strict=True):
                if part:
                    own.grad.add_(found.grad)
        return math.fsum(losses)

    def _backward(self, model: Any, rows: Sequence[Row], total: float) -> float:
        """The rows' part of the mean loss, with their gradient; `total` is the weight of all tokens of the step."""
        from torch.nn.functional import cross_entropy

        model.zero_grad(set_to_none=True)
        if not rows:
            return 0.0
        tokens, positions, weights = tensors(rows, self._shape, self._padding)
        logits = model(input_ids=tokens, position_ids=positions, use_cache=False).logits[:, :-1]
        losses = cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten(), reduction="none")
        loss = (losses * weights[:, 1:].flatten()).sum() / total
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
        initializer_range=shape.weights_spread,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model: Any = Qwen2ForCausalLM(config)  # type: ignore[no-untyped-call]
    model = model.float()
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model


def rate_at(step: int, steps: int, shape: Shape) -> float:
    """Learning rate of a step: a short rise, then half a cosine down."""
    warm = min(1.0, step / shape.warmup_steps)
    left = 0.5 * (1 + math.cos(math.pi * (step - 1) / max(1, steps)))
    return warm * (shape.least_rate + (shape.learning_rate - shape.least_rate) * left)


def packed(encoded: Sequence[Encoded], row_tokens: int) -> list[Row]:
    """Conversations in their order, as many to a row as fit. Raises ValueError for one that is longer than a row."""
    rows: list[Row] = []
    room = 0
    for one in encoded:
        if len(one.tokens) > row_tokens:
            raise ValueError(f"a conversation of {len(one.tokens)} tokens does not fit into a row of {row_tokens}")
        if len(one.tokens) > room:
            rows.append([])
            room = row_tokens
        rows[-1].append(one)
        room -= len(one.tokens)
    return rows


def tokens_in(rows: Sequence[Row]) -> int:
    """Tokens of all conversations."""
    return sum(len(one.tokens) for row in rows for one in row)


def weight_of(rows: Sequence[Row], question_weight: float) -> float:
    """What the losses of all tokens weigh together; the first of a conversation has none, for nothing foretells it."""
    questions = sum(one.answer_at - 1 for row in rows for one in row)
    answers = sum(len(one.tokens) - one.answer_at for row in rows for one in row)
    return question_weight * questions + answers


def tensors(rows: Sequence[Row], shape: Shape, padding: int) -> tuple[Any, Any, Any]:
    """Token numbers, positions and weights. Positions begin anew with each conversation: none sees the one before."""
    import torch

    tokens = torch.full((len(rows), shape.row_tokens), padding)
    positions, weights = torch.zeros_like(tokens), torch.zeros(tokens.shape)
    for number, row in enumerate(rows):
        start = 0
        for one in row:
            end = start + len(one.tokens)
            tokens[number, start:end] = torch.tensor(one.tokens)
            positions[number, start:end] = torch.arange(end - start)
            weights[number, start + 1 : end] = shape.question_weight
            weights[number, start + one.answer_at : end] = 1
            start = end
        positions[number, start:] = torch.arange(shape.row_tokens - start)
    return tokens, positions, weights


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
