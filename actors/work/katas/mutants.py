"""Do the hidden tests notice mistakes? Seeded mutants of the oracles, each judged in the sandbox.

MutantsError                 the check says nothing
├── OracleFailsError         an oracle fails without any mistake
└── NotEnoughMutantsError    the bank has fewer different mutants than were asked for
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from actors.work.katas.anatomy import functions
from actors.work.katas.exercise import Exercise, exercise
from actors.work.katas.themes import THEMES
from actors.work.mutations.operators import Site, line_of, sites
from actors.work.mutations.planting import Judge, Noticed, Verdict, examine, shuffled
from actors.work.sandbox.limits import Limits
from actors.work.sandbox.sandbox import Sandbox
from config.streams import Stream

STREAM = "mutants"
LIMITS = Limits(cpu_s=1.0, restarts=0)  # a mutant that hangs is put aside: one look is enough
ATTEMPTS = 50  # draws for one mutant before the bank counts as exhausted


class MutantsError(Exception):
    """Base of what keeps the check from saying anything."""


class NotEnoughMutantsError(MutantsError):
    """Raised when no new mutant of a family is found."""

    def __init__(self, family: str, found: int) -> None:
        super().__init__(f"{family}: no new mutant after {found}")
        self.family, self.found = family, found


class OracleFailsError(MutantsError):
    """Raised when an oracle does not pass its own hidden tests, so that mutants of it say nothing."""

    def __init__(self, family: str, number: int, case_id: str, outcome: str) -> None:
        super().__init__(f"{family}/{number}: the oracle fails {case_id}: {outcome}")
        self.family, self.number, self.case_id, self.outcome = family, number, case_id, outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One mutant and what came of it: who noticed it, or why it is of no use."""

    family: str
    number: int  # of the variant
    site: Site
    line: int
    result: Noticed | str

    @property
    def is_killed(self) -> bool:
        return isinstance(self.result, Noticed)

    def __str__(self) -> str:
        where = f"{self.family}/{self.number} line {self.line}, {self.site}"
        if isinstance(self.result, str):
            return f"{where}: discarded, {self.result}"
        criteria = ", ".join(map(str, self.result.criteria))
        shown = ", ".join(self.result.cases[:3])
        more = f" and {len(self.result.cases) - 3} more" if len(self.result.cases) > 3 else ""
        return f"{where}: killed by {self.result.by} in criteria {criteria}: {shown}{more}"


def drawn(families: Sequence[str], count: int, seed: int) -> Iterator[tuple[Exercise, Site]]:
    """Different mutants over the bank: families take turns, kinds of mistakes are equally likely.

    Raises:
        NotEnoughMutantsError: There are not that many.
    """
    stream = Stream(seed, STREAM)
    order = shuffled(families, stream, "families")
    seen: set[tuple[str, int, Site]] = set()
    for n in range(count):
        family = order[n % len(order)]
        for attempt in range(ATTEMPTS):
            entity = f"{family}/{n}/{attempt}"
            one = exercise(family, stream.draw(f"{entity}/variant").below(len(THEMES)))
            groups: dict[str, list[Site]] = {}
            for site in all_sites(one.source(one.wanted)):
                groups.setdefault(site.operator, []).append(site)
            operator = stream.draw(f"{entity}/operator").pick(list(groups))
            site = stream.draw(f"{entity}/site").pick(groups[operator])
            if (family, one.number, site) not in seen:
                seen.add((family, one.number, site))
                yield one, site
                break
        else:
            raise NotEnoughMutantsError(family, n // len(order))


def all_sites(source: str) -> tuple[Site, ...]:
    """The places for mistakes in all functions of a module, helpers included."""
    return sites(source, [function.name for function in functions(source)])


def checked(families: Sequence[str], count: int, seed: int) -> Iterator[Mutant]:
    """Draw mutants and judge each in the sandbox, with all acceptance cases and canaries.

    Raises:
        OracleFailsError: An oracle fails without any mistake.
        NotEnoughMutantsError: There are not that many.
    """
    with Sandbox(limits=LIMITS) as sandbox:
        for one, site in drawn(families, count, seed):
            yield check(one, site, sandbox)


def check(one: Exercise, site: Site, sandbox: Sandbox) -> Mutant:
    """Judge one mutant. Raises OracleFailsError."""
    source, judge = one.source(one.wanted), judge_of(one, sandbox)
    before = judge(source)
    for verdict in before:
        if verdict.outcome != "passed":
            raise OracleFailsError(one.family, one.number, verdict.case_id, verdict.outcome)
    result = examine(source, site, judge, before)
    return Mutant(family=one.family, number=one.number, site=site, line=line_of(source, site), result=result)


def judge_of(one: Exercise, sandbox: Sandbox) -> Judge:
    """All hidden tests of an exercise, in the sandbox, on any text of its module; what it needs is as wanted."""
    cases = [*one.cases("acceptance"), *one.cases("canary")]
    needed = {needed.path: needed.source(needed.wanted) for needed in one.needs}

    def judge(text: str) -> Sequence[Verdict]:
        return sandbox.judge({**needed, one.path: text}, cases)

    return judge


def by_operator(mutants: Sequence[Mutant]) -> Mapping[str, Counter[str]]:
    """For each kind of mistake how many were killed by whom and discarded why."""
    found: dict[str, Counter[str]] = {}
    for mutant in mutants:
        outcome = mutant.result if isinstance(mutant.result, str) else f"killed by {mutant.result.by}"
        found.setdefault(mutant.site.operator, Counter())[outcome] += 1
    return found
