"""A journal as files that other tools read: log, effects and commands as CSV or JSON lines."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import sqlite_utils

from brokers.journal import schema
from brokers.journal.rows import RECORD_FIELDS
from brokers.wire.packing import unpack
from brokers.wire.registry import WireError

Format = Literal["csv", "jsonl"]

_TABLES: Mapping[str, str] = {
    "log": "SELECT n, time_us, src, seq, dst, kind, cause, record FROM log ORDER BY n",
    "effects": """SELECT actor, n, attempt, due_us, hex(request_digest) AS request_digest,
        asked.compressed AS request_compressed, asked.content AS request,
        answer.compressed AS reply_compressed, answer.content AS reply
        FROM effect JOIN blob AS asked ON asked.key = effect.request JOIN blob AS answer ON answer.key = effect.reply
        ORDER BY due_us, actor, n, attempt""",
    "commands": "SELECT number, time_us, client, client_id, body FROM command ORDER BY number",
}
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "log": ("n", "time_us", "src", "seq", "dst", "kind", "cause", "corr", "deadline", "body"),
    "effects": ("actor", "n", "attempt", "due_us", "request_digest", "request", "reply"),
    "commands": ("number", "time_us", "client", "client_id", "body"),
}


def export(path: Path, folder: Path, file_format: Format) -> list[Path]:
    """Write `log`, `effects` and `commands` into a folder and return the files.

    Bodies are decoded: a nested value in JSON lines, JSON text in CSV; bytes become `{"hex": "…"}`.
    Raises NotAJournalError or VersionError.
    """
    db = schema.connect(path, mode="ro")
    try:
        schema.check_identity(db, path)
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for name in _TABLES:
            file = folder / f"{name}.{file_format}"
            with schema.damage_named(path):
                _WRITERS[file_format](file, _COLUMNS[name], _rows(db, name))
            written.append(file)
        return written
    finally:
        db.close()


def _rows(db: sqlite3.Connection, name: str) -> Iterator[dict[str, Any]]:
    for row in sqlite_utils.Database(db).query(_TABLES[name]):
        if name == "log":
            fields = dict(zip(RECORD_FIELDS, _decoded(row.pop("record")), strict=True))
            row |= {key: fields[key] for key in ("corr", "deadline", "body")}
        elif name == "effects":
            row["request_digest"] = row["request_digest"].lower()
            for column in ("request", "reply"):
                row[column] = _decoded(schema.open_blob(row.pop(f"{column}_compressed"), row[column]))
        else:
            row["body"] = _decoded(row["body"])
        yield row


def _decoded(packed: bytes) -> Any:
    """What the bytes say as msgpack; the bytes themselves where they are something else."""
    try:
        return unpack(packed)
    except WireError:
        return packed


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_bytes_as_json)


def _bytes_as_json(value: object) -> dict[str, str]:
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    raise TypeError(f"{type(value).__name__} cannot be exported")


def _write_jsonl(file: Path, columns: tuple[str, ...], rows: Iterator[dict[str, Any]]) -> None:
    with file.open("w", encoding="utf-8", newline="\n") as out:
        for row in rows:
            out.write(_as_json({name: row[name] for name in columns}) + "\n")


def _write_csv(file: Path, columns: tuple[str, ...], rows: Iterator[dict[str, Any]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow([_cell(row[name]) for name in columns])


def _cell(value: Any) -> Any:
    return _as_json(value) if isinstance(value, (dict, list, bytes)) else value


_WRITERS = {"csv": _write_csv, "jsonl": _write_jsonl}
