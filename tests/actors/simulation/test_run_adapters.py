"""Files of adapters before a run begins and when it goes on, and what its pool is told of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from actors.roles.wearing import BASE, Version
from actors.simulation.inputs import RunInputs
from actors.simulation.judges import check_adapters, is_movable, moved_server, recorded_problem, server_plan
from actors.simulation.preparing import prepare
from actors.simulation.run_adapters import loads_of, slots_of, wardrobe_of
from config.errors import ConfigError
from config.loader import override_config
from config.sections import RunConfig
from inference.adapters.content import content_hash
from tests.support.tiny_model import make_adapter

DAY_US = 86_400_000_000
TEAM = """
policy: {{judgement: model}}
experiment: {{num_simulated_days: 2}}
simulation: {{start_date: 2025-01-04}}  # a Saturday: the first sprint begins on the Monday after
models:
  engine: pool
  agents:
    ada: {{name: Ada, seniority: senior, primary_specialization: api, role_archetype: developer+leader}}
    bob: {{name: Bob, seniority: junior, primary_specialization: api, role_archetype: developer}}
    eve_po: {{name: Eve, seniority: senior, primary_specialization: api, role_archetype: product_owner}}
pool:
  tiers:
    own: {{model: house, path: m, cores: 1, adapter_slots: 3, max_lora_rank: 4}}
    more: {{model: house, path: m, cores: 1, adapter_slots: 2, max_lora_rank: 16}}
  roles: {{senior: own, junior: own}}
  adapters:
    coach@1: {{model: house, path: {place}/coach-1}}
    coach@2: {{model: house, path: {place}/coach-2}}
    spare@1: {{model: house, path: {place}/nowhere}}
  rollout:
    - {{adapter: coach@1}}
    - {{adapter: coach@2, roles: [bob], from_sprint: 2}}
"""


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    for version in (1, 2):
        make_adapter(tmp_path / f"coach-{version}", version)
    (tmp_path / "team.yaml").write_text(TEAM.format(place=tmp_path))
    return prepare(tmp_path / "team.yaml", None, overrides=["code_generation.mode=modelled"]).inputs.config


def refused(config: RunConfig, **recorded: str) -> str:
    with pytest.raises(ConfigError) as error:
        check_adapters(
            config, recorded_problem, recorded={name.replace("_", "@"): one for name, one in recorded.items()}
        )
    assert len(error.value.problems) == 1
    return str(error.value)


def test_versions_that_somebody_wears_are_known_by_their_content(config: RunConfig, tmp_path: Path) -> None:
    assert check_adapters(config, recorded_problem) == {
        f"coach@{version}": content_hash(tmp_path / f"coach-{version}") for version in (1, 2)
    }


def test_the_pool_is_told_what_to_load_and_how_much_fits_in_the_smallest_tier(
    config: RunConfig, tmp_path: Path
) -> None:
    plan = json.loads(json.dumps(server_plan(config, check_adapters(config, recorded_problem))))
    first, second = loads_of(plan)

    assert (first.base, first.name, first.version, first.path) == ("house", "coach", 1, str(tmp_path / "coach-1"))
    assert (second.version, second.sha256) == (2, content_hash(tmp_path / "coach-2"))
    assert slots_of(plan) == {"house": 2}


def test_the_journal_keeps_the_content_among_the_inputs(config: RunConfig, tmp_path: Path) -> None:
    inputs = RunInputs(config=config, backlog="", backlog_name="", calibration="", code="", adapters={"coach@1": "ab"})

    assert RunInputs.from_files(inputs.to_files()) == inputs


def test_a_version_that_changed_since_is_refused_by_name(config: RunConfig, tmp_path: Path) -> None:
    was = check_adapters(config, recorded_problem)
    make_adapter(tmp_path / "coach-2", 5)

    told = refused(config, **{name.replace("@", "_"): one for name, one in was.items()})
    assert "pool.adapters.coach@2.path: adapter coach@2 has other content than when the run began" in told


def test_a_version_may_move_while_who_wears_it_may_not(config: RunConfig, tmp_path: Path) -> None:
    content = check_adapters(config, recorded_problem)
    shutil.copytree(tmp_path / "coach-1", tmp_path / "moved")
    wished = override_config(config, [f"pool.adapters.coach@1.path={tmp_path / 'moved'}"])
    moved = moved_server(config, wished, content)

    assert check_adapters(wished, recorded_problem, recorded=content) == content
    assert moved is not None
    assert loads_of(moved)[0].path == str(tmp_path / "moved")
    assert is_movable("pool.adapters.coach@1.path")
    fixed = ("pool.adapters.coach@1.model", "pool.rollout", "pool.adapters.coach@3", "pool.tiers.own.adapter_slots")
    assert not any(map(is_movable, fixed))


def test_files_that_are_no_adapter_are_told_before_anything_is_written(config: RunConfig, tmp_path: Path) -> None:
    (tmp_path / "coach-1" / "adapter_model.safetensors").unlink()
    assert "is no folder with an adapter: adapter_model.safetensors is missing" in refused(config)

    (tmp_path / "coach-1" / "adapter_config.json").write_text('{"peft_type": "IA3"}')
    (tmp_path / "coach-1" / "adapter_model.safetensors").touch()
    assert "adapter_config.json is no configuration of a LoRA adapter" in refused(config)


def test_a_rank_above_that_of_the_tier_is_told_with_the_key_to_raise(config: RunConfig, tmp_path: Path) -> None:
    make_adapter(tmp_path / "coach-1", 1, rank=8)
    told = refused(config)

    assert "has rank 8, and tier own takes 4 at most" in told
    assert "pool.tiers.own.max_lora_rank of at least 8" in told


def test_ranks_of_single_layers_count_too(config: RunConfig, tmp_path: Path) -> None:
    path = tmp_path / "coach-1" / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "rank_pattern": {"q_proj": 32}}))

    told = [str(problem) for problem in _problems(config)]
    assert [("rank 32" in each, tier in each) for each, tier in zip(told, ("own", "more"), strict=True)] == [
        (True, True)
    ] * 2


def _problems(config: RunConfig) -> tuple[object, ...]:
    with pytest.raises(ConfigError) as error:
        check_adapters(config, recorded_problem)
    return error.value.problems


def test_who_wears_what_follows_from_the_sprint_also_for_copies_of_a_team(config: RunConfig) -> None:
    copied = override_config(config, ["simulation.replicas=2"])
    members = {member.id: member for team in copied.resolved_teams() for member in team.members}
    monday_us = 2 * DAY_US
    for who in ("bob", "t02.bob"):
        wardrobe = wardrobe_of(copied, members[who], "house")
        at = [wardrobe.at(now_us) for now_us in (0, monday_us + 2 * DAY_US - 1, monday_us + 2 * DAY_US)]
        assert at == [Version("coach", 1), Version("coach", 1), Version("coach", 2)]

    assert wardrobe_of(copied, members["ada"], "house").at(monday_us + 2 * DAY_US) == Version("coach", 1)
    assert wardrobe_of(copied, members["ada"], "another").at(0) == BASE
