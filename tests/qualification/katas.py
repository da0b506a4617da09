"""Coding katas: a model writes a module from what it is told, and hidden tests call it in the sandbox.

The open points of a kata are told with the product owner's answers, so that whatever hidden tests ask for can be known.
Variants are from the upper end, which runs and transcripts of shipped seeds seldom reach.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from functools import lru_cache

from actors.work.katas.bank import FAMILIES
from actors.work.katas.exercise import Exercise, exercise
from actors.work.katas.themes import THEMES
from actors.work.sandbox.sandbox import Sandbox
from inference.messages import Failed
from inference.text import ChatMessage
from tests.qualification.candidates import Ask, Candidate, Written
from tests.qualification.intervals import Share
from tests.qualification.profiles import Asked
from tests.qualification.results import PartResult, share_result

_SYSTEM = "You are a developer in a software team. You write Python 3.11 with the standard library only."
_FENCE = re.compile(r"```(?:python|py)?[ \t]*\n(.*?)```", re.DOTALL)


@lru_cache(maxsize=1)
def _standing_alone() -> tuple[str, ...]:
    return tuple(family for family in FAMILIES if not exercise(family, 0).kata.needs)


def exercises(cases: int) -> list[Exercise]:
    """So many katas that need no other one, each family in turn, the last variants first."""
    families = _standing_alone()
    rounds = len(THEMES)
    found = [
        exercise(families[number % len(families)], rounds - 1 - number // len(families)) for number in range(cases)
    ]
    return found[: len(families) * rounds]


def told(one: Exercise) -> str:
    """Everything that somebody needs who is to write it."""
    kata = one.kata
    criteria = [f"{n}. {each.text} (function `{each.function}`)" for n, each in enumerate(kata.criteria, start=1)]
    answers = [
        f"- {point.question} {point.alternatives[chosen].answer}"
        for point, chosen in zip(kata.open_points, one.wanted, strict=True)
    ]
    return "\n".join(
        [
            f"Write the module `{one.module}`: {kata.title}",
            kata.told.exact,
            "",
            "What it must do:",
            *criteria,
            "",
            "What the product owner answered:",
            *answers,
            "",
            "Functions that others call:",
            *_signatures(one),
            "",
            "These tests must pass, and more that you do not see:",
            one.starter_tests(),
            "Answer with the whole module in one block of code that begins with ```python and ends with ```.",
        ]
    )


def _signatures(one: Exercise) -> list[str]:
    public = one.functions()
    return [
        f"def {node.name}({ast.unparse(node.args)})"
        for node in ast.parse(one.source(one.wanted)).body
        if isinstance(node, ast.FunctionDef) and node.name in public
    ]


def code_in(text: str) -> str:
    """The last block of code; the whole text where there is no block."""
    blocks: list[str] = _FENCE.findall(text)
    return blocks[-1] if blocks else text


def qualify_katas(candidate: Candidate, asked: Asked, accept_missing: frozenset[str]) -> PartResult:
    """Have katas written and judged. Raises NotAskedError, EngineLostError, LayerMissingError, InfrastructureError."""
    wanted = exercises(asked.cases)
    with Sandbox(trust="model", accept_missing=accept_missing) as sandbox:
        asks = [
            Ask(
                messages=(ChatMessage(role="system", content=_SYSTEM), ChatMessage(role="user", content=told(one))),
                max_tokens=asked.max_tokens,
                seed=seed,
            )
            for seed, one in enumerate(wanted)
        ]
        answers = candidate.write(asks)
        problems = [_problem(sandbox, one, answer) for one, answer in zip(wanted, answers, strict=True)]
    return share_result(
        "katas",
        Share(sum(not problem for problem in problems), len(wanted)),
        asked.at_least,
        groups=_by_domain(wanted, problems),
        failures=[f"{one.family}/{one.number}: {why}" for one, why in zip(wanted, problems, strict=True) if why],
    )


def _by_domain(wanted: Sequence[Exercise], problems: Sequence[str]) -> dict[str, Share]:
    domains = sorted({one.kata.domain for one in wanted})
    return {
        domain: Share(
            sum(not why for one, why in zip(wanted, problems, strict=True) if one.kata.domain == domain),
            sum(one.kata.domain == domain for one in wanted),
        )
        for domain in domains
    }


def _problem(sandbox: Sandbox, one: Exercise, written: Written) -> str:
    """What hidden tests say of an answer; empty if all of them pass."""
    reply = written.reply
    if isinstance(reply, Failed):
        return f"{reply.reason}: {reply.detail}"
    if reply.finish == "length":
        return "cut off"
    files = {one.path: code_in(reply.text)}
    verdicts = sandbox.judge(files, one.cases())
    failed = [verdict for verdict in verdicts if not verdict.is_passed]
    if not failed:
        return ""
    return f"{len(failed)} of {len(verdicts)} hidden tests, first {failed[0].case_id}: {failed[0].outcome}"
