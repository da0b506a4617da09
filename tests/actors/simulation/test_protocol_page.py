"""The generated pages say what the code says."""

from __future__ import annotations

import ast
from dataclasses import fields
from pathlib import Path

import pytest

from actors.simulation.build import build_registry
from actors.simulation.protocol_page import ANSWERS, ERRORS, ROOT, all_messages, main, pages, protocol_markdown
from brokers.hub.commands import COMMANDS
from brokers.wire.registry import MalformedBodyError, Registry

RAISES_REFUSALS = (*sorted((ROOT / "brokers/hub").glob("*.py")), ROOT / "actors/simulation/outside.py")


def refusals_in(path: Path) -> set[str]:
    """The first argument of every `Refusal(...)` and `_refused(...)` in a module."""
    calls = (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
    return {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Name)
        and call.func.id in ("Refusal", "_refused")
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    }


@pytest.mark.parametrize("page", sorted(pages()), ids=lambda path: path.name)
def test_a_generated_page_is_up_to_date(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == pages()[page], "run: python -m actors.simulation.protocol_page"


def test_every_kind_of_a_run_is_on_the_page() -> None:
    page = protocol_markdown()
    missing = [kind for kind in build_registry().kinds() if f"#### `{kind}`" not in page]

    assert missing == []


def test_every_kind_stands_on_the_page_once_with_all_of_its_fields() -> None:
    page = protocol_markdown()
    sections = {part.split("`", 1)[0]: part for part in page.split("\n#### `")[1:]}
    classes = [cls for found in all_messages().values() for cls in found]

    assert sorted(sections) == sorted(cls.KIND for cls in classes)
    for cls in classes:
        table = sections[cls.KIND].split("\n#### ")[0].split("\n### ")[0]
        rows = [line.split("`")[1] for line in table.splitlines() if line.startswith("| `")]
        assert rows == [field.name for field in fields(cls)], cls.KIND


def test_every_message_class_has_only_fields_that_can_travel() -> None:
    registry = Registry()
    registry.register_module(*all_messages())
    for kind, cls in registry.kinds().items():
        if fields(cls):
            with pytest.raises(MalformedBodyError, match="missing or unknown fields"):
                registry.from_body({"kind": kind})
        else:
            assert registry.from_body({"kind": kind}) == cls()


def test_every_command_of_the_hub_has_an_answer_on_the_page() -> None:
    assert list(ANSWERS) == list(COMMANDS)


def test_the_page_lists_exactly_the_errors_that_clients_can_get() -> None:
    raised = {error for path in RAISES_REFUSALS for error in refusals_in(path)}

    assert raised == set(ERRORS)


def test_a_comment_and_the_values_of_a_named_choice_stand_beside_a_field() -> None:
    page = protocol_markdown()

    assert "| `severity` | `int` | 1 minor, 2 moderate, 3 major, 4 critical |" in page
    assert "| `from_column` | `Column` | one of backlog, ready, in_progress, review, done |" in page


def test_check_names_a_stale_page_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "docs/protocol.md"
    page.parent.mkdir()
    page.write_text("old\n", encoding="utf-8")
    monkeypatch.setattr("actors.simulation.protocol_page.ROOT", tmp_path)
    monkeypatch.setattr("actors.simulation.protocol_page.pages", lambda: {page: "new\n"})

    assert main(["--check"]) == 1
    assert capsys.readouterr().out == "docs/protocol.md is not up to date\n"
    assert page.read_text(encoding="utf-8") == "old\n"

    assert main([]) == 0
    assert page.read_text(encoding="utf-8") == "new\n"
    assert main(["--check"]) == 0
