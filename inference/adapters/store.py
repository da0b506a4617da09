"""A folder of published adapters: `NAME/VERSION/files/...` with `NAME/VERSION/manifest.json` beside the files.

A version appears whole or not at all, and never changes. Whoever takes one gets it verified against its hash.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from inference.adapters.content import content_hash, verify
from inference.adapters.errors import AdapterNameError, UnknownVersionError, UnreadableError, VersionTakenError
from inference.adapters.messages import LoadAdapter

FORMAT = "scrummage.adapter/1"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,62}[a-z0-9])?")
_UNFINISHED = ".new-"  # beginning of the folder of a version that is being copied


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedAdapter:
    """One version of an adapter in a store."""

    base: str  # the model that it adapts
    name: str
    version: int
    path: str  # the folder with its files
    sha256: str

    def load(self) -> LoadAdapter:
        """The message that has an engine load it."""
        return LoadAdapter(**asdict(self))


class AdapterStore:
    """Publishes versions and finds them again; several processes may use one folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def publish(self, name: str, source: Path, *, base: str, version: int | None = None) -> PublishedAdapter:
        """Copy the files of an adapter into the store, as a new version.

        Args:
            source: The folder with its files.
            base: The model that it adapts.
            version: From 1; None: the one after the last.
        Raises:
            AdapterNameError: The name cannot be used.
            VersionTakenError: There is this version already.
            UnreadableError: The folder cannot be an adapter's.
        """
        if not _NAME.fullmatch(name):
            raise AdapterNameError(name)
        if version is not None and version < 1:
            raise ValueError(f"versions begin with 1, not {version}")
        (self._root / name).mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=self._root / name))
        try:
            sha256 = _copy(source, fresh / "files")
            if version is not None:
                return self._appear(fresh, base, name, version, sha256)
            while True:  # another process may take the next number
                try:
                    return self._appear(fresh, base, name, max(self.versions(name), default=0) + 1, sha256)
                except VersionTakenError:
                    continue
        finally:
            shutil.rmtree(fresh, ignore_errors=True)  # is gone where all went well

    def get(self, name: str, version: int) -> PublishedAdapter:
        """One version, verified.

        Raises:
            UnknownVersionError: It was never published.
            WrongContentError, UnreadableError: Its files are not what was published.
        """
        folder = self._root / name / str(version)
        if not _NAME.fullmatch(name) or not folder.is_dir():
            raise UnknownVersionError(name, version)
        found = _manifest(folder / "manifest.json")
        published = PublishedAdapter(
            base=found["base"], name=name, version=version, path=str(folder / "files"), sha256=found["sha256"]
        )
        verify(folder / "files", published.sha256)
        return published

    def versions(self, name: str) -> tuple[int, ...]:
        """The versions of an adapter, ascending; empty for one that was never published."""
        folder = self._root / name
        if not _NAME.fullmatch(name) or not folder.is_dir():
            return ()
        return tuple(sorted(int(each.name) for each in folder.iterdir() if each.name.isdecimal()))

    def names(self) -> tuple[str, ...]:
        """The adapters of which there is a version, sorted."""
        if not self._root.is_dir():
            return ()
        return tuple(sorted(each.name for each in self._root.iterdir() if self.versions(each.name)))

    def _appear(self, fresh: Path, base: str, name: str, version: int, sha256: str) -> PublishedAdapter:
        """Everything is written: let the folder become the version, in one step."""
        manifest = {"format": FORMAT, "base": base, "name": name, "version": version, "sha256": sha256}
        _write(fresh / "manifest.json", json.dumps(manifest, indent=2).encode() + b"\n")
        fresh.chmod(0o755)
        folder = self._root / name / str(version)
        try:
            fresh.rename(folder)
        except OSError:
            if folder.exists():
                raise VersionTakenError(name, version) from None
            raise
        _sync(folder.parent)
        return PublishedAdapter(base=base, name=name, version=version, path=str(folder / "files"), sha256=sha256)


def _copy(source: Path, target: Path) -> str:
    """Copy files, read-only and safely on disk; the hash of what was copied."""
    content_hash(source)  # refuses what is no adapter before anything is copied
    for path in sorted(source.rglob("*")):
        place = target / path.relative_to(source)
        if path.is_file():
            place.parent.mkdir(parents=True, exist_ok=True)
            _write(place, path.read_bytes())
            place.chmod(0o444)
    return content_hash(target)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _manifest(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UnreadableError(f"{path} cannot be read: {error}") from None
    match found:
        case {"format": "scrummage.adapter/1", "base": str(), "sha256": str()}:
            return dict(found)
    raise UnreadableError(f"{path} is no manifest of format {FORMAT}")
