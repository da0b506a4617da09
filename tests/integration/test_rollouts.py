"""Runs whose servers have versions of adapters: judgements and code wear their own, and what is not there is told."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from actors.scrum.calendar import DAY_US
from brokers.journal.reader import JournalReader
from brokers.journal.rows import LogRow
from config.loader import load_config
from tests.support.chat_server import SmallChatServer
from tests.support.coding import honest, wants_code
from tests.support.judging import legal
from tests.support.live import events
from tests.support.runs import MODELLED, run, simulate

CODING = ("--sprints", "1", "--seed", "3", "experiment.num_simulated_days=2", "disturbances.enabled=false")
POOLED = ("policy.judgement=model", "models.engine=pool", "policy.model=judge")


def tier(name: str, model: str, server: SmallChatServer) -> tuple[str, ...]:
    settings = (f"model={model}", "engine=openai", f"endpoint=http://127.0.0.1:{server.port}")
    return tuple(f"pool.tiers.{name}.{setting}" for setting in settings)


def test_judgements_and_code_are_answered_through_adapters_of_their_own_models(tmp_path: Path) -> None:
    seniors = {name for name, agent in load_config(None).config.models.agents.items() if agent.seniority == "senior"}
    with (
        SmallChatServer(writes=legal, models=["judge", "coach@2"]) as judge,
        SmallChatServer(writes=honest, models=["coder", "writer@5"]) as coder,
    ):
        adapters = "pool.adapters={coach@2: {model: judge}, writer@5: {model: coder}}"
        rollout = "pool.rollout=[{adapter: coach@2, roles: [senior]}, {adapter: writer@5}]"
        models = ("code_generation.hands=llm", "code_generation.model=coder", adapters, rollout)
        tiers = (*tier("lead", "judge", judge), *tier("hands", "coder", coder))
        run(tmp_path / "run", *CODING, *POOLED, *models, *tiers, "--nodes", "1", executes=True)

    assert {body["model"] for body in judge.bodies} == {"judge", "coach@2"}
    assert {body["model"] for body in coder.bodies} == {"writer@5"}
    assert all(wants_code(body) for body in coder.bodies)
    told = [body for _, body in events(tmp_path / "run", "decision.model_asked/1")]
    judged = [body for body in told if body["model"] == "judge"]
    assert {body["agent"] for body in judged if body["adapter"]} <= seniors
    assert not seniors & {body["agent"] for body in judged if not body["adapter"]}
    report = json.loads((tmp_path / "run" / "final_report.json").read_text())
    assert report["judgement"]["adapters"] == {"coach@2": sum(bool(body["adapter"]) for body in judged)}
    assert report["hands"]["adapters"] == {"writer@5": report["hands"]["asked"]}
    answers = Counter(body["model"] for body in (*judge.bodies, *coder.bodies))
    rows = json.loads((tmp_path / "run" / "ledger.json").read_text())["by"]["adapter"]
    assert {name: row["answers"] for name, row in rows.items()} == {
        "none": answers["judge"],
        "coach@2": answers["coach@2"],
        "writer@5": answers["writer@5"],
    }
    assert simulate("replay", tmp_path / "run").code == 0


def test_a_version_that_its_server_has_not_is_told_before_anything_is_written(tmp_path: Path) -> None:
    with SmallChatServer(writes=legal, models=["judge", "coach@1"]) as server:
        config = tmp_path / "team.yaml"
        config.write_text("pool:\n  adapters:\n    coach@2: {model: judge}\n  rollout:\n    - {adapter: coach@2}\n")
        options = ("--config", config, "--output", tmp_path / "run", *POOLED, *tier("own", "judge", server))
        refused = simulate("run", *options, MODELLED)
        spare = simulate(
            "run", *options, MODELLED, "pool.rollout=[]", "--sprints", "1", "experiment.num_simulated_days=1"
        )

    assert refused.code == 2
    assert refused.err.startswith(f"{config}:3: pool.adapters.coach@2: coach@2 is not served by http://127.0.0.1:")
    assert "judge, coach@1" in refused.err or "coach@1, judge" in refused.err
    assert refused.err.count("\n") == 1
    assert spare.code == 0, spare.err  # nobody wears it


def test_a_server_that_has_lost_a_version_stops_the_run_and_decides_nothing(tmp_path: Path) -> None:
    small = ("--sprints", "1", "--seed", "3", "experiment.num_simulated_days=1", "--nodes", "1")
    worn = ("pool.adapters={coach@1: {model: judge}}", "pool.rollout=[{adapter: coach@1, roles: [senior]}]")
    folder = tmp_path / "run"
    with SmallChatServer(writes=legal, models=["judge", "coach@1"]) as server:
        server.writes = Forgetful(server)
        options = ("--output", folder, "--metrics-port", "0", MODELLED, *small)
        stopped = simulate("run", *options, *POOLED, *worn, *tier("own", "judge", server))
        decided = events(folder, "decision.failed/1")
        server.writes, server.models = legal, ("judge", "coach@1")  # somebody loads it again
        resumed = simulate("run", "--resume", "--output", folder, "--metrics-port", "0", "--nodes", "1")

    assert stopped.code == 75, stopped.err
    assert "adapter coach@1 is not there" in stopped.err
    assert decided == []
    assert resumed.code == 0, resumed.err
    assert not events(folder, "decision.failed/1")


class Forgetful:
    """Answers as `legal` does, and makes its server forget the adapter after some requests."""

    def __init__(self, server: SmallChatServer) -> None:
        self._server = server

    def __call__(self, body: dict[str, Any]) -> str:
        if len(self._server.bodies) > 10:
            self._server.models = ("judge",)
        return legal(body)


def test_who_wears_what_may_not_change_in_a_run_but_in_what_a_fork_has_ahead(tmp_path: Path) -> None:
    with SmallChatServer(writes=legal, models=["judge", "coach@1", "coach@2"]) as server:
        worn = ("pool.adapters={coach@1: {model: judge}, coach@2: {model: judge}}", "pool.rollout=[{adapter: coach@1}]")
        small = ("--sprints", "2", "--seed", "3", "experiment.num_simulated_days=1", "disturbances.enabled=false")
        run(tmp_path / "run", *small, *POOLED, *worn, *tier("own", "judge", server), "--nodes", "1")
        changed = "pool.rollout=[{adapter: coach@1}, {adapter: coach@2, from_sprint: 2}]"
        resumed = simulate("run", "--resume", "--output", tmp_path / "run", changed)
        middle = next(n for n, row in rows_of(tmp_path / "run") if row.time_us > DAY_US)
        options = ("--at", str(middle - 1), "--output", tmp_path / "fork", "--nodes", "1")
        forked = simulate("fork", tmp_path / "run", *options, changed)

    assert resumed.code == 2
    assert "pool.rollout: was " in resumed.err
    assert forked.code == 0, forked.err
    versions = {
        (row.time_us > DAY_US, body["adapter_version"])
        for row, body in events(tmp_path / "fork", "decision.model_asked/1")
    }
    assert versions == {(False, 1), (True, 2)}


def rows_of(folder: Path) -> list[tuple[int, LogRow]]:
    with JournalReader(folder / "run.sqlite") as journal:
        return list(journal.rows())
