from __future__ import annotations

import dataclasses

import pytest

from actors.work.sandbox.errors import LayerMissingError
from actors.work.sandbox.layers import NAMES, Layer, probe, require
from actors.work.sandbox.sandbox import Sandbox
from tests.actors.work.sandbox.projects import case, needs_all_layers, project

FILES = project("def f():\n    return 1\n")
CASES = [case("f", result=1)]


def lacking(*names: str) -> tuple[Layer, ...]:
    return tuple(
        dataclasses.replace(layer, is_present=False, reason="not today") if layer.name in names else layer
        for layer in probe()
    )


def test_every_layer_is_probed_and_a_missing_one_has_a_reason() -> None:
    assert tuple(layer.name for layer in probe()) == NAMES
    assert all(layer.is_present or layer.reason for layer in probe())


def test_model_written_code_is_refused_when_a_layer_is_missing_and_the_layer_is_named() -> None:
    with pytest.raises(LayerMissingError, match=r"landlock \(not today\).*accept_missing=\{.*'landlock'") as refused:
        Sandbox(trust="model", probe=lambda: lacking("landlock"))

    assert "landlock" in refused.value.missing


def test_accepting_one_missing_layer_does_not_accept_another() -> None:
    with pytest.raises(LayerMissingError, match="seccomp"):
        require(lacking("landlock", "seccomp"), frozenset({"landlock"}))


def test_accepting_what_is_no_layer_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no layer is called landlok"):
        require(probe(), frozenset({"landlok"}))


def test_our_own_code_needs_no_layer() -> None:
    with Sandbox(probe=lambda: lacking(*NAMES)) as sandbox:
        assert sandbox.judge(FILES, CASES)[0].outcome == "passed"


@needs_all_layers
@pytest.mark.parametrize(
    "missing",
    [
        ("landlock",),
        ("seccomp",),
        ("user-namespace",),
        ("pid-namespace",),
        ("memory-cap", "process-cap"),
        ("landlock", "seccomp", "net-namespace", "ipc-namespace", "uts-namespace"),
        NAMES,
    ],
)
def test_a_weaker_set_that_is_accepted_by_name_works(missing: tuple[str, ...]) -> None:
    with Sandbox(trust="model", accept_missing=frozenset(missing), probe=lambda: lacking(*missing)) as sandbox:
        assert sandbox.judge(FILES, CASES)[0].outcome == "passed"
