"""Commands that need more than the base installation say so in one line, before anything of it is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HIDE = """
import sys
from importlib.machinery import PathFinder

_found = PathFinder.find_spec
PathFinder.find_spec = lambda name, *rest: None if name in {hidden} else _found(name, *rest)
sys.argv = {argv}
import runpy
runpy.run_module({argv}[0], run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    ("argv", "lacked", "remedy"),
    [
        (["inference", "serve"], "fastapi", "requirements/serve.txt"),
        (["training.house", "train"], "torch", "requirements/cpu.lock.txt"),
        (["training.house", "judge-run", "nowhere"], "jinja2", "requirements/cpu.lock.txt"),
        (["tests.qualification.qualify", "--model", "m", "--role", "developer"], "httpx", "requirements/llm.txt"),
    ],
)
def test_what_a_command_lacks_is_named_with_how_to_get_it(argv: list[str], lacked: str, remedy: str) -> None:
    code = HIDE.format(hidden=repr({lacked}), argv=repr(argv))
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert f"needs {lacked}, not installed here" in done.stderr
    assert remedy in done.stderr
