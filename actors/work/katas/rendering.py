"""Test files as a developer writes them."""

from __future__ import annotations

from collections.abc import Sequence
from pprint import pformat

from actors.work.katas.kata import Example

WIDTH = 100


def test_module(module: str, examples: Sequence[tuple[str, Example]]) -> str:
    """A pytest module for calls of one module; examples with one name and function become one parametrised test."""
    groups: dict[tuple[str, str, bool], list[Example]] = {}
    for name, example in examples:
        groups.setdefault((name, example.function, bool(example.error)), []).append(example)
    functions = sorted({function for _, function, _ in groups})
    head = f'"""Tests of {module}."""\n\nimport pytest\n\nfrom {module} import {", ".join(functions)}\n'
    return head + "".join(
        _test(name, function, is_error, group) for (name, function, is_error), group in groups.items()
    )


def _test(name: str, function: str, is_error: bool, examples: Sequence[Example]) -> str:
    if is_error:
        cases = ",\n".join(f"    ({_text(one.arguments)}, {one.error})" for one in examples)
        return (
            f'\n\n@pytest.mark.parametrize(("arguments", "error"), [\n{cases},\n])\n'
            f"def test_{function}_refuses_{name}(arguments, error):\n"
            f"    with pytest.raises(error):\n        {function}(*arguments)\n"
        )
    cases = ",\n".join(f"    ({_text(one.arguments)}, {_text(one.result)})" for one in examples)
    return (
        f'\n\n@pytest.mark.parametrize(("arguments", "expected"), [\n{cases},\n])\n'
        f"def test_{function}_fulfils_{name}(arguments, expected):\n"
        f"    assert {function}(*arguments) == expected\n"
    )


def _text(value: object) -> str:
    return pformat(value, width=WIDTH, sort_dicts=False).replace("\n", "\n    ")
