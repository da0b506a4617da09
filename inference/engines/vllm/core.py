"""vLLM's engine in this process: everything that is called of it is called here.

Made for exactly the version that `inference.setup_check` names; it uses parts that vLLM does not publish, each marked
"unpublished", and tests/inference/engines/test_vllm.py notices when one of them changes.
"""

from __future__ import annotations

import gc
import tempfile
from pathlib import Path
from typing import Any, ClassVar

from inference.engines.vllm import processors
from inference.engines.vllm.environment import prepare_process
from inference.engines.vllm.grammars import constraint
from inference.engines.vllm.plan import VllmPlan
from inference.engines.vllm.prompts import Tokenizer
from inference.engines.vllm.replies import Written
from inference.setup_check import SetupError, check_setup, installed_versions
from inference.text import PRIORITIES, EngineLostError, GenerateText, Wanted

_SEED_BITS = (1 << 63) - 1
_BASE = "base"


class Weights:
    """An adapter as vLLM knows it. Equal names mean equal weights: the prefix cache relies on it."""

    def __init__(self, number: int, name: str, path: str) -> None:
        self.number, self.name, self.path = number, name, path


class RefusedByVllmError(Exception):
    """Raised for a request, or an adapter, that vLLM does not take; nothing was changed."""


class Core:
    """One `LLMEngine`. Started once; driven by one thread.

    A process has one at a time: vLLM keeps its groups of devices for the process, and ends them with any engine.
    """

    _is_in_process: ClassVar[bool] = False

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
        if Core._is_in_process:
            raise EngineLostError("this process has an engine of vLLM already, and cannot have two")
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
        Core._is_in_process = True

    def _start(self) -> None:
        from vllm import EngineArgs, LLMEngine
        from vllm.platforms import current_platform

        is_cpu = current_platform.is_cpu()
        if is_cpu and self.plan.is_batch_invariant and self.plan.dtype in ("bfloat16", "float16"):
            raise EngineLostError(
                f"with {self.plan.dtype} on processors texts depend on what is beside them; "
                "take float32, or say is_batch_invariant: false"
            )
        if is_cpu:
            processors.settle_torch(self.plan.threads)
        self._engine = LLMEngine.from_engine_args(EngineArgs(**engine_arguments(self.plan, is_cpu=is_cpu)))
        self.tokenizer = self._engine.get_tokenizer()
        if is_cpu:
            self._engine.collective_rpc(processors.give_each_row_company)
            self._base = self._base_adapter() if self.plan.adapter_slots else None

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
        except Exception as error:
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
        scheduled = self._engine.engine_core.engine_core.scheduler.requests.get(name)  # unpublished
        ids = list(state.detokenizer.output_token_ids)
        was_read = bool(ids) or scheduled is None or scheduled.num_computed_tokens > 0
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
            Core._is_in_process = False
            engine.engine_core.shutdown()
            del engine
            gc.collect()  # it holds itself in circles
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _base_adapter(self) -> Any:
        """An adapter that changes nothing, to serve the base model through; see `processors`."""
        self._folder = tempfile.TemporaryDirectory(prefix="scrummage-base-adapter-")
        module = self._engine.collective_rpc(processors.adapted_layer)[0]
        processors.write_zero_adapter(Path(self._folder.name), module)
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
        "use_tqdm_on_load": False,
        "tensor_parallel_size": plan.tensor_parallel,
    }
    if plan.adapter_slots:
        own = 1 if is_cpu else 0  # for the base model
        found |= {
            "enable_lora": True,
            "max_loras": plan.adapter_slots + own,
            "max_cpu_loras": plan.room + own,
            "max_lora_rank": plan.lora_rank,
        }
    if is_cpu:
        return found | processors.arguments(plan)
    found["gpu_memory_utilization"] = plan.memory_share
    if plan.kv_cache_mib:
        found["kv_cache_memory_bytes"] = plan.kv_cache_mib << 20
    return found


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
        structured_outputs=StructuredOutputsParams(**constraint(request.schema)) if request.schema else None,
        output_kind=RequestOutputKind.CUMULATIVE if wanted.stream else RequestOutputKind.FINAL_ONLY,
    )


def _lora(weights: Weights) -> Any:
    from vllm.lora.request import LoRARequest

    return LoRARequest(weights.name, weights.number, weights.path)


def _line(error: Exception) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:300]
