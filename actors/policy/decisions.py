"""Every judgement that is asked of a policy: what it observes, and the answer it must give.

An observation holds only what the deciding person can know; ground truth never enters one. The answer class of an
observation is its `ANSWER`. Engines receive `Decide` and reply `Decided`; both travel and are journalled as effects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from brokers.wire.registry import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who decides."""

    agent: str
    seniority: str  # junior, mid or senior
    roles: tuple[str, ...]
    specialization: str
    auxiliaries: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryView:
    """A story as everybody sees it."""

    story_id: str
    title: str
    criteria: tuple[str, ...]
    module: str
    specialization: str
    sized_points: int  # the product owner's sizing
    answered: tuple[str, ...]  # "criterion:topic" already asked and answered


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicExperience:
    """What this person saw earlier in this module: how often a topic was asked, and changed something."""

    topic: str
    asked: int
    changed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionChoice:
    """Ask this, or nothing."""

    KIND: ClassVar[str] = "decision.question_choice/1"
    ask: bool
    criterion: int  # 1-based; 0 when not asking
    topic: str  # empty when not asking
    category: str  # empty when not asking
    text: str  # empty when not asking


@dataclass(frozen=True, slots=True, kw_only=True)
class ChooseQuestion:
    """In refinement or at a checkpoint: is there something to ask about this story?"""

    KIND: ClassVar[str] = "decision.choose_question/1"
    ANSWER: ClassVar[type[QuestionChoice]] = QuestionChoice
    person: Person
    story: StoryView
    knowledge_permille: int  # of the story's module
    experience: tuple[TopicExperience, ...]
    phase: str  # refinement or pairing
    asked_before: int  # questions this person asked about this story


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerChoice:
    """Answer after a pause, or dismiss the question."""

    KIND: ClassVar[str] = "decision.answer_choice/1"
    dismiss: bool
    pause_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChooseAnswer:
    """Somebody asked me: take time for an answer, or wave it away?"""

    KIND: ClassVar[str] = "decision.choose_answer/2"
    ANSWER: ClassVar[type[AnswerChoice]] = AnswerChoice
    person: Person
    asker_seniority: str
    category: str
    topic: str
    familiarity_permille: int  # with the asker
    questions_today: int  # answered by this person since the day began
    lessons: int  # how firmly a complaint about dismissed questions was taken to heart, 0 to 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsChoice:
    """An estimate: 1, 2, 3, 5, 8 or 13."""

    KIND: ClassVar[str] = "decision.points_choice/1"
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatePoints:
    """How big is this story? In a later round the others' votes are visible."""

    KIND: ClassVar[str] = "decision.estimate_points/1"
    ANSWER: ClassVar[type[PointsChoice]] = PointsChoice
    person: Person
    story: StoryView
    knowledge_permille: int
    estimates_seen: int  # stories this person has estimated and seen finished: experience shrinks the error
    round: int  # 1-based
    votes: tuple[int, ...]  # of the previous round


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskChoice:
    """One task of a plan."""

    title: str
    share_permille: int  # of the story's estimated effort; all shares sum to 1000
    depends_on: tuple[int, ...]  # 0-based positions of earlier tasks
    specialization: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChoice:
    """Two to four tasks and the approach in one sentence."""

    KIND: ClassVar[str] = "decision.plan_choice/1"
    tasks: tuple[TaskChoice, ...]
    approach: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStory:
    """The lead splits a story into tasks."""

    KIND: ClassVar[str] = "decision.plan_story/1"
    ANSWER: ClassVar[type[PlanChoice]] = PlanChoice
    person: Person
    story: StoryView
    points: int
    lessons: tuple[str, ...]  # topics the lead took from retrospectives


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointChoice:
    """Go on, change the approach, or escalate."""

    KIND: ClassVar[str] = "decision.checkpoint_choice/1"
    action: Literal["continue", "pivot", "escalate"]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldCheckpoint:
    """The driver looks at progress at 25, 50, 75 or 100 % of a task."""

    KIND: ClassVar[str] = "decision.hold_checkpoint/1"
    ANSWER: ClassVar[type[CheckpointChoice]] = CheckpointChoice
    person: Person
    story: StoryView
    percent: int
    planned_minutes: int
    spent_minutes: int
    knowledge_permille: int
    exchange: int  # 1-based round of talk at this checkpoint
    concern: str  # what the navigator raised in the previous round; empty at first


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewChoice:
    """Approve, or raise one issue."""

    KIND: ClassVar[str] = "decision.review_choice/1"
    approve: bool
    issue: str  # one of design, tests, naming, scope, edge_case, performance; empty when approving
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewCheckpoint:
    """The navigator reviews the driver's work at a checkpoint."""

    KIND: ClassVar[str] = "decision.review_checkpoint/1"
    ANSWER: ClassVar[type[ReviewChoice]] = ReviewChoice
    person: Person
    story: StoryView
    percent: int
    driver_seniority: str
    driver_action: str
    knowledge_permille: int
    familiarity_permille: int  # with the driver
    suspicious_spots: int  # places in the work that look wrong to this person
    exchange: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationChoice:
    """One of the options on the table; worth recording when others will meet the same question."""

    KIND: ClassVar[str] = "decision.escalation_choice/1"
    option: int  # 0-based
    record: bool
    consequence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideEscalation:
    """A pair could not agree; the lead (tier 2), or lead and product owner (tier 3), decide."""

    KIND: ClassVar[str] = "decision.decide_escalation/1"
    ANSWER: ClassVar[type[EscalationChoice]] = EscalationChoice
    person: Person
    story: StoryView
    tier: int
    issue: str
    options: tuple[str, ...]
    knowledge_permille: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportChoice:
    """What to say in the stand-up."""

    KIND: ClassVar[str] = "decision.report_choice/1"
    raise_blocker: bool
    ask_help: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportStandup:
    """Yesterday, today, blockers."""

    KIND: ClassVar[str] = "decision.report_standup/2"
    ANSWER: ClassVar[type[ReportChoice]] = ReportChoice
    person: Person
    story_id: str
    progress_permille: int
    expected_permille: int
    open_hazards: tuple[str, ...]  # disturbance kinds that hold up this person's work
    days_left: int
    lessons: int  # how firmly overruns were taken to heart, 0 to 3


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpChoice:
    """Whether somebody helps, and who."""

    KIND: ClassVar[str] = "decision.help_choice/1"
    helper: str  # agent id from `candidates`; empty: no help
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideHelp:
    """The lead decides on a blocker that was raised in the stand-up."""

    KIND: ClassVar[str] = "decision.decide_help/1"
    ANSWER: ClassVar[type[HelpChoice]] = HelpChoice
    person: Person
    story_id: str
    module: str
    blocker: str
    candidates: tuple[str, ...]  # agents who are free to help
    candidate_knowledge: tuple[int, ...]  # permille, of the module, in the order of `candidates`


