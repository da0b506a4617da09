"""Proof that the bank keeps its promises: every rule for every family and variant, and rules for the bank as a whole.

A rule is a function that yields one sentence for each thing that is wrong; its name is the rule's name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from actors.work.katas import rules_of_code, rules_of_form, rules_of_tests
from actors.work.katas.anatomy import Anatomy, shape
from actors.work.katas.bank import FAMILIES
from actors.work.katas.exercise import Exercise, UnknownFamilyError
from actors.work.katas.kata import DOMAINS
from actors.work.katas.themes import THEMES

Rule = Callable[[Anatomy], Iterator[str]]

RULES: tuple[Rule, ...] = (
    rules_of_form.place,
    rules_of_form.counts,
    rules_of_form.alternatives,
    rules_of_form.examples,
    rules_of_form.needs,
    rules_of_form.texts,
    rules_of_form.sameness,
    rules_of_code.size,
    rules_of_code.documentation,
    rules_of_code.purity,
    rules_of_code.difference,
    rules_of_tests.starter_examples,
    rules_of_tests.telling_examples,
    rules_of_tests.hidden_tests,
    rules_of_tests.alternatives_apart,
    rules_of_tests.criteria_apart,
    rules_of_tests.plain_calls,
    rules_of_tests.needed_behaviour,
    rules_of_tests.test_files,
)
MAKING = "make"  # the rule that a variant can be made at all
LEAST_FAMILIES = 30
LEAST_OF_A_DOMAIN = 5
LEAST_BUILT_ON_OTHERS = 2  # of each domain
FROM_NODES = 30  # smaller functions, such as the key of a sort, may well be the same in two families
MOST_SENTENCES = 3  # of one rule; the rest is counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A broken promise."""

    family: str  # empty for the bank as a whole
    number: int  # of the variant
    rule: str
    detail: str

    def __str__(self) -> str:
        where = f"{self.family}/{self.number}" if self.family else "bank"
        return f"{where}: {self.rule}: {self.detail}"


def validate(family: str, number: int) -> tuple[Problem, ...]:
    """What is wrong with one variant of a family; nothing if all rules hold. Raises UnknownFamilyError."""
    try:
        exercise = Exercise(family, number)
    except UnknownFamilyError:
        raise
    except Exception as error:  # noqa: BLE001 - named in the report, which is not green then
        return (Problem(family=family, number=number, rule=MAKING, detail=f"{type(error).__name__}: {error}"),)
    return validate_exercise(exercise)


def validate_exercise(exercise: Exercise) -> tuple[Problem, ...]:
    """What is wrong with an exercise. What is made wrongly can break a rule itself: that is a problem as well."""
    anatomy = Anatomy(exercise)
    problems: list[Problem] = []
    for rule in RULES:
        try:
            sentences = list(dict.fromkeys(rule(anatomy)))
        except Exception as error:  # noqa: BLE001 - named in the report, which is not green then
            sentences = [f"cannot be looked at: {type(error).__name__}: {error}"]
        if len(sentences) > MOST_SENTENCES:
            sentences = [*sentences[:MOST_SENTENCES], f"and {len(sentences) - MOST_SENTENCES} more"]
        problems += [
            Problem(family=exercise.family, number=exercise.number, rule=rule.__name__, detail=one) for one in sentences
        ]
    return tuple(problems)


def validate_bank(variants: int) -> tuple[Problem, ...]:
    """What is wrong with the bank as a whole.

    Raises:
        ValueError: There are not that many variants.
    """
    if not 1 <= variants <= len(THEMES):
        raise ValueError(f"a family has 1 to {len(THEMES)} variants, got {variants}")
    sentences = [*_coverage(), *_distinctness(), *_variety(variants)]
    return tuple(Problem(family="", number=0, rule=rule, detail=detail) for rule, detail in sentences)


def _coverage() -> Iterator[tuple[str, str]]:
    katas = {family: Exercise(family, 0).kata for family in FAMILIES}
    if len(katas) < LEAST_FAMILIES:
        yield "families", f"at least {LEAST_FAMILIES}, got {len(katas)}"
    for domain in DOMAINS:
        of_domain = [kata for kata in katas.values() if kata.domain == domain]
        if len(of_domain) < LEAST_OF_A_DOMAIN:
            yield "families", f"at least {LEAST_OF_A_DOMAIN} in {domain}, got {len(of_domain)}"
        if sum(bool(kata.needs) for kata in of_domain) < LEAST_BUILT_ON_OTHERS:
            yield "needs", f"fewer than {LEAST_BUILT_ON_OTHERS} families of {domain} build on another"


def _distinctness() -> Iterator[tuple[str, str]]:
    """No two families have the same oracle, nor a function of some size in common, but for names and constants."""
    shapes: Mapping[str, frozenset[str]] = {family: _shapes(family) for family in FAMILIES}
    for position, one in enumerate(FAMILIES):
        for other in list(FAMILIES)[position + 1 :]:
            if shared := shapes[one] & shapes[other]:
                yield (
                    "distinct",
                    f"{one} and {other} have {len(shared)} functions in common, but for names and constants",
                )


def _shapes(family: str) -> frozenset[str]:
    anatomy = Anatomy(Exercise(family, 0))
    return frozenset(one for choices in anatomy.single for one in shape(anatomy.source(choices), FROM_NODES))


def _variety(variants: int) -> Iterator[tuple[str, str]]:
    for family in FAMILIES:
        seen: dict[str, int] = {}
        for number in range(variants):
            text = "\n".join(rules_of_form.visible(Exercise(family, number)))
            if text in seen:
                yield "variety", f"{family} tells variants {seen[text]} and {number} in the same words"
            seen[text] = number


def validate_all(families: Sequence[str], variants: int) -> Iterable[Problem]:
    """Everything that is wrong with some families, as it is found."""
    for family in families:
        for number in range(variants):
            yield from validate(family, number)
