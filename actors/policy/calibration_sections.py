"""The sections of a calibration; units and sources of every number stand in the calibration file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True, slots=True)
class Range:
    """Which whole numbers are allowed, both ends included."""

    low: int
    high: int


Number = Annotated[int, Range(0, 10_000_000)]
Positive = Annotated[int, Range(1, 10_000_000)]
Chance = Annotated[int, Range(0, 1000)]  # a probability or a share of a whole, in thousandths
FourSeverities = tuple[int, int, int, int]  # for severities 1 to 4


@dataclass(frozen=True, slots=True, kw_only=True)
class BySeniority:
    """One number for each seniority."""

    junior: Number
    mid: Number
    senior: Number

    def of(self, seniority: str) -> int:
        """The number of one seniority. Raises ValueError for a seniority nobody has."""
        match seniority:
            case "junior":
                return self.junior
            case "mid":
                return self.mid
            case "senior":
                return self.senior
            case _:
                raise ValueError(f"unknown seniority {seniority!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChanceBySeniority(BySeniority):
    """A probability or share for each seniority."""

    junior: Chance
    mid: Chance
    senior: Chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """How productive a person is by seniority, and how much of a pair's skill the navigator gives."""

    productivity: BySeniority
    navigator_share: Chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """How a person gets to know a module."""

    start: Chance
    start_bonus: ChanceBySeniority
    primary_bonus: Chance
    auxiliary_bonus: Chance
    ceiling: Chance
    learning_minutes: Positive
    navigator_learning: Chance
    idle_forgetting: Chance
    navigator_fills: Chance
    neutral: Chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Familiarity:
    """How two people get used to each other."""

    start: Chance
    ceiling: Chance
    learning_minutes: Positive
    idle_forgetting: Chance
    neutral: Chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Lessons:
    """What lessons from retrospectives are worth."""

    relief_per_strength: Chance
    maximum_strength: Positive


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much work a story is."""

    minutes_per_point: Positive
    factor_median: Positive
    factor_sigma: Number
    factor_minimum: Positive
    factor_maximum: Positive


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast a pair works, as factors on a standard pace."""

    knowledge_floor: Chance
    familiarity_floor: Chance
    primary_fit: Positive
    auxiliary_fit: Positive
    no_fit: Positive
    minimum: Positive
    maximum: Positive
    solo: Positive


@dataclass(frozen=True, slots=True, kw_only=True)
class Defects:
    """How defects get into work, and who notices them while it is being done."""

    chance_knowing_nothing: Chance
    chance_knowing_everything: Chance
    skill_relief: BySeniority
    solo_factor: Number
    navigator_spots: ChanceBySeniority
    spots_without_knowledge: Chance
    false_alarm: Chance
    repair_minutes: Number
    guesses_right_knowing_nothing: Chance
    guesses_right_knowing_everything: Chance
    relief_per_lesson: Chance
    interrupted_factor: Number
    subtle_knowing_nothing: Chance  # of mistakes where code is written: they show in rare cases only
    subtle_knowing_everything: Chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Tests:
    """Tests that people write and think of, where work is executed."""

    written: ChanceBySeniority  # by developers, of those that could be written
    written_for_gates: Chance  # more of them, each time that quality gates ask
    thought_of: ChanceBySeniority  # by testers, of the hidden ones


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Quality assurance of a story in Review."""

    review_minutes: Number
    review_minutes_per_point: Number
    minutes_per_finding: Number
    catches: ChanceBySeniority
    catches_without_knowledge: Chance
    flaky_red: Chance
    rerun_minutes: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Interruptions:
    """What it costs to be torn out of work."""

    resume_minutes_low: Number
    resume_minutes_high: Number
    quick_resume: Chance
    switch_story_minutes: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class DisturbanceCosts:
    """Working minutes that a disturbance costs where it strikes, by severity."""

    dependency_breaks: FourSeverities
    production_incident: FourSeverities
    flaky_test: FourSeverities
    scope_creep: FourSeverities
    junior_misunderstanding: FourSeverities
    architectural_debt_surfaces: FourSeverities
    merge_conflict: FourSeverities


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbances:
    """How bad disturbances are and what they cost."""

    severity_weights: FourSeverities
    cost_minutes: DisturbanceCosts
    cost_spread: Chance
    defer_growth: Number
    debt_slowdown: FourSeverities
    symptom_noise: Number
    blast_per_severity: FourSeverities


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Who asks, how often, and how the topic is chosen."""

    refinement_chance: ChanceBySeniority
    pairing_chance: ChanceBySeniority
    ignorance_weight: Number
    again_factor: Chance
    guessing: ChanceBySeniority
    experience_weight: Positive
    hint_weight: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicPriors:
    """How often each topic is worth a question, before any experience with a module."""

    limits: Number
    errors: Number
    permissions: Number
    format: Number
    performance: Number
    edge_case: Number
    compatibility: Number
    data: Number
    workflow: Number
    security: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """How people react to questions."""

    dismissal: ChanceBySeniority
    dismissal_per_question: Number
    dismissal_maximum: Chance
    familiarity_relief: Chance
    relief_per_lesson: Chance
    pause_low_ms: Number
    pause_high_ms: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimating:
    """How wrong estimates are, and how experience narrows them."""

    sigma: BySeniority
    optimism: Positive
    experience_half: Positive
    sigma_floor: Chance
    knowledge_relief: Chance
    neutral_seen: Number
    convergence: Chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """How a lead splits a story into tasks."""

    two_tasks_up_to: Number
    three_tasks_up_to: Number
    share_spread: Chance
    side_by_side: Chance
    test_share: Chance
    first_belief_tasks: Positive
    remembered_tasks: Positive
    hope: Chance
    care_per_lesson: Chance
    noticed_overrun: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoints:
    """What a driver does at a checkpoint."""

    accept_concern: ChanceBySeniority
    accept_again: Chance
    own_pivot_overrun: Number
    own_pivot_chance: Chance
    escalate_chance: Chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviews:
    """What a navigator does at a checkpoint."""

    raise_chance: ChanceBySeniority
    knowledge_gain: Number
    familiarity_gain: Number
    nitpick_chance: Chance
    further_spot: Chance
    insist_after_revision: Chance
    insist_without_revision: Chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalations:
    """How a lead decides."""

    sound_choice: Chance
    record_tier_two: Chance
    record_tier_three: Chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Standup:
    """What people say in a stand-up, and what the lead makes of it."""

    name_blocker: ChanceBySeniority
    lag_for_help: Chance
    ask_help: ChanceBySeniority
    helper_knowledge: Chance
    earlier_per_lesson: Chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Triage:
    """How well people judge a disturbance."""

    judgement_noise: Number
    lesson_relief: Chance
    fix_moderate: Chance
    escalate_critical: ChanceBySeniority


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """How strict quality assurance and product owner are."""

    accept_flaky: ChanceBySeniority
    tolerate_deviation: Chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Thinking:
    """Virtual time that a decision takes."""

    question_ms: Number
    answer_ms: Number
    estimate_ms: Number
    estimate_per_point_ms: Number
    plan_ms: Number
    plan_per_point_ms: Number
    checkpoint_ms: Number
    review_ms: Number
    review_per_spot_ms: Number
    escalation_ms: Number
    standup_ms: Number
    help_ms: Number
    triage_ms: Number
    quality_ms: Number
    criterion_ms: Number
    reflection_ms: Number
