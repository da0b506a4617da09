"""The command line of `python -m tests.qualification.qualify`: may this model play this role?

Status 0: every part was passed. 1: one was not. 2: the command makes no sense, or the engine is not there.
75: the engine was lost on the way, so nothing is said about the model.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from actors.policy.prompting.errors import PromptError
from actors.policy.prompting.prompts import Prompts, load_prompts
from actors.work.sandbox.errors import LayerMissingError
from config.errors import ConfigError, Problem
from config.team_sections import ModelsSection
from inference.engines.loading import EngineLoadError, load_engine, read_plan
from inference.text import EngineLostError, ServedText
from tests.qualification.candidates import (
    BehaviouralCandidate,
    Candidate,
    ModelCandidate,
    NotAskedError,
    Progress,
    RandomCandidate,
)
from tests.qualification.decisions import qualify_decisions
from tests.qualification.instructions import qualify_instructions
from tests.qualification.katas import qualify_katas
from tests.qualification.latency import limited, qualify_latency
from tests.qualification.profiles import Profile, known_roles, profile_of, read_profile
from tests.qualification.results import SHOWN, PartResult, not_asked

PARTS = ("decisions", "instructions", "katas", "latency")
ENGINES = ("openai", "vllm", "behavioural", "random")
BUILDERS = {"openai": "inference.engines.openai_serving:build", "vllm": "inference.engines.vllm.serving:build"}
BASELINE_SEED = 1
EXAMPLES = """examples:
  qualify --role developer --model Qwen/Qwen2.5-7B-Instruct --endpoint http://127.0.0.1:8000
  qualify --role tester --model outputs/house-model --engine vllm --parts decisions latency
  qualify --role developer --engine random --parts decisions
