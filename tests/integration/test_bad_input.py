"""Bad input through the command line: status 2, the key and the file named, one report, and nothing written."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from actors.simulation.__main__ import main
from actors.work.katas.backlog import backlog_text, kata_stories
from actors.work.katas.bank import FAMILIES
from actors.work.katas.exercise import exercise
from actors.work.katas.themes import THEMES
from config.streams import draw
from tests.support.runs import simulate

SIDE_FILES = ("-shm", "-wal")  # of SQLite, beside a journal that is being looked at


@dataclass
class Place:
    """A folder with a finished run in `run`, and whatever a test needs beside it."""

    folder: Path

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def copy_of_run(self, name: str) -> Path:
        shutil.copytree(self.folder / "run", self.folder / name)
        return self.folder / name

    def execute(self, name: str, statement: str) -> None:
        db = sqlite3.connect(self.folder / name / "run.sqlite")
        with db:
            db.execute(statement)
        db.close()

    def tree(self) -> dict[str, bytes | None]:
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes() if path.is_file() else None
            for path in sorted(self.folder.rglob("*"))
            if not path.name.endswith(SIDE_FILES)
        }


@pytest.fixture
def place(tmp_path: Path, calm: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    shutil.copytree(calm, tmp_path / "run")
    monkeypatch.chdir(tmp_path)  # so that a default output would be written here, and be seen
    return Place(tmp_path)


def refused(place: Place, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The report of a command that must be refused and leave everything as it was."""
    before = place.tree()
    try:
        status = int(main(list(arguments)))
    except SystemExit as ended:  # what argparse refuses
        status = int(ended.code or 0)
    report = capsys.readouterr().err

    assert status == 2, report
    assert "Traceback" not in report
    assert place.tree() == before
    return report


def story(number: int = 1, **changes: str) -> str:
    fields = {"id": f"A-{number}", "title": "T", "acceptance_criteria": "[it works]", "story_points": "3"}
    body = ", ".join(f"{key}: {value}" for key, value in (fields | {"priority": "1"} | changes).items() if value)
    return f"- {{{body}}}\n"


CONFIGURATIONS: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "c.yaml: is empty; expected a mapping of sections"),
    "plain text": ("hello", "c.yaml:1: holds hello"),
    "binary": (b"\x00\xff\xfe\x80", "c.yaml:1: is not UTF-8 text"),
    "broken": ("team: [1,\n", "c.yaml:2: not valid YAML"),
    "a tab": ("team:\n\tturnover: 1\n", "c.yaml:2: not valid YAML"),
    "a key twice": ("team: {}\nteam: {}\n", "c.yaml:2: team: given twice, first in line 1"),
    "a section twice deep": ("team:\n  wip_limits: {review: 1, review: 2}\n", "team.wip_limits.review: given twice"),
    "too deep": ("[" * 5000, "c.yaml:1: nested more than"),
    "code": ("team: !!python/object/apply:os.system [echo hi]\n", "c.yaml:1: team: a list is not allowed"),
    "an unknown section": ("taem: {}\n", "c.yaml:1: taem: unknown key (did you mean team?)"),
    "an unknown key": ("team: {wip_limit: 3}\n", "team.wip_limit: unknown key (did you mean team.wip_limits?)"),
    "a wrong type": ("team: {wip_limits: {review: many}}\n", "team.wip_limits.review: many is not allowed"),
    "out of range": ("simulation: {sprints: 0}\n", "simulation.sprints: 0 is not allowed"),
    "not a number": (
        "disturbances: {frequencies: {flaky_test: .nan}}\n",
        "frequencies.flaky_test: .nan is not allowed",
    ),
    "an endless seed": (f"simulation: {{seed: {'9' * 30}}}\n", "simulation.seed: 9999"),
    "zero agents": ("models: {agents: {}}\n", "models.agents: names no agent"),
    "an unknown role": (
        "models:\n  agents:\n    ada: {name: A, seniority: mid, primary_specialization: qa, role_archetype: boss}\n",
        "models.agents.ada.role_archetype: boss is not allowed",
    ),
    "no calibration there": ("policy: {calibration: nope.toml}\n", "nope.toml: policy.calibration: cannot be read"),
    "a folder as calibration": ("policy: {calibration: run}\n", "run: policy.calibration: cannot be read"),
    "a calibration that is no TOML": (
        "policy: {calibration: bad.toml}\n",
        "bad.toml: policy.calibration: not valid TOML",
    ),
    "an empty calibration": ("policy: {calibration: none.toml}\n", "none.toml: policy.calibration: triage: missing"),
    "a binary calibration": ("policy: {calibration: bin.toml}\n", "bin.toml: policy.calibration: cannot be read"),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_bad_configuration_is_refused(place: Place, capsys: pytest.CaptureFixture[str], name: str) -> None:
    content, expected = CONFIGURATIONS[name]
    for file, text in (("bad.toml", "= = ="), ("none.toml", ""), ("bin.toml", b"\xff\x00")):
        place.write(file, text)
    config = place.write("c.yaml", content)

    assert expected in refused(place, capsys, "run", "--config", str(config), "--output", "out")


