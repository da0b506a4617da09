"""Transcripts of one run, which all tests of the house model read."""

from __future__ import annotations

import pytest

from training.house.transcripts import Transcript, collect


@pytest.fixture(scope="session")
def transcripts() -> list[Transcript]:
    """Every decision of two runs: one as usual, one with much trouble."""
    return collect([11, 12], jobs=1)
