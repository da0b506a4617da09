"""What a run took of engines, from its journal alone: seconds and cached tokens beside tokens and prices.

Two runs of one seed differ in these, so this is no artifact and nothing of it is in a log.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.table import Table

from actors.reporting.run_ledger import counted, entry_of, tables_of
from actors.scrum.messages import SprintEnded, SprintStarted, TokensSpent
from brokers.journal.reader import JournalReader
from brokers.journal.rows import RECORD_FIELDS
from brokers.wire.packing import kind_of, unpack
from brokers.wire.registry import Registry
from inference.ledger.entries import Dimension, Totals
from inference.ledger.errors import UnmeasuredError
from inference.ledger.measuring import EffectId, MeasuredLedger
from inference.ledger.prices import PriceList
from inference.messages import Failed
from inference.text import TextGenerated, text_registry

SCHEMA_VERSION = 1
_UNTOLD = "no engine told"
_UNTIMED = "answers that came to nothing carry no time"
_ANY_TEXT = TextGenerated.KIND.partition("/")[0] + "/"  # of any version
_BODY = RECORD_FIELDS.index("body")


def measured_page(journal: JournalReader, prices: PriceList) -> dict[str, Any]:
    """The ledger of a run with what was measured; of one that is under way or was killed, as far as it came.

    Raises MismatchError where log and replies do not belong together, UnmeasuredError for a run of an earlier version.
    """
    measured = MeasuredLedger(_answers(journal), prices)
    for src, event, sprint in _payments(journal):
        measured.pay(entry_of(event, sprint=sprint), ((src, number) for number in event.effects))
    return {
        "schema_version": SCHEMA_VERSION,
        **tables_of(measured.ledger, _shown),
        "unpaid": _shown(measured.unpaid().total),
    }


def show_measured(page: dict[str, Any], by: Dimension, console: Console) -> None:
    """Print one dimension of the page, the totals, and why there is no number where there is none."""
    table = Table(box=None, pad_edge=False, show_edge=False)
    table.add_column(by, overflow="fold")  # numbers are never cut
    for name in ("answers", "prompt", "cached", "written", "seconds", page["currency"]):
        table.add_column(name, justify="right", no_wrap=True)
    for name, row in page["by"][by].items():
        table.add_row(name, *_cells(row))
    table.add_section()
    table.add_row("total", *_cells(page["total"]))
    if page["unpaid"]["answers"]:
        table.add_row("not in the log yet", *_cells(page["unpaid"]))
    console.print(table)
    for name in ("cached_tokens", "engine_seconds", "price"):
        if reason := page["total"][f"{name}_reason"]:
            console.print(f"no {name.replace('_', ' ')}: {reason}", highlight=False, soft_wrap=True, markup=False)


def in_a_line(page: dict[str, Any]) -> str:
    """The totals for a summary."""
    total = page["total"]
    cached = "no engine tells of its cache" if total["cached_tokens"] is None else f"{total['cached_tokens']} cached"
    seconds = "unmeasured" if total["engine_seconds"] is None else f"{total['engine_seconds']:.1f} s"
    return f"{seconds} of engines for {total['prompt_tokens']} prompt tokens ({cached})"


def _answers(journal: JournalReader) -> dict[EffectId, TextGenerated | Failed]:
    registry, answers = text_registry(), dict[EffectId, TextGenerated | Failed]()
    for effect in journal.replies():
        kind = kind_of(effect.reply)
        if kind in (TextGenerated.KIND, Failed.KIND):
            answers[effect.actor, effect.n] = registry.from_body(unpack(effect.reply))
        elif kind.startswith(_ANY_TEXT):
            raise UnmeasuredError(kind)
    return answers


def _payments(journal: JournalReader) -> Iterator[tuple[str, TokensSpent, int]]:
    """Each with its sender and the sprint of its team, as the artifacts count sprints."""
    registry = Registry()
    registry.register(SprintStarted, SprintEnded, TokensSpent)
    sprints: dict[str, int] = {}
    for _, row in journal.rows(kinds=tuple(registry.kinds())):
        event = registry.from_body(unpack(row.record)[_BODY])
        match event:
            case SprintStarted(team=team, sprint=sprint):
                sprints[team] = sprint
            case SprintEnded(team=team, sprint=sprint):
                sprints[team] = sprint + 1
            case TokensSpent():
                yield row.src, event, sprints.get(event.team, 1)


def _shown(totals: Totals) -> dict[str, Any]:
    is_told = not totals.answers or totals.cached_untold < totals.answers
    is_timed = not totals.answers or totals.untimed < totals.answers
    return {
        **counted(totals),
        "cached_tokens": totals.cached_tokens if is_told else None,
        "cached_tokens_reason": None if is_told else _UNTOLD,
        "answers_without_cached_tokens": totals.cached_untold,
        "engine_seconds": totals.engine_us / 1_000_000 if is_timed else None,
        "engine_seconds_reason": None if is_timed else _UNTIMED,
        "answers_without_seconds": totals.untimed,
    }


def _cells(row: dict[str, Any]) -> list[str]:
    seconds = "–" if row["engine_seconds"] is None else f"{row['engine_seconds']:.3f}"
    return [
        str(row["answers"]),
        str(row["prompt_tokens"]),
        "–" if row["cached_tokens"] is None else str(row["cached_tokens"]),
        str(row["completion_tokens"]),
        seconds,
        row["price"] or "–",
    ]
