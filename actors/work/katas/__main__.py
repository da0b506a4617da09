"""`python -m actors.work.katas`: prove the bank right, list it, write a backlog, or see what hidden tests notice."""

from __future__ import annotations

import argparse
import sys

from rich.console import Console

from actors.work.katas.backlog import CLARITIES, Clarity, backlog_text, kata_stories, most_stories
from actors.work.katas.bank import FAMILIES
from actors.work.katas.mutants import Mutant, MutantsError, checked
from actors.work.katas.tables import DISCARDED, Grid, families_by_domain, mutants_by_operator
from actors.work.katas.themes import THEMES
from actors.work.katas.validation import MAKING, Problem, validate_all, validate_bank

OK, UNMET, BAD_INPUT = 0, 1, 2
WIDE = 200  # columns of a table that is not read on a terminal


def main(argv: list[str] | None = None) -> int:
    """Run one command; status 1 when a promise of the bank is broken, 2 for input that makes no sense."""
    args = _parse(sys.argv[1:] if argv is None else argv)
    unknown = [family for family in args.families if family not in FAMILIES]
    if unknown:
        print(f"katas: there is no family {', '.join(unknown)}; known: {', '.join(FAMILIES)}", file=sys.stderr)
        return BAD_INPUT
    families = args.families or list(FAMILIES)
    match args.command:
        case "validate":
            return _validate(families, args.variants, args.mutants, is_whole_bank=not args.families)
        case "mutants":
            return _mutants(families, args.count, args.seed, is_listing=args.list)
        case "backlog":
            return _backlog(args.seed, args.count, args.clarity)
        case _:
            _show(families_by_domain(families), is_markdown=args.markdown)
            return OK


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m actors.work.katas", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    validate = commands.add_parser("validate", help="check every rule for every family and variant")
    validate.add_argument("--variants", type=_variants, default=14, help="variants of each family (default 14)")
    validate.add_argument("--mutants", type=_count, default=0, help="judge so many mutants as well (default 0)")
    table = commands.add_parser("table", help="families by domain, size, criteria")
    table.add_argument("--markdown", action="store_true")
    mutants = commands.add_parser("mutants", help="judge seeded mutants in the sandbox")
    mutants.add_argument("--count", type=_count, default=300, help="how many to draw (default 300)")
    mutants.add_argument("--seed", type=int, default=1)
    mutants.add_argument("--list", action="store_true", help="print every mutant, not only the discarded ones")
    backlog = commands.add_parser("backlog", help="write a product backlog whose stories can be executed")
    backlog.add_argument("--seed", type=int, default=1)
    backlog.add_argument("--count", type=_count, default=180, help="stories (default 180)")
    backlog.add_argument("--clarity", choices=CLARITIES, default="mixed", help="how they are told")
    backlog.set_defaults(families=[])
    for command in (validate, table, mutants):
        command.add_argument("families", nargs="*", metavar="FAMILY", help="all when none is named")
    return parser.parse_args(argv)


def _variants(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= len(THEMES):
        raise argparse.ArgumentTypeError(f"a family has 1 to {len(THEMES)} variants, got {text}")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"a count is a whole number from 0, got {text}")
    return int(text)


def _validate(families: list[str], variants: int, mutants: int, *, is_whole_bank: bool) -> int:
    found: list[Problem] = []
    for problem in validate_all(families, variants):
        print(problem, flush=True)
        found.append(problem)
    is_made = all(problem.rule != MAKING for problem in found)
    for problem in validate_bank(variants) if is_whole_bank and is_made else ():
        print(problem)
        found.append(problem)
    problems = len(found)
    print(f"{len(families)} families, {len(families) * variants} variants, {problems} problems")
    status = UNMET if problems else OK
    return max(status, _mutants(families, mutants, 1, is_listing=False)) if mutants else status


def _mutants(families: list[str], count: int, seed: int, *, is_listing: bool) -> int:
    found: list[Mutant] = []
    try:
        for mutant in checked(families, count, seed):
            found.append(mutant)
            if is_listing or not mutant.is_killed:
                print(mutant, flush=True)
    except MutantsError as error:
        print(f"katas: {error}", file=sys.stderr)
        return UNMET
    _show(mutants_by_operator(found), is_markdown=False)
    killed = sum(mutant.is_killed for mutant in found)
    discarded = sum(mutant.result in DISCARDED for mutant in found)
    print(f"{len(found)} mutants: {killed} killed, {discarded} discarded with a reason")
    return OK if killed + discarded == count else UNMET


def _backlog(seed: int, count: int, clarity: Clarity) -> int:
    if not 1 <= count <= most_stories():
        print(f"katas: --count must be from 1 to {most_stories()}, got {count}", file=sys.stderr)
        return BAD_INPUT
    told = "" if clarity == "mixed" else f" --clarity {clarity}"
    command = f"python -m actors.work.katas backlog --seed {seed} --count {count}{told}"
    sys.stdout.write(backlog_text(kata_stories(seed, count, clarity=clarity), command=command))
    return OK


def _show(grid: Grid, *, is_markdown: bool) -> None:
    if is_markdown:
        print(grid.markdown())
    else:
        Console(width=None if sys.stdout.isatty() else WIDE).print(grid.rich())


if __name__ == "__main__":
    sys.exit(main())
