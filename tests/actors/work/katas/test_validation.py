"""The bank keeps its promises, and the validator notices when one is broken."""

import subprocess
import sys
from dataclasses import replace

import pytest

from actors.work.katas import validation
from actors.work.katas.__main__ import main
from actors.work.katas.anatomy import Anatomy
from actors.work.katas.bank import FAMILIES
from actors.work.katas.exercise import Exercise, UnknownFamilyError
from actors.work.katas.kata import Alternative, Criterion, Example, Kata, OpenPoint, Told, Variant
from actors.work.katas.validation import validate, validate_bank

SOURCE = '''"""Rounds prices."""

COUNT = []


def rounded(price, step=5):
    """The price rounded to a step."""
    if price < 0:
        raise ValueError("a price is not negative")
    rest = price % step
    <<tie>>
    return price - rest


def total(prices, discount):
    """The sum of some prices, less a discount in percent."""
    added = 0
    for price in prices:
        added += price
    if not prices:
        <<empty>>
    return _less(added, discount)


def _less(amount, percent):
    assert not COUNT
    return amount - amount * percent // 100
'''


def at(function: str, arguments: tuple, result=None, error: str = "") -> Example:
    return Example(function=function, arguments=arguments, result=result, error=error)


def tie(name: str, code: str, result: int) -> Alternative:
    return Alternative(name=name, answer=f"It is {name}.", code={"tie": code}, examples=(at("rounded", (13,), result),))


def empty(name: str, code: str, result=None, error: str = "") -> Alternative:
    return Alternative(
        name=name, answer=f"It is {name}.", code={"empty": code}, examples=(at("total", ([], 10), result, error),)
    )


TIES = (
    tie("down", "rest = rest + 0", 10),
    tie("up", "rest = rest - step if rest else 0", 15),
    tie("kept", "return price", 13),
    tie("further", "rest = rest * 2", 7),
)
EMPTY = (
    empty("zero", "return 0", 0),
    empty("nothing", "return None"),
    empty("refused", 'raise LookupError("no prices")', error="LookupError"),
    empty("one", "return 1", 1),
)
KATA = Kata(
    domain="api",
    title="Round prices",
    told=Told(
        vague="Prices look odd.", plain="Prices are rounded and added.", exact="Prices are rounded to a step of 5."
    ),
    criteria=(
        Criterion(
            text="A price is rounded",
            function="rounded",
            examples=(at("rounded", (20,), 20), at("rounded", (-1,), error="ValueError")),
        ),
        Criterion(text="Prices are added", function="total", examples=(at("total", ([60, 40], 10), 90),)),
    ),
    open_points=(
        OpenPoint(criterion=1, topic="limits", question="Which way?", alternatives=TIES),
        OpenPoint(criterion=2, topic="edge_case", question="What if there are none?", alternatives=EMPTY),
    ),
    source=SOURCE,
    inputs={
        "rounded": lambda chance: (chance.between(0, 6) * 10 + 3,),
        "total": lambda chance: ([chance.below(50), chance.below(50)], chance.below(100)),
    },
    points=2,
    specialization="backend",
    tags=("api", "backend"),
)


@pytest.fixture
def problems(monkeypatch):
    """Broken rules of a kata with what they say."""

    def find(kata: Kata) -> dict[str, str]:
        def make(variant: Variant) -> Kata:
            return kata

        make.__module__ = "actors.work.katas.api.rounding"
        families = {**FAMILIES, "rounding": make}
        monkeypatch.setattr("actors.work.katas.exercise.FAMILIES", families)
        monkeypatch.setattr("actors.work.katas.rules_of_form.FAMILIES", families)
        found: dict[str, str] = {}
        for problem in validate("rounding", 1):
            assert (problem.family, problem.number) == ("rounding", 1)
            found[problem.rule] = f"{found.get(problem.rule, '')}{problem.detail}\n"
        return found

    return find


def written(old: str, new: str) -> Kata:
    assert old in SOURCE
    return replace(KATA, source=SOURCE.replace(old, new))


def with_point(position: int, **changes) -> Kata:
    points = list(KATA.open_points)
    points[position] = replace(points[position], **changes)
    return replace(KATA, open_points=tuple(points))


def with_alternative(position: int, number: int, **changes) -> Kata:
    alternatives = list(KATA.open_points[position].alternatives)
    alternatives[number] = replace(alternatives[number], **changes)
    return with_point(position, alternatives=tuple(alternatives))


