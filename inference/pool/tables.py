"""A placement plan and the live state of a pool as tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from inference.pool.plan import PlacementPlan, PlannedEngine
from inference.text import PRIORITIES


def plan_table(plan: PlacementPlan) -> Table:
    """Each engine with its place."""
    table = Table(title="Placement", title_justify="left")
    for column in ("engine", "model", "host", "runs on", "share", "slots"):
        table.add_column(column, justify="right" if column in ("share", "slots") else "left", overflow="fold")
    for engine in plan.engines:
        share = f"{engine.memory_permille / 1000:g}" if engine.memory_permille else "-"
        slots = "-" if engine.slots is None else str(engine.slots)
        table.add_row(engine.name, _models(engine.serves.models), engine.host, _place(plan, engine), share, slots)
    return table


def role_table(tiers: Mapping[str, str]) -> Table:
    """Who is served by which tier."""
    table = Table(title="Roles", title_justify="left")
    table.add_column("who")
    table.add_column("tier")
    for who, tier in tiers.items():
        table.add_row(who, tier)
    return table


def adapter_table(adapters: Mapping[str, Mapping[str, Any]]) -> Table:
    """Versions of adapters that engines can load."""
    table = Table(title="Adapters", title_justify="left")
    for column in ("version", "model", "path"):
        table.add_column(column, overflow="fold")
    for name, adapter in adapters.items():
        table.add_row(name, adapter["model"], adapter["path"] or "(its server has it)")
    return table


def rollout_table(rollout: Sequence[Mapping[str, Any]]) -> Table:
    """Who is answered through which version, from when."""
    table = Table(title="Rollout", title_justify="left")
    for column in ("who", "model", "from sprint", "version"):
        table.add_column(column, justify="right" if column == "from sprint" else "left")
    for each in rollout:
        table.add_row(each["agent"], each["model"], str(each["from_sprint"]), each["adapter"] or "(the model itself)")
    return table


def state_table(state: Mapping[str, Any]) -> Table:
    """How a pool stands, from `PoolState.to_json`."""
    queued = ", ".join(f"{state['queued'][priority]} {priority}" for priority in PRIORITIES)
    table = Table(title=f"Pool (waiting: {queued})", title_justify="left")
    for column in ("engine", "status", "models", "adapters", "slots", "under way", "completed", "tokens"):
        table.add_column(column, justify="right" if column in ("slots", "under way", "completed", "tokens") else "left")
    for engine in state["engines"]:
        counters = engine["counters"] or {}
        table.add_row(
            engine["name"],
            engine["status"],
            _models(engine["models"]),
            ", ".join(engine["adapters"] or ()) or "-",
            str(engine["slots"]),
            str(engine["under_way"]),
            str(counters.get("completed", "-")),
            str(counters.get("completion_tokens", "-")),
        )
    return table


def _models(models: tuple[str, ...] | list[str] | None) -> str:
    return "(not told)" if models is None else ", ".join(models)


def _place(plan: PlacementPlan, engine: PlannedEngine) -> str:
    if engine.cores:
        return f"cores {', '.join(map(str, engine.cores))}"
    if not engine.devices:
        return str(engine.arguments.get("base_url", "any core"))
    gpus = {gpu.uuid: gpu for host in plan.hosts if host.name == engine.host for gpu in host.gpus}
    names = (
        f"GPU {gpus[uuid].index}" + ("" if uuid == str(gpus[uuid].index) else f" {uuid}") for uuid in engine.devices
    )
    return ", ".join(names)
