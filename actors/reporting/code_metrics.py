"""Totals of executed work for reports and tables. What modelled work has no number for is None, with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from actors.reporting.code_facts import REWORK
from actors.reporting.run_info import UNMEASURED_CODE, RunInfo
from actors.reporting.sprint_record import SprintSummary, Tally
from actors.reporting.team_history import TeamHistory
from actors.reporting.writing import mean, percentage
from actors.scrum.code_messages import CodeMeasured, FoundBy

FINDERS: tuple[str, ...] = get_args(FoundBy)
_NO_CODE_ON_MAIN = "there is no such code on main, or main was not measured"
_NO_CASES = "nothing of this happened in the run"

Numbers = dict[str, Any]


def delivery_metrics(histories: Sequence[TeamHistory], tally: Tally) -> Numbers:
    """What became of the stories that sprints took on; counted in both modes, in percent where it says so."""
    summaries = [summary for history in histories for summary in history.summaries]
    accepted = sum(summary.accepted_planned for summary in summaries)
    planned = accepted + sum(len(history.wall.planned_stories) for history in histories)  # each once
    return {
        "planned_stories": planned,
        "accepted_planned_stories": accepted,
        "accepted_share_percent": percentage(accepted, planned),
        "first_time_acceptance_percent": percentage(tally["first_acceptances"], tally["first_verdicts"]),
        "rework_tasks": tally["rework"],
        **{f"rework_{reason}": tally[f"rework_{reason}"] for reason in REWORK},
    }


def code_metrics(info: RunInfo, histories: Sequence[TeamHistory], tally: Tally) -> Numbers:
    """What tests measured of the code, over the whole run; main as it was when the last sprint ended."""
    mains = [history.code.measured for history in histories if history.code.measured is not None]
    files = [one for history in histories for one in history.code.files.values()]
    complexities = [one.complexity for one in files]
    numbers = {
        **_main(mains),
        "complexity_mean": mean(complexities),  # over files; of each file its most complex function
        "canaries": sum(main.canaries for main in mains),
        "canaries_failing": sum(main.canaries_failing for main in mains),
        **_counts(tally),
        "merge_conflicts_percent": percentage(
            tally["merges_returned_conflict"], tally["merges_landed"] + tally["merges_returned"]
        ),
        **{f"defects_found_by_{finder}": tally[f"defects_found_by_{finder}"] for finder in FINDERS},
    }
    return numbers if info.executes else dict.fromkeys(numbers)


def _main(mains: Sequence[CodeMeasured]) -> Numbers:
    return {
        "test_coverage": percentage(sum(main.lines_hit for main in mains), sum(main.lines for main in mains)),
        "branch_coverage": percentage(sum(main.branches_hit for main in mains), sum(main.branches for main in mains)),
        "tests_on_main": sum(main.tests for main in mains),
        "tests_failing_on_main": sum(main.failing for main in mains),
        "complexity_max": max((main.complexity for main in mains if main.files), default=None),
    }


def _counts(tally: Tally) -> Numbers:
    cases, failed = tally["hidden_cases"], tally["hidden_failed"]
    counted = ("commits", "test_runs", "merges_landed", "merges_returned", "hidden_cases", "hidden_failed",
               "defects_made", "defects_found", "defects_escaped")  # fmt: skip
    return {name: tally[name] for name in counted} | {"hidden_passed_percent": percentage(cases - failed, cases)}


def sprint_code(info: RunInfo, summaries: Sequence[SprintSummary]) -> Numbers:
    """The same for one sprint, over its teams; stories that were carried into it count as planned in it."""
    tally: Tally = Counter()
    for summary in summaries:
        tally.update(summary.tally)
    mains = [summary.measured for summary in summaries if summary.measured is not None]
    planned = sum(summary.planned_stories for summary in summaries)
    accepted = sum(summary.accepted_planned for summary in summaries)
    measured = {**_main(mains), **_counts(tally)}
    return {
        "planned_stories": planned,
        "accepted_planned_stories": accepted,
        "accepted_share_percent": percentage(accepted, planned),
        "rework_tasks": tally["rework"],
        **(measured if info.executes else dict.fromkeys(measured)),
    }


def unmeasured_code(info: RunInfo, metrics: Mapping[str, Any]) -> dict[str, str]:
    """Why numbers about code are missing."""
    if not info.executes:
        return dict.fromkeys(code_metrics(info, (), Counter()), UNMEASURED_CODE)
    reasons = dict.fromkeys(
        ("test_coverage", "branch_coverage", "complexity_max", "complexity_mean"), _NO_CODE_ON_MAIN
    ) | dict.fromkeys(("merge_conflicts_percent", "hidden_passed_percent"), _NO_CASES)
    return {name: reason for name, reason in reasons.items() if metrics[name] is None}
