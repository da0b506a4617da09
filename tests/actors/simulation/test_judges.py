"""Who judges in a run, from its configuration; and what a run without a model leaves alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from actors.policy.prompting.prompts import shipped_files
from actors.roles.judging import BEHAVIOURAL
from actors.roles.model_judge import ModelJudge
from actors.simulation import judges as module
from actors.simulation.inputs import RunInputs
from actors.simulation.judges import (
    check_server,
    is_movable,
    judges,
    moved_server,
    read_prompts,
    recorded_problem,
    server_plan,
)
from config.errors import ConfigError, Problem
from config.loader import load_config, override_config
from config.sections import RunConfig
from inference.engines.vllm.plan import read_vllm_plan

ROOT = Path(__file__).resolve().parents[3]
LIGHT = """
import sys
import actors.simulation.__main__, actors.simulation.run_command, actors.simulation.services_process
from actors.simulation.preparing import prepare
from actors.simulation.cast import assemble
assemble(prepare(None, None, overrides=["code_generation.mode=modelled"]).inputs, sprints=1)
print(sorted({"httpx", "jinja2", "jsonschema"} & sys.modules.keys()))
"""


def config_with(*settings: str) -> RunConfig:
    return load_config(None, overrides=["policy.judgement=model", *settings]).config


def test_a_run_without_a_model_loads_none_of_what_models_need() -> None:
    done = subprocess.run([sys.executable, "-c", LIGHT], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_everybody_has_a_judge_of_the_kind_that_is_configured() -> None:
    prompts = {name: source.text for name, source in shipped_files().items()}
    config = config_with()
    members = config.resolved_teams()[0].members

    assert all(isinstance(judges(config, prompts)(member), ModelJudge) for member in members)
    assert all(judges(load_config(None).config, {})(member) is BEHAVIOURAL for member in members)


def test_an_engine_is_told_every_model_once_and_where_the_token_is() -> None:
    plan = server_plan(config_with("models.vllm_endpoint=http://h:1", "models.token_file=t"))

    assert (plan["base_url"], plan["token_file"]) == ("http://h:1/v1", "t")
    assert len(plan["models"]) == len(set(plan["models"])) == 6
    assert server_plan(config_with("policy.model=tiny"))["models"] == ["tiny"]


def test_only_settings_of_place_move_a_server() -> None:
    config = config_with("policy.model=tiny")
    wished = config_with("policy.model=tiny", "simulation.seed=3", "models.vllm_endpoint=http://h:2")
    moved = moved_server(config, wished)

    assert moved == {"base_url": "http://h:2/v1", "token_file": "", "models": ["tiny"]}
    assert moved_server(config, config_with("policy.model=tiny", "simulation.seed=3")) is None
    behavioural = load_config(None, overrides=["models.vllm_endpoint=http://h:2"]).config
    assert moved_server(load_config(None).config, behavioural) is None


def test_a_run_keeps_its_prompts_and_one_without_a_model_has_none() -> None:
    inputs = RunInputs(config=config_with(), backlog="", backlog_name="", calibration="", code="", prompts={"a": "é"})
    without = RunInputs(config=config_with(), backlog="", backlog_name="", calibration="", code="")

    assert RunInputs.from_files(inputs.to_files()) == inputs
    assert "prompts.json" not in without.to_files()
    assert RunInputs.from_files(without.to_files()).prompts == {}


def test_prompts_of_a_folder_take_the_place_of_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "repair.j2").write_text("{% block repair %}\nAgain: {{ problem }}\n{% endblock %}\n")
    problems: list[Problem] = []
    named = config_with(f"policy.prompts={tmp_path.name}")
    found = read_prompts(named, tmp_path.parent / "config.yaml", problems)

    assert problems == []
    assert found["repair"].startswith("{% block repair %}\nAgain")
    assert found.keys() == shipped_files().keys()


def test_a_template_that_belongs_to_no_decision_is_named(tmp_path: Path) -> None:
    (tmp_path / "repare.j2").write_text("{% block repair %}{% endblock %}")
    problems: list[Problem] = []
    read_prompts(config_with(f"policy.prompts={tmp_path}"), None, problems)

    assert [str(problem) for problem in problems] == [
        f"{tmp_path}/repare.j2: policy.prompts: no decision is called repare (did you mean repair.j2?)"
    ]


def test_what_is_not_installed_is_named_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NEEDED_FOR_SERVERS", ("json", "no_such_package"))
    problems: list[Problem] = []
    read_prompts(config_with(), None, problems)

    (problem,) = problems
    assert problem.key == "policy.judgement"
    assert "no_such_package" in problem.message
    assert "requirements/llm.txt" in problem.message


def own(*settings: str) -> RunConfig:
    return config_with("policy.model=tiny", "models.engine=vllm", *settings)


def test_an_own_engine_is_told_where_its_model_is_and_what_it_is_called() -> None:
    plan = server_plan(own("models.vllm.model=some/where", "models.vllm.cores=[0,1]"))

    assert (plan["model"], plan["served_name"], plan["cores"]) == ("some/where", "tiny", [0, 1])
    assert read_vllm_plan(plan).threads == 2


def test_every_plan_of_an_own_engine_is_one_that_the_engine_takes() -> None:
    most = ["models.vllm.slots=1024", "models.vllm.context_tokens=16", "models.vllm.devices=[1,0]"]

    assert read_vllm_plan(server_plan(own("models.vllm.model=m"))).slots == 32
    assert read_vllm_plan(server_plan(own("models.vllm.model=m", *most))).tensor_parallel == 2


def test_a_folder_without_a_model_is_named_with_key_and_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        check_server(own(f"models.vllm.model={tmp_path}"), recorded_problem)

    problem = next(one for one in refused.value.problems if one.key == "models.vllm.model")
    assert "config.json is missing" in problem.message
    assert "make house-model" in problem.allowed


def test_packages_that_vllm_needs_are_missed_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inference.engines.vllm.checks.installed_versions", dict)
    for name in ("config.json", "tokenizer_config.json"):
        (tmp_path / name).touch()
    with pytest.raises(ConfigError) as refused:
        check_server(own(f"models.vllm.model={tmp_path}"), recorded_problem)

    (problem,) = refused.value.problems
    assert problem.key == "models.engine"
    assert "requirements/cpu.lock.txt" in problem.message


def test_an_own_engine_may_move_with_its_model() -> None:
    config = own("models.vllm.model=here")
    moved = moved_server(config, own("models.vllm.model=there"))

    assert moved == {**server_plan(config), "model": "there"}


SERVER = ("engine=openai", "endpoint=http://h:1")


def pooled(*settings: str) -> RunConfig:
    tiers = [f"pool.tiers.{tier}.{key}" for tier in ("big", "small") for key in (f"model={tier}-model", *SERVER)]
    roles = [f"pool.roles.{role}=small" for role in ("junior", "mid", "senior")]
    return config_with("models.engine=pool", *tiers, *roles, *settings)


def test_a_pool_is_told_only_of_tiers_that_somebody_asks() -> None:
    assert server_plan(pooled())["pool"]["tiers"].keys() == {"small"}
    assert server_plan(pooled("pool.roles.po=big"))["pool"]["tiers"].keys() == {"big", "small"}
    assert server_plan(pooled("policy.model=big-model"))["pool"]["tiers"].keys() == {"big"}
    hands = ("code_generation.hands=llm", "code_generation.model=big-model")
    assert server_plan(pooled(*hands))["pool"]["tiers"].keys() == {"big", "small"}


def test_copies_of_teams_ask_the_models_of_their_originals() -> None:
    config = pooled("pool.roles.po=big", "simulation.replicas=2")
    asked = [[config.own_model(member) for member in team.members] for team in config.resolved_teams()]

    assert asked[0] == asked[1]
    assert (len(asked), asked[0].count("big-model"), asked[0].count("small-model")) == (2, 1, 10)


def test_places_of_tiers_may_move_and_their_models_may_not() -> None:
    config = pooled()
    moves = ["pool.tiers.small.endpoint=http://h:2", "pool.tiers.small.engines=3"]
    moved = moved_server(config, override_config(config, moves))

    assert moved is not None
    small = moved["pool"]["tiers"]["small"]
    assert (small["endpoint"], small["engines"], small["model"]) == ("http://h:2", 3, "small-model")
    assert moved_server(config, override_config(config, ["pool.tiers.big.slots=2"])) is None  # nobody asks it
    assert all(map(is_movable, ("pool.tiers.small.token_file", "pool.hosts.far.gpus", "models.vllm_endpoint")))
    fixed = ("pool.tiers.small.model", "pool.tiers.small.context_tokens", "pool.roles.po", "pool.tiers.x")
    assert not any(map(is_movable, fixed))
