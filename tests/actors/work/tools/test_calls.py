from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.work import tool_messages
from actors.work.messages import FileText
from actors.work.messages import TestsRun as Run
from actors.work.tool_messages import CommitWork, Finish, ReadFile, RunSomeTests, ShowStatus, UseTool, WriteFile
from actors.work.tools.calls import TOOLS, name_of, parse_call, schemas
from actors.work.tools.errors import CallError
from actors.work.tools.limits import ToolLimits
from actors.work.tools.using import Desk
from brokers.wire.packing import packer, unpack
from brokers.wire.registry import Registry


def test_every_tool_that_models_work_with_is_there() -> None:
    assert list(TOOLS) == [
        "list_files",
        "read_file",
        "search",
        "write_file",
        "replace_text",
        "run_tests",
        "git_status",
        "git_diff",
        "commit",
        "finish",
    ]


def test_a_call_is_parsed_with_its_defaults() -> None:
    assert parse_call("read_file", '{"path": "a.py"}') == ReadFile(path="a.py", first_line=1, last_line=0)
    assert parse_call("run_tests", '{"paths": ["tests", "x.py"]}') == RunSomeTests(paths=("tests", "x.py"))
    assert parse_call("git_status", "") == ShowStatus()
    assert parse_call("finish", '{"summary": "done"}') == Finish(summary="done")
    assert parse_call("write_file", '{"path": "a", "text": "\\u00e4\\n"}') == WriteFile(path="a", text="ä\n")


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("rm", "{}", "there is no tool 'rm'; there are list_files"),
        ("", "{}", "there is no tool ''"),
        ("list_files/1", "{}", "there is no tool"),
        ("read_file", "path=a", "no JSON"),
        ("read_file", '{"path": "a"', "no JSON"),
        ("read_file", "[" * 100_000, "no JSON"),
        ("read_file", "1" * 5_000, "no JSON"),
        ("read_file", '["a"]', "no JSON object"),
        ("read_file", "null", "no JSON object"),
        ("read_file", "{}", "needs path"),
        ("read_file", '{"path": "a", "lines": 3}', "no argument 'lines'; expected path, first_line (optional)"),
        ("read_file", '{"path": 3}', "must be a text"),
        ("read_file", '{"path": null}', "must be a text"),
        ("read_file", '{"path": "a", "first_line": "1"}', "whole number"),
        ("read_file", '{"path": "a", "first_line": 1.0}', "whole number"),
        ("read_file", '{"path": "a", "first_line": true}', "whole number"),
        ("read_file", '{"path": "a", "first_line": -1}', "whole number"),
        ("read_file", '{"path": "a", "first_line": 99999999999999999999}', "whole number"),
        ("run_tests", '{"paths": "tests"}', "list of texts"),
        ("run_tests", '{"paths": [1]}', "must be a text"),
        ("write_file", '{"path": "a", "text": "\\u0000"}', "NUL"),
        ("write_file", '{"path": "a", "text": "\\ud83d"}', "half a surrogate pair"),
        ("git_diff", '{"path": "a"}', "expected no arguments"),
    ],
)
def test_what_is_wrong_with_a_call_is_said_in_words(tool: str, arguments: str, words: str) -> None:
    with pytest.raises(CallError) as refused:
        parse_call(tool, arguments)

    assert words in str(refused.value)
    assert len(str(refused.value)) < 250


def test_a_call_that_is_too_long_is_refused_before_it_is_read() -> None:
    with pytest.raises(CallError, match="more than 9"):
        parse_call("read_file", "[" * 10, ToolLimits(arguments_chars=9))


def test_schemas_are_json_and_say_what_the_parser_takes() -> None:
    told: list[dict[str, Any]] = json.loads(json.dumps(schemas()))

    assert [one["name"] for one in told] == list(TOOLS)
    for one in told:
        parameters = one["parameters"]
        examples = {"string": "x", "integer": 1, "array": ["x"]}
        everything = {name: examples[schema["type"]] for name, schema in parameters["properties"].items()}
        needed = {name: value for name, value in everything.items() if name in parameters["required"]}
        assert one["description"]
        assert not parameters["additionalProperties"]
        for arguments in (everything, needed):
            assert name_of(parse_call(one["name"], json.dumps(arguments))) == one["name"]
        for lacking in needed:
            with pytest.raises(CallError, match=lacking):
                parse_call(one["name"], json.dumps({name: 1 for name in needed if name != lacking}))


PATHS = st.sampled_from(["README.md", "src/a.py", "src", "tests", "-p", "../x", "a\nb", "tests/a.py::t", ""])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | PATHS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(sorted({field for cls in TOOLS.values() for field in cls.__dataclass_fields__}))
ARGUMENTS = st.text() | JSON.map(json.dumps) | st.dictionaries(NAMES, JSON, max_size=3).map(json.dumps)
GREEN = Run(ended="completed", count=1, failing=(), coverage=())


@given(tool=st.sampled_from(list(TOOLS)) | st.text(), arguments=ARGUMENTS)
def test_whatever_a_model_writes_has_an_answer_that_can_be_journalled(tool: str, arguments: str) -> None:
    registry = Registry()
    registry.register_module(tool_messages)
    try:
        call = parse_call(tool, arguments)
    except CallError:
        return
    if isinstance(call, CommitWork | Finish):
        return
    files = {"README.md": "a\n", "src/a.py": "b = 1\n", "tests/a.py": ""}
    edits = (FileText(path="src/b.py", content="c"),)
    used = Desk(files, edits).use(call, lambda files, tests: GREEN)
    for message in (used, UseTool(team="red", base="", edits=used.edits, kept=(), call=call)):
        assert registry.from_body(unpack(packer()(registry.to_body(message)))) == message
