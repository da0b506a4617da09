from __future__ import annotations

import os
import resource
import select
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from actors.work.sandbox.errors import BadRequestError, InfrastructureError
from actors.work.sandbox.limits import MIB, Limits
from actors.work.sandbox.plain import Case
from actors.work.sandbox.sandbox import Sandbox, Trust
from actors.work.sandbox.verdicts import CaseVerdict
from actors.work.sandbox.watching import descendants
from tests.actors.work.sandbox.projects import BOTH, case, project

REPOSITORY = Path(__file__).resolve().parents[4]

SOURCE = """
import os, sys, time
from product import other
calls = 0
def add(a, b): return a + b
def counted():
    global calls
    calls += 1
    return calls
def helper(n): return other.twice(n)
class Odd(ValueError): pass
def odd(): raise Odd("0x7f00 /secret/path")
def key(): return {}["x"]
def pair(): return 1, 2
def nested(): return {"a": [1, {2}]}
def keys(): return {1: 2}
def hang():
    while True: pass
def die(): os._exit(0)
def bye(): sys.exit(0)
def hoard():
    whole = []
    while True: whole.append(bytearray(1 << 24))
def sleep(): time.sleep(1e6)
def crash(): os.abort()
value = 3
"""
OTHER = {"src/product/other.py": "def twice(n):\n    return 2 * n\n"}
SMALL = Limits(cpu_s=0.3, asleep_s=0.5, memory_bytes=256 * MIB)


def outcomes(verdicts: tuple[CaseVerdict, ...]) -> dict[str, str]:
    return {verdict.case_id: verdict.outcome for verdict in verdicts}


@pytest.fixture(scope="module", params=BOTH)
def sandbox(request: pytest.FixtureRequest):  # type: ignore[no-untyped-def]
    with Sandbox(trust=request.param, limits=SMALL) as made:
        yield made


def test_every_way_to_answer_has_its_verdict(sandbox: Sandbox) -> None:
    cases = [
        case("add", 1, 2, result=3),
        case("add", 1, 2, result=3.0, case_id="another type"),
        case("add", 1, 0, result=True, case_id="a number for a truth"),
        case("add", 1, 2, error="ValueError", case_id="a value for an error"),
        case("helper", 4, result=8),
        case("odd", error="Odd"),
        case("odd", error="ValueError", case_id="a subclass"),
        case("odd", error="KeyError", case_id="another error"),
        case("key", result=1),
        case("pair", result=[1, 2]),
        case("nested"),
        case("keys"),
        case("value", result=3),
        case("bye", case_id="sys.exit"),
        Case(case_id="no module", module="product.absent", function="f", arguments=()),
        case("add", "a", case_id="a call that does not fit"),
    ]

    assert outcomes(sandbox.judge(project(SOURCE, **OTHER), cases)) == {
        "add": "passed",
        "another type": "wrong_value",
        "a number for a truth": "wrong_value",
        "a value for an error": "wrong_value",
        "helper": "passed",
        "odd": "passed",
        "a subclass": "passed",
        "another error": "wrong_error",
        "key": "raised",
        "pair": "not_plain",
        "nested": "not_plain",
        "keys": "not_plain",
        "value": "missing",
        "sys.exit": "raised",
        "no module": "missing",
        "a call that does not fit": "raised",
    }


def test_a_candidate_that_ends_is_started_again_for_the_other_cases(sandbox: Sandbox) -> None:
    cases = [
        case("add", 1, 1, result=2),
        case("die"),
        case("hang"),
        case("sleep"),
        case("hoard"),
        case("crash"),
        case("add", 2, 2, result=4, case_id="last"),
    ]

    assert outcomes(sandbox.judge(project(SOURCE, **OTHER), cases)) == {
        "add": "passed",
        "die": "crashed",
        "hang": "cpu_limit",
        "sleep": "blocked",
        "hoard": "memory_limit",
        "crash": "crashed",
        "last": "passed",
    }


def test_after_too_many_ends_the_rest_is_refused() -> None:
    with Sandbox(limits=Limits(restarts=1)) as sandbox:
        cases = [case("die", case_id=str(number)) for number in range(3)]

        assert list(outcomes(sandbox.judge(project(SOURCE, **OTHER), cases)).values()) == [
            "crashed",
            "crashed",
            "refused",
        ]


def test_judging_twice_gives_the_same_verdicts_and_starts_from_fresh_modules(sandbox: Sandbox) -> None:
    cases = [case("counted", result=1), case("counted", result=2, case_id="again"), case("odd"), case("crash")]
    files = project(SOURCE, **OTHER)

    first = sandbox.judge(files, cases)

    assert first == sandbox.judge(files, cases)
    assert [verdict.outcome for verdict in first[:2]] == ["passed", "passed"]


def test_details_hold_no_words_of_the_candidate_but_names(sandbox: Sandbox) -> None:
    (verdict,) = sandbox.judge(project(SOURCE, **OTHER), [case("odd")])

    assert verdict == CaseVerdict(case_id="odd", outcome="raised", detail="Odd")


def test_an_error_while_importing_is_no_expected_error(sandbox: Sandbox) -> None:
    cases = [case("f", error="ValueError"), case("f", error="SyntaxError", case_id="syntax")]

    assert sandbox.judge(project("raise ValueError"), cases[:1])[0].outcome == "raised"
    assert sandbox.judge(project("def f(:"), cases[1:])[0].outcome == "raised"


