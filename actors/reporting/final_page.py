"""`final_report.md`: the final report for people, the summary first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actors.reporting.code_facts import REWORK
from actors.reporting.code_metrics import FINDERS
from actors.reporting.writing import one_line, percent, shown, sparkline, table

Report = Mapping[str, Any]


def final_page(report: Report) -> str:
    """The page, from the value of `final_report.json`."""
    title = one_line(report["experiment"]) or "Scrummage run"
    parts = [
        f"# {title}",
        _summary(report),
        "## Sprints\n\n" + _sprints(report),
        *_code(report),
        *_judgement(report["judgement"]),
        *_hands(report["hands"]),
        "## Disturbances\n\n" + _disturbances(report),
        "## People\n\n" + _people(report),
        "## Dead letters\n\n" + _dead_letters(report),
        "## What was not measured\n\n" + _unmeasured(report),
    ]
    return "\n\n".join(parts) + "\n"


def _summary(report: Report) -> str:
    metrics = report["metrics"]
    velocity = [sprint["velocity"] for sprint in report["sprints"].values()]
    teams = ", ".join(report["teams"])
    lines = [f"- {report['total_sprints']} sprints from {report['start_date']}, seed {report['seed']}, team {teams}"]
    lines += _delivery(metrics, sparkline(velocity))
    lines += _quality(metrics) if metrics["commits"] is not None else []
    lines += _collaboration(metrics)
    lines.append(f"- {report['events']} events, digest `{report['event_digest']}`")
    lines += [f"- team {name} stopped: {team['ended']}" for name, team in report["teams"].items() if team["ended"]]
    return "\n".join(lines)


def _judgement(judgement: Report) -> list[str]:
    """What was decided by a model; nothing where calibrated rules decided."""
    if judgement["by"] != "model":
        return []
    rows = [
        [name.replace("_", " "), *(str(count[what]) for what in ("asked", "repaired", "failed"))]
        for name, count in judgement["decisions"].items()
    ]
    told = (
        f"Decisions by the model that answered: {_models(judgement)}. A failed one was replaced by the cautious choice."
    )
    return [f"## Judgement\n\n{told}\n\n" + table(["decision", "asked", "repaired", "failed"], rows)]


def _hands(hands: Report) -> list[str]:
    """What a model did to write the code; nothing where calibrated hands wrote."""
    if hands["by"] != "llm":
        return []
    rows = [
        [name.replace("_", " "), str(count["used"]), str(count["refused"])] for name, count in hands["tools"].items()
    ]
    tokens = f"{shown(hands['prompt_tokens'])} prompt and {shown(hands['completion_tokens'])} completion tokens"
    told = (
        f"Tool calls by the model that wrote: {_models(hands)}. {hands['repaired']} answers were repaired; where one "
        f"failed ({hands['failed']}), nothing more was written in that quarter. They took {tokens}."
    )
    return [f"## Hands\n\n{told}\n\n" + table(["tool", "used", "refused"], rows)]


def _models(part: Report) -> str:
    models = ", ".join(f"{one_line(name)} ({count})" for name, count in part["models"].items()) or "none"
    adapters = ", ".join(f"{one_line(name)} ({count})" for name, count in part["adapters"].items())
    return f"{models}; of these through adapters: {adapters}" if adapters else models


def _delivery(metrics: Report, bars: str) -> list[str]:
    means = [shown(metrics[name]) for name in ("avg_velocity", "velocity_first_3", "velocity_last_3")]
    stories, points, planned = metrics["total_features"], metrics["total_points"], metrics["planned_points"]
    kept, overrun = percent(metrics["commitment_kept"]), percent(metrics["mean_overrun"])
    taken, share = metrics["planned_stories"], shown(metrics["accepted_share_percent"], " %")
    first = shown(metrics["first_time_acceptance_percent"], " %")
    return [
        f"- velocity {bars} mean {means[0]}, first three {means[1]}, last three {means[2]} points",
        f"- {stories} stories with {points} points accepted, {kept} of the {planned} points planned",
        f"- {taken} stories were taken on, {share} of them accepted; {first} without notes when first judged",
        f"- cycle time {shown(metrics['cycle_time_avg_hours'], ' h')}; tasks took {overrun} more than estimated",
    ]


def _quality(metrics: Report) -> list[str]:
    lines, branches = shown(metrics["test_coverage"], " %"), shown(metrics["branch_coverage"], " %")
    tests, failing = metrics["tests_on_main"], metrics["tests_failing_on_main"]
    passed, cases = shown(metrics["hidden_passed_percent"], " %"), metrics["hidden_cases"]
    made, found, escaped = (metrics[f"defects_{name}"] for name in ("made", "found", "escaped"))
    landed, returned = metrics["merges_landed"], metrics["merges_returned"]
    conflicts = shown(metrics["merge_conflicts_percent"], " %")
    return [
        f"- main: {tests} tests, {failing} of them red, run {lines} of the lines and {branches} of the branches",
        f"- hidden tests: {passed} of {cases} passed in sprint reviews",
        f"- {made} defects made, {found} found, {escaped} escaped",
        f"- {metrics['commits']} commits, {landed} merges, {returned} returned; {conflicts} of merges conflicted",
    ]


def _collaboration(metrics: Report) -> list[str]:
    sessions, consensus = metrics["pairing_sessions"], percent(metrics["consensus_rate"])
    asked, hits = metrics["junior_questions"], percent(metrics["junior_question_hit_rate"])
    dismissed, right = percent(metrics["dismissal_rate"]), percent(metrics["triage_accuracy"])
    return [
        f"- {sessions} pairing sessions, consensus in {consensus}, {metrics['escalations']} escalations",
        f"- {asked} junior questions: {hits} changed something, {dismissed} were dismissed",
        f"- {metrics['disturbances']} disturbances, severity judged right in {right}",
    ]


def _sprints(report: Report) -> str:
    header = ("sprint", "velocity", "planned", "stories", "carried", "sessions", "consensus", "cycle h", "questions",
              "changed", "disturbances")  # fmt: skip
    rows = [
        (
            number,
            shown(sprint["velocity"]),
            shown(sprint["planned_points"]),
            shown(sprint["features_completed"]),
            shown(sprint["carried_stories"]),
            shown(sprint["pairing_sessions"]),
            percent(sprint["consensus_rate"]),
            shown(sprint["cycle_time_avg"]),
            shown(sprint["junior_questions"]),
            shown(sprint["junior_changes"]),
            ", ".join(case["type"] for case in sprint["disturbances"]) or "–",
        )
        for number, sprint in report["sprints"].items()
    ]
    return table(header, rows)


def _code(report: Report) -> list[str]:
    """The code, sprint by sprint; nothing where work is modelled."""
    if report["metrics"]["commits"] is None:
        return []
    header = ("sprint", "tests", "red", "lines %", "branches %", "complexity", "commits", "merges", "returned",
              "hidden passed %", "defects made", "found", "escaped", "rework")  # fmt: skip
    fields = ("tests_on_main", "tests_failing_on_main", "test_coverage", "branch_coverage", "complexity_max", "commits",
              "merges_landed", "merges_returned", "hidden_passed_percent", "defects_made", "defects_found",
              "defects_escaped", "rework_tasks")  # fmt: skip
    rows = [(number, *(shown(sprint[name]) for name in fields)) for number, sprint in report["sprints"].items()]
    return ["## Code\n\n" + table(header, rows) + "\n\n" + _finders(report["metrics"])]


def _finders(metrics: Report) -> str:
    found = ", ".join(f"{finder} {metrics[f'defects_found_by_{finder}']}" for finder in FINDERS)
    rework = ", ".join(f"{reason} {metrics[f'rework_{reason}']}" for reason in REWORK)
    return f"Defects by who found them first: {found}. Tasks of rework by what asked for them: {rework}."


def _disturbances(report: Report) -> str:
    cases = [case for sprint in report["sprints"].values() for case in sprint["disturbances"]]
    if not cases:
        return "None struck."
    header = ("id", "type", "severity", "judged", "stories", "judged", "response", "cost min", "spent min")
    fields = ("id", "type", "severity", "assessed_severity", "blast", "assessed_blast", "response", "cost_minutes",
              "spent_minutes")  # fmt: skip
    return table(header, [[shown(case[name]) for name in fields] for case in cases])


def _people(report: Report) -> str:
    header = ("agent", "seniority", "drove", "navigated", "questions", "changed", "knowledge", "familiarity")
    fields = ("seniority", "sessions_as_driver", "sessions_as_navigator", "questions",
              "questions_that_changed_something", "knowledge_mean_permille", "familiarity_mean_permille")  # fmt: skip
    rows = [
        [agent, *(shown(person[name]) for name in fields)]
        for team in report["teams"].values()
        for agent, person in team["people"].items()
    ]
    return table(header, rows) + "\n\nKnowledge and familiarity are means in thousandths, as reviewed last."


def _dead_letters(report: Report) -> str:
    if not report["dead_letters"]:
        return "None: every message was handled."
    rows = [
        (
            actor,
            shown(sum(letters["by_message"].values())),
            ", ".join(sorted(letters["by_message"])),
            letters["last_error"],
        )
        for actor, letters in sorted(report["dead_letters"].items())
    ]
    return table(("actor", "count", "messages", "last error"), rows)


def _unmeasured(report: Report) -> str:
    names: dict[str, list[str]] = {}
    for name, reason in sorted(report["unmeasured"].items()):
        names.setdefault(reason, []).append(name)
    return "\n".join(f"- {', '.join(missing)}: {reason}" for reason, missing in names.items())
