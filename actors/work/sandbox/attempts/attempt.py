"""What an attempt is: foreign code, and what the sandbox must make of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from actors.work.sandbox.plain import Plain

MODULE = "product.attempt"
FUNCTION = "attempt"
TEST_FILE = "tests/test_attempt.py"

# Names that the sources may use. `refused` runs an action and says whether the system let it happen.
PRELUDE = '''
import ctypes, os, signal, socket, sys, time

libc = ctypes.CDLL(None, use_errno=True)


def refused(action):
    """"blocked" when the system refuses an action, "escaped" when it lets it happen."""
    ctypes.set_errno(0)
    try:
        result = action()
    except (OSError, MemoryError, RuntimeError):
        return "blocked"
    if isinstance(result, int) and result < 0:
        number = ctypes.get_errno()
        return "blocked" if number in (1, 13, 38) else f"unclear: error {number}"  # EPERM, EACCES, ENOSYS
    return "escaped"


def syscall(number, *arguments):
    return libc.syscall(number, *arguments)

'''


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt by a call: `attempt(bait)` in `source` is called and must come to one of the expected outcomes."""

    name: str
    source: str
    expected: tuple[str, ...] = ("passed",)
    result: Plain = "blocked"  # what an honest answer says; "passed" means that exactly this came back
    files: dict[str, str] = field(default_factory=dict)  # besides the module
    in_trusted: bool = False  # holds for our own code too, without any layer
    takes: str = "bait"  # "bait" or "nothing"

    def project(self) -> dict[str, str]:
        """The files that the sandbox gets."""
        return {"src/product/__init__.py": "", "src/product/attempt.py": PRELUDE + self.source, **self.files}


@dataclass(frozen=True, slots=True, kw_only=True)
class TestAttempt:
    """One attempt to make failing tests look green. The test must come to `outcome`, the run must not be green."""

    __test__ = False

    name: str
    files: dict[str, str]
    ended: tuple[str, ...] = ("completed",)
    outcome: tuple[str, ...] = ("failed",)

    def project(self) -> dict[str, str]:
        """The files that the sandbox gets: a wrong function with an honest test, and what the attempt adds."""
        return {
            "src/product/__init__.py": "",
            "src/product/attempt.py": "def double(number):\n    return number\n",
            TEST_FILE: "from product.attempt import double\n\n\ndef test_double():\n    assert double(2) == 4\n",
            **self.files,
        }
