"""The question of the skill study, and its answer from the counts of all runs. Pure.

Six groups of runs with paired seeds. Skill: developers all junior, all mid, all senior. Questions: the team as it is
and the juniors, who ask most, each against the same team in which nobody asks; and, within all runs in which people
ask, criteria that were asked about against those that were not (of those where the wish is not what one would assume).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from actors.study.patterns import Interval, Statement
from actors.study.shares import Counts, Group, Measure, figure_of, is_more

JUNIOR, MID, SENIOR = "all junior", "all mid", "all senior"
USUAL, SILENT = "as usual", "nobody asks"
SILENT_JUNIOR = "all junior, nobody asks"
ASKING_ARMS, SILENT_ARMS = (USUAL, JUNIOR), (SILENT, SILENT_JUNIOR)
ACCEPTED = Measure("planned stories accepted", "stories_accepted", "stories_planned")
ESCAPED = Measure("escaped defects per landed story", "escaped", "stories_landed", is_share=False)
CRITERIA = Measure("criteria right at first showing", "criteria_right", "criteria_shown")
UNNOTICED = Measure(
    "criteria wrong on main at first showing or later, per landed story", "unnoticed", "stories_landed", is_share=False
)
MEASURES = (
    ACCEPTED,
    Measure("stories wholly right at first showing", "stories_right", "stories_shown"),
    CRITERIA,
    UNNOTICED,
    ESCAPED,
    Measure("escaped defects by mistake per landed story", "escaped_mistakes", "stories_landed", is_share=False),
    Measure("mistakes on main per landed story", "mistakes_on_main", "stories_landed", is_share=False),
    Measure("mistakes made per landed story", "mistakes", "stories_landed", is_share=False),
    Measure("found by visible tests per landed story", "found_by_tests", "stories_landed", is_share=False),
    Measure("found by the navigator per landed story", "found_by_navigator", "stories_landed", is_share=False),
    Measure("found by quality assurance per landed story", "found_by_qa", "stories_landed", is_share=False),
    Measure("points accepted per run", "points_accepted", "runs", is_share=False),
    Measure("questions per run", "questions", "runs", is_share=False),
)
BY_QUESTION = (  # of criteria, then of stories whose wish is not what one would assume
    Measure("criteria right at first showing, wish not as assumed", "right", "shown"),
    Measure("stories wholly right at first showing, wishes not as assumed", "right", "shown"),
    Measure("escaped defects per such story", "escaped", "shown", is_share=False),
)
ASKED = BY_QUESTION[0]
Runs = Mapping[str, Sequence[Counts]]  # arm -> counts of its runs, seeds in the same order in each


@dataclass(frozen=True, slots=True)
class Answer:
    """Figures with intervals, and what holds."""

    table: dict[str, dict[str, Interval | None]]  # arm -> measure -> figure
    by_question: dict[str, dict[str, Interval | None]]  # measure -> asked about or not -> figure
    verdicts: tuple[Statement, ...]
    comparisons: tuple[Statement, ...]  # told beside the verdicts; nothing is expected of them


def answer(runs: Runs) -> Answer:
    """Compare the groups. Raises KeyError when one of the six is not there."""
    runs = {arm: [_with_unnoticed(run) for run in of_seed] for arm, of_seed in runs.items()}
    table = {
        arm: {measure.text: figure_of(_group(runs, arm, measure), is_share=measure.is_share) for measure in MEASURES}
        for arm in runs
    }
    asked = {measure.text: _by_question(runs, measure) for measure in BY_QUESTION}
    return Answer(
        table=table,
        by_question={
            measure.text: {
                group: figure_of(counts, is_share=measure.is_share)
                for group, counts in zip(("asked about", "not asked about"), asked[measure.text], strict=True)
            }
            for measure in BY_QUESTION
        },
        verdicts=(
            _more(runs, "senior teams have more of their planned stories accepted than junior ones", ACCEPTED,
                  [SENIOR], [JUNIOR]),
            _more(runs, "junior teams have more escaped defects per landed story than senior ones", ESCAPED,
                  [JUNIOR], [SENIOR]),
            _more(runs, "junior teams bring more to main that nobody noticed was wrong than senior ones", UNNOTICED,
                  [JUNIOR], [SENIOR]),
            _more(runs, "teams that ask have more criteria right at first showing than those that do not", CRITERIA,
                  ASKING_ARMS, SILENT_ARMS),
            _more(runs, "teams that do not ask bring more to main that nobody noticed was wrong than those that do",
                  UNNOTICED, SILENT_ARMS, ASKING_ARMS),
            is_more("criteria that were asked about are right more often than those that were not",
                    *asked[BY_QUESTION[0].text]),
            is_more("stories about which everything was asked are wholly right more often than others",
                    *asked[BY_QUESTION[1].text]),
        ),
        comparisons=(
            _more(runs, "criteria right at first showing, senior teams less junior ones", CRITERIA, [SENIOR], [JUNIOR]),
            _more(runs, "planned stories accepted, teams that ask less those that do not", ACCEPTED,
                  ASKING_ARMS, SILENT_ARMS),
            _more(runs, "escaped defects per landed story, teams that do not ask less those that do", ESCAPED,
                  SILENT_ARMS, ASKING_ARMS),
        ),
    )  # fmt: skip


def _with_unnoticed(run: Counts) -> Counts:
    """Also count what the team took for done although it was wrong: the sprint review or a canary found it on main."""
    return {**run, "unnoticed": run["criteria_shown"] - run["criteria_right"] + run["escaped"]}


def _more(runs: Runs, text: str, measure: Measure, more: Sequence[str], less: Sequence[str]) -> Statement:
    groups = (_summed(runs, arms, measure.part, measure.whole) for arms in (more, less))
    return is_more(text, *groups)


def _group(runs: Runs, arm: str, measure: Measure) -> Group:
    return Group.of(runs[arm], measure.part, measure.whole)


def _summed(runs: Runs, arms: Sequence[str], part: str, whole: str) -> Group:
    """Counts of each seed, summed over its runs in several arms."""
    by_seed = zip(*(runs[arm] for arm in arms), strict=True)
    return Group.of(
        [{name: sum(run[name] for run in of_seed) for name in (part, whole)} for of_seed in by_seed], part, whole
    )


def _by_question(runs: Runs, measure: Measure) -> tuple[Group, Group]:
    """What was asked about and what was not, over all runs in which people ask."""
    asking = [arm for arm in runs if arm not in SILENT_ARMS]
    names = ("asked", "unasked") if measure is ASKED else ("cleared", "uncleared")
    asked, unasked = (_summed(runs, asking, f"{name}_{measure.part}", f"{name}_{measure.whole}") for name in names)
    return asked, unasked
