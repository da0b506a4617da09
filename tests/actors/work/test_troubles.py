"""What disturbances do to code is real: it fails, flakes and conflicts when it is run, and not by somebody's word."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from actors.work.katas.bank import FAMILIES
from actors.work.katas.exercise import exercise
from actors.work.product import ModuleCode, skeleton
from actors.work.sandbox.sandbox import Sandbox
from actors.work.troubles import (
    CHANGES_PATH,
    FLAKY_KINDS,
    PRODUCT_TEST_PATH,
    VENDORED_PATH,
    FlakyKind,
    changes_text,
    copy_path,
    flaky_path,
    flaky_test,
    product_test,
    vendored,
)

TRIES = 10  # circumstances of each kind
NOON_S = 1_767_614_400


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(trust="trusted") as made:
        yield made


def with_module(**more: str) -> dict[str, str]:
    """A product with one whole module."""
    one = exercise("page_links", 1)
    code = ModuleCode(family=one.family, number=one.number, choices=one.wanted, built=tuple(one.criteria))
    return {**skeleton("red"), **code.files(), **more}


@pytest.mark.parametrize(("version", "adapted", "is_green"), [(1, 1, True), (2, 1, False), (2, 2, True), (7, 6, False)])
def test_the_product_is_green_only_with_the_version_it_was_written_against(
    sandbox: Sandbox, version: int, adapted: int, is_green: bool
) -> None:
    files = with_module() | {VENDORED_PATH: vendored(version), PRODUCT_TEST_PATH: product_test(adapted)}

    assert sandbox.run_tests(files, tests=[PRODUCT_TEST_PATH]).is_green is is_green


def test_the_products_own_test_notices_a_listed_module_that_cannot_be_imported(sandbox: Sandbox) -> None:
    index = {"src/product/frontend/__init__.py": 'MODULES = ("nothing_there",)\n'}
    run = sandbox.run_tests(with_module() | index, tests=[PRODUCT_TEST_PATH])

    assert [one.test.rpartition("[")[2] for one in run.tests if one.outcome == "failed"] == ["frontend]"]


def outcomes(sandbox: Sandbox, kind: FlakyKind, *, times: int) -> list[bool]:
    one = exercise("page_links", 1)
    files = with_module() | {flaky_path(one): flaky_test(one, kind)}
    return [
        sandbox.run_tests(
            files,
            tests=[flaky_path(one)],
            hash_seed=n if kind == "hash" else 0,
            clock_s=NOON_S + 3600 * n if kind == "clock" else 0,
            order_seed=n if kind == "order" else 0,
        ).is_green
        for n in range(1, times)
    ]


@pytest.mark.parametrize("kind", FLAKY_KINDS)
def test_a_flaky_test_is_red_now_and_green_then_and_the_same_under_the_same_circumstances(
    sandbox: Sandbox, kind: FlakyKind
) -> None:
    found = outcomes(sandbox, kind, times=TRIES)

    assert set(found) == {True, False}
    assert outcomes(sandbox, kind, times=3) == found[:2]


@pytest.mark.parametrize("kind", FLAKY_KINDS)
@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_flaky_test_can_be_written_for_every_family_and_tests_what_is_there(family: str, kind: FlakyKind) -> None:
    one = exercise(family, 0)
    tree = ast.parse(flaky_test(one, kind))
    imported = [node for node in tree.body if isinstance(node, ast.ImportFrom)]

    assert [node.module for node in imported] == [one.module]
    assert imported[0].names[0].name in one.functions()


def test_two_who_announce_something_change_the_same_lines() -> None:
    empty, first, second = (changes_text(lines) for lines in ((), ("A table",), ("A chart",)))

    assert first.splitlines()[-1] != second.splitlines()[-1]
    assert len({text.splitlines()[0] for text in (empty, first, second)}) == 1
    assert changes_text(("A table", "A chart")).count("\n- ") == 2


def test_what_troubles_write_lies_beside_the_module_and_under_names_of_its_own() -> None:
    one = exercise("page_links", 1)
    paths = {one.path, one.test_path, flaky_path(one), copy_path(one), VENDORED_PATH, PRODUCT_TEST_PATH, CHANGES_PATH}

    assert len(paths) == 7
    assert copy_path(one).rpartition("/")[0] == one.path.rpartition("/")[0]
    assert flaky_path(one).rpartition("/")[0] == one.test_path.rpartition("/")[0]
