"""Attempts on the kernel, on other processes and on the network."""

from __future__ import annotations

from actors.work.sandbox.attempts.attempt import Attempt


def _call(name: str, expression: str) -> Attempt:
    return Attempt(name=name, source=f"\ndef attempt(bait):\n    return refused(lambda: {expression})\n")


def _numbered(name: str, x86_64: int, aarch64: int, arguments: str) -> Attempt:
    """A system call by its number, for those that the C library does not offer."""
    number = f"({x86_64} if os.uname().machine == 'x86_64' else {aarch64})"
    return _call(name, f"syscall({number}, {arguments})")


ATTEMPTS = (
    _call("connect to a TCP port of the host", "socket.create_connection(('127.0.0.1', bait['tcp']), 1)"),
    _call("send a UDP packet to the host", "socket.socket(2, 2).sendto(b'x', ('127.0.0.1', bait['udp']))"),
    _call("connect to a Unix socket of the host", "socket.socket(socket.AF_UNIX).connect(bait['unix'])"),
    _call("connect to an abstract socket of the host", "socket.socket(socket.AF_UNIX).connect(bait['abstract'])"),
    _call("open a socket to the hypervisor", "socket.socket(40, 1).connect((2, 22))"),
    _call("listen on a port", "socket.create_server(('', 0))"),
    _call("talk to the kernel by netlink", "socket.socket(16, 3).bind((0, 0))"),
    _call("trace the parent", "libc.ptrace(16, os.getppid(), None, None)"),
    _numbered("read the parent's memory", 310, 270, "bait['pid'], None, 0, None, 0, 0"),
    _call("mount a file system", "libc.mount(b'none', b'/scratch/tmp', b'tmpfs', 0, None)"),
    _call("make the root writable again", "libc.mount(None, b'/', None, 4096 | 32, None)"),
    _call("unmount what hides the host", "libc.umount2(b'/scratch', 2)"),
    _call("enter a new user namespace", "libc.unshare(0x10000000)"),
    _call("join the namespace of another process", "libc.setns(3, 0)"),
    _call("become root", "os.setuid(0) or os.setgid(0) or 1"),
    _call("run a program with the root bit", "os.execv('/bin/su', ['su'])"),
    _call("run a shell", "os.posix_spawn('/bin/sh', ['sh', '-c', 'true'], {})"),
    Attempt(
        name="raise its own limits",
        source="""
import resource

def attempt(bait):
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (100_000, 100_000))
    except (ValueError, OSError):
        return "blocked"
    return "escaped"
""",
    ),
    _call("leave its control group", "open('/sys/fs/cgroup/pids/cgroup.procs', 'w').write('1')"),
    _numbered("ask for keys of the kernel", 250, 219, "0, -3, 1"),
    _numbered("load a BPF program", 321, 280, "0, None, 0"),
    _numbered("watch the machine by perf", 298, 241, "None, 0, -1, -1, 0"),
    _numbered("handle page faults of the kernel", 323, 282, "1"),
    _numbered("go round the filter by io_uring", 425, 425, "8, ctypes.create_string_buffer(120)"),
    _numbered("go round the filter by 32-bit calls", 0x40000000 | 101, 117, "16, os.getppid(), 0, 0"),
    _call("load a kernel module", "libc.init_module(None, 0, b'')"),
    _call("set the clock of the host", "time.clock_settime(0, 0)"),
    Attempt(
        name="signal the parent, the judge and everybody",
        source="""
def attempt(bait):
    answers = []
    for pid in (bait["pid"], bait["pid"] - 1, os.getppid() or 99999999):
        try:
            os.kill(pid, signal.SIGKILL)
            answers.append("escaped")
        except OSError:
            answers.append("blocked")
    try:
        os.kill(-1, signal.SIGKILL)
    except OSError:
        pass
    return "blocked" if set(answers) == {"blocked"} else "escaped"
""",
    ),
    Attempt(
        name="fork bomb",
        expected=("passed", "cpu_limit"),
        source="""
def attempt(bait):
    forks = 0
    try:
        while forks < 4096:
            if os.fork() == 0:
                time.sleep(1000)
            forks += 1
    except OSError:
        return "blocked"
    return "escaped"
""",
    ),
    Attempt(
        name="thread bomb",
        source="""
import threading

def attempt(bait):
    def start():
        for _ in range(4096):
            threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
    return refused(start)
""",
    ),
    Attempt(
        name="memory bomb",
        in_trusted=True,
        expected=("memory_limit",),
        source="""
def attempt(bait):
    hoard = []
    while True:
        hoard.append(bytearray(16 << 20))
""",
    ),
    Attempt(
        name="memory bomb over many processes",
        expected=("memory_limit",),
        source="""
def attempt(bait):
    for _ in range(16):
        if os.fork() == 0:
            hoard = bytearray(b"x") * (100 << 20)
            time.sleep(1000)
    hoard = bytearray(b"x") * (100 << 20)
    time.sleep(1000)
    return "escaped"
""",
    ),
    Attempt(
        name="leave a daemon behind",
        source="""
def attempt(bait):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in range(64):
                try:
                    os.close(number)
                except OSError:
                    pass
            while True:
                time.sleep(1)
        os._exit(0)
    return "blocked"
""",
        in_trusted=True,
    ),
    Attempt(
        name="sleep for ever",
        in_trusted=True,
        expected=("blocked",),
        source="""
def attempt(bait):
    time.sleep(1e6)
""",
    ),
    Attempt(
        name="compute for ever, deaf to signals",
        in_trusted=True,
        expected=("cpu_limit",),
        source="""
def attempt(bait):
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    while True:
        pass
""",
    ),
    Attempt(
        name="let a child compute for ever",
        in_trusted=True,
        expected=("cpu_limit",),
        source="""
def attempt(bait):
    child = os.fork()
    while child == 0:
        pass
    os.waitpid(child, 0)
""",
    ),
    Attempt(
        name="flood the output",
        in_trusted=True,
        source="""
def attempt(bait):
    for _ in range(64):
        os.write(1, bytes(1 << 20))
        os.write(2, bytes(1 << 20))
        sys.stdout.write("x" * (1 << 16))
    return "blocked"
""",
    ),
)
