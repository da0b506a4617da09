"""Runs in which every judgement comes from a server: the same log over any processes, and no server to replay it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from brokers.journal.reader import JournalReader
from tests.support.chat_server import Fault, SmallChatServer, error_body
from tests.support.judging import legal, spoilt
from tests.support.kills import start
from tests.support.live import events
from tests.support.runs import artifacts, digest, run, simulate

NOWHERE = "http://127.0.0.1:9"
SMALL = ("--sprints", "1", "--seed", "3", "experiment.num_simulated_days=1", "policy.judgement=model")
TINY = "policy.model=tiny"
FAULTS = (Fault(500, error_body("out of memory")), Fault(500, b"no JSON"), Fault())


def endpoint(server: SmallChatServer) -> str:
    return f"models.vllm_endpoint={server.base_url.removesuffix('/v1')}"


def asked(folder: Path) -> int:
    """Requests whose reply the journal holds."""
    with JournalReader(folder / "run.sqlite") as journal:
        return sum(1 for _ in journal.effects())


def judgement(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "final_report.json").read_text())["judgement"])


@dataclass(frozen=True)
class Undisturbed:
    """A run over three nodes whose server is gone."""

    folder: Path
    digest: str
    requests: int
    out: str


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    folder = tmp_path_factory.mktemp("judged") / "run"
    with SmallChatServer(writes=legal) as server:
        done = run(folder, *SMALL, TINY, endpoint(server), "--nodes", "3")
    return Undisturbed(folder, digest(folder), len(server.bodies), done.out)


@pytest.fixture
def server() -> Iterator[SmallChatServer]:
    with SmallChatServer(writes=legal) as server:
        yield server


def test_every_decision_of_every_agent_comes_from_the_server(undisturbed: Undisturbed) -> None:
    taken = events(undisturbed.folder, "decision.taken/1")
    told = events(undisturbed.folder, "decision.model_asked/2")

    assert len(taken) == len(told) == undisturbed.requests == asked(undisturbed.folder) > 30
    assert len({body["agent"] for _, body in taken}) == 11
    assert all(body["prompt_tokens"] > 0 and body["completion_tokens"] > 0 for _, body in taken)
    assert not events(undisturbed.folder, "decision.failed/1")


def test_the_report_says_which_model_judged_and_what_it_took(undisturbed: Undisturbed) -> None:
    report = json.loads((undisturbed.folder / "final_report.json").read_text())
    taken = [body for _, body in events(undisturbed.folder, "decision.taken/1")]

    assert report["judgement"]["models"] == {"tiny": len(taken)}
    assert report["metrics"]["prompt_tokens"] == sum(body["prompt_tokens"] for body in taken)
    assert report["metrics"]["completion_tokens"] == sum(body["completion_tokens"] for body in taken)
    assert "prompt_tokens" not in report["unmeasured"]
    assert f"judged    {len(taken)} decisions, 0 repaired, 0 failed" in undisturbed.out
    assert "by tiny" in undisturbed.out


def test_one_process_gives_the_same_results_although_its_server_fails_in_between(
    undisturbed: Undisturbed, server: SmallChatServer, tmp_path: Path
) -> None:
    server.faults.extend(FAULTS)
    done = run(tmp_path / "one", *SMALL, TINY, endpoint(server), "--nodes", "1")

    assert digest(tmp_path / "one") == undisturbed.digest
    assert artifacts(tmp_path / "one") == artifacts(undisturbed.folder)
    assert "status 500: out of memory" in done.err


def test_a_run_is_replayed_and_verified_without_the_server(undisturbed: Undisturbed) -> None:
    replayed = simulate("replay", undisturbed.folder)
    verified = simulate("run", "--resume", "--output", undisturbed.folder, "--metrics-port", "0", "--nodes", "2")

    assert replayed.code == verified.code == 0, replayed.err + verified.err
    assert undisturbed.digest in replayed.out
    assert "verified" in verified.out


def test_a_killed_engine_process_leaves_no_trace_in_the_log(
    undisturbed: Undisturbed, server: SmallChatServer, tmp_path: Path
) -> None:
    running = start(tmp_path / "run", *SMALL, TINY, endpoint(server), "--nodes", "3")
    killed = running.kill_after("text-0", 40)
    _, err = running.process.communicate(timeout=100)

    assert killed
    assert running.process.returncode == 0, err
    assert digest(tmp_path / "run") == undisturbed.digest


def test_an_engine_process_ends_with_its_server_and_another_one_asks_again(
    undisturbed: Undisturbed, server: SmallChatServer, tmp_path: Path
) -> None:
    server.faults.extend(FAULTS)
    run(tmp_path / "run", *SMALL, TINY, endpoint(server), "--nodes", "2")

    assert digest(tmp_path / "run") == undisturbed.digest
    log = (tmp_path / "run" / "logs" / "text-0.log").read_text()
    assert log.startswith("engine text-0: ")
    assert "status 500: out of memory" in log


def test_a_killed_run_asks_another_server_only_for_the_replies_that_it_lacks(
    undisturbed: Undisturbed, server: SmallChatServer, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    running = start(folder, *SMALL, TINY, endpoint(server), "--nodes", "2")
    killed = running.kill_after("services", 60)
    _, err = running.process.communicate(timeout=100)
    kept = asked(folder)
    with SmallChatServer(writes=legal) as other:
        options = ("--output", folder, "--metrics-port", "0", "--nodes", "1", endpoint(other))
        resumed = simulate("run", "--resume", *options)

    assert killed
    assert running.process.returncode == 75, err
    assert resumed.code == 0, resumed.err
    assert digest(folder) == undisturbed.digest
    assert 0 < kept < asked(folder)
    assert len(other.bodies) == asked(folder) - kept


def test_spoilt_answers_are_repaired_once_and_then_the_cautious_choice_is_taken(tmp_path: Path) -> None:
    """With a prompt of one's own for repairs, which the journal keeps."""
    (tmp_path / "repair.j2").write_text("{% block repair %}\nAGAIN: {{ problem }}\n{% endblock %}\n")
    with SmallChatServer(writes=spoilt(2)) as server:
        run(tmp_path / "run", *SMALL, TINY, endpoint(server), f"policy.prompts={tmp_path}", "--nodes", "1")
    (tmp_path / "repair.j2").unlink()
    told = [body for _, body in events(tmp_path / "run", "decision.model_asked/2")]
    failed = [body for _, body in events(tmp_path / "run", "decision.failed/1")]
    found = judgement(tmp_path / "run")

    assert {body["outcome"] for body in told} == {"settled", "repaired", "malformed"}
    assert all(body["attempts"] == (1 if body["outcome"] == "settled" else 2) for body in told)
    assert sum(body["attempts"] for body in told) == len(server.bodies)
    assert found["repaired"] == sum(body["outcome"] == "repaired" for body in told) > 0
    assert found["failed"] == len(failed) == sum(body["outcome"] == "malformed" for body in told) > 0
    assert found["failed"] == sum(kind["failed"] for kind in found["decisions"].values())
    assert all(body["reason"].startswith("malformed answer: ") and body["cautious_choice"] for body in failed)
    repairs = [body for body in server.bodies if "AGAIN: " in body["messages"][-1]["content"]]
    assert len(repairs) == sum(body["attempts"] == 2 for body in told)
    assert simulate("replay", tmp_path / "run").code == 0


