"""Files of a working folder, reached so that no link leads out of it.

Code that ran there may have left links, pipes or second names of files from elsewhere. Every folder on the way is
opened from the one above without following links, and only plain files with one name count.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from actors.work.workspace.errors import InvalidPathError, LimitError, NoFileError
from actors.work.workspace.names import check_path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_UNFINISHED = ".unfinished"  # next to a file that is being written


def read_text(root: Path, path: str, *, limit: int) -> str:
    """A file's text, to the byte. Raises InvalidPathError, NoFileError, LimitError (in bytes)."""
    check_path(path)
    with _parent(root, path, make=False) as (parent, name):
        try:
            file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
        except FileNotFoundError as error:
            raise NoFileError(path, "is not there") from error
        except OSError as error:
            raise InvalidPathError(path, "it is a link or no file") from error
        with os.fdopen(file, "rb") as stream:
            about = os.fstat(stream.fileno())
            if not stat.S_ISREG(about.st_mode) or about.st_nlink != 1:
                raise InvalidPathError(path, "it is no plain file with one name")
            data = stream.read(limit + 1)
    if len(data) > limit:
        raise LimitError(path, max(about.st_size, len(data)), limit)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise NoFileError(path, "is no text") from error


def write_text(root: Path, path: str, data: bytes) -> None:
    """Make or replace a file, with the folders above it. Replacing breaks links instead of writing through them."""
    check_path(path)
    with _parent(root, path, make=True) as (parent, name):
        if _is_folder(parent, name):
            raise InvalidPathError(path, "it is a folder")
        _remove(parent, name + _UNFINISHED)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(name + _UNFINISHED, flags, 0o644, dir_fd=parent), "wb") as stream:
            stream.write(data)
        os.rename(name + _UNFINISHED, name, src_dir_fd=parent, dst_dir_fd=parent)


def remove_file(root: Path, path: str) -> None:
    """Remove a file. Raises NoFileError if it is not there."""
    check_path(path)
    with _parent(root, path, make=False) as (parent, name):
        if _is_folder(parent, name) or not _remove(parent, name):
            raise NoFileError(path, "is not there")


@contextmanager
def _parent(root: Path, path: str, *, make: bool) -> Iterator[tuple[int, str]]:
    """The folder of a file, open, and the file's name in it."""
    *folders, name = path.split("/")
    at = os.open(root, _FOLDER)
    try:
        for folder in folders:
            if make:
                _make_folder(at, folder)
            try:
                below = os.open(folder, _FOLDER, dir_fd=at)
            except FileNotFoundError as error:
                raise NoFileError(path, "is not there") from error
            except OSError as error:
                raise InvalidPathError(path, f"{folder!r} is a link or no folder") from error
            os.close(at)
            at = below
        yield at, name
    finally:
        os.close(at)


def _make_folder(at: int, folder: str) -> None:
    try:
        os.mkdir(folder, 0o755, dir_fd=at)
    except FileExistsError:
        return  # whether it is a folder shows when it is opened


def _is_folder(parent: int, name: str) -> bool:
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


def _remove(parent: int, name: str) -> bool:
    try:
        os.unlink(name, dir_fd=parent)
    except FileNotFoundError:
        return False
    return True
