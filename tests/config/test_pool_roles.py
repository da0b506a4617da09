"""Tiers that `pool.roles` names: one that is not there is told once, and stands for nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.helpers import TEAM_OF_THREE, problems_of, write

POOL = """\
policy: {judgement: model}
pool:
  tiers:
    big: {model: m, engine: openai, endpoint: "http://h:1"}
    small: {model: n, engine: openai, endpoint: "http://h:2"}
  roles: {leader: big, developer+leader: big, developer: small}
  adapters: {coach@1: {model: n}}
  rollout: [{adapter: coach@1, roles: [developer]}]
"""
TEAM = TEAM_OF_THREE.replace("models:\n", "models:\n  engine: pool\n")


@pytest.mark.parametrize(
    "settings", [(), ("code_generation.hands=llm",), ("code_generation.hands=llm", "policy.model=m")]
)
def test_a_role_of_a_tier_that_is_not_there_is_the_only_slip(tmp_path: Path, settings: tuple[str, ...]) -> None:
    found = problems_of(write(tmp_path, (TEAM + POOL).replace("developer: small}", "developer: smal}")), *settings)

    assert [(each.key, each.message) for each in found] == [("pool.roles.developer", "there is no tier smal")]


def test_without_tiers_each_role_says_what_it_named(tmp_path: Path) -> None:
    roles_only = "pool:\n  roles: {leader: big, developer: big}\n"
    found = problems_of(write(tmp_path, TEAM + "policy: {judgement: model}\n" + roles_only))

    assert {each.key for each in found} >= {"pool.roles.leader", "pool.roles.developer", "pool.tiers"}


def test_an_engine_that_is_none_is_told_without_what_would_follow_from_another(tmp_path: Path) -> None:
    found = problems_of(write(tmp_path, (TEAM + POOL).replace("engine: pool", "engine: pol")))

    assert [each.key for each in found] == ["models.engine"]
