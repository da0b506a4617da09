from __future__ import annotations

import pytest

from actors.work.sandbox.errors import BadRequestError
from actors.work.sandbox.limits import Limits
from actors.work.sandbox.sandbox import Sandbox
from actors.work.sandbox.verdicts import FileCoverage, TestRun, TestVerdict
from tests.actors.work.sandbox.projects import BOTH, project

SOURCE = """
def rate(n):
    if n > 100:
        return 0
    return n
"""
TEST = "tests/test_it.py"
LIMITS = Limits(tests_cpu_s=2, asleep_s=1)


@pytest.fixture(scope="module", params=BOTH)
def sandbox(request: pytest.FixtureRequest):  # type: ignore[no-untyped-def]
    with Sandbox(trust=request.param, limits=LIMITS) as made:
        yield made


def files(tests: str, source: str = SOURCE, **others: str) -> dict[str, str]:
    return {**project(source), TEST: tests, **others}


def outcomes(run: TestRun) -> dict[str, str]:
    return {test.test.removeprefix(f"{TEST}::"): test.outcome for test in run.tests}


def test_every_outcome_of_a_test_is_told_with_its_first_line(sandbox: Sandbox) -> None:
    run = sandbox.run_tests(
        files("""
import pytest
from product.it import rate

@pytest.fixture
def broken(): raise KeyError("no")

def test_passes(): assert rate(1) == 1
def test_fails(): assert rate(2) == object()
def test_says(): assert False, "a sentence"
def test_setup(broken): pass
@pytest.mark.skip(reason="later")
def test_skipped(): pass
@pytest.mark.xfail
def test_expected(): assert False
@pytest.mark.parametrize("n", [1, 2])
def test_each(n): assert n == 1
""")
    )

    assert run.ended == "completed"
    assert not run.is_green
    assert run.coverage is None
    assert [test.test for test in run.tests] == sorted(test.test for test in run.tests)
    assert outcomes(run) == {
        "test_passes": "passed",
        "test_fails": "failed",
        "test_says": "failed",
        "test_setup": "error",
        "test_skipped": "skipped",
        "test_expected": "skipped",
        "test_each[1]": "passed",
        "test_each[2]": "failed",
    }
    details = {test.test.partition("::")[2]: test.detail for test in run.tests}
    assert details["test_fails"] == "assert 2 == <object object at 0x…>"
    assert details["test_says"] == "AssertionError: a sentence"
    assert details["test_skipped"] == "later"


def test_two_runs_of_one_project_are_equal_in_everything(sandbox: Sandbox) -> None:
    tests = "def test_it(tmp_path):\n    assert not tmp_path, object()\n"

    assert sandbox.run_tests(files(tests), cover="src/product") == sandbox.run_tests(files(tests), cover="src/product")


def test_coverage_counts_lines_and_branches_also_of_files_never_imported(sandbox: Sandbox) -> None:
    run = sandbox.run_tests(
        files(
            "from product.it import rate\ndef test_it(): assert rate(1) == 1\n",
            **{"src/product/unused.py": "x = 1\nif x:\n    x = 2\n"},
        ),
        cover="src/product",
    )

    assert run.is_green
    assert run.coverage == (
        FileCoverage(path="src/product/__init__.py", lines=0, lines_hit=0, branches=0, branches_hit=0, missing=()),
        FileCoverage(path="src/product/it.py", lines=4, lines_hit=3, branches=2, branches_hit=1, missing=(4,)),
        FileCoverage(path="src/product/unused.py", lines=3, lines_hit=0, branches=2, branches_hit=0, missing=(1, 2, 3)),
    )


TESTED = """
import pytest
from product.it import rate, square

@pytest.fixture
def ready():
    assert rate(200) == 0

def setup_module(): square(2)
def test_rate(ready): assert rate(1) == 1
"""
MEASURED = (
    SOURCE
    + """
def square(n):
    return n * n
def never(n):
    return [n for n in range(n)] if n else None
EVERY = 1 if rate(1) else 2
"""
)


def test_coverage_of_named_files_counts_imports_fixtures_and_tests(sandbox: Sandbox) -> None:
    run = sandbox.run_tests(files(TESTED, MEASURED), cover=["src/product/it.py"])

    assert run.is_green
    assert run.coverage == (
        FileCoverage(path="src/product/it.py", lines=9, lines_hit=8, branches=2, branches_hit=2, missing=(10,)),
    )


def test_coverage_of_named_files_leaves_out_what_no_test_has_imported(sandbox: Sandbox) -> None:
    others = {"src/product/unused.py": "def a():\n    return 1\n", "src/product/broken.py": "import absent\n"}
    tests = "from product.it import rate\ndef test_it(): assert rate(1) == 1\n"

    run = sandbox.run_tests(files(tests, **others), cover=["src/product/it.py", *others])

    assert run.is_green
    assert [one.path for one in run.coverage or ()] == ["src/product/it.py"]


def test_tests_import_a_measured_module_as_if_for_the_first_time(sandbox: Sandbox) -> None:
    source = "seen = []\ndef add(n):\n    seen.append(n)\n    return seen\nadd(0)\n"
    tests = "from product.it import add\ndef test_it(): assert add(1) == [0, 1]\n"

    run = sandbox.run_tests(files(tests, source), cover=["src/product/it.py"])

    assert run.is_green
    assert [(one.lines, one.lines_hit) for one in run.coverage or ()] == [(5, 5)]


def test_only_the_named_tests_run(sandbox: Sandbox) -> None:
    tests = "def test_a(): pass\ndef test_b(): assert 0\n"

    run = sandbox.run_tests(files(tests), tests=[f"{TEST}::test_a"])

    assert run.is_green
    assert outcomes(run) == {"test_a": "passed"}