BACKLOGS: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "b.yaml: is empty"),
    "binary": (b"\x00\xff", "b.yaml:1: is not UTF-8 text"),
    "no stories": ("stories: []\n", "b.yaml:1: stories: is empty"),
    "stories that are none": ("stories: 5\n", "b.yaml:1: stories: 5 is not allowed"),
    "an id twice": (f"stories:\n{story()}{story()}", "b.yaml:3: stories[1].id: A-1 is given twice, first in line 2"),
    "a circle": (
        f"stories:\n{story(1, depends_on='[A-2]')}{story(2, depends_on='[A-1]')}",
        "stories wait for each other in a circle: A-1 -> A-2 -> A-1",
    ),
    "an unknown story": (f"stories:\n{story(depends_on='[Z-9]')}", "stories[0].depends_on[0]: there is no story Z-9"),
    "odd points": (f"stories:\n{story(story_points='4')}", "stories[0].story_points: 4 is not allowed"),
    "no criteria": (f"stories:\n{story(acceptance_criteria='')}", "stories[0].acceptance_criteria: is missing"),
    "an unknown key": (f"stories:\n{story(colour='red')}", "b.yaml:2: stories[0].colour: unknown key"),
}


@pytest.mark.parametrize("name", BACKLOGS)
def test_a_bad_backlog_is_refused(place: Place, capsys: pytest.CaptureFixture[str], name: str) -> None:
    content, expected = BACKLOGS[name]
    backlog = place.write("b.yaml", content)
    report = refused(place, capsys, "run", "--backlog", str(backlog), "--output", "out")

    assert expected in report
    assert len(report.splitlines()) == 1, "one problem, one line"


def katas(count: int = 3, *, of: str = "") -> list[dict[str, Any]]:
    """Stories that can be executed, as a backlog file has them; `of`: one that waits for others, and those."""
    stories = kata_stories(1, 60)
    if of:
        last = next(one for one in stories if one.family == of)
        stories = tuple(one for one in stories if one.id in (*last.depends_on, last.id))
    return list(yaml.safe_load(backlog_text(stories[:count], command="a test"))["stories"])


def changed(number: int, **changes: Any) -> str:
    """Three executable stories, one of them changed: what is None is left out."""
    stories = katas()
    stories[number] = {key: value for key, value in (stories[number] | changes).items() if value is not None}
    return yaml.safe_dump({"stories": stories}, sort_keys=False)


def without_dependencies() -> str:
    stories = katas(of=IMPORTING)
    return yaml.safe_dump({"stories": [one | {"depends_on": []} for one in stories]}, sort_keys=False)


def waiting_for_another() -> str:
    """It waits for a story, but not for the one whose code it imports."""
    stories = katas(of=IMPORTING)
    other = next(one for one in katas() if one["id"] not in [each["id"] for each in stories])
    stories[-1] = stories[-1] | {"depends_on": [other["id"]] * 1}
    return yaml.safe_dump({"stories": [*stories, other | {"depends_on": []}]}, sort_keys=False)


