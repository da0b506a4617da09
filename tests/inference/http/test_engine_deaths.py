"""An engine process that is killed while a client reads its stream: the client sees the whole text, each word once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from inference.pool.plan import PlacementPlan, PlannedEngine
from inference.pool.running import EnginePool
from inference.pool.state import Serves
from tests.inference.http.doors import OpenDoor, open_pool, until
from tests.support.word_engine import HOLD, MODEL, FileGate


@pytest.fixture
def gate(tmp_path: Path) -> FileGate:
    return FileGate(tmp_path / "gate")


@pytest.fixture
def pools() -> list[EnginePool]:
    return []


@pytest.fixture
def door(tmp_path: Path, pools: list[EnginePool]) -> Iterator[OpenDoor]:
    engine = PlannedEngine(
        name="words-0",
        tier="small",
        builder="tests.support.word_engine:build",
        arguments={"gate": str(tmp_path / "gate")},
        serves=Serves((MODEL,)),
    )

    def make() -> EnginePool:
        pool = EnginePool(PlacementPlan(engines=(engine,)), tmp_path / "pool")
        pool.start()
        pools.append(pool)
        return pool

    with open_pool(make, 1) as opened:
        yield opened


def test_a_stream_goes_on_where_it_was_when_its_engine_is_killed(
    door: OpenDoor, pools: list[EnginePool], gate: FileGate
) -> None:
    with openai.OpenAI(base_url=door.url, api_key="none", max_retries=0) as client:
        asked = {"model": MODEL, "messages": [{"role": "user", "content": HOLD}], "seed": 5, "stream": True}
        stream = client.chat.completions.create(**asked)  # type: ignore[call-overload]
        words = [next(stream).choices[0].delta.content]
        (first,) = door.door.state().engines

        os.kill(pools[0].pids["words-0"], signal.SIGKILL)
        until(lambda: any(each.incarnation != first.incarnation for each in door.door.state().engines))
        gate.set()
        words += [chunk.choices[0].delta.content or "" for chunk in stream]
        again = client.chat.completions.create(**asked | {"stream": False})  # type: ignore[call-overload]

    assert "".join(words) == again.choices[0].message.content
    assert len(words) == 13


def test_an_answer_comes_though_its_engine_was_killed_and_models_stay_known(
    door: OpenDoor, pools: list[EnginePool], gate: FileGate
) -> None:
    with openai.OpenAI(base_url=door.url, api_key="none", max_retries=0) as client:
        os.kill(pools[0].pids["words-0"], signal.SIGKILL)
        gate.set()

        answer = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "x"}])

        assert answer.choices[0].message.content
        assert [each.id for each in client.models.list()] == [MODEL]
