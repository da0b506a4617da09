"""The code of a product as a value: what was chosen, what is built, what is wrong in it, who brought that to main."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.work.katas.exercise import Exercise, exercise
from actors.work.katas.oracle import function_texts
from actors.work.messages import FileText, FlawSite
from actors.work.mutations.operators import Site, sites
from actors.work.product import Flaw, ModuleCode, ProductCode, changes, index_path, index_text, site_of, skeleton
from tests.support.repositories import pytest_in

FAMILY = "money_split"
KEY = (FAMILY, 3)


@pytest.fixture
def one() -> Exercise:
    return exercise(*KEY)


def module(one: Exercise, *built: int) -> ModuleCode:
    return ModuleCode(family=FAMILY, number=3, choices=one.assumed).with_criteria(built or one.criteria)


def flaw(code: ModuleCode, function: str, *, number: int = 1, criteria: tuple[int, ...] = (1,)) -> Flaw:
    """The first mistake that fits into a function."""
    site: Site = sites(code.exercise.source(code.choices), [function])[0]
    return Flaw(
        number=number,
        site=FlawSite(function=site.function, operator=site.operator, number=site.number),
        incident_class="a mistake",
        severity=2,
        criteria=criteria,
        noticed_by="acceptance",
        fix_lines=1,
    )


def test_nothing_is_written_before_something_is_built_and_then_source_and_tests(one: Exercise) -> None:
    begun = ModuleCode.begun(*KEY)

    assert begun.files() == {}
    assert begun.choices == one.assumed
    assert sorted(begun.with_criteria([1]).files()) == sorted([one.path, one.test_path])


def test_only_what_is_built_stands_in_the_source(one: Exercise) -> None:
    texts = [module(one, *range(1, n + 1)).source() for n in one.criteria]

    for n, text in enumerate(texts, start=1):
        for criterion in one.criteria:
            function = one.kata.criteria[criterion - 1].function
            if criterion <= n:
                assert f"def {function}(" in text
    assert len(texts[0]) < len(texts[-1])


def test_a_mistake_is_really_in_the_text_and_gone_when_it_is_repaired(one: Exercise) -> None:
    code = module(one)
    broken = code.with_flaw(flaw(code, one.functions()[0]))

    assert broken.source() != code.source()
    assert broken.tests() == code.tests(), "nobody knows of it"
    assert broken.without_flaws([1]).source() == code.source()
    assert broken.flaws_of([1]) == (1,)
    assert broken.flaws_of([2]) == ()


def test_who_decides_otherwise_writes_functions_anew_and_loses_the_mistakes_in_them_only(one: Exercise) -> None:
    position, other = next(
        (position, other)
        for position, point in enumerate(one.kata.open_points)
        for other in range(1, len(point.alternatives))
    )
    code = module(one)
    chosen = [other if n == position else choice for n, choice in enumerate(code.choices)]
    before, after = one.source(code.choices), one.source(chosen)
    names = [name for name in function_texts(before) if sites(before, [name])]
    flaws = [flaw(code, name, number=n) for n, name in enumerate(names, start=1)]
    kept = code
    for each in flaws:
        kept = kept.with_flaw(each)
    kept = kept.with_choices(chosen)
    gone = {each.site.function for each in flaws} - {each.site.function for each in kept.flaws}

    assert before != after
    assert gone
    assert kept.flaws
    for name in names:
        assert (name in gone) == (function_texts(before)[name] != function_texts(after).get(name))


def test_tests_that_were_written_with_care_stay_when_somebody_careless_comes(one: Exercise) -> None:
    careful = module(one).with_care(one.criteria, 1000)

    assert careful.with_care(one.criteria, 0).tests() == careful.tests()
    assert len(module(one).with_care(one.criteria, 0).tests()) < len(careful.tests())


def test_what_canaries_found_is_a_visible_test_afterwards_once(one: Exercise) -> None:
    cases = [case.case_id for case in one.cases("canary")[:2]]
    code = module(one).with_regressions(cases).with_regressions(cases)

    assert code.regressions == tuple(sorted(cases))
    assert "what_broke_criterion_" in code.tests()
    assert "what_broke_criterion_" not in module(one).tests()


# -- main -------------------------------------------------------------------------------------------------------------


def test_the_culprit_of_a_criterion_is_the_landing_since_which_it_behaves_as_it_does(one: Exercise) -> None:
    product, code = ProductCode(team="red"), module(one, 1)
    product.module_landed(code, "first")
    code = code.with_criteria([2])
    product.module_landed(code, "second")
    broken = code.with_flaw(flaw(code, one.functions([1])[0]))
    product.module_landed(broken, "third")
    product.module_landed(broken.with_criteria([3]).with_care([1], 1000), "fourth")

    assert [product.culprit(KEY, criterion) for criterion in (1, 2, 3)] == ["third", "second", "fourth"]
    product.module_landed(broken.without_flaws([1]), "fifth")
    assert product.culprit(KEY, 1) == "fifth"
    assert product.culprit(KEY, 2) == "second"


def test_a_decision_that_changes_is_a_new_behaviour_of_its_criterion_only(one: Exercise) -> None:
    product, code = ProductCode(team="red"), module(one)
    product.module_landed(code, "first")
    point = one.kata.open_points[0]
    product.module_landed(code.with_choices([1, *code.choices[1:]]), "second")

    for criterion in one.criteria:
        assert product.culprit(KEY, criterion) == ("second" if criterion == point.criterion else "first")


def test_the_modules_of_a_domain_are_those_on_main_in_order(one: Exercise) -> None:
    product = ProductCode(team="red")
    for number in (5, 1, 3):
        landed = ModuleCode.begun(FAMILY, number).with_criteria([1])
        product.module_landed(landed, f"commit {number}")

    names = product.modules(one.kata.domain)
    assert list(names) == sorted(exercise(FAMILY, number).name for number in (1, 3, 5))
    assert product.modules("api") == ()


def test_flaws_are_numbered_through_the_whole_product() -> None:
    product = ProductCode(team="red")

    assert [product.next_flaw() for _ in range(3)] == [1, 2, 3]


def test_an_index_lists_each_module_once_and_says_the_same_whatever_the_order() -> None:
    assert index_text("api", ["b", "a"]) == index_text("api", ["a", "b", "a"][:2])
    assert index_text("api", []).endswith("MODULES = ()\n")
    assert index_path("api") == "src/product/api/__init__.py"


def test_an_empty_product_is_one_whose_tests_pass(tmp_path: Path) -> None:
    for path, text in skeleton("red").items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)

    assert pytest_in(tmp_path).returncode == 0


def test_changes_are_what_differs_sorted_by_path() -> None:
    before, after = {"b": "1", "c": "1", "d": "1"}, {"a": "1", "b": "2", "c": "1"}

    assert changes(before, after) == (
        FileText(path="a", content="1"),
        FileText(path="b", content="2"),
        FileText(path="d", content=None),
    )
    assert changes(before, dict(before)) == ()


def test_the_place_of_a_mistake_is_the_same_on_the_wire_and_in_the_operators(one: Exercise) -> None:
    found = flaw(module(one), one.functions()[0]).site

    assert site_of(found) == Site(function=found.function, operator=found.operator, number=found.number)
