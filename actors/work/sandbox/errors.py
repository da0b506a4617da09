"""Why something could not be judged. None of these is a verdict: they say nothing about the code.

SandboxError
+-- BadRequestError        a file name or a case that no sandbox takes
+-- LayerMissingError      this host cannot confine model-written code as wanted
+-- ToolMissingError       pytest or coverage.py is not installed
+-- InfrastructureError    the machine kept a candidate from running, again and again
"""

from __future__ import annotations

from collections.abc import Mapping


class SandboxError(Exception):
    """Base class for everything that keeps code from being judged."""


class BadRequestError(SandboxError, ValueError):
    """Raised before anything runs when a request cannot be right, for instance a path that leaves the project."""


class LayerMissingError(SandboxError):
    """Raised when layers of protection are missing that the caller did not accept to be missing."""

    def __init__(self, missing: Mapping[str, str]) -> None:
        names = sorted(missing)
        reasons = "; ".join(f"{name} ({missing[name]})" for name in names)
        super().__init__(
            f"model-written code is refused here, these layers are missing: {reasons}. "
            f"To accept the weaker set, name them: accept_missing={{{', '.join(repr(name) for name in names)}}}"
        )
        self.missing = dict(missing)


class ToolMissingError(SandboxError):
    """Raised when tests are to be run and the library for it is not installed."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not installed, and running tests needs it")
        self.name = name


class InfrastructureError(SandboxError):
    """Raised when the machine, not the candidate, kept a turn from ending."""

    def __init__(self, reason: str, attempts: int = 1) -> None:
        super().__init__(f"{reason} ({attempts} attempts)" if attempts > 1 else reason)
        self.reason, self.attempts = reason, attempts
