"""Which models are served by which engines on which devices (`pool:`)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from config.section import Identifier, NonEmptyText, Section, ShortText, Words

_KEY = r"^[A-Za-z0-9][A-Za-z0-9_+-]*$"
RoleName = Annotated[
    str,
    Field(pattern=_KEY, max_length=64),
    Words("an agent id or the end of one, a role_archetype, a seniority, or both as in junior_developer"),
]
VersionName = Annotated[
    str,
    Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?@[1-9][0-9]{0,8}$"),
    Words("a name of small letters, digits and -, with a version, for instance reviewer@3"),
]
MemoryShare = Annotated[float, Field(gt=0, le=1), Words("a number above 0, up to 1")]


class TierSection(Section):
    """One model and the engines that serve it (`pool.tiers.<name>:`)."""

    model: NonEmptyText  # the name by which requests call it
    engine: Literal["vllm", "openai", "modelled"] = "vllm"
    path: str | None = None  # folder with the model's files; none means the model's name in the model hub
    endpoint: str | None = None  # address of an OpenAI-compatible server, for engine: openai
    token_file: str | None = None  # path of a file that holds that server's bearer token and nothing else
    engines: Annotated[int, Field(ge=1, le=64)] = 1  # processes that serve this model
    tensor_parallel: Annotated[int, Field(ge=1, le=64)] = 1  # GPUs of one host over which each engine is spread
    memory_share: MemoryShare = 0.85  # of the memory of each of those GPUs; several engines may share one
    cores: PositiveInt | None = None  # each engine runs on so many cores of its own; none means on GPUs
    slots: Annotated[int, Field(ge=1, le=4096)] = 32  # requests that each engine works on at once
    context_tokens: Annotated[int, Field(ge=2)] = 8192  # of prompt and answer
    adapter_slots: Annotated[int, Field(ge=0, le=64)] = 0  # LoRA adapters in one pass; 0 means none can be loaded
    max_lora_rank: Annotated[int, Field(ge=1, le=512)] = 16  # largest rank of an adapter


class AdapterSection(Section):
    """One version of a LoRA adapter; it never changes (`pool.adapters.<id>:`, the id being `name@version`)."""

    model: NonEmptyText  # that it adapts, by the name under which a tier serves it
    path: str | None = None  # folder as PEFT saves it; none for tiers whose server has it, under name@version


class RolloutSection(Section):
    """Who is answered through which version, and from when (`pool.rollout[]:`)."""

    adapter: VersionName | None  # none means the model without an adapter
    roles: tuple[RoleName, ...] = ()  # none means everybody who asks the adapter's model
    from_sprint: Annotated[int, Field(ge=1)] = 1  # decisions that begin in this sprint or later


class PoolHostSection(Section):
    """A machine that is not this one, as far as it may be used (`pool.hosts.<name>:`)."""

    gpus: Annotated[int, Field(ge=0, le=64)] = 0
    gpu_name: ShortText = ""
    gpu_memory_gib: PositiveInt = 80  # of each
    cores: Annotated[int, Field(ge=0, le=4096)] = 0


class PoolSection(Section):
    """The engines of a run and how requests are shared out among them (`pool:`)."""

    tiers: dict[Identifier, TierSection] = Field(default_factory=dict)  # usually large, medium and small
    roles: dict[RoleName, Identifier] = Field(default_factory=dict)  # who is served by which tier
    adapters: dict[VersionName, AdapterSection] = Field(default_factory=dict)  # versions that engines can load
    rollout: tuple[RolloutSection, ...] = ()  # who is answered through them; the last entry that fits counts
    hosts: dict[Identifier, PoolHostSection] = Field(default_factory=dict)  # other machines; this one is looked at
    reserve: Annotated[int, Field(ge=0, le=4096)] = 4  # slots of each model that trainer and batch leave to agents
    lease_s: PositiveFloat = 30.0  # wall seconds of silence after which an engine is given up
    max_restarts: Annotated[int, Field(ge=0, le=1000)] = 20  # of one engine, in a row
