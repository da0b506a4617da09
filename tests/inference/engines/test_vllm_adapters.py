"""Adapters in the engine that drives vLLM: who answers, and what happens while versions come and go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from inference.adapters.content import content_hash
from inference.adapters.messages import AdapterLoaded, AdapterRefused, AdapterUnloaded, LoadAdapter, ManagesAdapters
from inference.engines.vllm.core import Core
from inference.engines.vllm.engine import VllmEngine
from inference.messages import Failed
from inference.text import EngineClosedError, GenerateText, TextGenerated, adapter_name
from tests.inference.conformance.benches import LONG, Bench, asked
from tests.support.chat_server import MODEL
from tests.support.tiny_model import make_adapter
from tests.support.vllm_engines import adapter_files, load_of, lone_engine, tiny_engine, unload_of

pytestmark = pytest.mark.timeout(300)  # a busy machine takes long to load vLLM


@pytest.fixture
def engine() -> Iterator[VllmEngine]:
    made = tiny_engine(adapters=())
    yield made
    made.close()


@pytest.fixture
def bench(engine: VllmEngine) -> Bench:
    return Bench(engine, None)


def asking(version: int = 0, text: str = "hello", name: str = "reviewer", **changes: Any) -> GenerateText:
    """A request for a version of an adapter, 0 for the base model; its text is always the likeliest."""
    likeliest = asked(text, temperature_permille=0, max_tokens=24, **changes)
    return replace(likeliest, adapter=name, adapter_version=version) if version else likeliest


def test_it_manages_adapters(engine: VllmEngine) -> None:
    assert isinstance(engine, ManagesAdapters)
    assert engine.adapters() == ()


def test_each_version_writes_its_own_text(engine: VllmEngine, bench: Bench) -> None:
    for version in (2, 1, 3):
        loaded = engine.load(load_of("reviewer", version))
        assert isinstance(loaded, AdapterLoaded)
    assert [(each.name, each.version) for each in engine.adapters()] == [("reviewer", version) for version in (1, 2, 3)]

    assert len({bench.text(asking(version)).text for version in range(4)}) == 4


# -- the base model beside adapters ------------------------------------------------------------------------------------


class WithoutCure(Core):
    """Serves the base model as vLLM would."""

    def start(self) -> None:
        super().start()
        self._base = None


def mixed_texts(core: type[Core]) -> tuple[list[str], list[str]]:
    """Texts of the base model and two versions, each alone, and all in one pass with every slot taken."""
    with lone_engine(core) as engine:
        bench = Bench(engine, None)
        for version in (1, 2):
            engine.load(load_of("reviewer", version))
        alone = [bench.text(asking(version)).text for version in (0, 1, 2)]
        for version in (0, 1, 2):
            engine.submit(f"t{version}", asking(version), 7)
        together = bench.collect("t0", "t1", "t2")
    return alone, [reply.text for reply in together if isinstance(reply, TextGenerated)]


def test_the_base_model_answers_with_its_own_weights_beside_adapters_that_fill_every_slot() -> None:
    alone, together = mixed_texts(Core)

    assert together == alone
    assert len(set(alone)) == 3


def test_without_the_adapter_that_stands_for_the_base_model_its_answers_are_wrong() -> None:
    """When this fails, vLLM is mended: the cure can go, and base rows are three times as fast."""
    alone, together = mixed_texts(WithoutCure)

    assert together[1:] == alone[1:]
    assert together[0] != alone[0]


# -- coming and going --------------------------------------------------------------------------------------------------


def test_requests_under_way_keep_their_version_while_the_next_one_comes(engine: VllmEngine, bench: Bench) -> None:
    engine.load(load_of("reviewer", 1))
    wanted = {version: bench.text(asking(version, schema=LONG)).text for version in (0, 1)}
    for number in range(6):  # more than slots: some wait while the version goes
        engine.submit(f"t{number}", asking(1, schema=LONG), number)
    bench.note()

    assert isinstance(engine.load(load_of("reviewer", 2)), AdapterLoaded)
    assert isinstance(engine.unload(unload_of("reviewer", 1)), AdapterUnloaded)
    refused = bench.answer(asking(1))
    replies = bench.collect(*(f"t{number}" for number in range(6)))

    assert isinstance(refused, Failed)
    assert refused.reason == "unknown_adapter"
    assert [reply.text for reply in replies if isinstance(reply, TextGenerated)] == [wanted[1]] * 6
    assert bench.text(asking(2, schema=LONG)).text not in wanted.values()
    assert [each.version for each in engine.adapters()] == [2]


def test_a_version_that_went_is_gone_from_memory_when_its_last_request_is_done() -> None:
    with lone_engine() as engine:
        bench = Bench(engine, None)
        held = [engine._core._engine.list_loras()]
        engine.load(load_of("reviewer", 1))
        engine.submit("t", asking(1), 7)
        bench.note()
        engine.unload(unload_of("reviewer", 1))
        held.append(engine._core._engine.list_loras())
        bench.collect("t")
        held.append(engine._core._engine.list_loras())

    assert [len(numbers) for numbers in held] == [1, 2, 1]


def test_a_cancelled_request_lets_its_version_go(engine: VllmEngine, bench: Bench) -> None:
    engine.load(load_of("reviewer", 1))
    engine.submit("t", asking(1), 7)
    engine.unload(unload_of("reviewer", 1))
    engine.cancel("t")
    for version in range(2, 6):  # as many as there may be
        assert isinstance(engine.load(load_of("reviewer", version)), AdapterLoaded)


def test_the_same_version_may_be_loaded_twice_and_comes_back_while_it_is_leaving(
    engine: VllmEngine, bench: Bench
) -> None:
    first = engine.load(load_of("reviewer", 1))
    text = bench.text(asking(1)).text
    engine.submit("t", asking(1), 7)
    engine.unload(unload_of("reviewer", 1))

    assert engine.load(load_of("reviewer", 1)) == engine.load(load_of("reviewer", 1)) == first
    assert bench.text(asking(1)).text == text
    bench.collect("t")
    assert bench.text(asking(1)).text == text
    assert len(engine.adapters()) == 1


def test_more_versions_than_slots_take_turns(engine: VllmEngine, bench: Bench) -> None:
    versions = (1, 2, 3, 4)
    for version in versions:
        engine.load(load_of("reviewer", version))
    alone = [bench.text(asking(version)).text for version in versions]
    for number in range(12):
        engine.submit(f"t{number}", asking(versions[number % 4]), number)
    replies = bench.collect(*(f"t{number}" for number in range(12)))

    assert [reply.text for reply in replies if isinstance(reply, TextGenerated)] == alone * 3


def test_what_is_cached_for_one_version_is_not_used_for_another(engine: VllmEngine, bench: Bench) -> None:
    prompt = "the queue of the payment service is slow, please escalate. " * 8
    engine.load(load_of("reviewer", 1))
    engine.load(load_of("reviewer", 2))
    first = [bench.text(asking(version, prompt)) for version in (0, 1, 2)]
    again = [bench.text(asking(version, prompt)) for version in (0, 1, 2)]

    assert [reply.cached_tokens for reply in first] == [0, 0, 0]
    assert all((reply.cached_tokens or 0) > 64 for reply in again)
    assert [reply.text for reply in again] == [reply.text for reply in first]
    assert len({reply.text for reply in first}) == 3


def test_what_is_cached_for_weights_that_went_is_not_used_for_others_of_that_name(
    engine: VllmEngine, bench: Bench
) -> None:
    """A store never gives a version twice; an engine must not depend on it."""
    prompt = "the cache of the login page is slow, please triage. " * 8
    engine.load(load_of("reviewer", 1, seed=5))
    old = bench.text(asking(1, prompt))
    engine.unload(unload_of("reviewer", 1))
    engine.load(load_of("reviewer", 1, seed=6))
    new = bench.text(asking(1, prompt))
    engine.unload(unload_of("reviewer", 1))
    engine.load(load_of("reviewer", 1, seed=5))
    same = bench.text(asking(1, prompt))

    assert (old.cached_tokens, new.cached_tokens) == (0, 0)
    assert new.text != old.text == same.text
    assert (same.cached_tokens or 0) > 64


def test_twenty_swaps_under_load_drop_nothing_and_each_answer_is_its_versions(engine: VllmEngine, bench: Bench) -> None:
    questions = [asking(text=f"question {number}", schema=LONG) for number in range(3)]

    def of(version: int, number: int) -> GenerateText:
        request = questions[number % 3]
        return replace(request, adapter="reviewer", adapter_version=version) if version else request

    oracle = {(0, number): bench.text(of(0, number)).text for number in range(3)}
    asked_for: dict[str, tuple[int, int]] = {}
    for version in range(1, 21):
        assert isinstance(engine.load(load_of("reviewer", version)), AdapterLoaded)
        if version > 1:
            assert isinstance(engine.unload(unload_of("reviewer", version - 1)), AdapterUnloaded)
        oracle |= {(version, number): bench.text(of(version, number)).text for number in range(3)}
        for number in range(4):
            ticket, who = f"{version}-{number}", version if number else 0
            asked_for[ticket] = (who, number % 3)
            engine.submit(ticket, of(who, number), number)
        bench.note()
    replies = bench.collect(*asked_for)

    assert [
        ticket
        for (ticket, key), reply in zip(asked_for.items(), replies, strict=True)
        if not isinstance(reply, TextGenerated) or reply.text != oracle[key] or reply.adapter_version != key[0]
    ] == []
    for number in range(3):  # or a wrong answer could not be told from a right one
        assert len({oracle[version, number] for version in range(21)}) == 21


# -- what is refused ---------------------------------------------------------------------------------------------------


def reason_of(reply: object) -> str:
    assert isinstance(reply, AdapterRefused), reply
    assert reply.detail
    return reply.reason


def test_what_cannot_be_loaded_is_refused_with_its_reason_and_changes_nothing(
    engine: VllmEngine, bench: Bench, tmp_path: Path
) -> None:
    good = load_of("reviewer", 1)
    engine.load(good)
    text = bench.text(asking(1)).text
    other = load_of("tester", 1)

    assert reason_of(engine.load(replace(other, base="huge"))) == "unknown_base"
    assert reason_of(engine.load(replace(good, sha256=other.sha256))) == "version_taken"
    assert reason_of(engine.load(replace(other, path=good.path))) == "wrong_content"
    assert reason_of(engine.load(replace(other, path=str(tmp_path / "missing")))) == "unreadable"
    assert reason_of(engine.unload(replace(unload_of("reviewer", 1), base="huge"))) == "unknown_base"
    assert reason_of(engine.unload(unload_of("reviewer", 2))) == "unknown_version"
    assert [each.version for each in engine.adapters()] == [1]
    assert bench.text(asking(1)).text == text


@pytest.mark.parametrize("fault", ["rank", "config", "weights", "layer", "no config"])
def test_files_that_are_no_adapter_for_this_model_are_refused(
    engine: VllmEngine, bench: Bench, tmp_path: Path, fault: str
) -> None:
    folder = make_adapter(tmp_path / "adapter", 1, rank=16 if fault == "rank" else 4)
    match fault:
        case "config":
            (folder / "adapter_config.json").write_text("{")
        case "weights":
            (folder / "adapter_model.safetensors").write_bytes(b"no weights")
        case "layer":
            data = (folder / "adapter_model.safetensors").read_bytes()
            (folder / "adapter_model.safetensors").write_bytes(data.replace(b"q_proj", b"x_proj"))
        case "no config":
            (folder / "adapter_config.json").unlink()
    wanted = LoadAdapter(base=MODEL, name="reviewer", version=1, path=str(folder), sha256=content_hash(folder))

    assert reason_of(engine.load(wanted)) == "unreadable"
    assert engine.adapters() == ()
    assert bench.text(asking()).text


def test_an_engine_holds_so_many_versions_and_no_more(engine: VllmEngine) -> None:
    for version in range(1, 5):
        engine.load(load_of("reviewer", version))

    assert reason_of(engine.load(load_of("reviewer", 5))) == "no_room"
    engine.unload(unload_of("reviewer", 1))
    assert isinstance(engine.load(load_of("reviewer", 5)), AdapterLoaded)


def test_an_engine_without_room_for_adapters_says_so() -> None:
    with lone_engine(adapter_slots=0) as engine:
        assert reason_of(engine.load(load_of("reviewer", 1))) == "no_adapters"
        assert Bench(engine, None).text(asking()).text
        refused = Bench(engine, None).answer(asking(1))

    assert isinstance(refused, Failed)
    assert refused.reason == "unknown_adapter"


def test_a_plans_adapters_are_there_from_the_start_or_it_does_not_start() -> None:
    planned = {
        "name": "reviewer",
        "version": 3,
        "path": str(adapter_files(9)),
        "sha256": content_hash(adapter_files(9)),
    }
    with lone_engine(adapters=[planned]) as engine:
        loaded = [adapter_name(each.name, each.version) for each in engine.adapters()]
    with (
        pytest.raises(Exception, match=r"reviewer@3: .* has the content"),
        lone_engine(adapters=[planned | {"sha256": "0" * 64}]),
    ):
        pytest.fail("it started")

    assert loaded == ["reviewer@3"]


def test_a_closed_engine_manages_nothing() -> None:
    engine = tiny_engine()
    engine.close()

    with pytest.raises(EngineClosedError):
        engine.load(load_of("reviewer", 1))
    with pytest.raises(EngineClosedError):
        engine.unload(unload_of("reviewer", 1))
    with pytest.raises(EngineClosedError):
        engine.adapters()
