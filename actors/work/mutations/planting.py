"""Choosing one mistake that the hidden tests notice; mistakes that nobody could notice are put aside with a reason."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from actors.work.mutations.errors import BrokenMutantError, OverlappingSitesError
from actors.work.mutations.operators import BY_NAME, Site, apply, fix_size, sites
from config.streams import Stream

Noticer = Literal["acceptance", "canary"]
STREAM = "mutations"
PASSED = "passed"
UNBOUNDED = ("cpu_limit", "memory_limit", "blocked")  # verdicts about resources, not about what the code says
UNNOTICED = "no hidden test notices it"
SAME_TREE = "same syntax tree"
NOT_COMPILING = "does not compile"
OVERLAPPING = "overlaps a mistake that is already there"
BREAKS_QUIET = "breaks a case that has to pass"
NOT_AS_WANTED = "not noticed by the tests that should"
T = TypeVar("T")


class Verdict(Protocol):
    """What a judge says about one case; `actors.work.sandbox.verdicts.CaseVerdict` is one."""

    @property
    def case_id(self) -> str:
        """`c<criterion>/<acceptance or canary>/<number>`."""

    @property
    def outcome(self) -> str:
        """`passed` or how it failed."""


Judge = Callable[[str], Sequence[Verdict]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """What the hidden tests make of a mutant that they tell apart from the code without the mistake."""

    criteria: tuple[int, ...]  # that have a case which passed before and fails now
    by: Noticer  # "canary": no acceptance case fails that passed before, so the story would be accepted
    cases: tuple[str, ...]  # the ids of those cases


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A mistake that was made, and what was tried before it."""

    site: Site
    incident_class: str
    severity: int
    criteria: tuple[int, ...]  # broken by it
    noticed_by: Noticer
    fix_lines: int  # changed lines of the smallest repair
    cases: tuple[str, ...]  # that fail because of it
    tried: tuple[tuple[Site, str], ...]  # what was put aside before, each with the reason
    source: str  # with `taken` and the new site


def plant(
    source: str,
    functions: Sequence[str],
    judge: Judge,
    *,
    seed: int,
    entity: str,
    taken: Sequence[Site] = (),
    limit: int = 8,
    noticed_by: Noticer | None = None,
    quiet: Collection[str] = (),
    operators: Collection[str] | None = None,
    baseline: Sequence[Verdict] | None = None,
) -> Planted | None:
    """Make one more mistake that hidden tests notice.

    Args:
        source: The original code; every site counts in it.
        functions: Top-level functions in which the mistake may be made.
        judge: Says how code fares in all hidden cases; asked up to `limit` times, and once more without `baseline`.
        seed, entity: Key the draws; equal ones try equal sites in an equal order.
        taken: Mistakes that are there already and stay.
        limit: How many sites to try.
        noticed_by: Who has to notice it; None for anybody. "canary" asks for a defect that escapes acceptance.
        quiet: Ids of cases that must go on passing, whoever else notices.
        operators: The kinds of mistakes to choose from; None for all ordinary ones.
        baseline: What the judge says about the source with `taken`, if that is known.
    Returns:
        The mistake; None when there is no site or `limit` of them were put aside.
    Raises:
        UnknownSiteError, OverlappingSitesError, BrokenMutantError: `taken` cannot be applied. Errors of the judge pass.
    """
    before = judge(apply(source, taken)) if baseline is None else baseline
    tried: list[tuple[Site, str]] = []
    for site in _candidates(source, functions, seed, entity, taken, operators):
        if len(tried) == limit:
            break
        result = examine(source, site, judge, before, taken=taken)
        if isinstance(result, Noticed) and (reason := _unfit(result, noticed_by, quiet)):
            result = reason
        if isinstance(result, str):
            tried.append((site, result))
            continue
        mutant = apply(source, [*taken, site])
        return _planted(site, result, tried, mutant, fix_size(apply(source, taken), mutant))
    return None


def _planted(site: Site, result: Noticed, tried: Sequence[tuple[Site, str]], text: str, fix_lines: int) -> Planted:
    return Planted(
        site=site,
        incident_class=BY_NAME[site.operator].incident_class,
        severity=BY_NAME[site.operator].severity,
        criteria=result.criteria,
        noticed_by=result.by,
        fix_lines=fix_lines,
        cases=result.cases,
        tried=tuple(tried),
        source=text,
    )


def examine(
    source: str, site: Site, judge: Judge, before: Sequence[Verdict], *, taken: Sequence[Site] = ()
) -> Noticed | str:
    """Say who notices one more mistake, or why it is of no use.

    A mutant that runs into a limit of resources is put aside although that fails a case: whether a very slow call
    stays below the limit is the machine's doing, and every later run of such code would cost the whole limit.
    """
    without = apply(source, taken)
    try:
        mutant = apply(source, [*taken, site])
    except OverlappingSitesError:
        return OVERLAPPING
    except BrokenMutantError:
        return NOT_COMPILING
    if ast.dump(ast.parse(mutant)) == ast.dump(ast.parse(without)):
        return SAME_TREE
    return noticed(before, judge(mutant))


def noticed(before: Iterable[Verdict], after: Iterable[Verdict]) -> Noticed | str:
    """Compare verdicts on code without and with a mistake. Cases that were not even called say nothing."""
    passed = {verdict.case_id for verdict in before if verdict.outcome == PASSED}
    silent = (PASSED, "refused")
    failed = [verdict for verdict in after if verdict.outcome not in silent and verdict.case_id in passed]
    for verdict in failed:
        if verdict.outcome in UNBOUNDED:
            return verdict.outcome.replace("_", " ")
    if not failed:
        return UNNOTICED
    parts = [verdict.case_id.split("/") for verdict in failed]
    return Noticed(
        criteria=tuple(sorted({int(part[0].removeprefix("c")) for part in parts})),
        by="acceptance" if any(part[1] == "acceptance" for part in parts) else "canary",
        cases=tuple(verdict.case_id for verdict in failed),
    )


def shuffled(items: Sequence[T], stream: Stream, entity: str) -> list[T]:
    """The items in an order that the stream decides (Fisher and Yates)."""
    mixed = list(items)
    for last in range(len(mixed) - 1, 0, -1):
        other = stream.draw(entity, last).below(last + 1)
        mixed[last], mixed[other] = mixed[other], mixed[last]
    return mixed


def _unfit(result: Noticed, noticed_by: Noticer | None, quiet: Collection[str]) -> str:
    if any(case_id in quiet for case_id in result.cases):
        return BREAKS_QUIET
    return NOT_AS_WANTED if noticed_by not in (None, result.by) else ""


def _candidates(
    source: str,
    functions: Sequence[str],
    seed: int,
    entity: str,
    taken: Sequence[Site],
    operators: Collection[str] | None,
) -> Iterator[Site]:
    """All sites; kinds of mistakes take turns in a drawn order, so that kinds with few sites are not rare."""
    stream = Stream(seed, STREAM)
    groups: dict[str, list[Site]] = {}
    for site in sites(source, functions):
        if site not in taken and (operators is None or site.operator in operators):
            groups.setdefault(site.operator, []).append(site)
    turns: Mapping[str, list[Site]] = {
        name: shuffled(group, stream, f"{entity}/{name}") for name, group in groups.items()
    }
    order = shuffled(list(turns), stream, f"{entity}/operators")
    for turn in range(max(map(len, turns.values()), default=0)):
        yield from (turns[name][turn] for name in order if turn < len(turns[name]))