def with_criterion(position: int, **changes) -> Kata:
    criteria = list(KATA.criteria)
    criteria[position] = replace(criteria[position], **changes)
    return replace(KATA, criteria=tuple(criteria))


@pytest.mark.parametrize("family", FAMILIES)
def test_every_rule_holds_for_two_variants_of_each_family(family):
    assert [str(problem) for number in (0, 7) for problem in validate(family, number)] == []


def test_the_bank_as_a_whole_is_large_varied_and_distinct():
    assert [str(problem) for problem in validate_bank(len(FAMILIES) and 3)] == []


def test_sources_under_every_alternative_are_clean_for_the_linter(tmp_path):
    for family in FAMILIES:
        anatomy = Anatomy(Exercise(family, 3))
        for number, choices in enumerate(anatomy.single):
            (tmp_path / f"{family}_{number}.py").write_text(anatomy.source(choices), encoding="utf-8")
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F,E,B,SIM", "--line-length", "110"]
    done = subprocess.run([*command, "--output-format", "concise", "."], cwd=tmp_path, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_sound_kata_has_no_problem(problems):
    assert problems(KATA) == {}


@pytest.mark.parametrize(
    ("kata", "rule", "words"),
    [
        (replace(KATA, domain="games"), "place", "no domain games"),
        (replace(KATA, specialization="magic"), "place", "no specialization magic"),
        (replace(KATA, tags=("backend",)), "place", "tags are"),
        (replace(KATA, points=5), "counts", "5 points do not go with 2 criteria"),
        (with_point(0, topic="colour"), "counts", "no topic colour"),
        (with_point(0, criterion=2, topic="edge_case"), "counts", "all open points are in one criterion"),
        (with_point(0, criterion=3), "counts", "no criterion 3"),
        (replace(KATA, open_points=KATA.open_points[:1]), "counts", "2 to 4 open points, got 1"),
        (with_point(0, alternatives=TIES[:3]), "alternatives", "4 alternatives, got 3"),
        (with_alternative(0, 1, name="down"), "alternatives", "the same name"),
        (with_alternative(0, 1, code={"tie": "rest = rest + 0"}), "alternatives", "the same code"),
        (with_alternative(0, 1, code={"other": "pass"}), "alternatives", "different placeholders"),
        (written("<<tie>>", "pass"), "alternatives", "placeholders empty"),
        (with_criterion(0, examples=()), "examples", "1 to 4 examples, got 0"),
        (with_criterion(0, function="total"), "examples", "share a function"),
        (replace(KATA, inputs={"rounded": KATA.inputs["rounded"]}), "examples", "inputs are generated for rounded"),
        (replace(KATA, needs=("nonsense",)), "needs", "nonsense, which does not exist"),
        (replace(KATA, needs=("rate_limit",)), "needs", "imports nothing from it"),
        (replace(KATA, told=replace(KATA.told, vague="")), "texts", "is empty"),
        (with_point(0, question="Say."), "texts", "the question is none"),
        (
            replace(with_alternative(0, 1, answer="It is rounded up every time."), title="It is rounded up every time"),
            "texts",
            "gives an answer away",
        ),
        (written("    added = 0\n", "    added = 0\n" + "    # more\n" * 50), "size", "25 to 70 are due"),
        (
            written("    rest = price", "    if price:\n        pass\n" * 6 + "    rest = price"),
            "size",
            "rounded has McCabe complexity 8",
        ),
        (written('    """The price rounded to a step."""\n', ""), "documentation", "rounded has no"),
        (written("_less", "less"), "documentation", "public functions are less"),
        (written("    added = 0", "    import random\n\n    added = random.choice([0])"), "purity", "imports random"),
        (with_alternative(0, 2, code={"tie": "print(price)\nreturn price"}), "purity", "it uses print"),
        (
            written("added = 0", "added = datetime.date.today().day * 0"),
            "purity",
            "it reads a clock",
        ),
        (
            with_criterion(0, examples=(at("rounded", (21,), 20),)),
            "starter_examples",
            "an example of criterion 1 fails with (1, 0)",
        ),
        (with_alternative(0, 2, examples=(at("rounded", (13,), 14),)), "telling_examples", "kept: rounded(13) fails"),
        (
            with_alternative(0, 2, examples=(at("rounded", (20,), 20),)),
            "telling_examples",
            "kept is not told apart from down",
        ),
        (
            written("assert not COUNT", "COUNT.append(1)\n    amount += len(COUNT)"),
            "plain_calls",
            "gives something else the second time",
        ),
        (
            written("    for price in", "    prices.append(1)\n    for price in"),
            "plain_calls",
            "changes its arguments",
        ),
        (
            written("percent // 100", "percent / 100"),
            "plain_calls",
            "not plain data",
        ),
        (
            replace(KATA, inputs={**KATA.inputs, "total": lambda chance: ([chance.below(3), None], 4)}),
            "plain_calls",
            "ends in TypeError by accident",
        ),
        (written("return _less", "return = _less"), "size", "cannot be looked at"),
    ],
)
def test_a_broken_promise_is_named(kata, rule, words, problems):
    found = problems(kata)

    assert rule in found, found
    assert words in found[rule]


def test_hidden_tests_that_cannot_tell_alternatives_apart_are_named(problems):
    """Examples that say the same leave it to chance whether a generated call makes the difference."""
    kata = with_alternative(0, 3, code={"tie": "return price if price else 0"}, examples=(at("rounded", (13,), 13),))
    found = problems(kata)

    assert "accepts what is written for" in found["alternatives_apart"]
    assert "not told apart" in found["telling_examples"]


def test_cases_that_lean_on_another_criterion_are_named(problems):
    """`total` works only after `rounded` was imported by name, which the source does not show."""
    source = SOURCE.replace(
        "return _less(added, discount)", 'return _less(added, discount) if "rounded" in globals() else 0'
    )
    found = problems(replace(KATA, source=source))

    assert "fails only because criterion 1 is missing" in found["criteria_apart"]


def test_only_what_changes_in_a_family_is_tried_in_combination():
    anatomy = Anatomy(Exercise("rate_limit", 0))
    exercise = anatomy.exercise

    for position, point in enumerate(exercise.kata.open_points):
        function = exercise.kata.criteria[point.criterion - 1].function
        assert position in anatomy.points_of(function)
    assert anatomy.combinations("parse_limit") == ((0, 0, 0), (1, 0, 0), (2, 0, 0), (3, 0, 0))


def test_a_family_that_copies_another_is_named(monkeypatch):
    copies = {"rate_limit": FAMILIES["rate_limit"], "copy": lambda variant: FAMILIES["rate_limit"](variant)}
    monkeypatch.setattr(validation, "FAMILIES", copies)
    monkeypatch.setattr("actors.work.katas.exercise.FAMILIES", copies)

    assert any("rate_limit and copy have" in str(problem) for problem in validate_bank(1))


def test_variants_are_counted_from_one_to_fifty():
    with pytest.raises(ValueError, match="1 to 50 variants, got 51"):
        validate_bank(51)
    with pytest.raises(UnknownFamilyError):
        validate("nonsense", 0)


def test_the_command_validates_named_families(capsys):
    assert main(["validate", "rate_limit", "--variants", "2"]) == 0
    assert capsys.readouterr().out == "1 families, 2 variants, 0 problems\n"


def test_the_command_says_what_is_wrong_and_fails(capsys, monkeypatch):
    family = FAMILIES["rate_limit"]
    monkeypatch.setattr("actors.work.katas.exercise.FAMILIES", {"rate_limit": lambda v: replace(family(v), points=8)})

    assert main(["validate", "rate_limit", "--variants", "1"]) == 1
    assert "rate_limit/0: counts: 8 points do not go with 3 criteria" in capsys.readouterr().out


def test_a_variant_that_cannot_be_made_is_a_problem(monkeypatch):
    def make(variant: Variant) -> Kata:
        raise IndexError(f"no word {variant.number}")

    monkeypatch.setattr("actors.work.katas.exercise.FAMILIES", {"rate_limit": make})

    assert [str(one) for one in validate("rate_limit", 4)] == ["rate_limit/4: make: IndexError: no word 4"]


def test_the_command_refuses_an_unknown_family_and_too_many_variants(capsys):
    assert main(["table", "nonsense"]) == 2
    assert "there is no family nonsense" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["validate", "--variants", "51"])


def test_the_table_lists_every_family(capsys):
    assert main(["table", "--markdown"]) == 0
    lines = capsys.readouterr().out.splitlines()

    assert len(lines) == 2 + len(FAMILIES)
    assert "| api | rate_limit | 3 | 3 | 3 | 4+4+4 |" in "\n".join(lines)
    assert main(["table"]) == 0
    assert all(family in capsys.readouterr().out for family in ["rate_limit"])