def test_a_test_that_is_not_there_is_an_error_of_its_name(sandbox: Sandbox) -> None:
    run = sandbox.run_tests(files("def test_a(): pass\n"), tests=[f"{TEST}::test_b", "tests/absent.py"])

    assert run.ended == "collection_error"
    assert outcomes(run) == {"test_b": "error", "tests/absent.py": "error"}


def test_no_tests_at_all_is_not_green(sandbox: Sandbox) -> None:
    run = sandbox.run_tests(files("x = 1\n"))

    assert (run.ended, run.tests, run.is_green) == ("completed", (), False)


def test_a_file_that_cannot_be_collected_is_an_error_and_the_rest_does_not_run(sandbox: Sandbox) -> None:
    run = sandbox.run_tests(files("import absent\n", **{"tests/test_b.py": "def test_b(): pass\n"}))

    assert run == TestRun(
        tests=(
            TestVerdict(test="tests/test_b.py::test_b", outcome="not_run"),
            TestVerdict(test=TEST, outcome="error", detail="ModuleNotFoundError: No module named 'absent'"),
        ),
        ended="collection_error",
    )


@pytest.mark.parametrize(
    ("body", "ended"),
    [
        ("import os; os._exit(0)", "crashed"),
        ("import os; os.abort()", "crashed"),
        ("\n    while True: pass", "cpu_limit"),
        ("import time; time.sleep(1e6)", "blocked"),
    ],
)
def test_a_run_that_is_cut_short_blames_the_open_test_and_tells_what_ran(
    sandbox: Sandbox, body: str, ended: str
) -> None:
    run = sandbox.run_tests(
        files(f"def test_a(): pass\ndef test_b(): {body}\ndef test_c(): pass\n"), cover="src/product"
    )

    assert run.ended == ended
    assert outcomes(run) == {"test_a": "passed", "test_b": "error", "test_c": "not_run"}
    assert run.coverage is None


def test_a_hash_seed_gives_the_hashes_of_that_seed(sandbox: Sandbox) -> None:
    tests = "def test_it(): assert False, str(hash('a'))\n"
    seen = [sandbox.run_tests(files(tests), hash_seed=seed).tests[0].detail for seed in (0, 5, 7, 0, 5)]

    assert seen[0] == seen[3]
    assert seen[1] == seen[4]
    assert len(set(seen)) == 3


def test_a_set_clock_starts_where_it_was_set_for_every_way_to_read_it(sandbox: Sandbox) -> None:
    tests = """
import calendar, datetime, time
from datetime import datetime as moment, timezone
from zoneinfo import ZoneInfo

def test_it():
    start = 1_700_000_000
    readings = [
        time.time(), time.time_ns() / 1e9, moment.now().timestamp(), moment.now(timezone.utc).timestamp(),
        moment.utcnow().replace(tzinfo=timezone.utc).timestamp(), calendar.timegm(time.gmtime()),
        time.mktime(time.localtime()), moment.now(ZoneInfo("Europe/Vienna")).timestamp(),
    ]
    assert all(start <= reading < start + 1 for reading in readings), readings
    assert datetime.date.today().isoformat() == "2023-11-14"
    assert time.strftime("%Y-%m-%d") == "2023-11-14"
"""
    run = sandbox.run_tests(files(tests), clock_s=1_700_000_000)

    assert run.is_green, run


def test_a_set_clock_reads_the_same_in_every_run(sandbox: Sandbox) -> None:
    tests = "import time\ndef test_it(): assert False, [time.time() for _ in range(3)]\n"

    details = {sandbox.run_tests(files(tests), clock_s=1000).tests[0].detail for _ in range(3)}

    assert details == {"AssertionError: [1000.0, 1000.001, 1000.002]"}


def test_an_order_seed_shuffles_and_the_same_seed_shuffles_alike(sandbox: Sandbox) -> None:
    names = "abcdef"
    tests = "seen = []\n" + "".join(f"def test_{name}():\n    seen.append('{name}')\n" for name in names)
    tests += "def test_z():\n    assert False, ''.join(seen)\n"

    def order(seed: int) -> str:
        return sandbox.run_tests(files(tests), order_seed=seed).tests[-1].detail

    assert order(0) == f"AssertionError: {names}"
    assert order(3) == order(3)
    assert len({order(seed) for seed in range(5)}) > 2


def test_names_that_are_options_or_leave_the_project_are_refused(sandbox: Sandbox) -> None:
    for name in ("-p evil", "/etc/passwd", "../x.py", ""):
        with pytest.raises(BadRequestError):
            sandbox.run_tests(files(""), tests=[name])


def test_our_own_project_may_configure_pytest_and_foreign_code_may_not() -> None:
    marked = files("def test_it(): assert 0\n", **{"pytest.ini": "[pytest]\naddopts = -k nothing\n"})
    with Sandbox() as trusted:
        assert trusted.run_tests(marked).tests == ()


def test_a_run_that_ends_before_any_test_says_so(sandbox: Sandbox) -> None:
    run = sandbox.run_tests(files("import os\nos._exit(0)\n"))

    assert run == TestRun(
        tests=(TestVerdict(test="(collection)", outcome="error", detail="the process ended during the call"),),
        ended="crashed",
    )


def test_a_long_word_about_a_test_is_cut(sandbox: Sandbox) -> None:
    run = sandbox.run_tests(files("def test_it(): raise ValueError('x' * 100_000)\n"))

    assert run.ended == "completed"
    assert run.tests[0].detail == "ValueError: " + "x" * 188
