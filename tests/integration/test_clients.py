"""The example clients as a user runs them: own processes, against a real hub and a scripted run."""
# ruff: noqa: F811 - fixtures are named by the arguments that take them

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import zmq

from tests.brokers.hub.conftest import Client, HubProcess, client, context, hub, run  # noqa: F401 - fixtures
from tests.brokers.hub.scripted_run import ScriptedRun

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "clients"


def start(name: str, run_folder: Path, *arguments: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-I", str(EXAMPLES / name), str(run_folder), *arguments]  # -I: nothing of ours on the path
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


@pytest.mark.usefixtures("client")
def test_the_board_can_be_queried(hub: HubProcess) -> None:
    status, out, _ = finish(start("query_board.py", hub.run_folder))
    assert status == 0
    assert json.loads(out)["snapshot"]["boards"] == {"team-1": {"ready": ["S-1"]}}


def test_a_disturbance_can_be_injected_and_a_wrong_one_is_explained(
    hub: HubProcess,
    client: Client,
    run: ScriptedRun,
) -> None:
    status, out, _ = finish(start("inject_disturbance.py", hub.run_folder, "flaky_test", "S-1", "3", "90000"))
    assert (status, out) == (0, "journalled as command 1, takes effect at 90000 us\n")
    assert run.commands[-1].body == {
        "command": "inject",
        "disturbance": {"type": "flaky_test", "story_id": "S-1", "severity": 3},
        "at_us": 90_000,
    }
    status, _, err = finish(start("inject_disturbance.py", hub.run_folder, "flaky"))
    assert status == 1
    assert "allowed: flaky_test, scope_creep" in err


def test_a_run_can_be_held_stepped_and_released(
    hub: HubProcess,
    client: Client,
    run: ScriptedRun,
) -> None:
    del run.commands[:]
    assert finish(start("pause_step_resume.py", hub.run_folder))[0] == 0
    assert [command.body["command"] for command in run.commands] == ["pause", "step", "status", "resume"]


def test_events_can_be_followed_from_a_late_join_on(
    hub: HubProcess,
    client: Client,
    run: ScriptedRun,
    context: zmq.Context[Any],
) -> None:
    run.publish(300)
    follower = start("follow_events.py", hub.run_folder, "500")
    while not any(command.client == "follow_events" for command in run.commands):
        run.publish(1)  # events flow while it joins
        client.ask("status")
    run.publish(500)
    status, out, err = finish(follower)
    assert (status, err) == (0, "")
    numbers = [int(line.split()[0]) for line in out.splitlines()]
    assert len(numbers) == 500
    assert numbers == list(range(numbers[0], numbers[0] + 500)), "no gap and nothing twice"
    assert numbers[0] > 300
