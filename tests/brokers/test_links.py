"""Frames join and part, gaps are noticed, and a full link waits instead of losing letters."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st

from brokers.links import zmq_links
from brokers.links.frames import (
    HEADER,
    VERSION,
    BadFrameError,
    FrameGapError,
    FrameReader,
    FrameTooBigError,
    LinkError,
    join,
)
from brokers.links.zmq_links import BATCH, BATCH_BYTES, Inbox, OutLink
from brokers.wire.packing import packer

PATIENCE_MS = 10_000  # a safety net, never the thing waited for


def records_of(letters: list[Any]) -> list[bytes]:
    pack = packer()
    return [pack(letter) for letter in letters]


# --- frames ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 255, 256, 65_535, 65_536, 70_000])
def test_a_frame_of_any_number_of_letters_is_read_as_it_was_joined(count: int) -> None:
    letters = [[number, "to", "from"] for number in range(count)]

    assert FrameReader().read(join(3, 1, records_of(letters))) == (3, letters)


@given(st.lists(st.lists(st.integers(0, 9) | st.text(max_size=5) | st.binary(max_size=5)), max_size=40))
def test_any_letters_are_read_as_they_were_joined(letters: list[Any]) -> None:
    assert FrameReader().read(join(0, 1, records_of(letters))) == (0, letters)


def test_a_frame_is_read_from_a_view_too() -> None:
    assert FrameReader().read(memoryview(join(1, 1, records_of([["a"]])))) == (1, [["a"]])


def test_each_node_has_its_own_numbers() -> None:
    reader = FrameReader()
    for node, number in [(1, 1), (2, 1), (1, 2), (2, 2), (2, 3), (1, 3)]:
        assert reader.read(join(node, number, records_of([[number]]))) == (node, [[number]])


@pytest.mark.parametrize(("got", "what"), [(1, "twice"), (2, "twice"), (4, "missing"), (2**40, "missing"), (0, "odd")])
def test_a_frame_that_is_missing_or_comes_twice_is_a_gap(got: int, what: str) -> None:
    reader = FrameReader()
    for number in (1, 2):
        reader.read(join(9, number, records_of([["x"]])))

    with pytest.raises(FrameGapError, match=f"frame {got} from node 9 where 3 was due") as gap:
        reader.read(join(9, got, records_of([["x"]])))
    assert (gap.value.node, gap.value.expected, gap.value.got) == (9, 3, got)


def test_the_first_frame_has_number_one() -> None:
    with pytest.raises(FrameGapError, match="frame 2 from node 5 where 1 was due"):
        FrameReader().read(join(5, 2, []))


@given(st.lists(st.text(max_size=8), min_size=1, max_size=20), st.data())
def test_a_truncated_frame_is_a_bad_frame(texts: list[str], data: st.DataObject) -> None:
    frame = join(1, 1, records_of([[text] for text in texts]))
    cut = data.draw(st.integers(0, len(frame) - 1))

    with pytest.raises(BadFrameError):
        FrameReader().read(frame[:cut])


@given(st.binary(max_size=100))
def test_random_bytes_break_the_link_and_nothing_else(data: bytes) -> None:
    with pytest.raises(LinkError):
        FrameReader().read(data)


@given(st.binary(min_size=1, max_size=100), st.integers(0, 5))
def test_random_bytes_behind_a_good_header_are_letters_or_a_bad_frame(payload: bytes, count: int) -> None:
    try:
        _, letters = FrameReader().read(HEADER.pack(VERSION, 1, count, 1) + payload)
    except BadFrameError:
        return
    assert len(letters) == count


def test_a_frame_of_another_version_is_named() -> None:
    frame = bytearray(join(1, 1, records_of([["x"]])))
    frame[0] = 7

    with pytest.raises(BadFrameError, match="frame version 7; this is 1"):
        FrameReader().read(bytes(frame))


def test_a_frame_with_another_number_of_letters_than_it_says_is_bad() -> None:
    letters = packer()([["one"]])
    with pytest.raises(BadFrameError, match="frame 1 from node 4 does not hold 2 letters"):
        FrameReader().read(HEADER.pack(VERSION, 4, 2, 1) + letters)
    with pytest.raises(BadFrameError, match="does not hold 1 letters"):
        FrameReader().read(HEADER.pack(VERSION, 4, 1, 1) + packer()({"one": 1}))


def test_letters_behind_the_last_letter_are_a_bad_frame() -> None:
    with pytest.raises(BadFrameError):
        FrameReader().read(join(1, 1, records_of([["x"]])) + b"\x00")


# --- ZeroMQ ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def context() -> Iterator[zmq.Context[Any]]:
    context: zmq.Context[Any] = zmq.Context()
    yield context
    context.destroy(linger=0)


@pytest.fixture
def endpoint(tmp_path: Path) -> str:
    return f"ipc://{tmp_path}/inbox.sock"


def patient(inbox: Inbox) -> Inbox:
    """An inbox whose test fails rather than hangs."""
    inbox.socket.rcvtimeo = PATIENCE_MS
    return inbox


def receive_letters(inbox: Inbox, count: int) -> list[Any]:
    letters: list[Any] = []
    while len(letters) < count:
        frame = inbox.receive()
        assert frame is not None, f"only {len(letters)} of {count} letters came"
        letters.extend(frame[1])
    return letters


def test_letters_arrive_in_order_and_complete(context: zmq.Context[Any], endpoint: str) -> None:
    inbox, link = patient(Inbox(context, endpoint)), OutLink(context, endpoint, 1)
    letters = [[number, "x" * (number % 300)] for number in range(5_000)]
    for record in records_of(letters):
        link.send(record)
    link.flush()

    assert receive_letters(inbox, 5_000) == letters
    assert inbox.receive(wait=False) is None
    link.close()
    inbox.close()


def test_letters_of_several_nodes_each_arrive_in_their_order(context: zmq.Context[Any], endpoint: str) -> None:
    inbox = patient(Inbox(context, endpoint))
    links = [OutLink(context, endpoint, node) for node in (1, 2, 3)]
    for number in range(300):
        for node, link in enumerate(links, 1):
            link.send(records_of([[node, number]])[0])
            if number % (7 * node) == 0:
                link.flush()
    for link in links:
        link.flush()
    letters = receive_letters(inbox, 900)

    for node in (1, 2, 3):
        assert [number for sender, number in letters if sender == node] == list(range(300))
    for link in links:
        link.close()
    inbox.close()


def test_a_letter_goes_out_with_the_flush_and_not_before(context: zmq.Context[Any], endpoint: str) -> None:
    inbox, link = patient(Inbox(context, endpoint)), OutLink(context, endpoint, 1)
    link.send(records_of([["one"]])[0])
    link.flush()
    link.send(records_of([["two"]])[0])
    link.send(records_of([["three"]])[0])
    link.flush()
    link.flush()  # nothing waits: no empty frame

    assert inbox.receive() == (1, [["one"]])
    assert inbox.receive() == (1, [["two"], ["three"]])
    link.send(records_of([["four"]])[0])
    link.flush()
    assert inbox.receive() == (1, [["four"]])
    link.close()
    inbox.close()


def test_a_full_batch_goes_out_by_itself(context: zmq.Context[Any], endpoint: str) -> None:
    inbox, link = patient(Inbox(context, endpoint)), OutLink(context, endpoint, 1)
    for record in records_of([[number] for number in range(BATCH + 1)]):
        link.send(record)
    assert inbox.receive() == (1, [[number] for number in range(BATCH)])

    link.flush()
    assert inbox.receive() == (1, [[BATCH]])
    link.send(records_of([["x" * BATCH_BYTES]])[0])
    assert inbox.receive() == (1, [["x" * BATCH_BYTES]])
    link.close()
    inbox.close()


def test_frames_with_a_gap_between_them_are_noticed_by_the_inbox(context: zmq.Context[Any], endpoint: str) -> None:
    inbox = patient(Inbox(context, endpoint))
    push = context.socket(zmq.PUSH)
    push.connect(endpoint)
    for number in (1, 3):
        push.send(join(2, number, records_of([["x"]])))

    assert inbox.receive() == (2, [["x"]])
    with pytest.raises(FrameGapError, match="frame 3 from node 2 where 2 was due"):
        inbox.receive()
    push.close()
    inbox.close()


def test_a_link_without_a_peer_waits_instead_of_dropping(context: zmq.Context[Any], endpoint: str) -> None:
    link = OutLink(context, endpoint, 1)
    sent = threading.Event()

    def send() -> None:
        link.send(records_of([["patience"]])[0])
        link.flush()
        sent.set()

    sender = threading.Thread(target=send)
    sender.start()
    assert not sent.is_set()
    inbox = patient(Inbox(context, endpoint))

    assert inbox.receive() == (1, [["patience"]])
    sender.join(timeout=PATIENCE_MS / 1_000)
    assert sent.is_set()
    link.close()
    inbox.close()


def test_a_full_link_blocks_its_sender_and_loses_nothing(context: zmq.Context[Any], endpoint: str) -> None:
    """Both high-water marks are 1,000 frames, so 5,000 frames of 8 KiB cannot all be under way at once."""
    frames, filler = 5_000, b"x" * 8_192
    inbox, link = patient(Inbox(context, endpoint)), OutLink(context, endpoint, 1)
    progress: list[int] = []

    def send() -> None:
        pack = packer()
        for number in range(frames):
            link.send(pack([number, filler]))
            link.flush()
            progress.append(number)

    sender = threading.Thread(target=send)
    sender.start()
    first = inbox.receive()
    assert first is not None
    while True:  # the sender has stopped once it makes no way although it gets every chance
        before = len(progress)
        sender.join(timeout=0.2)
        if len(progress) == before:
            break
    blocked_at = len(progress)
    rest = [letter[0] for letter in receive_letters(inbox, frames - 1)]
    sender.join(timeout=PATIENCE_MS / 1_000)

    assert blocked_at < frames
    assert [first[1][0][0], *rest] == list(range(frames))
    link.close()
    inbox.close()


def test_a_letter_that_no_inbox_would_take_is_refused_at_the_sender(
    context: zmq.Context[Any], endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zmq_links, "MAX_FRAME_BYTES", 1_000)
    inbox, link = patient(Inbox(context, endpoint)), OutLink(context, endpoint, 1)

    with pytest.raises(FrameTooBigError, match="1000"):
        link.send(records_of(["x" * 1_000])[0])
    link.send(records_of([["x" * 900]])[0])
    link.flush()
    assert inbox.receive() == (1, [["x" * 900]])
    link.close()
    inbox.close()


def test_letters_that_together_exceed_a_frame_go_in_two(
    context: zmq.Context[Any], endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zmq_links, "MAX_FRAME_BYTES", 1_000)
    inbox, link = patient(Inbox(context, endpoint)), OutLink(context, endpoint, 1)
    for record in records_of([["x" * 600], ["y" * 600]]):
        link.send(record)
    link.flush()

    assert receive_letters(inbox, 2) == [["x" * 600], ["y" * 600]]
    link.close()
    inbox.close()
