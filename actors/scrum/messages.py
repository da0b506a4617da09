"""Events of a team's life: what the log tells, and all that artifacts and metrics are derived from.

Times are integer virtual microseconds since the run began; shares are thousandths (`permille`); effort is integer
minutes of working time. Every event that belongs to a team names it, and its sprint (1-based).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

Column = Literal["backlog", "ready", "in_progress", "review", "done"]
DisturbanceKind = Literal[
    "dependency_breaks",
    "production_incident",
    "flaky_test",
    "scope_creep",
    "junior_misunderstanding",
    "architectural_debt_surfaces",
    "merge_conflict",
]
Topic = str  # one of scrum.stories.TOPICS
RetroColumn = Literal["keep", "drop", "puzzle"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One person of a team, as announced when the team forms."""

    agent: str  # the agent's id, for instance ahmed_senior_dev_lead
    name: str
    seniority: str  # junior, mid or senior
    roles: tuple[str, ...]  # of developer, tester, leader, product_owner
    specialization: str
    auxiliaries: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamFormed:
    """A team exists; the first event of each team."""

    KIND: ClassVar[str] = "team.formed/1"
    team: str
    members: tuple[Member, ...]
    wip_in_progress: int
    wip_review: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SprintStarted:
    """A sprint began; capacity is yesterday's weather in points."""

    KIND: ClassVar[str] = "sprint.started/1"
    team: str
    sprint: int
    days: int
    capacity_points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SprintEnded:
    """A sprint is over, after its retrospective and meta-learning."""

    KIND: ClassVar[str] = "sprint.ended/1"
    team: str
    sprint: int
    planned_points: int  # committed in planning
    finished_points: int  # velocity: accepted in the sprint review of this sprint
    finished_stories: tuple[str, ...]
    carried_stories: tuple[str, ...]  # still on the board, unfinished


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """A team stopped: all sprints done, or its backlog ran dry."""

    KIND: ClassVar[str] = "run.ended/1"
    team: str
    sprints: int
    reason: str  # "completed" or "backlog exhausted in sprint N"


@dataclass(frozen=True, slots=True, kw_only=True)
class CeremonyHeld:
    """A ceremony ended: refinement, planning, standup, qa, review, retrospective or meta_learning."""

    KIND: ClassVar[str] = "ceremony.held/1"
    team: str
    sprint: int
    day: int
    ceremony: str
    started_us: int
    ended_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryPresented:
    """The product owner presented a story in refinement."""

    KIND: ClassVar[str] = "story.presented/1"
    team: str
    sprint: int
    story_id: str
    title: str
    description: str
    criteria: tuple[str, ...]
    module: str
    sized_points: int  # the product owner's own sizing, from the backlog
    priority: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionAsked:
    """Somebody asked about a story, in refinement or while pairing."""

    KIND: ClassVar[str] = "question.asked/1"
    team: str
    sprint: int
    question_id: str
    story_id: str
    asker: str
    asker_seniority: str
    addressee: str
    criterion: int  # 1-based
    topic: Topic
    category: str  # assumption_challenge, edge_case, modern_alternative, complexity_reduction, documentation_gap, ...
    text: str
    phase: str  # refinement or pairing


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionAnswered:
    """A question was answered, or dismissed; `changed` means the answer differed from what would have been built."""

    KIND: ClassVar[str] = "question.answered/1"
    team: str
    sprint: int
    question_id: str
    story_id: str
    asker: str
    asker_seniority: str
    answerer: str
    answerer_seniority: str
    category: str
    topic: Topic
    answer: str
    pause_us: int  # thinking time before the answer
    dismissed: bool
    changed: bool
    answerer_learned: bool  # a senior learned something from a junior's question


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One person's estimate."""

    agent: str
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryEstimated:
    """The team agreed on points; `rounds` counts how often it had to vote."""

    KIND: ClassVar[str] = "story.estimated/1"
    team: str
    sprint: int
    story_id: str
    estimates: tuple[Estimate, ...]
    points: int
    rounds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTask:
    """One task of a planned story."""

    task_id: str  # T-<sprint>-<nnn>
    title: str
    estimated_minutes: int
    depends_on: tuple[str, ...]  # task ids of the same story
    specialization: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryPlanned:
    """A story was committed and became a card in Ready."""

    KIND: ClassVar[str] = "story.planned/1"
    team: str
    sprint: int
    card_id: int
    story_id: str
    title: str
    description: str
    criteria: tuple[str, ...]
    module: str
    points: int
    priority: int
    story_kind: str  # story, hotfix or scope
    owner: str
    initial_navigator: str
    depends_on: tuple[str, ...]  # story ids
    tasks: tuple[PlannedTask, ...]
    column: Column = "ready"  # backlog: a stretch story, refined and planned but not committed


