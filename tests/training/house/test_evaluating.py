"""A model is asked about held-out observations through a real vLLM, and files say what was measured how."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.tiny_model import make_tiny_model
from tests.support.vllm_engines import let_go
from training.house.commands import main
from training.house.evaluating import evaluate
from training.house.examples import EXAMPLES
from training.house.folder import FACTS, HouseModelError, prompts_digest, write_json
from training.house.making import house_prompts
from training.house.results import EVALUATION, measured, read_evaluation, read_lines, write_judgements
from training.house.scoring import Score, table

pytestmark = pytest.mark.timeout(300)  # a busy machine takes long to load vLLM
SCORE = Score("plan_story", True, True, 0.7, 0.1, 0.5, 0.8)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of drawn weights where a house model is expected; the process has room for its engine."""
    let_go()
    folder = tmp_path_factory.mktemp("house")
    make_tiny_model(folder)
    write_json(folder / FACTS, {"prompts_sha256": prompts_digest(house_prompts()[1])})
    return folder


def test_a_model_that_learned_nothing_is_measured_as_one_and_twice_alike(model: Path) -> None:
    first = evaluate(model, observations=3, runs=1, jobs=1)
    told = (model / EVALUATION).read_bytes()
    again = evaluate(model, observations=3, runs=1, jobs=1)
    lines = {line.kind: line for line in first}

    assert again == first
    assert (model / EVALUATION).read_bytes() == told
    assert lines.keys() - {"all"} <= EXAMPLES.keys()
    assert all(line.decisions <= 3 for kind, line in lines.items() if kind != "all")
    assert not lines["all"].is_above_random
    assert lines["all"].self_agreement > 0.5


def test_what_was_measured_says_how(model: Path) -> None:
    lines = evaluate(model, observations=1, runs=1, jobs=1, temperature_permille=0)
    told = read_evaluation(model)

    assert read_lines(told) == lines
    assert told["decisions"] == sum(told["ends"].values()) == len(lines) - 1
    assert told["runs"] == {"first_seed": 900_000, "number": 1, "sprints": 4}
    assert (told["temperature_permille"], told["observations_of_each_kind"]) == (0, 1)
    assert len(told["weights_sha256"]) == 64
    assert "Wilson" in told["method"]["interval_of_shares"]


def test_a_run_and_what_was_held_out_stand_side_by_side(tmp_path: Path) -> None:
    here, held_out = table([SCORE] * 3), table([SCORE] * 5)
    told = json.loads(write_judgements(tmp_path, in_run=measured(here), held_out=measured(held_out)).read_text())

    assert (told["in_run"]["decisions"], told["held_out"]["decisions"]) == (3, 5)
    assert (read_lines(told["in_run"]), read_lines(told["held_out"])) == (here, held_out)
    assert told["held_out"]["kinds"][0]["is_above_random"]


def test_a_model_of_other_prompts_is_refused_before_anything_is_simulated(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_json(tmp_path / FACTS, {"prompts_sha256": "of others"})

    assert main(["evaluate", "--model", str(tmp_path)]) == 2
    assert "train it again" in capsys.readouterr().err
    with pytest.raises(HouseModelError, match=EVALUATION):
        read_evaluation(tmp_path)
