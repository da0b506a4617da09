"""Profiles of engines that nobody has measured yet, from data sheets: a first answer to "what would it take?".

A decoding iteration reads all weights and the context of every sequence once, so it takes at least their bytes over
the memory bandwidth; a prompt token takes two operations for each parameter it meets, so at least those over the
arithmetic rate (Pope et al. 2022, "Efficiently Scaling Transformer Inference", arXiv:2211.05102). Real engines reach
a part of both; that part is an assumption, named in the profile's source. Measure before you buy.
"""

from __future__ import annotations

from dataclasses import dataclass

from inference.engines.modelled.profile import EngineProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class Accelerator:
    """One device."""

    name: str
    source: str
    memory_mb: int  # 10**6 bytes
    bandwidth_mb_s: int  # 10**6 bytes per second
    giga_operations_s: int  # 10**9 dense 16-bit floating-point operations per second


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShape:
    """One model, in 16-bit weights."""

    name: str
    source: str
    parameters_m: int  # millions
    active_parameters_m: int  # millions that one token meets; fewer than all in a mixture of experts
    kv_values: int  # per token: layers x what each keeps

    @property
    def weights_mb(self) -> int:
        """Megabytes (10**6) of all weights."""
        return 2 * self.parameters_m


A100 = Accelerator(
    name="A100-SXM-80GB",
    source="NVIDIA A100 data sheet (2021)",
    memory_mb=80_000,
    bandwidth_mb_s=2_039_000,
    giga_operations_s=312_000,
)
H100 = Accelerator(
    name="H100-SXM-80GB",
    source="NVIDIA H100 data sheet (2023), without sparsity",
    memory_mb=80_000,
    bandwidth_mb_s=3_350_000,
    giga_operations_s=989_000,
)
QWEN_72B = ModelShape(
    name="Qwen2.5-72B-Instruct",
    source="its model card: 72.7 thousand million parameters, 80 layers, 8 key-value heads of 128",
    parameters_m=72_700,
    active_parameters_m=72_700,
    kv_values=80 * 2 * 8 * 128,
)
DEEPSEEK_LITE = ModelShape(
    name="DeepSeek-Coder-V2-Lite-Instruct",
    source="its paper, arXiv:2406.11931: 15.7 thousand million parameters, 2.4 of them active, 27 layers of 512 + 64",
    parameters_m=15_700,
    active_parameters_m=2_400,
    kv_values=27 * (512 + 64),
)
QWEN_CODER_7B = ModelShape(
    name="Qwen2.5-Coder-7B-Instruct",
    source="its model card: 7.61 thousand million parameters, 28 layers, 4 key-value heads of 128",
    parameters_m=7_610,
    active_parameters_m=7_610,
    kv_values=28 * 2 * 4 * 128,
)


def by_data_sheet(
    device: Accelerator,
    model: ModelShape,
    *,
    devices: int = 1,
    reached_permille: int = 500,
    memory_permille: int = 900,
    slots: int = 256,
    context_tokens: int = 8_192,
) -> EngineProfile:
    """The profile of one engine over some devices (tensor parallel; their talk is part of what is not reached).

    Args:
        reached_permille: The part of bandwidth and arithmetic rate that is reached; assumed.
        memory_permille: The part of the memory that the engine may use (vLLM: gpu_memory_utilization).
    Raises:
        ValueError: The model and one context do not fit.
    """
    room_mb = devices * device.memory_mb * memory_permille // 1000 - model.weights_mb
    block_tokens = 16
    kv_blocks = max(0, room_mb) * 1_000_000 // (2 * model.kv_values * block_tokens)
    if kv_blocks * block_tokens < context_tokens:
        raise ValueError(f"{model.name} and a context of {context_tokens} do not fit on {devices} x {device.name}")
    bandwidth_b_s = devices * device.bandwidth_mb_s * 1_000 * reached_permille
    operations_s = devices * device.giga_operations_s * 1_000_000 * reached_permille
    operations_ns = 2 * model.active_parameters_m * 10**15 // operations_s
    return EngineProfile(
        name=f"{model.name} on {devices} x {device.name}",
        source=(
            f"computed: {device.source}; {model.source}; assumed: {reached_permille / 10:g} % of bandwidth and "
            f"arithmetic rate are reached, {memory_permille / 10:g} % of the memory may be used"
        ),
        iteration_ns=model.weights_mb * 10**15 // bandwidth_b_s,  # every expert is read: many tokens meet all of them
        sequence_ns=operations_ns,
        adapter_ns=0,
        prompt_token_ns=operations_ns,
        context_token_ns=2 * model.kv_values * 10**9 // bandwidth_b_s,
        slots=slots,
        batch_tokens=max(8_192, slots),
        block_tokens=block_tokens,
        kv_blocks=kv_blocks,
        context_tokens=context_tokens,
    )
