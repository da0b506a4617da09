"""A small HTTP server with OpenAI's chat completions; texts follow from request and seed, faults from a script."""

from __future__ import annotations

import json
import select
import socket
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

MODEL = "tiny"
ADAPTERS = (("reviewer", 1), ("reviewer", 2))
HELD = "hold this"  # a message with this text is answered once the server is released
_CHECK_S = 0.01


@dataclass(frozen=True)
class Fault:
    """What the server does instead of answering. Without a status it closes the connection."""

    status: int = 0
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def error_body(message: str, *, code: str | None = None, param: str | None = None) -> bytes:
    return json.dumps({"error": {"message": message, "type": "x", "code": code, "param": param}}).encode()


class SmallChatServer:
    """Serves until the `with` ends. `faults` are used up by chat completions, one each.

    With `writes` the texts are what it makes of a body; it is asked from several threads. `models` are all that it
    serves, `port` is where, if it matters.
    """

    def __init__(
        self,
        token: str = "",
        *,
        writes: Callable[[dict[str, Any]], str] | None = None,
        more_models: Sequence[str] = (),
        models: Sequence[str] | None = None,
        port: int = 0,
    ) -> None:
        self.token = token
        usual = (MODEL, *(f"{name}@{version}" for name, version in ADAPTERS), *more_models)
        self.models = usual if models is None else tuple(models)
        self.writes = writes
        self.caches: Callable[[dict[str, Any]], int] | None = None  # prompt tokens that it says it had; None: says none
        self.faults: deque[Fault] = deque()
        self.bodies: list[dict[str, Any]] = []
        self.counts: Counter[str] = Counter()  # answered, given_up, connections, prompt_tokens, completion_tokens
        self.most_at_once = 0
        self.enforces_schemas = True
        self.arrived = threading.Condition()
        self._released = threading.Event()
        self._at_once = 0
        self._connections: list[socket.socket] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
        self._http.daemon_threads, self._http.block_on_close = True, False
        self._http.small = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def port(self) -> int:
        return self._http.server_port

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/v1"

    def release(self) -> None:
        """Answer what is held, and hold nothing any more."""
        self._released.set()

    def wait_for(self, requests: int, timeout_s: float = 20.0) -> None:
        """Return when so many chat completions have arrived."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.bodies) >= requests, timeout_s)

    def wait_for_count(self, name: str, number: int, timeout_s: float = 20.0) -> None:
        """Return when one of the counts is so high."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: self.counts[name] >= number, timeout_s)

    def hang_up(self) -> None:
        """Close every connection, as servers do with idle ones."""
        with self.arrived:
            connections, self._connections = self._connections, []
        for connection in connections:
            with suppress(OSError):  # it is closed already
                connection.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        """Be gone, as a killed process is: no connection is left, and the port is free."""
        self._http.shutdown()
        self._http.server_close()
        self.hang_up()

    def connected(self, connection: socket.socket) -> None:
        with self.arrived:
            self._connections.append(connection)
        self.count(connections=1)

    def count(self, **more: int) -> None:
        with self.arrived:
            self.counts.update(more)
            self.arrived.notify_all()

    def begin(self, body: dict[str, Any]) -> Fault | None:
        with self.arrived:
            self.bodies.append(body)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            self.arrived.notify_all()
            return self.faults.popleft() if self.faults else None

    def end(self) -> None:
        with self.arrived:
            self._at_once -= 1

    def hold(self, connection: socket.socket) -> bool:
        """Wait for the release. False if the client went away before."""
        while not self._released.wait(_CHECK_S):
            if select.select([connection], [], [], 0)[0] and not connection.recv(1, socket.MSG_PEEK):
                self.count(given_up=1)
                return False
        return True

    def __enter__(self) -> SmallChatServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._released.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def small(self) -> SmallChatServer:
        found: SmallChatServer = self.server.small  # type: ignore[attr-defined]
        return found

    def setup(self) -> None:
        super().setup()
        self.small.connected(self.connection)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by its base
        """Say nothing."""

    def do_GET(self) -> None:
        if not self._is_welcome():
            self._send(401, error_body("no such token"))
        elif self.path == "/v1/models":
            served = [{"id": name} for name in self.small.models]
            self._send(200, json.dumps({"object": "list", "data": served}).encode())
        else:
            self._send(404, b"<html>nothing here</html>")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        fault = self.small.begin(body)
        try:
            if fault is not None and not fault.status:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
            elif fault is not None:
                self._send(fault.status, fault.body, fault.headers)
            elif not self._is_welcome():
                self._send(401, error_body("no such token"))
            elif not any(message["content"] == HELD for message in body["messages"]) or self.small.hold(
                self.connection
            ):
                self._send(*self._answer(body))
        finally:
            self.small.end()

    def _is_welcome(self) -> bool:
        return not self.small.token or self.headers["Authorization"] == f"Bearer {self.small.token}"

    def _answer(self, body: dict[str, Any]) -> tuple[int, bytes]:
        if body["model"] not in self.small.models:
            return 404, error_body(f"The model `{body['model']}` does not exist.", code="model_not_found")
        writes = self.small.writes
        pieces = _cut(writes(body)) if writes else text_pieces(body, enforces_schemas=self.small.enforces_schemas)
        finish = "stop"
        if len(pieces) > body["max_tokens"]:
            pieces, finish = pieces[: body["max_tokens"]], "length"
        prompt = sum(1 + len(message["content"].split()) for message in body["messages"])
        self.small.count(answered=1, prompt_tokens=prompt, completion_tokens=len(pieces))
        message = {"role": "assistant", "content": "".join(pieces)}
        usage: dict[str, Any] = {
            "prompt_tokens": prompt,
            "completion_tokens": len(pieces),
            "total_tokens": prompt + len(pieces),
        }
        if self.small.caches is not None:
            usage["prompt_tokens_details"] = {"cached_tokens": min(prompt, self.small.caches(body))}
        choice = {"index": 0, "message": message, "finish_reason": finish}
        return 200, json.dumps({"id": "x", "model": body["model"], "choices": [choice], "usage": usage}).encode()

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def text_pieces(body: dict[str, Any], *, enforces_schemas: bool = True) -> list[str]:
    """The tokens of an answer: words that follow from model, conversation, temperature and seed."""
    seed = body["seed"] if body["temperature"] else 0
    known = json.dumps([body["model"], body["messages"], body["temperature"], seed])
    digest = blake2b(known.encode(), digest_size=16).digest()
    guided = body.get("structured_outputs") or body.get("response_format")
    if guided and enforces_schemas:
        schema = guided["json"] if "json" in guided else guided["json_schema"]["schema"]
        return _cut(json.dumps(instance(schema, digest), separators=(",", ":")))
    return [f"w{byte} " for byte in digest[: 4 + digest[0] % 12]]


def _cut(text: str) -> list[str]:
    return [text[start : start + 4] for start in range(0, len(text), 4)]


def instance(schema: dict[str, Any], digest: bytes) -> Any:
    """Something that satisfies a simple schema."""
    number = int.from_bytes(digest[:4], "big")
    if "enum" in schema:
        return schema["enum"][number % len(schema["enum"])]
    match schema["type"]:
        case "object":
            return {
                name: instance(part, blake2b(digest + name.encode(), digest_size=16).digest())
                for name, part in schema["properties"].items()
            }
        case "integer":
            return schema["minimum"] + number % (schema["maximum"] - schema["minimum"] + 1)
        case "boolean":
            return number % 2 == 0
    raise ValueError(f"no instance for {schema}")
