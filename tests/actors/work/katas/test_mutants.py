"""Hidden tests notice mistakes: seeded mutants, judged in the sandbox."""

import pytest

from actors.work.katas.__main__ import main
from actors.work.katas.bank import FAMILIES
from actors.work.katas.exercise import exercise
from actors.work.katas.mutants import LIMITS, Mutant, NotEnoughMutantsError, OracleFailsError, check, checked, drawn
from actors.work.katas.tables import DISCARDED
from actors.work.katas.themes import THEMES
from actors.work.mutations.operators import BY_NAME, Site
from actors.work.mutations.planting import UNNOTICED, Noticed
from actors.work.sandbox.plain import Case
from actors.work.sandbox.sandbox import Sandbox


def test_mutants_of_one_seed_are_always_the_same_and_all_different():
    first = [(one.family, one.number, site) for one, site in drawn(list(FAMILIES), 80, 1)]

    assert first == [(one.family, one.number, site) for one, site in drawn(list(FAMILIES), 80, 1)]
    assert first != [(one.family, one.number, site) for one, site in drawn(list(FAMILIES), 80, 2)]
    assert len(set(first)) == 80
    assert not any(BY_NAME[site.operator].flaky for _, _, site in first)
    assert {family for family, _, _ in first} == set(FAMILIES)


def test_every_mutant_is_killed_or_put_aside_with_a_reason():
    found = list(checked(list(FAMILIES), 40, 7))

    assert len(found) == 40
    assert all(mutant.is_killed or mutant.result in DISCARDED for mutant in found)
    assert sum(mutant.is_killed for mutant in found) >= 30
    for mutant in found:
        if isinstance(mutant.result, Noticed):
            assert mutant.result.criteria
            assert all(case.startswith(f"c{case[1]}/") for case in mutant.result.cases)


def test_more_mutants_than_there_are_cannot_be_drawn(monkeypatch):
    monkeypatch.setattr("actors.work.katas.mutants.THEMES", THEMES[:1])

    with pytest.raises(NotEnoughMutantsError) as caught:
        list(drawn(["rate_limit"], 5000, 1))
    assert caught.value.found < 100


def test_a_mutant_is_killed_by_the_criterion_that_it_breaks():
    one = exercise("rate_limit", 0)
    with Sandbox(limits=LIMITS) as sandbox:
        mutant = check(one, Site(function="wait", operator="dropped_return", number=0), sandbox)

    assert isinstance(mutant.result, Noticed)
    assert (mutant.result.criteria, mutant.result.by) == ((3,), "acceptance")
    assert str(mutant).startswith("rate_limit/0 line ")
    assert "killed by acceptance in criteria 3: c3/acceptance/01" in str(mutant)


def test_mutants_of_an_oracle_that_fails_say_nothing(monkeypatch):
    one = exercise("rate_limit", 1)
    wrong = (Case(case_id="c1/acceptance/01", module=one.module, function="parse_limit", arguments=("1/m",), result=7),)
    monkeypatch.setattr(one, "cases", lambda which: wrong if which == "acceptance" else ())
    with Sandbox(limits=LIMITS) as sandbox, pytest.raises(OracleFailsError) as caught:
        check(one, Site(function="wait", operator="dropped_return", number=0), sandbox)

    assert (caught.value.case_id, caught.value.outcome) == ("c1/acceptance/01", "wrong_value")


def test_the_command_fails_when_a_mutant_is_neither_killed_nor_discarded(monkeypatch, capsys):
    site = Site(function="wait", operator="dropped_return", number=0)
    results = [UNNOTICED, Noticed(criteria=(1,), by="canary", cases=("c1/canary/01",)), "overlaps something"]
    mutants = [Mutant(family="rate_limit", number=0, site=site, line=3, result=result) for result in results]
    monkeypatch.setattr("actors.work.katas.__main__.checked", lambda families, count, seed: iter(mutants[:count]))

    assert main(["mutants", "--count", "2"]) == 0
    assert "2 mutants: 1 killed, 1 discarded with a reason" in capsys.readouterr().out
    assert main(["mutants", "--count", "3"]) == 1
