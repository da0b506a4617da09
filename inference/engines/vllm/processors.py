"""What vLLM 0.32 needs on processors to give right answers that do not depend on what else is under way.

Three faults are met here, each held by a test that shows it:

- A request without an adapter reads the last adapter slot in a pass that also holds requests with one, and is answered
  with its weights (`lora/ops/torch_ops`; pull requests 48421 and 49656). So the base model is served through an
  adapter without effect.
- A prompt that is read in parts rewinds the generator of its request's seed, which torch cannot do on processors
  ("CPU Generator does not use offset"). So each prompt is read in one pass.
- oneDNN adds up a layer's sums in another order for a single row than for two or more. So a row never comes alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from inference.engines.vllm.plan import VllmPlan

_BLOCK_TOKENS = 32  # of the prefix cache; kernels for processors want a multiple


def arguments(plan: VllmPlan) -> dict[str, Any]:
    """Of vLLM's `EngineArgs` those that differ on processors."""
    return {
        "enforce_eager": True,
        "block_size": _BLOCK_TOKENS,
        "kv_cache_memory_bytes": plan.cpu_kv_cache_mib << 20,
        # vLLM would make it bfloat16, with whose sums texts depend on what else is in a pass
        "dtype": "float32" if plan.dtype == "auto" else plan.dtype,
        "enable_chunked_prefill": False,
        "max_num_batched_tokens": max(plan.batch_tokens, plan.context_tokens),
    }


def settle_torch(threads: int) -> None:
    """What the environment says, said again: a process that loaded torch before has not read it."""
    import torch
    from torch import _dynamo

    torch.set_num_threads(threads)
    _dynamo.config.disable = True


def write_zero_adapter(folder: Path, module: str) -> None:
    """Write an adapter without effect: its only weights are two zeros, for a layer that no model has.

    vLLM sets the weights of every layer that an adapter leaves out to zero, and refuses one that names no layer at all.
    `module` is the last part of the name of a layer that the model's adapters may change.
    """
    import numpy as np
    from safetensors.numpy import save_file

    zero = np.zeros((1, 1), np.float32)
    name = f"base_model.model.no_such_layer.{module}"
    save_file({f"{name}.lora_A.weight": zero, f"{name}.lora_B.weight": zero}, folder / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": 1, "lora_alpha": 1, "target_modules": [module]}
    (folder / "adapter_config.json").write_text(json.dumps(config))


def adapted_layer(worker: Any) -> str:
    """The last part of the name of a layer that this model's adapters may change; called in vLLM's worker."""
    manager = worker.model_runner.lora_manager._adapter_manager  # unpublished
    first: str = min(manager.supported_lora_modules)
    parts: list[str] = manager.packed_modules_mapping.get(first, [first])
    return parts[0]


def give_each_row_company(worker: Any) -> int:
    """Let no layer see a single row; called in vLLM's worker. How many layers there are."""
    layers = [layer for layer in worker.model_runner.model.modules() if hasattr(layer, "cpu_linear")]  # unpublished
    for layer in layers:
        layer.cpu_linear = _with_company(layer.cpu_linear)
    return len(layers)


def _with_company(linear: Callable[..., Any]) -> Callable[..., Any]:
    def accompanied(rows: Any, weight: Any, bias: Any) -> Any:
        if rows.shape[0] != 1:
            return linear(rows, weight, bias)
        return linear(rows.repeat(2, *[1] * (rows.dim() - 1)), weight, bias)[:1]

    return accompanied
