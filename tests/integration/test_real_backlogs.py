"""A user's own backlog and configuration, as small and as large as users write them, with no other change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.live import events
from tests.support.runs import MODELLED, Finished, digest, simulate

ONE_NODE = ("--nodes", "1", "--metrics-port", "0", "--seed", "7")

SMALL_BACKLOG = """\
stories:
  - id: LIB-1
    title: Lend a book
    acceptance_criteria: [A member can lend a book, A lent book cannot be lent again]
    story_points: 3
    priority: 1
  - id: LIB-2
    title: Return a book
    description: Members bring books back.
    acceptance_criteria: [A returned book can be lent again]
    story_points: 2
    priority: 2
    depends_on: [LIB-1]
  - {id: LIB-3, title: Search by title, acceptance_criteria: [Part of a title finds it], story_points: 2, priority: 3}
  - {id: LIB-4, title: Reserve a book, acceptance_criteria: [The next to get it is told], story_points: 5, priority: 4}
  - {id: LIB-5, title: Fines, acceptance_criteria: [A late book costs money], story_points: 1, priority: 5}
"""

# In the style of the seed guide: a smaller team, and sections that only other deployments act on.
GUIDE_CONFIG = """\
experiment:
  name: library-pilot
  sprint_duration_minutes: 30
  num_simulated_days: 5
  sprints_per_stakeholder_review: 2
database:
  url: postgresql://postgres:postgres@localhost:5432/team
  redis_url: redis://localhost:6379
team:
  wip_limits: {in_progress: 2, review: 2}
  quality_gates: {min_test_coverage_lines: 90}
  turnover: {enabled: true, probability_per_sprint: 0.1}
models:
  vllm_endpoint: mock://
  agents:
    maya_lead: {name: Maya, seniority: senior, primary_specialization: backend, role_archetype: developer+leader}
    tom_mid: {name: Tom, seniority: mid, primary_specialization: frontend, role_archetype: developer}
    ina_junior: {name: Ina, seniority: junior, primary_specialization: backend, role_archetype: developer}
    quinn_qa: {name: Quinn, seniority: senior, primary_specialization: testing, role_archetype: tester+leader}
    paula_po: {name: Paula, seniority: senior, primary_specialization: product, role_archetype: leader}
runtimes:
  anthropic: {enabled: true, api_key_env: ANTHROPIC_API_KEY, max_tokens: 4096}
  local_vllm: {enabled: true, endpoint: "http://localhost:8000", temperature: 0.5}
monitoring: {prometheus_port: 9464}
messaging: {backend: asyncio, history_size: 500}
remote_git: {enabled: true, provider: github}
"""
NOT_ACTED_ON = (
    "database.url",
    "database.redis_url",
    "runtimes.anthropic.api_key_env",
    "runtimes.local_vllm.endpoint",
    "messaging.backend",
    "remote_git.enabled",
    "team.quality_gates.min_test_coverage_lines",
    "team.turnover.enabled",
)
ACTED_ON = ("experiment.name", "team.wip_limits.in_progress", "monitoring.prometheus_port", "models.agents")


def simulated(folder: Path, *arguments: str | Path) -> Finished:
    done = simulate("run", *ONE_NODE, "--output", folder, *arguments, MODELLED)
    assert done.code == 0, done.err + done.out
    return done


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Finished]:
    """A run of five plain stories until nothing is left to do."""
    folder = tmp_path_factory.mktemp("small")
    backlog = folder / "backlog.yaml"
    backlog.write_text(SMALL_BACKLOG)
    return folder / "run", simulated(folder / "run", "--backlog", backlog, "--sprints", "8")


def test_a_plain_backlog_runs_and_what_it_lacks_is_said_first(small: tuple[Path, Finished]) -> None:
    _, done = small
    notes = [line for line in done.out.splitlines() if line.startswith("note: backlog.yaml: ")]

    for lack in ("no product", "no clarifications in 5 stories", "no module in 5 stories", "no description in 4 of 5"):
        assert any(lack in note for note in notes), notes
    assert done.out.index("note: ") < done.out.index("sprints of 11 agents")


def test_a_plain_backlog_ends_when_it_is_exhausted_with_everything_done(small: tuple[Path, Finished]) -> None:
    folder, _ = small
    ((_, ended),) = events(folder, "run.ended/1")
    sprint = int(ended["reason"].removeprefix("backlog exhausted in sprint "))
    report = json.loads((folder / "final_report.json").read_text())

    assert 1 <= sprint < 8
    assert report["total_sprints"] == sprint
    assert report["metrics"]["total_features"] >= 5
    assert ended["reason"] in json.dumps(report) + (folder / "final_report.md").read_text()
    done = {event["story_id"] for _, event in events(folder, "board.card_moved/1") if event["to_column"] == "done"}
    assert {f"LIB-{n}" for n in range(1, 6)} <= done


def test_stories_that_wait_for_others_start_after_them(small: tuple[Path, Finished]) -> None:
    moves = [(event["story_id"], event["to_column"]) for _, event in events(small[0], "board.card_moved/1")]

    assert moves.index(("LIB-1", "done")) < moves.index(("LIB-2", "in_progress"))


def test_with_refill_the_product_owner_thinks_of_more(small: tuple[Path, Finished], tmp_path: Path) -> None:
    backlog = small[0].parent / "backlog.yaml"
    exhausted = int(json.loads((small[0] / "final_report.json").read_text())["total_sprints"])
    sprints = str(exhausted + 1)
    simulated(tmp_path / "run", "--backlog", backlog, "--sprints", sprints, "backlog.refill=seeded")
    ((_, ended),) = events(tmp_path / "run", "run.ended/1")
    planned = {event["story_id"] for _, event in events(tmp_path / "run", "story.planned/1")}

    assert ended["reason"] == "completed"
    assert any(not story.startswith("LIB-") for story in planned)


def test_a_configuration_of_the_guide_runs_and_keys_without_effect_are_listed(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(GUIDE_CONFIG)
    (tmp_path / "backlog.yaml").write_text(SMALL_BACKLOG)
    files = ("--config", tmp_path / "config.yaml", "--backlog", tmp_path / "backlog.yaml")
    done = simulated(tmp_path / "run", *files, "--sprints", "2")
    listed = {line.split(": ")[2] for line in done.out.splitlines() if "accepted, but not acted on yet" in line}

    assert set(NOT_ACTED_ON) <= {entry.split(" is ")[0] for entry in listed}
    assert not [entry for entry in listed if entry.startswith(ACTED_ON)]
    assert "2 sprints of 5 agents" in done.out
    report = json.loads((tmp_path / "run" / "final_report.json").read_text())
    assert "library-pilot" in json.dumps(report["experiment"])
    assert report["metrics"]["total_features"] > 0
    busiest = _most_at_once(tmp_path / "run", "in_progress")
    assert 1 <= busiest <= 2 + _expedited(tmp_path / "run")
    assert report["event_digest"] == digest(tmp_path / "run")


def _most_at_once(folder: Path, column: str) -> int:
    here: set[str] = set()
    most = 0
    for _, event in events(folder, "board.card_moved/1"):
        (here.add if event["to_column"] == column else here.discard)(event["story_id"])
        most = max(most, len(here))
    return most


def _expedited(folder: Path) -> int:
    """Hotfixes may go over the limit."""
    return len({e["story_id"] for _, e in events(folder, "board.card_moved/1") if e["story_id"].endswith("-HOTFIX")})
