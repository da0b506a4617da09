from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from actors.work.messages import FileText
from actors.work.messages import TestResult as Failure
from actors.work.messages import TestsRun as Run
from actors.work.tool_messages import (
    CommitWork,
    ListFiles,
    ReadFile,
    ReplaceText,
    RunSomeTests,
    SearchText,
    ShowDiff,
    ShowStatus,
    ToolUsed,
    WriteFile,
)
from actors.work.tools.errors import UnknownToolError
from actors.work.tools.limits import ToolLimits
from actors.work.tools.using import Desk
from brokers.wire.registry import Message

RATES = "def rate(n):\n    return n * 2\n\n\ndef double(n):\n    return n * 2\n"
COMMITTED = {"README.md": "# Us\n", "src/product/api/rates.py": RATES, "tests/api/test_rates.py": "import product\n"}
GREEN = Run(ended="completed", count=3, failing=(), coverage=())
SMALL = ToolLimits(names=2, hits=2, line_chars=8, answer_chars=40, file_bytes=20, total_bytes=30, files=2, test_paths=1)


def desk(*edits: tuple[str, str], kept: Sequence[str] = (), limits: ToolLimits | None = None) -> Desk:
    given = [FileText(path=path, content=text) for path, text in edits]
    return Desk(COMMITTED, given, kept=kept, limits=limits or ToolLimits())


def use(call: Message, on: Desk | None = None) -> ToolUsed:
    return (on or desk()).use(call, never)


def never(files: Mapping[str, str], tests: Sequence[str]) -> Run:
    raise AssertionError("no tests were asked for")


def write(path: str, text: str) -> WriteFile:
    return WriteFile(path=path, text=text)


def replace(old: str, new: str, path: str = "src/product/api/rates.py") -> ReplaceText:
    return ReplaceText(path=path, old=old, new=new)


# -- looking ----------------------------------------------------------------------------------------------------------


def test_files_are_listed_as_they_are_now_and_by_folder() -> None:
    one = desk(("src/new.py", "x = 1\n"))

    assert use(ListFiles(), one).text.split("\n") == [*sorted([*COMMITTED, "src/new.py"])]
    assert use(ListFiles(folder="src"), one).text == "src/new.py\nsrc/product/api/rates.py"
    assert use(ListFiles(folder="src/"), one) == use(ListFiles(folder="src"), one)
    assert use(ListFiles(folder="sr"), one).is_refused
    assert use(ListFiles(folder="."), one).files == tuple(sorted([*COMMITTED, "src/new.py"]))


def test_a_long_list_of_files_says_that_there_are_more() -> None:
    listed = use(ListFiles(), desk(limits=ToolLimits(names=2)))

    assert listed.text == "README.md\nsrc/product/api/rates.py\n… and 1 more; name a folder"
    assert listed.files == ("README.md", "src/product/api/rates.py")


def test_a_file_is_read_with_the_lines_that_were_asked_for() -> None:
    whole = use(ReadFile(path="src/product/api/rates.py"))
    part = use(ReadFile(path="src/product/api/rates.py", first_line=5, last_line=5))

    assert whole.text == f"src/product/api/rates.py, lines 1 to 6 of 6\n{RATES}"
    assert part.text == "src/product/api/rates.py, lines 5 to 5 of 6\ndef double(n):\n"


@pytest.mark.parametrize(("first", "last"), [(7, 0), (5, 4), (1_000_000, 1_000_000)])
def test_lines_that_do_not_exist_are_refused(first: int, last: int) -> None:
    assert use(ReadFile(path="src/product/api/rates.py", first_line=first, last_line=last)).is_refused


def test_only_a_line_end_makes_a_line() -> None:
    odd = desk(("src/odd.py", "a = '\x0c\u2028\x85'\r\nb = 2"))

    assert use(ReadFile(path="src/odd.py"), odd).text.startswith("src/odd.py, lines 1 to 2 of 2\n")
    assert use(ReadFile(path="src/odd.py", first_line=2), odd).text.endswith("\nb = 2\n")


def test_a_long_file_is_read_piece_by_piece() -> None:
    long = desk(("src/long.py", "".join(f"x = {n}\n" for n in range(9))), limits=ToolLimits(answer_chars=40))
    first = use(ReadFile(path="src/long.py"), long).text
    second = use(ReadFile(path="src/long.py", first_line=6), long).text

    assert first.startswith("src/long.py, lines 1 to 5 of 9; go on wi")
    assert second.startswith("src/long.py, lines 6 to 9 of 9\nx = 5")


def test_an_empty_file_is_said_to_be_empty() -> None:
    assert use(ReadFile(path="src/no.py"), desk(("src/no.py", ""))).text == "src/no.py is empty"


def test_lines_are_found_by_their_very_text_and_never_by_a_pattern() -> None:
    assert use(SearchText(text="return n *")).text == (
        "src/product/api/rates.py:2:     return n * 2\nsrc/product/api/rates.py:6:     return n * 2"
    )
    assert use(SearchText(text="return.*")).text == "no line has this text"
    assert all(use(SearchText(text=text)).is_refused for text in ("", "a\nb", "x" * 201))


def test_a_search_ends_where_its_limit_is_and_cuts_long_lines() -> None:
    found = use(SearchText(text="r"), desk(limits=ToolLimits(hits=2, line_chars=4)))

    assert found.text == (
        "src/product/api/rates.py:1: def \nsrc/product/api/rates.py:2:     \n… there may be more than these 2"
    )


# -- changing ---------------------------------------------------------------------------------------------------------