@dataclass(frozen=True, slots=True, kw_only=True)
class TriageChoice:
    """How bad it is, how far it reaches, and what to do about it."""

    KIND: ClassVar[str] = "decision.triage_choice/1"
    severity: int  # 1 minor to 4 critical
    blast: int  # stories thought to be affected
    response: Literal["fix_now", "defer", "escalate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TriageDisturbance:
    """Something went wrong; judge it by its symptoms."""

    KIND: ClassVar[str] = "decision.triage_disturbance/1"
    ANSWER: ClassVar[type[TriageChoice]] = TriageChoice
    person: Person
    hazard: str  # a scrum.messages.DisturbanceKind
    symptom_permille: int  # noisy, grows with the true severity
    visible_stories: int  # stories seen to be affected so far
    knowledge_permille: int
    lessons: int  # lessons this person took about this type


@dataclass(frozen=True, slots=True, kw_only=True)
class QaChoice:
    """Approve, or send back with findings."""

    KIND: ClassVar[str] = "decision.qa_choice/1"
    approve: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeQuality:
    """Quality assurance judges a story in Review by what its checks found."""

    KIND: ClassVar[str] = "decision.judge_quality/1"
    ANSWER: ClassVar[type[QaChoice]] = QaChoice
    person: Person
    story: StoryView
    failing_checks: int
    flaky_checks: int  # red once, green when run again
    returned_before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionChoice:
    """Accept or reject one criterion."""

    KIND: ClassVar[str] = "decision.criterion_choice/1"
    accept: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeCriterion:
    """The product owner sees one criterion demonstrated."""

    KIND: ClassVar[str] = "decision.judge_criterion/1"
    ANSWER: ClassVar[type[CriterionChoice]] = CriterionChoice
    person: Person
    story: StoryView
    criterion: int  # 1-based
    deviations: tuple[str, ...]  # what the demonstration shows to differ from what was wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Experience:
    """How often something happened to a person in this sprint, and what it cost."""

    topic: str
    count: int
    minutes: int
    where: str  # the story, module or colleague that it had most to do with; empty where there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class RetroChoice:
    """One item for each column; an empty topic means nothing to say."""

    KIND: ClassVar[str] = "decision.retro_choice/1"
    keep_topic: str
    keep: str
    drop_topic: str
    drop: str
    puzzle_topic: str
    puzzle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReflectOnSprint:
    """Keep, Drop, Puzzle, from what this person lived through."""

    KIND: ClassVar[str] = "decision.reflect_on_sprint/2"
    ANSWER: ClassVar[type[RetroChoice]] = RetroChoice
    person: Person
    sprint: int
    experiences: tuple[Experience, ...]
    lessons: tuple[str, ...]  # topics already learned
    praised: str  # topic of the Keep item of the sprint before; empty at first


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolChoice:
    """One tool call, as models write them: the tool's name, and its arguments as the text of a JSON object."""

    KIND: ClassVar[str] = "decision.tool_choice/1"
    tool: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteCode:
    """The driver writes code with tools, one call after another; only a model answers this.

    The tools and the schemas of their arguments are `actors.work.tools.calls.schemas`.
    """

    KIND: ClassVar[str] = "decision.write_code/1"
    ANSWER: ClassVar[type[ToolChoice]] = ToolChoice
    person: Person
    story: StoryView
    knowledge_permille: int  # of the story's module
    task: str  # its title
    due: tuple[int, ...]  # criteria that are to be fulfilled when this quarter is over
    answers: tuple[str, ...]  # what was asked about the story, and answered
    remarks: tuple[str, ...]  # what tests, the review or the merge queue found wrong the last time
    module_path: str  # the file that is expected to fulfil the criteria
    test_path: str  # the tests that the story came with; nobody in the team may change them
    files: tuple[str, ...]  # paths of all files, sorted
    earlier: tuple[str, ...]  # one line for each call of this quarter, oldest first
    last_tool: str  # empty at first
    last_result: str  # what it said, or why it refused
    last_is_refused: bool
    steps_left: int  # calls, this one included
    edits_left: int
    runs_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """A decision asked of the inference pool. `key` names the draw, so that an unrelated change does not shift it."""

    KIND: ClassVar[str] = "inference.decide/1"
    agent: str
    key: tuple[str, str, int]  # stream, entity, n
    observation: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """The pool's reply; token counts are None where the engine has no tokens."""

    KIND: ClassVar[str] = "inference.decided/1"
    answer: Message
    engine: str
    prompt_tokens: int | None
    completion_tokens: int | None
