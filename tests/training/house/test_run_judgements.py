"""What a run's model judged, derived again from the journal alone."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from actors.policy.decisions import PointsChoice
from tests.support.chat_server import SmallChatServer
from tests.support.judging import spoilt
from tests.support.live import events
from tests.support.runs import run
from tests.support.tiny_model import make_tiny_model
from training.house.commands import main
from training.house.examples import EXAMPLES
from training.house.folder import FACTS, prompts_digest, write_json
from training.house.making import house_prompts
from training.house.run_judgements import judgements_of, scores_of

SMALL = ("--sprints", "1", "--seed", "3", "experiment.num_simulated_days=1")


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose model gives every fourth answer wrong; its server is gone."""
    folder = tmp_path_factory.mktemp("judged") / "run"
    with SmallChatServer(writes=spoilt(4)) as server:
        endpoint = f"models.vllm_endpoint={server.base_url.removesuffix('/v1')}"
        run(folder, *SMALL, "--nodes", "1", "policy.judgement=model", "policy.model=tiny", endpoint)
    return folder


def test_every_decision_is_heard_and_those_settled_at_once_are_told_apart(judged: Path) -> None:
    heard = judgements_of(judged)
    told = [body for _, body in events(judged, "decision.model_asked/2")]

    assert Counter(one.asked.observation.KIND for one in heard) == Counter(body["decision"] for body in told)
    assert Counter(one.asked.agent for one in heard) == Counter(body["agent"] for body in told)
    at_once = sum(body["outcome"] == "settled" for body in told)
    assert sum(one.first is not None for one in heard) == at_once
    assert 0 < at_once < len(heard)


def test_what_is_heard_is_what_was_decided(judged: Path) -> None:
    """Last votes of stories whose every vote was settled at once are those that were heard."""
    heard = {
        (one.asked.agent, one.first.points) for one in judgements_of(judged) if isinstance(one.first, PointsChoice)
    }
    votes = [vote for _, body in events(judged, "story.estimated/1") for vote in body["estimates"]]

    assert len(heard) > 5
    assert sum((vote["agent"], vote["points"]) in heard for vote in votes) > len(votes) / 2


def test_legality_of_a_run_counts_first_answers(judged: Path) -> None:
    scores = scores_of(judged)
    told = [body for _, body in events(judged, "decision.model_asked/2")]

    assert sum(score.is_legal for score in scores) == sum(
        body["attempts"] == 1 for body in told if body["outcome"] == "settled"
    )
    assert scores == scores_of(judged)


def test_a_run_is_scored_from_the_command_line_and_left_as_it_was(
    judged: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(path.name for path in judged.rglob("*"))
    assert main(["judge-run", str(judged), "--json", str(tmp_path / "figures.json")]) == 0

    figures = json.loads((tmp_path / "figures.json").read_text())
    total = figures["kinds"][-1]
    assert (total["kind"], total["decisions"]) == ("all", figures["decisions"])
    assert f"{total['legal_share']['value']:.0%}"[:-1] in capsys.readouterr().out
    assert sorted(path.name for path in judged.rglob("*")) == before


@pytest.mark.timeout(300)  # a busy machine takes long to load vLLM
def test_a_run_is_measured_beside_what_a_model_says_to_held_out_observations(
    judged: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model"
    make_tiny_model(model)
    write_json(model / FACTS, {"prompts_sha256": prompts_digest(house_prompts()[1])})
    few = ["--observations", "2", "--held-out-runs", "1", "--jobs", "1"]

    assert main(["judge-run", str(judged), "--model", str(model), *few]) == 0
    shown, told = capfd.readouterr().out, json.loads((judged / "judgements.json").read_text())
    assert told["held_out"] == json.loads((model / "evaluation.json").read_text())
    assert told["in_run"]["decisions"] == len(scores_of(judged)) > told["held_out"]["decisions"] > 20
    for kind in EXAMPLES:  # each in both tables, also where it was never asked
        assert len(re.findall(rf"^{kind.replace('_', ' ')} ", shown, re.MULTILINE)) == 2


def test_a_run_that_asked_no_model_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path / "rules", *SMALL, "--nodes", "1")

    assert main(["judge-run", str(tmp_path / "rules")]) == 2
    assert "no model was asked" in capsys.readouterr().err
    assert main(["judge-run", str(tmp_path / "nothing")]) == 2
    assert main(["evaluate", "--model", str(tmp_path / "nothing")]) == 2
    assert "make house-model" in capsys.readouterr().err
