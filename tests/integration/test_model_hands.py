"""Runs in which a model writes the code with tools: real files, real tests, the full sandbox, and a server to ask."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from brokers.journal.reader import JournalReader
from brokers.wire.packing import kind_of
from inference.text import GenerateText
from tests.support.chat_server import SmallChatServer
from tests.support.coding import honest, nonsense, spying, stubborn, wants_code, with_hands
from tests.support.kills import start
from tests.support.live import events
from tests.support.repositories import pytest_in
from tests.support.runs import artifacts, digest, run, simulate

NOWHERE = "http://127.0.0.1:9"
LLM = "code_generation.hands=llm"
CODER = "code_generation.model=coder"
SHORT = ("--sprints", "1", "--seed", "3", "experiment.num_simulated_days=3", "disturbances.enabled=false")
Body = dict[str, Any]


def endpoint(server: SmallChatServer) -> str:
    return f"models.vllm_endpoint={server.base_url}"


def texts(folder: Path) -> int:
    """Requests to the model whose reply the journal holds."""
    with JournalReader(folder / "run.sqlite") as journal:
        return sum(kind_of(one.request) == GenerateText.KIND for one in journal.effects())


def told(folder: Path, kind: str) -> list[Body]:
    return [body for _, body in events(folder, kind)]


def report(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "final_report.json").read_text()))


def calls(bodies: list[Body], answer: Any = honest) -> list[Body]:
    """The tool calls that a server answered with, in whatever order it was asked."""
    return [json.loads(answer(body)) for body in bodies]


@dataclass(frozen=True)
class Written:
    """A run in one process whose server is gone."""

    folder: Path
    digest: str
    bodies: list[Body]
    out: str


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("written") / "run"
    with SmallChatServer(writes=honest, more_models=["coder"]) as server:
        done = run(folder, *SHORT, LLM, CODER, endpoint(server), "--nodes", "1", executes=True)
    return Written(folder, digest(folder), server.bodies, done.out)


@pytest.fixture(scope="module")
def raved(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The same run with a model that writes no call at all."""
    folder = tmp_path_factory.mktemp("raved") / "run"
    with SmallChatServer(writes=nonsense, more_models=["coder"]) as server:
        done = run(folder, *SHORT, LLM, CODER, endpoint(server), "--nodes", "1", executes=True)
    return Written(folder, digest(folder), server.bodies, done.out)


@pytest.fixture
def server() -> Iterator[SmallChatServer]:
    with SmallChatServer(writes=honest, more_models=["coder"]) as server:
        yield server


# -- what is written --------------------------------------------------------------------------------------------------


def test_stories_are_accepted_because_of_what_the_model_wrote(written: Written, raved: Written) -> None:
    measured = told(written.folder, "code.acceptance_measured/1")
    sent = {
        (call["arguments"]["path"], call["arguments"]["text"])
        for call in calls(written.bodies)
        if call["tool"] == "write_file"
    }
    workspace = written.folder / "workspace"
    on_main = [path for path, text in sent if (workspace / path).is_file() and (workspace / path).read_text() == text]

    assert measured
    assert all(sum(one["cases"]) > 0 and not any(one["failed"]) for one in measured)
    assert report(written.folder)["metrics"]["total_features"] >= 1
    assert {path.split("/")[0] for path in on_main} == {"src", "tests"}
    assert pytest_in(workspace).returncode == 0
    assert report(raved.folder)["metrics"]["total_features"] == 0, "nothing else wrote it"


def test_each_call_is_a_decision_of_its_driver_with_a_seed_of_its_own(written: Written) -> None:
    asked = told(written.folder, "decision.model_asked/1")

    assert {body["decision"] for body in asked} == {"decision.write_code/1"}
    assert {body["model"] for body in asked} == {"coder"}
    assert all(body["prompt_tokens"] > 0 and body["completion_tokens"] > 0 for body in asked)
    assert len(asked) == len(written.bodies) == texts(written.folder) > 20
    assert len({body["seed"] for body in written.bodies}) == len(written.bodies)
    assert all(body["response_format"]["json_schema"]["schema"]["anyOf"] for body in written.bodies)


