"""Instruction following: tasks whose answer a program can check word by word.

Each task says what form the answer must have; whether the answer is clever is not looked at. Each comes with a right
answer of its own, so that the checks themselves are tested. After IFEval (Zhou et al. 2023, arXiv:2311.07911).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from config.streams import Draw, draw
from inference.messages import Failed
from inference.text import ChatMessage
from tests.qualification.candidates import Ask, Candidate, Written
from tests.qualification.intervals import Share
from tests.qualification.profiles import Profile
from tests.qualification.results import PartResult, share_result

_WORDS = (
    "amber",
    "birch",
    "copper",
    "delta",
    "ember",
    "fjord",
    "granite",
    "harbour",
    "indigo",
    "juniper",
    "kelp",
    "lime",
)
_STREAM = "qualification_instructions"


@dataclass(frozen=True, slots=True)
class Task:
    """One instruction; `is_met` looks at an answer without the blanks around it."""

    kind: str
    text: str
    is_met: Callable[[str], bool]
    right: str  # an answer that meets it
    schema: str = ""  # enforced by the engine, where the instruction is a schema


class Chance:
    """Draws of one task."""

    def __init__(self, number: int) -> None:
        self._number, self._n = number, 0

    def draw(self) -> Draw:
        """The next one."""
        self._n += 1
        return draw(0, _STREAM, str(self._number), self._n)

    def between(self, low: int, high: int) -> int:
        """A number, both ends included."""
        return low + self.draw().below(high - low + 1)

    def words(self, count: int) -> list[str]:
        """Different words."""
        left = list(_WORDS)
        return [left.pop(self.draw().below(len(left))) for _ in range(count)]


def _choice(topic: str, chance: Chance) -> Task:
    words = chance.words(4)
    last = max(words)
    text = (
        f"Which of these words comes last in the alphabet: {', '.join(words)}? Answer with that word and nothing else."
    )
    return Task("choice", text, lambda answer: answer == last, last)


def _copy(topic: str, chance: Chance) -> Task:
    line = f"{topic}: {' / '.join(chance.words(3))} #{chance.between(100, 999)}"
    return Task("copy", f"Repeat this line exactly, and nothing else:\n{line}", lambda answer: answer == line, line)


def _bullets(topic: str, chance: Chance) -> Task:
    count = chance.between(2, 5)

    def is_met(answer: str) -> bool:
        lines = answer.split("\n")
        return len(lines) == count and all(re.fullmatch(r"- \S.*", line) for line in lines)

    text = f"Write a list of exactly {count} points about {topic}. Each line begins with '- '; write nothing else."
    return Task("bullets", text, is_met, "\n".join(f"- point {number}" for number in range(count)))


def _word_count(topic: str, chance: Chance) -> Task:
    count = chance.between(5, 12)
    text = f"Write one sentence about {topic} of exactly {count} words, and nothing else."
    return Task("word_count", text, lambda answer: len(answer.split()) == count, " ".join(["word"] * count))


def _at_most(topic: str, chance: Chance) -> Task:
    most = chance.between(60, 160)
    text = f"Describe {topic} in at most {most} characters."
    return Task("length", text, lambda answer: 0 < len(answer) <= most, "Short.")


def _capitals(topic: str, chance: Chance) -> Task:
    text = f"Write one sentence about {topic} in capital letters only."
    return Task("capitals", text, lambda answer: answer.isupper(), "THIS IS ONE.")


def _keyword(topic: str, chance: Chance) -> Task:
    word, times = chance.words(1)[0], chance.between(2, 3)

    def is_met(answer: str) -> bool:
        sentences = len(re.findall(r"[.!?](?=\s|$)", answer))
        return sentences == 2 and len(re.findall(rf"\b{word}\b", answer)) == times

    text = f"Write two sentences about {topic} that hold the word {word} exactly {times} times, in lower case."
    return Task("keyword", text, is_met, f"First {word}. Then {' '.join([word] * (times - 1))}.")


def _ending(topic: str, chance: Chance) -> Task:
    end = f"That is all about {chance.words(1)[0]}."
    text = f"Write a short note about {topic}. Its last sentence must be exactly: {end}"
    return Task("ending", text, lambda answer: answer.endswith(end) and answer != end, f"A note. {end}")


def _sum(topic: str, chance: Chance) -> Task:
    left, right = chance.between(11, 49), chance.between(11, 49)
    text = f"Add {left} and {right}. Answer with the number only."
    return Task("number", text, lambda answer: answer == str(left + right), str(left + right))


def _sorted(topic: str, chance: Chance) -> Task:
    words = chance.words(4)
    right = ", ".join(sorted(words))
    text = f"Sort these words by the alphabet: {', '.join(words)}. Answer with the words, separated by ', ', only."
    return Task("sorting", text, lambda answer: answer == right, right)


def _json(topic: str, chance: Chance) -> Task:
    low = chance.between(1, 5)
    high = low + chance.between(2, 9)
    name, number, flag = chance.words(3)
    text = (
        f"Write a JSON object about {topic} with exactly these keys: {name!r}, a text; {number!r}, a whole number from "
        f"{low} to {high}; {flag!r}, true or false. Write the object and nothing else."
    )
    right = json.dumps({name: "x", number: low, flag: True})
    return Task("json", text, _object_check(name, number, flag, low, high), right)


def _schema(topic: str, chance: Chance) -> Task:
    low = chance.between(1, 5)
    high = low + chance.between(2, 9)
    name, number, flag = chance.words(3)
    keys = {
        name: {"type": "string", "enum": ["low", "high"]},
        number: {"type": "integer", "minimum": low, "maximum": high},
        flag: {"type": "boolean"},
    }
    schema = {"type": "object", "properties": keys, "required": list(keys), "additionalProperties": False}
    text = f"Judge {topic} in the form that you are given: {name!r} is low or high, {number!r} is {low} to {high}."
    right = json.dumps({name: "low", number: high, flag: False}, separators=(",", ":"))
    return Task("schema", text, _object_check(name, number, flag, low, high), right, schema=json.dumps(schema))


def _object_check(name: str, number: str, flag: str, low: int, high: int) -> Callable[[str], bool]:
    def is_met(answer: str) -> bool:
        try:
            found = json.loads(answer)
        except ValueError:
            return False
        if not isinstance(found, dict) or found.keys() != {name, number, flag}:
            return False
        is_whole = type(found[number]) is int and low <= found[number] <= high
        return isinstance(found[name], str) and is_whole and isinstance(found[flag], bool)

    return is_met


MAKERS: Sequence[Callable[[str, Chance], Task]] = (
    _choice,
    _copy,
    _bullets,
    _word_count,
    _at_most,
    _capitals,
    _keyword,
    _ending,
    _sum,
    _sorted,
    _json,
    _schema,
)


def tasks(topics: Sequence[str], cases: int) -> list[Task]:
    """So many tasks, each kind in turn; always the same ones."""
    found = []
    for number in range(cases):
        chance = Chance(number)
        found.append(MAKERS[number % len(MAKERS)](chance.draw().pick(topics), chance))
    return found


def qualify_instructions(candidate: Candidate, profile: Profile) -> PartResult:
    """Give instructions and check what comes back. Raises NotAskedError, EngineLostError."""
    wanted = tasks(profile.topics, profile.instructions.cases)
    system = ChatMessage(role="system", content=f"You are a {profile.role.replace('_', ' ')} in a software team.")
    asks = [
        Ask(
            messages=(system, ChatMessage(role="user", content=task.text)),
            schema=task.schema,
            max_tokens=profile.instructions.max_tokens,
            seed=seed,
        )
        for seed, task in enumerate(wanted)
    ]
    problems = [_problem(task, one) for task, one in zip(wanted, candidate.write(asks), strict=True)]
    tried = Counter(task.kind for task in wanted)
    met = Counter(task.kind for task, problem in zip(wanted, problems, strict=True) if not problem)
    return share_result(
        "instructions",
        Share(sum(met.values()), len(wanted)),
        profile.instructions.at_least,
        groups={kind: Share(met[kind], tried[kind]) for kind in tried},
        failures=[f"{task.kind}: {problem}" for task, problem in zip(wanted, problems, strict=True) if problem],
    )


def _problem(task: Task, written: Written) -> str:
    reply = written.reply
    if isinstance(reply, Failed):
        return f"{reply.reason}: {reply.detail}"
    if reply.finish == "length":
        return "cut off"
    return "" if task.is_met(reply.text.strip()) else f"{task.text!r} was answered with {reply.text[:100]!r}"
