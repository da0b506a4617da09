"""What a file, a branch, an author and a message may be called. Pure: looks at text only.

Whatever passes here means the same to git, to every file system and to every reader, so a request cannot reach outside
its tree, change what git does, or be stored as something else than was asked.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from actors.work.workspace.errors import InvalidPathError, InvalidRefError, InvalidTextError, UnknownObjectError

LONGEST_PATH = 1024  # bytes; well below what Linux and macOS take
LONGEST_NAME = 255  # bytes of one component
LATEST_S = 253_402_300_799  # the last second of the year 9999
GITS_OWN = {".git", ".gitattributes", ".gitmodules"}  # attributes would change merges, diffs and line ends
_OID = re.compile(r"[0-9a-f]{40}")
_ZONE = re.compile(r"[+-](0[0-9]|1[0-4])[0-5][0-9]")
_REF_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|\.$|\./|/$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Who made a commit, and when in virtual time."""

    name: str
    email: str
    at_s: int  # unix seconds of the run's calendar
    zone: str = "+0000"

    def check(self) -> None:
        """Raise InvalidTextError if git would store something else."""
        for what, text in (("the author's name", self.name), ("the author's address", self.email)):
            if not text or text != text.strip(" .,:;<>\"\\'"):
                raise InvalidTextError(what, f"{text!r} is empty or git would trim it")
            if re.search(r"[<>\x00-\x1f\x7f]", text) or not _is_unicode(text):
                raise InvalidTextError(what, f"{text!r} has characters that git would take out")
        if not 0 <= self.at_s <= LATEST_S:
            raise InvalidTextError("the date of a commit", f"{self.at_s} s is not within 1970 to 9999")
        if not _ZONE.fullmatch(self.zone):
            raise InvalidTextError("the zone of a commit", f"{self.zone!r} is not like +0000")


def check_path(path: str) -> None:
    """Raise InvalidPathError unless the path names a file inside a tree, spelled in the one way that we allow."""
    if not path or path.startswith("/") or path.endswith("/"):
        raise InvalidPathError(path, "it must be relative and name a file")
    if "\\" in path or not _is_unicode(path):
        raise InvalidPathError(path, "it has a backslash or is no valid text")
    if any(unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp") for letter in path):
        raise InvalidPathError(path, "it has control or invisible characters")
    if unicodedata.normalize("NFC", path) != path:
        raise InvalidPathError(path, "its letters are not composed (NFC), which some file systems change")
    if len(path.encode()) > LONGEST_PATH:
        raise InvalidPathError(path, f"it is longer than {LONGEST_PATH} bytes")
    for part in path.split("/"):
        if part in ("", ".", ".."):
            raise InvalidPathError(path, "it has an empty part, . or ..")
        # HFS+ and NTFS spellings of .git count too: trailing dots and blanks, short names, streams.
        bare = part.casefold().split(":")[0].rstrip(" .")
        if bare in GITS_OWN or re.fullmatch(r"git~[0-9]+|gi[0-9a-f]{4}~[0-9]+", bare):
            raise InvalidPathError(path, "git keeps this name for itself")
        if len(part.encode()) > LONGEST_NAME:
            raise InvalidPathError(path, f"a part of it is longer than {LONGEST_NAME} bytes")


def check_ref(ref: str) -> None:
    """Raise InvalidRefError unless this is the full name of a branch (rules of git check-ref-format)."""
    branch = ref.removeprefix("refs/heads/")
    wrong = branch == ref or not branch or branch[0] in "/.-" or branch in ("HEAD", "@") or not _is_unicode(ref)
    if wrong or _REF_FORBIDDEN.search(branch) or any(len(part.encode()) > 200 for part in branch.split("/")):
        raise InvalidRefError(ref)


def check_oid(oid: str) -> None:
    """Raise UnknownObjectError unless this is a full object name; nothing else may reach a command line."""
    if not is_oid(oid):
        raise UnknownObjectError(oid)


def is_oid(text: str) -> bool:
    """Whether this is a full SHA-1 in small letters."""
    return _OID.fullmatch(text) is not None


def message_bytes(message: str) -> bytes:
    """The message as stored. Raises InvalidTextError where git would refuse or change it."""
    if not message.strip() or "\0" in message or not _is_unicode(message):
        raise InvalidTextError("the message of a commit", "it is empty, has a NUL or is no valid text")
    return (message if message.endswith("\n") else message + "\n").encode()


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)
