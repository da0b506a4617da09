"""Which metrics a run has: names, types and labels. Dashboards and queries depend on every word of this list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MetricType = Literal["gauge", "counter", "histogram"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family. Gauges count millionths, histograms microseconds, counters whole things."""

    name: str  # as queries write it; counters end in _total
    type: MetricType
    labels: tuple[str, ...]
    help: str
    bounds_s: tuple[int, ...] = ()  # upper bounds of histogram buckets, without +Inf
    is_of_code: bool = False  # nothing is measured, not even zero, where work is modelled

    @property
    def starts_at_zero(self) -> bool:
        """Whether there is a sample before anything has happened."""
        return not self.labels and not self.is_of_code

    @property
    def family(self) -> str:
        """The name without the suffix of counters."""
        return self.name.removesuffix("_total")


_HOUR_S = 3600
_HELD_OUT = "; no sample while it is not measured"

METRICS: tuple[Metric, ...] = (
    Metric("sprint_velocity", "gauge", ("team",), "Points accepted in the latest sprint"),
    Metric("test_coverage_percent", "gauge", ("team",), "Line coverage of the team's code" + _HELD_OUT),
    Metric("branch_coverage_percent", "gauge", ("team",), "Branch coverage of the team's code" + _HELD_OUT),
    Metric("process_coverage_percent", "gauge", ("team",), "Coverage of the process by checkpoints" + _HELD_OUT),
    Metric("pairing_sessions_total", "counter", ("driver", "navigator"), "Pairing sessions that ended"),
    Metric("consensus_seconds", "histogram", (), "Virtual time a pair took to agree", (1, 5, 15, 60, 300, 900)),
    Metric(
        "junior_questions_total",
        "counter",
        ("junior_id", "resulted_in_change", "category"),
        "Questions of juniors, counted when answered or dismissed",
    ),
    Metric(
        "reverse_mentorship_total", "counter", ("junior_id", "senior_id", "topic"), "Times a junior taught a senior"
    ),
    Metric(
        "senior_response_pause_seconds",
        "histogram",
        ("senior_id", "question_category"),
        "Thinking time of a senior before answering a junior",
        (0, 2, 5, 10, 30, 60),
    ),
    Metric(
        "senior_learned_from_junior_total",
        "counter",
        ("senior_id", "junior_id", "learning_type"),
        "Lessons a senior took from a junior",
    ),
    Metric("junior_question_rate_per_sprint", "gauge", ("junior_id",), "Questions a junior asked in the latest sprint"),
    Metric("question_dismissal_rate", "gauge", ("senior_id",), "Share of juniors' questions that a senior dismissed"),
    Metric(
        "specialist_consultations_total",
        "counter",
        ("domain", "sprint", "reason_category"),
        "Consultations of outside specialists" + _HELD_OUT,
    ),
    Metric(
        "specialist_velocity_penalty_points",
        "gauge",
        ("sprint",),
        "Points that consultations cost" + _HELD_OUT,
    ),
    Metric("disturbances_total", "counter", ("type", "severity", "team"), "Disturbances that struck"),
    Metric(
        "sprint_cycle_time_seconds",
        "histogram",
        (),
        "Working time of accepted stories from first pull to done",
        tuple(hours * _HOUR_S for hours in (1, 2, 4, 8, 16, 24, 40, 80)),
    ),
    Metric("escalations_total", "counter", ("tier",), "Disagreements decided above the pair"),
    Metric(
        "agent_response_seconds",
        "histogram",
        ("agent", "decision"),
        "Virtual time from asking for a decision to its answer",
        (1, 5, 15, 60, 300),
    ),
    Metric("tokens_total", "counter", ("agent", "kind"), "Tokens of decisions; no sample while the policy has none"),
    Metric("stories_finished_total", "counter", ("team",), "Stories accepted in a sprint review"),
    Metric("commits_total", "counter", (), "Commits on branches", is_of_code=True),
    Metric(
        "test_runs_total",
        "counter",
        ("phase", "outcome"),
        "Runs of visible tests: before the code, after it, in repair, by testers, in the merge queue; green or red",
    ),
    Metric("merges_total", "counter", ("outcome",), "What the merge queue landed, or returned and why"),
    Metric("defects_found_total", "counter", ("by",), "Mistakes in code, by who or what came across them first"),
    Metric(
        "defects_escaped_total", "counter", (), "Accepted criteria that canaries found broken on main", is_of_code=True
    ),
    Metric("dead_letters_total", "counter", ("actor",), "Messages whose handling failed"),
    Metric("events_total", "counter", (), "Events in the log"),
)
