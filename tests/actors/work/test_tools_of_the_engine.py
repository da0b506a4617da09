"""The work engine and code that a model wrote: whatever it is, the engine answers and lives on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.work.engine import TANGLED, WorkEngine
from actors.work.messages import MAIN, Author, CommitFiles, Committed, FileText, RunTests
from actors.work.messages import TestsRun as Run
from actors.work.sandbox.sandbox import Sandbox
from actors.work.tool_messages import CommitWork, Finish, ReadFile, RunSomeTests, ToolUsed, UseTool, WriteFile
from actors.work.workspace.errors import UnknownObjectError
from brokers.wire.registry import Message
from inference.engine import RequestError

TEAM = "red"
TEST = "import code_of_ours\n\n\ndef test_it():\n    assert code_of_ours.two() == 2\n"
ADA = Author(name="ada", email="ada@red.example", at_s=1_767_571_200)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkEngine]:
    place = tmp_path_factory.mktemp("work")
    made = WorkEngine({TEAM: place / "repository"}, Sandbox(trust="model"), Sandbox(), place / "worktrees")
    made.start()
    yield made
    made.close()


@pytest.fixture(scope="module")
def base(engine: WorkEngine) -> str:
    """A commit on main: code and its test."""
    return commit(engine, MAIN, {"src/code_of_ours.py": "def two():\n    return 2\n", "tests/test_it.py": TEST})


def commit(engine: WorkEngine, ref: str, files: dict[str, str]) -> str:
    made = engine.answer(
        CommitFiles(
            team=TEAM,
            ref=ref,
            expected="",
            parents=(),
            base="",
            changes=tuple(FileText(path=path, content=text) for path, text in sorted(files.items())),
            message="Begin",
            author=ADA,
        ),
        0,
    )
    assert isinstance(made, Committed)
    return made.commit


def use(engine: WorkEngine, base: str, call: Message, **edits: str) -> ToolUsed:
    changed = tuple(FileText(path=f"src/{name}.py", content=text) for name, text in sorted(edits.items()))
    used = engine.answer(UseTool(team=TEAM, base=base, edits=changed, kept=("README.md",), call=call), 0)
    assert isinstance(used, ToolUsed)
    return used


def test_tests_run_on_what_is_not_committed_yet(engine: WorkEngine, base: str) -> None:
    green = use(engine, base, RunSomeTests())
    red = use(engine, base, RunSomeTests(), code_of_ours="def two():\n    return 3\n")

    assert green.text == "1 tests, 0 not green"
    assert red.text.startswith("1 tests, 1 not green\nFAILED tests/test_it.py::test_it: ")
    assert red.edits == (FileText(path="src/code_of_ours.py", content="def two():\n    return 3\n"),)


def test_using_a_tool_makes_no_object_and_moves_no_branch(engine: WorkEngine, base: str, tmp_path: Path) -> None:
    repository = engine._repository(TEAM)
    before = sorted(repository.git.git_dir.glob("objects/??/*")), repository.refs()
    use(engine, base, WriteFile(path="src/more.py", text="MORE = 1\n"))
    use(engine, base, RunSomeTests(), more="MORE = 1\n")

    assert (sorted(repository.git.git_dir.glob("objects/??/*")), repository.refs()) == before


@pytest.mark.parametrize("call", [CommitWork(message="x"), Finish(summary="x"), ADA])
def test_what_is_no_use_of_a_tool_is_no_request(engine: WorkEngine, base: str, call: Message) -> None:
    with pytest.raises(RequestError, match="no use of a tool"):
        use(engine, base, call)


def test_a_base_that_is_not_there_is_a_fault_and_no_answer(engine: WorkEngine) -> None:
    with pytest.raises(UnknownObjectError):
        use(engine, "0" * 40, ReadFile(path="README.md"))


@pytest.mark.parametrize(
    "text",
    ["def broken(:\n", "x = " + "(" * 5_000 + ")" * 5_000, "x = " + "-" * 50_000 + "1"],
    ids=["syntax", "brackets", "signs"],
)
def test_a_file_that_nobody_can_parse_is_too_tangled_for_every_gate(text: str, engine: WorkEngine) -> None:
    ref = f"refs/heads/feat/ada/S-{len(text)}"
    tree = commit(engine, ref, {"src/odd.py": text, "tests/test_it.py": "def test_it():\n    pass\n"})
    run = engine.answer(
        RunTests(team=TEAM, tree=tree, tests=(), cover=("src/odd.py",), hash_seed=0, clock_s=0, order_seed=0), 0
    )

    assert isinstance(run, Run)
    assert [one.complexity for one in run.coverage] == [TANGLED]
