"""What the door says no to, in the form of OpenAI's errors.

DoorError
+-- RefusedError       a request that is not carried out: its HTTP status, and what is wrong with which parameter
+-- BackendLostError   nothing is left behind the door that could answer
+-- ContradictionError what an engine wrote does not go on from what was sent already
"""

from __future__ import annotations

import math
from typing import Any

from inference.messages import Failed


class DoorError(Exception):
    """Base class of what this package raises."""


class BackendLostError(DoorError):
    """Raised when the engines behind the door are gone for good."""


class ContradictionError(DoorError):
    """Raised when an engine's answer does not go on from what was sent already; its stream ends with an error."""


class RefusedError(DoorError):
    """Raised for a request that is not carried out. Its body is what OpenAI's clients read."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",  # noqa: A002 - the name it has on the wire
        param: str | None = None,
        code: str | None = None,
        retry_after_s: int | None = None,
        is_worth_retrying: bool = True,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.type = status, message, type
        self.param, self.code, self.retry_after_s = param, code, retry_after_s
        self.is_worth_retrying = is_worth_retrying

    @property
    def body(self) -> dict[str, Any]:
        """`{"error": {message, type, param, code}}`."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}

    @property
    def headers(self) -> dict[str, str]:
        """What goes with it: when to come again, how to say who one is."""
        told = {} if self.retry_after_s is None else {"Retry-After": str(self.retry_after_s)}
        if self.status == 401:
            told["WWW-Authenticate"] = "Bearer"
        if not self.is_worth_retrying:  # OpenAI's clients ask again by themselves, unless they are told
            told["x-should-retry"] = "false"
        return told


def wrong(message: str, param: str | None = None, *, code: str | None = None) -> RefusedError:
    """A request that makes no sense."""
    return RefusedError(400, message, param=param, code=code)


def unsupported(param: str) -> RefusedError:
    """A request that wants what no engine here does."""
    return wrong(f"{param} is not supported here; leave it out", param, code="unsupported_parameter")


def unknown_model(name: str) -> RefusedError:
    """A model or a version of an adapter that is not served."""
    message = f"The model {name!r} does not exist here; GET /v1/models lists what does"
    return RefusedError(404, message, type="not_found_error", param="model", code="model_not_found")


def busy(message: str, retry_after_s: int, *, code: str = "rate_limit_exceeded") -> RefusedError:
    """Too much at once, or too much in this minute."""
    return RefusedError(429, message, type="rate_limit_error", code=code, retry_after_s=retry_after_s)


def too_late(deadline_s: float, *, is_own: bool) -> RefusedError:
    """A request whose time is over. `is_own`: the client set that time, not the server."""
    message = f"no answer within {deadline_s:g} s"
    return RefusedError(
        408 if is_own else 504, message, type="timeout_error", code="deadline_exceeded", is_worth_retrying=not is_own
    )


def unavailable(message: str) -> RefusedError:
    """Nobody is there to answer just now."""
    return RefusedError(503, message, type="server_error", code="unavailable", retry_after_s=1)


def model_unavailable(model: str, retry_s: float) -> RefusedError:
    """A model whose engines keep dying. Asking before the next try of the engines is in vain."""
    message = f"the engines of {model!r} keep failing; they are tried again every {retry_s:g} s"
    return RefusedError(
        503,
        message,
        type="server_error",
        param="model",
        code="model_unavailable",
        retry_after_s=math.ceil(retry_s),
        is_worth_retrying=False,
    )


def refused(failed: Failed, model: str) -> RefusedError:
    """What an engine's typed failure is to a client: every reason follows from the request, so none is a 5xx."""
    match failed.reason:
        case "unknown_model" | "unknown_adapter":
            return unknown_model(model)
        case "prompt_too_long":
            return wrong(failed.detail, "messages", code="context_length_exceeded")
        case "malformed_schema":
            return wrong(failed.detail, "response_format", code="invalid_schema")
        case "schema_not_honoured" | "not_recorded":
            return RefusedError(422, failed.detail, code=failed.reason)
        case _:
            return wrong(failed.detail, code=failed.reason)
