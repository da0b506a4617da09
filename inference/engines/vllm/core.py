"""vLLM's engine in this process: everything that is called of it is called here.

Made for exactly the version that `inference.setup_check` names; it uses three parts that vLLM does not publish, each
marked, and tests/inference/engines/test_vllm.py notices when one of them changes.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from inference.engines.vllm.environment import prepare_process
from inference.engines.vllm.plan import VllmPlan
from inference.engines.vllm.prompts import Tokenizer
from inference.engines.vllm.replies import Written
from inference.setup_check import SetupError, check_setup, installed_versions
from inference.text import PRIORITIES, EngineLostError, GenerateText, Wanted

_SEED_BITS = (1 << 63) - 1
_CPU_BLOCK_TOKENS = 32  # of the prefix cache; kernels for processors want a multiple
_BASE = "base"


class Weights:
    """An adapter as vLLM knows it. Equal names mean equal weights: the prefix cache relies on it."""

    def __init__(self, number: int, name: str, path: str) -> None:
        self.number, self.name, self.path = number, name, path


class RefusedByVllmError(ValueError):
    """Raised for a request, or an adapter, that vLLM does not take; nothing was changed."""


class Core:
    """One `LLMEngine`. Started once; driven by one thread."""

    def __init__(self, plan: VllmPlan) -> None:
        self.plan = plan
        self.tokenizer: Tokenizer
        self._engine: Any = None
        self._base: Any = None  # the adapter without effect that stands for the base model
        self._last_number = 0
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @property
    def is_started(self) -> bool:
        """Whether there is an engine."""
        return self._engine is not None

    def next_number(self) -> int:
        """A number for weights that no weights had before: vLLM keeps what it once loaded under a number."""
        self._last_number += 1
        return self._last_number

    def start(self) -> None:
        """Load the model. Raises EngineLostError."""
        try:
            build = check_setup(installed_versions())
        except SetupError as error:
            raise EngineLostError(f"vLLM cannot run: {error}") from None
        prepare_process(self.plan, build)
        try:
            self._start()
        except EngineLostError:
            raise
        except Exception as error:
            raise EngineLostError(f"vLLM cannot serve {self.plan.model}: {_line(error)}") from error

    def _start(self) -> None:
        from vllm import EngineArgs, LLMEngine
        from vllm.platforms import current_platform

        is_cpu = current_platform.is_cpu()
        self._engine = LLMEngine.from_engine_args(EngineArgs(**engine_arguments(self.plan, is_cpu=is_cpu)))
        self.tokenizer = self._engine.get_tokenizer()
        if is_cpu and self.plan.adapter_slots:
            self._base = self._base_adapter()

    def submit(
        self, ticket: str, token_ids: list[int], request: GenerateText, seed: int, weights: Weights | None
    ) -> str:
        """Begin with a request; joins those under way. Returns its name in here.

        Raises:
            RefusedByVllmError: vLLM cannot do what is asked.
        """
        from vllm.inputs import tokens_input

        try:
            name: str = self._engine.add_request(
                ticket,
                tokens_input(token_ids),
                _sampling(request, seed),
                lora_request=_lora(weights) if weights else self._base,
                priority=PRIORITIES.index(request.priority),
            )
        except (ValueError, TypeError, NotImplementedError) as error:
            raise RefusedByVllmError(_line(error)) from error
        return name

    def step(self) -> list[Any]:
        """One pass over the model. vLLM's `RequestOutput` of each request that is finished or streamed.

        Raises:
            EngineLostError: vLLM broke.
        """
        try:
            outputs: list[Any] = self._engine.step()
        except Exception as error:
            raise EngineLostError(f"vLLM broke: {_line(error)}") from error
        return outputs

    def abort(self, name: str) -> Written:
        """End a request; what there was of its answer."""
        state = self._engine.output_processor.request_states[name]  # unpublished: vLLM tells nothing of ended requests
        scheduled = self._engine.engine_core.engine_core.scheduler.requests[name]  # unpublished
        ids = list(state.detokenizer.output_token_ids)
        was_read = bool(ids) or scheduled.num_computed_tokens > 0
        written = Written(
            text=state.detokenizer.output_text,
            token_ids=ids,
            logprobs=state.logprobs_processor.logprobs,
            prompt_token_ids=state.prompt_token_ids,
            cached_tokens=state.num_cached_tokens,
            prompt_tokens=len(state.prompt_token_ids) if was_read else 0,
        )
        self._engine.abort_request([name], internal=True)
        return written

    def load(self, weights: Weights) -> None:
        """Bring an adapter into memory. Raises RefusedByVllmError."""
        try:
            self._engine.add_lora(_lora(weights))
        except Exception as error:
            raise RefusedByVllmError(_line(error)) from error

    def remove(self, number: int) -> None:
        """Drop an adapter that no request uses."""
        self._engine.remove_lora(number)

    def close(self) -> None:
        """Let go of model and memory; may be called again."""
        engine, self._engine, self._base = self._engine, None, None
        if engine is not None:
            from vllm.distributed import cleanup_dist_env_and_memory

            engine.engine_core.shutdown()
            del engine
            cleanup_dist_env_and_memory()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _base_adapter(self) -> Any:
        """An adapter that changes nothing, to serve the base model through.

        On processors, requests without an adapter read the last adapter slot in passes that hold requests with one,
        and are answered with its weights (vLLM 0.32, lora/ops/torch_ops; pull requests 48421 and 49656).
        """
        self._folder = tempfile.TemporaryDirectory(prefix="scrummage-base-adapter-")
        modules, packed = self._engine.collective_rpc(_adapted_modules)[0]
        write_zero_adapter(Path(self._folder.name), packed.get(modules[0], modules)[0])
        weights = Weights(self.next_number(), _BASE, self._folder.name)
        self.load(weights)
        return _lora(weights)


def engine_arguments(plan: VllmPlan, *, is_cpu: bool) -> dict[str, Any]:
    """vLLM's `EngineArgs` for a plan."""
    found: dict[str, Any] = {
        "model": plan.model,
        "served_model_name": [plan.served_name],
        "dtype": plan.dtype,
        "seed": 0,
        "max_model_len": plan.context_tokens,
        "max_num_seqs": plan.slots,
        "max_num_batched_tokens": plan.batch_tokens,
        "enable_prefix_caching": True,
        "scheduling_policy": "priority",
        "generation_config": "vllm",  # what a request leaves open is not filled in from the model's folder
        "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
        "disable_log_stats": True,
        "tensor_parallel_size": plan.tensor_parallel,
    }
    if plan.adapter_slots:
        own = 1 if is_cpu else 0  # for the base model
        found |= {
            "enable_lora": True,
            "max_loras": plan.adapter_slots + own,
            "max_cpu_loras": plan.adapters_kept + own,
            "max_lora_rank": plan.max_lora_rank,
        }
    if is_cpu:
        return found | _cpu_arguments(plan)
    found["gpu_memory_utilization"] = plan.memory_share
    if plan.kv_cache_mib:
        found["kv_cache_memory_bytes"] = plan.kv_cache_mib << 20
    return found


