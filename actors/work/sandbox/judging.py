"""The judge: asks a candidate one call at a time and compares what comes back, in this process, as plain data."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from actors.work.sandbox.channel import Channel, TurnEndedError
from actors.work.sandbox.errors import BadRequestError, InfrastructureError
from actors.work.sandbox.plain import Case, Plain, is_plain, is_same
from actors.work.sandbox.verdicts import CaseOutcome, CaseVerdict
from actors.work.sandbox.warm import Warm

ENDINGS = ("cpu_limit", "memory_limit", "blocked", "crashed")
MOST_NAMES = 60  # of an exception class and its bases
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,79}")


class Judge:
    """Judges one set of files. A candidate that ends is started again for the remaining cases, a few times."""

    def __init__(self, warm: Warm, files: Mapping[str, str], source_root: str) -> None:
        self._warm, self._files, self._source_root = warm, files, source_root
        self._channel: Channel | None = None
        self._ends = 0
        self._asked = 0

    def judge(self, cases: Sequence[Case]) -> tuple[CaseVerdict, ...]:
        """Return a verdict for each case, in their order."""
        try:
            return tuple(self._judge(case, len(cases) - place) for place, case in enumerate(cases))
        finally:
            self._end()

    def _judge(self, case: Case, left: int) -> CaseVerdict:
        limits = self._warm.limits
        if self._ends > limits.restarts:
            return _verdict(case, "refused", f"not called: the code had ended {self._ends} times")
        for _ in range(limits.repeats):
            try:
                return self._ask(case, left)
            except TurnEndedError as error:
                outcome = self._after(error.why)
                if outcome is not None:
                    self._ends += 1
                    return _verdict(case, *outcome)
        raise InfrastructureError("the machine did not let a call run to its end", limits.repeats)

    def _ask(self, case: Case, left: int) -> CaseVerdict:
        limits = self._warm.limits
        if self._channel is None:
            total_s = int(limits.cpu_s * left) + 2
            project = {"files": dict(self._files), "source_root": self._source_root}
            self._channel = self._warm.start("calls", project, total_s, limits.answer_bytes)
        watch = self._warm.watch(limits.cpu_s)
        self._asked += 1
        call = {"n": self._asked, "module": case.module, "function": case.function, "arguments": list(case.arguments)}
        self._channel.send(call, watch)
        answer = self._channel.receive(watch, self._warm.control)
        if answer.pop("n", None) != self._asked or len(answer) != 1:
            raise TurnEndedError("malformed")
        return weigh(case, *answer.popitem())

    def _after(self, why: str) -> tuple[CaseOutcome, str] | None:
        """End the candidate and say what its end means; None when the machine is to blame."""
        status = self._end()
        return ending(why, status, out_of_memory=self._warm.ran_out_of_memory())

    def _end(self) -> int:
        if self._channel is None:
            return 0
        channel, self._channel = self._channel, None
        return self._warm.stop(channel)


def ending(why: str, status: int, *, out_of_memory: bool) -> tuple[CaseOutcome, str] | None:
    """Say what it means that a turn ended without an answer; None when the machine is to blame.

    Args:
        why: As in TurnEndedError.
        status: Exit status of the candidate; negative for a signal.
        out_of_memory: Whether the kernel ended a process of the candidate for its memory.
    """
    if out_of_memory and why not in ("malformed", "too_large"):
        return "memory_limit", "used up its memory"
    match why:
        case "late":
            return None
        case "cpu_limit" | "blocked":
            return why, {"cpu_limit": "used up its processor time", "blocked": "slept and did not wake up"}[why]
        case "malformed":
            return "not_plain", "the answer is not in the agreed form"
        case "too_large":
            return "not_plain", "the answer is too large"
    if status == -signal.SIGXCPU:
        return "cpu_limit", "used up its processor time"
    if status < 0:
        return "crashed", f"ended by {signal.Signals(-status).name}"
    return "crashed", "the process ended during the call"


def weigh(case: Case, kind: str, content: Any) -> CaseVerdict:
    """Compare an answer with what is expected.

    Raises:
        TurnEndedError: The answer is none.
    """
    match kind, content:
        case "value", _:
            return _weigh_value(case, content)
        case "raised", [str() as first, *_]:
            return _weigh_error(case, content, _clean(first))
        case "broken", [str() as first, *_]:
            outcome: CaseOutcome = "memory_limit" if first == "MemoryError" else "raised"
            return _verdict(case, outcome, f"{_clean(first)} while the module was imported")
        case "missing", "module" | "function":
            return _verdict(case, "missing", f"no such {content}")
        case "not_plain", str():
            return _verdict(case, "not_plain", _clean(content))
    raise TurnEndedError("malformed")


def _weigh_value(case: Case, value: Plain) -> CaseVerdict:
    if not is_plain(value):  # half letters survive JSON
        return _verdict(case, "not_plain", "text that is no Unicode")
    if case.error:
        return _verdict(case, "wrong_value", f"a value where {case.error} was due")
    if is_same(value, case.result):
        return _verdict(case, "passed")
    if type(value) is not type(case.result):
        return _verdict(case, "wrong_value", f"{type(value).__name__} where another type was due")
    return _verdict(case, "wrong_value", "another value")


def _weigh_error(case: Case, names: list[Any], first: str) -> CaseVerdict:
    if not all(type(name) is str for name in names) or len(names) > MOST_NAMES:
        raise TurnEndedError("malformed")
    if case.error and case.error in names:
        return _verdict(case, "passed")
    if first == "MemoryError":
        return _verdict(case, "memory_limit", "used up its memory")
    return _verdict(case, "wrong_error" if case.error else "raised", first)


def _clean(text: str) -> str:
    """Words of a candidate, reduced to identifiers: no address, path or control character gets into a result."""
    return " ".join(_NAME.findall(text)[:12])


def _verdict(case: Case, outcome: str, detail: str = "") -> CaseVerdict:
    assert outcome in get_args(CaseOutcome)
    return CaseVerdict(case_id=case.case_id, outcome=outcome, detail=detail)  # type: ignore[arg-type]


def check_cases(cases: Sequence[Case]) -> None:
    """Refuse cases that cannot be asked or compared.

    Raises:
        BadRequestError: Two cases share a name, or one holds more than plain data.
    """
    names = [case.case_id for case in cases]
    if len(set(names)) < len(names):
        raise BadRequestError("two cases of one request have the same case_id")
    for case in cases:
        if not is_plain(list(case.arguments)) or not is_plain(case.result):
            raise BadRequestError(f"case {case.case_id}: arguments and result must be plain data")
