"""The bench of every test here that lets code be written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.work.katas.mutants import LIMITS
from actors.work.sandbox.sandbox import Sandbox
from tests.actors.services.benches import Bench, Lent, bench_of


@pytest.fixture(scope="module")
def sandboxes() -> Iterator[tuple[Any, Any]]:
    with Sandbox(trust="trusted") as sandbox, Sandbox(trust="trusted", limits=LIMITS) as mutants:
        yield Lent(sandbox), Lent(mutants)


@pytest.fixture
def bench(tmp_path: Path, sandboxes: tuple[Any, Any]) -> Bench:
    return bench_of(tmp_path, sandboxes)