def test_what_the_hands_took_of_engines_is_measured_by_driver_and_story(written: Written, raved: Written) -> None:
    """The effects are those of whoever works with the code, and not of the driver whose purse pays."""
    page, nonsense = (json.loads((of.folder / "logs" / "ledger_measured.json").read_text()) for of in (written, raved))
    drivers = {body["agent"] for body in told(written.folder, "decision.model_asked/1")}

    assert page["total"]["answers"] == len(written.bodies)
    assert page["unpaid"]["answers"] == page["total"]["answers_without_seconds"] == 0
    assert set(page["by"]["actor"]) == drivers
    assert "none" not in page["by"]["story"]
    assert all(row["engine_seconds"] > 0 for row in page["entries"])
    total = nonsense["total"]  # what a server made of it came to nothing: the engine kept no answer
    assert total["answers"] == total["answers_without_seconds"] == len(raved.bodies) > 0
    assert (total["engine_seconds"], bool(total["engine_seconds_reason"])) == (None, True)


def test_a_model_is_shown_what_it_has_read_before(written: Written) -> None:
    """The third call of a quarter still has the test file that the second one read."""
    third = next(body for body in written.bodies if json.loads(honest(body))["tool"] == "write_file")
    roles = [message["role"] for message in third["messages"]]

    assert roles == ["system", "user", "assistant", "user", "assistant", "user"]
    assert '"tool":"read_file"' in third["messages"][4]["content"]
    assert "def test_" in third["messages"][5]["content"]


def test_tokens_and_tool_calls_are_in_the_report_and_on_the_screen(written: Written) -> None:
    hands, metrics = report(written.folder)["hands"], report(written.folder)["metrics"]
    asked = told(written.folder, "decision.model_asked/1")
    tools = told(written.folder, "code.tool_called/1")
    counted = Counter(call["tool"] for call in calls(written.bodies))

    assert (hands["by"], hands["models"]) == ("llm", {"coder": len(asked)})
    assert (hands["asked"], hands["failed"]) == (len(asked), 0)
    assert {name: one["used"] + one["refused"] for name, one in hands["tools"].items()} == counted
    assert len(tools) == len(asked)
    assert {body["tool"] for body in tools if body["is_refused"]} <= {"write_file", "commit"}, "the very text again"
    for kind in ("prompt_tokens", "completion_tokens"):
        assert hands[kind] == metrics[kind] == sum(body[kind] for body in asked)
    assert f"wrote     {len(asked)} tool calls asked for" in written.out
    assert report(written.folder)["judgement"] == {"by": "behavioural"}


# -- whatever happens, the same log -----------------------------------------------------------------------------------


def test_two_nodes_give_the_same_results_as_one(written: Written, server: SmallChatServer, tmp_path: Path) -> None:
    run(tmp_path / "two", *SHORT, LLM, CODER, endpoint(server), "--nodes", "2", executes=True)

    assert digest(tmp_path / "two") == written.digest
    assert artifacts(tmp_path / "two") == artifacts(written.folder)


def test_a_run_is_replayed_without_the_server(written: Written) -> None:
    replayed = simulate("replay", written.folder)

    assert replayed.code == 0, replayed.err
    assert written.digest in replayed.out


