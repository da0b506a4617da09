"""Who judged and who wrote in a run and, where it was a model, what it took: repairs, failures, tokens, tool calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from actors.reporting.run_info import RunInfo
from actors.reporting.sprint_record import Tally
from actors.reporting.tallies import (
    ANSWERED_BY,
    ASKED,
    COMPLETION,
    FAILED,
    METERED,
    PROMPT,
    REPAIRED,
    TOOL_REFUSED,
    TOOL_USED,
    WORN,
    WORN_WRITING,
    WRITE_CODE,
    WRITTEN_BY,
)
from actors.reporting.team_history import TeamHistory


def judgement(info: RunInfo, histories: Sequence[TeamHistory]) -> dict[str, Any]:
    """The part of the final report about judgements; decisions, models and adapters are sorted by name."""
    if info.judgement != "model":
        return {"by": info.judgement}
    tally = _whole(histories)
    asked, repaired, failed = (_judged(_named(tally, prefix)) for prefix in (ASKED, REPAIRED, FAILED))
    return {
        "by": info.judgement,
        "models": _named(tally, ANSWERED_BY),
        "adapters": _named(tally, WORN),
        "asked": sum(asked.values()),
        "repaired": sum(repaired.values()),
        "failed": sum(failed.values()),
        **_tokens(tally, tuple(asked)),
        "answers_without_tokens": tally["answers_unmetered"],
        "decisions": {
            name: {"asked": count, "repaired": repaired.get(name, 0), "failed": failed.get(name, 0)}
            for name, count in asked.items()
        },
    }


def hands(info: RunInfo, histories: Sequence[TeamHistory]) -> dict[str, Any]:
    """The part of the final report about who wrote the code; tools, models and adapters are sorted by name."""
    if info.hands != "llm":
        return {"by": info.hands}
    tally = _whole(histories)
    used, refused = _named(tally, TOOL_USED), _named(tally, TOOL_REFUSED)
    return {
        "by": info.hands,
        "models": _named(tally, WRITTEN_BY),
        "adapters": _named(tally, WORN_WRITING),
        "asked": tally[f"{ASKED}{WRITE_CODE}"],
        "repaired": tally[f"{REPAIRED}{WRITE_CODE}"],
        "failed": tally[f"{FAILED}{WRITE_CODE}"],
        **_tokens(tally, (WRITE_CODE,)),
        "answers_without_tokens": tally["calls_unmetered"],
        "tools": {
            name: {"used": used.get(name, 0), "refused": refused.get(name, 0)} for name in sorted({**used, **refused})
        },
    }


def _whole(histories: Sequence[TeamHistory]) -> Tally:
    tally: Tally = Counter()
    for history in histories:
        tally.update(history.totals)
    return tally


def _tokens(tally: Tally, names: Sequence[str]) -> dict[str, int | None]:
    """Tokens of these kinds of decision over all attempts that told theirs; null where none did."""
    is_told = any(tally[f"{METERED}{name}"] for name in names)
    sums = {
        key: sum(tally[f"{prefix}{name}"] for name in names)
        for key, prefix in (("prompt_tokens", PROMPT), ("completion_tokens", COMPLETION))
    }
    return {key: value if is_told else None for key, value in sums.items()}


def _named(tally: Tally, prefix: str) -> dict[str, int]:
    found = {name.removeprefix(prefix): count for name, count in tally.items() if name.startswith(prefix)}
    return dict(sorted(found.items()))


def _judged(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if name != WRITE_CODE}