@dataclass(frozen=True, slots=True, kw_only=True)
class CardMoved:
    """A card changed its column."""

    KIND: ClassVar[str] = "board.card_moved/1"
    team: str
    sprint: int
    card_id: int
    story_id: str
    from_column: Column
    to_column: Column
    by: str
    at_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CardTagged:
    """A card got or lost a label such as BLOCKED, HOTFIX, TECH DEBT, FLAKY, CONFLICT."""

    KIND: ClassVar[str] = "board.card_tagged/1"
    team: str
    sprint: int
    card_id: int
    story_id: str
    tag: str
    present: bool  # False: the label was taken off


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStarted:
    """A pair began to work on a task (one session per pair, task and day)."""

    KIND: ClassVar[str] = "pairing.session_started/1"
    team: str
    sprint: int
    day: int
    session_id: str
    story_id: str
    task_id: str
    driver: str
    navigator: str  # empty: solo work, only allowed for spikes
    module: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointHeld:
    """A pair looked at its work at 25, 50, 75 or 100 % of a task."""

    KIND: ClassVar[str] = "pairing.checkpoint_held/1"
    team: str
    sprint: int
    session_id: str
    task_id: str
    percent: int
    driver_choice: str  # continue, pivot or escalate
    approved: bool
    issue: str  # empty when nothing was raised
    exchanges: int  # rounds of talk it took
    consensus_us: int  # virtual time the agreement took


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalated:
    """A pair could not agree; somebody above decided (tier 2 lead, tier 3 lead and product owner)."""

    KIND: ClassVar[str] = "pairing.escalated/1"
    team: str
    sprint: int
    session_id: str
    story_id: str
    tier: int
    issue: str
    decided_by: str
    decision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecorded:
    """An architecture decision record was written (`adrs/`)."""

    KIND: ClassVar[str] = "adr.recorded/1"
    team: str
    sprint: int
    adr: int  # number within the run and team
    title: str
    context: str
    options: tuple[str, ...]
    decision: str
    consequences: str
    decided_by: str
    story_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded:
    """A pairing session is over."""

    KIND: ClassVar[str] = "pairing.session_ended/1"
    team: str
    sprint: int
    day: int
    session_id: str
    story_id: str
    task_id: str
    driver: str
    navigator: str
    started_us: int
    ended_us: int
    worked_minutes: int
    checkpoints: int
    exchanges: int
    consensus_reached: bool
    outcome: str  # completed, continues, escalated or interrupted
    approach: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseMentorship:
    """A junior taught a senior something while pairing."""

    KIND: ClassVar[str] = "pairing.reverse_mentorship/1"
    team: str
    sprint: int
    junior: str
    senior: str
    topic: str
    learning_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFinished:
    """A task is done; estimated against spent working minutes."""

    KIND: ClassVar[str] = "work.task_finished/1"
    team: str
    sprint: int
    story_id: str
    task_id: str
    driver: str
    estimated_minutes: int
    spent_minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskAdded:
    """A task joined a planned story: repairs, a refactoring, or scope that crept in."""

    KIND: ClassVar[str] = "work.task_added/1"
    team: str
    sprint: int
    story_id: str
    task: PlannedTask
    reason: str  # qa, review, architectural_debt_surfaces or scope_creep
    criterion: str  # the criterion it adds to the story; empty if none


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionFailed:
    """An agent got no valid answer to a decision and took the cautious choice instead."""

    KIND: ClassVar[str] = "decision.failed/1"
    team: str
    agent: str
    decision: str  # the observation's kind
    reason: str
    cautious_choice: str  # name of the choice that was taken instead


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAsked:
    """A model was asked for a decision, once or with a repair. Published beside DecisionTaken or DecisionFailed."""

    KIND: ClassVar[str] = "decision.model_asked/1"
    team: str
    agent: str
    decision: str  # the observation's kind
    model: str  # that really answered; the one that was asked where none did
    adapter: str = ""  # likewise; empty: the base model
    adapter_version: int = 0
    outcome: Literal["settled", "repaired", "malformed", "illegal", "cut_off", "refused"]
    attempts: int  # 1, or 2 with a repair
    prompt_tokens: int  # over the attempts whose tokens are known
    completion_tokens: int
    unmetered: int  # attempts whose tokens nobody told


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensSpent:
    """What one decision took of a model, whether it came to an answer or not. The ledger of a run adds these up."""

    KIND: ClassVar[str] = "ledger.tokens_spent/2"
    team: str
    agent: str
    story_id: str  # empty: it was about none
    asked_model: str
    model: str  # that really answered; the one that was asked where none did
    adapter: str  # likewise; empty: the base model
    adapter_version: int
    answers: int
    effects: tuple[int, ...]  # each answer's number among the effects of the actor that publishes this
    unmetered: int  # of the answers, those whose tokens nobody told
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetExhausted:
    """What may be spent on models is spent: from now on the cautious choice is taken where one would be asked."""

    KIND: ClassVar[str] = "ledger.budget_exhausted/1"
    team: str  # empty: the budget of the run, for all teams
    agent: str  # whose budget; empty: the run's
    scope: Literal["run", "actor"]
    spent_tokens: int
    spent_millionths: int  # of the currency
    budget_tokens: int | None
    budget_millionths: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisturbanceSoftened:
    """The cap on harm was reached: a disturbance struck as a minor one."""

    KIND: ClassVar[str] = "disturbance.softened/1"
    team: str
    sprint: int
    disturbance_id: str
    drawn_severity: int
    points_at_risk: int  # by the disturbances before it
    cap_points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DisturbanceExpired:
    """A disturbance found nothing to strike until its sprint was over."""

    KIND: ClassVar[str] = "disturbance.expired/1"
    team: str
    sprint: int
    disturbance_id: str
    type: DisturbanceKind
    injected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StandupHeld:
    """What one person reported, and what was decided on it (empty: nothing needed)."""

    KIND: ClassVar[str] = "standup.report/1"
    team: str
    sprint: int
    day: int
    agent: str
    story_id: str
    progress_permille: int
    blocker: str
    decision: str
    decided_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DisturbanceStruck:
    """A disturbance hit, with its ground truth (which no agent sees)."""

    KIND: ClassVar[str] = "disturbance.struck/1"
    team: str
    sprint: int
    disturbance_id: str  # D-<sprint>-<nn>, or I-<nn> when injected from outside
    type: DisturbanceKind
    severity: int  # 1 minor, 2 moderate, 3 major, 4 critical
    story_id: str  # the story it hit; empty if none
    blast_stories: tuple[str, ...]
    blast_agents: tuple[str, ...]
    cost_minutes: int  # working minutes it adds to the work in progress
    injected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DisturbanceTriaged:
    """Somebody judged a disturbance from its symptoms."""

    KIND: ClassVar[str] = "disturbance.triaged/1"
    team: str
    sprint: int
    disturbance_id: str
    by: str
    assessed_severity: int
    assessed_blast: int  # number of stories thought to be affected
    response: str  # fix_now, defer or escalate


