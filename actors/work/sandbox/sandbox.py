"""The one class to use: judge code with hidden cases, or run its visible tests, in processes that can do no harm."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Literal, Self

from actors.work.sandbox.caps import Caps, GroupCaps
from actors.work.sandbox.errors import BadRequestError, ToolMissingError
from actors.work.sandbox.inside.root import TEMPORARY
from actors.work.sandbox.judging import Judge, check_cases
from actors.work.sandbox.layers import Layer, probe, require
from actors.work.sandbox.leftovers import WorkFolder
from actors.work.sandbox.limits import Limits
from actors.work.sandbox.plain import Case
from actors.work.sandbox.test_running import check_tests, run_project
from actors.work.sandbox.verdicts import CaseVerdict, TestRun
from actors.work.sandbox.warm import Warm, Work

Trust = Literal["trusted", "model"]
DEFAULT_LIMITS = Limits()
LIBRARIES = ("pytest", "_pytest", "py", "pluggy", "iniconfig", "packaging", "pygments", "coverage")


class Sandbox:
    """Runs code of one trust level. Its interpreters start when first needed and stay warm until it is closed.

    A sandbox is used by one thread; several sandboxes run side by side, each with interpreters of its own.

    Args:
        trust: "trusted" for code that we wrote (resource limits, process group, time-out); "model" for any other.
        accept_missing: Names of layers (see `layers`) whose absence on this host is accepted for "model".
        limits: What a candidate may use.
        probe: Says which layers this host has.
    Raises:
        LayerMissingError: The host lacks a layer that was not accepted to be missing.
    """

    def __init__(
        self,
        *,
        trust: Trust = "trusted",
        accept_missing: frozenset[str] = frozenset(),
        limits: Limits = DEFAULT_LIMITS,
        probe: Callable[[], tuple[Layer, ...]] = probe,
    ) -> None:
        self._trust, self._limits = trust, limits
        self._layers = require(probe(), accept_missing) if trust == "model" else ()
        self._folder = WorkFolder()
        self._caps = GroupCaps(limits) if trust == "model" else Caps()
        self._warm: dict[tuple[Work, int], Warm] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End every process and remove every folder of this sandbox."""
        for warm in self._warm.values():
            warm.close()
        self._warm.clear()
        self._caps.close()
        self._folder.close()

    def judge(
        self, files: Mapping[str, str], cases: Sequence[Case], *, source_root: str = "src"
    ) -> tuple[CaseVerdict, ...]:
        """Call the code once per case and compare; verdicts come in the order of the cases.

        Args:
            files: Text of every file of the project by its path; nothing else is there.
            cases: Hidden tests. The candidate learns module, function and arguments, one call at a time.
            source_root: Folder from which modules are imported.
        Raises:
            BadRequestError: A path leaves the project, or a case is not plain data.
            InfrastructureError: The machine kept the code from running.
        """
        check_files(files)
        check_cases(cases)
        with self._interpreter("calls", 0) as warm:
            return Judge(warm, files, source_root).judge(cases)

    def run_tests(
        self,
        files: Mapping[str, str],
        *,
        tests: Sequence[str] = (),
        source_root: str = "src",
        cover: str | Sequence[str] = (),
        hash_seed: int = 0,
        clock_s: int = 0,
        order_seed: int = 0,
    ) -> TestRun:
        """Run pytest on the project and say what came of each test.

        Args:
            files: Text of every file of the project by its path.
            tests: Files, folders or node names to run; everything when empty.
            source_root: Folder from which modules are imported; the root of the project is importable too.
            cover: What lines and branches are measured of: a package folder such as "src/product", or source files.
            hash_seed: PYTHONHASHSEED; another than 0 costs the start of an interpreter.
            clock_s: Where the wall clock starts (seconds since 1970); 0 leaves the clock alone.
            order_seed: Shuffles the tests by a keyed order; 0 leaves them in pytest's order.
        Raises:
            BadRequestError: A path leaves the project.
            InfrastructureError: The machine kept the tests from running.
            ToolMissingError: pytest or coverage.py is not installed.
        """
        check_files(files)
        problem = check_tests(tests)
        if problem:
            raise BadRequestError(problem)
        task = {
            "files": dict(files),
            "tests": list(tests),
            "source_root": source_root,
            "cover": [cover] if isinstance(cover, str) and cover else list(cover),
            "clock_s": clock_s,
            "order_seed": order_seed,
            "is_foreign": self._trust == "model",
            "key": os.urandom(16).hex(),  # shows which words are the plugin's own; never part of a result
        }
        with self._interpreter("tests", hash_seed) as warm:
            return run_project(warm, task)

    @contextmanager
    def _interpreter(self, work: Work, hash_seed: int) -> Iterator[Warm]:
        """Lend the warm interpreter for this work, started if need be; one that fails is not used again."""
        key = (work, hash_seed)
        warm = self._warm.get(key) or self._start(work, hash_seed)
        try:
            yield warm
        except BaseException:
            self._warm.pop(key).close()
            raise

    def _start(self, work: Work, hash_seed: int) -> Warm:
        """Start an interpreter; besides hash seed 0 only the last one used stays warm."""
        for other in [each for each in self._warm if each[1] != 0 and hash_seed != 0]:
            self._warm.pop(other).close()
        folder = tempfile.mkdtemp(prefix=f"{work}-", dir=self._folder.path)
        tmp = TEMPORARY if "scratch-tmpfs" in self._layers else f"{folder}/run/tmp"
        settings: dict[str, Any] = {"work": work, "layers": list(self._layers), "base": folder, "tmp": tmp}
        settings["libraries"] = find_libraries() if work == "tests" else {}
        warm = self._warm[work, hash_seed] = Warm(settings, self._limits, self._caps, hash_seed)
        return warm


def check_files(files: Mapping[str, str]) -> None:
    """Refuse files that would not lie inside the project.

    Raises:
        BadRequestError: A path is absolute, climbs, or is no path.
    """
    for path, text in files.items():
        parts = PurePosixPath(path).parts
        if not parts or path != "/".join(parts) or ".." in parts or "\0" in path or path.startswith("/"):
            raise BadRequestError(f"{path!r} is not a path inside the project")
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise BadRequestError(f"{path}: the text cannot be written as UTF-8") from error


def find_libraries() -> dict[str, str]:
    """Return the folder of each library that running tests needs.

    Raises:
        ToolMissingError: One is not installed.
    """
    folders = {}
    for name in LIBRARIES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise ToolMissingError(name)
        is_package = spec.submodule_search_locations is not None
        folders[name] = str(Path(spec.origin).resolve().parents[int(is_package)])
    return folders
