"""Versions of adapters that a configuration names: whether their files can be theirs, and how engines are told."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from config.errors import Problem
from config.finding import ProblemAt
from config.pool_section import AdapterSection, PoolSection
from config.yaml_tree import Loc
from inference.adapters.content import content_hash
from inference.adapters.errors import AdapterError
from inference.adapters.messages import LoadAdapter
from inference.text import name_and_version

CONFIG_FILE = "adapter_config.json"
FILES = (CONFIG_FILE, "adapter_model.safetensors")  # of an adapter as PEFT saves it
ALLOWED = f"a folder with an adapter as PEFT saves it: {' and '.join(FILES)}"


def load_of(adapter: str, section: AdapterSection, sha256: str) -> LoadAdapter:
    """Has engines load one that has files."""
    name, version = name_and_version(adapter)
    assert section.path is not None, "its server has it"
    return LoadAdapter(base=section.model, name=name, version=version, path=section.path, sha256=sha256)


def contents(
    pool: PoolSection, adapters: Mapping[str, AdapterSection], problem_at: ProblemAt
) -> tuple[dict[str, str], list[Problem]]:
    """Content hashes of those that have files, by name, and what is wrong with the others. A server's have none."""
    found: dict[str, str] = {}
    problems: list[Problem] = []
    for name, adapter in adapters.items():
        if adapter.path is None:
            continue
        at: Loc = ("pool", "adapters", name, "path")
        if slips := list(_slips(pool, adapter, Path(adapter.path))):
            problems += [problem_at(at, slip, allowed=allowed) for slip, allowed in slips]
            continue
        try:
            found[name] = content_hash(Path(adapter.path))
        except AdapterError as error:
            problems.append(problem_at(at, str(error), allowed=ALLOWED))
    return found, problems


def _slips(pool: PoolSection, adapter: AdapterSection, folder: Path) -> Iterator[tuple[str, str]]:
    """What is wrong with the files of an adapter, each with what is allowed."""
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        yield f"{folder} is no folder with an adapter: {missing[0]} is missing", ALLOWED
        return
    rank = _rank(folder / CONFIG_FILE)
    if rank is None:
        yield f"{folder / CONFIG_FILE} is no configuration of a LoRA adapter", "a LoRA adapter, with its rank as r"
        return
    for name, tier in pool.tiers.items():
        if tier.model == adapter.model and rank > tier.max_lora_rank:
            most = f"an adapter of rank {tier.max_lora_rank}, or pool.tiers.{name}.max_lora_rank of at least {rank}"
            yield f"{folder} has rank {rank}, and tier {name} takes {tier.max_lora_rank} at most", most


def _rank(path: Path) -> int | None:
    """The rank that PEFT wrote down; the largest where layers have their own."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(told, dict) or told.get("peft_type") != "LORA":
        return None
    ranks = [told.get("r"), *(told.get("rank_pattern") or {}).values()]
    return max(ranks) if all(type(each) is int and each > 0 for each in ranks) else None
