from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from actors.policy import decisions
from actors.policy.calibration import SHIPPED, CalibrationError, shipped_calibration
from actors.policy.decisions import Decide, Decided, PointsChoice
from actors.policy.engine import BehaviouralEngine, build, build_registry
from brokers.wire.packing import packer
from brokers.wire.registry import Registry
from inference.engine import Engine, RequestError
from inference.engines.answering import Answerer
from tests.actors.policy import people

ENGINE = BehaviouralEngine(7, shipped_calibration())


def decide(observation: Any, *, agent: str = "ada", n: int = 0) -> Decide:
    return Decide(agent=agent, key=("estimates", "S-7", n), observation=observation)


def points(engine: BehaviouralEngine, **of: Any) -> list[int]:
    found = []
    for n in range(30):
        reply = engine.answer(decide(people.estimate(), n=n, **of), seed=n)
        assert isinstance(reply, Decided)
        assert isinstance(reply.answer, PointsChoice)
        found.append(reply.answer.points)
    return found


def test_it_is_an_engine() -> None:
    assert isinstance(ENGINE, Engine)
    ENGINE.start()
    ENGINE.close()


@pytest.mark.parametrize("observation", people.one_of_each(), ids=lambda part: type(part).__name__)
def test_every_decision_travels_there_and_back(observation: Any) -> None:
    registry = build_registry()
    request = decide(observation)
    assert registry.from_body(registry.to_body(request)) == request

    reply = ENGINE.answer(request, seed=1)

    assert isinstance(reply, Decided)
    assert (reply.engine, reply.prompt_tokens, reply.completion_tokens) == ("behavioural", None, None)
    assert registry.from_body(registry.to_body(reply)) == reply


def test_the_answer_depends_on_run_agent_and_key_and_not_on_the_request_s_own_seed() -> None:
    usual = points(ENGINE)

    assert points(BehaviouralEngine(7, shipped_calibration())) == usual
    assert points(ENGINE, agent="bob") != usual
    assert points(BehaviouralEngine(8, shipped_calibration())) != usual
    request = decide(people.question())
    assert ENGINE.answer(request, seed=1) == ENGINE.answer(request, seed=2)


def test_another_decision_before_it_does_not_shift_a_decision() -> None:
    before = ENGINE.answer(decide(people.question(), n=5), seed=0)
    ENGINE.answer(decide(people.review(), n=4), seed=0)

    assert ENGINE.answer(decide(people.question(), n=5), seed=0) == before


def test_what_is_no_decision_is_refused() -> None:
    with pytest.raises(RequestError, match="is not a decision"):
        ENGINE.answer(PointsChoice(points=3), seed=0)
    with pytest.raises(RequestError, match="no rule answers"):
        ENGINE.answer(decide(PointsChoice(points=3)), seed=0)


def test_no_observation_tells_a_ground_truth() -> None:
    forbidden = {"severity", "defects", "clarifications", "changes", "true_minutes", "blast", "cost_minutes"}

    for observation in people.one_of_each():
        assert not forbidden & set(type(observation).__slots__)


def test_building_takes_seed_and_calibration_and_nothing_else() -> None:
    text = shipped_text().replace("ceiling = { value = 970", "ceiling = { value = 900")

    assert isinstance(build({"seed": 7}).engine, BehaviouralEngine)
    kinds = build({"seed": 7, "calibration": text}).registry.kinds()
    assert kinds.keys() >= {"inference.decide/1", "inference.failed/1"}
    with pytest.raises(CalibrationError):
        build({"seed": 7, "calibration": "x = 1"})
    for plan in ({}, {"seed": "7"}, {"seed": True}, {"seed": 7, "speed": 2}, {"seed": 7, "calibration": 3}):
        with pytest.raises(ValueError, match=r"plan of a|calibration must"):
            build(plan)


def test_the_answers_are_the_same_under_another_hash_seed() -> None:
    script = (
        "from tests.actors.policy.people import one_of_each\n"
        "from actors.policy.calibration import shipped_calibration\n"
        "from actors.policy.dice import Dice\n"
        "from actors.policy.judgements import judge\n"
        "for n in range(20):\n"
        "    for o in one_of_each(): print(judge(o, shipped_calibration(), Dice(3, 'ada', ('a', 'b', n))))\n"
    )
    root = Path(__file__).resolve().parents[3]

    printed = [
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=root,
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "4711")
    ]

    assert printed[0] == printed[1]
    assert printed[0].count(b"\n") == 20 * 13


def test_all_decision_messages_can_travel() -> None:
    registry = Registry()
    registry.register_module(decisions)

    assert {type(observation).KIND for observation in people.one_of_each()} <= registry.kinds().keys()
    assert {observation.ANSWER.KIND for observation in people.one_of_each()} <= registry.kinds().keys()


def test_the_answerer_gives_the_same_bytes_each_time() -> None:
    registry = build_registry()
    request = packer()(registry.to_body(decide(people.plan())))
    answerer, other = Answerer(ENGINE, registry), Answerer(ENGINE, build_registry())

    assert answerer.answer(request, 1) == answerer.answer(request, 1) == other.answer(request, 9)


def shipped_text() -> str:
    return SHIPPED.read_text(encoding="utf-8")
