from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.helpers import TEAM_OF_THREE, problems_of, write

LEAD = "name: A, seniority: senior, primary_specialization: backend, role_archetype"


def agents(**archetypes: str) -> str:
    rows = "".join(f"    {id_}: {{{LEAD}: {archetype}}}\n" for id_, archetype in archetypes.items())
    return f"models:\n  agents:\n{rows}"


def agent(**changes: str) -> str:
    settings = {
        "name": "Ada",
        "seniority": "senior",
        "primary_specialization": "backend",
        "role_archetype": "developer+leader",
    } | changes
    body = ", ".join(f"{key}: {value}" for key, value in settings.items() if value)
    return (
        f"models:\n  agents:\n    ada: {{{body}}}\n    eve_po: "
        "{name: Eve, seniority: senior, primary_specialization: api_design, role_archetype: leader}\n"
    )


# text, line, key, and what the line of the report must contain after the key
MALFORMED = [
    # values
    (
        "experiment:\n  num_simulated_days: 0\n",
        2,
        "experiment.num_simulated_days",
        "0 is not allowed; expected an integer from 1 to 30",
    ),
    (
        "experiment: {num_simulated_days: 5.5}\n",
        1,
        "experiment.num_simulated_days",
        "5.5 is not allowed; expected an integer",
    ),
    (
        'experiment: {num_simulated_days: "5"}\n',
        1,
        "experiment.num_simulated_days",
        '"5" is not allowed; expected an integer',
    ),
    (
        "experiment: {num_simulated_days: true}\n",
        1,
        "experiment.num_simulated_days",
        "true is not allowed; expected an integer",
    ),
    (
        "experiment: {num_simulated_days: }\n",
        1,
        "experiment.num_simulated_days",
        "nothing is not allowed; expected an integer",
    ),
    ("experiment: {name: [a]}\n", 1, "experiment.name", "a list is not allowed; expected text"),
    ("experiment: {name: 7}\n", 1, "experiment.name", "7 is not allowed; expected text of at most 200 characters"),
    ("experiment: {tracing: 1}\n", 1, "experiment.tracing", "1 is not allowed; expected true or false"),
    (
        "simulation: {seed: -1}\n",
        1,
        "simulation.seed",
        "-1 is not allowed; expected an integer from 0 to 9223372036854775807",
    ),
    (
        "simulation: {start_date: tomorrow}\n",
        1,
        "simulation.start_date",
        "tomorrow is not allowed; expected a date from 2000-01-01",
    ),
    (
        "simulation: {start_date: 1999-12-31}\n",
        1,
        "simulation.start_date",
        "1999-12-31 is not allowed; expected a date from 2000-01-01",
    ),
    ("simulation: {start_date: 2026-01-05T10:00:00Z}\n", 1, "simulation.start_date", "expected a date from"),
    ("simulation: {start_date: 2026-02-30}\n", 1, "simulation.start_date", "2026-02-30 is not a valid date"),
    (
        "simulation: {work_start: 24:00}\n",
        1,
        "simulation.work_start",
        '24:00 is not allowed; expected a time of day such as "09:00"',
    ),
    (
        "simulation: {link_delay_ms: 0}\n",
        1,
        "simulation.link_delay_ms",
        "0 is not allowed; expected an integer from 1 to 1000",
    ),
    (
        "simulation: {sprints: 1001}\n",
        1,
        "simulation.sprints",
        "1001 is not allowed; expected an integer from 1 to 1000",
    ),
    ("simulation: {replicas: many}\n", 1, "simulation.replicas", "many is not allowed; expected an integer"),
    (f"simulation: {{seed: {'9' * 5000}}}\n", 1, "simulation.seed", "is not a valid int"),
    (
        "team:\n  wip_limits:\n    review: 0\n",
        3,
        "team.wip_limits.review",
        "0 is not allowed; expected an integer from 1 to 100",
    ),
    (
        "team: {tester_pairing: {role: watcher}}\n",
        1,
        "team.tester_pairing.role",
        "watcher is not allowed; expected one of navigator, driver",
    ),
    (
        "team: {turnover: {protect_roles: [devlead]}}\n",
        1,
        "team.turnover.protect_roles[0]",
        "devlead is no agent and no role; expected an agent id, the end of one, or a role (did you mean dev_lead?)",
    ),
    (
        "team: {definition_of_done: [ok, '']}\n",
        1,
        "team.definition_of_done[1]",
        '"" is not allowed; expected text that is not empty',
    ),
    (
        "disturbances: {frequencies: {flaky_test: 1.5}}\n",
        1,
        "disturbances.frequencies.flaky_test",
        "1.5 is not allowed; expected a number from 0 to 1",
    ),
    (
        "disturbances: {frequencies: {flaky_test: .nan}}\n",
        1,
        "disturbances.frequencies.flaky_test",
        ".nan is not allowed; expected a number from 0 to 1",
    ),
    (
        "disturbances: {frequencies: {flaky_test: 0.0004}}\n",
        1,
        "disturbances.frequencies.flaky_test",
        "0.0004 is not allowed; expected a number from 0 to 1 with at most three decimals",
    ),
    ("disturbances: {frequencies: {test_failures: 0.1}}\n", 1, "disturbances.frequencies.test_failures", "unknown key"),
    (
        "disturbances:\n  suppress:\n    - D-01-01\n    - D-1\n",
        4,
        "disturbances.suppress[1]",
        "D-1 is not allowed; expected a disturbance id such as D-03-02",
    ),
    ("disturbances: off\n", 1, "disturbances", "off is not allowed; expected a mapping"),
    ("remote_git:\n", 1, "remote_git", "nothing is not allowed; expected a mapping"),
    ("backlog: {refill: always}\n", 1, "backlog.refill", "always is not allowed; expected one of none, seeded"),
    (
        "pairing: {max_exchanges: 11}\n",
        1,
        "pairing.max_exchanges",
        "11 is not allowed; expected an integer from 1 to 10",
    ),
    ("policy: {calibration: 3}\n", 1, "policy.calibration", "3 is not allowed; expected text, or null"),
    (
        "code_generation: {mode: execute}\n",
        1,
        "code_generation.mode",
        "execute is not allowed; expected one of executed, modelled",
    ),
    ("code_generation: {mode: null}\n", 1, "code_generation.mode", "nothing is not allowed; expected one of executed"),
    ("code_generation: {workers: 0}\n", 1, "code_generation.workers", "0 is not allowed; expected an integer from 1"),
    (
        "code_generation:\n  max_complexity: 101\n",
        2,
        "code_generation.max_complexity",
        "101 is not allowed; expected an integer from 1 to 100",
    ),
    (
        "code_generation:\n  coverage:\n    min_branch_coverage: 80.5\n",
        3,
        "code_generation.coverage.min_branch_coverage",
        "80.5 is not allowed; expected an integer from 0 to 100",
    ),
    (
        "monitoring: {prometheus_port: 65536}\n",
        1,
        "monitoring.prometheus_port",
        "65536 is not allowed; expected an integer from 1 to 65535",
    ),
    (
        "profile_swapping: {mode: off}\n",
        1,
        "profile_swapping.mode",
        "off is not allowed; expected one of none, constrained, free",
    ),
    # keys
    (
        "team:\n  wip_limits:\n    in_progres: 3\n",
        3,
        "team.wip_limits.in_progres",
        "unknown key (did you mean team.wip_limits.in_progress?)",
    ),
    ("\n\ndisturbence: {}\n", 3, "disturbence", "unknown key (did you mean disturbances?)"),
    ("wip_limits: {in_progress: 3}\n", 1, "wip_limits", "unknown key (did you mean team.wip_limits?)"),
    ("simulation: {tracing: true}\n", 1, "simulation.tracing", "unknown key (did you mean experiment.tracing?)"),
    ("zzz: 1\n", 1, "zzz", "unknown key"),
    ("sprints: 5\n", 1, "sprints", "unknown key (did you mean simulation.sprints?)"),
    (agent(senority="mid"), 3, "models.agents.ada.senority", "unknown key (did you mean models.agents.ada.seniority?)"),
    # agents
    ("models: {agents: {}}\n", 1, "models.agents", "names no agent; expected at least one agent"),
    ("models: {agents: [ada]}\n", 1, "models.agents", "a list is not allowed; expected a mapping"),
    (agent(name=""), 3, "models.agents.ada.name", "is missing; expected text that is not empty"),
    (
        agent(seniority="principal"),
        3,
        "models.agents.ada.seniority",
        "principal is not allowed; expected one of junior, mid, senior",
    ),
    (
        agent(role_archetype="developer+boss"),
        3,
        "models.agents.ada.role_archetype",
        "developer+boss is not allowed; expected one or several of developer, tester",
    ),
    (
        agent(role_archetype="developer+developer"),
        3,
        "models.agents.ada.role_archetype",
        "is not allowed; expected one or several of",
    ),
    (agent(primary_specialization=""), 3, "models.agents.ada.primary_specialization", "is missing"),
    (
        agent(specializations="[frontend]"),
        3,
        "models.agents.ada.specializations",
        "does not contain the primary specialization backend",
    ),
    (
        agent(auxiliary_specializations="[a, b, c]"),
        3,
        "models.agents.ada.auxiliary_specializations",
        "gives 3 auxiliary specializations; expected at most 2 for a senior",
    ),
    (
        agent(seniority="junior", auxiliary_specializations="[a, b]"),
        3,
        "models.agents.ada.auxiliary_specializations",
        "at most 1 for a junior",
    ),
    (
        agent(temperature="hot"),
        3,
        "models.agents.ada.temperature",
        "hot is not allowed; expected a number from 0 to 2, or null",
    ),
    (agent(team_id="blue"), 3, "models.agents.ada.team_id", "there is no team blue; expected one of team-1"),
    (
        "models:\n  agents:\n    a b: {}\n",
        3,
        "models.agents.a b",
        "a b is not allowed as an id; expected letters, digits",
    ),
    (agents(ada="developer+leader", bo="developer"), 2, "models.agents", "team team-1 has no product owner"),
    (agents(eve_po="leader", ted="tester+leader"), 2, "models.agents", "team team-1 has no developer"),
    (
        agents(ada="developer+leader", x_po="product_owner", y_po="product_owner"),
        2,
        "models.agents",
        "team team-1 has 2 product owners, x_po, y_po; expected one",
    ),
    (
        agents(ada="developer", eve_po="leader").replace("seniority: senior", "seniority: mid"),
        2,
        "models.agents",
        "team team-1 has nobody who can lead",
    ),
    (
        agents(eve_po="leader", ada="leader", **{f"d{i}": "developer" for i in range(11)}),
        2,
        "models.agents",
        "team team-1 has 11 developers; expected at most team.max_engineers, 10",
    ),
    (
        agents(eve_po="leader", ada="developer", **{f"t{i}": "tester" for i in range(25)}),
        2,
        "models.agents",
        "team team-1 has 27 members; expected at most team.max_total_team_size, 13",
    ),
    (
        "team: {max_total_team_size: 25}\n",
        1,
        "team.max_total_team_size",
        "25 is not allowed; expected an integer from 1 to 24",
    ),
    (
        "runtimes: {anthropic: {enabled: false}}\n" + agent(runtime="anthropic"),
        4,
        "models.agents.ada.runtime",
        "anthropic is switched off",
    ),
    # teams
    (
        "teams:\n- {id: x, agents: [ada, bob, eve_po]}\n- {id: y, agents: [ada]}\n" + TEAM_OF_THREE,
        3,
        "teams[1].agents[0]",
        "ada is already in team x; expected one team for each agent",
    ),
    (
        "teams: [{id: x, agents: [ada, bob, eve_po, adda]}]\n" + TEAM_OF_THREE,
        1,
        "teams[0].agents[3]",
        "there is no agent adda (did you mean ada?)",
    ),
    ("teams: [{id: x, agents: [ada, eve_po]}]\n" + TEAM_OF_THREE, 5, "models.agents.bob", "is in no team"),
    (
        "teams:\n- {id: x, agents: [ada, bob, eve_po]}\n- {id: x}\n" + TEAM_OF_THREE,
        3,
        "teams[1].id",
        "x names two teams",
    ),
    (
        "teams:\n- {id: x, agents: [ada, bob, eve_po]}\n- {id: y}\n" + TEAM_OF_THREE,
        3,
        "teams[1]",
        "team y has no members",
    ),
    ("teams:\n- {name: Blue}\n", 2, "teams[0].id", "is missing; expected letters, digits, _ and -"),
    ("teams: 3\n", 1, "teams", "3 is not allowed; expected a list"),
    # contradictions
    (
        "simulation:\n  work_start: 10:00\n  work_end: 10:00\n",
        3,
        "simulation.work_end",
        "10:00 is not allowed; expected a time of day after simulation.work_start, 10:00",
    ),
    (
        "experiment: {sprints_per_stakeholder_review: 2}\nstakeholder_review: {cadence: 4}\n",
        1,
        "experiment.sprints_per_stakeholder_review",
        "2 contradicts stakeholder_review.cadence, which is 4",
    ),
    (
        "stakeholder_review:\n  webhook:\n    enabled: true\n",
        4 - 1,
        "stakeholder_review.webhook.url",
        "is missing while stakeholder_review.webhook.enabled is true",
    ),
    ("coordination: {enabled: true}\n", 1, "coordination.enabled", "coordination needs at least 2 teams, there is 1"),
    ("coordination: {coordinators: [alex]}\n", 1, "coordination.coordinators[0]", "there is no agent alex"),
    (
        "coordination: {overhead_budget: {checkin_step_weight: 0.9}}\n",
        1,
        "coordination.overhead_budget",
        "exceed 1 together",
    ),
    # the file itself
    ("", 0, "", "is empty; expected a mapping of sections"),
    ("# only a comment\n", 0, "", "is empty"),
    ("- a\n- b\n", 1, "", "holds a list; expected a mapping of sections"),
    ("hello\n", 1, "", "holds hello; expected a mapping"),
    ("a: [1, 2\nb: 3\n", 2, "", "not valid YAML"),
    ("a: 1\n\tb: 2\n", 2, "", "not valid YAML"),
    ("a: 1\n---\nb: 2\n", 2, "", "not valid YAML"),
    ("a: *nobody\n", 1, "", "not valid YAML"),
    ("a: \x07\n", 1, "", "not valid YAML"),
    ("experiment:\n  name: a\n  name: b\n", 3, "experiment.name", "given twice, first in line 2"),
    ("experiment:\n  1: a\n", 2, "experiment", "1 is not allowed as a key; expected text"),
    ("experiment:\n  [a, b]: a\n", 2, "experiment", "a list or mapping is not allowed as a key"),
    ("experiment:\n  name: !!python/object/apply:os.system [ls]\n", 2, "experiment.name", "a list is not allowed"),
    (
        "experiment:\n  name: !secret x\n",
        2,
        "experiment.name",
        "the tag !secret is not allowed; expected a plain value",
    ),
    ("experiment:\n  name: !!int x\n", 2, "experiment.name", "x is not a valid int"),
    ("a: " + "[" * 100_000 + "\n", 1, "", "nested more than 40 levels deep"),
    ("a: &a [*a]\n", 1, "", "its aliases unfold to too many values"),
    ("experiment: {<<: 3}\n", 1, "experiment", "<< cannot merge this; expected a mapping or a list of mappings"),
]