def test_what_is_written_is_an_edit_and_shows_in_every_tool() -> None:
    one = desk()
    made = use(write("src/product/api/fees.py", "FEE = 3\n"), one)

    assert made.edits == (FileText(path="src/product/api/fees.py", content="FEE = 3\n"),)
    assert use(ReadFile(path="src/product/api/fees.py"), one).text.endswith("FEE = 3\n")
    assert use(ShowStatus(), one).text == "A src/product/api/fees.py\n"
    assert use(ShowDiff(), one).text == (
        "diff --git a/src/product/api/fees.py b/src/product/api/fees.py\n"
        "--- /dev/null\n+++ b/src/product/api/fees.py\n@@ -0,0 +1 @@\n+FEE = 3\n"
    )


def test_text_is_replaced_where_it_is_exactly_once() -> None:
    one = desk()
    made = use(replace("def rate(n):\n    return n * 2", "def rate(n):\n    return n * 3"), one)

    assert made.text == "src/product/api/rates.py: replaced in line 1"
    assert made.edits[0].content == RATES.replace("2", "3", 1)
    assert use(ShowStatus(), one).text == "M src/product/api/rates.py\n"


@pytest.mark.parametrize("old", ["return n * 2", "return n * 4", "", "RETURN"])
def test_text_that_is_not_there_exactly_once_is_not_replaced(old: str) -> None:
    one = desk()

    assert use(replace(old, "x"), one).is_refused
    assert one.edits == ()


def test_matches_that_overlap_are_more_than_one() -> None:
    assert use(replace("aa", "b", path="a.md"), desk(("a.md", "aaa"))).is_refused


def test_what_is_as_it_was_committed_is_no_edit() -> None:
    one = desk()
    use(write("README.md", "# Them\n"), one)
    back = use(write("README.md", "# Us\n"), one)

    assert back.edits == ()
    assert use(ShowDiff(), one).text == "nothing was changed"
    assert use(write("README.md", "# Us\n"), one).is_refused


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../outside.py",
        "src/../../x.py",
        ".git/config",
        "src/.git/hooks/pre-commit",
        ".GIT/config",
        ".gitattributes",
        "src//x.py",
        "",
        "a\\b.py",
        "a\u202eb.py",
        "x" * 300,
    ],
)
def test_a_path_that_no_tree_may_have_is_refused_in_words(path: str) -> None:
    one = desk()

    for call in (write(path, "x"), ReadFile(path=path), replace("a", "b", path=path), RunSomeTests(paths=(path,))):
        assert use(call, one).is_refused
        assert use(call, one).text
    assert one.edits == ()


def test_a_file_never_becomes_a_folder_or_the_other_way_round() -> None:
    assert use(write("src", "x")).is_refused
    assert use(write("README.md/x.py", "x")).is_refused


def test_files_that_are_kept_can_be_read_and_not_changed() -> None:
    one = desk(kept=["tests/api/test_rates.py"])

    assert not use(ReadFile(path="tests/api/test_rates.py"), one).is_refused
    assert use(write("tests/api/test_rates.py", ""), one).is_refused
    assert use(replace("import product", "", path="tests/api/test_rates.py"), one).is_refused


@pytest.mark.parametrize(
    "before",
    [
        [write("a.md", "x" * 21)],
        [write("a.md", "ä" * 11)],  # bytes, not letters
        [write("a.md", "x" * 20), write("b.md", "x" * 11)],
        [write("a.md", "x"), write("b.md", "x"), write("c.md", "x")],
    ],
)
def test_the_last_of_these_is_too_much(before: list[WriteFile]) -> None:
    one = desk(limits=SMALL)
    *fine, last = before

    assert not any(use(call, one).is_refused for call in fine)
    assert use(last, one).is_refused
    assert len(one.edits) == len(fine)


# -- trying -----------------------------------------------------------------------------------------------------------


def test_tests_run_on_the_files_as_they_are_now() -> None:
    seen: list[tuple[str, tuple[str, ...]]] = []

    def run(files: Mapping[str, str], tests: Sequence[str]) -> Run:
        seen.append((files["src/new.py"], tuple(tests)))
        return GREEN

    used = desk(("src/new.py", "x = 1\n")).use(RunSomeTests(paths=("tests/api/test_rates.py::test_a", "tests")), run)

    assert seen == [("x = 1\n", ("tests/api/test_rates.py::test_a", "tests"))]
    assert (used.text, used.is_refused) == ("3 tests, 0 not green", False)


def test_what_is_red_is_named_and_so_is_a_run_that_was_cut_short() -> None:
    red = Run(
        ended="cpu_limit",
        count=2,
        failing=(Failure(test="tests/a.py::test_x", outcome="failed", detail="assert 1 == 2"),),
        coverage=(),
    )

    assert desk().use(RunSomeTests(), lambda files, tests: red).text == (
        "2 tests, 1 not green; the run was cut short: cpu_limit\nFAILED tests/a.py::test_x: assert 1 == 2"
    )


def test_a_file_that_is_called_like_an_option_is_no_test() -> None:
    assert use(RunSomeTests(paths=("-p",)), desk(("-p", ""))).is_refused


@pytest.mark.parametrize("paths", [("tests/none.py",), ("-p", "tests"), ("--co",), ("tests", "src")])
def test_what_names_no_test_is_refused_before_anything_runs(paths: tuple[str, ...]) -> None:
    assert use(RunSomeTests(paths=paths), desk(limits=SMALL)).is_refused


def test_an_answer_is_cut_where_its_limit_is() -> None:
    text = use(ShowDiff(), desk(("a.md", "x" * 99), limits=SMALL)).text

    assert text.startswith("diff --git a/a.md b/a.md\n--- /dev/null\n"[:40])
    assert text.endswith("\n… cut: the answer has 193 characters")


def test_committing_is_no_matter_of_files() -> None:
    with pytest.raises(UnknownToolError, match="CommitWork is no use of a tool"):
        use(CommitWork(message="x"))
