"""`run`: begin, resume, continue or verify a run."""

from __future__ import annotations

import json
import math
import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from actors.reporting.measured_ledger import in_a_line
from actors.reporting.progress import ProgressReporter
from actors.reporting.summary import show_summary
from actors.simulation.exit_codes import ExitCode
from actors.simulation.failures import resume_command
from actors.simulation.folders import JOURNAL, FolderError, check_new, check_run, holds_run, next_free_folder
from actors.simulation.inputs import RunInputs, code_digest
from actors.simulation.judges import check_adapters, check_server, is_movable, moved_server, recorded_problem
from actors.simulation.launch import Ended, Wishes, launch
from actors.simulation.measuring import MEASURED, write_measured
from actors.simulation.preparing import Prepared, create_run, differences, prepare, settings_of
from actors.simulation.session import CodeChangedError
from actors.simulation.workspaces import check_tools
from brokers.hub.live import check_room
from brokers.journal.errors import NotAJournalError
from brokers.journal.journal import Journal
from brokers.journal.reader import JournalReader
from config.backlog import load_backlog
from config.environment import runtime_folder
from config.loader import override_config
from config.sections import RunConfig

MOST_NODES = 64


class OptionsError(Exception):
    """Raised for options that contradict each other or the run they are for."""


def run(args: Namespace) -> ExitCode:
    """Raises ConfigError, FolderError, OptionsError for bad input; nothing was written then."""
    _check(args)
    check_room(runtime_folder())
    wished: RunConfig | None = None
    if (args.resume or args.more) and args.output is not None and holds_run(args.output):
        folder: Path = args.output
        wished = _check_same(folder, args)
        check_code(folder, allow_change=args.allow_code_change)
        _check_adapters(folder, wished, more=bool(args.more))
        if args.more:
            _continue(folder, args.more)
    else:
        if args.more:
            raise OptionsError("--continue needs --output with a run in it")
        prepared = prepare(args.config, args.backlog, overrides=args.overrides, seed=args.seed, sprints=args.sprints)
        folder = args.output or next_free_folder()
        _check_free(folder, args)
        check_tools(prepared.inputs.config, prepared.loaded.problem_at)
        adapters = check_server(prepared.inputs.config, prepared.loaded.problem_at)
        _tell(prepared)
        create_run(folder, replace(prepared.inputs, adapters=adapters))
    inputs, sprints = read_run(folder)
    check_tools(inputs.config)
    port = inputs.config.monitoring.prometheus_port if args.metrics_port is None else args.metrics_port
    wishes = Wishes(
        nodes=args.nodes,
        paced=args.paced,
        paused=args.paused,
        metrics_port=port,
        hold_s=args.hold,
        allow_code_change=args.allow_code_change,
        model_server=None if wished is None else moved_server(inputs.config, wished, inputs.adapters),
    )
    return run_to_end(folder, inputs, sprints, wishes)


def run_to_end(folder: Path, inputs: RunInputs, sprints: int, wishes: Wishes) -> ExitCode:
    """Launch, show progress, and say how it ended and where the results are."""
    teams = inputs.config.resolved_teams()
    people = sum(len(team.members) for team in teams)
    seed = inputs.config.simulation.seed
    print(f"{sprints} sprints of {people} agents, seed {seed}, into {folder}", flush=True)
    with ProgressReporter() as reporter:
        reporter.update({"sprint": 1, "sprints": sprints})

        def show(line: dict[str, Any]) -> None:
            if "metrics_url" in line:
                print(f"metrics   {line['metrics_url']}", flush=True)
            elif "progress" in line:
                reporter.update(line["progress"])

        ended = launch(folder, wishes, show)
        if ended.code is ExitCode.OK:
            reporter.finish()
    return _conclude(folder, inputs, ended)


def _conclude(folder: Path, inputs: RunInputs, ended: Ended) -> ExitCode:
    if ended.code is ExitCode.OK:
        report = json.loads((folder / "final_report.json").read_text(encoding="utf-8"))
        show_summary(report, folder, Console())
        measured = write_measured(folder, inputs)
        if measured is not None:
            print(f"measured  {in_a_line(measured)}; see {folder / MEASURED}")
        if ended.replayed:
            print(f"verified  {ended.replayed} of {ended.rows} log rows equal those of an earlier life")
        return ended.code
    print(f"simulate: {ended.error}", file=sys.stderr)
    if ended.code in (ExitCode.RESUMABLE, ExitCode.INTERRUPTED):
        write_measured(folder, inputs)
    if ended.code is ExitCode.FAILED:
        print(f"simulate: the trace is in {folder / 'logs'}", file=sys.stderr)
    if ended.code in (ExitCode.RESUMABLE, ExitCode.INTERRUPTED, ExitCode.FAILED):
        print(f"simulate: go on with: {resume_command(folder)}", file=sys.stderr)
    return ended.code


