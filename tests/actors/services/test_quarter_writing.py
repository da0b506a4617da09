"""What people get wrong while they write, with real git and a real sandbox: ordinary mistakes and subtle ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from actors.policy.calibration import Calibration, shipped_calibration
from actors.scrum.code_messages import DefectEscaped, FlawFound, FlawMade
from actors.services.merge_messages import MeasureMain
from actors.services.work_messages import Clarified, Demonstrate
from actors.work.engine import WorkEngine
from actors.work.messages import FlawPlanted, PlantFlaw
from tests.actors.services.benches import LINKS, SLOW, Bench, bench_of, is_green, story

NOTHING = FlawPlanted(site=None, incident_class="", severity=0, criteria=(), noticed_by="", fix_lines=0, discarded=())


class OneKind:
    """An engine to which only mistakes of one kind occur: those that escape, or ordinary ones."""

    def __init__(self, engine: WorkEngine, *, escaping: bool) -> None:
        self._engine, self._escaping = engine, escaping

    def answer(self, request: Any, seed: int) -> Any:
        if isinstance(request, PlantFlaw) and request.escapes != self._escaping:
            return NOTHING
        return self._engine.answer(request, seed)


def always_wrong(*, subtle: int) -> Calibration:
    """Who knows nothing makes a mistake in every quarter; so many of them, thousandths, are subtle."""
    numbers = shipped_calibration()
    return replace(
        numbers, defects=replace(numbers.defects, chance_knowing_nothing=1000, subtle_knowing_nothing=subtle)
    )


def written(bench: Bench) -> Bench:
    """A story about which everything was asked is written by somebody who makes mistakes."""
    wanted = story(LINKS, "S-1")
    bench.begin(wanted)
    for point in wanted.clarifications:
        bench.ask(Clarified(story_id="S-1", criterion=point.criterion, topic=point.topic))
    bench.finish("S-1", SLOW)
    return bench


def asked_for(bench: Bench) -> list[bool]:
    """For each mistake that was looked for: whether it was to escape."""
    return [one.escapes for one in bench.world.effects if isinstance(one, PlantFlaw)]


def test_a_subtle_mistake_is_in_the_code_and_only_canaries_notice_it(
    tmp_path: Path, sandboxes: tuple[Any, Any]
) -> None:
    calibration = always_wrong(subtle=1000)
    bench = written(
        bench_of(tmp_path, sandboxes, calibration=calibration, outside=lambda one: OneKind(one, escaping=True))
    )
    made = bench.world.events(FlawMade)
    assert made
    assert {one.noticed_by for one in made} == {"canary"}

    assert bench.check("S-1").failing == 0
    assert bench.land("S-1") == ""
    assert is_green(bench)
    assert bench.ask(Demonstrate(story_id="S-1")).deviations == ()
    assert bench.world.events(FlawFound) == []

    bench.ask(MeasureMain(sprint=1))
    escaped = bench.world.events(DefectEscaped)
    assert {one.criterion for one in escaped} == {criterion for one in made for criterion in one.criteria}
    assert {(one.number, one.by) for one in bench.world.events(FlawFound)} == {(one.number, "canary") for one in made}


def test_where_no_subtle_mistake_fits_an_ordinary_one_is_made(tmp_path: Path, sandboxes: tuple[Any, Any]) -> None:
    calibration = always_wrong(subtle=1000)
    bench = written(
        bench_of(tmp_path, sandboxes, calibration=calibration, outside=lambda one: OneKind(one, escaping=False))
    )

    made = bench.world.events(FlawMade)
    assert made
    assert asked_for(bench) == [True, False] * (len(asked_for(bench)) // 2)
    assert "acceptance" in {one.noticed_by for one in made}


def test_a_mistake_that_need_not_be_subtle_is_looked_for_once(tmp_path: Path, sandboxes: tuple[Any, Any]) -> None:
    bench = written(bench_of(tmp_path, sandboxes, calibration=always_wrong(subtle=0)))

    assert len(asked_for(bench)) == len(bench.world.events(FlawMade)) > 0
    assert not any(asked_for(bench))
