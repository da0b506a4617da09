"""What can be wrong with the files of an adapter.

AdapterError            base class
+-- UnreadableError     there is no folder with files, or it holds something that is no file
+-- WrongContentError   the files are not those that were published
+-- UnknownVersionError the store has no such version
+-- VersionTakenError   the store has this version already
+-- AdapterNameError    a name that could not be part of a path and of `name@version`
"""

from __future__ import annotations


class AdapterError(Exception):
    """Base class of what is wrong with an adapter's files."""


class UnreadableError(AdapterError):
    """Raised for a folder that cannot be an adapter's."""


class WrongContentError(AdapterError):
    """Raised when files have another hash than they should."""

    def __init__(self, path: str, wanted: str, found: str) -> None:
        super().__init__(f"{path} has the content {found[:12]}…, wanted is {wanted[:12]}…")
        self.path, self.wanted, self.found = path, wanted, found


class UnknownVersionError(AdapterError):
    """Raised when a version is asked for that was never published."""

    def __init__(self, name: str, version: int) -> None:
        super().__init__(f"{name}@{version} was never published here")
        self.name, self.version = name, version


class VersionTakenError(AdapterError):
    """Raised when a version is published that exists: versions never change."""

    def __init__(self, name: str, version: int) -> None:
        super().__init__(f"{name}@{version} is published already, and never changes")
        self.name, self.version = name, version


class AdapterNameError(AdapterError):
    """Raised for a name that could not be part of a path and of `name@version`."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name[:80]!r} is no name of an adapter: small letters, digits, dot, dash, at most 64")
        self.name = name
