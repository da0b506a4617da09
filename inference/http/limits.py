"""How much of the door each caller may use: requests under way, and tokens per minute. Pure: time is handed in."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from inference.http.errors import RefusedError, busy, wrong

_BUSY_RETRY_S = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What one caller may use at most."""

    under_way: int  # answers worked on or waiting at once
    tokens_per_minute: int | None = None  # of prompts and answers together; None: no limit


class Held:
    """Bytes of requests that lie here at once, of all callers together."""

    def __init__(self, most: int) -> None:
        self.most, self.now = most, 0

    def take(self, size: int) -> None:
        """More of them. Raises RefusedError: 429 where there is no room now; 413 where there never is."""
        if size > self.most:
            message = f"the prompts of all answers together have {size} bytes, {self.most} are allowed"
            raise RefusedError(413, message, code="request_too_large")
        if self.now + size > self.most:
            raise busy(f"requests of {self.now} bytes are under way, {self.most} may be", _BUSY_RETRY_S)
        self.now += size

    def give_back(self, size: int) -> None:
        """Fewer of them."""
        self.now -= size


@dataclass(slots=True)
class Account:
    """One caller's use. Tokens are reserved before a request, and what was not used comes back after it.

    A bucket of one minute's tokens that fills evenly: a caller may use them at once and then waits.
    """

    allowance: Allowance
    under_way: int = 0
    _left: float = 0.0
    _filled_s: float = field(default=-math.inf)

    def admit(self, answers: int, tokens: int, *, now_s: float) -> int:
        """Begin a request of so many answers.

        Returns:
            The tokens that were reserved, to be given back to `settle`.
        Raises:
            RefusedError: 429 with the seconds after which it may go; 400 for more answers than may ever be at once.
        """
        if answers > self.allowance.under_way:
            raise wrong(f"{answers} answers at once; at most {self.allowance.under_way} are allowed", "n")
        if self.under_way + answers > self.allowance.under_way:
            raise busy(f"{self.under_way} requests are under way, {self.allowance.under_way} may be", _BUSY_RETRY_S)
        per_minute = self.allowance.tokens_per_minute
        reserved = 0
        if per_minute is not None:
            reserved = min(tokens, per_minute)
            self._fill(per_minute, now_s)
            if self._left < reserved:
                wait_s = math.ceil((reserved - self._left) * 60 / per_minute)
                raise busy(
                    f"over the limit of {per_minute} tokens per minute", max(1, wait_s), code="tokens_per_minute"
                )
            self._left -= reserved
        self.under_way += answers
        return reserved

    def settle(self, answers: int, reserved: int, used: int) -> None:
        """End a request that used so many tokens; more than were reserved is a debt."""
        self.under_way -= answers
        if self.allowance.tokens_per_minute is not None:
            self._left = min(float(self.allowance.tokens_per_minute), self._left + reserved - used)

    def _fill(self, per_minute: int, now_s: float) -> None:
        if math.isinf(self._filled_s):
            self._left = float(per_minute)
        else:
            self._left = min(float(per_minute), self._left + (now_s - self._filled_s) * per_minute / 60)
        self._filled_s = now_s
