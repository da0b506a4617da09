from __future__ import annotations

import os

import pytest

from config.pool_section import PoolHostSection
from inference.pool.devices import DeviceError, declared_hosts, gpus, this_host
from tests.inference.pool.fake_nvml import Card, FakeNvml, cards


def test_devices_come_in_the_order_of_the_bus_with_memory_and_neighbours() -> None:
    found = this_host(FakeNvml(cards("a", 4)), name="a").gpus

    assert [(gpu.uuid, gpu.index, gpu.group) for gpu in found] == [
        ("GPU-a-0", 0, 0),
        ("GPU-a-1", 1, 0),
        ("GPU-a-2", 2, 2),
        ("GPU-a-3", 3, 2),
    ]
    assert {(gpu.name, gpu.memory_mib, gpu.free_permille) for gpu in found} == {("NVIDIA H100 80GB HBM3", 81_920, 1000)}


def test_memory_that_others_hold_is_not_promised() -> None:
    (found,) = gpus(FakeNvml([Card("GPU-x", "0000:10:00.0", total=1000, free=749)]))

    assert found.free_permille == 749


def test_where_the_wiring_is_hidden_all_devices_are_neighbours() -> None:
    found = gpus(FakeNvml(cards("a", 4), hides_wiring=True))

    assert {gpu.group for gpu in found} == {0}


@pytest.mark.parametrize("error", [FakeNvml.NVMLError_LibraryNotFound(), FakeNvml.NVMLError_DriverNotLoaded()])
def test_a_machine_without_a_driver_has_no_gpus(error: Exception) -> None:
    host = this_host(FakeNvml([], fails=error))

    assert host.gpus == ()
    assert set(host.cores) == os.sched_getaffinity(0)


def test_a_driver_that_does_not_answer_is_an_error_and_not_a_machine_without_gpus() -> None:
    with pytest.raises(DeviceError, match="does not answer: driver and library differ"):
        gpus(FakeNvml([], fails=FakeNvml.NVMLError("driver and library differ")))


def test_the_driver_is_let_go_also_after_an_error() -> None:
    nvml = FakeNvml([Card("GPU-x", "0000:10:00.0")])
    nvml.nvmlDeviceGetName = lambda _: (_ for _ in ()).throw(nvml.NVMLError("lost"))  # type: ignore[method-assign]

    with pytest.raises(DeviceError, match="lost"):
        gpus(nvml)
    assert not nvml.is_open


def test_a_declared_host_has_what_is_declared() -> None:
    (host,) = declared_hosts({"far": PoolHostSection(gpus=2, gpu_memory_gib=24, cores=8)})

    assert [(gpu.uuid, gpu.memory_mib) for gpu in host.gpus] == [("0", 24_576), ("1", 24_576)]
    assert host.cores == tuple(range(8))
