"""A replay against the run it replays: stored rows in order, and where the first difference is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from brokers.journal.errors import DivergedError
from brokers.journal.rows import RECORD_FIELDS, LogRow
from brokers.journal.schema import LOG_COLUMNS
from brokers.wire.packing import unpack
from brokers.wire.registry import WireError

_CHUNK_ROWS = 2048
_MISSING = "(nothing)"


class StoredRows:
    """Reads the log forward in chunks, so a long run is compared in flat memory."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._chunk: list[tuple[Any, ...]] = []
        self._first = 1  # number of the chunk's first row

    def compare(self, first: int, rows: Sequence[LogRow]) -> None:
        """Raises DivergedError unless the stored rows from number `first` on equal `rows` byte for byte."""
        done = 0
        while done < len(rows):
            stored = self._from(first + done, len(rows) - done)
            part = list(rows[done : done + len(stored)])
            if stored != part:
                self._diverge(first + done, stored, part)
            done += len(stored)

    def _from(self, n: int, at_most: int) -> Sequence[tuple[Any, ...]]:
        offset = n - self._first
        if not 0 <= offset < len(self._chunk):
            query = f"SELECT {LOG_COLUMNS} FROM log WHERE n >= ? ORDER BY n LIMIT ?"  # noqa: S608 - constants
            self._chunk = self._db.execute(query, (n, _CHUNK_ROWS)).fetchall()
            self._first, offset = n, 0
            if not self._chunk:
                raise IndexError(f"no row {n} is stored")
        return self._chunk[offset : offset + at_most]

    def _diverge(self, first: int, stored: Sequence[tuple[Any, ...]], rows: Sequence[LogRow]) -> None:
        for n, (expected, actual) in enumerate(zip(stored, rows, strict=True), first):
            if expected != actual:
                raise DivergedError(n, *first_difference(LogRow(*expected), actual))


def first_difference(expected: LogRow, actual: LogRow) -> tuple[str, object, object]:
    """Name the first field that differs, also inside the body, with both values; rows must differ."""
    if expected.record != actual.record:
        was, now = (_as_fields(row.record) for row in (expected, actual))
        for found in _differences("", was, now):
            return found
    for name, before, after in zip(LogRow._fields, expected, actual, strict=True):
        if before != after:
            return name, before, after
    raise ValueError("the rows are equal")


def _as_fields(record: bytes) -> Any:
    try:
        values = unpack(record)
    except WireError:
        return record
    if isinstance(values, list) and len(values) == len(RECORD_FIELDS):
        return dict(zip(RECORD_FIELDS, values, strict=True))
    return values


def _differences(path: str, was: Any, now: Any) -> Iterator[tuple[str, object, object]]:
    """Every differing leaf, in the order of the expected record."""
    if isinstance(was, dict) and isinstance(now, dict):
        for key in [*was, *(key for key in now if key not in was)]:
            inner = f"{path}.{key}" if path else str(key)
            yield from _differences(inner, was.get(key, _MISSING), now.get(key, _MISSING))
    elif isinstance(was, list) and isinstance(now, list):
        for index in range(max(len(was), len(now))):
            before = was[index] if index < len(was) else _MISSING
            after = now[index] if index < len(now) else _MISSING
            yield from _differences(f"{path}[{index}]", before, after)
    elif type(was) is not type(now) or was != now:
        yield path or "record", was, now
