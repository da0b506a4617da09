from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.loader import DEFAULT_PROFILE, load_config
from config.reference import reference_markdown
from config.schema import known_keys
from config.sections import RunConfig
from tests.config.helpers import TEAM_OF_THREE, problems_of, write

CORE_TEAM = [
    "alex_senior_networking",
    "priya_senior_devops",
    "marcus_mid_backend",
    "elena_mid_frontend",
    "jamie_junior_fullstack",
    "jordan_junior_backend",
    "yuki_senior_tester_integration",
    "maria_mid_tester_e2e",
    "sophie_senior_qa_lead",
    "ahmed_senior_dev_lead",
    "alex_senior_po",
]


def test_the_default_profile_holds_the_eleven_agents_in_one_team() -> None:
    (team,) = load_config(None).config.resolved_teams()

    assert team.id == "team-1"
    assert [member.id for member in team.members] == CORE_TEAM
    assert team.product_owner is not None
    assert team.product_owner.id == "alex_senior_po"
    assert team.product_owner.roles == ("leader", "product_owner")
    assert team.lead is not None
    assert team.lead.id == "ahmed_senior_dev_lead"
    assert (len(team.developers), len(team.testers)) == (7, 3)
    assert (team.wip_in_progress, team.wip_review) == (4, 2)


def test_the_default_profile_says_what_an_empty_configuration_means() -> None:
    profile, bare = load_config(None).config, RunConfig()

    assert profile.model_copy(update={"models": bare.models}) == bare


def test_a_users_file_is_laid_over_the_default_profile(tmp_path: Path) -> None:
    path = write(tmp_path, "team: {wip_limits: {review: 5}}\nsimulation: {start_date: 2026-03-02, work_end: 18:30}\n")

    config = load_config(path).config

    assert (config.team.wip_limits.in_progress, config.team.wip_limits.review) == (4, 5)
    assert config.simulation.start_date == date(2026, 3, 2)
    assert config.simulation.work_minutes == 570
    assert len(config.models.agents) == 11


def test_agents_of_a_users_file_replace_those_of_the_profile(tmp_path: Path) -> None:
    (team,) = load_config(write(tmp_path, TEAM_OF_THREE)).config.resolved_teams()

    assert [member.id for member in team.members] == ["ada", "bob", "eve_po"]


def test_teams_take_their_members_in_the_order_of_the_agents_and_may_have_their_own_limits(tmp_path: Path) -> None:
    text = TEAM_OF_THREE + "teams: [{id: blue, name: Blue, agents: [eve_po, bob, ada], wip_limits: {review: 1}}]\n"

    (team,) = load_config(write(tmp_path, text)).config.resolved_teams()

    assert [member.id for member in team.members] == ["ada", "bob", "eve_po"]
    assert (team.name, team.wip_in_progress, team.wip_review) == ("Blue", 4, 1)


def test_an_agent_may_join_a_team_by_its_team_id(tmp_path: Path) -> None:
    text = (
        TEAM_OF_THREE.replace("name: Bob", "name: Bob, team_id: blue") + "teams: [{id: blue, agents: [ada, eve_po]}]\n"
    )

    (team,) = load_config(write(tmp_path, text)).config.resolved_teams()

    assert [member.id for member in team.members] == ["ada", "bob", "eve_po"]


def test_copies_of_teams_get_prefixed_ids_and_the_first_keeps_its_own() -> None:
    teams = load_config(None, overrides=["simulation.replicas=3"]).config.resolved_teams()

    assert [team.id for team in teams] == ["team-1", "t02.team-1", "t03.team-1"]
    assert teams[0].members[0].id == "alex_senior_networking"
    assert teams[2].members[0].id == "t03.alex_senior_networking"
    assert teams[2].product_owner is not None


def test_coordinators_are_in_no_team(tmp_path: Path) -> None:
    text = TEAM_OF_THREE.replace(
        "  agents:\n",
        "  agents:\n    cy: {name: C, seniority: senior, primary_specialization: architecture, "
        "role_archetype: staff_engineer}\n",
    )

    (team,) = load_config(write(tmp_path, text + "coordination: {coordinators: [cy]}\n")).config.resolved_teams()

    assert "cy" not in [member.id for member in team.members]


def test_the_older_list_of_specializations_names_the_primary_one_first(tmp_path: Path) -> None:
    text = TEAM_OF_THREE.replace("primary_specialization: frontend", "specializations: [frontend, ui_ux]")

    (team,) = load_config(write(tmp_path, text)).config.resolved_teams()

    assert (team.members[1].primary_specialization, team.members[1].auxiliary_specializations) == (
        "frontend",
        ("ui_ux",),
    )


