"""Actors that crash while a run goes on: supervised, logged, reported, and replayed to the byte."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from config.streams import draw
from tests.integration.conftest import CALM
from tests.support.live import clock_us, events, running
from tests.support.runs import artifacts, digest, simulate


def actors_of(calm: Path) -> dict[str, str]:
    """One address for each kind of actor."""
    (formed, *_) = events(calm, "team.formed/1")
    team = formed[1]["team"]
    developer = next(event for _, event in events(calm, "pairing.session_started/1"))["driver"]
    services = {kind: f"{kind}/{team}" for kind in ("board", "facilitator", "disturber", "workshop")}
    return {**services, "agent": f"agent/{developer}"}


def crash(folder: Path, crashes: list[tuple[str, int]], *options: str) -> None:
    """A run in which actors crash at chosen moments, to its end."""
    with running(folder, *CALM, *options, "--paused") as run:
        client = run.client("chaos")
        for actor, at_us in crashes:
            answer = client.ask("crash", actor=actor, at_us=at_us)
            assert (answer["ok"], answer["at_us"]) == (True, at_us), answer
        assert client.ask("resume")["ok"]
        done = run.finish()
    assert done.code == 0, done.err


def is_reported(folder: Path, crashes: list[tuple[str, int]]) -> None:
    letters = events(folder, "node.dead_letter/1")
    asked = [event for _, event in letters if event["message_kind"] == "chaos.crash/1"]
    report = json.loads((folder / "final_report.json").read_text())

    assert Counter(one["actor"] for one in asked) == Counter(actor for actor, _ in crashes)
    assert {actor for actor, _ in crashes} <= set(report["dead_letters"])
    assert report["metrics"]["dead_letters"] == len(letters)
    assert report["metrics"]["total_features"] > 0
    assert "Dead letters" in (folder / "final_report.md").read_text()


def replays(folder: Path) -> None:
    before = artifacts(folder)
    again = simulate("replay", folder)

    assert (again.code, digest(folder) in again.out) == (0, True), again.err
    assert artifacts(folder) == before


def test_a_crash_of_every_kind_of_actor_is_survived_reported_and_replayed(calm: Path, tmp_path: Path) -> None:
    crashes = [(actor, clock_us(1, day, 11)) for day, actor in enumerate(actors_of(calm).values(), 1)]
    crash(tmp_path / "run", crashes, "--nodes", "2")

    is_reported(tmp_path / "run", crashes)
    assert [event["sprint"] for _, event in events(tmp_path / "run", "sprint.ended/1")] == [1, 2]
    assert digest(tmp_path / "run") != digest(calm)
    replays(tmp_path / "run")


def test_an_actor_that_crashes_three_times_in_a_minute_works_on(calm: Path, tmp_path: Path) -> None:
    board = actors_of(calm)["board"]
    crashes = [(board, clock_us(1, 2, 10) + seconds * 1_000_000) for seconds in (0, 20, 40)]
    crash(tmp_path / "run", crashes, "--nodes", "1")

    is_reported(tmp_path / "run", crashes)
    moved = [row for row, _ in events(tmp_path / "run", "board.card_moved/1") if row.time_us > crashes[-1][1]]
    assert moved


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["agent", "board", "facilitator", "disturber", "workshop"])
@pytest.mark.parametrize("round_", range(4))
def test_a_crash_at_any_moment_is_survived(calm: Path, tmp_path: Path, kind: str, round_: int) -> None:
    moment = draw(1, "crash", kind, round_).below(clock_us(2, 3, 0))
    crashes = [(actors_of(calm)[kind], moment)]
    crash(tmp_path / "run", crashes, "--nodes", "1")

    is_reported(tmp_path / "run", crashes)
    replays(tmp_path / "run")
