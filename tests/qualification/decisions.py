"""Valid decisions: what people of whole behavioural runs observed, asked of the candidate.

The runs have seeds of their own, so that no transcript that a model was trained on comes from them. An answer is valid
when it has the form of its schema and is possible in the observed state, at the first attempt; a run allows one repair.
Under an enforced schema that is little to ask where most forms are possible, so what random play reaches is told, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from actors.policy.decisions import Decide, Person
from actors.policy.engine import build_registry
from actors.policy.prompting.answers import MalformedAnswer, parse
from actors.policy.prompting.dialogue import begin
from actors.policy.prompting.legality import illegal
from actors.policy.prompting.narrowing import schema_of
from actors.policy.prompting.prompts import Prompts
from actors.policy.prompting.schemas import schema_text
from actors.study.runs import Case, Finished, Record, run_case
from brokers.journal.reader import JournalReader
from brokers.wire.packing import kind_of, unpack
from inference.messages import Failed
from tests.qualification.candidates import Ask, Candidate, RandomCandidate, Written
from tests.qualification.intervals import Share
from tests.qualification.profiles import Asked
from tests.qualification.results import PartResult, share_result

HELD_OUT_SEEDS = (940_000_001, 940_000_002, 940_000_003)  # of runs that nothing else is made of
SPRINTS = 2


@dataclass(frozen=True, slots=True)
class Observed:
    """One question of a run."""

    decide: Decide

    @property
    def kind(self) -> str:
        """For instance `hold_checkpoint`."""
        name: str = self.decide.observation.KIND
        return name.removeprefix("decision.").partition("/")[0]

    @property
    def roles(self) -> tuple[str, ...]:
        """Of the person who decides."""
        person: Person = self.decide.observation.person  # type: ignore[attr-defined]
        return person.roles


@lru_cache(maxsize=1)
def held_out() -> tuple[Observed, ...]:
    """Every decision of the held-out runs, in the order of the runs."""
    registry = build_registry()
    found = []
    for seed in HELD_OUT_SEEDS:
        record = run_case(Case(arm="qualification", seed=seed, sprints=SPRINTS), _requests)
        found += [Observed(registry.from_body(unpack(request))) for request in record["requests"]]
    return tuple(found)


def _requests(finished: Finished) -> Record:
    with JournalReader(finished.journal) as journal:
        return {"requests": [one.request for one in journal.effects() if kind_of(one.request) == Decide.KIND]}


def observed_by(role: str, cases: int) -> list[Observed]:
    """So many decisions of people with a role (fewer if there are not so many): each kind in turn, spread over runs."""
    by_kind: dict[str, list[Observed]] = {}
    for one in held_out():
        if role in one.roles:
            by_kind.setdefault(one.kind, []).append(one)
    left = {kind: _spread(by_kind[kind], cases) for kind in sorted(by_kind)}
    chosen: list[Observed] = []
    while len(chosen) < cases and any(left.values()):
        for waiting in left.values():
            if waiting and len(chosen) < cases:
                chosen.append(waiting.pop(0))
    return chosen


def _spread(several: Sequence[Observed], most: int) -> list[Observed]:
    step = max(1, len(several) // most)
    return list(several[::step])


def ask_of(one: Observed, prompts: Prompts, *, seed: int, max_tokens: int, is_guided: bool = True) -> Ask:
    """The question as a run asks it."""
    observation = one.decide.observation
    schema = schema_text(schema_of(observation)) if is_guided else ""
    messages = begin(prompts, observation).messages
    return Ask(messages=messages, schema=schema, max_tokens=max_tokens, seed=seed, decide=one.decide)


def qualify_decisions(
    candidate: Candidate, asked: Asked, role: str, prompts: Prompts, *, is_guided: bool = True
) -> PartResult:
    """Ask, and count what could have been used at once. Raises EngineLostError."""
    cases = observed_by(role, asked.cases)
    asks = [
        ask_of(one, prompts, seed=seed, max_tokens=asked.max_tokens, is_guided=is_guided)
        for seed, one in enumerate(cases)
    ]
    problems = [_problem(one, written) for one, written in zip(cases, candidate.write(asks), strict=True)]
    by_chance = [_problem(one, written) for one, written in zip(cases, RandomCandidate().write(asks), strict=True)]
    tried = Counter(one.kind for one in cases)
    valid = Counter(one.kind for one, problem in zip(cases, problems, strict=True) if not problem)
    return share_result(
        "decisions",
        Share(sum(valid.values()), len(cases)),
        asked.at_least,
        groups={kind: Share(valid[kind], tried[kind]) for kind in sorted(tried)},
        figures={"random_play": by_chance.count("") / max(1, len(cases))},
        failures=[f"{one.kind}: {problem}" for one, problem in zip(cases, problems, strict=True) if problem],
    )


def _problem(one: Observed, written: Written) -> str:
    """What is wrong with an answer; empty if it can be used."""
    reply = written.reply
    if isinstance(reply, Failed):
        return f"{reply.reason}: {reply.detail}"
    observation = one.decide.observation
    answer = parse(observation, reply.text)
    if isinstance(answer, MalformedAnswer):
        return "cut off" if reply.finish == "length" else f"malformed: {answer.reason}"
    wrong = illegal(observation, answer)
    return f"illegal: {wrong}" if wrong else ""
