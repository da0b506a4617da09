"""What can go wrong with code in git. Each keeps its facts as attributes; none is a verdict about the code.

WorkspaceError
+-- GitMissingError         there is no git on this machine
+-- GitTooOldError          its git cannot merge without a working folder
+-- GitFailedError          a git command failed for a reason that is not the request's
+-- ForeignRepositoryError  the folder holds a repository that is not ours to change
+-- BusyRepositoryError     another process kept the repository locked for too long
+-- InvalidPathError        a path that no file of a tree may have
+-- InvalidRefError         a name that no branch may have
+-- InvalidTextError        text that git or a file cannot hold as it is
+-- UnknownObjectError      a commit or tree that the repository does not hold
+-- RefMovedError           a branch is not where the request expects it
+-- WorktreeError           a working folder cannot do what was asked
|   +-- BranchBusyError     another working folder has the branch
|   +-- DirtyWorktreeError  changes would be lost
|   +-- NoFileError         there is no such text file
|   +-- LimitError          a file or an answer is larger than agreed
+-- RestoreError            what was rebuilt is not what was recorded
"""

from __future__ import annotations


class WorkspaceError(Exception):
    """Base class for everything that keeps git from doing what was asked."""


class GitMissingError(WorkspaceError):
    """Raised when no git can be started."""

    def __init__(self) -> None:
        super().__init__("git is not installed or not on the PATH, and executed work needs it")


class GitTooOldError(WorkspaceError):
    """Raised when git lacks `merge-tree --write-tree`."""

    def __init__(self, found: str, needed: str) -> None:
        super().__init__(f"git {found} is too old: executed work needs {needed} or newer (merge-tree --write-tree)")
        self.found, self.needed = found, needed


class GitFailedError(WorkspaceError):
    """Raised when a git command failed and the request is not known to be the cause."""

    def __init__(self, command: str, code: int, errors: str) -> None:
        super().__init__(f"git {command} failed with {code}: {errors.strip() or 'it said nothing'}")
        self.command, self.code, self.errors = command, code, errors


class ForeignRepositoryError(WorkspaceError):
    """Raised when a folder holds a repository that was not made here."""

    def __init__(self) -> None:
        super().__init__("the folder holds a git repository that is not a workspace of ours; it is left alone")


class BusyRepositoryError(WorkspaceError):
    """Raised when the lock of a repository was not free in time."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"another process has kept the repository locked for {seconds} s")
        self.seconds = seconds


class InvalidPathError(WorkspaceError, ValueError):
    """Raised for a path that leaves the tree, means something to git itself, or cannot be told apart from another."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path!r} cannot be a file of the workspace: {reason}")
        self.path, self.reason = path, reason


class InvalidRefError(WorkspaceError, ValueError):
    """Raised for a name that git would not take as a branch."""

    def __init__(self, ref: str) -> None:
        super().__init__(f"{ref!r} is not the full name of a branch, such as refs/heads/main")
        self.ref = ref


class InvalidTextError(WorkspaceError, ValueError):
    """Raised for a message, author or file content that git would change or refuse."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what}: {reason}")
        self.what, self.reason = what, reason


class UnknownObjectError(WorkspaceError, LookupError):
    """Raised when a request names a commit or tree that is not there."""

    def __init__(self, oid: str) -> None:
        super().__init__(f"the repository holds no commit or tree {oid!r}")
        self.oid = oid


class RefMovedError(WorkspaceError):
    """Raised when a branch is elsewhere; nothing was changed. Empty means that the branch does not exist."""

    def __init__(self, ref: str, expected: str, found: str) -> None:
        super().__init__(f"{ref} is at {found or 'nothing'}, expected {expected or 'nothing'}")
        self.ref, self.expected, self.found = ref, expected, found


class WorktreeError(WorkspaceError):
    """Raised when a working folder cannot be made or used as asked."""


class BranchBusyError(WorktreeError):
    """Raised when a branch would be in two working folders at once."""

    def __init__(self, branch: str) -> None:
        super().__init__(f"{branch} is already in another working folder")
        self.branch = branch


class DirtyWorktreeError(WorktreeError):
    """Raised when a working folder with changes is to go without the caller holding them."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        super().__init__(f"changes would be lost in {', '.join(paths)}; take a snapshot first")
        self.paths = paths


class NoFileError(WorktreeError, LookupError):
    """Raised when a file of a working folder is not there or is no text."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path!r} {reason}")
        self.path, self.reason = path, reason


class LimitError(WorktreeError):
    """Raised when something is larger than the limits of a working folder allow."""

    def __init__(self, what: str, size: int, limit: int) -> None:
        super().__init__(f"{what} has {size}, more than the limit of {limit}")
        self.what, self.size, self.limit = what, size, limit


class RestoreError(WorkspaceError):
    """Raised for the first recorded thing that was rebuilt with another hash."""

    def __init__(self, number: int, what: str, recorded: str, rebuilt: str) -> None:
        super().__init__(f"record {number}, {what}: rebuilt as {rebuilt or 'nothing'}, recorded as {recorded}")
        self.number, self.what, self.recorded, self.rebuilt = number, what, recorded, rebuilt
