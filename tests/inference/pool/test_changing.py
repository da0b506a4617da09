"""A pool that becomes another one while requests are under way, and models whose engines keep dying."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from inference.messages import TurnedAway
from inference.pool.errors import EnginesGivenUpError
from inference.pool.plan import PlacementPlan, PlannedEngine
from inference.pool.running import EnginePool
from inference.pool.state import PoolLimits
from tests.inference.pool.engines import HELD
from tests.inference.pool.test_running import Bench, body, engine, runs

NO_RESERVE = PoolLimits(reserve=0, lease_s=20.0)


def plan(*engines: PlannedEngine, **changes: Any) -> PlacementPlan:
    return PlacementPlan(engines=engines, limits=NO_RESERVE, **changes)


def dying(name: str, model: str) -> PlannedEngine:
    return engine(name, model, arguments={"dies": True})


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    pools: list[EnginePool] = []

    def start_pool(first: PlacementPlan, **settings: Any) -> Bench:
        pools.append(EnginePool(first, tmp_path / "pool", **settings))
        pools[-1].start()
        return Bench(pools[-1])

    yield start_pool
    for pool in pools:
        pids = list(pool.pids.values())
        pool.close()
        assert not any(runs(pid) for pid in pids), "no process outlives its pool"


# -- another plan ------------------------------------------------------------------------------------------------------


def test_engines_come_and_go_and_who_stays_is_not_disturbed(start: Callable[..., Bench]) -> None:
    bench = start(plan(engine("a", "m"), engine("b", "n")))
    bench.pool.submit("held", body(HELD), 0)
    bench.under_way(1)
    stays = bench.pool.pids["a"]
    bench.pool.change_to(plan(engine("a", "m"), engine("c", "o")))
    bench.pool.submit("new", body("q", "o"), 1)

    assert bench.answered("new")[0].model == "o"
    bench.until(lambda: bench.status("b") == "gone")
    bench.pool.submit("old", body("q", "n"), 2)
    assert bench.answered("old")[0].reason == "unknown_model"
    bench.pool.cancel("held")
    bench.answered("held")
    assert bench.pool.pids.keys() == {"a", "c"}
    assert bench.pool.pids["a"] == stays


def test_what_waits_for_a_model_that_is_taken_away_is_answered_before_its_engine_goes(
    start: Callable[..., Bench],
) -> None:
    bench = start(plan(engine("a", "m", slots=1), engine("b", "n")))
    bench.pool.submit("held", body(HELD), 0)
    bench.under_way(1)
    for n in range(5):
        bench.pool.submit(f"waits{n}", body(f"q{n}"), n)
    bench.pool.change_to(plan(engine("b", "n")))
    bench.pool.cancel("held")

    assert [each.text for each in bench.answered(*(f"waits{n}" for n in range(5)))] == [
        f"q{n} {n} base" for n in range(5)
    ]
    bench.until(lambda: bench.status("a") == "gone")
    assert bench.pool.state().counts["completed"] == 6


def test_the_engines_of_a_tier_are_changed_one_after_the_other(start: Callable[..., Bench]) -> None:
    names = ("a", "b", "c")
    bench = start(plan(*(engine(name, "m") for name in names)))
    bench.until(lambda: all(bench.status(name) == "ready" for name in names))
    before = bench.pool.pids
    fewest = len(names)
    bench.pool.change_to(plan(*(engine(name, "m", environment={"CHANGED": "1"}) for name in names)))

    def changed() -> bool:
        nonlocal fewest
        fewest = min(fewest, sum(bench.status(name) == "ready" for name in names))
        are_new = all(bench.pool.pids.get(name) not in (None, before[name]) for name in names)
        return are_new and all(bench.status(name) == "ready" for name in names)

    bench.until(changed)
    assert fewest == len(names) - 1
    for pid in bench.pool.pids.values():
        assert b"CHANGED=1\0" in Path(f"/proc/{pid}/environ").read_bytes()


def test_a_change_that_does_not_work_stops_at_its_first_engine(start: Callable[..., Bench]) -> None:
    bench = start(plan(engine("a", "m"), engine("b", "m")), retry_s=60.0)
    bench.until(lambda: bench.status("a") == bench.status("b") == "ready")
    good = bench.pool.pids["b"]
    bench.pool.change_to(plan(dying("a", "m"), dying("b", "m"), max_restarts=1))
    bench.until(lambda: bench.pool.state().counts.get("lost", 0) >= 3)  # the old one, and the new one twice
    bench.pool.submit("t0", body("q"), 0)

    assert bench.answered("t0")[0].text == "q 0 base"
    assert bench.pool.pids["b"] == good
    bench.pool.change_to(plan(engine("a", "m"), engine("b", "m")))  # and back
    bench.until(lambda: bench.status("a") == bench.status("b") == "ready")
    assert bench.pool.pids["b"] == good


def test_an_engine_waits_for_the_memory_of_a_device_until_who_had_it_is_gone(start: Callable[..., Bench]) -> None:
    on_device = {"devices": ("GPU-1",)}
    bench = start(plan(engine("a", "m", **on_device), engine("b", "n")))
    bench.pool.submit("held", body(HELD), 0)
    bench.under_way(1)
    bench.pool.change_to(plan(engine("b", "n"), engine("c", "o", **on_device)))
    bench.until(lambda: bench.status("a") == "draining")
    bench.pool.submit("next", body("q", "o"), 0)
    bench.pool.submit("fine", body("q", "n"), 0)
    bench.answered("fine")
    assert "c" not in bench.pool.pids
    bench.pool.cancel("held")

    assert bench.answered("held", "next")[1].model == "o"


# -- models whose engines keep dying -----------------------------------------------------------------------------------


def test_requests_for_a_model_whose_engines_keep_dying_are_turned_away_and_others_answered(
    start: Callable[..., Bench],
) -> None:
    bench = start(plan(dying("a", "m"), engine("b", "n"), max_restarts=1), retry_s=60.0)
    bench.pool.submit("waits", body("q"), 0)

    assert bench.answered("waits")[0] == TurnedAway(model="m")
    assert bench.pool.state().given_up == ("m",)
    assert bench.pool.state().to_json()["given_up"] == ["m"]
    bench.pool.submit("comes", body("q"), 0)
    bench.pool.submit("fine", body("q", "n"), 0)
    assert [type(each).__name__ for each in bench.answered("comes", "fine")] == ["TurnedAway", "TextGenerated"]


def test_a_model_is_served_while_one_of_its_engines_lives(start: Callable[..., Bench]) -> None:
    bench = start(plan(dying("a", "m"), engine("b", "m"), max_restarts=0), retry_s=60.0)
    bench.until(lambda: bench.pool.state().counts.get("lost", 0) >= 1)
    bench.pool.submit("t0", body("q"), 0)

    assert bench.answered("t0")[0].text == "q 0 base"
    assert bench.pool.state().given_up == ()


def test_engines_that_were_given_up_are_tried_again_and_their_model_comes_back(
    start: Callable[..., Bench], tmp_path: Path
) -> None:
    heals = tmp_path / "heals"
    bench = start(
        plan(engine("a", "m", arguments={"dies_without": str(heals)}), engine("b", "n"), max_restarts=0), retry_s=0.2
    )
    bench.until(lambda: bench.pool.state().given_up == ("m",))
    first = bench.pool.pids["a"]
    bench.until(lambda: bench.pool.pids["a"] != first)  # in vain
    bench.pool.submit("early", body("q"), 0)
    assert bench.answered("early")[0] == TurnedAway(model="m")
    heals.touch()
    bench.until(lambda: bench.pool.state().given_up == ())
    bench.pool.submit("late", body("q"), 0)

    assert bench.answered("late")[0].text == "q 0 base"


def test_another_plan_tries_them_again_at_once(start: Callable[..., Bench], tmp_path: Path) -> None:
    heals = tmp_path / "heals"
    first = plan(engine("a", "m", arguments={"dies_without": str(heals)}), engine("b", "n"), max_restarts=0)
    bench = start(first, retry_s=3600.0)
    bench.until(lambda: bench.pool.state().given_up == ("m",))
    heals.touch()
    bench.pool.change_to(first)

    bench.until(lambda: bench.pool.state().given_up == ())
    broken = plan(dying("a", "m"), engine("b", "n"), max_restarts=0)
    bench.pool.change_to(broken)
    bench.until(lambda: bench.pool.state().given_up == ("m",))
    bench.pool.change_to(replace(broken, engines=(engine("a", "m"), engine("b", "n"))))
    bench.until(lambda: bench.pool.state().given_up == ())


def test_where_no_model_is_left_the_pool_is_over(start: Callable[..., Bench]) -> None:
    bench = start(plan(dying("a", "m"), dying("b", "n"), max_restarts=1), retry_s=60.0)

    with pytest.raises(EnginesGivenUpError, match="every engine keeps dying: a, b; see their logs"):
        bench.until(lambda: False)
