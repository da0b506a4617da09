"""What ended a run early, as an exit status and one sentence."""

from __future__ import annotations

from pathlib import Path

from actors.simulation.exit_codes import ExitCode
from actors.simulation.gates import InterruptedRunError
from actors.simulation.session import CodeChangedError
from actors.work.sandbox.errors import SandboxError
from actors.work.workspace.errors import RestoreError, WorkspaceError
from brokers.clock.conductor import ClockError
from brokers.journal.errors import DivergedError, JournalError
from brokers.links.frames import LinkError
from brokers.node.errors import NodeError
from inference.pool.devices import DeviceError
from inference.pool.errors import PoolError
from inference.pool.plan import PlacementError
from inference.text import EngineLostError


def exit_code_of(error: Exception) -> ExitCode:
    """FAILED means a bug of ours or of the machine; everything else is expected to happen to somebody."""
    match error:
        case InterruptedRunError():
            return ExitCode.INTERRUPTED
        case DivergedError() | RestoreError():
            return ExitCode.DIVERGED
        case CodeChangedError() | JournalError():
            return ExitCode.BAD_INPUT
        case NodeError() | ClockError() | LinkError() | WorkspaceError() | SandboxError() | EngineLostError():
            return ExitCode.RESUMABLE
        case PoolError() | PlacementError() | DeviceError():
            return ExitCode.RESUMABLE
        case _:
            return ExitCode.FAILED


def sentence_of(error: Exception) -> str:
    """What people read; a bug is named with its class, its trace is in the log."""
    match error:
        case InterruptedRunError():
            return "stopped; everything so far is in the journal"
        case DivergedError() | CodeChangedError() | JournalError() | WorkspaceError() | SandboxError():
            return str(error)
        case EngineLostError():
            return f"the server of the model is lost: {error}"
        case PoolError() | PlacementError() | DeviceError():
            return f"the models are not there: {error}"
    return f"{type(error).__name__}: {error}"


def resume_command(folder: Path) -> str:
    """What to type to go on."""
    return f"python -m actors.simulation run --resume --output {folder}"
