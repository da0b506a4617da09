"""Observations and answers of every kind, shipped ones and generated ones, also such as no model should give."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from actors.policy.asking import TOPICS
from actors.policy.calibration import shipped_calibration
from actors.policy.decisions import (
    AnswerChoice,
    CheckpointChoice,
    CriterionChoice,
    EscalationChoice,
    Experience,
    HelpChoice,
    Person,
    PlanChoice,
    PointsChoice,
    QaChoice,
    QuestionChoice,
    ReportChoice,
    RetroChoice,
    ReviewChoice,
    StoryView,
    TaskChoice,
    ToolChoice,
    TopicExperience,
    TriageChoice,
    WriteCode,
)
from actors.policy.dice import Dice
from actors.policy.judgements import RULES, judge
from actors.policy.pairing import ISSUES
from actors.policy.prompting.forms import ALL_CATEGORIES
from actors.policy.reflecting import GOOD
from actors.scrum.stories import FIBONACCI
from actors.work.tools.calls import TOOLS
from tests.actors.policy import people

_CALIBRATION = shipped_calibration()
TROUBLES = ("merge_conflict", "overrun_tasks", "flaky_test")


def writing(**changed: Any) -> WriteCode:
    fields: dict[str, Any] = {
        "person": people.person(),
        "story": people.story(),
        "knowledge_permille": 300,
        "task": "Build: pages",
        "due": (1, 2),
        "answers": ("criterion 1, limits: fifty at most",),
        "remarks": ("tests/test_pages.py::test_last is red",),
        "module_path": "src/pages.py",
        "test_path": "tests/test_pages.py",
        "files": ("src/pages.py", "tests/test_pages.py"),
        "earlier": ("list_files: 2 files",),
        "last_tool": "list_files",
        "last_result": "2 files",
        "last_is_refused": False,
        "steps_left": 30,
        "edits_left": 10,
        "runs_left": 4,
    }
    return WriteCode(**(fields | changed))


def one_of_each() -> tuple[Any, ...]:
    """One observation of each kind."""
    return (*people.one_of_each(), writing())


# -- observations -----------------------------------------------------------------------------------------------------

permille = st.integers(0, 1000)
few = st.integers(0, 5)
names = st.text("abcdefgh_", min_size=1, max_size=12)
sentences = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=60).filter(str.strip)
pairs = st.tuples(st.integers(1, 6), st.sampled_from(TOPICS)).map(lambda pair: f"{pair[0]}:{pair[1]}")

persons = st.builds(
    Person,
    agent=names,
    seniority=st.sampled_from(("junior", "mid", "senior")),
    roles=st.just(("developer",)),
    specialization=names,
    auxiliaries=st.lists(names, max_size=2).map(tuple),
)
stories = st.builds(
    StoryView,
    story_id=names,
    title=sentences,
    criteria=st.lists(sentences, max_size=5).map(tuple),
    module=names,
    specialization=st.one_of(st.just(""), names),
    sized_points=st.sampled_from(FIBONACCI),
    answered=st.lists(pairs, max_size=30).map(tuple),
)
experiences = st.lists(
    st.builds(
        Experience,
        topic=st.sampled_from((*GOOD, *TROUBLES)),
        count=few,
        minutes=st.integers(0, 500),
        where=st.just("api"),
    ),
    max_size=6,
    unique_by=lambda one: one.topic,
).map(tuple)
_candidates = st.lists(names, max_size=4, unique=True)
_CHANGES: dict[str, st.SearchStrategy[Any]] = {
    "person": persons,
    "story": stories,
    "knowledge_permille": permille,
    "familiarity_permille": permille,
    "symptom_permille": permille,
    "progress_permille": permille,
    "expected_permille": permille,
    "phase": st.sampled_from(("refinement", "pairing")),
    "experience": st.lists(
        st.builds(TopicExperience, topic=st.sampled_from(TOPICS), asked=few, changed=few), max_size=3
    ).map(tuple),
    "asked_before": few,
    "asker_seniority": st.sampled_from(("junior", "mid", "senior")),
    "questions_today": st.integers(0, 30),
    "round": st.integers(1, 3),
    "votes": st.lists(st.sampled_from(FIBONACCI), max_size=5).map(tuple),
    "points": st.sampled_from(FIBONACCI),
    "percent": st.sampled_from((25, 50, 75, 100)),
    "planned_minutes": st.integers(0, 500),
    "spent_minutes": st.integers(0, 1000),
    "exchange": st.integers(1, 4),
    "concern": st.one_of(st.just(""), sentences),
    "driver_action": st.sampled_from(("continue", "pivot")),
    "suspicious_spots": few,
    "tier": st.sampled_from((2, 3)),
    "issue": st.sampled_from(ISSUES),
    "options": st.lists(sentences, min_size=1, max_size=4).map(tuple),
    "open_hazards": st.lists(st.sampled_from(("merge_conflict", "flaky_test")), max_size=2, unique=True).map(tuple),
    "days_left": few,
    "hazard": st.sampled_from(("merge_conflict", "flaky_test", "scope_creep")),
    "visible_stories": few,
    "failing_checks": st.integers(0, 2),
    "flaky_checks": st.integers(0, 2),
    "returned_before": st.integers(0, 2),
    "deviations": st.lists(sentences, max_size=3).map(tuple),
    "experiences": experiences,
    "praised": st.sampled_from(("", *GOOD)),
    "edits_left": st.integers(0, 1),
    "runs_left": st.integers(0, 1),
}


def _varied(observation: Any) -> st.SearchStrategy[Any]:
    """An observation of the same kind in which everything that a rule looks at may differ."""
    cls = type(observation)
    fields = {name: getattr(observation, name) for name in cls.__slots__}
    varied = {name: _CHANGES.get(name, st.just(value)) for name, value in fields.items()}
    if "candidates" in fields:
        return st.tuples(_candidates, st.lists(permille, min_size=4, max_size=4)).map(
            lambda drawn: people.help_needed(
                candidates=tuple(drawn[0]), candidate_knowledge=tuple(drawn[1][: len(drawn[0])])
            )
        )
    if "criterion" in fields:
        told = stories.filter(lambda story: bool(story.criteria))
        return st.builds(cls, **(varied | {"story": told, "criterion": st.just(1)}))
    if "lessons" in fields and isinstance(fields["lessons"], tuple):
        varied["lessons"] = st.lists(st.sampled_from(TROUBLES), max_size=2, unique=True).map(tuple)
    elif "lessons" in fields:
        varied["lessons"] = st.integers(0, 3)
    return st.builds(cls, **varied)


judged = st.one_of([_varied(one) for one in people.one_of_each()])  # what the behavioural policy answers
observations = st.one_of([_varied(one) for one in one_of_each()])

# -- answers ----------------------------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=30)
some_texts = st.one_of(st.just(""), texts)
odd_ints = st.one_of(st.integers(-1, 6), st.integers(-(10**30), 10**30))
_topics = st.sampled_from(("", "nonsense", *TOPICS))
_retro_topics = st.sampled_from(("", "nonsense", *GOOD, *TROUBLES))
_tasks = st.builds(
    TaskChoice,
    title=texts,
    share_permille=st.sampled_from((0, 1, 250, 500, 998, 999, 1000)),
    depends_on=st.lists(st.integers(-1, 3), max_size=3).map(tuple),
    specialization=st.sampled_from(("backend", "api_design", "", "cooking")),
)
_arguments = st.one_of(
    st.sampled_from(
        ("", "{}", '{"path":"src/a.py"}', '{"path": "src/a.py"}', '{"text":"a"}', '{"path":"a","path":"b"}')
    ),
    st.text(max_size=40).filter(lambda text: not any("\ud800" <= letter <= "\udfff" for letter in text)),
    st.text(max_size=20)
    .filter(lambda text: not any("\ud800" <= letter <= "\udfff" for letter in text))
    .map(lambda text: '{"path":"%s"}' % text.replace("\\", "").replace('"', "")),  # noqa: UP031 - it holds braces
)
ANSWERS: dict[type[Any], st.SearchStrategy[Any]] = {
    QuestionChoice: st.builds(
        QuestionChoice,
        ask=st.booleans(),
        criterion=odd_ints,
        topic=_topics,
        category=st.sampled_from(("", "nonsense", *ALL_CATEGORIES)),
        text=some_texts,
    ),
    AnswerChoice: st.builds(AnswerChoice, dismiss=st.booleans(), pause_ms=st.one_of(st.just(0), odd_ints)),
    PointsChoice: st.builds(PointsChoice, points=odd_ints),
    PlanChoice: st.builds(PlanChoice, tasks=st.lists(_tasks, max_size=5).map(tuple), approach=texts),
    CheckpointChoice: st.builds(
        CheckpointChoice, action=st.sampled_from(("continue", "pivot", "escalate")), reason=texts
    ),
    ReviewChoice: st.builds(
        ReviewChoice, approve=st.booleans(), issue=st.sampled_from(("", "nonsense", *ISSUES)), reason=texts
    ),
    EscalationChoice: st.builds(EscalationChoice, option=odd_ints, record=st.booleans(), consequence=texts),
    ReportChoice: st.builds(ReportChoice, raise_blocker=st.booleans(), ask_help=st.booleans(), text=texts),
    HelpChoice: st.builds(HelpChoice, helper=st.sampled_from(("", "ada", "bob", "zoe")), text=texts),
    TriageChoice: st.builds(
        TriageChoice,
        severity=odd_ints,
        blast=odd_ints,
        response=st.sampled_from(("fix_now", "defer", "escalate")),
    ),
    QaChoice: st.builds(QaChoice, approve=st.booleans(), text=texts),
    CriterionChoice: st.builds(CriterionChoice, accept=st.booleans(), reason=texts),
    RetroChoice: st.builds(
        RetroChoice,
        keep_topic=_retro_topics,
        keep=some_texts,
        drop_topic=_retro_topics,
        drop=some_texts,
        puzzle_topic=_retro_topics,
        puzzle=some_texts,
    ),
    ToolChoice: st.builds(ToolChoice, tool=st.sampled_from(("fly", *TOOLS)), arguments=_arguments),
}


def with_answers(found: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, Any]]:
    """Observations, each with some answer of its class: anything, what the rules answer, or that with one slip."""
    return found.flatmap(lambda observation: st.tuples(st.just(observation), _answers_to(observation)))


def _answers_to(observation: Any) -> st.SearchStrategy[Any]:
    odd = ANSWERS[type(observation).ANSWER]
    if type(observation) not in RULES:
        return odd
    sound = st.integers(0, 10**6).map(lambda n: judge(observation, _CALIBRATION, Dice(n, "ada", ("a", "b", 0))))
    slipped = st.tuples(sound, odd, st.integers(0, 5)).map(lambda drawn: _with_slip(*drawn))
    return st.one_of(odd, sound, slipped)


def _with_slip(sound: Any, odd: Any, place: int) -> Any:
    """An answer with one part from another answer; of a plan, with one part of one task."""
    names = type(sound).__slots__
    name = names[place % len(names)]
    if isinstance(sound, PlanChoice) and odd.tasks:
        part = ("depends_on", "specialization", "title", "share_permille")[place % 4]
        at = place % len(sound.tasks)
        task = replace(sound.tasks[at], **{part: getattr(odd.tasks[0], part)})
        return replace(sound, tasks=(*sound.tasks[:at], task, *sound.tasks[at + 1 :]))
    return replace(sound, **{name: getattr(odd, name)})
