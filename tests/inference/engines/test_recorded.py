"""Recordings: what was recorded comes back, what was not is a typed failure, and a broken file is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.engines.modelled.clock import VirtualClock
from inference.engines.modelled.engine import ModelledEngine
from inference.engines.modelled.profile import TINY_ON_ONE_CORE
from inference.engines.recorded import (
    FORMAT,
    Asked,
    RecordedEngine,
    RecordingEngine,
    RecordingError,
    read_recording,
    request_digest,
)
from inference.messages import Failed
from inference.text import ChatMessage, TextGenerated
from tests.inference.conformance.benches import Bench, asked, written
from tests.support.chat_server import MODEL
from tests.support.timeless import timeless

HEAD = json.dumps({"format": FORMAT}) + "\n"


@contextmanager
def recording(path: Path) -> Iterator[Bench]:
    source = ModelledEngine(TINY_ON_ONE_CORE, VirtualClock(), model=MODEL, write=written)
    with RecordingEngine(source, path) as engine:
        engine.start()
        yield Bench(engine, None)


def replay(path: Path) -> Bench:
    engine = RecordedEngine(read_recording(path))
    engine.start()
    return Bench(engine, None)


def test_what_was_recorded_comes_back_in_any_order_of_asking(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    with recording(path) as source:
        replies = [source.answer(asked(f"question {number}"), number) for number in range(5)]
        unknown = source.answer(asked(model="huge"))
    again = replay(path)

    assert [timeless(again.answer(asked(f"question {number}"), number)) for number in (4, 2, 0)] == [
        timeless(replies[number]) for number in (4, 2, 0)
    ]
    assert again.answer(asked(model="huge")) == unknown


def test_the_same_question_asked_again_has_the_reply_of_that_time(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    long = asked("x" * 400)
    with recording(path) as source:
        first, second = source.text(long), source.text(long)
    again = replay(path)

    assert first.cached_tokens != second.cached_tokens  # the second one found the prompt in the cache
    assert [timeless(again.text(long)) for _ in range(2)] == [timeless(first), timeless(second)]
    third = again.answer(long)
    assert isinstance(third, Failed)
    assert third.reason == "not_recorded"


@pytest.mark.parametrize(
    ("request_", "seed"),
    [
        (asked("another"), 7),
        (asked(), 8),
        (asked(max_tokens=63), 7),
        (asked(temperature_permille=999), 7),
        (asked(priority="batch"), 7),
        (asked(messages=(ChatMessage(role="user", content="hello"),)), 7),
    ],
)
def test_what_was_never_asked_is_never_answered(tmp_path: Path, request_: object, seed: int) -> None:
    path = tmp_path / "r.jsonl"
    with recording(path) as source:
        source.answer(asked(), 7)

    reply = replay(path).answer(request_, seed)  # type: ignore[arg-type]

    assert isinstance(reply, Failed)
    assert reply.reason == "not_recorded"


def test_a_request_that_was_cancelled_is_answered_only_if_it_is_cancelled_again(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    with recording(path) as source:
        source.engine.submit("t", asked(), 7)
        source.note(0.010)
        source.engine.cancel("t")
        cancelled = source.collect("t")[0]
    again = replay(path)
    again.engine.submit("t", asked(), 7)
    again.engine.cancel("t")

    assert isinstance(cancelled, TextGenerated)
    assert cancelled.finish == "cancelled"
    assert cancelled.text
    assert [timeless(each) for each in again.collect("t")] == [timeless(cancelled)]
    reply = replay(path).answer(asked(), 7)
    assert isinstance(reply, Failed)
    assert "cancelled when it was recorded" in reply.detail


def test_a_recording_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    with recording(path) as source:
        source.answer(asked())
    before = path.read_bytes()

    with pytest.raises(FileExistsError), recording(path):
        pass
    assert path.read_bytes() == before


def test_every_reply_is_in_the_file_once_it_was_handed_out(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    with recording(path) as source:
        reply = source.answer(asked())

        assert list(read_recording(path).values()) == [reply]


@given(cut=st.integers(0, 10_000))
def test_a_recording_that_was_cut_by_a_kill_holds_its_whole_lines(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    with recording(folder / "r.jsonl") as source:
        for number in range(4):
            source.answer(asked(f"question {number}"))
    data = (folder / "r.jsonl").read_bytes()[: cut % 2_000]
    (folder / "cut.jsonl").write_bytes(data)

    lines = data.count(b"\n")
    if lines:
        assert len(read_recording(folder / "cut.jsonl")) == lines - 1
    else:
        with pytest.raises(RecordingError, match="line 1"):
            read_recording(folder / "cut.jsonl")


ENTRY = {"request": "0" * 32, "seed": 7, "nth": 1, "reply": {"kind": "inference.failed/1"}}
REPLY = {"kind": "inference.failed/1", "reason": "unknown_model", "detail": "x"}


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("", "line 1"),
        ("{}\n", "line 1: no recording"),
        ('{"format": "scrummage.recorded_replies/1"}\n', "line 1: no recording"),
        ("\xff\n", "line 1: not JSON"),
        (HEAD + "\n", "line 2: not JSON"),
        (HEAD + "[" * 5_000 + "\n", "line 2: not JSON"),
        (HEAD + "[]\n", "line 2: not a recorded reply"),
        (HEAD + json.dumps(ENTRY) + "\n", "line 2: inference.failed/1"),
        (HEAD + json.dumps(ENTRY | {"reply": REPLY, "more": 1}) + "\n", "line 2: not a recorded"),
        (HEAD + json.dumps(ENTRY | {"reply": REPLY, "seed": "7"}) + "\n", "line 2: not a recorded"),
        (HEAD + 2 * (json.dumps(ENTRY | {"reply": REPLY}) + "\n"), "line 3: a second reply"),
    ],
)
def test_a_file_that_is_no_recording_is_told_with_its_line(tmp_path: Path, lines: str, told: str) -> None:
    (tmp_path / "r.jsonl").write_text(lines, encoding="utf-8")

    with pytest.raises(RecordingError, match=told):
        read_recording(tmp_path / "r.jsonl")


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"\xff\n")
    for name in ("missing", "latin"):
        with pytest.raises(RecordingError, match="cannot be read"):
            read_recording(tmp_path / name)


def test_the_digest_of_a_request_is_the_same_everywhere() -> None:
    """A changed digest makes every recording useless: then GenerateText needs a new number."""
    assert request_digest(asked()) == request_digest(asked()) == "27c2edd90b9063b1a41ec8e638eb4a2a"
    assert request_digest(replace(asked(), max_tokens=65)) != request_digest(asked())
    assert Asked(request_digest(asked()), 7, 1) == (request_digest(asked()), 7, 1)