# -- what is wrong is said before anything is written -----------------------------------------------------------------


def refused(folder: Path, *arguments: str) -> str:
    done = simulate("run", "--output", folder, "policy.judgement=model", *arguments)
    assert done.code == 2, done.out + done.err
    assert not folder.exists()
    return done.err


def test_a_server_that_is_not_there_is_named_with_the_setting(tmp_path: Path) -> None:
    own = tmp_path / "config.yaml"
    own.write_text(f"models:\n  vllm_endpoint: {NOWHERE}\n")
    err = refused(tmp_path / "run", "--config", str(own))

    assert err.startswith(f"{own}:2: models.vllm_endpoint: cannot be asked, {NOWHERE}/v1: no connection")
    assert err.count("\n") == 1


def test_a_model_that_is_not_served_is_named_with_what_is(server: SmallChatServer, tmp_path: Path) -> None:
    err = refused(tmp_path / "run", endpoint(server), "policy.model=big")

    assert err.startswith("command line:3: policy.model: big is not served by")
    assert "tiny" in err
    assert err.count("\n") == 1


def test_each_agents_own_model_must_be_served(server: SmallChatServer, tmp_path: Path) -> None:
    err = refused(tmp_path / "run", endpoint(server))

    assert "default.yaml:" in err
    assert (
        "models.agents.alex_senior_networking.model: deepseek-ai/DeepSeek-Coder-V2-Lite-Instruct is not served" in err
    )


def test_a_token_comes_from_a_file_and_is_kept_nowhere(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret-word\n")
    (tmp_path / "wrong").write_text("two words\n")
    with SmallChatServer("s3cret-word", writes=legal) as server:
        none = refused(tmp_path / "run", endpoint(server), TINY)
        wrong = refused(tmp_path / "run", endpoint(server), TINY, f"models.token_file={tmp_path / 'wrong'}")
        token = f"models.token_file={tmp_path / 'token'}"
        done = run(tmp_path / "run", *SMALL, TINY, endpoint(server), token, "--nodes", "1")

    assert "status 401" in none
    assert "command line:4: models.token_file: " in wrong
    assert "two words" not in wrong
    assert "s3cret" not in done.out + done.err
    kept = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert [path for path in kept if b"s3cret" in path.read_bytes()] == []


def test_a_slip_in_a_prompt_of_ones_own_is_named_with_file_and_line(server: SmallChatServer, tmp_path: Path) -> None:
    (tmp_path / "repair.j2").write_text("{% block repair %}\n{{ problem }} {{ nonsense }}\n{% endblock %}\n")
    err = refused(tmp_path / "run", endpoint(server), TINY, f"policy.prompts={tmp_path}")

    assert f"{tmp_path}/repair.j2:2: policy.prompts: " in err
    assert "nonsense" in err
