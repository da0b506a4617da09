"""What an engine of vLLM is told when it is placed: which model, how large, on which cores or devices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError, model_validator

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)  # those that vLLM takes as the largest
_KEPT = 32
_CPU_KV_CACHE_MIB = 256


class AdapterPlan(BaseModel):
    """A version of an adapter that is loaded when the engine starts."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Annotated[str, Field(min_length=1)]
    version: PositiveInt
    path: Annotated[str, Field(min_length=1)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class VllmPlan(BaseModel):
    """Everything that is decided about an engine before it starts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Annotated[str, Field(min_length=1)]  # a folder, or a name in the model hub
    served_name: Annotated[str, Field(min_length=1)]  # what requests call it
    slots: PositiveInt = 32  # requests that it works on at once
    context_tokens: Annotated[int, Field(ge=2)] = 4_096  # of prompt and answer
    kv_cache_mib: PositiveInt | None = None  # None: what the memory share leaves; on processors 256
    batch_tokens: PositiveInt = 2_048  # of all requests in one pass over the model
    max_lora_rank: Annotated[int, Field(ge=1, le=RANKS[-1])] = 16  # cost follows it, whatever the adapters' own ranks
    adapter_slots: Annotated[int, Field(ge=0)] = 0  # versions in one pass at once; 0: the base model only
    adapters_kept: PositiveInt | None = None  # versions that may be loaded, those that only finish their work too
    adapters: tuple[AdapterPlan, ...] = ()
    cores: tuple[Annotated[int, Field(ge=0)], ...] = ()  # of the processor; empty: one thread, anywhere
    devices: tuple[int | str, ...] = ()  # GPUs by number or UUID; empty: those that the process sees
    tensor_parallel: PositiveInt = 1  # devices that share one model
    memory_share: Annotated[float, Field(gt=0, le=1)] = 0.9  # of each device
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    is_batch_invariant: bool = True  # texts do not depend on what is beside them; costs speed on GPUs, memory elsewhere

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.batch_tokens < self.slots:
            raise ValueError(f"batch_tokens ({self.batch_tokens}) must hold one token of each slot ({self.slots})")
        if self.devices and len(self.devices) != self.tensor_parallel:
            raise ValueError(f"tensor_parallel is {self.tensor_parallel}, and there are {len(self.devices)} devices")
        if self.adapters and not self.adapter_slots:
            raise ValueError("adapters need adapter_slots of at least 1")
        if self.room < max(self.adapter_slots, len(self.adapters)):
            raise ValueError(f"adapters_kept ({self.room}) must hold adapters and adapter_slots")
        named = [(adapter.name, adapter.version) for adapter in self.adapters]
        if len(set(named)) < len(named):
            raise ValueError("a version of an adapter is named twice")
        if len(set(self.cores)) < len(self.cores) or len(set(self.devices)) < len(self.devices):
            raise ValueError("a core or a device is named twice")
        return self

    @property
    def threads(self) -> int:
        """Threads that compute, on processors. Texts may depend on their number."""
        return max(1, len(self.cores))

    @property
    def room(self) -> int:
        """How many versions may be loaded."""
        return self.adapters_kept or max(_KEPT, 2 * self.adapter_slots, len(self.adapters))

    @property
    def lora_rank(self) -> int:
        """The largest rank that is asked of vLLM: that of the plan, or the next that it takes."""
        return next(rank for rank in RANKS if rank >= self.max_lora_rank)

    @property
    def cpu_kv_cache_mib(self) -> int:
        """Memory for keys and values where there is no device whose memory could be shared."""
        return self.kv_cache_mib or _CPU_KV_CACHE_MIB


def read_vllm_plan(plan: Mapping[str, Any]) -> VllmPlan:
    """Check a plan. Raises ValueError that names every key that is wrong."""
    try:
        return VllmPlan.model_validate(dict(plan))
    except ValidationError as error:
        found = (
            f"{'.'.join(map(str, each['loc'])) or 'plan'}: {each['msg'].removeprefix('Value error, ')}"
            for each in error.errors(include_url=False, include_input=False)
        )
        raise ValueError("; ".join(found)) from None
