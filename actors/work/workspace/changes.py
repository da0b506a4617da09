"""What a commit changes, and whether the changes make sense together. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from actors.work.workspace.errors import InvalidPathError, InvalidTextError
from actors.work.workspace.names import check_path


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """One file as it is to be; `content` None takes it away (and is nothing to do where it is not there)."""

    path: str  # from the root of the repository
    content: str | None


def check_changes(changes: Sequence[FileChange]) -> None:
    """Raise InvalidPathError for a path that is no good or comes twice, InvalidTextError for what UTF-8 cannot hold."""
    seen: set[str] = set()
    for change in changes:
        check_path(change.path)
        if change.path in seen:
            raise InvalidPathError(change.path, "it is changed twice")
        seen.add(change.path)
        if change.content is not None:
            content_bytes(change.path, change.content)


def check_no_file_is_a_folder(kept: Iterable[str], written: Sequence[str]) -> None:
    """Raise InvalidPathError where a written path needs a folder that is a file, or is a folder itself.

    Git would silently drop the file in the way.
    """
    files = {*kept, *written}
    folders = {folder for path in files for folder in _folders(path)}
    for path in written:
        if path in folders or any(folder in files for folder in _folders(path)):
            raise InvalidPathError(path, "it is a file and a folder at once")


def content_bytes(path: str, content: str) -> bytes:
    """A file's text as stored, to the byte. Raises InvalidTextError for text that UTF-8 cannot hold."""
    try:
        return content.encode()
    except UnicodeEncodeError as error:
        raise InvalidTextError(f"the content of {path!r}", "it has half a surrogate pair") from error


def _folders(path: str) -> Iterable[str]:
    parts = path.split("/")
    return ("/".join(parts[:end]) for end in range(1, len(parts)))
