"""Who may use the door: a file of bearer tokens, of which it keeps hashes only.

    tokens:
      - name: ada
        sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
        scopes: [generate]            # generate, adapters, metrics
        under_way: 8                  # answers worked on or waiting at once; left out: as many as the door takes
        tokens_per_minute: 100000     # of prompts and answers together; left out: no limit
        priority: batch               # agent, trainer or batch: the highest that it may ask with

`python -m inference token --name ada` draws a token, shows it once and prints such an entry.
"""

from __future__ import annotations

import hmac
import secrets
import stat
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from config.errors import ConfigError, Problem
from config.section import Identifier, Section
from config.validation import validate
from config.yaml_tree import parse_tree, read_text
from inference.http.errors import RefusedError
from inference.http.limits import Account, Allowance
from inference.text import Priority

Scope = Literal["generate", "adapters", "metrics"]
SCOPES: tuple[Scope, ...] = ("generate", "adapters", "metrics")
_TOKEN_BYTES = 32  # so random that one quick hash protects it


class TokenEntry(Section):
    """One token of the file."""

    name: Identifier
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1)] = ("generate",)
    under_way: PositiveInt | None = None
    tokens_per_minute: PositiveInt | None = None
    priority: Priority = "agent"


class TokenFile(Section):
    """The whole file."""

    tokens: Annotated[tuple[TokenEntry, ...], Field(min_length=1, max_length=10_000)]


class Caller:
    """Somebody who may ask, and what they use."""

    def __init__(self, name: str, scopes: Iterable[Scope], priority: Priority, account: Account) -> None:
        self.name, self.scopes, self.priority, self.account = name, tuple(scopes), priority, account

    def require(self, scope: Scope) -> None:
        """Raises RefusedError without this scope."""
        if scope not in self.scopes:
            raise RefusedError(
                403, f"this token does not have the scope {scope}", type="permission_error", code="missing_scope"
            )


class Callers:
    """Everybody who may ask. Without a token file that is everybody, as one caller."""

    def __init__(self, entries: Iterable[TokenEntry] | None, *, under_way: int) -> None:
        """`under_way`: answers that the door works on or keeps waiting at once."""
        self._anybody: Caller | None = None
        self._known: list[tuple[bytes, Caller]] = []
        if entries is None:
            self._anybody = Caller("anybody", SCOPES, "agent", Account(Allowance(under_way=under_way)))
            return
        for entry in entries:
            allowance = Allowance(
                under_way=min(entry.under_way or under_way, under_way), tokens_per_minute=entry.tokens_per_minute
            )
            caller = Caller(entry.name, entry.scopes, entry.priority, Account(allowance))
            self._known.append((bytes.fromhex(entry.sha256), caller))

    @property
    def asks_for_tokens(self) -> bool:
        """Whether a request needs a token."""
        return self._anybody is None

    def take_over(self, before: Callers) -> None:
        """Whoever was known under the same name keeps what is under way and what was used of this minute."""
        known = {caller.name: caller for caller in before.everybody}
        for caller in self.everybody:
            if caller.name in known:
                allowance, caller.account = caller.account.allowance, known[caller.name].account
                caller.account.allowance = allowance

    @property
    def everybody(self) -> tuple[Caller, ...]:
        """All who may ask."""
        return tuple(caller for _, caller in self._known) if self._anybody is None else (self._anybody,)

    def find(self, authorization: str | None) -> Caller:
        """Whose token an Authorization header holds. Raises RefusedError (401)."""
        if self._anybody is not None:
            return self._anybody
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise _unauthorized("a bearer token is needed: Authorization: Bearer ...")
        digest = sha256(token.strip().encode("utf-8", "surrogateescape")).digest()
        found: Caller | None = None
        for known, caller in self._known:  # all of them: how long it takes tells nothing
            if hmac.compare_digest(known, digest):
                found = caller
        if found is None:
            raise _unauthorized("this token is not known")
        return found


def read_token_file(path: Path) -> tuple[TokenEntry, ...]:
    """Read the file.

    Raises:
        ConfigError: It cannot be read, others may read it, or something in it is wrong; names file, line and key.
    """
    problems: list[Problem] = []
    entries = _read(path, problems)
    if problems or entries is None:
        raise ConfigError(tuple(problems))
    return entries


def new_token() -> tuple[str, str]:
    """A new token and the hash of it for the file."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    return token, sha256(token.encode()).hexdigest()


def _read(path: Path, problems: list[Problem]) -> tuple[TokenEntry, ...] | None:
    text = read_text(path, problems)
    if text is None:
        return None
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        problems.append(
            Problem(
                file=str(path),
                line=0,
                key="",
                message=f"others may use it (mode {mode:04o})",
                allowed=f"mode 0600: chmod 600 {path}",
            )
        )
        return None
    tree = parse_tree(text, str(path), problems)
    if tree is None:
        if not problems:
            problems.append(Problem(file=str(path), line=0, key="", message="is empty", allowed="a list of tokens"))
        return None
    found, _ = validate(TokenFile, tree, problems)
    if found is None:
        return None
    for field in ("name", "sha256"):
        seen: dict[str, int] = {}
        for place, entry in enumerate(found.tokens):
            if seen.setdefault(getattr(entry, field), place) != place:
                line = tree.at(("tokens", place, field)).line
                key = f"tokens[{place}].{field}"
                problems.append(Problem(file=str(path), line=line, key=key, message="is there twice"))
    return found.tokens


def _unauthorized(message: str) -> RefusedError:
    return RefusedError(401, message, type="authentication_error", code="invalid_api_key")
