"""What a stranger reads is true: links lead somewhere, commands parse, named files and settings exist."""

from __future__ import annotations

import configparser
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from actors.policy.calibration import parse_calibration
from actors.simulation.commandline import parse_arguments
from actors.simulation.exit_codes import ExitCode
from actors.simulation.layout import Layout
from actors.simulation.preparing import prepare
from config.backlog import parse_backlog
from config.loader import load_config
from config.profiles import CALIBRATION

ROOT = Path(__file__).resolve().parents[1]
HIDDEN = {".venv", ".git", "outputs", "node_modules", ".pytest_cache", "build"}
PAGES = sorted(
    path for path in ROOT.rglob("*.md") if not HIDDEN & set(path.relative_to(ROOT).parts) and "tests" not in path.parts
)
TOLD = ("README.md", "CONTRIBUTING.md", "docs/operations.md", "docs/README.md", "examples/clients/README.md")
COMMAND = re.compile(r"^(?:\.venv/bin/)?(make|python)\b.*")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    return [body for found, body in FENCE.findall(text_of(name)) if found == language]


def commands(name: str) -> Iterator[list[str]]:
    """Every command of the plain code blocks of a page, without its comment."""
    for block in blocks(name, ""):
        for line in block.splitlines():
            if COMMAND.match(line):
                yield shlex.split(line, comments=True)


