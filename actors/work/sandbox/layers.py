"""The layers that confine model-written code, and which of them this host has."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from actors.work.sandbox.caps import CAPS, GroupCaps
from actors.work.sandbox.errors import LayerMissingError
from actors.work.sandbox.limits import Limits

ROOT = Path(__file__).resolve().parents[3]
BOOT = "import sys; sys.path.insert(0, sys.argv.pop(1)); from actors.work.sandbox.inside.probing import main; main()"
PROBE_S = 60.0
KERNEL_LAYERS = (
    "user-namespace",
    "mount-namespace",
    "pid-namespace",
    "net-namespace",
    "ipc-namespace",
    "uts-namespace",
    "read-only-root",
    "scratch-tmpfs",
    "dropped-privileges",
    "no-new-privileges",
    "seccomp",
    "landlock",
)
ALWAYS = ("resource-limits", "wall-clock-kill")  # POSIX has them
NAMES = (*KERNEL_LAYERS, *CAPS, *ALWAYS)


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of protection on this host."""

    name: str
    is_present: bool
    reason: str = ""  # why it is missing


@functools.cache
def probe() -> tuple[Layer, ...]:
    """Try every layer, each in a process of its own. The answer is kept for the life of this process."""
    reasons = {**_probe_kernel(), **_probe_caps(), **dict.fromkeys(ALWAYS, "")}
    return tuple(Layer(name, not reasons[name], reasons[name]) for name in NAMES)


def require(layers: Iterable[Layer], accept_missing: frozenset[str]) -> tuple[str, ...]:
    """Return the names of the layers that are there.

    Raises:
        LayerMissingError: One is missing and was not accepted to be missing.
        ValueError: `accept_missing` names no layer.
    """
    unknown = sorted(accept_missing - set(NAMES))
    if unknown:
        raise ValueError(f"no layer is called {', '.join(unknown)}; there are {', '.join(NAMES)}")
    found = tuple(layers)
    missing = {layer.name: layer.reason for layer in found if not layer.is_present and layer.name not in accept_missing}
    if missing:
        raise LayerMissingError(missing)
    return tuple(layer.name for layer in found if layer.is_present)


def _probe_kernel() -> dict[str, str]:
    if sys.platform != "linux":
        return dict.fromkeys(KERNEL_LAYERS, "needs Linux")
    with tempfile.TemporaryDirectory(prefix="scrummage-probe-") as folder:
        command = [str(Path(sys.executable).resolve()), "-S", "-s", "-B", "-P", "-c", BOOT, str(ROOT), folder]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_S, env={}, check=False)  # noqa: S603
    if done.returncode != 0:
        return dict.fromkeys(KERNEL_LAYERS, "the probe failed")
    answers: dict[str, str] = json.loads(done.stdout)
    return {name: answers[name] for name in KERNEL_LAYERS}


def _probe_caps() -> dict[str, str]:
    caps = GroupCaps(Limits())
    try:
        return dict(caps.missing)
    finally:
        caps.close()
