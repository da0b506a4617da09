"""Makes the house model: transcripts, examples, training, and what it says to observations of other runs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actors.policy.calibration import shipped_calibration
from actors.policy.prompting.prompts import Prompts, shipped_files
from actors.policy.prompting.templates import PromptFile, read_folder
from training.house import learning
from training.house.examples import EXAMPLES, examples
from training.house.folder import PROMPTS, check_target, prompts_digest, write_folder
from training.house.learning import Shape, Step
from training.house.progress import Advance
from training.house.transcripts import collect

RUNS = 24  # whose decisions are learned from
FIRST_SEED = 1_000  # of those runs; no run of `simulate-llm` is likely to have it
HELD_OUT_FIRST_SEED = 900_000
_HELD_OUT_RUNS = 3
_HELD_OUT_EXAMPLES = 25  # of each kind, for the loss
_CURVE_POINTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be made."""

    output: Path
    seed: int = 1
    jobs: int = 2  # runs that are simulated side by side
    runs: int = RUNS
    share_permille: int = 1000  # of the usual number of examples


def house_prompts() -> tuple[Prompts, dict[str, PromptFile]]:
    """The templates that the house model is asked with, and their texts. Raises PromptError."""
    files = {**shipped_files(), **read_folder(PROMPTS)}
    return Prompts(files), files


def make_model(order: Order) -> dict[str, Any]:
    """Train a model into a folder; returns how it came about, which is also written there.

    Raises:
        HouseModelError: The folder holds something else.
    """
    check_target(order.output)
    prompts, files = house_prompts()
    calibration = shipped_calibration()
    began_s = time.monotonic()
    with Advance("transcripts") as advance:
        seeds = range(FIRST_SEED, FIRST_SEED + order.runs)
        transcripts = collect(seeds, jobs=order.jobs, tell=advance.show)
    numbers = {kind: max(1, number * order.share_permille // 1000) for kind, number in EXAMPLES.items()}
    learned = examples(transcripts, prompts, calibration, seed=order.seed, numbers=numbers)
    shape, losses = Shape(), list[float]()
    with Advance("training") as advance:

        def tell(step: Step) -> None:
            losses.append(step.loss)
            advance.show(step.number, step.of, f"loss {_recent(losses):.3f}")

        model, tokenizer = learning.train(learned, shape, seed=order.seed, tell=tell)
    trained_s = time.monotonic()
    others = collect(range(HELD_OUT_FIRST_SEED, HELD_OUT_FIRST_SEED + _HELD_OUT_RUNS), jobs=order.jobs)
    few = dict.fromkeys(EXAMPLES, _HELD_OUT_EXAMPLES)
    held_out = examples(others, prompts, calibration, seed=order.seed, numbers=few)
    facts = {
        **learning.facts_of(model, tokenizer, shape),
        "seed": order.seed,
        "decisions": len(transcripts),
        "examples": len(learned),
        "steps": len(losses),
        "loss": _curve(losses),
        "held_out_loss": learning.held_out_loss(model, tokenizer, held_out),
        "prompts_sha256": prompts_digest(files),
    }
    write_folder(order.output, lambda folder: learning.save(model, tokenizer, folder), facts)
    return {**facts, "seconds": trained_s - began_s}


def _recent(losses: list[float]) -> float:
    last = losses[-20:]
    return sum(last) / len(last)


def _curve(losses: list[float]) -> list[float]:
    """The mean loss of up to a hundred equal stretches of the training."""
    width = max(1, -(-len(losses) // _CURVE_POINTS))
    parts = [losses[start : start + width] for start in range(0, len(losses), width)]
    return [round(sum(part) / len(part), 4) for part in parts]
