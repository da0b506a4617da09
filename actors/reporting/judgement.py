"""Who judged in a run and, where it was a model, how often it had to be repaired or failed, by kind of decision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from actors.reporting.run_info import RunInfo
from actors.reporting.sprint_record import Tally
from actors.reporting.tallies import ANSWERED_BY, ASKED, FAILED, REPAIRED
from actors.reporting.team_history import TeamHistory


def judgement(info: RunInfo, histories: Sequence[TeamHistory]) -> dict[str, Any]:
    """The part of the final report about judgements; decisions and models are sorted by name."""
    if info.judgement != "model":
        return {"by": info.judgement}
    tally: Tally = Counter()
    for history in histories:
        tally.update(history.totals)
    asked, repaired, failed = (_named(tally, prefix) for prefix in (ASKED, REPAIRED, FAILED))
    return {
        "by": info.judgement,
        "models": _named(tally, ANSWERED_BY),
        "asked": sum(asked.values()),
        "repaired": sum(repaired.values()),
        "failed": sum(failed.values()),
        "answers_without_tokens": tally["answers_unmetered"],
        "decisions": {
            name: {"asked": count, "repaired": repaired.get(name, 0), "failed": failed.get(name, 0)}
            for name, count in asked.items()
        },
    }


def _named(tally: Tally, prefix: str) -> dict[str, int]:
    found = {name.removeprefix(prefix): count for name, count in tally.items() if name.startswith(prefix)}
    return dict(sorted(found.items()))
