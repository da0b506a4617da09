"""Where the HTTP door in front of a pool is, and how much it takes (`door:`)."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt

from config.section import NonEmptyText, Section

MAX_BODY_KIB = 7 * 1024  # what still fits into a frame of the pool


class DoorSection(Section):
    """Where the door is and how much it takes."""

    host: NonEmptyText = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000  # 0: any free one
    token_file: NonEmptyText | None = None  # relative to where the command runs; another host needs one
    max_body_kib: Annotated[int, Field(ge=1, le=MAX_BODY_KIB)] = 4096  # of a request
    under_way: PositiveInt = 256  # answers worked on or waiting at once, of all callers together
    deadline_s: PositiveFloat = 600.0  # wall-clock seconds; the longest that an answer may take
    body_s: PositiveFloat = 30.0  # wall-clock seconds within which a request must be here
    max_tokens: PositiveInt = 1024  # of an answer, where a request does not say
    shutdown_s: PositiveInt = 30  # wall-clock seconds that what is under way may still take when the door closes
    retry_s: PositiveFloat = 60.0  # wall-clock seconds after which an engine that was given up is tried again
    adapter_folders: tuple[NonEmptyText, ...] = ()  # adapters are loaded from below these only; none: not at all

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return self.host == "localhost"
