"""What the tests of a kata must prove: examples tell alternatives apart, hidden tests find out who built what."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType

from actors.work.katas.anatomy import Anatomy
from actors.work.katas.execution import load, load_source
from actors.work.katas.exercise import Exercise
from actors.work.katas.kata import Example
from actors.work.katas.rules_of_code import raised_on_purpose
from actors.work.katas.rules_of_form import wanting
from actors.work.sandbox.plain import Case, Plain, is_same

NATURAL = ("ValueError", "KeyError")  # may also come from the standard library: int("x"), {}["x"]


def starter_examples(anatomy: Anatomy) -> Iterator[str]:
    """The examples of a criterion hold under every combination of alternatives."""
    for number, criterion in enumerate(anatomy.exercise.kata.criteria, start=1):
        for choices in anatomy.combinations(criterion.function):
            module = anatomy.module(choices)
            for example in criterion.examples:
                if not holds(module, example):
                    yield f"an example of criterion {number} fails with {choices}: {_call(example)}"


def telling_examples(anatomy: Anatomy) -> Iterator[str]:
    """The examples of an alternative hold whatever else is chosen, and each of its rivals fails one."""
    kata = anatomy.exercise.kata
    for position, point in enumerate(kata.open_points):
        for choices in anatomy.combinations(kata.criteria[point.criterion - 1].function):
            module = anatomy.module(choices)
            for number, one in enumerate(point.alternatives):
                kept = [holds(module, example) for example in one.examples]
                if number == choices[position] and not all(kept):
                    yield f"{one.name}: {_call(one.examples[kept.index(False)])} fails with {choices}"
                if number != choices[position] and all(kept):
                    yield f"{one.name} is not told apart from {point.alternatives[choices[position]].name} ({choices})"


def hidden_tests(anatomy: Anatomy) -> Iterator[str]:
    """The oracle passes its hidden tests, twice, and making them twice gives the same tests."""
    exercise = anatomy.exercise
    again = Exercise(exercise.family, exercise.number)
    for which in ("acceptance", "canary"):
        cases = exercise.cases(which)
        if again.cases(which) != cases:
            yield f"its {which} cases are not the same when they are made again"
        if len({case.case_id for case in cases}) < len(cases):
            yield f"two {which} cases share an id"
        module = load(exercise, exercise.wanted)
        for turn in ("first", "second"):
            failed = [case for case in cases if not holds(module, case)]
            if failed:
                yield f"the oracle fails {failed[0].case_id} in the {turn} round"


def alternatives_apart(anatomy: Anatomy) -> Iterator[str]:
    """The acceptance tests of each alternative fail on the code of each other one, in the criterion concerned."""
    exercise = anatomy.exercise
    for position, point in enumerate(exercise.kata.open_points):
        ways = [anatomy.with_choice(exercise.wanted, position, one) for one in range(len(point.alternatives))]
        for wanted in ways:
            cases = [one for one in exercise.cases("acceptance", wanted) if _criterion(one) == point.criterion]
            cases.sort(key=lambda case: case.case_id, reverse=True)  # generated calls come last and tell least
            for written in ways:
                is_green = all(holds(anatomy.module(written), case) for case in cases)
                if is_green != (written == wanted):
                    verb = "accepts" if is_green else "refuses"
                    yield f"acceptance of {wanted} {verb} what is written for {written}"


def criteria_apart(anatomy: Anatomy) -> Iterator[str]:
    """All cases of a criterion fail while neither it nor what uses it is built; those of the others pass."""
    exercise = anatomy.exercise
    cases = [*exercise.cases("acceptance"), *exercise.cases("canary")]
    for number in exercise.criteria:
        function = exercise.kata.criteria[number - 1].function
        built = [one for one in exercise.criteria if function not in anatomy.reach(_function(exercise, one))]
        module = load_source(exercise, exercise.source(exercise.wanted, built)) if built else ModuleType("nothing")
        for case in cases:
            if _criterion(case) in built and not holds(module, case):
                yield f"{case.case_id} fails only because criterion {number} is missing"
            if _criterion(case) == number and holds(module, case):
                yield f"{case.case_id} passes although criterion {number} is missing"


def plain_calls(anatomy: Anatomy) -> Iterator[str]:
    """Generated calls take and give plain data, leave their arguments alone, and fail on purpose only."""
    exercise = anatomy.exercise
    allowed = raised_on_purpose(anatomy) | set(NATURAL)
    for choices in anatomy.single:
        module = anatomy.module(choices)
        for case in exercise.cases("acceptance"):
            given = copied(case.arguments)
            first = outcome(module, case.function, given)
            text = f"{_call(case)}, with {choices}"
            if given != case.arguments:
                yield f"changes its arguments: {text}"
            if not is_exact(list(case.arguments)) or not is_exact(first.value):
                yield f"takes or gives what is not plain data: {text}"
            if first != outcome(module, case.function, copied(case.arguments)):
                yield f"gives something else the second time: {text}"
            if first.errors and first.errors[0] not in allowed:
                yield f"ends in {first.errors[0]} by accident: {text}"


def needed_behaviour(anatomy: Anatomy) -> Iterator[str]:
    """No hidden test depends on what is wanted in a needed family."""
    exercise = anatomy.exercise
    for needed in exercise.needs:
        for choices in Anatomy(needed).single:
            other = Exercise(exercise.family, exercise.number)
            other.__dict__["needs"] = tuple(wanting(one, choices) if one is needed else one for one in exercise.needs)
            module = load(other, exercise.wanted)
            for case in [*exercise.cases("acceptance"), *exercise.cases("canary")]:
                if not holds(module, case):
                    yield f"{case.case_id} depends on {needed.family}: it fails with its {choices}"
                    break


def test_files(anatomy: Anatomy) -> Iterator[str]:
    """Test files can be read by Python."""
    exercise = anatomy.exercise
    for text in (exercise.starter_tests(), exercise.tests(exercise.wanted), exercise.tests(exercise.assumed, [1])):
        try:
            ast.parse(text)
        except SyntaxError as error:
            yield f"a test file is no Python: {error.msg}, line {error.lineno}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What comes of a call: a value, or an error with the names of its class and of the bases of that."""

    value: Plain = None
    errors: tuple[str, ...] = ()


