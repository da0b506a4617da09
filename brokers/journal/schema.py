"""The layout of a journal file: tables, identification, and content-addressed blobs.

Nothing in the file says when or where it was written, so journals of equal runs hold equal rows, but for what engines
measured of themselves in their replies.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from urllib.parse import quote

from brokers.journal.errors import NotAJournalError, VersionError

APPLICATION_ID = 0x5343524D  # "SCRM", in the header of the SQLite file
LAYOUT = 1
_COMPRESS_FROM_BYTES = 1024  # below it compressing costs more time than it saves space
_KEY_BYTES = 20
_CACHE_KIB = 8192

TABLES = (
    "CREATE TABLE state(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE blob(key BLOB PRIMARY KEY, compressed INTEGER NOT NULL, content BLOB NOT NULL)",
    "CREATE TABLE input(name TEXT PRIMARY KEY, key BLOB NOT NULL REFERENCES blob(key)) WITHOUT ROWID",
    """CREATE TABLE effect(
        actor TEXT NOT NULL, n INTEGER NOT NULL, attempt INTEGER NOT NULL, request_digest BLOB NOT NULL,
        request BLOB NOT NULL REFERENCES blob(key), reply BLOB NOT NULL REFERENCES blob(key), due_us INTEGER NOT NULL,
        PRIMARY KEY(actor, n, attempt)) WITHOUT ROWID""",
    """CREATE TABLE command(
        number INTEGER PRIMARY KEY, time_us INTEGER NOT NULL, client TEXT NOT NULL, client_id TEXT NOT NULL,
        body BLOB NOT NULL, UNIQUE(client, client_id))""",
    """CREATE TABLE log(
        n INTEGER PRIMARY KEY, time_us INTEGER NOT NULL, src TEXT NOT NULL, seq INTEGER NOT NULL, dst TEXT NOT NULL,
        kind TEXT NOT NULL, cause TEXT NOT NULL, record BLOB NOT NULL)""",
)
LOG_COLUMNS = "time_us, src, seq, dst, kind, cause, record"


def connect(path: Path, *, mode: str) -> sqlite3.Connection:
    """Open the file ("ro", "rw" or "rwc"); transactions are begun and ended by hand."""
    uri = f"file:{quote(str(path.absolute()))}?mode={mode}"
    try:
        db = sqlite3.connect(uri, uri=True, isolation_level=None)
    except sqlite3.OperationalError as error:
        raise NotAJournalError(path, str(error)) from None
    try:
        db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    except sqlite3.DatabaseError as error:
        db.close()
        raise NotAJournalError(path, str(error)) from None
    return db


@contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """Name the file where SQLite or zlib finds it damaged; a full disk or a lock stays what it is."""
    try:
        yield
    except (sqlite3.DatabaseError, zlib.error) as error:
        if isinstance(error, (sqlite3.OperationalError, sqlite3.IntegrityError)):
            raise
        raise NotAJournalError(path, str(error)) from None


def holds_a_run(path: Path) -> bool:
    """Whether a journal was created there and its inputs were committed (a creation may have been killed)."""
    return path.is_file() and _ask(path, "PRAGMA application_id") == APPLICATION_ID


def is_blank(path: Path) -> bool:
    """Whether nothing is lost by creating a journal there: no file, an empty one, or a killed creation."""
    return not path.exists() or _ask(path, "SELECT count(*) FROM sqlite_schema") == 0


def _ask(path: Path, query: str) -> int | None:
    """One integer about a file; None when it is no database."""
    try:
        db = connect(path, mode="ro")
    except NotAJournalError:
        return None
    try:
        return int(db.execute(query).fetchone()[0])
    except sqlite3.DatabaseError:
        return None
    finally:
        db.close()


def check_identity(db: sqlite3.Connection, path: Path) -> None:
    """Refuse what is not a journal of this layout.

    Raises:
        NotAJournalError: Another kind of file, or nothing was committed to it.
        VersionError: A journal of another layout.
    """
    try:
        found = db.execute("PRAGMA application_id").fetchone()[0]
        layout = db.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise NotAJournalError(path, str(error)) from None
    if found != APPLICATION_ID:
        raise NotAJournalError(path, "another kind of database, or its creation was interrupted")
    if layout != LAYOUT:
        raise VersionError(path, layout, LAYOUT)


def create_tables(db: sqlite3.Connection, inputs: Mapping[str, bytes]) -> None:
    """Write tables, identity and inputs; inside the caller's transaction, so a file has all of it or none."""
    for statement in TABLES:
        db.execute(statement)
    for name in sorted(inputs):
        db.execute("INSERT INTO input VALUES(?, ?)", (name, put_blob(db, inputs[name])))
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {LAYOUT}")


def put_blob(db: sqlite3.Connection, content: bytes) -> bytes:
    """Store content once and return its key."""
    key = blake2b(content, digest_size=_KEY_BYTES).digest()
    stored, compressed = content, 0
    if len(content) > _COMPRESS_FROM_BYTES:
        packed = zlib.compress(content, 1)
        if len(packed) < len(content):
            stored, compressed = packed, 1
    db.execute("INSERT OR IGNORE INTO blob VALUES(?, ?, ?)", (key, compressed, stored))
    return key


def open_blob(compressed: int, content: bytes) -> bytes:
    """The content as it was put in."""
    return zlib.decompress(content) if compressed else content


def read_inputs(db: sqlite3.Connection) -> dict[str, bytes]:
    """Every input by name, sorted."""
    found = db.execute("SELECT name, compressed, content FROM input JOIN blob USING(key) ORDER BY name")
    return {name: open_blob(compressed, content) for name, compressed, content in found}