IMPORTING = next(family for family, make in sorted(FAMILIES.items()) if exercise(family, 0).kata.needs)
(NEEDED, *_) = exercise(IMPORTING, 0).kata.needs
TOLD = katas()
UNEXECUTABLE: dict[str, tuple[Callable[[], str], tuple[str, ...]]] = {
    "plain stories": (
        lambda: f"stories:\n{story(1)}{story(2)}",
        ("b.yaml:2: stories[0].variant: A-1: has no variant", "b.yaml:3: stories[1].variant: A-2: has no variant"),
    ),
    "no variant": (lambda: changed(0, variant=None), ("stories[0].variant: KT-001: has no variant",)),
    "an unknown family": (
        lambda: changed(1, family=TOLD[1]["family"] + "s"),
        (f"stories[1].family: KT-002: there is no kata '{TOLD[1]['family']}s'", f"did you mean {TOLD[1]['family']}?"),
    ),
    "a variant beyond the last": (
        lambda: changed(1, variant=len(THEMES)),
        (f"stories[1].variant: KT-002: {len(THEMES)} is not allowed", f"an integer from 0 to {len(THEMES) - 1}"),
    ),
    "the same exercise twice": (
        lambda: changed(2, **{key: value for key, value in TOLD[0].items() if key != "id"}),
        (f"stories[2].variant: KT-003: {TOLD[0]['family']} {TOLD[0]['variant']} is KT-001 already",),
    ),
    "other criteria": (
        lambda: changed(0, acceptance_criteria=["It works"], clarifications=[]),
        ("stories[0].acceptance_criteria: KT-001: differs from its kata",),
    ),
    "other answers": (
        lambda: changed(0, clarifications=[]),
        ("stories[0].clarifications: KT-001: differs from its kata",),
    ),
    "no dependency": (without_dependencies, ("depends_on: ", f"imports {NEEDED} ", "but does not wait for it")),
    "another dependency": (waiting_for_another, (f"imports {NEEDED} ", "but does not wait for it")),
}


