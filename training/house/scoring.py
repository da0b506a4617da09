"""How often a model decides as the behavioural policy does: per kind of decision, beside random play, with intervals.

The behavioural policy throws dice, so one of its answers is no truth: each observation is answered by it under many
seeds. The agreement of an answer is the share of those that decide the same. Random play is scored alike, over many
plays; and the policy's agreement with itself is what nobody who plays by its distribution can exceed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from actors.policy.calibration import Calibration
from actors.policy.decisions import Decide
from actors.policy.prompting.answers import MalformedAnswer, parse
from actors.policy.prompting.legality import illegal
from actors.policy.prompting.narrowing import schema_of
from actors.policy.prompting.prompts import name_of
from brokers.wire.registry import Message
from training.house.examples import SecondOpinion
from training.house.gist import Gist, gist
from training.house.intervals import Interval, mean_interval, share_interval
from training.house.random_play import Dealer, play

OPINIONS = 32  # answers of the behavioural policy to one observation
PLAYS = 32  # random ones
RUNS = 12  # held out; the rarest kind, escalations, comes up about four times in one
OBSERVATIONS = 100  # held out, of each kind, or all there are: half an interval of agreement is then at most ten points
TEMPERATURE_PERMILLE = 700  # at which these are asked
ENOUGH = 10  # decisions of a kind below which nothing is said about it
_SEED = 7_000_000  # of opinions: far from those of runs


@dataclass(frozen=True, slots=True)
class Score:
    """What one decision came to."""

    kind: str
    is_valid: bool  # the first answer fits the form of its kind
    is_legal: bool  # and is possible in the observed state
    agreement: float  # share of the behavioural answers that decide the same; 0 without a legal answer
    random_agreement: float  # the same of random play, on average
    random_legal: float  # share of random plays that are possible
    self_agreement: float  # of one behavioural answer with another


@dataclass(frozen=True, slots=True)
class Line:
    """One kind of decision, or all of them."""

    kind: str
    decisions: int
    valid: int
    legal: int
    legal_share: Interval
    agreement: Interval
    random_agreement: Interval
    random_legal: float
    self_agreement: float
    advantage: Interval  # agreement less that of random play, decision by decision

    @property
    def is_above_random(self) -> bool:
        """Whether the interval of the advantage lies above 0."""
        return self.advantage.low > 0


class Scorer:
    """Scores answers by what the behavioural policy would have said."""

    def __init__(self, calibration: Calibration) -> None:
        self._opinion = SecondOpinion(calibration)

    def score(self, asked: Decide, first: Any) -> Score:
        """Score the first answer to a decision: its text, or what it was read as; None: nobody could use it."""
        observation = asked.observation
        answer: Any = parse(observation, first) if isinstance(first, str) else first
        is_valid = answer is not None and not isinstance(answer, MalformedAnswer)
        is_legal = is_valid and not illegal(observation, answer)
        opinions = Counter(gist(self._opinion.of(asked, _SEED + n)) for n in range(OPINIONS))
        played, played_legal = self._random(observation, opinions)
        return Score(
            kind=name_of(type(observation)),
            is_valid=is_valid,
            is_legal=is_legal,
            agreement=opinions[gist(answer)] / OPINIONS if is_legal else 0.0,
            random_agreement=played,
            random_legal=played_legal,
            self_agreement=sum(n * (n - 1) for n in opinions.values()) / (OPINIONS * (OPINIONS - 1)),
        )

    def _random(self, observation: Message, opinions: Mapping[Gist, int]) -> tuple[float, float]:
        """Agreement and legality of random play; it is scored even where it is not legal, so as not to look too bad."""
        schema, agreed, legal = schema_of(observation), 0, 0
        for n in range(PLAYS):
            answer = parse(observation, play(schema, Dealer(n, repr(observation))))
            assert not isinstance(answer, MalformedAnswer), "random play fits its schema"
            agreed += opinions.get(gist(answer), 0)
            legal += not illegal(observation, answer)
        return agreed / (PLAYS * OPINIONS), legal / PLAYS


def table(scores: Sequence[Score]) -> list[Line]:
    """A line for each kind, by name, and one for all."""
    kinds = sorted({score.kind for score in scores})
    lines = [_line(kind, [score for score in scores if score.kind == kind]) for kind in kinds]
    return [*lines, _line("all", scores)] if scores else []


def _line(kind: str, scores: Sequence[Score]) -> Line:
    legal = sum(score.is_legal for score in scores)
    return Line(
        kind=kind,
        decisions=len(scores),
        valid=sum(score.is_valid for score in scores),
        legal=legal,
        legal_share=share_interval(legal, len(scores)),
        agreement=mean_interval([score.agreement for score in scores]),
        random_agreement=mean_interval([score.random_agreement for score in scores]),
        random_legal=sum(score.random_legal for score in scores) / len(scores),
        self_agreement=sum(score.self_agreement for score in scores) / len(scores),
        advantage=mean_interval([score.agreement - score.random_agreement for score in scores]),
    )
