"""The door itself: routes in the form of OpenAI's interface, and of vLLM's for adapters, around a backend."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, ExitStack, aclosing, asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from config.door_section import DoorSection
from inference.http.adapters import load_adapter, unload_adapter
from inference.http.answering import Answering, stream
from inference.http.answers import Heading, answer
from inference.http.asking import Asked, Terms, read_chat, read_completion
from inference.http.backend import Backend, BackendState, ServedModel, resolve
from inference.http.errors import RefusedError
from inference.http.limits import Account, Allowance, Held
from inference.http.measures import CONTENT_TYPE, Measures
from inference.http.reading import ClientGoneError, body_of, deadline_of, require_local_name, unless_gone
from inference.http.tokens import Caller, Callers
from inference.http.tokens import Scope as TokenScope

_GONE = 499  # nobody reads it; for the measures, as nginx names it
_SEED_BITS = 63
_LARGE_BYTES = 16_384  # bodies from here on are read beside the loop
_MAX_HELD_BYTES = 256 << 20  # of requests that come in or are under way, each answer with a prompt of its own

Handler = Callable[[Request, Caller], Awaitable[Response]]
Reader = Callable[[bytes, Iterable[ServedModel], Terms], Asked]


class Door:
    """Everything that answers a request. One for each event loop."""

    def __init__(self, backend: Backend, section: DoorSection, callers: Callers) -> None:
        self._backend, self._section, self._callers = backend, section, callers
        self._account = Account(Allowance(under_way=section.under_way))
        self._held = Held(_MAX_HELD_BYTES)
        self.measures = Measures(backend.state)
        self._since_s = int(time.time())

    def adopt(self, section: DoorSection, callers: Callers) -> None:
        """Go by other settings from the next request on; in the loop."""
        callers.take_over(self._callers)
        self._section, self._callers = section, callers
        self._account.allowance = Allowance(under_way=section.under_way)

    def state(self) -> BackendState:
        """What there is behind it."""
        return self._backend.state()

    @property
    def under_way(self) -> int:
        """Answers worked on or waiting just now."""
        return self._account.under_way

    def app(self) -> FastAPI:
        """What a server of ASGI runs."""
        app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
        app.add_api_route("/health", self._health, methods=["GET"], response_model=None)
        routes: list[tuple[str, str, TokenScope | None, Handler]] = [
            ("GET", "/metrics", "metrics", self._metrics),
            ("GET", "/v1/models", None, self._models),
            ("GET", "/v1/models/{name:path}", None, self._model),
            ("POST", "/v1/chat/completions", "generate", self._chat),
            ("POST", "/v1/completions", "generate", self._completions),
            ("POST", "/v1/load_lora_adapter", "adapters", self._load),
            ("POST", "/v1/unload_lora_adapter", "adapters", self._unload),
        ]
        for method, path, scope, handler in routes:
            app.add_api_route(path, self._guarded(path, scope, handler), methods=[method], response_model=None)
        app.add_exception_handler(HTTPException, _unknown_route)
        app.add_exception_handler(Exception, _bug)
        return app

    def _guarded(
        self, path: str, scope: TokenScope | None, handler: Handler
    ) -> Callable[[Request], Awaitable[Response]]:
        """A handler behind the checks that come first, and what becomes of its errors."""

        async def answer_request(request: Request) -> Response:
            try:
                if not self._callers.asks_for_tokens:
                    require_local_name(request, self._section)
                caller = self._callers.find(request.headers.get("authorization"))
                if scope is not None:
                    caller.require(scope)
                response = await handler(request, caller)
            except RefusedError as error:
                response = JSONResponse(error.body, error.status, error.headers)
            except ClientGoneError:
                response = Response(status_code=_GONE)
            self.measures.requests.labels(route=path, status=str(response.status_code)).inc()
            return response

        return answer_request

    # -- routes --------------------------------------------------------------------------------------------------------

    async def _health(self) -> Response:
        state = self._backend.state()
        is_well = bool(state.engines) and not state.lost
        status = "unavailable" if not is_well else "degraded" if state.given_up else "ok"
        reason = state.lost or (f"models without a working engine: {len(state.given_up)}" if state.given_up else "")
        body = {"status": status, "engines": len(state.engines), "reason": reason}
        return JSONResponse(body, 200 if is_well else 503)

    async def _metrics(self, _: Request, __: Caller) -> Response:
        self.measures.under_way.set(self.under_way)
        return Response(self.measures.text(), media_type=CONTENT_TYPE)

    async def _models(self, _: Request, __: Caller) -> Response:
        state = self._backend.state()
        data = [self._model_body(each, state) for each in sorted(state.served)]
        return JSONResponse({"object": "list", "data": data})

    async def _model(self, request: Request, _: Caller) -> Response:
        state = self._backend.state()
        return JSONResponse(self._model_body(resolve(request.path_params["name"], state.served), state))

    async def _chat(self, request: Request, caller: Caller) -> Response:
        return await self._generated(request, caller, read_chat, "chatcmpl")

    async def _completions(self, request: Request, caller: Caller) -> Response:
        return await self._generated(request, caller, read_completion, "cmpl")

    async def _load(self, request: Request, _: Caller) -> Response:
        body = await body_of(request, self._section, self._held)
        return JSONResponse(await load_adapter(body, self._backend, self._section))

    async def _unload(self, request: Request, _: Caller) -> Response:
        body = await body_of(request, self._section, self._held)
        return JSONResponse(await unload_adapter(body, self._backend))

    # -- texts ---------------------------------------------------------------------------------------------------------

    def _terms(self, caller: Caller) -> Terms:
        return Terms(max_tokens=self._section.max_tokens, seed=secrets.randbits(_SEED_BITS), priority=caller.priority)

    async def _generated(self, request: Request, caller: Caller, read: Reader, kind: str) -> Response:
        served, terms = self._backend.state().served, self._terms(caller)
        data = await body_of(request, self._section, self._held)
        asked = await _aside(data, lambda: read(data, served, terms))
        deadline_s, is_own = deadline_of(request, asked.timeout_s, self._section)
        heading = Heading(id=f"{kind}-{secrets.token_hex(12)}", created_s=int(time.time()))
        stack = AsyncExitStack()
        try:
            answering = await stack.enter_async_context(self._admitted(caller, asked, deadline_s, is_own))
            if asked.is_stream:
                first = await unless_gone(request.receive, answering.next())
                return EventStream(stream(answering, heading, first), stack, limit_s=deadline_s + 1.0)
            replies = await unless_gone(request.receive, answering.whole())
        except BaseException:
            await stack.aclose()
            raise
        await stack.aclose()
        return JSONResponse(answer(asked, replies, heading))

    @asynccontextmanager
    async def _admitted(
        self, caller: Caller, asked: Asked, deadline_s: float, is_own: bool
    ) -> AsyncIterator[Answering]:
        """Answers that are under way; what they took is booked when they are left. Raises RefusedError."""
        answers, now_s = len(asked.choices), time.monotonic()
        size = sum(choice.prompt_bytes for choice in asked.choices)
        tokens = sum(choice.most_tokens for choice in asked.choices)
        reserved = caller.account.admit(answers, tokens, now_s=now_s)
        with ExitStack() as taken:  # given back where it is refused half-way
            taken.callback(caller.account.settle, answers, reserved, 0)
            self._account.admit(answers, 0, now_s=now_s)
            taken.callback(self._account.settle, answers, 0, 0)
            self._held.take(size)
            taken.pop_all()
        answering = Answering(self._backend, asked, deadline_s=deadline_s, is_own_deadline=is_own)
        try:
            async with answering:
                yield answering
        finally:
            caller.account.settle(answers, reserved, answering.spent_tokens)
            self._account.settle(answers, 0, 0)
            self._held.give_back(size)
            for reply in answering.replies.values():
                self.measures.answered(reply, caller.name)
            self.measures.seconds.observe(time.monotonic() - now_s)

    def _model_body(self, served: ServedModel, state: BackendState) -> dict[str, Any]:
        given_up = served.model in state.given_up
        return {
            "id": served.name,
            "object": "model",
            "created": self._since_s,
            "owned_by": "scrummage",
            "root": served.model,
            "parent": served.model if served.adapter else None,
            "status": "unavailable" if given_up else "ready" if state.is_up(served.model) else "starting",
        }


class EventStream(Response):
    """A stream of events that ends when its client goes away, and when its time is over though nobody reads it."""

    media_type = "text/event-stream"

    def __init__(self, lines: AsyncGenerator[bytes], stack: AsyncExitStack, *, limit_s: float) -> None:
        super().__init__(headers={"Cache-Control": "no-store"})
        del self.headers["content-length"]
        self._lines, self._stack, self._limit_s = lines, stack, limit_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(self._limit_s):
                await unless_gone(receive, self._send(send))
        except (ClientGoneError, TimeoutError):
            return  # the server closes a connection whose answer is not complete
        finally:
            await self._stack.aclose()

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async with aclosing(self._lines) as lines:
            async for line in lines:
                await send({"type": "http.response.body", "body": line, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _aside(data: bytes, read: Callable[[], Asked]) -> Asked:
    """Read a body; a large one in a thread, as others wait meanwhile. Raises RefusedError."""
    return read() if len(data) < _LARGE_BYTES else await asyncio.to_thread(read)


async def _unknown_route(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    refused = RefusedError(error.status_code, str(error.detail), code="unknown_route")
    return JSONResponse(refused.body, refused.status, error.headers)


async def _bug(_: Request, error: Exception) -> Response:
    refused = RefusedError(500, f"a bug of this server: {type(error).__name__}", type="server_error")
    return JSONResponse(refused.body, refused.status)
