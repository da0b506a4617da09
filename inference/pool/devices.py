"""What this machine has: GPUs as the NVML library of their driver tells, cores as the kernel allows.

NVML is asked without loading CUDA, so that asking takes no memory of a device and binds this process to none.

    DeviceError    the driver is there and does not answer
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from config.pool_section import PoolHostSection
from inference.pool.plan import HERE, Gpu, Host

_MIB = 1024 * 1024
_SAME_BOARD = "NVML_TOPOLOGY_MULTIPLE"  # devices that meet no farther away than over switches of one root are a group


class DeviceError(Exception):
    """Raised when a driver is there and cannot say what it drives."""


def this_host(nvml: Any | None = None, *, name: str = HERE) -> Host:
    """This machine. Without `nvidia-ml-py`, or without a driver, it has no GPUs.

    Args:
        nvml: A module with the functions of `pynvml`; None: that one, if it is installed.
    Raises:
        DeviceError: The driver does not answer.
    """
    return Host(name=name, gpus=gpus(nvml or _installed()), cores=tuple(sorted(os.sched_getaffinity(0))))


def declared_hosts(hosts: Mapping[str, PoolHostSection]) -> tuple[Host, ...]:
    """Machines that are not looked at; their devices are called by their numbers on the bus, as CUDA takes them too."""
    return tuple(
        Host(
            name=name,
            gpus=tuple(
                Gpu(
                    uuid=str(index),
                    index=index,
                    name=host.gpu_name,
                    memory_mib=1024 * host.gpu_memory_gib,
                )
                for index in range(host.gpus)
            ),
            cores=tuple(range(host.cores)),
        )
        for name, host in hosts.items()
    )


def gpus(nvml: Any | None) -> tuple[Gpu, ...]:
    """The devices of this machine in the order of the PCI bus. Raises DeviceError."""
    if nvml is None:
        return ()
    try:
        nvml.nvmlInit()
    except (nvml.NVMLError_LibraryNotFound, nvml.NVMLError_DriverNotLoaded):
        return ()
    except nvml.NVMLError as error:
        raise DeviceError(f"the driver of the GPUs does not answer: {error}") from None
    try:
        return _asked(nvml)
    except nvml.NVMLError as error:
        raise DeviceError(f"the driver of the GPUs does not say what there is: {error}") from None
    finally:
        nvml.nvmlShutdown()


def _asked(nvml: Any) -> tuple[Gpu, ...]:
    handles = [nvml.nvmlDeviceGetHandleByIndex(number) for number in range(nvml.nvmlDeviceGetCount())]
    handles.sort(key=lambda each: _text(nvml.nvmlDeviceGetPciInfo(each).busId))
    groups = _groups(nvml, handles)
    found = []
    for index, handle in enumerate(handles):
        memory = nvml.nvmlDeviceGetMemoryInfo(handle)
        found.append(
            Gpu(
                uuid=_text(nvml.nvmlDeviceGetUUID(handle)),
                index=index,
                name=_text(nvml.nvmlDeviceGetName(handle)),
                memory_mib=memory.total // _MIB,
                free_permille=1000 * memory.free // memory.total,
                group=groups[index],
            )
        )
    return tuple(found)


def _groups(nvml: Any, handles: list[Any]) -> list[int]:
    """For each device the first one that it is near to."""
    near = getattr(nvml, _SAME_BOARD)
    groups: list[int] = []
    for index, handle in enumerate(handles):
        first = index
        for other in range(index):
            try:
                level = nvml.nvmlDeviceGetTopologyCommonAncestor(handles[other], handle)
            except nvml.NVMLError_NotSupported:  # a virtual machine may not show how it is wired
                level = near
            if groups[other] == other and level <= near:
                first = other
                break
        groups.append(first)
    return groups


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value  # older versions of the module return bytes


def _installed() -> Any | None:
    try:
        return import_module("pynvml")
    except ModuleNotFoundError:
        return None
