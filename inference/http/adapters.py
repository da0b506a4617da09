"""Versions of adapters that come and go over HTTP, as vLLM has it: names, folders, the next version."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from config.door_section import DoorSection
from inference.adapters.content import content_hash
from inference.adapters.errors import AdapterError
from inference.http.asking import read_body
from inference.http.backend import Backend, ServedModel
from inference.http.bodies import LoadAdapterBody, UnloadAdapterBody
from inference.http.errors import RefusedError, unknown_model, wrong


async def load_adapter(data: bytes, backend: Backend, section: DoorSection) -> dict[str, Any]:
    """Load a version; the next one where the request names none. Raises RefusedError."""
    body = read_body(LoadAdapterBody, data)
    path = _allowed_folder(body.lora_path, section.adapter_folders)
    known = backend.state().served
    base = _base(body.base_model_name, known)
    version = body.version or max((each.version for each in known if each.adapter == body.lora_name), default=0) + 1
    served = ServedModel(base, body.lora_name, version)
    sha256 = await asyncio.to_thread(_hash, path) if body.sha256 is None else body.sha256
    await backend.adapter("load", served, path=str(path), sha256=sha256)
    return _told(served, "loaded")


async def unload_adapter(data: bytes, backend: Backend) -> dict[str, Any]:
    """Take no more requests for a version; those under way are finished. Raises RefusedError."""
    body = read_body(UnloadAdapterBody, data)
    name, _, written = body.lora_name.partition("@")
    wanted = body.version or (int(written) if written.isdecimal() and len(written) < 10 else None)
    known = [each for each in backend.state().served if each.adapter == name]
    found = [each for each in known if wanted in (None, each.version)]
    if not found or (body.lora_name != name and not written.isdecimal()):
        raise unknown_model(body.lora_name)
    if len(found) > 1:
        raise wrong(f"{name} is loaded in {len(found)} versions; say which", "version")
    await backend.adapter("unload", found[0], path="", sha256="")
    return _told(found[0], "unloaded")


def _allowed_folder(path: str, folders: Iterable[str]) -> Path:
    """The folder of an adapter, links followed. Raises RefusedError where it is not below an allowed one."""
    try:
        found = Path(path).resolve()
        roots = [Path(folder).resolve() for folder in folders]
        is_folder = found.is_dir()
    except (OSError, RuntimeError, ValueError):
        raise wrong("lora_path is no path", "lora_path") from None
    if not any(found.is_relative_to(root) for root in roots):
        message = "adapters are loaded from below the folders of door.adapter_folders only"
        raise RefusedError(403, message, type="permission_error", param="lora_path", code="folder_not_allowed")
    if not is_folder:
        raise wrong("lora_path is no folder", "lora_path")
    return found


def _hash(folder: Path) -> str:
    try:
        return content_hash(folder)
    except AdapterError as error:
        raise wrong(str(error), "lora_path", code="unreadable") from None


def _base(named: str | None, known: Iterable[ServedModel]) -> str:
    bases = sorted({each.model for each in known if not each.adapter})
    if named is not None:
        if named not in bases:
            raise unknown_model(named)
        return named
    if len(bases) != 1:
        raise wrong(f"{len(bases)} base models are served; say which", "base_model_name")
    return bases[0]


def _told(served: ServedModel, what: str) -> dict[str, Any]:
    return {"status": "ok", "model": served.name, "base": served.model, "message": f"{served.name} is {what}"}
