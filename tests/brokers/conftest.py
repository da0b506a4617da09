"""Fixtures of the runtime's tests."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pykka
import pytest

from brokers.node.actor import hosting
from brokers.node.pool import Pool
from tests.brokers.scribes import PATIENCE_S


@pytest.fixture
def lost() -> list[tuple[str, Any]]:
    """Dead letters of the pool: (actor, message)."""
    return []


@pytest.fixture
def pool(lost: list[tuple[str, Any]]) -> Iterator[Pool]:
    pool = Pool(2, dead_letter=lambda actor, message: lost.append((actor, message)))
    token = hosting.set(pool)
    yield pool
    pykka.ActorRegistry.stop_all(timeout=PATIENCE_S)
    hosting.reset(token)
    pool.close()


@pytest.fixture
def no_stray_coroutines(recwarn: pytest.WarningsRecorder) -> Iterator[None]:
    """Coroutines end while the test runs, not at some later collection of garbage."""
    gc.collect()
    recwarn.clear()  # of what earlier tests left
    yield
    gc.collect()
    assert [str(warning.message) for warning in recwarn if "coroutine" in str(warning.message)] == []