def _cpu_arguments(plan: VllmPlan) -> dict[str, Any]:
    return {
        "enforce_eager": True,
        "block_size": _CPU_BLOCK_TOKENS,
        "kv_cache_memory_bytes": plan.cpu_kv_cache_mib << 20,
        # vLLM would take bfloat16, whose sums depend on what else is in a pass; float32 showed no such difference
        "dtype": "float32" if plan.dtype == "auto" else plan.dtype,
        # a prompt that is read in parts rewinds its request's seed, which torch cannot do on processors (vLLM 0.32
        # breaks: "CPU Generator does not use offset"), so each prompt must fit into one pass
        "enable_chunked_prefill": False,
        "max_num_batched_tokens": max(plan.batch_tokens, plan.context_tokens),
    }


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


def _adapted_modules(worker: Any) -> tuple[list[str], dict[str, list[str]]]:
    manager = worker.model_runner.lora_manager._adapter_manager  # unpublished
    return sorted(manager.supported_lora_modules), dict(manager.packed_modules_mapping)


def _sampling(request: GenerateText, seed: int) -> Any:
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams

    wanted = request.wanted or Wanted()
    return SamplingParams(
        max_tokens=request.max_tokens,
        temperature=request.temperature_permille / 1000,
        top_p=wanted.top_p_permille / 1000,
        seed=seed & _SEED_BITS,
        stop=list(wanted.stop),
        logprobs=wanted.logprobs,
        structured_outputs=StructuredOutputsParams(json=request.schema) if request.schema else None,
        output_kind=RequestOutputKind.CUMULATIVE if wanted.stream else RequestOutputKind.FINAL_ONLY,
    )


def _lora(weights: Weights) -> Any:
    from vllm.lora.request import LoRARequest

    return LoRARequest(weights.name, weights.number, weights.path)


def _line(error: Exception) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:300]
