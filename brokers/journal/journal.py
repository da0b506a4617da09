"""The journal of a run: everything it cannot recompute, and the log that a replay must reproduce.

One writer. What was added between two `commit()` calls becomes durable together or not at all.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from brokers.journal import schema
from brokers.journal.comparison import StoredRows
from brokers.journal.errors import DuplicateError, JournalError, JournalExistsError
from brokers.journal.lock import WriterLock
from brokers.journal.rows import LogRow, StoredCommand, StoredEffect

_FLUSH_ROWS = 4096  # rows kept in Python before they go to SQLite, committed or not
_INSERT_ROW = "INSERT INTO log VALUES(?, ?, ?, ?, ?, ?, ?, ?)"


class Journal:
    """Opened for writing with `create` or `open`; `close()` commits and releases the lock."""

    def __init__(self, path: Path, db: sqlite3.Connection, lock: WriterLock) -> None:
        self.path = path
        self._db = db
        self._lock = lock
        self._is_open = True
        self._waiting: list[tuple[int, int, str, int, str, str, str, bytes]] = []
        self._digest = hashlib.sha256()
        self._count = 0
        self._stored = int(db.execute("SELECT ifnull(max(n), 0) FROM log").fetchone()[0])
        self._stored_rows = StoredRows(db)

    @classmethod
    def create(cls, path: Path, inputs: Mapping[str, bytes]) -> Self:
        """Start the journal of a new run; everything the run reads is given as `inputs`.

        Raises:
            JournalExistsError: A run, or any other data, is there already.
            LockedError: Another process is creating it.
        """
        lock = WriterLock(path)
        try:
            if not schema.is_blank(path):
                raise JournalExistsError(path)
            db = schema.connect(path, mode="rwc")
            _set_pragmas(db)
            db.execute("BEGIN IMMEDIATE")
            schema.create_tables(db, inputs)
            db.execute("COMMIT")
            return cls(path, db, lock)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the journal of a run that is to be replayed and then carried on.

        Raises:
            NotAJournalError: No journal is there.
            VersionError: It has another layout.
            LockedError: Another process writes it.
        """
        db = schema.connect(path, mode="rw")
        try:
            schema.check_identity(db, path)
            lock = WriterLock(path)
        except BaseException:
            db.close()
            raise
        try:
            with schema.damage_named(path):
                _set_pragmas(db)
                return cls(path, db, lock)
        except BaseException:
            db.close()
            lock.release()
            raise

    @staticmethod
    def exists(path: Path) -> bool:
        """Whether `open` would find a run there; a creation that was killed half-way does not count."""
        return schema.holds_a_run(path)

    @staticmethod
    def is_unborn(path: Path) -> bool:
        """Whether a creation was killed half-way there: `create` may begin again."""
        return path.is_file() and schema.is_blank(path)

    def inputs(self) -> dict[str, bytes]:
        """Everything the run read, by name. Raises NotAJournalError where the file is damaged."""
        with schema.damage_named(self.path):
            return schema.read_inputs(self._db)

    def get_state(self, key: str) -> str | None:
        """A note that was left with `set_state`, or None."""
        found = self._db.execute("SELECT value FROM state WHERE key = ?", (key,)).fetchone()
        return None if found is None else str(found[0])

    def set_state(self, key: str, value: str) -> None:
        """Leave a note; it becomes durable with the next commit."""
        self._begin()
        self._db.execute("INSERT OR REPLACE INTO state VALUES(?, ?)", (key, value))

    def effect(self, actor: str, n: int, attempt: int) -> StoredEffect | None:
        """The stored answer to this effect, or None when the world has not answered yet."""
        found = self._db.execute(
            """SELECT request_digest, compressed, content, due_us FROM effect JOIN blob ON blob.key = effect.reply
            WHERE actor = ? AND n = ? AND attempt = ?""",
            (actor, n, attempt),
        ).fetchone()
        if found is None:
            return None
        request_digest, compressed, content, due_us = found
        return StoredEffect(actor, n, attempt, request_digest, schema.open_blob(compressed, content), due_us)

    def add_effect(self, effect: StoredEffect, request: bytes) -> None:
        """Keep an answer together with what was asked. Raises DuplicateError when the effect has one already."""
        self._begin()
        request_key, reply_key = schema.put_blob(self._db, request), schema.put_blob(self._db, effect.reply)
        row = (effect.actor, effect.n, effect.attempt, effect.request_digest, request_key, reply_key, effect.due_us)
        try:
            self._db.execute("INSERT INTO effect VALUES(?, ?, ?, ?, ?, ?, ?)", row)
        except sqlite3.IntegrityError:
            identity = f"{effect.actor} #{effect.n} attempt {effect.attempt}"
            raise DuplicateError(f"effect {identity} is stored already") from None

    def effects_count(self) -> int:
        """How many effects are stored."""
        return int(self._db.execute("SELECT count(*) FROM effect").fetchone()[0])

    def drop_effects_due_after(self, time_us: int) -> int:
        """Forget the answers that arrive later than this, and return how many; for a fork."""
        self._begin()
        dropped = self._db.execute("DELETE FROM effect WHERE due_us > ?", (time_us,)).rowcount
        self._db.execute(
            """DELETE FROM blob WHERE key NOT IN (SELECT key FROM input)
            AND key NOT IN (SELECT request FROM effect) AND key NOT IN (SELECT reply FROM effect)"""
        )
        return dropped

    def add_command(self, command: StoredCommand) -> None:
        """Keep a command from outside. Raises DuplicateError when its number or client id is taken."""
        self._begin()
        row = (command.number, command.time_us, command.client, command.client_id, command.body)
        try:
            self._db.execute("INSERT INTO command VALUES(?, ?, ?, ?, ?)", row)
        except sqlite3.IntegrityError:
            identity = f"{command.number} ({command.client}, {command.client_id})"
            raise DuplicateError(f"command {identity} is stored already") from None

    def commands(self) -> list[StoredCommand]:
        """All commands from outside, in order."""
        query = "SELECT number, time_us, client, client_id, body FROM command ORDER BY number"
        return [StoredCommand(*row) for row in self._db.execute(query)]

    def find_command(self, client: str, client_id: str) -> StoredCommand | None:
        """The command that this client gave this id, if it was journalled."""
        query = "SELECT number, time_us, client, client_id, body FROM command WHERE client = ? AND client_id = ?"
        found = self._db.execute(query, (client, client_id)).fetchone()
        return None if found is None else StoredCommand(*found)

    def append(self, rows: Sequence[LogRow]) -> None:
        """Add the next rows of the log; those that are stored already must be equal. Raises DivergedError."""
        known = min(len(rows), max(0, self._stored - self._count))
        if known:
            self._stored_rows.compare(self._count + 1, rows[:known])
        if known < len(rows):
            first = self._count + known + 1
            self._waiting.extend((n, *row) for n, row in enumerate(rows[known:], first))
            if len(self._waiting) >= _FLUSH_ROWS:
                self._flush()
        self._count += len(rows)
        self._digest.update(b"".join([row.record for row in rows]))

    def count(self) -> int:
        """Rows appended since the journal was opened, compared ones included."""
        return self._count

    def stored_count(self) -> int:
        """Rows in the file when it was opened (less those truncated); rows beyond them are new."""
        return self._stored

    def digest(self) -> str:
        """SHA-256 over the records appended so far, one after the other, in hexadecimal."""
        return self._digest.hexdigest()

    def truncate_after(self, n: int) -> None:
        """Forget the stored rows after number `n`. Raises ValueError when some were appended in this life."""
        if self._count > n:
            raise ValueError(f"{self._count} rows were appended, cannot truncate after {n}")
        self._begin()
        self._db.execute("DELETE FROM log WHERE n > ?", (n,))
        self._stored = min(self._stored, n)
        self._stored_rows = StoredRows(self._db)

    def commit(self) -> None:
        """Make everything added so far durable, in one transaction."""
        if self._waiting:
            self._flush()
        if self._db.in_transaction:
            self._db.execute("COMMIT")

    def commit_effects(self) -> None:
        """Make effects and commands durable at once, and leave the log, which they can re-derive, to `commit`."""
        if self._db.in_transaction:
            self._db.execute("COMMIT")

    def close(self) -> None:
        """Commit, leave one self-contained file, release the lock. Does nothing the second time."""
        try:
            if self._is_open:
                self.commit()
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Close without what was added since the last commit. Does nothing the second time."""
        if not self._is_open:
            return
        self._is_open = False
        try:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            _leave_wal(self._db)
        finally:
            self._db.close()
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is None:
            self.close()
        else:
            self.abandon()

    def _begin(self) -> None:
        if not self._db.in_transaction:
            self._db.execute("BEGIN IMMEDIATE")

    def _flush(self) -> None:
        self._begin()
        self._db.executemany(_INSERT_ROW, self._waiting)
        self._waiting.clear()


def _set_pragmas(db: sqlite3.Connection) -> None:
    mode = db.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise JournalError(f"this file system cannot hold a write-ahead log (SQLite says {mode})")
    db.execute("PRAGMA synchronous = NORMAL")


def _leave_wal(db: sqlite3.Connection) -> None:
    """Without a write-ahead log a finished run can be read from a read-only folder; a reader may hold it up."""
    try:
        db.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError:
        return  # somebody reads: the log stays and is merged by the next to open
