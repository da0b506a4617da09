"""Clock and services in a process of their own: `python -m actors.simulation.services_process ASSIGNMENT`.

Tells the launcher how it goes in JSON lines on standard output: `{"ready": true}`, `{"progress": …}` now and then, and
`{"done": …}` or `{"error": …}` at the end.
"""

from __future__ import annotations

import json
import signal
import sys
from typing import Any

from actors.simulation.exit_codes import ExitCode
from actors.simulation.failures import exit_code_of, sentence_of
from actors.simulation.layout import Assignment
from actors.simulation.node_process import tune_memory
from actors.simulation.session import Session
from brokers.processes import die_with_parent
from inference.waking import StopSignal


def say(line: dict[str, Any]) -> None:
    """One line for the launcher."""
    print(json.dumps(line, sort_keys=True), flush=True)


def main(argv: list[str] | None = None) -> int:
    """Run the services node of one life of a run."""
    assignment = Assignment.from_argument((argv or sys.argv[1:])[0])
    stop = StopSignal()
    stop.set_on(signal.SIGTERM, signal.SIGINT)
    die_with_parent(assignment.parent)
    tune_memory()
    try:
        outcome = Session(assignment, say=say, stop=stop).run()
    except Exception as error:
        code = exit_code_of(error)
        say({"error": sentence_of(error), "code": int(code)})
        if code is ExitCode.FAILED:
            raise
        return code
    say({"done": {"replayed": outcome.replayed, "rows": outcome.rows}})
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main())
