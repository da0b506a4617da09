"""The screen a run ends with: velocity by sprint, totals, and where the results are."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from actors.reporting.writing import percent, shown

WORKSPACE = "workspace"  # the git repository of a run, or a folder with one for each team
_BAR_WIDTH = 40
_MOST_ROWS = 20  # one screen: a longer run shows its latest sprints


def show_summary(report: Mapping[str, Any], folder: Path, console: Console | None = None) -> None:
    """Print one screen from the value of `final_report.json`; plain text where the output is no terminal."""
    console = console or Console()
    console.print(_velocity_table(report["sprints"]))
    for line in _totals(report):
        console.print(line, highlight=False, soft_wrap=True)
    if report["metrics"]["commits"] is not None:
        console.print(f"workspace {folder / WORKSPACE}", highlight=False, soft_wrap=True, markup=False)
    console.print(f"results   {folder}", highlight=False, soft_wrap=True, markup=False)


def _velocity_table(sprints: Mapping[str, Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, show_edge=False)
    table.add_column("sprint", justify="right")
    table.add_column("velocity", style="cyan", no_wrap=True)
    table.add_column("points", justify="right")
    table.add_column("stories", justify="right")
    table.add_column("disturbances", justify="right")
    top = max((sprint["velocity"] for sprint in sprints.values()), default=0)
    for number, sprint in list(sprints.items())[-_MOST_ROWS:]:
        length = sprint["velocity"] * _BAR_WIDTH // top if top else 0
        counts = (sprint["velocity"], sprint["features_completed"], len(sprint["disturbances"]))
        table.add_row(number, "█" * length, *map(str, counts))
    return table


def _totals(report: Mapping[str, Any]) -> list[str]:
    metrics = report["metrics"]
    stories, points, sprints = metrics["total_features"], metrics["total_points"], report["total_sprints"]
    mean, cycle = shown(metrics["avg_velocity"]), shown(metrics["cycle_time_avg_hours"], " h")
    sessions, consensus = metrics["pairing_sessions"], percent(metrics["consensus_rate"])
    hits, knowledge = percent(metrics["junior_question_hit_rate"]), shown(metrics["knowledge_mean_permille"], " ‰")
    struck, right = metrics["disturbances"], percent(metrics["triage_accuracy"])
    return [
        f"delivered {stories} stories, {points} points in {sprints} sprints, mean velocity {mean}, cycle time {cycle}",
        *_code(metrics),
        *_judgement(report["judgement"]),
        *_hands(report["hands"]),
        *_ledger(report.get("ledger")),
        f"pairing   {sessions} sessions, consensus in {consensus}, {metrics['escalations']} escalations",
        f"learning  {metrics['junior_questions']} junior questions ({hits} mattered), mean knowledge {knowledge}",
        f"trouble   {struck} disturbances, triage right in {right}, {metrics['dead_letters']} dead letters",
        f"log       {report['events']} events, digest {report['event_digest']}",
    ]


def _code(metrics: Mapping[str, Any]) -> list[str]:
    """What tests say about main, and what it took; nothing where work is modelled."""
    if metrics["commits"] is None:
        return []
    tests, red = metrics["tests_on_main"], metrics["tests_failing_on_main"]
    state = f"{tests} tests on main, {red} of them red" if red else f"{tests} tests green on main"
    lines, branches = (_whole_percent(metrics[name]) for name in ("test_coverage", "branch_coverage"))
    merges = f"{metrics['merges_landed']} merges, {metrics['merges_returned']} returned"
    work = f"{metrics['commits']} commits, {merges}"
    escaped = metrics["defects_escaped"]
    return [f"code      {state}, {lines} of lines, {branches} of branches; {work}; {escaped} defects escaped"]


def _judgement(judgement: Mapping[str, Any]) -> list[str]:
    """Which model decided, and how well it did; nothing where calibrated rules did."""
    if judgement["by"] != "model":
        return []
    return [f"judged    {judgement['asked']} decisions, {_cost(judgement)}"]


def _hands(hands: Mapping[str, Any]) -> list[str]:
    """Which model wrote the code, and what it took; nothing where calibrated hands did."""
    if hands["by"] != "llm":
        return []
    refused = sum(tool["refused"] for tool in hands["tools"].values())
    return [f"wrote     {hands['asked']} tool calls asked for, {refused} refused, {_cost(hands)}"]


def _cost(part: Mapping[str, Any]) -> str:
    models = ", ".join((*part["models"], *part["adapters"])) or "no model"
    tokens = f"{shown(part['prompt_tokens'])} prompt and {shown(part['completion_tokens'])} completion tokens"
    return f"{part['repaired']} repaired, {part['failed']} failed; {tokens}; by {models}"


def _ledger(ledger: Mapping[str, Any] | None) -> list[str]:
    """What models cost, and whether a budget ended before the run; nothing where none was asked."""
    if ledger is None:
        return []
    price = f"{ledger['price']} {ledger['currency']}" if ledger["price"] is not None else "no price"
    tokens = f"{ledger['prompt_tokens']} prompt and {ledger['completion_tokens']} completion tokens"
    lines = [f"spent     {tokens} in {ledger['answers']} answers; {price}"]
    exhausted = [f"{one['agent'] or 'the run'} at {one['at']}" for one in ledger["budgets_exhausted"]]
    if exhausted:
        lines.append(f"budget    spent: {', '.join(exhausted)}; from then on the cautious choice")
    return lines


def _whole_percent(value: float | None) -> str:
    """Rounded down: 100 % means all of them."""
    return "–" if value is None else f"{floor(value)} %"
