"""What a run took of engines: in its journal and nowhere else, for every way in which a run can end."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.chat_server import SmallChatServer
from tests.support.judging import legal
from tests.support.kills import start
from tests.support.live import events
from tests.support.runs import artifacts, digest, run, simulate

SMALL = ("--sprints", "1", "--seed", "3", "experiment.num_simulated_days=1", "policy.judgement=model")
PRICED = "prices={currency: EUR, models: {tiny: {input: 4, cached: 1, output: 10}}}"
MEASURED = Path("logs", "ledger_measured.json")
SLOW_S = 0.01  # that a slow server takes for each answer
DIMENSIONS = ("actor", "story", "sprint", "model", "adapter")


def options(server: SmallChatServer) -> tuple[str, ...]:
    return (*SMALL, PRICED, "policy.model=tiny", f"models.vllm_endpoint={server.base_url.removesuffix('/v1')}")


def slowly(body: dict[str, Any]) -> str:
    threading.Event().wait(SLOW_S)
    return legal(body)


def printed(folder: Path) -> dict[str, Any]:
    """What the command says of a run, for programs."""
    done = simulate("ledger", folder, "--json")
    assert done.code == 0, done.err
    return dict(json.loads(done.out))


def micros(row: dict[str, Any]) -> int:
    return round(row["engine_seconds"] * 1_000_000)


@dataclass(frozen=True)
class Measured:
    """A finished run with what was said at its end, and what is in the ledgers."""

    folder: Path
    out: str

    @property
    def file(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / MEASURED).read_text()))

    @property
    def artifact(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "ledger.json").read_text()))


@pytest.fixture(scope="module")
def server() -> Iterator[SmallChatServer]:
    """Half of each prompt was in its cache, it says."""
    with SmallChatServer(writes=legal) as server:
        server.caches = lambda body: sum(len(message["content"].split()) for message in body["messages"]) // 2
        yield server


@pytest.fixture(scope="module")
def quick(server: SmallChatServer, tmp_path_factory: pytest.TempPathFactory) -> Measured:
    folder = tmp_path_factory.mktemp("measured") / "run"
    return Measured(folder, run(folder, *options(server), "--nodes", "2").out)


def test_how_slow_engines_are_and_what_they_cached_is_in_no_log_and_no_artifact(
    quick: Measured, tmp_path: Path
) -> None:
    with SmallChatServer(writes=slowly) as slow:
        slow.caches = lambda body: 1
        run(tmp_path / "slow", *options(slow), "--nodes", "1")
    other = Measured(tmp_path / "slow", "").file["total"]
    total = quick.file["total"]

    assert digest(tmp_path / "slow") == digest(quick.folder)
    assert artifacts(tmp_path / "slow") == artifacts(quick.folder)
    assert other["answers"] == total["answers"]
    assert other["engine_seconds"] > SLOW_S * other["answers"]
    assert (other["cached_tokens"], total["cached_tokens"] > other["answers"]) == (other["answers"], True)


def test_rows_add_up_to_what_the_engines_did_in_every_dimension(quick: Measured) -> None:
    page, artifact = quick.file, quick.artifact

    assert page["total"]["answers"] == len(events(quick.folder, "decision.model_asked/2"))
    assert micros(page["total"]) > 0
    assert page["total"]["answers_without_seconds"] == page["total"]["answers_without_cached_tokens"] == 0
    assert page["unpaid"]["answers"] == 0
    for name in DIMENSIONS:
        rows = page["by"][name]
        assert sum(micros(row) for row in rows.values()) == micros(page["total"])
        assert sum(row["cached_tokens"] for row in rows.values()) == page["total"]["cached_tokens"]
        assert {key: counts(row) for key, row in rows.items()} == {
            key: counts(row) for key, row in artifact["by"][name].items()
        }
    assert sum(micros(row) for row in page["entries"]) == micros(page["total"])


def counts(row: dict[str, Any]) -> tuple[int, int, int]:
    return row["answers"], row["prompt_tokens"], row["completion_tokens"]


def test_cached_tokens_have_their_own_price_here_and_none_in_the_run(quick: Measured) -> None:
    measured, booked = quick.file["total"], quick.artifact["total"]
    millionths = {name: round(float(row["price"]) * 1_000_000) for name, row in (("m", measured), ("b", booked))}

    assert millionths["b"] - millionths["m"] == 3 * measured["cached_tokens"]


def test_the_command_prints_what_the_run_left(quick: Measured) -> None:
    done = simulate("ledger", quick.folder, "--by", "story")
    lines = done.out.splitlines()
    total = quick.file["total"]

    assert printed(quick.folder) == quick.file
    assert lines[0].split() == ["story", "answers", "prompt", "cached", "written", "seconds", "EUR"]
    assert {line.split()[0] for line in lines[1:]} == {*quick.file["by"]["story"], "total"}
    assert lines[-1].split()[1:] == [
        str(total["answers"]),
        str(total["prompt_tokens"]),
        str(total["cached_tokens"]),
        str(total["completion_tokens"]),
        f"{total['engine_seconds']:.3f}",
        total["price"],
    ]
    assert f"measured  {total['engine_seconds']:.1f} s of engines" in quick.out


def test_a_replay_changes_nothing_of_what_was_measured(quick: Measured) -> None:
    before = quick.file
    (quick.folder / MEASURED).unlink()
    replayed = simulate("replay", quick.folder)
    assert replayed.code == 0, replayed.err
    after_replay = printed(quick.folder)
    verified = simulate("run", "--resume", "--output", quick.folder, "--metrics-port", "0")

    assert verified.code == 0, verified.err
    assert after_replay == before == quick.file


def test_a_run_that_is_killed_has_its_ledger_in_its_journal(
    server: SmallChatServer, quick: Measured, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    asked = len(server.bodies)
    running = start(folder, *options(server), "--nodes", "1")
    server.wait_for(asked + 60, timeout_s=100)
    os.kill(running.process.pid, signal.SIGKILL)
    running.process.communicate(timeout=100)
    killed = printed(folder)
    resumed = simulate("run", "--resume", "--output", folder, "--metrics-port", "0")
    whole = printed(folder)

    assert resumed.code == 0, resumed.err
    parts = [killed["total"], killed["unpaid"]]
    assert 0 < sum(part["answers"] for part in parts) < whole["total"]["answers"]
    assert 0 < sum(micros(part) for part in parts) < micros(whole["total"])
    assert whole["unpaid"]["answers"] == 0
    assert whole == json.loads((folder / MEASURED).read_text())
    assert digest(folder) == digest(quick.folder)
    assert {name: counts(row) for name, row in whole["by"]["actor"].items()} == {
        name: counts(row) for name, row in quick.file["by"]["actor"].items()
    }


def test_where_engines_tell_nothing_there_is_no_number_but_a_reason(tmp_path: Path) -> None:
    with SmallChatServer(writes=legal) as silent:
        run(tmp_path / "run", *options(silent), "--nodes", "1", "budget.tokens=3000")
    done = simulate("ledger", tmp_path / "run", "--by", "model")
    total = Measured(tmp_path / "run", "").file["total"]

    assert (total["cached_tokens"], total["cached_tokens_reason"]) == (None, "no engine told")
    assert total["answers_without_cached_tokens"] == total["answers"]
    assert total["engine_seconds"] > 0
    assert "no cached tokens: no engine told" in done.out


def test_a_run_without_models_says_so_in_one_line(tmp_path: Path) -> None:
    run(tmp_path / "run", *SMALL[:-1], "--nodes", "1")
    done = simulate("ledger", tmp_path / "run")
    for_programs = simulate("ledger", tmp_path / "run", "--json")

    assert (for_programs.code, json.loads(for_programs.out)) == (0, None)
    assert (done.code, done.out) == (0, f"{tmp_path / 'run'} asks no model: nothing was spent on any\n")
    assert not (tmp_path / "run" / MEASURED).exists()


def test_what_is_no_run_is_said_in_one_line(tmp_path: Path) -> None:
    nowhere = simulate("ledger", tmp_path / "nowhere")
    (tmp_path / "run.sqlite").write_bytes(b"no database")
    damaged = simulate("ledger", tmp_path)
    by = simulate("ledger", tmp_path, "--by", "weather")

    assert (nowhere.code, nowhere.err) == (2, f"simulate: there is no run in {tmp_path / 'nowhere'}\n")
    assert (damaged.code, damaged.err.count("\n")) == (2, 1)
    assert by.code == 2
    assert "invalid choice: 'weather'" in by.err
