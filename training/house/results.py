"""Files of measured judgements: tables with how they were measured. Nothing in them follows from the clock.

`evaluation.json` beside a model has what it said to held-out observations; `judgements.json` in a run has that as
`held_out`, and apart from it, as `in_run`, what was said in this run. The two are measured differently and never added.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from training.house.folder import HouseModelError, write_json
from training.house.intervals import RESAMPLES, Interval
from training.house.scoring import ENOUGH, OPINIONS, PLAYS, Line

EVALUATION = "evaluation.json"
JUDGEMENTS = "judgements.json"
METHOD: Mapping[str, Any] = {
    "agreement": f"share of {OPINIONS} answers of the behavioural policy to the same observation that decide the same; "
    "0 where the first answer is not legal",
    "random_agreement": f"the same, on average over {PLAYS} random plays, legal or not",
    "self_agreement": "of one of the policy's answers with another",
    "advantage": "agreement less random_agreement, decision by decision",
    "legal": "the first answer is possible in the observed state",
    "interval_of_shares": "Wilson, 95 %",
    "interval_of_means": f"percentile bootstrap over decisions, 95 %, {RESAMPLES} resamples",
    "enough": ENOUGH,
}
_INTERVALS = ("legal_share", "agreement", "random_agreement", "advantage")


def measured(lines: Sequence[Line], **how: Any) -> dict[str, Any]:
    """A table with what else is to be known of it."""
    kinds = [{**asdict(line), "is_above_random": line.is_above_random} for line in lines]
    decisions = next((line.decisions for line in lines if line.kind == "all"), 0)
    return {"decisions": decisions, "kinds": kinds, "method": dict(METHOD), **how}


def read_lines(found: Mapping[str, Any]) -> list[Line]:
    """The table that `measured` was given."""
    return [_line(one) for one in found["kinds"]]


def read_evaluation(model: Path) -> dict[str, Any]:
    """What the model said to held-out observations. Raises HouseModelError."""
    try:
        found: dict[str, Any] = json.loads((model / EVALUATION).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise HouseModelError(f"{model / EVALUATION} cannot be read: {error}") from None
    return found


def write_judgements(run: Path, *, in_run: Mapping[str, Any], held_out: Mapping[str, Any]) -> Path:
    """Write both tables into the folder of a run, one beside the other."""
    path = run / JUDGEMENTS
    write_json(path, {"in_run": dict(in_run), "held_out": dict(held_out)})
    return path


def _line(one: Mapping[str, Any]) -> Line:
    given = {key: value for key, value in one.items() if key != "is_above_random"}
    return Line(**given | {key: Interval(**given[key]) for key in _INTERVALS})
