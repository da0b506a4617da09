"""A command whose reader goes away ends like any tool, and called as a function it leaves the process as it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from actors.simulation.__main__ import main


def test_a_command_whose_output_nobody_reads_any_more_ends_by_the_signal_without_a_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "actors.simulation", "validate"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)

    assert (done.returncode, done.stderr) == (-signal.SIGPIPE, "")


def test_a_command_that_is_called_as_a_function_leaves_the_signals_of_its_process_alone() -> None:
    before = signal.getsignal(signal.SIGPIPE)
    main(["validate"])

    assert signal.getsignal(signal.SIGPIPE) is before
