"""Where two runs part: the first row in which their logs differ, and what led to it on both sides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from brokers.journal.comparison import first_difference
from brokers.journal.reader import JournalReader
from brokers.journal.rows import LogRow
from brokers.wire.packing import unpack

MOST_CAUSES = 12


@dataclass(frozen=True, slots=True)
class Parting:
    """The first difference of two logs; a side is None where its log had ended."""

    n: int
    field: str
    a: LogRow | None
    b: LogRow | None


def first_parting(a: JournalReader, b: JournalReader) -> Parting | None:
    """None when both logs are equal to the byte."""
    for left, right in zip_longest(a.rows(), b.rows()):
        if left is None or right is None:
            n = (left or right)[0]
            return Parting(n, "end of the log", left and left[1], right and right[1])
        if left[1].record != right[1].record:
            field, _, _ = first_difference(left[1], right[1])
            return Parting(left[0], field, left[1], right[1])
    return None


def causes(journal: JournalReader, row: LogRow) -> Iterator[tuple[int, LogRow]]:
    """The rows that led to this one, the nearest first, back to the start of an actor or a command from outside."""
    while row.cause:
        src, _, seq = row.cause.rpartition(":")
        found = journal.find(src, int(seq))
        if found is None:
            return
        yield found
        row = found[1]


def told(n: int, row: LogRow) -> str:
    """One row in one line."""
    body: dict[str, Any] = dict(unpack(row.record)[7])
    body.pop("kind", None)
    fields = ", ".join(f"{key}={value!r}" for key, value in body.items())
    to = f" -> {row.dst}" if row.dst else ""
    return f"{n}: {clock_time(row.time_us)} {row.src}{to} {row.kind} {fields}"[:240]


def clock_time(time_us: int) -> str:
    """Virtual time as days, hours, minutes and seconds since the run began."""
    seconds, us = divmod(time_us, 1_000_000)
    days, seconds = divmod(seconds, 86_400)
    return f"{days}d{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{us:06d}"


def lines(a: JournalReader, b: JournalReader, parting: Parting) -> Iterator[str]:
    """What people read."""
    yield f"first difference at event {parting.n}: {parting.field}"
    for name, journal, row in (("A", a, parting.a), ("B", b, parting.b)):
        yield f"{name} {told(parting.n, row)}" if row is not None else f"{name} (the log has ended)"
        if row is None:
            continue
        for depth, (n, cause) in enumerate(causes(journal, row), 1):
            if depth > MOST_CAUSES:
                yield "    …"
                break
            yield f"    caused by {told(n, cause)}"
