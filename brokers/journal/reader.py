"""Reading a journal from outside, while its run lives or after it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from brokers.journal import schema
from brokers.journal.rows import LogRow, StoredCommand, StoredEffect

_CHUNK_ROWS = 2048
_NO_END = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class AskedEffect:
    """An effect with what was asked."""

    effect: StoredEffect
    request: bytes


class JournalReader:
    """A read-only view; every call sees what was committed by then. Log rows are numbered from 1."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = schema.connect(path, mode="ro")
        self._indexed = 0  # rows that the index by sender covers; 0 before the first `find`
        try:
            schema.check_identity(self._db, path)
        except BaseException:
            self._db.close()
            raise

    def count(self) -> int:
        """Rows of the log."""
        return int(self._db.execute("SELECT ifnull(max(n), 0) FROM log").fetchone()[0])

    def rows(
        self, from_n: int = 1, to_n: int | None = None, kinds: Sequence[str] | None = None
    ) -> Iterator[tuple[int, LogRow]]:
        """Numbered rows from one number to another, both included, of these kinds or of all; in flat memory."""
        last = _NO_END if to_n is None else to_n
        only = "" if kinds is None else f" AND kind IN ({', '.join('?' * len(kinds))})"
        query = f"SELECT n, {schema.LOG_COLUMNS} FROM log WHERE n BETWEEN ? AND ?{only} ORDER BY n LIMIT ?"  # noqa: S608
        next_n = from_n
        while True:
            with schema.damage_named(self.path):
                chunk = self._db.execute(query, (next_n, last, *(kinds or ()), _CHUNK_ROWS)).fetchall()
            for n, *columns in chunk:
                yield n, LogRow(*columns)
            if len(chunk) < _CHUNK_ROWS:
                return
            next_n = chunk[-1][0] + 1

    def row(self, n: int) -> LogRow | None:
        """Row number n, or None past the end."""
        return next((found for _, found in self.rows(n, n)), None)

    def find(self, src: str, seq: int) -> tuple[int, LogRow] | None:
        """The row of the seq-th message of a sender, with its number; for walking from effect to cause."""
        self._index_new_rows()
        found = self._db.execute("SELECT n FROM temp.by_sender WHERE src = ? AND seq = ?", (src, seq)).fetchone()
        return None if found is None else next(self.rows(found[0], found[0]), None)

    def effects(self) -> Iterator[AskedEffect]:
        """Every effect with its request, by actor, n and attempt."""
        cursor = self._db.execute(
            """SELECT actor, n, attempt, request_digest, due_us, asked.compressed, asked.content,
            answer.compressed, answer.content FROM effect JOIN blob AS asked ON asked.key = request
            JOIN blob AS answer ON answer.key = reply ORDER BY actor, n, attempt"""
        )
        for actor, n, attempt, request_digest, due_us, *blobs in cursor:
            reply = schema.open_blob(blobs[2], blobs[3])
            effect = StoredEffect(actor, n, attempt, request_digest, reply, due_us)
            yield AskedEffect(effect, schema.open_blob(blobs[0], blobs[1]))

    def replies(self) -> Iterator[StoredEffect]:
        """The reply to every effect, by actor, n and attempt; without what was asked, which is most of a journal."""
        query = """SELECT actor, n, attempt, request_digest, compressed, content, due_us
            FROM effect JOIN blob ON blob.key = effect.reply ORDER BY actor, n, attempt"""
        with schema.damage_named(self.path):
            for actor, n, attempt, request_digest, compressed, content, due_us in self._db.execute(query):
                reply = schema.open_blob(compressed, content)
                yield StoredEffect(actor, n, attempt, request_digest, reply, due_us)

    def commands(self) -> list[StoredCommand]:
        """All commands from outside, in order."""
        query = "SELECT number, time_us, client, client_id, body FROM command ORDER BY number"
        return [StoredCommand(*row) for row in self._db.execute(query)]

    def inputs(self) -> dict[str, bytes]:
        """Everything the run read, by name. Raises NotAJournalError where the file is damaged."""
        with schema.damage_named(self.path):
            return schema.read_inputs(self._db)

    def states(self) -> dict[str, str]:
        """Every note of the run, sorted by key."""
        return dict(self._db.execute("SELECT key, value FROM state ORDER BY key"))

    def state(self, key: str) -> str | None:
        """One note of the run, or None."""
        with schema.damage_named(self.path):
            found = self._db.execute("SELECT value FROM state WHERE key = ?", (key,)).fetchone()
        return None if found is None else str(found[0])

    def digest(self) -> str:
        """SHA-256 over the committed records, one after the other, in hexadecimal; reads the whole log."""
        digest = hashlib.sha256()
        for _, row in self.rows():
            digest.update(row.record)
        return digest.hexdigest()

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _index_new_rows(self) -> None:
        """Keep a private index outside the file: on the writer's side it would cost more than the rows themselves."""
        if self._indexed == 0:
            self._db.execute(
                "CREATE TEMP TABLE IF NOT EXISTS by_sender(src, seq, n, PRIMARY KEY(src, seq, n)) WITHOUT ROWID"
            )
        newest = self.count()
        if newest > self._indexed:
            self._db.execute(
                "INSERT INTO temp.by_sender SELECT src, seq, n FROM log WHERE n > ? AND n <= ? ORDER BY src, seq",
                (self._indexed, newest),
            )
            self._indexed = newest
