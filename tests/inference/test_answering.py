from __future__ import annotations

from pathlib import Path

import pytest

from brokers.wire.packing import packer, unpack
from inference.engines.answering import Answerer
from inference.engines.loading import EngineLoadError, load_engine, read_plan
from inference.messages import Failed
from inference.pool.embedded import EmbeddedPool
from inference.pool.frames import (
    Bye,
    FrameError,
    Ready,
    Replies,
    Work,
    pack_bye,
    pack_ready,
    pack_replies,
    pack_work,
    unpack_from_engine,
    unpack_work,
)
from tests.inference.engines_for_tests import Answer, Ask, Echo, registry

pack = packer()


def answered(request: bytes) -> object:
    known = registry()
    return known.from_body(unpack(Answerer(Echo(), known).answer(request, 5)))


def test_a_request_is_decoded_answered_and_encoded() -> None:
    assert answered(pack(registry().to_body(Ask(text="hello")))) == Answer(text="hello/5")


@pytest.mark.parametrize(
    "request_bytes",
    [b"", b"\xc1", pack([1, 2]), pack({"kind": "test.unknown/1"}), pack({"kind": "test.ask/1", "text": 3})],
    ids=["empty", "no msgpack", "no map", "unknown kind", "wrong type"],
)
def test_a_malformed_request_gets_a_typed_failure(request_bytes: bytes) -> None:
    reply = answered(request_bytes)

    assert isinstance(reply, Failed)
    assert reply.reason == "malformed_request"
    assert reply.detail


def test_a_request_that_the_engine_refuses_gets_a_typed_failure() -> None:
    assert answered(pack(registry().to_body(Answer(text="x")))) == Failed(
        reason="unanswerable_request", detail="only Ask is answered"
    )


def test_a_bug_of_the_engine_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        answered(pack(registry().to_body(Ask(text="bug"))))


def test_an_embedded_pool_answers_in_the_order_of_asking() -> None:
    pool = EmbeddedPool(Echo(), registry())
    pool.submit("b", pack(registry().to_body(Ask(text="one"))), 1)
    pool.submit("a", pack(registry().to_body(Ask(text="two"))), 2)

    assert pool.drain() == [
        ("b", pack(registry().to_body(Answer(text="one/1")))),
        ("a", pack(registry().to_body(Answer(text="two/2")))),
    ]
    assert pool.drain() == []


def test_frames_travel_both_ways() -> None:
    assert unpack_from_engine(pack_ready("9-1", 64)) == Ready("9-1", 64)
    assert unpack_from_engine(pack_replies("9-1", [("a", b"A"), ("b", b"")])) == Replies(
        "9-1", [("a", b"A"), ("b", b"")]
    )
    assert unpack_from_engine(pack_bye("9-1")) == Bye("9-1")
    assert unpack_work(pack_work([Work("a", 2**63 - 1, b"r")])) == [Work("a", 2**63 - 1, b"r")]


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\xc1",
        pack({}),
        pack(["ready", "9-1", 0]),
        pack(["ready", 9, 1]),
        pack(["replies", "9-1", [["a"]]]),
        pack(["x"]),
    ],
)
def test_another_frame_from_an_engine_is_refused(frame: bytes) -> None:
    with pytest.raises(FrameError):
        unpack_from_engine(frame)


@pytest.mark.parametrize("frame", [b"", pack({}), pack([["a", "1", b""]]), pack([["a", 1]]), pack([7])])
def test_another_frame_from_a_pool_is_refused(frame: bytes) -> None:
    with pytest.raises(FrameError):
        unpack_work(frame)


def test_an_engine_is_loaded_by_its_dotted_name() -> None:
    assert isinstance(load_engine("tests.inference.engines_for_tests:build", {}).engine, Echo)


@pytest.mark.parametrize(
    ("dotted", "plan", "told"),
    [
        ("tests.inference.nowhere:build", {}, "no engine builder"),
        ("tests.inference.engines_for_tests:nothing", {}, "no engine builder"),
        ("", {}, "no engine builder"),
        ("tests.inference.engines_for_tests:build", {"a": 1}, "refuses its plan: an echo needs no plan"),
        ("tests.inference.engines_for_tests:build_nothing", {}, "returned str and not Served"),
    ],
)
def test_an_engine_that_cannot_be_made_is_told(dotted: str, plan: dict[str, int], told: str) -> None:
    with pytest.raises(EngineLoadError, match=told):
        load_engine(dotted, plan)


def test_plans_are_read_as_json_or_msgpack(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text('{"seed": 7}', encoding="utf-8")
    (tmp_path / "plan.msgpack").write_bytes(pack({"seed": 7}))
    (tmp_path / "list.json").write_text("[1]", encoding="utf-8")

    assert read_plan(tmp_path / "plan.json") == read_plan(tmp_path / "plan.msgpack") == {"seed": 7}
    with pytest.raises(EngineLoadError, match="must be a map"):
        read_plan(tmp_path / "list.json")
    with pytest.raises(EngineLoadError, match="cannot be read"):
        read_plan(tmp_path / "missing.json")
