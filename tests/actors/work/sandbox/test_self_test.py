from __future__ import annotations

import pytest

from actors.work.sandbox.__main__ import main
from actors.work.sandbox.limits import Limits
from actors.work.sandbox.sandbox import Sandbox
from actors.work.sandbox.self_test import CALLS, TESTS, Finding, make_call, run_self_test, set_bait
from tests.actors.work.sandbox.projects import needs_all_layers


def failed(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if not finding.holds]


@needs_all_layers
def test_every_attempt_of_foreign_code_is_blocked_or_judged_right() -> None:
    findings = list(run_self_test("model"))

    assert failed(findings) == []
    assert len(CALLS) + len(TESTS) >= 34
    assert {attempt.name for attempt in (*CALLS, *TESTS)} <= {finding.name for finding in findings}


def test_what_holds_for_our_own_code_holds_everywhere() -> None:
    findings = list(run_self_test("trusted"))

    assert failed(findings) == []
    assert len(findings) >= 30


REAL = [
    "read a file of another workspace",
    "read the home of the user who runs us",
    "read hidden tests in the sources of the simulator",
    "symbolic link out of the scratch folder",
    "climb out by ..",
    "look through /proc",
    "connect to a TCP port of the host",
    "send a UDP packet to the host",
    "connect to a Unix socket of the host",
    "connect to an abstract socket of the host",
    "write over a file of another workspace",
    "run a shell",
]


@pytest.mark.parametrize("name", REAL)
def test_an_attempt_succeeds_where_no_layer_is_in_its_way(name: str) -> None:
    (attempt,) = [each for each in CALLS if each.name == name]
    with set_bait() as bait, Sandbox(limits=Limits(cpu_s=5)) as sandbox:
        finding = make_call(sandbox, attempt, bait)

    assert finding.verdict == "FAILED", "an attempt that can never succeed proves nothing"


@needs_all_layers
def test_the_command_prints_layers_and_refuses_unknown_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["layers"]) == 0
    assert "landlock" in capsys.readouterr().out
    assert main(["self-test", "--accept-missing", "landlok"]) == 2
    assert "no layer is called landlok" in capsys.readouterr().err
