"""What the host of a modelled engine is told: `--engine inference.engines.modelled.serving:build`.

It keeps the time of the wall: a pool of such engines behaves as one of the engines that they model, on any laptop.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from inference.engines.modelled.clock import WallClock
from inference.engines.modelled.engine import ModelledEngine
from inference.engines.modelled.profile import TINY_ON_ONE_CORE, EngineProfile
from inference.text import ServedText

PROFILES: dict[str, EngineProfile] = {TINY_ON_ONE_CORE.name: TINY_ON_ONE_CORE}


class ModelledPlan(BaseModel):
    """Everything that is decided about a modelled engine before it starts."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    model: str = Field(min_length=1)  # by which requests call it
    profile: str = TINY_ON_ONE_CORE.name
    slots: PositiveInt | None = None  # None: those of the profile
    filler_tokens: tuple[PositiveInt, PositiveInt] = (32, 256)  # smallest and largest answer

    def engine_profile(self) -> EngineProfile:
        """The profile, with the slots that were asked for. Raises ValueError."""
        if self.profile not in PROFILES:
            raise ValueError(f"there is no profile {self.profile!r}; there are {', '.join(PROFILES)}")
        profile = PROFILES[self.profile]
        return profile if self.slots is None else replace(profile, slots=self.slots)


def build(plan: Mapping[str, Any]) -> ServedText:
    """Make the description of an engine. Raises ValueError for other keys, or values that do not fit."""
    try:
        checked = ModelledPlan.model_validate_json(_json(plan))
    except ValidationError as error:
        wrong = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise ValueError("; ".join(wrong)) from None
    profile = checked.engine_profile()

    def make() -> ModelledEngine:
        return ModelledEngine(profile, WallClock(), model=checked.model, filler_tokens=checked.filler_tokens)

    return ServedText(make=make, slots=profile.slots, models=(checked.model,), loads_first=True)


def _json(plan: Mapping[str, Any]) -> str:
    return json.dumps(dict(plan))