def test_a_killed_run_goes_on_and_asks_only_for_the_calls_that_it_lacks(
    written: Written, server: SmallChatServer, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    kinds = [row.kind for row, _ in events(written.folder)]
    middle = kinds.index("code.tool_called/1") + 30
    running = start(folder, *SHORT, LLM, CODER, endpoint(server), "--nodes", "2", executes=True)
    killed = running.kill_after("services", middle, timeout_ms=100_000)
    _, err = running.process.communicate(timeout=100)
    kept = texts(folder)
    with SmallChatServer(writes=honest, more_models=["coder"]) as other:
        options = ("--output", folder, "--metrics-port", "0", "--nodes", "1", endpoint(other))
        resumed = simulate("run", "--resume", *options, timeout_s=300)

    assert killed
    assert running.process.returncode == 75, err
    assert resumed.code == 0, resumed.err
    assert digest(folder) == written.digest
    assert 0 < kept < texts(folder)
    assert len(other.bodies) == texts(folder) - kept


# -- models that do not do what they should ---------------------------------------------------------------------------


def test_nonsense_is_a_typed_failure_after_one_repair_and_the_run_ends_well(raved: Written) -> None:
    asked = told(raved.folder, "decision.model_asked/1")
    failed = told(raved.folder, "decision.failed/1")
    hands = report(raved.folder)["hands"]

    assert {(body["outcome"], body["attempts"]) for body in asked} == {("malformed", 2)}
    assert len(failed) == len(asked) > 0
    assert all(body["reason"].startswith("malformed answer: not JSON") for body in failed)
    assert {body["cautious_choice"] for body in failed} == {"stop_writing"}
    assert told(raved.folder, "run.ended/1")[0]["reason"] == "completed"
    assert (hands["failed"], hands["tools"]) == (len(failed), {})
    assert hands["prompt_tokens"] is None, "an answer against its schema is dropped with its tokens"
    assert hands["answers_without_tokens"] == 2 * len(asked) == len(raved.bodies)
    assert simulate("replay", raved.folder).code == 0


def test_a_model_that_never_finishes_is_stopped_and_its_escapes_are_refused(tmp_path: Path) -> None:
    """It writes outside of the workspace, changes the tests it is judged by, and calls on and on."""
    with SmallChatServer(writes=stubborn, more_models=["coder"]) as server:
        run(tmp_path / "run", *SHORT, "--nodes", "1", LLM, CODER, endpoint(server), executes=True)
    tools = Counter((body["tool"], body["is_refused"]) for body in told(tmp_path / "run", "code.tool_called/1"))

    assert tools[("write_file", True)] > 0
    assert tools[("write_file", False)] == 0
    assert not (tmp_path / "run" / "escaped.py").exists()
    assert report(tmp_path / "run")["metrics"]["total_features"] == 0


def test_what_a_model_writes_runs_in_the_full_sandbox(server: SmallChatServer, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("of the host")
    server.writes = spying(int(server.base_url.split(":")[2].split("/")[0]), tmp_path / "secret")
    run(tmp_path / "run", *SHORT, LLM, CODER, endpoint(server), "--nodes", "1", executes=True)
    last = [body["messages"][-1]["content"] for body in server.bodies]
    said = [text.partition("run_tests said:\n")[2].partition("\n")[0] for text in last if "run_tests said:" in text]

    assert set(said) == {"2 tests, 0 not green"}


# -- judgement and hands are separate ---------------------------------------------------------------------------------


@pytest.mark.parametrize("hands", ["llm", "behavioural"])
def test_a_small_model_leads_whoever_writes(hands: str, tmp_path: Path) -> None:
    with SmallChatServer(writes=with_hands(honest), more_models=["coder"]) as server:
        models = ("policy.judgement=model", "policy.model=tiny", CODER, f"code_generation.hands={hands}")
        run(tmp_path / "run", *SHORT, *models, endpoint(server), "--nodes", "1", executes=True)
    whole = report(tmp_path / "run")
    by_model = Counter(body["model"] for body in server.bodies if wants_code(body))

    assert {body["model"] for body in server.bodies if not wants_code(body)} == {"tiny"}
    assert whole["judgement"]["models"].keys() == {"tiny"}
    assert "write_code" not in whole["judgement"]["decisions"]
    assert told(tmp_path / "run", "code.committed/1")
    if hands == "llm":
        assert by_model.keys() == {"coder"}
        assert whole["hands"]["models"] == dict(by_model)
        both = whole["judgement"]["prompt_tokens"] + whole["hands"]["prompt_tokens"]
        assert both == whole["metrics"]["prompt_tokens"]
    else:
        assert not by_model
        assert whole["hands"] == {"by": "behavioural"}


# -- what is wrong is said before anything is written -----------------------------------------------------------------


def refused(folder: Path, *arguments: str) -> str:
    done = simulate("run", "--output", folder, LLM, *arguments)
    assert done.code == 2, done.out + done.err
    assert not folder.exists()
    (line,) = done.err.splitlines()
    return line


def test_a_server_that_is_not_there_is_named_with_the_setting(tmp_path: Path) -> None:
    line = refused(tmp_path / "run", CODER, f"models.vllm_endpoint={NOWHERE}")

    assert line.startswith(f"command line:3: models.vllm_endpoint: cannot be asked, {NOWHERE}/v1: no connection")


def test_the_model_of_the_hands_must_be_served_too(server: SmallChatServer, tmp_path: Path) -> None:
    only = refused(tmp_path / "run", "code_generation.model=huge", endpoint(server))
    beside = refused(
        tmp_path / "run", "policy.judgement=model", "policy.model=tiny", "code_generation.model=huge", endpoint(server)
    )

    assert only.startswith("command line:2: code_generation.model: huge is not served by")
    assert beside.startswith("command line:4: code_generation.model: huge is not served by")
    assert "coder" in beside


def test_hands_of_a_model_are_refused_where_work_is_modelled(server: SmallChatServer, tmp_path: Path) -> None:
    line = refused(tmp_path / "run", "code_generation.mode=modelled", CODER, endpoint(server))

    assert line.startswith("command line:1: code_generation.hands: llm writes no code while")
