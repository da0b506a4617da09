from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil

from brokers.processes import RestartPolicy, SupervisedChild, start_child, stop_children

WAITS = "import time, sys; print('up', flush=True); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAITS}"


def started(script: str) -> subprocess.Popen[bytes]:
    child = start_child([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"up\n"
    child.stdout.close()
    return child


def test_children_are_asked_to_end_and_the_stubborn_one_is_killed() -> None:
    children = [started(WAITS), started(STUBBORN), started(WAITS)]
    before = time.monotonic()
    assert stop_children(children, within_s=0.3) == [-signal.SIGTERM, -signal.SIGKILL, -signal.SIGTERM]
    assert time.monotonic() - before < 2


def test_stopping_children_that_ended_already_is_harmless() -> None:
    child = start_child([sys.executable, "-c", "raise SystemExit(3)"])
    child.wait()
    assert stop_children([child]) == [3]


def test_a_child_has_its_own_process_group() -> None:
    child = started(WAITS)
    assert os.getpgid(child.pid) == child.pid
    stop_children([child])


def test_a_child_dies_with_its_killed_parent() -> None:
    inner = f"from brokers.processes import die_with_parent; import sys; die_with_parent(int(sys.argv[1])); {WAITS}"
    outer = (
        "import os, sys, subprocess\n"
        "from brokers.processes import start_child\n"
        f"child = start_child([sys.executable, '-c', {inner!r}, str(os.getpid())], stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen([sys.executable, "-c", outer], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    child.wait(10)
    assert not child.is_running()


def test_a_child_whose_parent_is_already_gone_ends_at_once() -> None:
    script = "from brokers.processes import die_with_parent; die_with_parent(1); print('still here')"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert ended.returncode == -signal.SIGTERM
    assert ended.stdout == b""


def test_waits_grow_up_to_a_limit_and_restarts_are_counted() -> None:
    policy = RestartPolicy(max_restarts=4, first_wait_s=1.0, longest_wait_s=3.0)
    assert [policy.after_exit(n, lived_s=0.1) for n in range(5)] == [(1, 1.0), (2, 2.0), (3, 3.0), (4, 3.0), None]


def test_a_child_that_ran_steadily_starts_counting_anew() -> None:
    policy = RestartPolicy(max_restarts=1, first_wait_s=1.0, steady_after_s=30.0)
    assert policy.after_exit(1, lived_s=29.9) is None
    assert policy.after_exit(1, lived_s=30.0) == (1, 1.0)


def test_a_supervised_child_is_restarted_after_its_wait_and_given_up_in_the_end() -> None:
    policy = RestartPolicy(max_restarts=1, first_wait_s=10.0, longest_wait_s=60.0)
    child = SupervisedChild(lambda: started(WAITS), policy, now_s=0.0)
    first = child.process
    assert not child.check(now_s=1.0)
    first.kill()
    first.wait()
    assert not child.check(now_s=2.0)
    assert not child.check(now_s=11.9)
    assert child.check(now_s=12.0)
    assert child.process.pid != first.pid
    child.process.kill()
    child.process.wait()
    child.check(now_s=13.0)
    assert child.has_given_up
    assert not child.check(now_s=100.0)
    assert child.stop() == -signal.SIGKILL
