"""What a repository holds, named by its content: storing and reading trees, commits and texts. Moves no branch."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from actors.work.workspace.changes import FileChange, check_changes, check_no_file_is_a_folder, content_bytes
from actors.work.workspace.errors import GitFailedError, UnknownObjectError, WorkspaceError
from actors.work.workspace.git import Git
from actors.work.workspace.layout import PRIVATE
from actors.work.workspace.names import Signature, check_oid, is_oid, message_bytes

BLOB_CACHE_BYTES = 32_000_000  # most files of a tree are those of the tree before
FILE_MODES = ("100644", "100755")


class Objects:
    """The objects of one repository. They only ever become more, so any number of processes may store at once."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._kept: dict[str, bytes] = {}  # blobs read before, the oldest first
        self._kept_bytes = 0

    # -- storing ------------------------------------------------------------------------------------------------------

    def store_tree(self, base: str, changes: Sequence[FileChange]) -> str:
        """Store the tree of `base` (commit or tree; empty: no files) with the changes made. Returns its name.

        Raises:
            InvalidPathError: A path is no good, comes twice, or is a file and a folder at once.
            InvalidTextError: Content that UTF-8 cannot hold.
            UnknownObjectError: `base` is not there, or a file of it.
        """
        check_changes(changes)
        files = self._listing(base) if base else {}
        for change in changes:
            files.pop(change.path, None)
        written = [change for change in changes if change.content is not None]
        check_no_file_is_a_folder(files, [change.path for change in written])
        with self._private_folder() as private:
            blobs = self._store_blobs(private, written)
            files.update((change.path, ("100644", blob)) for change, blob in zip(written, blobs, strict=True))
            index = {"GIT_INDEX_FILE": str(private / "index")}
            listed = "".join(f"{mode} {blob}\t{path}\0" for path, (mode, blob) in files.items())
            self._git.run("update-index", "-z", "--index-info", data=listed.encode(), extra=index)
            try:
                return self._git.text("write-tree", extra=index)
            except GitFailedError as error:
                raise self.unknown_or(error, *(blob for _, blob in files.values())) from error

    def store_commit(self, tree: str, parents: Sequence[str], message: str, author: Signature) -> str:
        """Store a commit. Returns its name, which follows from the arguments alone.

        Raises:
            InvalidTextError: A message or author that git would change.
            UnknownObjectError: The tree or a parent is not there.
        """
        author.check()
        text = message_bytes(message)
        for oid in (tree, *parents):
            check_oid(oid)
        date = f"@{author.at_s} {author.zone}"
        person = {
            f"GIT_{who}_{what}": value
            for who in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", author.name), ("EMAIL", author.email), ("DATE", date))
        }
        named = [part for parent in parents for part in ("-p", parent)]
        try:
            return self._git.text("commit-tree", tree, *named, data=text, extra=person)
        except GitFailedError as error:
            raise self.unknown_or(error, tree, *parents) from error

    def _store_blobs(self, private: Path, written: Sequence[FileChange]) -> list[str]:
        """Store contents, all with one command. It reads files, so the contents are laid out for it."""
        names = [private / str(number) for number in range(len(written))]
        for name, change in zip(names, written, strict=True):
            name.write_bytes(content_bytes(change.path, change.content or ""))
        if not names:
            return []
        listed = "".join(f"{name}\n" for name in names).encode()
        return self._git.text("hash-object", "-w", "--no-filters", "--stdin-paths", data=listed).split()

    @contextmanager
    def _private_folder(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(dir=self._git.git_dir / PRIVATE) as folder:
            yield Path(folder)

    # -- reading ------------------------------------------------------------------------------------------------------

    def files(self, treeish: str) -> dict[str, str]:
        """All text files of a commit or tree, in the order of git (bytes of the path). What is not text is left out.

        Raises:
            UnknownObjectError: It is not there, or a file of it is not.
        """
        found = [(path, blob) for path, (mode, blob) in self._listing(treeish).items() if mode in FILE_MODES]
        blobs = self.blobs([blob for _, blob in found])
        texts = ((path, as_text(blobs[blob])) for path, blob in found)
        return {path: text for path, text in texts if text is not None}

    def blobs(self, oids: Sequence[str]) -> dict[str, bytes]:
        """The contents of these blobs, all with one command. Raises UnknownObjectError."""
        asked = list(dict.fromkeys(oids))
        found = {oid: self._kept[oid] for oid in asked if oid in self._kept}
        found.update(self._read_blobs([oid for oid in asked if oid not in found]))
        return found

    def _read_blobs(self, oids: Sequence[str]) -> dict[str, bytes]:
        if not oids:
            return {}
        _, answer = self._git.run("cat-file", "--batch", "--buffer", data="".join(f"{oid}\n" for oid in oids).encode())
        found, at = {}, 0
        for oid in oids:
            end = answer.index(b"\n", at)
            about = answer[at:end].split(b" ")
            if len(about) != 3:  # "<oid> missing" instead of name, type and size
                raise UnknownObjectError(oid)
            size = int(about[2])
            found[oid] = answer[end + 1 : end + 1 + size]
            at = end + 1 + size + 1
        self._keep(found)
        return found

    def _keep(self, blobs: dict[str, bytes]) -> None:
        self._kept.update(blobs)
        self._kept_bytes += sum(len(blob) for blob in blobs.values())
        while self._kept_bytes > BLOB_CACHE_BYTES:
            self._kept_bytes -= len(self._kept.pop(next(iter(self._kept))))

    def tree_of(self, treeish: str) -> str:
        """The tree of a commit; a tree is its own. Raises UnknownObjectError."""
        check_oid(treeish)
        try:
            return self._git.text("rev-parse", "--verify", "--quiet", f"{treeish}^{{tree}}")
        except GitFailedError as error:
            raise self.unknown_or(error, treeish) from error

    def missing(self, oids: Sequence[str]) -> tuple[str, ...]:
        """Which of these objects are not there."""
        if not oids:
            return ()
        asked = "".join(f"{oid}\n" for oid in oids).encode()
        lines = self._git.text("cat-file", "--batch-check=%(objectname)", "--buffer", data=asked).splitlines()
        return tuple(oid for oid, line in zip(oids, lines, strict=True) if line.endswith(" missing"))

    def has(self, oid: str) -> bool:
        """Whether an object is there."""
        return is_oid(oid) and not self.missing([oid])

    def unknown_or(self, error: GitFailedError, *oids: str) -> WorkspaceError:
        """What to raise after a command failed: that one of these objects is missing, if so; else the failure."""
        lost = self.missing(oids)
        return UnknownObjectError(lost[0]) if lost else error

    def _listing(self, treeish: str) -> dict[str, tuple[str, str]]:
        """Mode and name of every blob, by path."""
        check_oid(treeish)
        try:
            _, listing = self._git.run("ls-tree", "-r", "-z", "--full-tree", treeish)
        except GitFailedError as error:
            raise self.unknown_or(error, treeish) from error
        found = {}
        for line in listing.split(b"\0")[:-1]:
            about, _, path = line.partition(b"\t")
            mode, _, blob = about.decode().split(" ")
            found[path.decode()] = (mode, blob)
        return found


def as_text(blob: bytes) -> str | None:
    """A blob as text; None if it is none: not UTF-8, or with a NUL."""
    if b"\0" in blob:
        return None
    try:
        return blob.decode()
    except UnicodeDecodeError:
        return None
