"""Kinds of mistakes: what each does to code, and what can be said of all of them on every oracle of the bank."""

import ast
import difflib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.work.katas.bank import FAMILIES
from actors.work.katas.exercise import exercise
from actors.work.mutations.errors import OverlappingSitesError, UnknownSiteError
from actors.work.mutations.operators import BY_NAME, OPERATORS, Site, apply, fix_size, line_of, sites

# One example of each kind: what is written, and everything that the operator makes of it.
EXAMPLES = {
    "off_by_one_constant": ("def f(a):\n    return a[3:-1]\n", ["return a[4:-1]", "return a[3:-2]"]),
    "comparison_flip": ("def f(a, b):\n    return 0 <= a < b\n", ["return 0 < a < b", "return 0 <= a <= b"]),
    "comparison_reverse": (
        "def f(a, b):\n    return a not in b or a is None\n",
        ["return a in b or a is None", "return a not in b or a is not None"],
    ),
    "boolean_negation": (
        "def f(a, b):\n    return 1 if not a and b else 2\n",
        ["return 1 if a and b else 2", "return 1 if not a and not b else 2"],
    ),
    "logic_change": ("def f(a, b, c):\n    return a and b and c\n", ["return a or b or c"]),
    "operand_swap": ("def f(a, b):\n    return (a + 1) // b\n", ["return b // (a + 1)"]),
    "argument_swap": ("def f(a, b):\n    return g(a, b, 3)\n", ["return g(b, a, 3)"]),
    "operator_change": ("def f(a):\n    a += 1\n    return 'x' + a\n", ["a -= 1"]),
    "wrong_function": (
        "def f(a):\n    return a.lstrip(min(a))\n",
        ["return a.rstrip(min(a))", "return a.lstrip(max(a))"],
    ),
    "skipped_cleaning": (
        "def f(a):\n    return sorted(a.strip().split(), key=len)\n",
        ["return list(a.strip().split())", "return sorted(a.split(), key=len)"],
    ),
    "flipped_flag": ("def f(a):\n    return True\n", ["return False"]),
    "wrong_key": (
        'def f(a):\n    return a["x"] + a.get("y")\n',
        ['return a["y"] + a.get("y")', 'return a["x"] + a.get("x")'],
    ),
    "wrong_default": (
        'def f(a, b="s"):\n    return a.get(b, 0)\n',
        ['def f(a, b=""):', "return a.get(b, 1)"],
    ),
    "mutable_default": (
        "def f(a, b=1):\n    found = {}\n    return found\n",
        ["def f(a, b=1, found={}):"],
    ),
    "dropped_return": ("def f(a):\n    a = a + 1\n    return a + 1\n", ["a + 1"]),
    "removed_guard": ("def f(a):\n    if a < 0:\n        raise ValueError\n    return a\n", [""]),
    "swallowed_exception": (
        "def f(a):\n    try:\n        return g(a)\n    except KeyError as error:\n        raise ValueError\n",
        ["except Exception as error:", "return None"],
    ),
    "loop_cut_short": (
        "def f(a):\n    for b in range(1, a):\n        continue\n    return [c for c in a]\n",
        ["for b in range(1, a - 1):", "break", "return [c for c in list(a)[:-1]]"],
    ),
    "dropped_statement": ("def f(a):\n    b = 1\n    b += 1\n    a.append(b)\n    return b\n", ["", ""]),
    "wrong_branch": (
        "def f(a, b):\n    if a:\n        return 1\n    elif b:\n        return 2\n    return 3 if a else 4\n",
        ["if b:", "return 4 if a else 3"],
    ),
    "order_dependence": ("def f(a):\n    return [b for b in a]\n", ["return [b for b in set(a)]"]),
    "time_dependence": (
        "import time\n\n\ndef f(a):\n    return 1 if a or not a else 2\n",
        ["return 1 if (a or not a) and int(time.time()) % 60 < 50 else 2"],
    ),
}
COMMENTED = '''"""Größe und Maß."""

LIMIT = 3  # of everything


def free(names, most=LIMIT):
    """The names that are free."""
    # first: nothing is taken
    taken = {}
    for name in names:  # in their order
        size = len("größer") + taken.get(name, 0)  # ä before the mistake
        if size > most:
            # too many
            continue
        else:
            taken[name] = size
        note = f"{size + 1} of {most - 1}"
        taken[note] = "ü" + name
    return list(taken)  # as a list
'''


