"""The folder of a house model: weights and tokenizer as engines read them, and how they came about beside them.

HouseModelError   a folder holds no house model, or something else that nobody should lose
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from actors.policy.prompting.templates import PromptFile

FACTS = "house.json"
WEIGHTS = "model.safetensors"
SCHEMA_VERSION = 1
PROFILE = Path(__file__).resolve().parents[2] / "config" / "profiles" / "house"
PROMPTS = PROFILE / "prompts"
CONFIG = PROFILE / "simulate.yaml"


class HouseModelError(Exception):
    """Raised for a folder that cannot be used as a house model's; nothing was written."""


def holds_model(folder: Path) -> bool:
    """Whether a house model was trained into this folder."""
    return (folder / FACTS).is_file()


def check_target(folder: Path) -> None:
    """Raises HouseModelError where something would be lost that is no house model."""
    if folder.exists() and not folder.is_dir():
        raise HouseModelError(f"{folder} is no folder")
    if folder.is_dir() and any(folder.iterdir()) and not holds_model(folder):
        raise HouseModelError(f"{folder} holds something that is no house model; choose another --output")


def write_folder(folder: Path, save: Any, facts: Mapping[str, Any]) -> None:
    """Put everything into place at once: a training that is cut off leaves nothing that looks like a model.

    Args:
        folder: Where; a house model that is there is replaced.
        save: Called with the folder to write weights and tokenizer into.
        facts: How the model came about.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as place:
        fresh = Path(place) / "fresh"
        fresh.mkdir()
        save(fresh)
        write_json(fresh / FACTS, facts)
        if folder.exists():
            folder.rename(Path(place) / "before")
        fresh.rename(folder)


def read_facts(folder: Path) -> dict[str, Any]:
    """How the model came about. Raises HouseModelError."""
    try:
        facts: dict[str, Any] = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise HouseModelError(
            f"{folder} holds no house model: {FACTS} is missing; `make house-model` makes one"
        ) from None
    except (OSError, ValueError) as error:
        raise HouseModelError(f"{folder / FACTS} cannot be read: {error}") from None
    return facts


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """A file that people can read and compare."""
    text = json.dumps({"schema_version": SCHEMA_VERSION, **value}, indent=2, sort_keys=True, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def weights_digest(folder: Path) -> str:
    """Which weights were measured. Raises HouseModelError."""
    try:
        return hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    except OSError as error:
        raise HouseModelError(f"{folder / WEIGHTS} cannot be read: {error}") from None


def prompts_digest(files: Mapping[str, PromptFile]) -> str:
    """One digest over the templates: a model is of no use with others than it was trained with."""
    texts = {name: source.text for name, source in files.items()}
    return hashlib.sha256(json.dumps(texts, sort_keys=True).encode()).hexdigest()