def outcome(module: ModuleType, function: str, arguments: tuple[Plain, ...]) -> Outcome:
    """Call a function with these very arguments."""
    try:
        return Outcome(value=getattr(module, function)(*arguments))
    except Exception as error:  # noqa: BLE001 - an error is a result here
        return Outcome(errors=tuple(base.__name__ for base in type(error).__mro__))


def holds(module: ModuleType, due: Example | Case) -> bool:
    """Whether code does what an example or a hidden test says; judged as the sandbox judges."""
    found = outcome(module, due.function, copied(due.arguments))
    if due.error:
        return due.error in found.errors
    return not found.errors and is_same(found.value, due.result)


def is_exact(value: object) -> bool:
    """Whether a value is made of None, bool, int, str, list and dict with str keys, and of nothing else."""
    match value:
        case list():
            return type(value) is list and all(map(is_exact, value))
        case dict():
            return type(value) is dict and all(type(key) is str and is_exact(one) for key, one in value.items())
        case _:
            return value is None or type(value) in (bool, int, str)


def copied(arguments: tuple[Plain, ...]) -> tuple[Plain, ...]:
    """The same plain data once more."""
    return tuple(map(_copied, arguments))


def _copied(value: Plain) -> Plain:
    match value:
        case list():
            return [_copied(one) for one in value]
        case dict():
            return {key: _copied(one) for key, one in value.items()}
        case _:
            return value


def _criterion(case: Case) -> int:
    return int(case.case_id.partition("/")[0].removeprefix("c"))


def _function(exercise: Exercise, number: int) -> str:
    return exercise.kata.criteria[number - 1].function


def _call(example: Example | Case) -> str:
    arguments: Sequence[Plain] = example.arguments
    text = f"{example.function}({', '.join(map(repr, arguments))})"
    return text if len(text) <= 120 else f"{text[:117]}..."
