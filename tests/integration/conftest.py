from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.runs import run

CALM = ("--sprints", "2", "--seed", "7")


@pytest.fixture(scope="session")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two sprints that nobody disturbed. Read only."""
    folder = tmp_path_factory.mktemp("calm") / "run"
    run(folder, *CALM, "--nodes", "1")
    return folder
