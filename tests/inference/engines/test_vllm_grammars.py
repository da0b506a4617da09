"""What vLLM enforces of strings that have a length, and of those that have none; told by xgrammar itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from actors.policy.prompting.narrowing import schema_of
from actors.policy.prompting.schemas import schema_text
from inference.engines.vllm.grammars import constraint
from tests.actors.policy.prompting import situations

CONTROLS = [chr(number) for number in range(32)]


def schema(**text: Any) -> str:
    properties = {"said": {"type": "string"} | text}
    return json.dumps({"type": "object", "properties": properties, "required": ["said"], "additionalProperties": False})


def allows(constraint: dict[str, str], answer: str) -> bool:
    import xgrammar
    from xgrammar.testing import _is_grammar_accept_string

    if "grammar" in constraint:
        grammar = xgrammar.Grammar.from_ebnf(constraint["grammar"])
    else:
        grammar = xgrammar.Grammar.from_json_schema(
            constraint["json"], any_whitespace=False, separators=(",", ":")
        )  # as vLLM
    return bool(_is_grammar_accept_string(grammar, answer))


@pytest.mark.parametrize("text", [{}, {"maxLength": 9}, {"minLength": 1}, {"minLength": 1, "maxLength": 1000}])
def test_no_string_holds_a_control_character(text: dict[str, Any]) -> None:
    asked = constraint(schema(**text))

    assert allows(asked, '{"said":"a 漢 b"}')
    assert not [control for control in CONTROLS if allows(asked, f'{{"said":"a{control}b"}}')]


def test_lengths_are_enforced() -> None:
    asked = constraint(schema(minLength=2, maxLength=3))

    assert [allows(asked, json.dumps({"said": "x" * size}, separators=(",", ":"))) for size in range(6)] == [
        size in (2, 3) for size in range(6)
    ]


def test_xgrammar_is_still_wrong_about_strings_with_a_length() -> None:
    """Once this fails `inference.engines.vllm.grammars` can go: github.com/mlc-ai/xgrammar/issues/800."""
    plain = {"json": schema(maxLength=9)}

    assert allows(plain, '{"said":"a\tb"}')
    assert not allows(plain, '{"said":"a\\nb"}')


def test_code_of_several_lines_can_be_written() -> None:
    asked = constraint(schema_text(schema_of(situations.writing())))
    call = {"tool": "write_file", "arguments": {"path": "a.py", "text": 'def say():\n\treturn "\\\\"\n'}}

    assert allows(asked, json.dumps(call, separators=(",", ":")))
    assert not allows(asked, json.dumps(call, separators=(",", ":")).replace("\\n", "\n"))


def test_a_schema_that_has_no_lengths_or_cannot_be_enforced_stays_as_it_is() -> None:
    for text in ('{"type":"integer"}', schema(maxLength=9, format="phone")):
        assert constraint(text) == {"json": text}
