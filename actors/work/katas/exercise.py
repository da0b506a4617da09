"""One variant of a family, ready to be worked on: its texts, its source for any choices, its hidden tests."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Literal

from actors.work.katas import oracle, rendering
from actors.work.katas.bank import FAMILIES
from actors.work.katas.execution import call, load
from actors.work.katas.kata import Chance, Example, Kata, Variant
from actors.work.sandbox.plain import Case
from config.streams import draw

Which = Literal["acceptance", "canary"]
GENERATED: Mapping[Which, int] = {"acceptance": 3, "canary": 20}  # generated calls of each function
ASSUMED_PERMILLE = 490  # how often the obvious assumption is what is wanted; as in the backlog of modelled work


class UnknownFamilyError(KeyError):
    """Raised for a family that is not in the bank."""

    def __init__(self, family: str) -> None:
        super().__init__(f"there is no kata {family}")
        self.family = family

    def __str__(self) -> str:
        return str(self.args[0])


class Exercise:
    """A variant of a family. Choices are one index into the alternatives for each open point, in their order."""

    def __init__(self, family: str, number: int) -> None:
        if family not in FAMILIES:
            raise UnknownFamilyError(family)
        self.family, self.number = family, number
        self.variant = Variant(family, number)
        self.kata: Kata = FAMILIES[family](self.variant)

    # -- what is wanted -----------------------------------------------------------------------------------------------

    @cached_property
    def wanted(self) -> tuple[int, ...]:
        """What the product owner means: for each open point the alternative that hidden tests ask for."""
        chosen: list[int] = []
        for position, point in enumerate(self.kata.open_points):
            entity = f"{self.family}/{self.number}/wanted"
            if draw(0, "katas", entity, 2 * position).chance(ASSUMED_PERMILLE):
                chosen.append(0)
            else:
                chosen.append(1 + draw(0, "katas", entity, 2 * position + 1).below(len(point.alternatives) - 1))
        return tuple(chosen)

    @property
    def assumed(self) -> tuple[int, ...]:
        """What is built when nobody asks."""
        return (0,) * len(self.kata.open_points)

    def point_of(self, criterion: int, topic: str) -> int | None:
        """The position of an open point; None if the criterion leaves nothing open there."""
        for position, point in enumerate(self.kata.open_points):
            if (point.criterion, point.topic) == (criterion, topic):
                return position
        return None

    # -- where it lives -----------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The module's own name."""
        return f"{self.variant.theme.many}_{self.family}"

    @property
    def module(self) -> str:
        """The dotted name that others import it by."""
        return f"product.{self.kata.domain}.{self.name}"

    @property
    def path(self) -> str:
        """Of the source file, from the root of the repository."""
        return f"src/{self.module.replace('.', '/')}.py"

    @property
    def test_path(self) -> str:
        """Of the test file."""
        return f"tests/{self.kata.domain}/test_{self.name}.py"

    @cached_property
    def needs(self) -> tuple[Exercise, ...]:
        """What it imports: the same variant of other families."""
        return tuple(exercise(family, self.number) for family in self.kata.needs)

    # -- code ---------------------------------------------------------------------------------------------------------

    @property
    def criteria(self) -> range:
        """All criteria, counted from 1."""
        return range(1, len(self.kata.criteria) + 1)

    def source(self, choices: Sequence[int], built: Collection[int] | None = None) -> str:
        """The module as somebody writes it who makes these choices; `built`: the criteria it fulfils, None for all."""
        code = {family.family: family.module for family in self.needs}
        for point, chosen in zip(self.kata.open_points, choices, strict=True):
            code.update(point.alternatives[chosen].code)
        text = oracle.fill(self.kata.source, code)
        return oracle.only(text, self.functions(built))

    def functions(self, built: Collection[int] | None = None) -> tuple[str, ...]:
        """The functions of some criteria, each once."""
        wanted = self.criteria if built is None else [one for one in self.criteria if one in built]
        return tuple(dict.fromkeys(self.kata.criteria[one - 1].function for one in wanted))

    def starter_tests(self, built: Collection[int] | None = None) -> str:
        """The visible tests: examples that hold whatever is wanted."""
        return rendering.test_module(self.module, self._starter_examples(built))

    def tests(
        self,
        choices: Sequence[int],
        built: Collection[int] | None = None,
        care: Mapping[int, int] | None = None,
        regressions: Collection[str] = (),
    ) -> str:
        """The test file as somebody writes it who makes these choices: the starter tests and their own.

        Args:
            choices: What they believe is wanted.
            built: The criteria that are built; None for all.
            care: For each criterion, how many of the tests that could be written they write, thousandths; None for all.
                Who writes more writes at least the tests of those who write fewer.
            regressions: Ids of canaries that failed in production and became visible tests.
        """
        own = self._own_examples(choices, built)
        written = [(name, example) for number, name, example in own if self._is_written(number, name, example, care)]
        incidents = [
            (f"what_broke_criterion_{self.case_criterion(case.case_id)}", _as_example(case))
            for case in (self.cases("canary") if regressions else ())
            if case.case_id in regressions
        ]
        return rendering.test_module(self.module, [*self._starter_examples(built), *written, *incidents])

    def _is_written(self, number: int, name: str, example: Example, care: Mapping[int, int] | None) -> bool:
        if care is None:
            return True
        entity = f"{self.family}/{self.number}/{name}/{example.arguments!r}"
        return draw(0, "own_tests", entity, 0).permille() < care.get(number, 0)

    def _starter_examples(self, built: Collection[int] | None) -> list[tuple[str, Example]]:
        return [
            (f"criterion_{number}", criterion.examples[0])
            for number, criterion in enumerate(self.kata.criteria, start=1)
            if built is None or number in built
        ]

    def _own_examples(self, choices: Sequence[int], built: Collection[int] | None) -> list[tuple[int, str, Example]]:
        more = [
            (number, f"criterion_{number}", example)
            for number, criterion in enumerate(self.kata.criteria, start=1)
            for example in criterion.examples[1:]
        ]
        more += [
            (point.criterion, f"{point.topic}_of_criterion_{point.criterion}", example)
            for point, chosen in zip(self.kata.open_points, choices, strict=True)
            for example in point.alternatives[chosen].examples
        ]
        return [one for one in more if built is None or one[0] in built]

    # -- hidden tests -------------------------------------------------------------------------------------------------

    def cases(self, which: Which = "acceptance", choices: Sequence[int] | None = None) -> tuple[Case, ...]:
        """Hidden tests; `case_id` begins with `c<criterion>/`.

        Acceptance has all examples and generated calls; canaries are other generated calls, made after the story is
        accepted. What is expected follows from `choices`, by default from what is wanted.
        """
        return self._cases(which, self.wanted if choices is None else tuple(choices))

    def case_criterion(self, case_id: str) -> int:
        """The criterion that a case belongs to."""
        return int(case_id.partition("/")[0].removeprefix("c"))

    @lru_cache(maxsize=64)  # noqa: B019 - exercises are kept for the life of the process themselves
    def _cases(self, which: Which, choices: tuple[int, ...]) -> tuple[Case, ...]:
        found: list[tuple[int, Example]] = []
        if which == "acceptance":
            found += [(number, one) for number in self.criteria for one in self.kata.criteria[number - 1].examples]
            for point, chosen in zip(self.kata.open_points, choices, strict=True):
                found += [(point.criterion, one) for one in point.alternatives[chosen].examples]
        found += self._generated(which, choices)
        counts: dict[int, int] = {}
        made: list[Case] = []
        for criterion, example in found:
            counts[criterion] = number = counts.get(criterion, 0) + 1
            made.append(
                Case(
                    case_id=f"c{criterion}/{which}/{number:02d}",
                    module=self.module,
                    function=example.function,
                    arguments=example.arguments,
                    result=example.result,
                    error=example.error,
                )
            )
        return tuple(made)

    def _generated(self, which: Which, choices: tuple[int, ...]) -> Iterable[tuple[int, Example]]:
        module = load(self, choices)
        for function, make in self.kata.inputs.items():
            criterion = next(one for one in self.criteria if self.kata.criteria[one - 1].function == function)
            for number in range(GENERATED[which]):
                arguments = make(Chance(f"{self.family}/{self.number}/{which}/{function}/{number}"))
                yield criterion, call(module, function, arguments)


def _as_example(case: Case) -> Example:
    return Example(function=case.function, arguments=case.arguments, result=case.result, error=case.error)


@lru_cache(maxsize=1024)
def exercise(family: str, number: int) -> Exercise:
    """The variant of a family, made once. Raises UnknownFamilyError, ValueError for a number without a theme."""
    return Exercise(family, number)
