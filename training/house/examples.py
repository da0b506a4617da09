"""Examples: the conversation in which a judgement is asked for, and the answer that the model learns to give.

Decisions that are rare in runs are repeated until each kind has its number. A repeated observation is judged afresh by
the behavioural policy under another seed, so that the model sees what else could have been decided there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count, islice
from typing import Any

from actors.policy.calibration import Calibration
from actors.policy.decisions import Decide, Decided, DecideHelp
from actors.policy.engine import BehaviouralEngine
from actors.policy.prompting.answers import text_of
from actors.policy.prompting.prompts import Prompts, name_of
from brokers.wire.registry import Message
from config.streams import Stream
from inference.text import ChatMessage
from training.house.plain_words import in_plain_words
from training.house.transcripts import Transcript

REPAIRS_PERMILLE = 30  # of all examples: asked again after a wrong answer

EXAMPLES: Mapping[str, int] = {  # of each kind: more where there is more to learn
    "choose_question": 3000,
    "choose_answer": 1200,
    "estimate_points": 3000,
    "plan_story": 1500,
    "hold_checkpoint": 2200,
    "review_checkpoint": 2400,
    "decide_escalation": 1000,
    "report_standup": 3200,
    "decide_help": 5000,
    "triage_disturbance": 2400,
    "judge_quality": 1000,
    "judge_criterion": 1000,
    "reflect_on_sprint": 4000,
}


@dataclass(frozen=True, slots=True)
class Example:
    """A conversation and what is to be answered."""

    kind: str
    messages: tuple[ChatMessage, ...]
    answer: str


class SecondOpinion:
    """What the behavioural policy would have answered, had its dice fallen otherwise."""

    def __init__(self, calibration: Calibration) -> None:
        self._calibration = calibration

    def of(self, asked: Decide, seed: int) -> Message:
        """One answer; always the same for the same seed."""
        reply = BehaviouralEngine(seed, self._calibration).answer(asked, 0)
        assert isinstance(reply, Decided), "a behavioural engine decides or raises"
        return reply.answer


def examples(
    transcripts: Sequence[Transcript],
    prompts: Prompts,
    calibration: Calibration,
    *,
    seed: int,
    numbers: Mapping[str, int] = EXAMPLES,
) -> list[Example]:
    """Examples of every kind, in one shuffled order that the seed decides.

    Raises:
        ValueError: There is no transcript of a kind.
    """
    by_kind: dict[str, list[Transcript]] = {name: [] for name in numbers}
    for transcript in transcripts:
        by_kind[name_of(type(transcript.asked.observation))].append(transcript)
    opinion, stream = SecondOpinion(calibration), Stream(seed, "house_examples")
    found = []
    for name, number in numbers.items():
        if not by_kind[name]:
            raise ValueError(f"no transcript has a decision of the kind {name}")
        for place, transcript in enumerate(islice(_repeated(by_kind[name], opinion, name, stream), number)):
            messages = prompts.messages(transcript.asked.observation)
            if stream.draw(f"repair {name}", place).chance(REPAIRS_PERMILLE):
                messages = _asked_again(messages, by_kind[name], prompts, stream.draw(f"wrong {name}", place).bits)
            found.append(Example(name, messages, text_of(in_plain_words(transcript.answer))))
    return shuffled(found, stream, "order")


def shuffled(items: Sequence[Any], stream: Stream, entity: str) -> list[Any]:
    """The items in an order that the stream decides."""
    return [item for _, _, item in sorted((stream.draw(entity, n).bits, n, item) for n, item in enumerate(items))]


def _repeated(
    transcripts: Sequence[Transcript], opinion: SecondOpinion, name: str, stream: Stream
) -> Iterator[Transcript]:
    """As they were decided in the first round, and otherwise in each later one."""
    for turn in count():
        for transcript in shuffled(transcripts, stream, f"{name} {turn}"):
            if turn == 0:
                yield transcript
            else:
                asked = _varied(transcript.asked, turn)
                yield Transcript(asked, opinion.of(asked, turn))


def _varied(asked: Decide, turn: int) -> Decide:
    """The same question; of who may help, who knows how much: else a rare kind is learned by heart, not read."""
    observation: Any = asked.observation
    if not isinstance(observation, DecideHelp) or not observation.candidates:
        return asked
    by = turn % len(observation.candidates)
    known = (*observation.candidate_knowledge[by:], *observation.candidate_knowledge[:by])
    return replace(asked, observation=replace(observation, candidate_knowledge=known))


def _asked_again(
    messages: tuple[ChatMessage, ...], others: Sequence[Transcript], prompts: Prompts, bits: int
) -> tuple[ChatMessage, ...]:
    """After the answer to something else; what is wrong with it differs too much to be worth a small model's time."""
    wrong = text_of(in_plain_words(others[bits % len(others)].answer))
    return prompts.repair_messages(messages, wrong, "it is wrong")