def test_the_candidate_sees_one_call_at_a_time_and_nothing_of_the_host(sandbox: Sandbox) -> None:
    source = """
import os, sys
def environment(): return sorted(os.environ)
def zone(): return [os.environ["TZ"], os.environ["PYTHONHASHSEED"], str(hash("a"))]
def ours(): return sorted(name for name in sys.modules if name.startswith(("actors", "config", "pytest", "rich")))
def path(): return [folder for folder in sys.path if "site-packages" in folder or folder.endswith("main")]
def files():
    return sorted(os.path.join(folder, name) for folder, _, names in os.walk(".") for name in names)
"""
    cases = [
        case("environment", result=["COLUMNS", "HOME", "LANG", "LC_ALL", "PATH", "PYTHONHASHSEED", "TMPDIR", "TZ"]),
        case("zone", result=["UTC", "0", "4644417185603328019"]),
        case("ours", result=[]),
        case("path", result=[]),
        case("files", result=["./src/product/__init__.py", "./src/product/it.py"]),
    ]

    assert [verdict.outcome for verdict in sandbox.judge(project(source), cases)] == ["passed"] * 5


def test_what_one_candidate_writes_the_next_does_not_find(sandbox: Sandbox) -> None:
    source = """
import os
import resource
def leave():
    was = os.path.exists("left.txt")
    open("left.txt", "w").write("x")
    return was
"""
    for _ in range(2):
        assert sandbox.judge(project(source), [case("leave", result=False)])[0].outcome == "passed"


def test_large_plain_answers_come_through_and_too_large_ones_do_not(sandbox: Sandbox) -> None:
    source = "def text(n):\n    return 'x' * n\n"
    cases = [case("text", 3 << 20, result="x" * (3 << 20)), case("text", 5 << 20, result="", case_id="too large")]

    assert outcomes(sandbox.judge(project(source), cases)) == {"text": "passed", "too large": "not_plain"}


@pytest.mark.parametrize("path", ["/etc/x", "../x", "a/../../x", "", "a//b", "./a", "a\0b"])
def test_a_path_outside_the_project_is_refused(path: str) -> None:
    with Sandbox() as sandbox, pytest.raises(BadRequestError):
        sandbox.judge({path: ""}, [])


def test_cases_that_cannot_be_asked_are_refused() -> None:
    with Sandbox() as sandbox:
        with pytest.raises(BadRequestError):
            sandbox.judge({}, [case("f", (1,))])  # type: ignore[arg-type]
        with pytest.raises(BadRequestError):
            sandbox.judge({}, [case("f"), case("f")])


def test_a_runnable_candidate_that_gets_no_time_is_repeated_and_then_blamed_on_the_machine() -> None:
    limits = Limits(cpu_s=100, patience_s=0.1, repeats=2)
    with Sandbox(limits=limits) as sandbox:
        with pytest.raises(InfrastructureError, match="2 attempts"):
            sandbox.judge(project(SOURCE, **OTHER), [case("hang")])

        assert sandbox.judge(project("def f(): return 1"), [case("f", result=1)])[0].outcome == "passed"


@pytest.mark.parametrize("trust", BOTH)
def test_two_sandboxes_work_side_by_side(trust: Trust) -> None:
    source = "def double(n):\n    return 2 * n\n"

    def work(start: int) -> list[str]:
        with Sandbox(trust=trust) as sandbox:
            return [
                sandbox.judge(project(source), [case("double", n, result=2 * n)])[0].outcome
                for n in range(start, start + 10)
            ]

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, (0, 100))) == [["passed"] * 10] * 2


@pytest.mark.parametrize("trust", BOTH)
def test_closing_leaves_no_process(trust: Trust) -> None:
    before = descendants(os.getpid())
    with Sandbox(trust=trust, limits=SMALL) as sandbox:
        sandbox.judge(project(SOURCE, **OTHER), [case("hang")])
        assert len(descendants(os.getpid())) > len(before)

    assert descendants(os.getpid()) == before


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from actors.work.sandbox.sandbox import Sandbox
from actors.work.sandbox.watching import descendants
from tests.actors.work.sandbox.projects import case, project
sandbox = Sandbox(trust=sys.argv[2])
sandbox.judge(project("def f(): return 1"), [case("f", result=1)])
print(*descendants(os.getpid()), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("trust", BOTH)
def test_a_killed_judge_takes_its_interpreters_along(trust: Trust) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(REPOSITORY), trust], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr

    for pid in map(int, done.stdout.split()):
        _wait_until_gone(pid)


def _wait_until_gone(pid: int) -> None:
    """Block until a process of somebody else has ended; the timeout of the test is the safety net."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([handle], [], [], 30)[0]
    finally:
        os.close(handle)


def test_a_judge_with_very_many_open_files_still_judges() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 1300:
        pytest.skip("this host does not allow 1,300 open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1300), hard))
    with ExitStack() as stack:
        for _ in range(1100):
            stack.enter_context(open(os.devnull, "rb"))
        sandbox = stack.enter_context(Sandbox())

        assert sandbox.judge(project("def f(): return 1"), [case("f", result=1)])[0].outcome == "passed"
        assert sandbox.run_tests(project("", **{"tests/test_it.py": "def test_it(): pass\n"})).is_green
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
