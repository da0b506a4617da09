"""What a run took of engines: from its journal, for whoever asks, and as a file beside its logs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from actors.reporting.measured_ledger import measured_page
from actors.simulation.budgets import price_list
from actors.simulation.folders import JOURNAL
from actors.simulation.inputs import RunInputs
from brokers.journal.reader import JournalReader

MEASURED = Path("logs", "ledger_measured.json")


def measured_of(folder: Path, inputs: RunInputs) -> dict[str, Any] | None:
    """The measured ledger of a run, however it ended; None where it asks no model. Raises LedgerError, JournalError."""
    if not inputs.config.asks_model:
        return None
    with JournalReader(folder / JOURNAL) as journal:
        return measured_page(journal, price_list(inputs.config))


def as_text(page: dict[str, Any]) -> str:
    """The page as JSON."""
    return json.dumps(page, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_measured(folder: Path, inputs: RunInputs) -> dict[str, Any] | None:
    """Put it beside the logs, in one step; nothing where the run asks no model. Raises LedgerError, JournalError."""
    page = measured_of(folder, inputs)
    if page is not None:
        path = folder / MEASURED
        path.parent.mkdir(exist_ok=True)
        scratch = path.with_suffix(".new")
        scratch.write_text(as_text(page), encoding="utf-8")
        os.replace(scratch, path)
    return page
