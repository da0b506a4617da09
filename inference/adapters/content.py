"""What identifies the content of an adapter: a hash over its files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from inference.adapters.errors import UnreadableError, WrongContentError

_MAX_FILES = 1_000
_CHUNK_BYTES = 1 << 20


def content_hash(folder: Path) -> str:
    """SHA-256 over the files of a folder, as 64 hexadecimal digits.

    Files come in the order of their paths' UTF-8 bytes; of each the path's length, the path, the file's length and its
    bytes are hashed, lengths as 8 bytes, most significant first. So no two different folders are hashed from the same
    bytes. Times, owners and modes do not count.

    Raises:
        UnreadableError: It is no folder, is empty, or holds links, sockets or far too many files.
    """
    digest = hashlib.sha256()
    try:
        for name, path in _files(folder):
            _update(digest, name, path)
    except OSError as error:
        raise UnreadableError(f"{folder} cannot be read: {error.strerror}") from None
    return digest.hexdigest()


def verify(folder: Path, sha256: str) -> None:
    """Raises WrongContentError or UnreadableError unless the files of a folder have this hash."""
    found = content_hash(folder)
    if found != sha256:
        raise WrongContentError(str(folder), sha256, found)


def _files(folder: Path) -> list[tuple[bytes, Path]]:
    found = []
    for path in folder.rglob("*"):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise UnreadableError(f"{path} is neither file nor folder")
        if path.is_file():
            found.append((path.relative_to(folder).as_posix().encode("utf-8", "surrogateescape"), path))
        if len(found) > _MAX_FILES:
            raise UnreadableError(f"{folder} has more than {_MAX_FILES} files")
    if not found:
        raise UnreadableError(f"{folder} is not a folder with files")
    return sorted(found)


def _update(digest: hashlib._Hash, name: bytes, path: Path) -> None:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        digest.update(len(name).to_bytes(8, "big") + name + size.to_bytes(8, "big"))
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
