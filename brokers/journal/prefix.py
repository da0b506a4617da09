"""The beginning of a run as the beginning of another: what `fork` starts from."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from brokers.journal import schema
from brokers.journal.errors import JournalExistsError
from brokers.journal.lock import WriterLock

_NEVER = (1 << 63) - 1


def copy_prefix(source: Path, target: Path, up_to_time_us: int, *, inputs: Mapping[str, bytes] | None = None) -> int:
    """Start a journal with another run's inputs, and its effects, commands and log up to an instant.

    The log rows are there to be compared: a replay of the target must reproduce them. Notes are not copied.

    Args:
        source: A journal that may be in use; it is not changed.
        target: Where no journal is yet.
        up_to_time_us: Effects due, commands taken and rows logged later than this stay behind.
        inputs: The new run's inputs, where a fork changes some; those of the source otherwise.
    Returns:
        How many log rows were copied.
    Raises:
        NotAJournalError, VersionError: The source cannot be read.
        JournalExistsError, LockedError: The target holds a run, or somebody is starting one there.
    """
    lock = WriterLock(target)
    try:
        if not schema.is_blank(target):
            raise JournalExistsError(target)
        reading = schema.connect(source, mode="ro")
        try:
            schema.check_identity(reading, source)
            chosen = schema.read_inputs(reading) if inputs is None else inputs
        finally:
            reading.close()
        db = schema.connect(target, mode="rwc")
        try:
            return _copy(db, source, chosen, up_to_time_us)
        finally:
            db.close()
    finally:
        lock.release()


def _copy(db: sqlite3.Connection, source: Path, inputs: Mapping[str, bytes], up_to_time_us: int) -> int:
    """Fill the target in one transaction, so whoever finds it finds all of it."""
    db.execute("ATTACH DATABASE ? AS source", (f"file:{quote(str(source.absolute()))}?mode=ro",))
    db.execute("BEGIN IMMEDIATE")
    schema.create_tables(db, inputs)
    later = "SELECT min(n) FROM source.log WHERE time_us > ?"
    first_left = db.execute(later, (up_to_time_us,)).fetchone()[0] or _NEVER
    rows = db.execute("INSERT INTO log SELECT * FROM source.log WHERE n < ?", (first_left,)).rowcount
    db.execute("INSERT INTO effect SELECT * FROM source.effect WHERE due_us <= ?", (up_to_time_us,))
    db.execute("INSERT INTO command SELECT * FROM source.command WHERE time_us <= ?", (up_to_time_us,))
    db.execute(
        """INSERT OR IGNORE INTO blob SELECT * FROM source.blob WHERE key IN
        (SELECT request FROM main.effect UNION SELECT reply FROM main.effect)"""
    )
    db.execute("COMMIT")
    return rows
