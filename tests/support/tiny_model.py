"""A tiny Qwen2 model with adapters, made on the spot: no download, no torch, the same bytes each time.

Its weights are drawn, so its texts mean nothing; but its answers begin with a real token, end by themselves after a
few dozen, and each adapter writes other ones.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

Weights = dict[str, NDArray[np.float32]]

END, BEGIN, PAD = "<|im_end|>", "<|im_start|>", "<|endoftext|>"
CHAT_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CONTEXT = 8_192
_WORDS = """deploy service database cache latency error timeout rollback customer outage disk memory queue retry login
payment search page slow failed critical minor alert engineer action severity response triage escalate monitor patch
review merge commit test build plan backlog sprint the a of in on for with and is was are to by from at high low
medium ok"""
_TARGETS = {
    "q_proj": "self_attn",
    "k_proj": "self_attn",
    "v_proj": "self_attn",
    "o_proj": "self_attn",
    "gate_proj": "mlp",
    "up_proj": "mlp",
    "down_proj": "mlp",
}


@dataclass(frozen=True)
class Shape:
    """How large it is."""

    layers: int = 2
    hidden: int = 64
    heads: int = 2
    kv_heads: int = 1
    inner: int = 160
    vocabulary: int = 512

    def of(self, module: str) -> tuple[int, int]:
        """Shape (out, in) of a linear layer."""
        narrow = self.hidden // self.heads * self.kv_heads
        outputs = {"k_proj": narrow, "v_proj": narrow, "gate_proj": self.inner, "up_proj": self.inner}
        return outputs.get(module, self.hidden), self.inner if module == "down_proj" else self.hidden


SHAPE = Shape()


def make_tiny_model(folder: Path, shape: Shape = SHAPE, seed: int = 1) -> Path:
    """Write model and tokenizer into a folder, in the form that transformers and vLLM load."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer(shape.vocabulary)
    tokenizer.save(str(folder / "tokenizer.json"))
    _write(folder / "tokenizer_config.json", _tokenizer_config())
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE)
    _write(folder / "config.json", _config(shape, tokenizer))
    _write(folder / "generation_config.json", {"eos_token_id": tokenizer.token_to_id(END)})
    save_file(_weights(shape, tokenizer, seed), folder / "model.safetensors", {"format": "pt"})
    return folder


def make_adapter(folder: Path, seed: int, *, shape: Shape = SHAPE, rank: int = 4, scale: float = 0.5) -> Path:
    """Write an adapter in PEFT's form that changes every linear layer."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    weights: Weights = {}
    for layer, (module, parent) in itertools.product(range(shape.layers), _TARGETS.items()):
        outputs, inputs = shape.of(module)
        name = f"base_model.model.model.layers.{layer}.{parent}.{module}"
        weights[f"{name}.lora_A.weight"] = _drawn(rng, (rank, inputs), inputs**-0.5)
        weights[f"{name}.lora_B.weight"] = _drawn(rng, (outputs, rank), scale)
    config = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": rank, "lora_alpha": 2 * rank, "bias": "none"}
    _write(folder / "adapter_config.json", {**config, "target_modules": sorted(_TARGETS)})
    save_file(weights, folder / "adapter_model.safetensors", {"format": "pt"})
    return folder


def _drawn(rng: np.random.Generator, shape: tuple[int, ...], scale: float) -> NDArray[np.float32]:
    return (rng.standard_normal(shape) * scale).astype(np.float32)


def _weights(shape: Shape, tokenizer: Tokenizer, seed: int) -> Weights:
    rng = np.random.default_rng(seed)
    embedding = _drawn(rng, (shape.vocabulary, shape.hidden), 1.0)
    head = _drawn(rng, (shape.vocabulary, shape.hidden), 1.5 * shape.hidden**-0.5)
    _shape_ends(embedding, head, tokenizer)
    weights = {"model.embed_tokens.weight": embedding, "lm_head.weight": head}
    weights["model.norm.weight"] = np.ones(shape.hidden, np.float32)
    for layer in range(shape.layers):
        name = f"model.layers.{layer}"
        for norm in ("input_layernorm", "post_attention_layernorm"):
            weights[f"{name}.{norm}.weight"] = np.ones(shape.hidden, np.float32)
        for module, parent in _TARGETS.items():
            outputs, inputs = shape.of(module)
            weights[f"{name}.{parent}.{module}.weight"] = _drawn(rng, (outputs, inputs), 0.5 * inputs**-0.5)
            if module in ("q_proj", "k_proj", "v_proj"):
                weights[f"{name}.{parent}.{module}.bias"] = np.zeros(outputs, np.float32)
    return weights


def _shape_ends(embedding: NDArray[np.float32], head: NDArray[np.float32], tokenizer: Tokenizer) -> None:
    """Give the end of an answer a chance at each token but the first, and other special tokens none.

    Two places of the hidden state are set apart: one is large after every token but a line's end, which is the last
    of each prompt, and the head reads it for END; the other is large always.
    """
    newline = tokenizer.encode("\n").ids[-1]
    embedding[:, :2] = 4.0
    embedding[newline, 0] = -4.0
    head[:, :2] = 0.0
    head[tokenizer.token_to_id(END), 0] = 1.3
    for token in (BEGIN, PAD):
        head[tokenizer.token_to_id(token), 1] = -10.0


def _tokenizer(size: int) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token=None))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[PAD, BEGIN, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_corpus(), trainer)
    return tokenizer


def _corpus() -> Iterator[str]:
    words = _WORDS.split()
    yield from (" ".join(some) for some in itertools.islice(itertools.permutations(words, 3), 20_000))
    for action, target in itertools.product(words, words):
        yield json.dumps({"action": action, "target": target, "score": len(action) * len(target)})


def _tokenizer_config() -> dict[str, Any]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": END,
        "pad_token": PAD,
        "additional_special_tokens": [BEGIN],
        "clean_up_tokenization_spaces": False,
        "model_max_length": CONTEXT,
    }


def _config(shape: Shape, tokenizer: Tokenizer) -> dict[str, Any]:
    return {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "dtype": "float32",
        "hidden_act": "silu",
        "hidden_size": shape.hidden,
        "intermediate_size": shape.inner,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "vocab_size": shape.vocabulary,
        "max_position_embeddings": CONTEXT,
        "rms_norm_eps": 1e-6,
        "rope_theta": 10_000.0,
        "tie_word_embeddings": False,
        "eos_token_id": tokenizer.token_to_id(END),
        "pad_token_id": tokenizer.token_to_id(PAD),
        "bos_token_id": None,
    }


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")