@pytest.mark.parametrize("name", UNEXECUTABLE)
def test_a_backlog_that_cannot_be_executed_is_refused_with_its_file_line_and_key(
    place: Place, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    make, expected = UNEXECUTABLE[name]
    backlog = place.write("b.yaml", make())
    report = refused(place, capsys, "run", "--backlog", str(backlog), "--output", "out")

    for part in expected:
        assert part in report
    for line in report.splitlines():
        number, key = re.match(r".*b\.yaml:(\d+): stories\[\d+\]\.(\w+): ", line).groups()
        shown = backlog.read_text().splitlines()[int(number) - 1]
        assert key in shown or "- " in shown, "the line is that of the key, or of its story"


def test_the_same_backlog_is_fine_where_nothing_is_executed(place: Place) -> None:
    backlog = place.write("b.yaml", f"stories:\n{story(1)}{story(2)}")
    checked = main(["validate", "--backlog", str(backlog), "code_generation.mode=modelled"])

    assert checked == 0
    assert main(["validate", "--backlog", str(backlog)]) == 2
    assert main(["validate"]) == 0


@pytest.mark.parametrize("option", ["--config", "--backlog"])
def test_a_missing_file_and_a_folder_are_named(place: Place, capsys: pytest.CaptureFixture[str], option: str) -> None:
    assert "nope.yaml: there is no such file" in refused(place, capsys, "run", option, "nope.yaml", "--output", "out")
    assert "run: is a folder" in refused(place, capsys, "run", option, "run", "--output", "out")


def test_all_problems_of_all_files_are_in_one_report(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.write("c.yaml", "simulation: {sprints: 0}\nteam: {wip_limit: 3}\n")
    place.write("b.yaml", f"stories:\n{story()}{story()}")
    report = refused(
        place,
        capsys,
        "run",
        "--config",
        "c.yaml",
        "--backlog",
        "b.yaml",
        "--output",
        "out",
        "disturbances.enabled=maybe",
    )

    assert [line.split(": ")[0] for line in report.splitlines()] == [
        "c.yaml:1",
        "c.yaml:2",
        "command line:1",
        "b.yaml:3",
    ]


OPTIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "a setting without value": (("team.wip_limits.review", "--output", "out"), "expected key=value"),
    "a setting without key": (("=3",), "expected key=value"),
    "an unknown setting": (("team.wip=3",), "team.wip: unknown key"),
    "a setting of a wrong type": (("team.wip_limits.review=lots",), "team.wip_limits.review: lots is not allowed"),
    "a setting of broken YAML": (("team.wip_limits.review=[1",), "team.wip_limits.review: not valid YAML"),
    "a section as setting": (("team=3",), "team: 3 is not allowed; expected a mapping"),
    "negative nodes": (("--nodes", "-1"), "--nodes: -1 is not allowed"),
    "no nodes": (("--nodes", "0"), "--nodes: 0 is not allowed"),
    "very many nodes": (("--nodes", "100000"), "--nodes: 100000 is not allowed"),
    "nodes in words": (("--nodes", "two"), "--nodes: invalid int value"),
    "a high port": (("--metrics-port", "70000"), "--metrics-port: 70000 is not allowed"),
    "a negative port": (("--metrics-port", "-1"), "--metrics-port: -1 is not allowed"),
    "a negative hold": (("--hold", "-1"), "--hold: -1.0 is not allowed"),
    "a hold that is no number": (("--hold", "nan"), "--hold: nan is not allowed"),
    "no sprints": (("--sprints", "0"), "simulation.sprints: 0 is not allowed"),
    "a negative seed": (("--seed", "-1"), "simulation.seed: -1 is not allowed"),
    "an unknown option": (("--frobnicate",), "--frobnicate"),
    "continue and sprints": (
        ("--continue", "1", "--sprints", "2", "--output", "run"),
        "--sprints and --continue exclude",
    ),
    "continue and resume": (("--continue", "1", "--resume", "--output", "run"), "--resume and --continue exclude"),
    "continue by nothing": (("--continue", "0", "--output", "run"), "--continue: 0 is not allowed"),
    "continue of nothing": (("--continue", "1", "--output", "out"), "--continue needs --output with a run in it"),
    "continue of what is not finished": (("--continue", "1", "--output", "unfinished"), "unfinished is not finished"),
    "resume of nowhere": (("--resume",), "--resume needs --output"),
    "resume of other files": (("--resume", "--output", "full"), "full is not empty"),
    "a folder with files": (("--output", "full"), "full is not empty"),
    "a folder with a run": (("--output", "run"), "run is not empty; --resume goes on with the run in it"),
    "a file as folder": (("--output", "full/x"), "full/x is a file, not a folder"),
    "a folder under a file": (("--output", "full/x/deeper/out"), "full/x is a file, not a folder"),
    "a folder the system refuses": (("--output", "/proc/nope/out"), "/proc/nope/out cannot be made"),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_bad_options_are_refused(place: Place, capsys: pytest.CaptureFixture[str], name: str) -> None:
    arguments, expected = OPTIONS[name]
    place.write("full/x", "x")
    place.copy_of_run("unfinished")
    place.execute("unfinished", "UPDATE state SET value = 'no' WHERE key = 'finished'")

    assert expected in refused(place, capsys, "run", *arguments)


ELSEWHERE: dict[str, tuple[tuple[str, ...], str]] = {
    "fork of no run": (("fork", "full", "--at", "3"), "there is no run in full"),
    "fork at a number too high": (
        ("fork", "run", "--at", "99999999", "--output", "out"),
        "--at: there is no event 99999999",
    ),
    "fork at no integer of SQLite": (
        ("fork", "run", "--at", "9" * 30, "--output", "out"),
        "--at: there is no event 999",
    ),
    "fork at a digit that is none": (("fork", "run", "--at", "²", "--output", "out"), "--at: there is no event ²"),
    "fork at event 0": (("fork", "run", "--at", "0", "--output", "out"), "--at: there is no event 0"),
    "fork at a stranger's event": (
        ("fork", "run", "--at", "agent/x:9", "--output", "out"),
        "there is no event agent/x:9",
    ),
    "fork at nothing": (("fork", "run", "--output", "out"), "--at"),
    "fork with a bad setting": (("fork", "run", "--at", "5", "--output", "out", "team.x=1"), "team.x: unknown key"),
    "fork onto itself": (("fork", "run", "--at", "5", "--output", "run"), "run is not empty"),
    "fork on no nodes": (("fork", "run", "--at", "5", "--output", "out", "--nodes", "0"), "--nodes: 0 is not allowed"),
    "fork on a bad port": (("fork", "run", "--at", "5", "--metrics-port", "65536"), "--metrics-port: 65536"),
    "replay of nothing": (("replay", "nope"), "there is no run in nope"),
    "replay of a file": (("replay", "full/x"), "there is no run in full/x"),
    "replay with settings": (("replay", "run", "a=1"), "unrecognized arguments: a=1"),
    "diff with nothing": (("diff", "run", "nope"), "there is no run in nope"),
    "export of nothing": (("export", "nope"), "there is no run in nope"),
    "export in a strange format": (("export", "run", "--format", "xml"), "--format: invalid choice"),
    "export onto a file": (("export", "run", "--output", "full/x"), "full/x is a file, not a folder"),
    "validate of nothing": (("validate", "--config", "nope.yaml"), "nope.yaml: there is no such file"),
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_other_commands_refuse_what_they_cannot_use(
    place: Place, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    arguments, expected = ELSEWHERE[name]
    place.write("full/x", "x")

    assert expected in refused(place, capsys, *arguments)


def noise(length: int) -> bytes:
    return b"".join(draw(1, "noise", "", n).bits.to_bytes(8, "big")[-8:] for n in range(length // 8))


def torn(place: Place) -> None:
    journal = place.copy_of_run("torn") / "run.sqlite"
    journal.write_bytes(journal.read_bytes()[: journal.stat().st_size // 2])


def overwritten(place: Place) -> None:
    journal = place.copy_of_run("torn") / "run.sqlite"
    journal.write_bytes(journal.read_bytes()[:4096] + noise(journal.stat().st_size - 4096))


def of_noise(place: Place) -> None:
    place.write("torn/run.sqlite", noise(8192))


def of_another_program(place: Place) -> None:
    (place.folder / "torn").mkdir()
    place.execute("torn", "CREATE TABLE songs(title)")


def of_a_later_version(place: Place) -> None:
    place.copy_of_run("torn")
    place.execute("torn", "PRAGMA user_version = 99")


def without_inputs(place: Place) -> None:
    place.copy_of_run("torn")
    place.execute("torn", "DELETE FROM input WHERE name = 'run.json'")


@pytest.mark.parametrize(
    "damage", [torn, overwritten, of_noise, of_another_program, of_a_later_version, without_inputs]
)
def test_a_damaged_journal_is_named_and_not_touched(
    place: Place, capsys: pytest.CaptureFixture[str], damage: Callable[[Place], None]
) -> None:
    damage(place)
    for arguments in (
        ("replay", "torn"),
        ("run", "--resume", "--output", "torn", "--nodes", "1"),
        ("fork", "torn", "--at", "3", "--output", "out"),
    ):
        assert "torn/run.sqlite" in refused(place, capsys, *arguments)


def test_a_run_of_other_code_is_neither_resumed_continued_replayed_nor_forked(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("run_command", "other_commands", "session"):
        monkeypatch.setattr(f"actors.simulation.{module}.code_digest", lambda: "0" * 64)
    for arguments in (
        ("replay", "run"),
        ("run", "--resume", "--output", "run"),
        ("run", "--continue", "1", "--output", "run"),
        ("fork", "run", "--at", "3", "--output", "out"),
    ):
        assert "recorded by other code" in refused(place, capsys, *arguments)


def test_a_real_process_says_the_same_and_only_that(place: Place) -> None:
    place.write("c.yaml", "simulation: {sprints: 0}\n")
    before = place.tree()
    done = simulate("run", "--config", place.folder / "c.yaml", "--output", place.folder / "out")

    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"{place.folder / 'c.yaml'}:1: simulation.sprints: 0 is not allowed; expected an integer from 1 to 1000\n"
    )
    assert place.tree() == before


def test_resume_begins_anew_where_a_journals_creation_was_killed(place: Place) -> None:
    place.write("killed/run.sqlite", b"")
    place.write("killed/run.sqlite.lock", b"")
    done = simulate(
        "run", "--resume", "--output", place.folder / "killed", "--sprints", "1", "--nodes", "1", "--metrics-port", "0"
    )

    assert done.code == 0, done.err