def anchors(page: Path) -> set[str]:
    """What GitHub makes of the headings of a page."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def simulations() -> list[list[str]]:
    """The arguments of every `python -m actors.simulation …` that is shown."""
    prefix = ["-m", "actors.simulation"]
    return [words[3:] for name in TOLD for words in commands(name) if words[1:3] == prefix]


# -- links and names --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    broken = []
    for found in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        link = found[0] or found[1]
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)

    assert broken == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        links = (one or other for one, other in LINK.findall(page.read_text(encoding="utf-8")))
        waiting += [(page.parent / link.partition("#")[0]).resolve() for link in links if ":" not in link]

    assert [page for page in PAGES if page not in reached] == []


def test_the_tree_in_the_readme_names_every_package_and_only_what_exists() -> None:
    tree = next(block for block in blocks("README.md", "") if block.startswith("config/"))
    named = [line.split()[0] for line in tree.splitlines()]
    inside = {line.split()[0]: re.findall(r"\b(\w+)/", line.split(maxsplit=1)[1]) for line in tree.splitlines()}

    assert {"config/", "brokers/", "inference/", "actors/", "tests/", "docs/"} <= set(named)
    for folder, parts in inside.items():
        assert [part for part in ("", *parts) if not (ROOT / folder / part).is_dir()] == [], folder


def test_every_file_of_the_repository_that_is_named_in_backticks_exists() -> None:
    ours = re.compile(r"`((?:config|brokers|inference|actors|docs|tests|examples|requirements)/[\w./-]*)`")
    named = {(page, name) for page in PAGES for name in ours.findall(page.read_text(encoding="utf-8"))}

    assert named
    assert [name for _, name in named if not (ROOT / name).exists()] == []


# -- commands ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TOLD)
def test_every_make_target_that_is_shown_exists(name: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))
    shown = set(re.findall(r"(?:^|`)make ([a-z]+)", text_of(name), re.MULTILINE))

    assert shown <= targets


def test_the_two_main_commands_stand_first_in_the_readme() -> None:
    assert [words[:2] for words in commands("README.md")][:2] == [["make", "simulate"], ["make", "test"]]


def test_every_python_command_that_is_shown_names_a_module_or_a_script() -> None:
    for name in TOLD:
        for words in commands(name):
            if words[0] == "python" and words[1] == "-m":
                assert find_spec(words[2]) is not None, words
            elif words[0] == "python":
                assert (ROOT / words[1]).is_file(), words


@pytest.mark.parametrize("arguments", simulations(), ids=" ".join)
def test_a_simulation_that_is_shown_has_options_and_settings_that_exist(arguments: list[str]) -> None:
    args = parse_arguments(arguments)

    load_config(None, overrides=list(getattr(args, "overrides", ())))


def test_simulations_are_shown() -> None:
    assert {arguments[0] for arguments in simulations()} >= {"run", "fork", "replay", "diff", "validate", "export"}


def test_the_examples_of_the_help_parse() -> None:
    help_text = subprocess.run(
        [sys.executable, "-m", "actors.simulation", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    shown = [
        shlex.split(line)[3:] for line in help_text.splitlines() if line.startswith("  python -m actors.simulation")
    ]

    assert shown
    for arguments in shown:
        args = parse_arguments(arguments)
        load_config(None, overrides=list(getattr(args, "overrides", ())))


# -- examples of input ------------------------------------------------------------------------------------------------


def test_the_backlog_and_the_configuration_of_the_readme_are_valid(tmp_path: Path) -> None:
    backlog, configuration = blocks("README.md", "yaml")
    (tmp_path / "backlog.yaml").write_text(backlog, encoding="utf-8")
    (tmp_path / "config.yaml").write_text(configuration, encoding="utf-8")
    prepared = prepare(tmp_path / "config.yaml", tmp_path / "backlog.yaml")

    assert [story.id for story in parse_backlog(backlog, file="backlog.yaml").stories] == ["SHOP-1"]
    assert prepared.unused == ()
    assert prepared.inputs.config.team.wip_limits.in_progress == 3
    assert not prepared.inputs.config.disturbances.enabled


# -- facts ------------------------------------------------------------------------------------------------------------


def test_operations_lists_every_exit_status() -> None:
    section = text_of("docs/operations.md").split("## Exit status")[1].split("\n## ")[0]
    listed = [int(number) for number in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)]

    assert listed == sorted(int(code) for code in ExitCode)


def test_operations_tells_the_default_number_of_agents_nodes() -> None:
    nodes = parse_arguments(["run"]).nodes

    assert "the default is 1 |" in text_of("docs/operations.md")
    assert len(Layout(nodes).names) - 1 == 1


def test_dependencies_lists_what_is_installed_with_its_range() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    wanted = setup["options"]["install_requires"].split() + setup["options.extras_require"]["study"].split()
    page = text_of("docs/dependencies.md")
    for requirement in wanted:
        name, _, bounds = requirement.partition(">=")
        assert f"| {name} | >={bounds} |" in page, requirement
    for requirement in setup["options.extras_require"]["test"].split():
        assert re.split("[>=]", requirement)[0] in page, requirement


def test_every_number_of_the_calibration_has_a_source_as_the_readme_says() -> None:
    text = CALIBRATION.read_text(encoding="utf-8")
    parse_calibration(text)

    assert text.count("value = ") == len(re.findall(r'source = "[^"]+"', text)) > 100


def test_the_architecture_drawing_is_what_its_script_draws() -> None:
    script = "import runpy; print(runpy.run_path('docs/draw_architecture.py')['drawing'](), end='')"
    drawn = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=True).stdout

    assert drawn.decode("utf-8") == text_of("docs/architecture.svg")


# -- changelog, decisions, licence ------------------------------------------------------------------------------------


def test_the_changelog_begins_with_what_is_new() -> None:
    top = text_of("CHANGELOG.md").split("\n## ")[1]
    title, _, body = top.partition("\n")
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")

    assert title == "[Unreleased]" or title.startswith(f"[{setup['metadata']['version']}] - ")
    assert re.findall(r"^### (?:Added|Changed|Deprecated|Removed|Fixed|Security)$", body, re.MULTILINE)
    assert re.findall(r"^- \S", body, re.MULTILINE)


def test_decisions_are_numbered_without_a_gap_and_complete() -> None:
    records = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))

    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    index = text_of("docs/decisions/README.md")
    for path in records:
        text = path.read_text(encoding="utf-8")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"], path.name
        title = text.splitlines()[0].removeprefix(f"# {path.name[:4]}. ")
        assert f"| [{path.name[:4]}]({path.name}) | {title} |" in index


def test_decisions_that_the_code_refers_to_exist() -> None:
    referring = re.compile(r"docs/decisions/(\d{4})")
    named = {
        number
        for package in ("config", "brokers", "inference", "actors")
        for path in (ROOT / package).rglob("*.py")
        for number in referring.findall(path.read_text(encoding="utf-8"))
    }

    assert named
    assert [number for number in sorted(named) if not list((ROOT / "docs/decisions").glob(f"{number}-*.md"))] == []


def test_the_licence_is_whole() -> None:
    licence = text_of("LICENSE")

    assert "Version 2.0, January 2004" in licence
    assert "9. Accepting Warranty or Additional Liability." in licence
    assert "END OF TERMS AND CONDITIONS" in licence
