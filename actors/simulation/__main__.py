"""`python -m actors.simulation`: run, fork, replay, diff, validate, export, ledger."""

from __future__ import annotations

import signal
import sys

from actors.simulation.commandline import parse_arguments
from actors.simulation.exit_codes import ExitCode
from actors.simulation.folders import FolderError
from actors.simulation.other_commands import diff, export_run, fork, ledger, replay, validate
from actors.simulation.run_command import OptionsError, run
from actors.work.workspace.errors import WorkspaceError
from brokers.hub.live import LiveError
from brokers.journal.errors import JournalError
from config.errors import ConfigError
from inference.ledger.errors import LedgerError

_ENDS_WITH_ITS_READER = ("diff", "validate", "export", "ledger")
_COMMANDS = {
    "run": run,
    "fork": fork,
    "replay": replay,
    "diff": diff,
    "validate": validate,
    "export": export_run,
    "ledger": ledger,
}


def main(argv: list[str] | None = None) -> int:
    """Carry out one command; bad input ends with status 2 and one clear report."""
    args = parse_arguments(sys.argv[1:] if argv is None else argv)
    try:
        return _COMMANDS[args.command](args)
    except ConfigError as error:
        print(error, file=sys.stderr)
    except (FolderError, OptionsError, JournalError, LedgerError, LiveError, WorkspaceError) as error:
        print(f"simulate: {error}", file=sys.stderr)
    return ExitCode.BAD_INPUT


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] in _ENDS_WITH_ITS_READER:
        # `diff A B | head` ends like any tool. Here and not in `main`: it is the process's, not the function's.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
