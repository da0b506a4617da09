"""What the host of a vLLM engine is told: `--engine inference.engines.vllm.serving:build`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inference.engines.vllm.core import Core
from inference.engines.vllm.engine import VllmEngine
from inference.engines.vllm.plan import read_vllm_plan
from inference.text import ServedText


def build(plan: Mapping[str, Any]) -> ServedText:
    """Make the description of an engine; torch and vllm load when it starts.

    Args:
        plan: The fields of `VllmPlan`.
    Raises:
        ValueError: The plan has other keys, or values that do not fit; names each.
    """
    checked = read_vllm_plan(plan)
    return ServedText(
        make=lambda: VllmEngine(Core(checked)), slots=checked.slots, models=(checked.served_name,), loads_first=True
    )