@dataclass(frozen=True, slots=True, kw_only=True)
class DisturbanceResolved:
    """A disturbance no longer costs anything."""

    KIND: ClassVar[str] = "disturbance.resolved/1"
    team: str
    sprint: int
    disturbance_id: str
    by: str
    struck_us: int
    resolved_us: int
    spent_minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryReviewed:
    """Quality assurance looked at a story in Review."""

    KIND: ClassVar[str] = "qa.story_reviewed/1"
    team: str
    sprint: int
    story_id: str
    reviewer: str
    approved: bool
    findings: tuple[str, ...]
    review_minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionJudged:
    """The product owner checked one acceptance criterion in the sprint review."""

    KIND: ClassVar[str] = "review.criterion_judged/1"
    team: str
    sprint: int
    story_id: str
    criterion: int  # 1-based
    accepted: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryJudged:
    """The verdict on a story: accepted, accepted_with_notes or rejected."""

    KIND: ClassVar[str] = "review.story_judged/1"
    team: str
    sprint: int
    story_id: str
    verdict: str
    accepted_criteria: int
    criteria: int
    follow_up: str  # id of the follow-up story; empty if none
    cycle_us: int  # working time from first pull to done


@dataclass(frozen=True, slots=True, kw_only=True)
class RetroNote:
    """One Keep, Drop or Puzzle item."""

    KIND: ClassVar[str] = "retro.note/1"
    team: str
    sprint: int
    agent: str
    column: RetroColumn
    topic: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningApplied:
    """An agent took a lesson from the retrospective; `effect` says what it changes from now on."""

    KIND: ClassVar[str] = "learning.applied/1"
    team: str
    sprint: int
    agent: str
    column: RetroColumn
    topic: str
    text: str
    effect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleKnowledge:
    """How well one person knows one module."""

    module: str
    permille: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeReviewed:
    """One person's knowledge of the product at the end of a sprint."""

    KIND: ClassVar[str] = "knowledge.reviewed/1"
    team: str
    sprint: int
    agent: str
    modules: tuple[ModuleKnowledge, ...]
    mean_familiarity_permille: int  # with the other members of the team


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionTaken:
    """An agent got the answer to a decision; metrics read response times and tokens from it."""

    KIND: ClassVar[str] = "decision.taken/1"
    team: str
    agent: str
    decision: str  # the observation's kind
    duration_us: int  # virtual time the answer took
    prompt_tokens: int | None  # None: the policy has no tokens
    completion_tokens: int | None
