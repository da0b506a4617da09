"""How much a candidate may use. Seconds of processor time are verdicts; seconds of the wall clock are patience."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one candidate process and everything it starts may use."""

    cpu_s: float = 2.0  # processor seconds of one call that is judged
    tests_cpu_s: float = 30.0  # processor seconds of one run of tests
    asleep_s: float = 10.0  # wall seconds in which every thread sleeps, after which it is `blocked`
    patience_s: float = 60.0  # wall seconds of one turn, after which the machine is blamed and the turn repeated
    repeats: int = 3  # turns that the machine may spoil before InfrastructureError
    restarts: int = 5  # times that a candidate which ended is started again for the remaining cases
    memory_bytes: int = 512 * MIB
    scratch_bytes: int = 64 * MIB  # size of the scratch folder (model-written code only)
    file_bytes: int = 16 * MIB  # size of one file
    processes: int = 32  # processes and threads
    open_files: int = 128
    answer_bytes: int = 4 * MIB  # size of one answer as JSON
