"""The command line of `python -m training.house`."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from actors.policy.prompting.errors import PromptError
from actors.simulation.exit_codes import ExitCode
from actors.simulation.folders import FolderError, next_free_folder
from actors.simulation.session import CodeChangedError
from brokers.journal.errors import JournalError
from inference.setup_check import SetupError, check_setup, installed_versions
from inference.text import EngineLostError
from training.house.folder import CONFIG, HouseModelError, holds_model, write_json
from training.house.progress import Spent
from training.house.results import EVALUATION, measured, read_evaluation, read_lines, write_judgements
from training.house.scoring import OBSERVATIONS, RUNS, TEMPERATURE_PERMILLE, Line
from training.house.showing import LEGEND, lines_of

MODEL = Path("outputs/house-model")
_EXAMPLES = """examples:
  python -m training.house train --output outputs/house-model
  python -m training.house evaluate --model outputs/house-model
  python -m training.house simulate --sprints 2 --seed 1
  python -m training.house judge-run outputs/house-run
  python -m training.house judge-run outputs/house-run --model outputs/house-model

exit status: 0 done, 1 a fault of ours, 2 bad input or something is not installed; `simulate` also those of a run
"""


def main(argv: list[str]) -> int:
    """Carry out one command; bad input ends with status 2 and one line."""
    args = _parser().parse_args(argv)
    try:
        check_setup(installed_versions())
        code: int = args.carry_out(args)
    except SetupError as error:
        for problem in error.problems:
            print(f"house: {problem}", file=sys.stderr)
        return ExitCode.BAD_INPUT
    except (HouseModelError, PromptError, FolderError, JournalError, EngineLostError, CodeChangedError) as error:
        print(f"house: {error}", file=sys.stderr)
        return ExitCode.BAD_INPUT
    return code


def train(args: argparse.Namespace) -> int:
    """Train a model and say what came of it."""
    from training.house.making import Order, make_model

    facts = make_model(Order(output=args.output, seed=args.seed, jobs=args.jobs, share_permille=args.share_permille))
    print(f"learned   {facts['examples']} examples of {facts['decisions']} decisions in {facts['steps']} steps")
    print(f"loss      {facts['loss'][0]:.3f} to {facts['loss'][-1]:.3f} nats a token; of answers that it never saw:")
    for kind, loss in facts["held_out_loss"].items():
        print(f"          {kind.replace('_', ' '):20} {loss:.3f}")
    print(f"model     {facts['parameters']:,} parameters, {facts['seconds']:.0f} s, in {args.output}")
    return ExitCode.OK


def evaluate(args: argparse.Namespace) -> int:
    """Evaluate a model on observations of other runs."""
    from training.house.evaluating import evaluate as evaluated

    lines = evaluated(
        args.model,
        observations=args.observations,
        temperature_permille=args.temperature_permille,
        runs=args.held_out_runs,
        jobs=args.jobs,
    )
    if not args.quiet:
        print("\n".join((*lines_of(lines, f"{args.model} on observations of other runs"), LEGEND)))
        print(f"results   {args.model / EVALUATION}")
    return ExitCode.OK


def judge_run(args: argparse.Namespace) -> int:
    """Score the judgements of a run; with a model, also what that says to held-out observations."""
    if args.model is not None:
        return _score(args.run, args)
    lines = _judged(args.run, allow_code_change=args.allow_code_change)
    print("\n".join((*lines_of(lines, f"judgements of {args.run}"), LEGEND)))
    if args.json is not None:
        write_json(args.json, measured(lines))
        print(f"results   {args.json}")
    return ExitCode.OK


def simulate(args: argparse.Namespace) -> int:
    """Train the model if it is not there, run sprints with it, score what it judged there and what of held-out runs."""
    from actors.simulation.__main__ import main as simulation

    if not holds_model(args.model):
        # In a process of its own: what training needs is not in memory while the run goes on.
        command = ["-m", "training.house", "train", "--output", str(args.model), "--jobs", str(args.jobs)]
        code = _status_of(command)
        if code:
            return code
    folder: Path = args.output or next_free_folder()
    settings = [f"models.vllm.model={args.model}", *args.settings]
    options = ["--config", str(CONFIG), "--sprints", str(args.sprints), "--seed", str(args.seed)]
    began = Spent.now()
    code = simulation(["run", *options, "--output", str(folder), *settings])
    if code:
        return code
    ran, began = Spent.now() - began, Spent.now()
    code = simulation(["replay", str(folder)])  # in this process, as the run: both times are without Python's start
    if code:
        return code
    replayed = Spent.now() - began
    print(f"run       {ran}; replay without the engine {replayed}, {ran.wall_s / replayed.wall_s:.0f} x faster")
    return _score(folder, args)


def _score(folder: Path, args: argparse.Namespace) -> int:
    """Print and write what was judged in a run, and beside it what the same model says to held-out observations."""
    lines = _judged(folder, allow_code_change=args.allow_code_change)
    print("\n".join(lines_of(lines, f"judgements in this run, {folder}")), flush=True)
    # In a process of its own, too: an engine of vLLM stays in memory as long as its process.
    command = ["-m", "training.house", "evaluate", "--quiet", "--model", str(args.model), "--jobs", str(args.jobs)]
    numbers = ["--held-out-runs", str(args.held_out_runs), "--observations", str(args.observations)]
    code = _status_of([*command, *numbers])
    if code:
        return code
    held_out = read_evaluation(args.model)
    title = "held out: the same model through vLLM, on observations of runs that were neither learned from nor this one"
    print("\n".join((*lines_of(read_lines(held_out), title), LEGEND)))
    print(f"results   {write_judgements(folder, in_run=measured(lines), held_out=held_out)}")
    return ExitCode.OK


def _status_of(arguments: list[str]) -> int:
    """Run a command of ours in a process of its own and wait for it."""
    return subprocess.run([sys.executable, *arguments], check=False).returncode  # noqa: S603 - our own interpreter


def _judged(folder: Path, *, allow_code_change: bool = False) -> list[Line]:
    from training.house.run_judgements import scores_of
    from training.house.scoring import table

    return table(scores_of(folder, allow_code_change=allow_code_change))


def _parser() -> argparse.ArgumentParser:
    look = argparse.ArgumentDefaultsHelpFormatter
    parser = argparse.ArgumentParser(
        prog="python -m training.house",
        description="The house model: about a million parameters that judge as the behavioural policy does.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="{train,evaluate,simulate,judge-run}")
    one = commands.add_parser("train", help="train the model", formatter_class=look)
    one.add_argument("--output", type=Path, default=MODEL, help="folder of the model; one that is there is replaced")
    one.add_argument("--seed", type=int, default=1, help="of weights and examples")
    one.add_argument("--share-permille", type=_permille, default=1000, help="of the usual number of examples")
    one.set_defaults(carry_out=train)
    two = commands.add_parser("evaluate", help="ask it about observations it never saw", formatter_class=look)
    two.add_argument("--model", type=Path, default=MODEL, help="folder of the model")
    two.add_argument("--quiet", action="store_true", help="print no table")
    two.add_argument(
        "--temperature-permille",
        type=_temperature,
        default=TEMPERATURE_PERMILLE,
        help="0: the likeliest token each time",
    )
    two.set_defaults(carry_out=evaluate)
    three = commands.add_parser("simulate", help="run sprints that it judges", formatter_class=look)
    three.add_argument("--model", type=Path, default=MODEL, help="folder of the model; trained if it is not there")
    three.add_argument("--output", type=Path, help="folder of the run; by default the next free one in outputs/")
    three.add_argument("--sprints", type=_count, default=2)
    three.add_argument("--seed", type=int, default=1)
    three.add_argument("settings", nargs="*", help="settings of the run, key=value")
    three.set_defaults(carry_out=simulate, allow_code_change=False)
    four = commands.add_parser("judge-run", help="score the judgements of a run", formatter_class=look)
    four.add_argument("run", type=Path, help="folder of the run")
    four.add_argument("--allow-code-change", action="store_true", help="score a run that other code recorded")
    where = four.add_mutually_exclusive_group()
    where.add_argument("--json", type=Path, help="file for the figures")
    where.add_argument("--model", type=Path, help="ask it about held-out observations, too; figures go into the run")
    four.set_defaults(carry_out=judge_run)
    for command in (one, two, three, four):
        command.add_argument("--jobs", type=_count, default=2, help="processes that simulate transcripts")
    for command in (two, three, four):
        command.add_argument("--observations", type=_count, default=OBSERVATIONS, help="held out, of each kind")
        command.add_argument("--held-out-runs", type=_count, default=RUNS, help="that they are taken from")
    return parser


def _count(text: str) -> int:
    return _whole(text, 1, 100_000)


def _permille(text: str) -> int:
    return _whole(text, 1, 10_000)


def _temperature(text: str) -> int:
    return _whole(text, 0, 2_000)


def _whole(text: str, low: int, high: int) -> int:
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise argparse.ArgumentTypeError(f"{text!r} is not allowed; expected an integer from {low} to {high}")
    return int(text)
