"""What a plan makes of an engine of vLLM before it starts: environment, arguments, refusals."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from inference.engines.vllm.core import engine_arguments
from inference.engines.vllm.environment import prepare_process, settings
from inference.engines.vllm.plan import VllmPlan, read_vllm_plan
from inference.engines.vllm.serving import build
from inference.text import EngineLostError
from tests.support.chat_server import MODEL
from tests.support.vllm_engines import plan_of


def planned(**changes: Any) -> VllmPlan:
    return read_vllm_plan(plan_of(**changes))


GROUP = {"devices": ["GPU-aa", "GPU-bb"], "tensor_parallel": 2, "memory_share": 0.4}


def test_devices_are_set_by_name_and_nothing_of_processors_is() -> None:
    found = settings(planned(**GROUP), "gpu")

    assert found["CUDA_VISIBLE_DEVICES"] == "GPU-aa,GPU-bb"
    assert found["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    assert found["VLLM_BATCH_INVARIANT"] == "1"
    assert not [name for name in found if "OMP" in name or "CPU" in name or "DYNAMO" in name]


def test_speed_may_be_wanted_more_than_texts_that_depend_on_nothing_else() -> None:
    assert "VLLM_BATCH_INVARIANT" not in settings(planned(is_batch_invariant=False), "gpu")


def test_an_engine_on_processors_has_a_thread_for_each_core() -> None:
    found = settings(planned(cores=[2, 3, 5]), "cpu")

    assert (found["OMP_NUM_THREADS"], found["VLLM_CPU_OMP_THREADS_BIND"]) == ("3", "nobind")
    assert found["VLLM_CPU_KVCACHE_SPACE"] is None
    assert "CUDA_VISIBLE_DEVICES" not in found
    assert settings(planned(), "cpu")["OMP_NUM_THREADS"] == "1"


def test_a_model_from_the_hub_may_be_fetched_and_a_folder_needs_no_network() -> None:
    assert settings(planned(model="Qwen/Qwen2.5-7B-Instruct"), "gpu")["HF_HUB_OFFLINE"] is None
    assert settings(planned(), "gpu")["HF_HUB_OFFLINE"] == "1"


def test_devices_that_come_after_torch_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", sys)

    with pytest.raises(EngineLostError, match="before its devices were set"):
        prepare_process(planned(**GROUP), "gpu")


def test_a_gpu_gives_its_share_and_the_base_model_needs_no_slot() -> None:
    found = engine_arguments(planned(**GROUP, kv_cache_mib=None, adapter_slots=3), is_cpu=False)

    assert (found["gpu_memory_utilization"], found["tensor_parallel_size"]) == (0.4, 2)
    assert (found["max_loras"], found["dtype"], found["max_num_batched_tokens"]) == (3, "auto", 512)
    assert not {"enforce_eager", "kv_cache_memory_bytes", "enable_chunked_prefill"} & found.keys()


def test_on_processors_the_base_model_has_a_slot_and_a_prompt_is_one_pass() -> None:
    found = engine_arguments(planned(adapter_slots=3, adapters_kept=None), is_cpu=True)

    assert (found["max_loras"], found["max_cpu_loras"], found["dtype"]) == (4, 33, "float32")
    assert (found["enable_chunked_prefill"], found["max_num_batched_tokens"]) == (False, 4_096)
    assert found["kv_cache_memory_bytes"] == 16 << 20


@pytest.mark.parametrize(("wished", "asked"), [(1, 1), (4, 8), (16, 16), (33, 64), (512, 512)])
def test_the_largest_rank_is_one_that_vllm_takes(wished: int, asked: int) -> None:
    assert engine_arguments(planned(max_lora_rank=wished), is_cpu=True)["max_lora_rank"] == asked


def test_vllm_knows_every_argument() -> None:
    probe = (
        "import dataclasses; from vllm import EngineArgs; "
        "print(*(field.name for field in dataclasses.fields(EngineArgs)))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)

    for is_cpu in (False, True):
        assert engine_arguments(planned(adapter_slots=2), is_cpu=is_cpu).keys() <= set(done.stdout.split())


def test_nothing_of_vllm_is_loaded_before_an_engine_starts() -> None:
    probe = (
        "import sys; from inference.engines.vllm.serving import build; "
        "served = build({'model': 'x', 'served_name': 'x'}); engine = served.make(); engine.close(); "
        "print([name for name in ('torch', 'vllm', 'transformers', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"modle": "x"}, "modle: Extra inputs"),
        ({"slots": 0}, "slots: Input should be greater than 0"),
        ({"slots": 64, "batch_tokens": 32}, "must hold one token of each slot"),
        ({"devices": ["a", "b"]}, "tensor_parallel is 1, and there are 2 devices"),
        ({"cores": [1, 1]}, "named twice"),
        ({"memory_share": 1.5}, "memory_share: Input should be less than or equal to 1"),
        ({"adapter_slots": 0, "adapters": [{"name": "a", "version": 1, "path": "p", "sha256": "0" * 64}]}, "need"),
        ({"adapters": [{"name": "a", "version": 1, "path": "p", "sha256": "0"}]}, "adapters.0.sha256"),
        ({"adapters_kept": 1}, "must hold adapters and adapter_slots"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_with_its_key(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        build(plan_of(**changes))


def test_a_plan_says_what_its_host_needs_to_know() -> None:
    served = build(plan_of(slots=7))

    assert (served.slots, served.models) == (7, (MODEL,))
