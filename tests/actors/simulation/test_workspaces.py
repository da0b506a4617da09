"""What a machine must have before work is executed on it, and what work engines are told."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import get_args

import pytest

from actors.simulation import __main__ as command
from actors.simulation import run_command
from actors.simulation.exit_codes import ExitCode
from actors.simulation.workspaces import check_tools, work_plan
from actors.work import engine
from actors.work.sandbox import layers
from actors.work.sandbox.errors import LayerMissingError
from actors.work.sandbox.layers import NAMES, Layer
from config.errors import ConfigError
from config.loader import load_config
from config.sections import RunConfig
from config.tool_sections import LayerName


def with_model(*accepted: str, mode: str = "executed") -> RunConfig:
    """A configuration with hands of a model."""
    config = load_config(None).config
    section = config.code_generation.model_copy(update={"hands": "llm", "mode": mode})
    sandbox = section.sandbox.model_copy(update={"accept_missing": accepted})
    return config.model_copy(update={"code_generation": section.model_copy(update={"sandbox": sandbox})})


def lacking(*names: str) -> tuple[Layer, ...]:
    return tuple(Layer(name, name not in names, "not here" if name in names else "") for name in NAMES)


def test_the_layers_that_may_be_accepted_to_be_missing_are_those_of_the_sandbox() -> None:
    assert get_args(LayerName) == NAMES


def test_a_machine_that_cannot_confine_a_model_is_refused_with_layers_and_key() -> None:
    with pytest.raises(ConfigError) as refused:
        check_tools(with_model("landlock"), layers=lambda: lacking("seccomp", "landlock", "memory-cap"))

    text = str(refused.value)
    assert text.startswith("recorded configuration: code_generation.hands: llm is refused on this machine")
    assert "memory-cap (not here); seccomp (not here)" in text
    assert "code_generation.sandbox.accept_missing: [memory-cap, seccomp]" in text
    assert "landlock" not in text
    assert "\n" not in text


def test_layers_that_are_accepted_to_be_missing_refuse_nothing() -> None:
    check_tools(with_model("seccomp"), layers=lambda: lacking("seccomp"))


@pytest.mark.parametrize("config", [load_config(None).config, with_model(mode="modelled")])
def test_nobody_looks_for_layers_where_no_model_writes_code(config: RunConfig) -> None:
    def unwanted() -> tuple[Layer, ...]:
        raise AssertionError("nothing is to be confined")

    check_tools(config, layers=unwanted)


def test_the_command_ends_with_bad_input_before_anything_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As if this host had no seccomp."""
    monkeypatch.setattr(run_command, "check_tools", partial(check_tools, layers=lambda: lacking("seccomp")))
    own = tmp_path / "config.yaml"
    own.write_text("code_generation:\n  hands: llm\n")
    code = command.main(["run", "--config", str(own), "--output", str(tmp_path / "run"), "--sprints", "1"])
    (line,) = capsys.readouterr().err.splitlines()

    assert code == ExitCode.BAD_INPUT
    assert line.startswith(f"{own}:2: code_generation.hands: llm is refused on this machine")
    assert "code_generation.sandbox.accept_missing: [seccomp]" in line
    assert not (tmp_path / "run").exists()


def test_a_work_engine_confines_code_of_models_and_trusts_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = work_plan(Path("run"), ("red",), load_config(None).config.code_generation)
    theirs = work_plan(Path("run"), ("red",), with_model("landlock").code_generation)

    assert (ours["trust"], ours["accept_missing"]) == ("trusted", [])
    assert (theirs["trust"], theirs["accept_missing"]) == ("model", ["landlock"])
    assert theirs["folders"] == {"red": str(Path("run/workspace").absolute())}
    assert theirs["worktrees"] == str(Path("run/.tmp/worktrees").absolute())
    served = engine.build(ours)
    assert {"work.use_tool/1", "tool.read_file/1", "work.run_tests/1"} <= set(served.registry.kinds())
    served.engine.close()


def test_a_work_engine_is_not_built_where_layers_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers.probe, "__wrapped__", None, raising=False)
    monkeypatch.setattr(engine, "Sandbox", lambda **options: _refuse(**options))

    with pytest.raises(LayerMissingError):
        engine.build(work_plan(Path("run"), ("red",), with_model().code_generation))


def _refuse(*, trust: str, accept_missing: frozenset[str], **_: object) -> None:
    assert (trust, accept_missing) == ("model", frozenset())
    layers.require(lacking("seccomp"), accept_missing)


@pytest.mark.parametrize("plan", [{}, {"folders": {}}, {"folders": [], "worktrees": "", "trust": "", "more": 1}])
def test_a_plan_with_other_keys_is_refused(plan: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="plan of a work engine"):
        engine.build(plan)
