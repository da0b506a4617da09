"""`python -m inference plan`: which engine goes onto which devices."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from config.errors import ConfigError, Problem
from config.loader import LoadedConfig, load_config
from inference.pool.devices import DeviceError, declared_hosts, this_host
from inference.pool.placement import place
from inference.pool.plan import PlacementError, PlacementPlan
from inference.pool.roles import rollout_of_agents, tiers_of_agents
from inference.pool.tables import adapter_table, plan_table, role_table, rollout_table

_EXAMPLE = """example:
  python -m inference plan --config team.yaml
  python -m inference plan --config team.yaml --json pool.tiers.large.tensor_parallel=4
"""


def main(argv: Sequence[str]) -> int:
    """Print the plan of a configuration; 2 for one that cannot be read or placed."""
    args = _parse(argv)
    try:
        loaded = load_config(args.config, overrides=args.overrides)
        plan = planned(loaded, file=str(args.config or "command line"))
    except (ConfigError, DeviceError) as error:
        print(error, file=sys.stderr)
        return 2
    tiers, rollout = tiers_of_agents(loaded.config), rollout_of_agents(loaded.config)
    adapters = {name: each.model_dump(mode="json") for name, each in loaded.config.pool.adapters.items()}
    if args.json:
        told = {"roles": tiers, "adapters": adapters, "rollout": rollout}
        print(json.dumps(plan.to_json() | told, indent=2, sort_keys=True))
        return 0
    console = Console()
    console.print(plan_table(plan))
    console.print(role_table(tiers))
    if adapters:
        console.print(adapter_table(adapters))
    if rollout:
        console.print(rollout_table(rollout))
    return 0


def planned(loaded: LoadedConfig, *, file: str = "configuration") -> PlacementPlan:
    """The plan of a configuration on this machine and those that it declares. Raises ConfigError, DeviceError."""
    pool = loaded.config.pool
    if not pool.tiers:
        allowed = "at least one tier, for instance small"
        raise ConfigError((Problem(file=file, line=0, key="pool.tiers", message="is empty", allowed=allowed),))
    try:
        return place(pool, (this_host(), *declared_hosts(pool.hosts)))
    except PlacementError as error:
        problems = [
            loaded.problem_at(("pool", *each.key), each.message, allowed=each.allowed) for each in error.problems
        ]
        raise ConfigError(tuple(problems)) from None


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m inference plan",
        description="Print which engine goes onto which devices.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, help="configuration with a pool section")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings laid over the configuration")
    return parser.parse_args(argv)
