"""Choosing a mistake that somebody notices: with a judge of four cases that runs in this process."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from actors.work.mutations.operators import Site, apply, sites
from actors.work.mutations.planting import (
    BREAKS_QUIET,
    NOT_AS_WANTED,
    OVERLAPPING,
    UNNOTICED,
    Noticed,
    examine,
    noticed,
    plant,
)

SOURCE = """
def price(count):
    if count < 1:
        raise ValueError("nothing is bought")
    return count * 4 - count // 10


def label(count):
    unused = 3
    return "one" if count == 1 else "many"
"""
FUNCTIONS = ("price", "label")
CASES = {
    "c1/acceptance/01": ("price", 2, 8),
    "c1/acceptance/02": ("price", 0, "ValueError"),
    "c1/canary/01": ("price", 20, 78),
    "c2/acceptance/01": ("label", 1, "one"),
    "c2/canary/01": ("label", 5, "many"),
}


@dataclass(frozen=True)
class Verdict:
    case_id: str
    outcome: str


class InProcess:
    """Runs the cases here and counts how often it is asked."""

    def __init__(self):
        self.asked: list[str] = []

    def __call__(self, text: str) -> Sequence[Verdict]:
        self.asked.append(text)
        names: dict[str, object] = {}
        exec(text, names)
        return [Verdict(case_id, self._outcome(names, *case)) for case_id, case in CASES.items()]

    def _outcome(self, names, function, argument, due) -> str:
        try:
            result = names[function](argument)
        except Exception as error:  # noqa: BLE001 - an error is a result here
            result = type(error).__name__
        return "passed" if result == due else "wrong_value"


def site(function, operator, number=0):
    return Site(function=function, operator=operator, number=number)


def test_a_planted_mistake_is_one_that_the_hidden_tests_notice():
    judge = InProcess()
    for seed in range(30):
        planted = plant(SOURCE, FUNCTIONS, judge, seed=seed, entity="S-1")
        assert planted is not None
        failed = {one.case_id for one in judge(planted.source) if one.outcome != "passed"}
        assert failed == set(planted.cases) != set()
        assert planted.source == apply(SOURCE, [planted.site])
        assert planted.criteria == tuple(sorted({int(one[1]) for one in failed}))
        assert planted.noticed_by == ("acceptance" if any("acceptance" in one for one in failed) else "canary")


def test_equal_seeds_plant_the_same_and_other_seeds_something_else():
    first = [plant(SOURCE, FUNCTIONS, InProcess(), seed=seed, entity="S-1") for seed in range(12)]
    again = [plant(SOURCE, FUNCTIONS, InProcess(), seed=seed, entity="S-1") for seed in range(12)]

    assert first == again
    assert len({planted.site for planted in first if planted}) > 4
    assert plant(SOURCE, FUNCTIONS, InProcess(), seed=1, entity="S-2") != first[1]


def test_mistakes_that_nobody_notices_are_put_aside_with_a_reason():
    only = {"off_by_one_constant"}
    planted = [plant(SOURCE, ["label"], InProcess(), seed=seed, entity="S-1", operators=only) for seed in range(20)]

    assert {one.site for one in planted if one} == {site("label", "off_by_one_constant", 1)}  # the 3 is never read
    tried = [reason for one in planted if one for reason in one.tried]
    assert set(tried) == {(site("label", "off_by_one_constant"), UNNOTICED)}


def test_a_mistake_that_escapes_acceptance_is_found_by_canaries_only():
    planted = [
        plant(SOURCE, FUNCTIONS, InProcess(), seed=seed, entity="x", noticed_by="canary", limit=99) for seed in range(9)
    ]

    assert all(one is not None and one.noticed_by == "canary" for one in planted)
    assert all("acceptance" not in case for one in planted if one for case in one.cases)
    assert any(reason == NOT_AS_WANTED for one in planted if one for _, reason in one.tried)


def test_cases_that_have_to_stay_quiet_are_not_broken():
    quiet = [case for case in CASES if case.startswith("c1/acceptance")]
    planted = [plant(SOURCE, ["price"], InProcess(), seed=seed, entity="x", quiet=quiet, limit=99) for seed in range(9)]

    assert all(one is not None and one.cases == ("c1/canary/01",) for one in planted)
    assert any(reason == BREAKS_QUIET for one in planted if one for _, reason in one.tried)


def test_mistakes_that_are_there_stay_and_only_what_is_new_counts():
    taken = [site("label", "wrong_branch")]
    for seed in range(20):
        planted = plant(SOURCE, FUNCTIONS, InProcess(), seed=seed, entity="S-1", taken=taken)
        assert planted is not None
        assert planted.site not in taken
        assert planted.source == apply(SOURCE, [*taken, planted.site])
        assert not any(case.startswith("c2/") for case in planted.cases)  # those were broken before


def test_a_known_baseline_is_not_judged_again():
    judge = InProcess()
    before = judge(SOURCE)
    judge.asked.clear()
    planted = plant(SOURCE, FUNCTIONS, judge, seed=3, entity="S-1", baseline=before)

    assert planted is not None
    assert SOURCE not in judge.asked
    assert len(judge.asked) == len(planted.tried) + 1


def test_no_more_than_the_limit_is_tried():
    judge = InProcess()
    only = {"off_by_one_constant"}

    assert plant(SOURCE, ["label"], judge, seed=1, entity="x", operators=only, noticed_by="canary", limit=1) is None
    assert len(judge.asked) <= 2
    assert plant(SOURCE, [], InProcess(), seed=1, entity="x") is None


def test_a_mistake_on_top_of_another_is_put_aside():
    flip, reverse = site("price", "comparison_flip"), site("price", "comparison_reverse")
    judge = InProcess()

    assert examine(SOURCE, reverse, judge, judge(SOURCE), taken=[flip]) == OVERLAPPING


@pytest.mark.parametrize("outcome", ["cpu_limit", "memory_limit", "blocked"])
def test_a_mutant_that_eats_up_resources_is_no_defect(outcome):
    before = [Verdict("c1/acceptance/01", "passed"), Verdict("c1/acceptance/02", "passed")]
    after = [Verdict("c1/acceptance/01", "wrong_value"), Verdict("c1/acceptance/02", outcome)]

    assert noticed(before, after) == outcome.replace("_", " ")


def test_cases_that_were_not_called_say_nothing():
    before = [Verdict(f"c{number}/canary/01", "passed") for number in (1, 2)]
    after = [Verdict("c1/canary/01", "crashed"), Verdict("c2/canary/01", "refused")]

    assert noticed(before, after) == Noticed(criteria=(1,), by="canary", cases=("c1/canary/01",))


def test_every_kind_of_mistake_gets_its_turn():
    """A kind with one place is drawn as often as a kind with many."""
    first = [plant(SOURCE, FUNCTIONS, InProcess(), seed=seed, entity="x") for seed in range(60)]
    kinds = {one.site.operator for one in first if one}

    assert len(kinds) >= len({one.operator for one in sites(SOURCE, FUNCTIONS)}) - 1
