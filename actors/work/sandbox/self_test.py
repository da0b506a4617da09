"""The self-test: every attempt runs in a real sandbox, and the host must be afterwards what it was before."""

from __future__ import annotations

import gc
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from actors.work.sandbox.attempts import cheats, files, system, tampering
from actors.work.sandbox.attempts.attempt import FUNCTION, MODULE, TEST_FILE, Attempt, TestAttempt
from actors.work.sandbox.caps import CAPS, find_hierarchy
from actors.work.sandbox.limits import MIB, Limits
from actors.work.sandbox.plain import Case, Plain
from actors.work.sandbox.sandbox import Sandbox, Trust
from actors.work.sandbox.watching import descendants

REPOSITORY = Path(__file__).resolve().parents[3]
LIMITS = Limits(cpu_s=0.5, tests_cpu_s=3, asleep_s=1.5, scratch_bytes=32 * MIB, memory_bytes=256 * MIB, restarts=0)
CALLS: tuple[Attempt, ...] = (*files.ATTEMPTS, *system.ATTEMPTS, *cheats.ATTEMPTS)
TESTS: tuple[TestAttempt, ...] = tampering.ATTEMPTS
MOST_GROWTH_KIB = 32 * 1024  # of the harness's own memory over all attempts
HONEST = {"src/product/__init__.py": "", "src/product/attempt.py": "def attempt(n):\n    return 2 * n\n"}
KEPT = "kept inside"
UNTOUCHED = "nobody else's business"


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one attempt."""

    name: str
    expected: str
    seen: str
    verdict: str  # "blocked", "judged right" or "FAILED"

    @property
    def holds(self) -> bool:
        return self.verdict != "FAILED"


@dataclass(frozen=True, slots=True)
class Host:
    """What attempts could leave behind."""

    processes: int
    mounts: str
    groups: int
    folders: int
    memory_kib: int

    @classmethod
    def now(cls) -> Host:
        gc.collect()
        own = f"scrummage-{os.getpid()}-*"
        return cls(
            processes=len(descendants(os.getpid())),
            mounts=_proc("mounts"),
            groups=sum(1 for folder in _group_folders() for _ in folder.glob(own)),
            folders=sum(1 for _ in Path(tempfile.gettempdir()).glob(own)),
            memory_kib=int((_proc("statm") or "0 0").split()[1]) * _PAGE_KIB,
        )


def _proc(name: str) -> str:
    """What the kernel says about this process; nothing where it does not."""
    try:
        return Path(f"/proc/self/{name}").read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


def run_self_test(trust: Trust, accept_missing: frozenset[str] = frozenset()) -> Iterator[Finding]:
    """Make every attempt of a trust level, one after another, and then look at the host.

    Raises:
        SandboxError: As from Sandbox.
    """
    before = Host.now()
    with set_bait() as bait, Sandbox(trust=trust, accept_missing=accept_missing, limits=LIMITS) as sandbox:
        for attempt in CALLS:
            if trust == "model" or attempt.in_trusted:
                yield make_call(sandbox, attempt, bait)
        for test_attempt in TESTS if trust == "model" else ():
            yield make_test(sandbox, test_attempt)
        yield ask_honest(sandbox)
    yield from compare(before, Host.now())


def make_call(sandbox: Sandbox, attempt: Attempt, bait: Bait) -> Finding:
    """Let one attempt be judged, and look whether it got at the bait."""
    arguments: tuple[Plain, ...] = (bait.words,) if attempt.takes == "bait" else ()
    case = Case(case_id="1", module=MODULE, function=FUNCTION, arguments=arguments, result=attempt.result)
    verdict = sandbox.judge(attempt.project(), [case])[0]
    taken = bait.taken()
    is_kept = attempt.result == "blocked" and verdict.is_passed  # the attempt's own word: the system refused
    seen = ", ".join(each for each in (KEPT if is_kept else verdict.outcome, verdict.detail, taken) if each)
    good = "blocked" if attempt.takes == "bait" else "judged right"
    holds = verdict.outcome in attempt.expected and not taken
    expected = " or ".join(KEPT if each == "passed" else each for each in attempt.expected)
    return Finding(attempt.name, expected, seen, good if holds else "FAILED")


def make_test(sandbox: Sandbox, attempt: TestAttempt) -> Finding:
    """Let one attempt run as tests."""
    run = sandbox.run_tests(attempt.project(), tests=[TEST_FILE])
    outcomes = {test.test: test.outcome for test in run.tests}
    outcome = outcomes.get(f"{TEST_FILE}::test_double", outcomes.get(TEST_FILE, "absent"))
    holds = run.ended in attempt.ended and outcome in attempt.outcome and not run.is_green
    expected = f"{' or '.join(attempt.ended)}, test {' or '.join(attempt.outcome)}"
    return Finding(attempt.name, expected, f"{run.ended}, test {outcome}", "judged right" if holds else "FAILED")


def ask_honest(sandbox: Sandbox) -> Finding:
    """See whether the harness still works: an honest answer passes."""
    case = Case(case_id="1", module=MODULE, function=FUNCTION, arguments=(21,), result=42)
    outcome = sandbox.judge(HONEST, [case])[0].outcome
    return Finding("honest code after all attempts", "passed", outcome, _right(outcome == "passed"))


def compare(before: Host, after: Host) -> Iterator[Finding]:
    """Compare the host with what it was."""
    growth = after.memory_kib - before.memory_kib
    for name, was, now in (
        ("processes below us", before.processes, after.processes),
        ("control groups of ours", before.groups, after.groups),
        ("temporary folders of ours", before.folders, after.folders),
        ("mounts", len(before.mounts.splitlines()), len(after.mounts.splitlines())),
    ):
        yield Finding(f"afterwards: {name}", str(was), str(now), _right(was == now))
    seen = f"grew by {growth // 1024} MiB" if growth > 1024 else "no growth"
    yield Finding(
        "afterwards: memory of the harness",
        f"grows by at most {MOST_GROWTH_KIB // 1024} MiB",
        seen,
        _right(growth <= MOST_GROWTH_KIB),
    )


@dataclass(frozen=True, slots=True)
class Bait:
    """Things of the host that no attempt may touch, and how to see whether one did."""

    words: dict[str, Plain]
    looks: tuple[Callable[[], str], ...]

    def taken(self) -> str:
        """What was touched; nothing when all is well."""
        return " ".join(filter(None, (look() for look in self.looks)))


@contextmanager
def set_bait() -> Iterator[Bait]:
    """Lay out a folder with a secret and listeners of every kind, as another workspace would have them."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"bait-{os.getpid()}-")))
        secret = folder / "secret.txt"
        secret.write_text(UNTOUCHED, encoding="utf-8")
        abstract = f"\0scrummage-bait-{os.getpid()}"
        listeners = {
            "TCP": socket.create_server(("127.0.0.1", 0)),
            "UDP": _bound(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            "Unix": _bound(socket.AF_UNIX, socket.SOCK_STREAM, str(folder / "socket")),
            "abstract": _bound(socket.AF_UNIX, socket.SOCK_STREAM, abstract),
        }
        for listener in listeners.values():
            stack.enter_context(listener)
            listener.setblocking(False)
        words: dict[str, Plain] = {
            "folder": str(folder),
            "secret": str(secret),
            "home": str(Path.home()),
            "repository": str(REPOSITORY),
            "tcp": listeners["TCP"].getsockname()[1],
            "udp": listeners["UDP"].getsockname()[1],
            "unix": str(folder / "socket"),
            "abstract": "\0" + abstract[1:],
            "pid": os.getpid(),
        }
        looks = [_look_at_file(secret), lambda: "wrote into /etc" if Path("/etc/scrummage-was-here").exists() else ""]
        looks += [_look_at_listener(name, listener) for name, listener in listeners.items()]
        yield Bait(words, tuple(looks))


def _bound(family: int, kind: int, address: object) -> socket.socket:
    made = socket.socket(family, kind)
    made.bind(address)  # type: ignore[arg-type]
    if kind == socket.SOCK_STREAM:
        made.listen()
    return made


def _look_at_file(secret: Path) -> Callable[[], str]:
    return lambda: "" if secret.read_text(encoding="utf-8") == UNTOUCHED else "changed the secret"


def _look_at_listener(name: str, listener: socket.socket) -> Callable[[], str]:
    def look() -> str:
        try:
            if listener.type == socket.SOCK_DGRAM:
                listener.recv(1)
            else:
                listener.accept()[0].close()
        except BlockingIOError:
            return ""
        return f"reached the {name} socket"

    return look


def _group_folders() -> list[Path]:
    folders = []
    for controller in CAPS.values():
        try:
            folders.append(find_hierarchy(controller, Path("/proc/self")).folder)
        except OSError:  # not on this host
            continue
    return folders


def _right(holds: bool) -> str:
    return "judged right" if holds else "FAILED"