def sources():
    exercises = [exercise(family, 1) for family in FAMILIES]
    return [pytest.param(one.source(one.wanted), id=one.family) for one in exercises]


def all_sites(source):
    functions = [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    return [*sites(source, functions), *sites(source, functions, flaky=True)]


def test_every_operator_is_a_named_incident_class_with_a_severity():
    ordinary = [operator for operator in OPERATORS if not operator.flaky]

    assert len(ordinary) >= 14
    assert len({operator.incident_class for operator in OPERATORS}) == len(OPERATORS)
    assert all(1 <= operator.severity <= 4 for operator in OPERATORS)
    assert set(EXAMPLES) == set(BY_NAME)


@pytest.mark.parametrize("operator", EXAMPLES)
def test_each_operator_makes_its_mistake_in_every_place_and_nowhere_else(operator):
    source, expected = EXAMPLES[operator]
    found = [site for site in all_sites(source) if site.operator == operator]
    mutants = [apply(source, [site]) for site in found]

    assert [changed(source, mutant)[:1] or [""] for mutant in mutants] == [[line] for line in expected]
    assert [site.number for site in found] == list(range(len(expected)))


def changed(source, mutant):
    """New lines of the diff."""
    matcher = difflib.SequenceMatcher(None, source.splitlines(), mutant.splitlines(), autojunk=False)
    return [
        line.strip()
        for kind, _, _, start, end in matcher.get_opcodes()
        if kind != "equal"
        for line in mutant.splitlines()[start:end]
    ]


@pytest.mark.parametrize("source", sources())
def test_every_place_of_every_kata_gives_another_program_that_compiles(source):
    tree = ast.dump(ast.parse(source))
    for site in all_sites(source):
        mutant = apply(source, [site])
        assert ast.dump(ast.parse(mutant)) != tree, site
        assert 1 <= fix_size(source, mutant) <= 12, site
        assert 1 <= line_of(source, site) <= len(source.splitlines())


@pytest.mark.parametrize("source", sources())
def test_places_are_found_in_the_same_order_every_time_and_flaky_ones_only_on_request(source):
    functions = [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]

    assert sites(source, functions) == sites(source, functions)
    assert not any(BY_NAME[site.operator].flaky for site in sites(source, functions))
    assert all(BY_NAME[site.operator].flaky for site in sites(source, functions, flaky=True))
    assert {site.function for site in sites(source, functions[:1])} <= {functions[0]}


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_the_order_in_which_sites_are_named_does_not_matter(data):
    family = data.draw(st.sampled_from(list(FAMILIES)))
    one = exercise(family, data.draw(st.integers(0, 5)))
    source = one.source(one.wanted)
    chosen = data.draw(st.lists(st.sampled_from(all_sites(source)), min_size=2, max_size=5, unique=True))
    shuffled = data.draw(st.permutations(chosen))

    results = []
    for order in (chosen, shuffled):
        try:
            results.append(apply(source, order))
        except OverlappingSitesError:
            results.append("overlap")

    assert results[0] == results[1]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_mistakes_can_be_made_one_after_the_other_and_taken_back_one_by_one(data):
    """Whatever is left out of a set of sites reads as in the original again."""
    family = data.draw(st.sampled_from(list(FAMILIES)))
    one = exercise(family, 0)
    source = one.source(one.wanted)
    left, right = data.draw(st.lists(st.sampled_from(all_sites(source)), min_size=2, max_size=2, unique=True))
    try:
        both = apply(source, [left, right])
    except OverlappingSitesError:
        return

    assert fix_size(source, both) <= fix_size(source, apply(source, [left])) + fix_size(source, apply(source, [right]))
    assert fix_size(apply(source, [left]), both) >= 1
    assert apply(source, []) == source


def test_comments_layout_and_other_letters_stay_where_they_are():
    comments = [line.partition("#")[2] for line in COMMENTED.splitlines() if "#" in line]
    for site in all_sites(COMMENTED):
        mutant = apply(COMMENTED, [site])
        lost = [comment for comment in comments if comment not in mutant]
        is_removed = site.operator in (
            "dropped_return", "mutable_default", "removed_guard", "dropped_statement", "wrong_branch"
        )  # fmt: skip
        assert len(lost) <= (1 if is_removed else 0), site
        assert "größer" in mutant


def test_what_is_written_in_an_f_string_or_an_error_message_is_left_alone():
    source = 'def f(a):\n    if a:\n        raise ValueError("at most " + str(3))\n    return f"{a + 1} {a - 1}"\n'

    assert [site.operator for site in all_sites(source) if site.operator in ("operator_change", "operand_swap")] == []


def test_dropping_every_statement_of_a_block_leaves_a_block():
    source = "def f(a, b):\n    for c in a:\n        b.append(c)\n        b.append(1)\n    return b\n"
    steps = [site for site in all_sites(source) if site.operator == "dropped_statement"]

    assert apply(source, steps) == "def f(a, b):\n    for c in a:\n        pass\n    return b\n"
    assert apply(source, steps[:1]) == "def f(a, b):\n    for c in a:\n        b.append(1)\n    return b\n"


def test_the_branches_of_an_if_are_exchanged_whole():
    source = "def f(a):\n    if a:\n        b = 1\n        b += 1\n    else:\n        b = 3\n    return b\n"
    site = Site(function="f", operator="wrong_branch", number=0)

    assert apply(source, [site]) == (
        "def f(a):\n    if a:\n        b = 3\n    else:\n        b = 1\n        b += 1\n    return b\n"
    )


def test_an_accumulator_in_the_signature_keeps_what_earlier_calls_gathered():
    source = "def f(a):\n    found = []\n    found.append(a)\n    return list(found)\n"
    names: dict[str, object] = {}
    exec(apply(source, [Site(function="f", operator="mutable_default", number=0)]), names)

    assert [names["f"](1), names["f"](2)] == [[1], [1, 2]]


def test_two_flaky_conditions_share_one_import():
    source = '"""Doc."""\n\n\ndef f(a):\n    if a:\n        return 1\n    if a > 2:\n        return 2\n    return 3\n'
    clocked = [site for site in all_sites(source) if site.operator == "time_dependence"]
    mutant = apply(source, clocked)

    assert mutant.startswith('"""Doc."""\n\nimport time\n\n\ndef f(a):\n')
    assert mutant.count("import time") == 1
    assert mutant.count("time.time()") == 2


def test_a_site_that_the_source_does_not_have_is_refused():
    source = "def f(a):\n    return a\n"
    for site in (
        Site(function="g", operator="dropped_return", number=0),
        Site(function="f", operator="nonsense", number=0),
        Site(function="f", operator="dropped_return", number=1),
        Site(function="f", operator="dropped_return", number=-1),
    ):
        with pytest.raises(UnknownSiteError) as caught:
            apply(source, [site])
        assert (caught.value.function, caught.value.number) == (site.function, site.number)
        with pytest.raises(UnknownSiteError):
            line_of(source, site)


def test_two_mistakes_in_the_same_text_are_refused():
    source = "def f(a, b):\n    return a < b\n"
    sites_of_one_operator = [
        Site(function="f", operator="comparison_flip", number=0),
        Site(function="f", operator="comparison_reverse", number=0),
    ]
    with pytest.raises(OverlappingSitesError) as caught:
        apply(source, sites_of_one_operator)
    assert {caught.value.first, caught.value.second} == {"f/comparison_flip/0", "f/comparison_reverse/0"}


def test_naming_a_site_twice_is_the_same_as_naming_it_once():
    source = "def f(a, b):\n    return a < b\n"
    site = Site(function="f", operator="comparison_flip", number=0)

    assert apply(source, [site, site]) == apply(source, [site])


def test_the_size_of_a_fix_counts_changed_added_and_removed_lines():
    assert fix_size("a\nb\nc\n", "a\nx\nc\n") == 1
    assert fix_size("a\nb\nc\n", "a\nc\n") == 1
    assert fix_size("a\nc\n", "a\nb\nb\nc\n") == 2
    assert fix_size("a\n", "a\n") == 0
