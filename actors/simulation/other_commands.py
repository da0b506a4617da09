"""`fork`, `replay`, `diff`, `validate`, `export` and `ledger`."""

from __future__ import annotations

import shutil
import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from actors.reporting.measured_ledger import show_measured
from actors.simulation.comparing import first_parting, lines
from actors.simulation.exit_codes import ExitCode
from actors.simulation.folders import JOURNAL, check_new, check_place, check_run, make_folder, next_free_folder
from actors.simulation.inputs import code_digest
from actors.simulation.judges import check_server, prompts_of_fork, recorded_problem
from actors.simulation.launch import Wishes, launch
from actors.simulation.measuring import as_text, measured_of
from actors.simulation.preparing import prepare
from actors.simulation.run_command import OptionsError, check_code, check_wishes, read_run, run_to_end
from actors.simulation.workspaces import check_tools
from brokers.hub.live import check_room
from brokers.journal.prefix import copy_prefix
from brokers.journal.reader import JournalReader
from config.environment import runtime_folder
from config.loader import override_config

SPRINTS_KEY = "simulation.sprints"
DIFFERENT = 1  # as diff(1) says it


def fork(args: Namespace) -> int:
    """Take everything up to and including an event's instant, and go on with other settings.

    The settings hold from the beginning of the fork; whatever they would change before that instant is refused.
    """
    check_wishes(args)
    check_room(runtime_folder())
    inputs, sprints = read_run(args.run)
    if inputs.code != code_digest():
        raise OptionsError(f"{args.run} was recorded by other code; a fork would not share its beginning")
    own = [] if any(word.startswith(f"{SPRINTS_KEY}=") for word in args.overrides) else [f"{SPRINTS_KEY}={sprints}"]
    config = override_config(inputs.config, [*args.overrides, *own])  # a parent that was continued has more sprints
    check_tools(config)
    prompts = prompts_of_fork(config, inputs.prompts)
    adapters = check_server(config, recorded_problem, recorded=inputs.adapters)
    folder = args.output or next_free_folder()
    check_new(folder)
    with JournalReader(args.run / JOURNAL) as journal:
        time_us = _instant(journal, args.at)
    make_folder(folder)
    forked = replace(inputs, config=config, prompts=prompts, adapters=adapters)
    rows = copy_prefix(args.run / JOURNAL, folder / JOURNAL, time_us, inputs=forked.to_files())
    print(f"fork of {args.run} after {rows} log rows")
    port = config.monitoring.prometheus_port if args.metrics_port is None else args.metrics_port
    wishes = Wishes(nodes=args.nodes, metrics_port=port, hold_s=args.hold)
    code = run_to_end(folder, forked, config.simulation.sprints, wishes)
    if code is ExitCode.DIVERGED:
        shutil.rmtree(folder)
        print("simulate: refused: these settings change the run before the fork; nothing was kept", file=sys.stderr)
        return ExitCode.BAD_INPUT
    return code


def _instant(journal: JournalReader, event: str) -> int:
    """The virtual time of an event named by number or by `src:seq`. Raises OptionsError."""
    src, _, seq = event.rpartition(":")
    found = None
    if _is_number(event):
        row = journal.row(int(event))
        found = None if row is None else (int(event), row)
    elif src and _is_number(seq):
        found = journal.find(src, int(seq))
    if found is None:
        raise OptionsError(f"--at: there is no event {event}; expected 1 to {journal.count()}, or src:seq")
    return found[1].time_us


def _is_number(text: str) -> bool:
    """Whether it can be the number of a row: SQLite's integers have 19 digits at most."""
    return text.isascii() and text.isdecimal() and len(text) < 19


def replay(args: Namespace) -> int:
    """Run a journal again in one process, every effect from the journal, and compare every row."""
    check_code(args.run, allow_change=args.allow_code_change)  # before anything is touched
    wishes = Wishes(nodes=1, replay=True, allow_code_change=args.allow_code_change)
    ended = launch(args.run, wishes, lambda line: None)
    if ended.code is not ExitCode.OK:
        print(f"simulate: {ended.error}", file=sys.stderr)
        return ended.code
    with JournalReader(args.run / JOURNAL) as journal:
        if ended.is_finished:
            print(f"{ended.replayed} log rows are equal, digest {journal.state('digest')}")
        else:
            print(f"{ended.replayed} log rows are equal; the run is not finished, --resume goes on with it")
    return ExitCode.OK


def diff(args: Namespace) -> int:
    """Name the first event in which two runs differ. Status 1 when they do."""
    for folder in (args.a, args.b):
        check_run(folder)
    with JournalReader(args.a / JOURNAL) as a, JournalReader(args.b / JOURNAL) as b:
        parting = first_parting(a, b)
        if parting is None:
            print(f"the logs are equal: {a.count()} rows, digest {a.digest()}")
            return ExitCode.OK
        for line in lines(a, b, parting):
            print(line)
    return DIFFERENT


def validate(args: Namespace) -> int:
    """Check configuration and backlog; write nothing."""
    prepared = prepare(args.config, args.backlog, overrides=args.overrides, seed=args.seed, sprints=args.sprints)
    teams = prepared.inputs.config.resolved_teams()
    print(f"valid: {len(teams)} team(s), {sum(len(team.members) for team in teams)} agents")
    for key in prepared.unused:
        print(f"note: {key.file}:{key.line}: {key.key} is accepted, but not acted on yet")
    for sentence in prepared.lacking:
        print(f"note: {prepared.inputs.backlog_name}: {sentence}")
    return ExitCode.OK


def export_run(args: Namespace) -> int:
    """Write the journal's log, effects and commands as tables."""
    check_run(args.run)
    check_place(args.output or args.run)
    from brokers.journal.export import export  # sqlite-utils imports pandas where it finds it: over a second

    folder: Path = args.output or args.run / "export"
    for path in export(args.run / JOURNAL, folder, args.format):
        print(path)
    return ExitCode.OK


def ledger(args: Namespace) -> int:
    """Print what a run took of engines, from its journal alone: of one that ended, was killed, or is under way."""
    inputs, _ = read_run(args.run)
    page = measured_of(args.run, inputs)
    if page is None:
        print("null" if args.json else f"{args.run} asks no model: nothing was spent on any")
    elif args.json:
        print(as_text(page), end="")
    else:
        show_measured(page, args.by, Console())
    return ExitCode.OK
