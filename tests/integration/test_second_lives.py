"""Runs that are steered, continued, forked and replayed after something happened to them."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from brokers.journal.reader import JournalReader
from tests.brokers.hub.conftest import until
from tests.integration.conftest import CALM
from tests.support.live import clock_us, running
from tests.support.runs import artifacts, digest, run, simulate

PAUSED = (*CALM, "--nodes", "1", "--paused")
QUIET = ("--nodes", "1", "--metrics-port", "0")


def test_what_is_injected_while_the_run_is_held_up_takes_its_place_in_the_order(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with running(folder, *PAUSED) as held:
        client = held.client()
        client.ask("step", until="day")
        client.ask("inject", disturbance={"type": "flaky_test"})
        client.ask("resume")
        assert held.finish().code == 0

    replay = simulate("replay", folder)
    assert replay.code == 0, replay.err


def test_a_run_can_be_stepped_day_by_day(tmp_path: Path) -> None:
    with running(tmp_path / "run", *PAUSED) as held:
        client = held.client()
        for _ in range(3):
            client.ask("step", until="day")
            until(lambda: client.ask("status")["held"])
        reached = client.ask("status")["now_us"]
        client.ask("stop")
        held.finish()

    assert clock_us(1, 3, 16) < reached < clock_us(1, 4, 9)


def test_an_injection_that_finds_no_work_strikes_later_and_no_actor_crashes(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with running(folder, *PAUSED) as held:
        client = held.client()
        assert client.ask("inject", disturbance={"type": "merge_conflict"}, at_us=clock_us(1, 1, 10))["ok"]
        client.ask("resume")
        assert held.finish().code == 0

    assert "I-01" in (folder / "metrics" / "disturbances.csv").read_text()
    assert json.loads((folder / "final_report.json").read_text())["metrics"]["dead_letters"] == 0


def test_what_would_happen_after_the_last_sprint_is_refused(tmp_path: Path) -> None:
    with running(tmp_path / "run", *PAUSED) as held:
        client = held.client()
        late = client.ask("inject", disturbance={"type": "scope_creep"}, at_us=1_700_000_000_000_000)
        client.ask("stop")
        held.finish()

    assert (late["ok"], late["error"]) == (False, "after_the_end")


@pytest.mark.parametrize("seed", ["2", "4", "5"])
def test_any_seed_can_be_continued_to_the_run_that_was_longer(tmp_path: Path, seed: str) -> None:
    run(tmp_path / "grown", "--sprints", "2", "--seed", seed, "--nodes", "1")
    more = simulate("run", "--continue", "1", "--output", tmp_path / "grown", *QUIET)
    run(tmp_path / "long", "--sprints", "3", "--seed", seed, "--nodes", "1")

    assert more.code == 0, more.err
    assert digest(tmp_path / "grown") == digest(tmp_path / "long")


def test_a_continued_run_is_forked_with_all_of_its_sprints(tmp_path: Path) -> None:
    run(tmp_path / "parent", "--sprints", "1", "--seed", "7", "--nodes", "1")
    assert simulate("run", "--continue", "1", "--output", tmp_path / "parent", *QUIET).code == 0
    with JournalReader(tmp_path / "parent" / "run.sqlite") as journal:
        places = (200, journal.count())
    for place in places:
        fork = simulate("fork", tmp_path / "parent", "--at", str(place), "--output", tmp_path / f"at-{place}", *QUIET)

        assert fork.code == 0, fork.err
        assert digest(tmp_path / f"at-{place}") == digest(tmp_path / "parent")


def test_a_paused_resume_replays_its_past_and_then_answers(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run(folder, *CALM, "--nodes", "1")
    with JournalReader(folder / "run.sqlite") as journal:
        rows = journal.count()
    before = artifacts(folder)
    with running(folder, "--resume", *PAUSED[len(CALM) :]) as again:
        assert again.finish().code == 0
    with JournalReader(folder / "run.sqlite") as journal:
        assert journal.count() == rows
    assert artifacts(folder) == before


def test_stopping_while_a_finished_run_is_held_is_no_failure(tmp_path: Path) -> None:
    with running(tmp_path / "run", *CALM, "--nodes", "1", "--hold", "60") as held:
        client = held.client()
        while not client.ask("status")["finished"]:
            pass
        held.process.send_signal(signal.SIGINT)
        ended = held.finish()

    assert (ended.code, "results" in ended.out) == (0, True)


def test_an_unfinished_run_is_replayed_as_far_as_it_got(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with running(folder, *PAUSED) as held:
        client = held.client()
        client.ask("step", windows=500)
        while client.ask("status")["seq"] < 100:
            pass
        client.ask("stop")
        assert held.finish().code == 130

    before = artifacts(folder)
    replay = simulate("replay", folder)
    assert (replay.code, "not finished" in replay.out) == (0, True), replay.err
    assert artifacts(folder) == before


def test_resuming_compares_only_what_is_given_again(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run(folder, "--sprints", "1", "--nodes", "1", "team.wip_limits.review=1")

    assert simulate("run", "--resume", "--output", folder, "--sprints", "1", *QUIET).code == 0
    refused = simulate("run", "--resume", "--output", folder, *QUIET, "team.wip_limits.review=2")
    assert (refused.code, "team.wip_limits.review: was 1, is 2" in refused.err) == (2, True)
