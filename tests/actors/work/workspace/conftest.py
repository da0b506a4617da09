from __future__ import annotations

from pathlib import Path

import pytest

from actors.work.workspace.repository import Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository.create(tmp_path / "repository")
