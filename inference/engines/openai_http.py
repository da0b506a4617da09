"""An engine that is an HTTP server: any that serves chat completions as OpenAI does, for instance vLLM's.

One thread of its own holds the connections, so that the driver's thread never waits for the network. What the server
says about a request becomes its reply. A server that is gone, does not answer in time, stays busy or talks nonsense
is lost: its host makes another engine, which asks again.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any

import httpx

from inference.engines.chat_completions import (
    BUSY,
    Answer,
    Guided,
    ServerFault,
    chat_body,
    read_completion,
    read_error,
    read_models,
    retry_after_s,
)
from inference.engines.refusing import refusal, unsupported
from inference.engines.tickets import Tickets
from inference.messages import Failed
from inference.text import (
    EngineClosedError,
    EngineLostError,
    Finished,
    GenerateText,
    TextCounters,
    unwritten,
)

MAX_ANSWER_BYTES = 16 * 1024 * 1024
_FIRST_BACKOFF_S = 0.05  # the shortest wait for a busy server, whatever it asks for; doubled each time
_MAX_BACKOFF_S = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatServer:
    """Where a server is and how it is used. All times are wall-clock seconds."""

    base_url: str  # up to and with the version: http://127.0.0.1:8000/v1
    token: str = field(default="", repr=False)  # bearer token; empty: none is sent
    slots: int = 32  # requests that it gets at once; each has its own connection
    guided: Guided = "response_format"  # none: the server enforces no schema, requests with one are refused
    connect_s: float = 5.0
    answer_s: float = 600.0  # a server that takes longer for one answer counts as lost
    models: tuple[str, ...] = ()  # what it must serve; one that lacks a model counts as lost from the start
    busy_s: float = 60.0  # how long one request waits for a server that says it is busy, all its waits together

    def __post_init__(self) -> None:
        if not _is_address(self.base_url):
            raise ValueError(f"base_url must be http://HOST... or https://HOST..., not {self.base_url!r}")
        if self.token and not _is_token(self.token):
            raise ValueError("a token is one word of visible ASCII characters")
        if self.slots < 1 or min(self.connect_s, self.answer_s) <= 0 or self.busy_s < 0:
            raise ValueError("slots must be at least 1, connect_s and answer_s positive, busy_s not negative")


def read_token(path: Path) -> str:
    """A bearer token from a file that holds nothing else. Raises ValueError, without telling what the file holds."""
    try:
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"no token can be read from {path}: {type(error).__name__}") from None
    if not _is_token(token):
        raise ValueError(f"{path} does not hold one token")
    return token


def _is_token(text: str) -> bool:
    return text.isascii() and text.isprintable() and len(text.split()) == 1 == len(text.split(" "))


def _is_address(text: str) -> bool:
    try:
        address = httpx.URL(text)
    except httpx.InvalidURL:
        return False
    return address.scheme in ("http", "https") and bool(address.host)


class OpenAIEngine:
    """Asks a server. Texts are as repeatable as the server makes them: it gets the seed with each request."""

    name = "openai"

    def __init__(self, server: ChatServer) -> None:
        self._server = server
        headers = {"Authorization": f"Bearer {server.token}"} if server.token else {}
        self._client = httpx.AsyncClient(
            base_url=server.base_url,
            headers=headers | {"Content-Type": "application/json"},
            timeout=httpx.Timeout(None, connect=server.connect_s),  # `_exchange` has the limit of a whole answer
            limits=httpx.Limits(max_connections=server.slots, max_keepalive_connections=server.slots),
            trust_env=False,  # proxies and the like come from the configuration, never from the environment
        )
        self._free = asyncio.Semaphore(server.slots)
        self._tickets = Tickets(self.name)
        self._asked: dict[str, tuple[GenerateText, Future[Answer]]] = {}
        self._done: SimpleQueue[tuple[str, int]] = SimpleQueue()  # with when it was: the driver may look later
        self._lost: EngineLostError | None = None
        self._repeated = 0  # written by the loop's thread only
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self.models: tuple[str, ...] = ()  # what the server said it serves when it was asked at the start

    @property
    def slots(self) -> int:
        return self._server.slots

    @property
    def under_way(self) -> int:
        return len(self._tickets)

    @property
    def counters(self) -> TextCounters:
        return replace(self._tickets.counters, repeated=self._repeated)

    def start(self) -> None:
        """Connect and ask for the models. Raises EngineLostError if that fails; it may be closed then, not used."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="openai-engine", daemon=True)
        self._thread.start()
        try:
            self.models = self._call(self._read_models()).result()
        except BaseException:
            self.close()
            raise
        self._tickets.open()

    def submit(self, ticket: str, request: GenerateText, seed: int) -> None:
        self._tickets.require_open()
        if self._lost is not None:
            raise self._lost
        self._tickets.take(ticket)
        refused = refusal(request) or unsupported(request, self.name)
        if refused is None and request.schema and self._server.guided == "none":
            refused = Failed(reason="unanswerable_request", detail="this server enforces no schema")
        if refused is not None:
            self._tickets.answer(ticket, refused)
            return
        future = self._call(self._ask(request, seed))
        self._asked[ticket] = (request, future)
        future.add_done_callback(lambda _: self._done.put((ticket, self._tickets.now_us())))

    def cancel(self, ticket: str) -> bool:
        self._tickets.require_open()
        if ticket not in self._tickets:
            return False
        if ticket in self._asked:
            self._asked[ticket][1].cancel()  # closes the connection; a server like vLLM stops working then
        return True

    def step(self, timeout_s: float) -> list[Finished]:
        self._tickets.require_open()
        deadline = monotonic() + timeout_s
        self._collect(0.0)
        while self._asked and not self._tickets.has_ready and self._lost is None and monotonic() < deadline:
            self._collect(deadline - monotonic())
        finished = self._tickets.hand_out()
        if not finished and self._lost is not None:
            raise self._lost
        return finished

    def close(self) -> None:
        self._tickets.close()
        self._asked.clear()
        if self._loop is None or self._thread is None:
            return
        loop, self._loop = self._loop, None
        asyncio.run_coroutine_threadsafe(self._shut(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        self._thread.join()
        loop.close()

    def _call(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        if self._loop is None:
            work.close()
            raise EngineClosedError(self.name)
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def _collect(self, timeout_s: float) -> None:
        """Take what is done; wait for the first one."""
        try:
            while True:
                self._settle(*(self._done.get(timeout=timeout_s) if timeout_s > 0 else self._done.get_nowait()))
                timeout_s = 0.0
        except Empty:
            return

    def _settle(self, ticket: str, at_us: int) -> None:
        request, future = self._asked.pop(ticket)
        if future.cancelled():  # the server tells nothing about what it had written
            counters = self._tickets.counters
            self._tickets.counters = replace(counters, unmetered=counters.unmetered + 1)
            self._tickets.answer(ticket, unwritten(request), at_us=at_us)
            return
        error = future.exception()
        if error is not None:
            if not isinstance(error, EngineLostError):
                raise error  # a bug: nothing else is raised in there
            self._lost = self._lost or error
            return
        reply, prompt_tokens, completion_tokens = future.result()
        counters = self._tickets.counters
        self._tickets.counters = replace(
            counters,
            unanswered_prompt_tokens=counters.unanswered_prompt_tokens + prompt_tokens,
            unanswered_completion_tokens=counters.unanswered_completion_tokens + completion_tokens,
        )
        self._tickets.answer(ticket, reply, at_us=at_us)

    # -- in the loop's thread ------------------------------------------------------------------------------------------

    async def _read_models(self) -> tuple[str, ...]:
        response, data = await self._patiently("GET", "models", None)
        try:
            if response.status_code != 200:
                raise ServerFault(f"asked for its models, the server answered with status {response.status_code}")
            served = read_models(data)
        except ServerFault as fault:
            raise self._loss(str(fault)) from None
        missing = [model for model in self._server.models if model not in served]
        if missing:
            raise self._loss(f"{', '.join(missing)} not served; it serves {', '.join(served) or 'nothing'}")
        return served

    async def _ask(self, request: GenerateText, seed: int) -> Answer:
        async with self._free:
            response, data = await self._patiently(
                "POST", "chat/completions", chat_body(request, seed, guided=self._server.guided)
            )
        try:
            if response.status_code == 200:
                return read_completion(request, data)
            return Answer(read_error(request, response.status_code, data))
        except ServerFault as fault:
            raise self._loss(str(fault)) from None

    async def _patiently(self, method: str, path: str, body: bytes | None) -> tuple[httpx.Response, bytes]:
        """One exchange, repeated while the server says that it is busy. Raises EngineLostError."""
        left_s, backoff_s = self._server.busy_s, _FIRST_BACKOFF_S
        while True:
            response, data = await self._connected(method, path, body)
            if response.status_code not in BUSY:
                return response, data
            wanted_s = retry_after_s(response.headers.get("retry-after"))
            wait_s = max(backoff_s, wanted_s or 0.0)
            if wait_s > left_s:
                raise self._loss(f"the server is still busy (status {response.status_code})")
            await asyncio.sleep(wait_s)
            left_s -= wait_s
            backoff_s = min(2 * backoff_s, _MAX_BACKOFF_S)

    async def _connected(self, method: str, path: str, body: bytes | None) -> tuple[httpx.Response, bytes]:
        """One exchange; once more if its connection broke: a server may close an idle one just then."""
        try:
            return await self._exchange(method, path, body)
        except (httpx.ReadError, httpx.WriteError, httpx.CloseError, httpx.RemoteProtocolError):
            self._repeated += 1
        except httpx.HTTPError as error:
            raise self._loss(f"no connection: {type(error).__name__}") from None
        try:
            return await self._exchange(method, path, body)
        except httpx.HTTPError as error:
            raise self._loss(f"the connection broke twice: {type(error).__name__}") from None

    async def _exchange(self, method: str, path: str, body: bytes | None) -> tuple[httpx.Response, bytes]:
        data = bytearray()
        try:
            async with (
                asyncio.timeout(self._server.answer_s),
                self._client.stream(method, path, content=body) as response,
            ):
                async for part in response.aiter_bytes():
                    data += part
                    if len(data) > MAX_ANSWER_BYTES:
                        raise self._loss(f"an answer has more than {MAX_ANSWER_BYTES} bytes")
        except TimeoutError:
            raise self._loss(f"no answer within {self._server.answer_s:g} s") from None
        return response, bytes(data)

    async def _shut(self) -> None:
        own = asyncio.current_task()
        tasks = [task for task in asyncio.all_tasks() if task is not own]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.aclose()

    def _loss(self, reason: str) -> EngineLostError:
        return EngineLostError(f"{self._server.base_url}: {reason}")
