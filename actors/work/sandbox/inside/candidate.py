"""The candidate's side of a judgement: take one call at a time, answer with plain data. It knows no expected value.

The code under test runs in this process and may change anything in it, this module too. That gains nothing: all it can
do is to answer something, and the answer is parsed and compared in the judge's process.
"""

from __future__ import annotations

import importlib
import os
import resource
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from actors.work.sandbox.plain import is_plain
from actors.work.sandbox.wire import HEADER_BYTES, frame

CHANNEL = 3  # the one descriptor besides the three standard ones
_read, _write = os.read, os.write  # kept, so that code that replaces os.read only misleads itself


def take() -> bytes:
    """Wait for the body of the next message; ends the process when the judge is gone."""
    head = _exactly(HEADER_BYTES)
    return _exactly(int.from_bytes(head, "big"))


def give(message: dict[str, Any]) -> None:
    """Send one message."""
    rest = memoryview(frame(message))
    while rest:
        rest = rest[_write(CHANNEL, rest) :]


def write_files(files: Mapping[str, str], root: str) -> None:
    """Put the files of the project under its root. The judge has checked the paths."""
    made = {root}
    for path, text in files.items():
        folder, _, name = f"{root}/{path}".rpartition("/")
        if folder not in made:
            os.makedirs(folder, exist_ok=True)
            made.add(folder)
        with open(f"{folder}/{name}", "w", encoding="utf-8", newline="") as file:
            file.write(text)


def answer_calls(decode: Callable[[str], Any], cpu_s: float) -> None:
    """Answer calls until the judge is gone."""
    while True:
        call = decode(take().decode())
        allow_cpu(cpu_s)
        answer = _call(call["module"], call["function"], call["arguments"])
        try:
            give({"n": call["n"], **answer})
        except (ValueError, RecursionError, MemoryError):
            give({"n": call["n"], "not_plain": "an answer that JSON cannot say"})


def allow_cpu(cpu_s: float) -> None:
    """Let the kernel end this process when it uses so many more processor seconds (rounded up; the judge is stricter).

    Source: setrlimit(2): SIGXCPU at the soft limit, SIGKILL at the hard one.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime + cpu_s) + 2
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def _call(module_name: str, function_name: str, arguments: list[Any]) -> dict[str, Any]:
    """Make one call and say what came of it."""
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        name = getattr(error, "name", None)
        if isinstance(name, str) and (module_name == name or module_name.startswith(name + ".")):
            return {"missing": "module"}
        return {"broken": _names(error)}
    except BaseException as error:  # noqa: BLE001 - whatever it raises is its answer
        return {"broken": _names(error)}
    function = _function(module, function_name)
    if function is None:
        return {"missing": "function"}
    try:
        value = function(*arguments)
        return {"value": value} if is_plain(value) else {"not_plain": _kind(value)}
    except BaseException as error:  # noqa: BLE001 - as above
        return {"raised": _names(error)}


def _function(module: ModuleType, name: str) -> Callable[..., Any] | None:
    found = getattr(module, name, None)
    return found if callable(found) else None


def _names(error: BaseException) -> list[str]:
    """The class of an error and its bases, by name."""
    return [str(each.__name__) for each in type(error).__mro__ if each is not object]


def _kind(value: object) -> str:
    name = type(value).__name__
    return f"{name} with a part that is not plain" if type(value) in (list, dict) else str(name)


def _exactly(count: int) -> bytes:
    parts = []
    while count:
        part = _read(CHANNEL, count)
        if not part:
            os._exit(0)
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def use_project(root: str, source_root: str) -> None:
    """Let the project be imported, before anything else."""
    os.chdir(root)
    sys.path[:0] = [f"{root}/{source_root}"] if source_root not in ("", ".") else [root]
