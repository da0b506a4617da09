"""The numbers of a modelled engine, each with its unit and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass, field, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineProfile:
    """How an engine with continuous batching spends its time and memory.

    One iteration gives every sequence that is under way its next token, and computes a part of the prompts that are
    new. It takes `iteration + sequences x sequence + adapted sequences x adapter + new prompt tokens x prompt_token +
    context tokens read x context_token`. Keys and values of all sequences live in blocks; what is computed stays
    there until the room is needed, and serves later prompts that begin alike.
    """

    name: str
    source: str  # of all numbers: what was measured where, or computed from what
    iteration_ns: int = field(metadata={"unit": "ns", "what": "of one iteration, whatever is in it"})
    sequence_ns: int = field(metadata={"unit": "ns", "what": "for each sequence that gets a token"})
    adapter_ns: int = field(metadata={"unit": "ns", "what": "more for each of them that uses an adapter"})
    prompt_token_ns: int = field(metadata={"unit": "ns", "what": "for each prompt token computed"})
    context_token_ns: int = field(metadata={"unit": "ns", "what": "for each token that a sequence looks back at"})
    slots: int = field(metadata={"unit": "sequences", "what": "under way at once (vLLM: max_num_seqs)"})
    batch_tokens: int = field(metadata={"unit": "tokens", "what": "in one iteration (vLLM: max_num_batched_tokens)"})
    block_tokens: int = field(metadata={"unit": "tokens", "what": "in one block of keys and values"})
    kv_blocks: int = field(metadata={"unit": "blocks", "what": "of keys and values that fit"})
    context_tokens: int = field(metadata={"unit": "tokens", "what": "of prompt and answer (vLLM: max_model_len)"})

    def __post_init__(self) -> None:
        times = (self.sequence_ns, self.adapter_ns, self.prompt_token_ns, self.context_token_ns)
        if self.iteration_ns < 1 or min(times) < 0:
            raise ValueError("an iteration takes time, and no time is negative")
        if min(self.slots, self.block_tokens, self.context_tokens - 1) < 1:
            raise ValueError("an engine needs slots, blocks and a context of two tokens")
        if self.batch_tokens < self.slots:
            raise ValueError("batch_tokens must hold one token of each slot")
        if self.kv_blocks * self.block_tokens < self.context_tokens:
            raise ValueError("the blocks must hold one whole context, or a long request would wait for ever")

    def parameters(self) -> tuple[tuple[str, int, str, str], ...]:
        """Name, value, unit and meaning of each number, for reports."""
        return tuple(
            (each.name, getattr(self, each.name), each.metadata["unit"], each.metadata["what"])
            for each in fields(self)
            if each.metadata
        )


TINY_ON_ONE_CORE = EngineProfile(
    name="tiny-cpu",
    source=(
        "measured: vLLM 0.32 on one AVX-512 core, Qwen2 of 862,336 parameters (4 layers, 2 key-value heads of 32, "
        "float32): 359 / 2,693 / 7,384 tokens/s with 1 / 8 / 32 requests, 2,880 with 32 and an adapter of rank 16; "
        "402 prompt tokens in 15 ms, in 7 ms with 384 of them cached; 64 MiB of keys and values"
    ),
    iteration_ns=2_736_000,  # 1 / 359 s less one sequence
    sequence_ns=50_000,  # (32 / 7,384 s - 1 / 359 s) / 31
    adapter_ns=212_000,  # (32 / 2,880 s - 32 / 7,384 s) / 32
    prompt_token_ns=20_800,  # 8 ms / 384
    context_token_ns=0,  # too little to be seen at this size
    slots=32,
    batch_tokens=512,
    block_tokens=16,
    kv_blocks=2_048,  # 64 MiB / (16 tokens x 4 layers x 2 x 2 heads x 32 x 4 bytes)
    context_tokens=1_024,
)
