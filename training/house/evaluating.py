"""Evaluates a house model on observations of runs that it never saw, through the engine that serves it in runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from actors.policy.calibration import shipped_calibration
from actors.policy.prompting.prompts import name_of
from config.streams import Stream
from inference.engines.loading import load_engine
from inference.text import ServedText
from training.house.asking import ask_all, engine_plan, reasons, request_for, text_in
from training.house.examples import EXAMPLES, shuffled
from training.house.folder import HouseModelError, prompts_digest, read_facts, weights_digest, write_json
from training.house.making import HELD_OUT_FIRST_SEED, house_prompts
from training.house.progress import Advance
from training.house.results import EVALUATION, measured
from training.house.scoring import OBSERVATIONS, RUNS, TEMPERATURE_PERMILLE, Line, Scorer, table
from training.house.transcripts import SPRINTS, Transcript, collect

_ENGINE = "inference.engines.vllm.serving:build"


def evaluate(
    model: Path,
    *,
    observations: int = OBSERVATIONS,
    temperature_permille: int = TEMPERATURE_PERMILLE,
    runs: int = RUNS,
    jobs: int = 2,
) -> list[Line]:
    """Ask the model about held-out observations, score it, and write the table beside it.

    Args:
        model: Folder of the model.
        observations: Of each kind of decision; all there are where they are fewer.
        temperature_permille: Of sampling; 0 takes the likeliest token each time.
        runs: That are simulated for their observations, with seeds that no training takes.
        jobs: Processes that simulate them side by side; nothing follows from it.

    Raises:
        HouseModelError: The folder holds no house model, or one for other prompts.
        EngineLostError: vLLM cannot run.
    """
    facts = read_facts(model)
    prompts, files = house_prompts()
    if facts["prompts_sha256"] != prompts_digest(files):
        raise HouseModelError(f"{model} was trained with other prompts than those of today; train it again")
    weights = weights_digest(model)
    with Advance("held-out runs") as advance:
        seeds = range(HELD_OUT_FIRST_SEED, HELD_OUT_FIRST_SEED + runs)
        chosen = few_of_each(collect(seeds, jobs=jobs, tell=advance.show), observations)
    requests = [request_for(prompts, one.asked.observation, temperature_permille) for one in chosen]
    served = load_engine(_ENGINE, engine_plan(model))
    assert isinstance(served, ServedText), "the builder of a text engine"
    with Advance("held-out decisions") as advance:
        replies = ask_all(served, requests, advance.show)
    scorer = Scorer(shipped_calibration())
    lines = table([scorer.score(one.asked, text_in(reply)) for one, reply in zip(chosen, replies, strict=True)])
    how = {
        "weights_sha256": weights,
        "temperature_permille": temperature_permille,
        "observations_of_each_kind": observations,
        "runs": {"first_seed": seeds.start, "number": runs, "sprints": SPRINTS},
        "ends": dict(reasons(replies)),
    }
    write_json(model / EVALUATION, measured(lines, **how))
    return lines


def few_of_each(transcripts: Sequence[Transcript], number: int) -> list[Transcript]:
    """So many of each kind, or all there are, spread over the runs."""
    stream = Stream(1, "house_evaluation")
    found: list[Transcript] = []
    for kind in EXAMPLES:
        of_kind = [one for one in transcripts if name_of(type(one.asked.observation)) == kind]
        found += shuffled(of_kind, stream, kind)[:number]
    return found
