"""The behavioural engine: answers every judgement by calibrated rules and keyed draws, without a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actors.policy import decisions
from actors.policy.calibration import Calibration, parse_calibration, shipped_calibration
from actors.policy.decisions import Decide, Decided
from actors.policy.dice import Dice
from actors.policy.judgements import judge
from brokers.wire.registry import Message, Registry
from inference import messages
from inference.engine import RequestError, Served


class BehaviouralEngine:
    """Decides as calibrated people do. The run's seed and the decision's own key name every draw.

    The seed that comes with a request is not used: an answer depends on what is decided, not on how often was asked.
    """

    name = "behavioural"

    def __init__(self, seed: int, calibration: Calibration) -> None:
        self._seed = seed
        self._calibration = calibration

    def start(self) -> None:
        """Nothing to load."""

    def answer(self, request: Message, seed: int) -> Message:
        """Decide. Raises RequestError for anything that is no decision of `decisions`."""
        if not isinstance(request, Decide):
            raise RequestError(f"{request.KIND} is not a decision")
        dice = Dice(self._seed, request.agent, request.key)
        answer = judge(request.observation, self._calibration, dice)
        return Decided(answer=answer, engine=self.name, prompt_tokens=None, completion_tokens=None)

    def close(self) -> None:
        """Nothing to let go of."""


def build_registry() -> Registry:
    """The messages that travel to and from a behavioural engine."""
    registry = Registry()
    registry.register_module(decisions, messages)
    return registry


def build(plan: Mapping[str, Any]) -> Served:
    """Make the engine of an engine process.

    Args:
        plan: `seed` is the run's seed; `calibration` the text of a calibration file, the shipped one if it is left out.
    Raises:
        ValueError: The plan has other keys, or a value of another type.
        CalibrationError: The calibration cannot be used.
    """
    text = plan.get("calibration")
    if not plan.keys() <= {"seed", "calibration"} or type(plan.get("seed")) is not int:
        raise ValueError("the plan of a behavioural engine is {seed: int, calibration?: text}")
    if text is not None and not isinstance(text, str):
        raise ValueError("calibration must be the text of a calibration file")
    calibration = shipped_calibration() if text is None else parse_calibration(text)
    return Served(engine=BehaviouralEngine(plan["seed"], calibration), registry=build_registry())
