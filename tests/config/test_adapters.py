"""Versions of adapters and their rollout: who wears what and when, and what is refused with file, line and name."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import Problem
from config.loader import load_config
from config.pool_roles import rollout_for, worn_from
from config.sections import RunConfig
from tests.config.helpers import TEAM_OF_THREE, problems_of, write

POOL = """\
policy: {judgement: model}
pool:
  tiers:
    own: {model: house, path: outputs/house-model, cores: 1, adapter_slots: 2}
    far: {model: big, engine: openai, endpoint: "http://h:1"}
  roles: {leader: far, senior: own, junior: own}
  adapters:
    coach@1: {model: house, path: coach-1}
    coach@2: {model: house, path: coach-2}
    lead@7: {model: big}
  rollout:
    - {adapter: coach@1, roles: [senior, bob]}
    - {adapter: coach@2, roles: [developer], from_sprint: 3}
    - {adapter: lead@7, from_sprint: 2}
"""
TEAM = TEAM_OF_THREE.replace("models:\n", "models:\n  engine: pool\n")
LINES = {text.strip(): number for number, text in enumerate((TEAM + POOL).splitlines(), start=1)}


def configured(tmp_path: Path, old: str = "", new: str = "") -> RunConfig:
    return load_config(write(tmp_path, TEAM + POOL.replace(old, new))).config


def refused(tmp_path: Path, old: str, new: str, *settings: str) -> list[Problem]:
    assert old in TEAM + POOL
    return list(problems_of(write(tmp_path, (TEAM + POOL).replace(old, new)), *settings))


def worn(config: RunConfig, agent: str, model: str) -> list[str | None]:
    """The versions of sprints 1 to 4."""
    changes = worn_from(rollout_for(config.pool, agent, config.models.agents[agent], model))
    return [next((version for start, version in reversed(changes) if start <= sprint), None) for sprint in range(1, 5)]


def test_the_last_entry_that_fits_role_model_and_sprint_counts(tmp_path: Path) -> None:
    config = configured(tmp_path)

    assert worn(config, "bob", "house") == ["coach@1", "coach@1", "coach@2", "coach@2"]
    assert worn(config, "ada", "house") == ["coach@1"] * 4
    assert worn(config, "eve_po", "big") == [None, "lead@7", "lead@7", "lead@7"]
    assert worn(config, "bob", "big") == [None, "lead@7", "lead@7", "lead@7"]  # where bob asks it
    assert worn(config, "bob", "another") == [None] * 4


def test_an_entry_without_an_adapter_takes_people_back_to_the_model(tmp_path: Path) -> None:
    config = configured(tmp_path, "- {adapter: lead@7, from_sprint: 2}", "- {adapter: null, roles: [bob]}")

    assert worn(config, "bob", "house") == [None] * 4
    assert worn(config, "ada", "house") == ["coach@1"] * 4


@pytest.mark.parametrize(
    ("old", "new", "key", "message"),
    [
        ("adapter: coach@2,", "adapter: coach@3,", "pool.rollout[1].adapter", "there is no adapter coach@3"),
        ("[developer]", "[develloper]", "pool.rollout[1].roles[0]", "nobody is develloper"),
        ("[developer]", "[leader]", "pool.rollout[1].roles[0]", "nobody who is leader asks house"),
        ("coach@2: {model: house", "coach@2: {model: hause", "pool.adapters.coach@2.model", "hause is served by no"),
        (", adapter_slots: 2", "", "pool.tiers.own.adapter_slots", "is 0, and coach@1 adapts the model of this tier"),
        ("model: house, path: coach-2", "model: house", "pool.adapters.coach@2.path", "is missing"),
        ("lead@7: {model: big", "lead@7: {model: big, path: p", "pool.adapters.lead@7.path", "tier far is a server"),
        ("engine: pool", "engine: openai", "pool.rollout", "while models.engine is openai"),
        ("cores: 1,", "engine: modelled,", "pool.tiers.own.engine", "modelled engines load no adapters"),
    ],
)
def test_what_does_not_fit_is_refused_by_key_with_its_line(
    tmp_path: Path, old: str, new: str, key: str, message: str
) -> None:
    problem = next(each for each in refused(tmp_path, old, new) if each.key == key)
    text = (TEAM + POOL).replace(old, new).splitlines()[problem.line - 1]

    assert message in problem.message
    assert problem.allowed
    assert new in text or key.endswith("rollout"), f"line {problem.line} is: {text}"


def test_a_model_of_engines_and_of_servers_has_no_adapters(tmp_path: Path) -> None:
    found = {each.key: each for each in refused(tmp_path, "model: big, engine", "model: house, engine")}

    assert "is served by engines of vllm and by servers (own, far)" in found["pool.adapters.coach@1.model"].message


def test_a_tier_that_cannot_load_is_told_once(tmp_path: Path) -> None:
    assert len(refused(tmp_path, ", adapter_slots: 2", "")) == 1


def test_the_nearest_name_is_offered(tmp_path: Path) -> None:
    (version,) = refused(tmp_path, "adapter: coach@2,", "adapter: coahc@2,")
    (role,) = refused(tmp_path, "[developer]", "[develloper]")
    (model,) = refused(tmp_path, "lead@7: {model: big", "lead@7: {model: bigg")

    assert (version.nearest, role.nearest, model.nearest) == ("coach@2", "developer", "big")


@pytest.mark.parametrize("name", ["coach", "coach@0", "coach@x", "Coach@1", "coach@1@2", "@1", "a.b@1", "coach@01"])
def test_a_version_is_a_name_and_a_number_from_one(tmp_path: Path, name: str) -> None:
    problems = refused(tmp_path, "lead@7: {model: big}", f"'{name}': {{model: big}}")

    assert any(f"pool.adapters.{name}" in problem.key for problem in problems)
    assert any("for instance reviewer@3" in problem.allowed for problem in problems)


@pytest.mark.parametrize(
    ("setting", "key"),
    [
        ("pool.rollout=[{roles: [bob]}]", "pool.rollout[0].adapter"),
        ("pool.rollout=[{adapter: coach@1, from_sprint: 0}]", "pool.rollout[0].from_sprint"),
        ("pool.rollout=[{adapter: coach@1, role: bob}]", "pool.rollout[0].role"),
        ("pool.rollout=[{adapter: coach@1, roles: bob}]", "pool.rollout[0].roles"),
        ("pool.adapters.coach@1.folder=p", "pool.adapters.coach@1.folder"),
    ],
)
def test_settings_of_rollouts_are_checked(tmp_path: Path, setting: str, key: str) -> None:
    problems = problems_of(write(tmp_path, TEAM + POOL), setting)

    assert [problem.key for problem in problems] == [key]


def test_a_rollout_is_nobodys_business_where_no_model_is_asked(tmp_path: Path) -> None:
    text = (TEAM + POOL).replace("judgement: model", "judgement: behavioural").replace("engine: pool", "engine: openai")

    assert len(load_config(write(tmp_path, text)).config.pool.rollout) == 3
