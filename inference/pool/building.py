"""How the engines of a tier are made: which builder, with which arguments, in which environment. Pure.

Builders are named and not imported: vLLM, torch and HTTP load inside the engine's process only.
"""

from __future__ import annotations

from typing import Any

from config.pool_section import TierSection
from inference.pool.plan import PlannedEngine
from inference.pool.state import Serves

BUILDERS = {
    "vllm": "inference.engines.vllm.serving:build",
    "openai": "inference.engines.openai_serving:build",
    "modelled": "inference.engines.modelled.serving:build",
}


def engine_of(
    name: str, tier: str, section: TierSection, *, devices: tuple[str, ...] = (), cores: tuple[int, ...] = ()
) -> PlannedEngine:
    """An engine of a tier, without its place."""
    return PlannedEngine(
        name=name,
        tier=tier,
        builder=BUILDERS[section.engine],
        arguments=_arguments(section, devices, cores),
        serves=Serves((section.model,)),
        slots=section.slots,
        devices=devices,
        cores=cores,
        loads_first=section.engine != "openai",  # a server need not be there before it is asked
    )


def base_url_of(section: TierSection) -> str:
    """The address of a tier's server, up to and with the version of its interface."""
    address = (section.endpoint or "").rstrip("/")
    return address if address.endswith("/v1") else f"{address}/v1"


def gpu_environment(devices: tuple[str, ...]) -> dict[str, str]:
    """What a process must find before its first import of CUDA: just these devices, by names that do not move."""
    return {"CUDA_VISIBLE_DEVICES": ",".join(devices), "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}


def cpu_environment(cores: tuple[int, ...]) -> dict[str, str]:
    """No GPU, and a thread for each core; the process is bound to its cores as a whole."""
    return {
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": str(max(1, len(cores))),
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    }


def _arguments(section: TierSection, devices: tuple[str, ...], cores: tuple[int, ...]) -> dict[str, Any]:
    match section.engine:
        case "openai":
            return {
                "base_url": base_url_of(section),
                "token_file": section.token_file or "",
                "models": [section.model],
            }
        case "modelled":
            return {"model": section.model, "slots": section.slots}
        case "vllm":
            return {
                "model": section.path or section.model,
                "served_name": section.model,
                "slots": section.slots,
                "context_tokens": section.context_tokens,
                "kv_cache_mib": section.kv_cache_mib,
                "batch_tokens": section.most_batch_tokens,
                "dtype": section.dtype,
                "is_batch_invariant": section.is_batch_invariant,
                "adapter_slots": section.adapter_slots,
                "max_lora_rank": section.max_lora_rank,
                "tensor_parallel": section.tensor_parallel,
                "memory_share": section.memory_share,
                "devices": list(devices),
                "cores": list(cores),
            }