@pytest.mark.parametrize(
    ("text", "line", "key", "said"), MALFORMED, ids=[f"{i}-{row[2]}" for i, row in enumerate(MALFORMED)]
)
def test_a_malformed_configuration_is_reported_with_its_line_and_key(
    tmp_path: Path, text: str, line: int, key: str, said: str
) -> None:
    path = write(tmp_path, text)

    found = [problem for problem in problems_of(path) if problem.key == key]

    assert found, f"no problem names {key}: {[str(p) for p in problems_of(path)]}"
    assert said in str(found[0])
    assert str(found[0]).startswith(f"{path}:{line}: " if line else f"{path}: ")


def test_aliases_that_multiply_are_refused_quickly(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]

    (problem,) = problems_of(write(tmp_path, "\n".join(lines)))

    assert "unfold to too many values" in problem.message


def test_a_missing_file_and_a_folder_are_reported(tmp_path: Path) -> None:
    assert str(problems_of(tmp_path / "no.yaml")[0]) == f"{tmp_path}/no.yaml: there is no such file"
    assert str(problems_of(tmp_path)[0]) == f"{tmp_path}: is a folder; expected a YAML file"
    assert "cannot be read" in str(problems_of(Path("a\0b"))[0])


def test_text_that_is_not_utf_8_is_reported_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"experiment:\n  name: caf\xe9\n")

    assert str(problems_of(path)[0]) == f"{path}:2: is not UTF-8 text; expected UTF-8"


def test_a_file_without_end_is_refused() -> None:
    assert "too large" in str(problems_of(Path("/dev/zero"))[0])


def test_all_problems_come_in_one_report_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "simulation: {work_start: 10:00, work_end: 09:00}\nteam: {wip_limits: {review: 0}}\nzzz: 1\n"
        "experiment: {name: 3}\n",
    )

    found = problems_of(path, "pairing.max_exchanges=0")

    assert [(problem.line, problem.key) for problem in found] == [
        (1, "simulation.work_end"),
        (2, "team.wip_limits.review"),
        (3, "zzz"),
        (4, "experiment.name"),
        (1, "pairing.max_exchanges"),
    ]


def test_a_broken_value_is_not_blamed_a_second_time_for_what_follows_from_it(tmp_path: Path) -> None:
    path = write(tmp_path, "simulation: {work_start: 18:00, work_end: late}\n")

    assert [problem.key for problem in problems_of(path)] == ["simulation.work_end"]
