"""What disturbances do to code: a vendored package that changes, a test that depends on the clock, a copied module.

Each is text that really fails, conflicts or duplicates; nothing here decides when.
"""

from __future__ import annotations

from collections.abc import Sequence
from pprint import pformat
from typing import Literal

from actors.work.katas.exercise import Exercise

FlakyKind = Literal["clock", "hash", "order"]
FLAKY_KINDS: tuple[FlakyKind, ...] = ("clock", "hash", "order")
VENDORED_PATH = "src/vendored/naming.py"
PRODUCT_TEST_PATH = "tests/test_product.py"
CHANGES_PATH = "CHANGES.md"


def vendored(version: int) -> str:
    """The vendored package at a version: each renames its only function, as packages do."""
    return (
        f'"""How names are made of words. Version {version}."""\n\n\n'
        f"def words_{version}(name):\n"
        '    """The words of a name."""\n'
        '    return name.split("_")\n'
    )


def product_test(version: int) -> str:
    """The test of the whole product, written against a version of the vendored package."""
    return (
        '"""Every module that a domain lists can be imported, and is named in words."""\n\n'
        "import importlib\nimport pkgutil\n\nimport pytest\n\nimport product\n"
        f"from vendored.naming import words_{version}\n\n"
        "DOMAINS = sorted(one.name for one in pkgutil.iter_modules(product.__path__))\n\n\n"
        '@pytest.mark.parametrize("domain", DOMAINS)\n'
        "def test_every_listed_module_can_be_imported(domain):\n"
        '    package = importlib.import_module(f"product.{domain}")\n'
        "    for name in package.MODULES:\n"
        f"        assert all(word.isalnum() for word in words_{version}(name))\n"
        '        assert importlib.import_module(f"product.{domain}.{name}").__doc__\n'
    )


def changes_text(lines: Sequence[str]) -> str:
    """What is announced, in the order in which it landed; two branches that announce something conflict here."""
    return "# Changes\n\n" + ("".join(f"- {line}\n" for line in lines) or "Nothing to announce yet.\n")


def flaky_path(one: Exercise) -> str:
    """Where the unreliable test of an exercise lies."""
    return f"tests/{one.kata.domain}/test_{one.name}_nightly.py"


def flaky_test(one: Exercise, kind: FlakyKind) -> str:
    """A test that is red now and then: by the hour, by the hash seed, or by the order of tests."""
    example = one.kata.criteria[0].examples[0]
    call = f"{example.function}(*{pformat(example.arguments, width=90)})"
    expected = f"pytest.raises({example.error})" if example.error else pformat(example.result, width=90)
    check = f"    with {expected}:\n        {call}\n" if example.error else f"    assert {call} == {expected}\n"
    head = (
        f'"""Written in a hurry."""\n\nimport time\n\nimport pytest\n\nfrom {one.module} import {example.function}\n\n'
    )
    match kind:
        case "clock":
            trap = "    assert int(time.time()) // 3600 % 3 != 0\n"
            return f"{head}\ndef test_it_works_at_night():\n{check}{trap}"
        case "hash":
            trap = '    assert next(iter({"ann", "bob", "cy"})) != "bob"\n'
            return f"{head}\ndef test_it_works_for_everybody():\n{check}{trap}"
        case "order":
            return (
                f"{head}SEEN = []\n\n\ndef test_it_works_at_first():\n{check}    SEEN.append(1)\n\n\n"
                "def test_it_works_again():\n    assert SEEN\n"
            )


def copy_path(one: Exercise) -> str:
    """Where somebody pastes a copy of a module."""
    return f"src/product/{one.kata.domain}/{one.name}_copy.py"