def test_anchors_and_merges_are_fine(tmp_path: Path) -> None:
    text = "team:\n  wip_limits: &w {in_progress: 7}\nsimulation: {<<: {seed: 4, sprints: 9}, seed: 5}\n"

    config = load_config(write(tmp_path, text)).config

    assert (config.team.wip_limits.in_progress, config.simulation.seed, config.simulation.sprints) == (7, 5, 9)


def test_overrides_are_laid_over_everything(tmp_path: Path) -> None:
    path = write(tmp_path, f"team: {{wip_limits: {{in_progress: 3}}}}\nteams: [{{id: a, agents: {CORE_TEAM}}}]\n")

    config = load_config(
        path,
        overrides=[
            "team.wip_limits.in_progress=6",
            "disturbances={enabled: false}",
            "disturbances.suppress=[D-01-01]",
            "models.agents.alex_senior_po.name=Zoe",
            "teams[0].wip_limits.review=9",
        ],
    ).config

    assert config.team.wip_limits.in_progress == 6
    assert (config.disturbances.enabled, config.disturbances.suppress) == (False, ("D-01-01",))
    assert config.models.agents["alex_senior_po"].name == "Zoe"
    assert config.models.agents["alex_senior_po"].seniority == "senior"
    assert config.resolved_teams()[0].wip_review == 9


@pytest.mark.parametrize(
    ("override", "report"),
    [
        (
            "team.wip_limits.in_progres=3",
            "team.wip_limits.in_progres: unknown key (did you mean team.wip_limits.in_progress?)",
        ),
        ("simulation.seed=x", "simulation.seed: x is not allowed; expected an integer from 0 to 9223372036854775807"),
        (
            "simulation.seed=",
            "simulation.seed: nothing is not allowed; expected an integer from 0 to 9223372036854775807",
        ),
        ("simulation", "simulation is no setting; expected key=value"),
        ("=3", "=3 is no setting; expected key=value"),
        ("a..b=3", "a..b=3 is no setting; expected key=value"),
        ("simulation.seed=[", "not valid YAML"),
        ("simulation.seed=\ud800", "is not"),
        ("teams[3].id=x", "teams[3].id: there are no teams to choose from"),
        ("disturbances.suppress[0]=D-01-01", "disturbances.suppress[0]: there are only 0 of these"),
        ("new.list[0].x=1", "new.list[0].x: there are no new to choose from"),
    ],
)
def test_a_wrong_override_is_reported_by_its_position(override: str, report: str) -> None:
    (problem,) = problems_of(None, "simulation.sprints=2", override)

    assert str(problem).startswith("command line:2: ")
    assert report in str(problem)


def test_a_contradiction_is_blamed_on_what_the_user_set_and_never_on_the_profile() -> None:
    (problem,) = problems_of(None, "simulation.seed=1", "team.max_engineers=1")

    assert str(problem) == (
        "command line:2: models.agents: team team-1 has 7 developers; expected at most team.max_engineers, 1"
    )


def test_the_same_override_twice_is_refused() -> None:
    (problem,) = problems_of(None, "simulation.seed=1", "simulation.seed=2")

    assert str(problem) == "command line:2: simulation.seed: given twice, first as argument 1"


def test_keys_that_are_set_but_not_acted_on_yet_are_listed_with_their_places(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "experiment: {name: x, tracing: true}\nremote_git:\n  enabled: true\nteam: {wip_limits: {review: 3}}\n"
        "disturbances:\n  blast_radius_controls:\n    max_quality_regression: 0.1\n    max_velocity_impact: 0.1\n"
        "domain_research: {context_documents: [a, b]}\n",
    )

    loaded = load_config(path, overrides=["simulation.seed=2", "models.agents.alex_senior_po.temperature=1.0"])

    assert [(key.key, key.line, key.file) for key in loaded.accepted_but_unused] == [
        ("experiment.tracing", 1, str(path)),
        ("remote_git.enabled", 3, str(path)),
        ("disturbances.blast_radius_controls.max_quality_regression", 7, str(path)),
        ("domain_research.context_documents", 9, str(path)),
        ("models.agents.alex_senior_po.temperature", 2, "command line"),
    ]


def test_the_default_profile_alone_has_nothing_to_report() -> None:
    assert load_config(None).accepted_but_unused == ()


