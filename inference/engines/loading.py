"""Finding an engine by its dotted name, so that this package imports none of the packages above it.

EngineLoadError     the name leads nowhere, or its plan is refused
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from brokers.wire.packing import unpack
from brokers.wire.registry import WireError
from inference.engine import Served
from inference.text import ServedText


class EngineLoadError(Exception):
    """Raised when an engine cannot be made from its dotted name and plan."""


def load_engine(dotted: str, plan: Mapping[str, Any]) -> Served | ServedText:
    """Call the builder `package.module:function` with the plan. Raises EngineLoadError."""
    module_name, _, function_name = dotted.partition(":")
    try:
        builder = getattr(importlib.import_module(module_name), function_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise EngineLoadError(f"no engine builder {dotted!r}: {error}") from error
    try:
        served = builder(plan)
    except ValueError as error:
        raise EngineLoadError(f"{dotted} refuses its plan: {error}") from error
    if not isinstance(served, (Served, ServedText)):
        raise EngineLoadError(f"{dotted} returned {type(served).__name__} and not Served")
    return served


def read_plan(path: Path) -> dict[str, Any]:
    """The builder's arguments from a file: JSON where its name ends so, else msgpack. Raises EngineLoadError."""
    try:
        data = path.read_bytes()
        plan = json.loads(data) if path.suffix == ".json" else unpack(data)
    except (OSError, ValueError, WireError) as error:
        raise EngineLoadError(f"the plan {path} cannot be read: {error}") from error
    if not isinstance(plan, dict):
        raise EngineLoadError(f"the plan {path} must be a map")
    return plan
