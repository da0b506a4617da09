"""vLLM's official build on GPUs: what processors cannot show."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.gpu.engines import GpuEngines, asked, family_of, users_of_devices

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(900)]

QUESTIONS = [asked(f"question {number}") for number in range(4)]


def test_an_engine_uses_the_device_of_its_plan_and_no_other(engines: GpuEngines, gpus: tuple[str, ...]) -> None:
    """Proves that devices are set before CUDA is imported: the driver sees the engine on the last GPU only.

    With the variable set too late, CUDA would already have chosen the first. With one GPU it still proves that a device
    may be named by its UUID.
    """
    pool = engines.start(engines.plan(gpus[-1:]))
    engines.texts(pool, QUESTIONS)
    family = family_of(pool.pids["gpu-0"])
    used = {uuid for pid, uuids in users_of_devices().items() if pid in family for uuid in uuids}

    assert used == {gpus[-1]}


def test_two_engines_share_one_device_by_memory(engines: GpuEngines, gpus: tuple[str, ...]) -> None:
    """Proves that a memory share bounds what an engine takes: two with 0.3 and 0.4 run side by side and both answer.

    With vLLM's own share of 0.9 the second would find no memory for its keys and values.
    """
    plans = [engines.plan(gpus[:1], memory_share=share, served_name=f"tiny-{share}") for share in (0.3, 0.4)]
    pool = engines.start(*plans)
    texts = []
    for plan in plans:
        texts.append(engines.texts(pool, [replace(request, model=plan["served_name"]) for request in QUESTIONS]))

    assert texts[0] == texts[1]


def test_the_base_model_is_right_beside_adapters_without_the_cure_of_processors(
    engines: GpuEngines, gpus: tuple[str, ...]
) -> None:
    """Proves that Triton's LoRA kernels skip rows without an adapter: base rows keep their text in mixed passes.

    On processors they would read the last slot; there the base model is served through an adapter without effect,
    which costs speed and is left out here. Every slot is taken, which is when the fault shows.
    """
    pool = engines.start(engines.plan(gpus[:1]))
    for version in (1, 2):
        engines.load(pool, version)
    requests = [asked("question", version) for version in (0, 1, 2)]
    alone = [engines.texts(pool, [request])[0] for request in requests]

    assert len(set(alone)) == 3
    assert engines.texts(pool, requests * 5) == alone * 5


def test_texts_do_not_depend_on_what_is_beside_them(engines: GpuEngines, gpus: tuple[str, ...]) -> None:
    """Proves that vLLM's batch-invariant kernels are on: sixteen requests at once have the texts they have alone."""
    pool = engines.start(engines.plan(gpus[:1]))
    requests = [asked("monitor the queue " * (3 * number + 1)) for number in range(16)]
    alone = [engines.texts(pool, [request])[0] for request in requests]

    assert engines.texts(pool, requests) == alone


def test_a_group_of_two_devices_is_one_engine(engines: GpuEngines, gpus: tuple[str, ...]) -> None:
    """Proves tensor parallelism over two devices: the engine is spread over both, answers, and repeats itself.

    Its sums are added in another order than those of one device, so its texts need not be those of one.
    """
    if len(gpus) < 2:
        pytest.skip("one GPU: a group needs two")
    pool = engines.start(engines.plan(gpus[:2]))
    first = engines.texts(pool, QUESTIONS)
    family = family_of(pool.pids["gpu-0"])
    used = {uuid for pid, uuids in users_of_devices().items() if pid in family for uuid in uuids}

    assert used == set(gpus[:2])
    assert engines.texts(pool, QUESTIONS) == first
