"""Qualification as a user holds it: servers that answer rightly, wrongly, not at all; input that makes no sense."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.policy.prompting.prompts import load_prompts
from actors.work.sandbox.layers import probe
from tests.qualification.candidates import BehaviouralCandidate
from tests.qualification.decisions import ask_of, observed_by
from tests.qualification.instructions import tasks
from tests.qualification.katas import exercises, told
from tests.qualification.profiles import profile_of
from tests.qualification.qualifying import ExitCode, main
from tests.support.chat_server import MODEL, Fault, SmallChatServer

PROFILE = """\
role: leader
topics: [a risk, a plan]
decisions: {cases: 60, at_least: 0.9}
instructions: {cases: 48, at_least: 0.9}
katas: {cases: 6, at_least: 0.6, max_tokens: 4000}
latency: {requests: 4}
"""
MISSING = [layer.name for layer in probe() if not layer.is_present]
Writes = Callable[[dict[str, Any]], str]


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("profiles") / "leader.yaml"
    path.write_text(PROFILE, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def right() -> dict[str, str]:
    """The right answer to everything that is asked, by the last message."""
    prompts, people = load_prompts(), BehaviouralCandidate(1)
    found = {task.text: task.right for task in tasks(("a risk", "a plan"), 48)}
    for one in exercises(6):
        found[told(one)] = f"Here it is.\n```python\n{one.source(one.wanted)}```\n"
    for observed in observed_by("leader", 60):
        ask = ask_of(observed, prompts, seed=0, max_tokens=512)
        found[ask.messages[-1].content] = people.text(observed.decide, 0)
    return found


@pytest.fixture
def serve() -> Iterator[Callable[[Writes], SmallChatServer]]:
    servers: list[SmallChatServer] = []

    def start(writes: Writes) -> SmallChatServer:
        servers.append(SmallChatServer(writes=writes).__enter__())
        return servers[-1]

    yield start
    for server in servers:
        server.__exit__(None, None, None)


def asked(body: dict[str, Any]) -> str:
    text: str = body["messages"][-1]["content"]
    return text


def hold(profile: Path, server: SmallChatServer, *more: str) -> int:
    endpoint = ("--endpoint", server.base_url.removesuffix("/v1"), "--accept-missing", *MISSING)
    return main(["--profile", str(profile), "--model", MODEL, *endpoint, "--json", *more])


def parts_of(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    return {part["part"]: part for part in json.loads(capsys.readouterr().out)["parts"]}


def test_a_model_that_answers_everything_rightly_passes_every_part(
    profile: Path,
    right: dict[str, str],
    serve: Callable[[Writes], SmallChatServer],
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = hold(profile, serve(lambda body: right[asked(body)]))

    parts = parts_of(capsys)
    assert [failure for part in parts.values() for failure in part["failures"]] == []
    assert (code, [part["passed"] for part in parts.values()]) == (ExitCode.PASSED, [True] * 4)
    assert [parts[name]["share"]["tried"] for name in ("decisions", "instructions", "katas")] == [60, 48, 6]
    assert parts["katas"]["share"]["low"] == pytest.approx(0.6097, abs=1e-4)
    assert 0 < parts["latency"]["figures"]["p50_s"] <= parts["latency"]["figures"]["p99_s"]


def test_a_model_that_is_nearly_right_fails_every_part_that_has_answers(
    profile: Path,
    right: dict[str, str],
    serve: Callable[[Writes], SmallChatServer],
    capsys: pytest.CaptureFixture[str],
) -> None:
    as_assumed = {told(one): one.source(one.assumed) for one in exercises(6)}

    def nearly(body: dict[str, Any]) -> str:
        text = asked(body)
        return as_assumed.get(text) or right[text].replace("}", ',"more":1}').replace("e", "f")

    assert hold(profile, serve(nearly), "--unguided") == ExitCode.FAILED

    parts = parts_of(capsys)
    assert not any(parts[name]["passed"] for name in ("decisions", "instructions", "katas"))
    assert parts["decisions"]["share"]["passed"] == 0
    assert any("hidden tests, first c" in failure for failure in parts["katas"]["failures"])


def test_a_model_whose_answers_have_no_form_fails_with_what_was_wrong(
    profile: Path, serve: Callable[[Writes], SmallChatServer], capsys: pytest.CaptureFixture[str]
) -> None:
    assert hold(profile, serve(lambda body: "I would rather not say.")) == ExitCode.FAILED

    parts = parts_of(capsys)
    assert {name: part["passed"] for name, part in parts.items()} == dict.fromkeys(parts, False)
    assert all("schema_not_honoured" in failure for failure in parts["decisions"]["failures"])
    assert parts["katas"]["share"]["passed"] == 0


def test_a_slow_model_fails_only_where_a_limit_is_given(
    profile: Path, right: dict[str, str], serve: Callable[[Writes], SmallChatServer]
) -> None:
    server = serve(lambda body: right[asked(body)])

    assert hold(profile, server, "--parts", "latency") == ExitCode.PASSED
    assert hold(profile, server, "--parts", "latency", "--p99", "0.000001") == ExitCode.FAILED


def test_a_server_that_goes_away_says_nothing_about_its_model(
    profile: Path,
    right: dict[str, str],
    serve: Callable[[Writes], SmallChatServer],
    capsys: pytest.CaptureFixture[str],
) -> None:
    server = serve(lambda body: right[asked(body)])
    server.faults.extend([Fault()] * 200)

    assert hold(profile, server, "--parts", "decisions") == ExitCode.ENGINE_LOST
    assert "nothing is said about the model" in capsys.readouterr().err


@pytest.mark.parametrize("role", ["developer", "tester", "leader", "product owner"])
def test_calibrated_play_makes_valid_decisions_in_every_role(role: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--engine", "behavioural", "--role", role, "--parts", "decisions"]) == ExitCode.PASSED
    assert "random play" in capsys.readouterr().out


def test_play_without_a_model_follows_no_instructions(profile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--engine", "behavioural", "--profile", str(profile), "--json"]) == ExitCode.FAILED

    parts = parts_of(capsys)
    assert [name for name, part in parts.items() if part["passed"]] == ["decisions", "latency"]
    assert "writes no other text" in parts["instructions"]["measured"]


def test_random_play_cannot_plan(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--engine", "random", "--role", "developer", "--parts", "decisions", "--json"]) == ExitCode.FAILED
    assert parts_of(capsys)["decisions"]["groups"]["plan_story"]["passed"] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--role", "astronaut"], "--role: astronaut; expected one of developer, leader, product_owner, tester"),
        (["--role", "product_owner", "--parts", "katas"], "--parts: katas; expected some of decisions, instructions"),
        (["--role", "developer", "--prompts", "nowhere"], "nowhere"),
    ],
)
def test_input_that_makes_no_sense_is_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--engine", "random"]) == ExitCode.BAD_INPUT
    assert said in capsys.readouterr().err


def test_a_server_that_is_not_there_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    nowhere = ["--endpoint", "http://127.0.0.1:9", "--model", MODEL, "--role", "developer"]

    assert main(nowhere) == ExitCode.BAD_INPUT
    assert "127.0.0.1:9" in capsys.readouterr().err


def test_a_slip_in_a_profile_names_key_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(PROFILE.replace("cases: 60", "cases: many").replace("katas:", "kata:"), encoding="utf-8")

    assert main(["--engine", "random", "--profile", str(path)]) == ExitCode.BAD_INPUT
    said = capsys.readouterr().err
    assert f"{path}:3: decisions.cases:" in said
    assert f"{path}:5: kata:" in said


def test_who_names_no_role_or_engine_is_told_what_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, said in (
        ([], "--role"),
        (["--role", "tester"], "--model"),
        (["--role", "tester", "--model", "m"], "--endpoint"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == ExitCode.BAD_INPUT
        assert f"{said} is needed" in capsys.readouterr().err


def test_every_shipped_profile_is_of_the_role_that_it_is_named_for() -> None:
    assert {profile_of(role).role for role in ("developer", "Product-Owner")} == {"developer", "product_owner"}