def read_run(folder: Path) -> tuple[RunInputs, int]:
    """What a run was given, and how many sprints it is to have. Raises FolderError, JournalError."""
    check_run(folder)
    with JournalReader(folder / JOURNAL) as journal:
        try:
            inputs = RunInputs.from_files(journal.inputs())
        except (KeyError, ValueError) as error:
            raise NotAJournalError(journal.path, f"its inputs are not those of a run ({error})") from None
        return inputs, int(journal.state("sprints") or inputs.config.simulation.sprints)


def check_code(folder: Path, *, allow_change: bool) -> None:
    """Raises OptionsError where other code recorded the run and the user did not allow for that."""
    inputs, _ = read_run(folder)
    if not allow_change and inputs.code != (now := code_digest()):
        raise OptionsError(f"{folder}: {CodeChangedError(inputs.code, now)}")


def check_wishes(args: Namespace) -> None:
    """Raises OptionsError. More nodes than this help nobody: sharding a team is a proof, not a speed-up."""
    if not 1 <= args.nodes <= MOST_NODES:
        raise OptionsError(f"--nodes: {args.nodes} is not allowed; expected an integer from 1 to {MOST_NODES}")
    if args.hold < 0 or not math.isfinite(args.hold):
        raise OptionsError(f"--hold: {args.hold} is not allowed; expected seconds from 0")
    if args.metrics_port is not None and not 0 <= args.metrics_port < 65536:
        raise OptionsError(f"--metrics-port: {args.metrics_port} is not allowed; expected 0 to 65535")


def _check(args: Namespace) -> None:
    check_wishes(args)
    if args.more is not None and args.more < 1:
        raise OptionsError(f"--continue: {args.more} is not allowed; expected an integer from 1")
    if args.more is not None and args.sprints is not None:
        raise OptionsError("--sprints and --continue exclude each other")
    if args.more is not None and args.resume:
        raise OptionsError("--resume and --continue exclude each other")
    if args.resume and args.output is None:
        raise OptionsError("--resume needs --output with the run to go on with")


def _check_free(folder: Path, args: Namespace) -> None:
    """A damaged journal is named as such where a run was to be resumed."""
    try:
        check_new(folder)
    except FolderError:
        if args.resume and (folder / JOURNAL).is_file():
            check_run(folder)
        raise


def _check_same(folder: Path, args: Namespace) -> RunConfig:
    """What is given again must be what the run was given, but for places; what is left out stays as it was.

    Returns the configuration with the places that are wished for.
    """
    stored, sprints = read_run(folder)
    settings = settings_of(args.overrides, seed=args.seed, sprints=args.sprints)
    found: list[str] = []
    config = stored.config
    if args.config is not None:
        wished = prepare(args.config, args.backlog, overrides=settings).inputs
        config = wished.config
        found = differences(stored.config, config)
        found += ["policy.calibration: its text differs"] if wished.calibration != stored.calibration else []
        found += ["policy.prompts: their texts differ"] if wished.prompts != stored.prompts else []
    elif settings:
        config = override_config(stored.config, settings)
        found = differences(stored.config, config)
    found = [line for line in found if not is_movable(line.partition(": ")[0])]
    if args.sprints in (None, sprints):
        found = [line for line in found if not line.startswith("simulation.sprints:")]
    if args.backlog is not None and load_backlog(args.backlog).text != stored.backlog:
        found.append("backlog: its text differs")
    if found:
        hint = "; use --continue for more sprints" if any("simulation.sprints:" in line for line in found) else ""
        raise OptionsError("\n".join([f"{folder} was begun with other options{hint}", *found]))
    return config


def _check_adapters(folder: Path, wished: RunConfig, *, more: bool) -> None:
    """Raises ConfigError where a version is not what it was. A run that is only verified loads none."""
    with JournalReader(folder / JOURNAL) as journal:
        asks = more or journal.state("finished") != "yes"
    if asks:
        check_adapters(wished, recorded_problem, recorded=read_run(folder)[0].adapters)


def _continue(folder: Path, more: int) -> None:
    """Let a finished run go on: forget that it ended, and how."""
    _, sprints = read_run(folder)
    with JournalReader(folder / JOURNAL) as reader:
        if reader.state("finished") != "yes":
            raise OptionsError(f"{folder} is not finished; --resume goes on with it")
        ends = next(reader.rows(kinds=("run.ended/1",)), None)
    with Journal.open(folder / JOURNAL) as journal:
        if ends is not None:
            journal.truncate_after(ends[0] - 1)
            journal.drop_effects_due_after(ends[1].time_us)  # what was asked in winding up is not asked again
        journal.set_state("sprints", str(sprints + more))
        journal.set_state("finished", "no")


def _tell(prepared: Prepared) -> None:
    """Keys that do nothing yet and what a backlog lacks are said, never silently ignored."""
    for key in prepared.unused:
        print(f"note: {key.file}:{key.line}: {key.key} is accepted, but not acted on yet")
    for sentence in prepared.lacking:
        print(f"note: {prepared.inputs.backlog_name}: {sentence}")
