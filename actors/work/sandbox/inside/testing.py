"""Runs the visible tests of a project with pytest, in a candidate, and tells the judge what came of each.

The code under test shares the process with pytest, so its word about these tests is worth what the code is worth; what
counts for acceptance is judged by calls (see `candidate`). What is cheap to notice is noticed: a changed pytest, an
early end, words that are not ours.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import json
import os
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from hashlib import blake2b
from types import FunctionType, ModuleType
from typing import Any

from actors.work.sandbox.inside import candidate
from actors.work.sandbox.inside.clock import set_clock

NOT_TO_LOAD = ("coverage.__main__", "coverage.fullcoverage", "_pytest.__main__")
MOST_LETTERS = 400
Outcome = dict[str, Any]


class LibraryFinder:
    """Finds pytest, coverage.py and what they need, and nothing else of the folders they are installed in."""

    def __init__(self, libraries: Mapping[str, str]) -> None:
        self._libraries = dict(libraries)

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: object = None) -> Any:
        folder = self._libraries.get(name)
        return None if folder is None else importlib.machinery.PathFinder.find_spec(name, [folder])


def load(libraries: Mapping[str, str], base: str) -> Callable[[str, dict[str, Any], dict[str, Any]], None]:
    """Import pytest and coverage.py whole, so that no run pays for it.

    Args:
        libraries: Folder of each top-level package.
        base: A folder of ours to rehearse in.
    """
    sys.meta_path.append(LibraryFinder(libraries))
    for name in ("_pytest", "pluggy", "coverage"):
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if module.name not in NOT_TO_LOAD:
                importlib.import_module(module.name)
    importlib.import_module("pytest")
    _rehearse(base)
    modules = [module for name, module in sorted(sys.modules.items()) if _top(name) in ("_pytest", "pluggy")]
    return lambda root, task, limits: run_tests(root, task, limits, modules)


def _rehearse(base: str) -> None:
    """Measure one line, so that coverage.py has compiled its patterns before any run."""
    import coverage

    folder = f"{base}/rehearsal"
    os.makedirs(folder)
    with open(f"{folder}/one.py", "w", encoding="utf-8") as file:
        file.write("def one():\n    if 1:\n        return 1\n")
    measured = coverage.Coverage(data_file=None, branch=True, source=[folder], config_file=False, messages=False)
    measured.start()
    measured.stop()
    measured.json_report(outfile=f"{folder}/one.json")


class Seal:
    """Remembers the functions of some modules and notices when one of them was replaced."""

    def __init__(self, modules: Sequence[ModuleType]) -> None:
        self._parts: list[tuple[Any, str, Any, Any]] = []
        for module in modules:
            self._remember(module, module.__name__)
            for each in list(vars(module).values()):
                if isinstance(each, type) and each.__module__ == module.__name__:
                    self._remember(each, module.__name__)

    def is_whole(self) -> bool:
        return all(vars(owner).get(name) is part and _code(part) is code for owner, name, part, code in self._parts)

    def _remember(self, owner: Any, home: str) -> None:
        for name, part in list(vars(owner).items()):
            if isinstance(part, FunctionType | type | staticmethod | classmethod | property):
                self._parts.append((owner, name, part, _code(part)))


class Reporter:
    """A pytest plugin: orders the tests as asked and passes on what came of them."""

    def __init__(self, task: dict[str, Any], modules: Sequence[ModuleType]) -> None:
        self._key, self._order_seed = task["key"], task["order_seed"]
        self._modules = modules
        self._seal = Seal([])
        self._takes_no_plugins = False
        self._is_foreign = task["is_foreign"]
        self._now: Outcome = {}

    def say(self, message: dict[str, Any]) -> None:
        candidate.give({"key": self._key, **message})

    def check_seal(self) -> None:
        """End the run when pytest is no longer what it was when the session began."""
        if not self._seal.is_whole():
            self.end_changed()

    def end_changed(self) -> None:
        """Tell the judge that pytest was tampered with, and end."""
        self.say({"changed": True})
        os._exit(1)

    def pytest_collection(self) -> None:
        self._seal = Seal(self._modules)  # now that pytest's own plugins have changed what they change
        self._takes_no_plugins = self._is_foreign

    def pytest_plugin_registered(self) -> None:
        if self._takes_no_plugins:  # a test file named one, or the code under test got hold of the manager
            self.end_changed()

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        if self._order_seed:
            items.sort(key=lambda item: blake2b(f"{self._order_seed}:{item.nodeid}".encode()).digest())

    def pytest_collection_finish(self, session: Any) -> None:
        self.check_seal()
        self.say({"collected": [item.nodeid for item in session.items]})

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed or (report.skipped and report.nodeid):
            outcome = "error" if report.failed else "skipped"
            self.say({"uncollected": report.nodeid, "outcome": outcome, "detail": _detail(report)})

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._now = {"outcome": "passed", "detail": ""}
        self.say({"begun": nodeid})

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.outcome == "failed":
            outcome = "failed" if report.when == "call" else "error"
        elif report.outcome == "skipped":
            outcome = "skipped"
        else:
            return
        if self._now["outcome"] in ("passed", "skipped"):
            self._now = {"outcome": outcome, "detail": _detail(report)}

    def pytest_sessionfinish(self) -> None:
        self.check_seal()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        if self._is_foreign:  # our own code is looked at once, at the end: a check costs as much as a test
            self.check_seal()
        self.say({"ended": nodeid, **self._now})


def run_tests(root: str, task: dict[str, Any], limits: dict[str, Any], modules: list[ModuleType]) -> None:
    """Run the tests and tell the judge; the last message says that the run is complete."""
    import pytest

    sys.path.insert(1, root)
    candidate.allow_cpu(limits["tests_cpu_s"])
    if task["clock_s"]:
        set_clock(task["clock_s"])
    reporter = Reporter(task, modules)
    options = ["-q", "-s", "--tb=short", "--import-mode=importlib", "--rootdir", root, "-p", "no:cacheprovider"]
    if task["is_foreign"]:
        options += ["-c", "/dev/null", "--noconftest"]
    options += [f"{root}/{test}" for test in task["tests"]] or [root]
    tracing = _tracing(root, task) if task["cover"] else None
    code = pytest.main(options, plugins=[reporter] if tracing is None else [reporter, tracing])
    covered = None
    if tracing is not None:
        measured, unseen = tracing.end()
        covered = _covered(measured, unseen, root)
    reporter.say({"done": int(code), "coverage": covered})


class Tracing:
    """Measures a whole session with coverage.py: the way for code that might do anything at any time."""

    def __init__(self, measured: Any) -> None:
        self._measured = measured
        measured.start()

    def end(self) -> tuple[Any, Sequence[str]]:
        """Stop; return what was measured. coverage.py itself leaves out what no test has imported."""
        self._measured.stop()
        return self._measured, ()


class TestTracing:
    """A pytest plugin that measures imports and tests, and nothing of pytest itself, which takes a third less time.

    What is measured is imported once before pytest begins, and forgotten, so that tests import it as if for the first
    time. Not for foreign code: it must not run so early.
    """

    __test__ = False

    def __init__(self, measured: Any, root: str, modules: Mapping[str, str]) -> None:
        """`modules`: the path of each module to measure."""
        self._measured, self._modules = measured, modules
        with self._on():
            for name in modules:
                with suppress(BaseException):  # a test that imports it will fail and say why
                    importlib.import_module(name)
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", "")).startswith(f"{root}/"):
                del sys.modules[name]
        for phase in ("setup", "call", "teardown"):
            setattr(self, f"pytest_runtest_{phase}", self._wrapper())

    def end(self) -> tuple[Any, Sequence[str]]:
        """Return what was measured, and the paths of it that no test has imported."""
        return self._measured, [path for name, path in self._modules.items() if name not in sys.modules]

    @contextmanager
    def _on(self) -> Iterator[None]:
        self._measured.start()
        try:
            yield
        finally:
            self._measured.stop()

    def _wrapper(self) -> Any:
        import pytest

        @pytest.hookimpl(wrapper=True)
        def measured() -> Any:
            with self._on():
                return (yield)

        return measured


def _tracing(root: str, task: dict[str, Any]) -> Tracing | TestTracing:
    """Begin to measure lines and branches of what the task names."""
    import coverage

    places = [f"{root}/{path}" for path in task["cover"]]
    is_files = all(path.endswith(".py") for path in places)  # a few files are traced and reported much quicker
    measured = coverage.Coverage(
        data_file=None,
        branch=True,
        config_file=False,
        messages=False,
        include=places if is_files else None,
        source=None if is_files else places,
    )
    if task["is_foreign"] or not is_files:
        return Tracing(measured)
    inside = f"{task['source_root']}/"
    modules = {}
    for path in task["cover"]:
        if path.startswith(inside):
            name = path.removeprefix(inside).removesuffix(".py").removesuffix("/__init__")
            modules[name.replace("/", ".")] = path
    return TestTracing(measured, root, modules)


def _covered(measured: Any, unseen: Sequence[str], root: str) -> list[dict[str, Any]]:
    """What coverage.py found, one entry a file, sorted by path; without files that no test has seen."""
    from coverage.exceptions import NoDataError

    path = f"{root}/../tmp/coverage.json"
    try:
        measured.json_report(outfile=path, ignore_errors=True)
    except NoDataError:
        return []
    with open(path, encoding="utf-8") as file:
        files = json.load(file)["files"]
    paths = {name: os.path.relpath(os.path.join(root, name), root) for name in files}
    return [
        {
            "path": paths[name],
            "lines": found["summary"]["num_statements"],
            "lines_hit": found["summary"]["covered_lines"],
            "branches": found["summary"]["num_branches"],
            "branches_hit": found["summary"]["covered_branches"],
            "missing": found["missing_lines"],
        }
        for name, found in sorted(files.items())
        if paths[name] not in unseen
    ]


def _detail(report: Any) -> str:
    """The first line of what went wrong."""
    problem = report.longrepr
    crash = getattr(problem, "reprcrash", None)
    if crash is not None:
        text = str(crash.message)
    elif isinstance(problem, tuple):
        text = str(problem[2])
    else:
        lines = [line[1:].strip() for line in str(problem).splitlines() if line.startswith("E ")]
        text = lines[0] if lines else str(problem)
    return text.partition("\n")[0][:MOST_LETTERS]


def _top(name: str) -> str:
    return name.partition(".")[0]


def _code(part: object) -> object:
    return getattr(getattr(part, "__func__", part), "__code__", None)