"""


class ExitCode(IntEnum):
    """What a command ends with."""

    PASSED = 0
    FAILED = 1
    BAD_INPUT = 2
    ENGINE_LOST = 75


def main(argv: Sequence[str] | None = None) -> int:
    """Qualify one candidate and print what came out."""
    args = _parse(argv)
    try:
        profile = read_profile(args.profile) if args.profile else profile_of(args.role)
        parts = _parts(args.parts, profile)
        prompts = load_prompts(args.prompts)
        candidate = _candidate(args)
    except (ConfigError, PromptError, EngineLoadError, EngineLostError, ValueError) as error:
        print(f"qualify: {error}", file=sys.stderr)
        return ExitCode.BAD_INPUT
    try:
        results = [_hold(part, candidate, profile, prompts, args) for part in parts]
    except EngineLostError as error:
        print(f"qualify: the engine was lost, nothing is said about the model: {error}", file=sys.stderr)
        return ExitCode.ENGINE_LOST
    except LayerMissingError as error:
        print(f"qualify: {error}", file=sys.stderr)
        return ExitCode.BAD_INPUT
    finally:
        candidate.close()
    is_passed = all(result.is_passed for result in results)
    if args.json:
        print(json.dumps(_document(args, profile, results, is_passed=is_passed), indent=2, sort_keys=True))
    else:
        _show(args, profile, results, is_passed=is_passed)
    return ExitCode.PASSED if is_passed else ExitCode.FAILED


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.qualification.qualify",
        description=(__doc__ or "").partition("\n")[0],
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", default="", help="name at the server, or the folder of a model for vllm")
    parser.add_argument("--role", default="", help=f"one of {', '.join(known_roles())}")
    parser.add_argument("--engine", choices=ENGINES, default="openai", help="what runs it (default openai)")
    parser.add_argument("--endpoint", default="", help="server with OpenAI's chat completions, for --engine openai")
    parser.add_argument("--token-file", default="", help="file with the server's bearer token and nothing else")
    parser.add_argument("--plan", type=Path, help="JSON file with more of the plan of --engine vllm")
    parser.add_argument("--profile", type=Path, help="thresholds in place of those of the role")
    parser.add_argument("--prompts", type=Path, help="folder with templates in place of the shipped ones")
    parser.add_argument("--parts", nargs="+", metavar="PART", help=f"only these of {', '.join(PARTS)}")
    parser.add_argument("--temperature", type=_temperature, default=0, help="of the model (default 0)")
    parser.add_argument("--unguided", action="store_true", help="enforce no schema of decisions: the model on its own")
    parser.add_argument("--p99", type=float, metavar="S", help="wall seconds that an answer may take, 99 of 100")
    parser.add_argument("--accept-missing", nargs="*", default=[], metavar="LAYER", help="of the sandbox, for katas")
    parser.add_argument("--json", action="store_true", help="everything as JSON on standard output")
    args = parser.parse_args(argv)
    if not args.role and not args.profile:
        parser.error(f"--role is needed: one of {', '.join(known_roles())}")
    if args.engine in BUILDERS and not args.model:
        parser.error(f"--model is needed for --engine {args.engine}")
    if args.engine == "openai" and not args.endpoint:
        parser.error("--endpoint is needed for --engine openai, for instance http://127.0.0.1:8000")
    return args


def _temperature(text: str) -> int:
    value = float(text)
    if not 0 <= value <= 2:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to 2")
    return round(1000 * value)


def _parts(named: Sequence[str] | None, profile: Profile) -> list[str]:
    """The parts to hold. Raises ConfigError for one that there is not, or that the role does not have."""
    usual = [part for part in PARTS if part != "katas" or profile.katas is not None]
    for part in named or ():
        if part not in usual:
            allowed = f"some of {', '.join(usual)} for {profile.role}"
            raise ConfigError((Problem(file="command line", line=0, key="--parts", message=part, allowed=allowed),))
    return [part for part in usual if not named or part in named]


def _candidate(args: argparse.Namespace) -> Candidate:
    """Raises EngineLoadError, EngineLostError, ValueError."""
    match args.engine:
        case "behavioural":
            return BehaviouralCandidate(BASELINE_SEED)
        case "random":
            return RandomCandidate()
        case _:
            served = load_engine(BUILDERS[args.engine], _plan(args))
            assert isinstance(served, ServedText), "both builders make text engines"
            return ModelCandidate(
                served, model=_served_name(args), temperature_permille=args.temperature, progress=_progress()
            )


def _served_name(args: argparse.Namespace) -> str:
    return args.model if args.engine == "openai" else Path(args.model).name


def _plan(args: argparse.Namespace) -> dict[str, Any]:
    if args.engine == "openai":
        base_url = ModelsSection(vllm_endpoint=args.endpoint).base_url
        return {"base_url": base_url, "token_file": args.token_file, "models": [args.model]}
    more = read_plan(args.plan) if args.plan else {}
    return {"model": args.model, "served_name": _served_name(args), **more}


def _progress() -> Progress:
    """Every tenth of a part as a line on standard error."""
    said = [0]

    def say(done: int, of: int) -> None:
        tenth = 10 * done // of
        if tenth != said[0]:
            said[0] = tenth
            print(f"{done} of {of} answered", file=sys.stderr)

    return say


def _hold(part: str, candidate: Candidate, profile: Profile, prompts: Prompts, args: argparse.Namespace) -> PartResult:
    print(f"qualify: {part}", file=sys.stderr)
    guided = not args.unguided
    held: dict[str, Callable[[], PartResult]] = {
        "decisions": lambda: qualify_decisions(candidate, profile.decisions, profile.role, prompts, is_guided=guided),
        "instructions": lambda: qualify_instructions(candidate, profile),
        "latency": lambda: qualify_latency(
            candidate, limited(profile.latency, p99_s=args.p99), profile.role, prompts, is_guided=guided
        ),
    }
    if profile.katas is not None:
        katas = profile.katas
        held["katas"] = lambda: qualify_katas(candidate, katas, frozenset(args.accept_missing))
    try:
        return held[part]()
    except NotAskedError as error:
        return not_asked(part, str(error))


def _document(
    args: argparse.Namespace, profile: Profile, results: Sequence[PartResult], *, is_passed: bool
) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "model": args.model or args.engine,
        "engine": args.engine,
        "role": profile.role,
        "passed": is_passed,
        "parts": [result.to_json() for result in results],
    }


def _show(args: argparse.Namespace, profile: Profile, results: Sequence[PartResult], *, is_passed: bool) -> None:
    console = Console(width=120)
    table = Table(title=f"{args.model or args.engine} as {profile.role} (95 % intervals)", title_justify="left")
    for column in ("part", "measured", "wanted", ""):
        table.add_column(column)
    for result in results:
        table.add_row(result.part, result.what, result.wanted, _verdict(result.is_passed))
        for name, value in result.figures.items():
            if name == "random_play":
                table.add_row("  random play", f"{value:.1%}", "", "")
        for name, share in result.groups.items():
            low, high = share.interval
            table.add_row(f"  {name}", f"{share.passed} of {share.tried} ({low:.0%} to {high:.0%})", "", "")
    console.print(table)
    for result in results:
        for failure in result.failures[:SHOWN]:
            console.print(f"{result.part}: {failure}", markup=False, soft_wrap=True)
        if len(result.failures) > SHOWN:
            console.print(f"{result.part}: and {len(result.failures) - SHOWN} more (--json has all)", markup=False)
    console.print(f"{profile.role}: {_verdict(is_passed)}")


def _verdict(is_passed: bool) -> str:
    return "[green]pass[/]" if is_passed else "[bold red]fail[/]"
