"""Tests that need GPUs and vLLM's build for them: `python -m pytest -m gpu tests/gpu`; deselected everywhere else.

They are collected without either. Each runs its engines in processes of their own, as a pool does.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from inference.setup_check import SetupError, check_setup, installed_versions
from tests.gpu.engines import GpuEngines


@pytest.fixture(scope="session")
def gpus() -> tuple[str, ...]:
    """UUIDs of the GPUs here, in the order of the PCI bus; skips where there is none, or vLLM cannot use it."""
    try:
        build = check_setup(installed_versions())
    except SetupError as error:
        pytest.skip(f"vLLM cannot run: {error}")
    if build != "gpu":
        pytest.skip("vLLM's build for processors is installed, the official one is needed")
    try:
        listed = subprocess.run(
            ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no GPU: {error}")
    return tuple(listed.stdout.split())


@pytest.fixture
def engines(tmp_path: Path, gpus: tuple[str, ...]) -> Iterator[GpuEngines]:
    with GpuEngines(tmp_path) as made:
        yield made
