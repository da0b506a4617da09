"""What is set in a process before torch and vllm load there: they read it once, when they are imported."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from config.environment import provide
from inference.engines.vllm.plan import VllmPlan
from inference.setup_check import Build
from inference.text import EngineLostError


def settings(plan: VllmPlan, build: Build) -> dict[str, str | None]:
    """Environment variables of an engine; None: it must not be set."""
    found: dict[str, str | None] = {
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # the engine's loop is ours
        "VLLM_LOGGING_LEVEL": "ERROR",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1" if Path(plan.model).is_dir() else None,
    }
    if build == "cpu":
        return found | {
            "TORCHDYNAMO_DISABLE": "1",  # compiling takes longer than a small model saves
            "OMP_NUM_THREADS": str(plan.threads),
            "VLLM_CPU_OMP_THREADS_BIND": "nobind",  # the process has its cores already
            "VLLM_CPU_KVCACHE_SPACE": None,  # would override the plan, in whole GiB
        }
    if plan.devices:
        found["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, plan.devices))
        found["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    if plan.tensor_parallel > 1:
        found["VLLM_WORKER_MULTIPROC_METHOD"] = "spawn"  # a fork would inherit this process's sockets
    if plan.is_batch_invariant:
        found["VLLM_BATCH_INVARIANT"] = "1"
    return found


def prepare_process(plan: VllmPlan, build: Build) -> None:
    """Give this process its devices or cores, and what its libraries read.

    Raises:
        EngineLostError: It is too late for devices, or a core is not there.
    """
    if plan.devices and build == "gpu" and "torch" in sys.modules:
        raise EngineLostError("torch was loaded before its devices were set; start the engine in a process of its own")
    provide(settings(plan, build))
    if not plan.cores:
        return
    try:
        os.sched_setaffinity(0, plan.cores)
    except OSError as error:
        raise EngineLostError(f"the cores {', '.join(map(str, plan.cores))} cannot be used: {error}") from None