def test_the_texts_that_were_read_are_kept(tmp_path: Path) -> None:
    path = write(tmp_path, "simulation: {seed: 4}\n")

    sources = load_config(path, overrides=["simulation.sprints=1"]).sources

    assert [(source.file, source.text) for source in sources[1:]] == [
        (str(path), "simulation: {seed: 4}\n"),
        ("command line", "simulation.sprints=1"),
    ]
    assert sources[0].text == DEFAULT_PROFILE.read_text(encoding="utf-8")


def test_a_configuration_survives_a_journey_through_json() -> None:
    config = load_config(None).config

    assert RunConfig.model_validate_json(config.model_dump_json()) == config
    assert json.loads(config.model_dump_json())["simulation"]["start_date"] == "2026-01-05"


def test_disturbance_frequencies_come_as_whole_thousandths() -> None:
    permille = load_config(None).config.disturbances.frequencies.permille

    assert list(permille.items()) == [
        ("dependency_breaks", 166),
        ("production_incident", 125),
        ("flaky_test", 250),
        ("scope_creep", 200),
        ("junior_misunderstanding", 330),
        ("architectural_debt_surfaces", 166),
        ("merge_conflict", 300),
    ]


def test_either_name_of_the_review_cadence_counts() -> None:
    assert load_config(None).config.stakeholder_cadence == 3
    assert load_config(None, overrides=["experiment.sprints_per_stakeholder_review=5"]).config.stakeholder_cadence == 5
    assert load_config(None, overrides=["stakeholder_review.cadence=4"]).config.stakeholder_cadence == 4


def test_the_reference_page_has_a_row_for_every_key() -> None:
    page = reference_markdown()

    assert all(f"| `{known.key}` |" in page for known in known_keys(RunConfig))
    assert "| `team.wip_limits.in_progress` | an integer from 1 to 100 | `4` | yes |" in page
    assert "| `remote_git.enabled` | true or false | `false` | not yet |" in page
    assert "| `teams[].id` | letters, digits, _ and -, at most 64 of them | required | yes |" in page
    assert "| `models.agents.<id>.seniority` | one of junior, mid, senior | required | yes |" in page


def test_no_environment_variable_changes_a_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    before = load_config(None)
    for name in ("DATABASE_URL", "TEAM_CONFIG_DIR", "MOCK_LLM", "AGENT_RUNTIME_MODE", "REDIS_URL"):
        monkeypatch.setitem(os.environ, name, "elsewhere")

    assert load_config(None) == before


def test_importing_config_loads_no_transport_and_no_model_library() -> None:
    modules = "config.loader, config.backlog, config.streams, config.reference"
    probe = (
        f"import {modules}, sys; print([m for m in ('zmq', 'pykka', 'torch', 'msgpack', 'numpy') if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


WORDS = st.sampled_from(
    [
        "experiment",
        "team",
        "models",
        "agents",
        "teams",
        "simulation",
        "seed",
        "wip_limits",
        "id",
        "name",
        "- ",
        ": ",
        "\n",
        "\n  ",
        "[",
        "]",
        "{",
        "}",
        "&a ",
        "*a",
        "<<",
        "!!int ",
        "'",
        '"',
        "0",
        "-1",
        "1e9",
        ".nan",
        "2026-01-05",
        "on",
        "\t",
        "é",
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
@given(text=st.one_of(st.binary(max_size=200), st.lists(WORDS, max_size=30).map(lambda parts: "".join(parts).encode())))
def test_no_file_raises_anything_but_a_configuration_error(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "garbage.yaml"
    path.write_bytes(text)
    assert all("\n" not in str(problem) for problem in problems_of(path))


@settings(deadline=None, max_examples=300)
@given(override=st.one_of(st.text(st.characters(), max_size=60), st.lists(WORDS, max_size=8).map("=".join)))
def test_no_override_raises_anything_but_a_configuration_error(override: str) -> None:
    assert all("\n" not in str(problem) for problem in problems_of(None, override))


JUNK = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=5,
)
KEYS = sorted({known.key.replace("<id>", "ada").replace("[]", "") for known in known_keys(RunConfig)})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
@given(key=st.sampled_from(KEYS), depth=st.integers(1, 5), junk=JUNK)
def test_no_value_anywhere_raises_anything_but_a_configuration_error(
    tmp_path: Path, key: str, depth: int, junk: object
) -> None:
    nested = junk
    for part in reversed(key.split(".")[:depth]):
        nested = {part: nested}
    path = write(tmp_path, json.dumps(nested))
    assert all(problem.file == str(path) for problem in problems_of(path))
