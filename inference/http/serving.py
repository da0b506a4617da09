"""A door that listens: the socket, the server around it, and an orderly end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import uvicorn

from config.door_section import DoorSection
from inference.http.connections import Connection
from inference.http.door import Door
from inference.http.driving import DrivenBackend, Driver
from inference.http.errors import BackendLostError, DoorError
from inference.http.tokens import Callers, read_token_file

_BACKLOG = 2048
_KEEP_ALIVE_S = 75


class DoorClosedError(DoorError):
    """Raised when a door cannot be opened: its address is taken, or it would be open to everybody."""


class DoorServer:
    """Serves until it is told to stop; then what is under way is finished, and only then the engines are let go."""

    def __init__(self, driver: Driver, section: DoorSection) -> None:
        """Read the tokens and take the address.

        Raises:
            ConfigError: The token file cannot be used.
            DoorClosedError: The address is taken, or another host would be served without tokens.
        """
        self._section, self._callers = section, _callers(section)
        self._backend = DrivenBackend(driver, self.stop)
        self._socket = _bound(section.host, section.port)
        name = self._socket.getsockname()
        self._host, self._port = str(name[0]), int(name[1])
        self._server: uvicorn.Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None  # once there is a door
        self._door: Door | None = None
        self._is_stopped = False

    @property
    def url(self) -> str:
        """Where it is, up to and with the version."""
        return f"http://{f'[{self._host}]' if ':' in self._host else self._host}:{self._port}/v1"

    @property
    def port(self) -> int:
        """The one it listens on, also where any free one was asked for."""
        return self._port

    def stop(self) -> None:
        """Take nothing new, finish what is under way, end. From any thread or signal handler."""
        self._is_stopped = True
        if self._server is not None:
            self._server.should_exit = True

    def adopt(self, section: DoorSection) -> None:
        """Go by other settings and tokens from the next request on. From any thread.

        Raises:
            ConfigError: The token file cannot be used.
            DoorClosedError: Host or port are others, or nobody would need a token any more.
        """
        if (section.host, section.port) != (self._section.host, self._section.port):
            raise DoorClosedError("door.host and door.port cannot change while the door is open")
        callers = _callers(section)
        if self._loop is None:
            self._section, self._callers = section, callers
        else:
            self._loop.call_soon_threadsafe(self._adopt, section, callers)

    def do(self, work: Callable[[], None], then: Callable[[], None]) -> None:
        """Have the thread of the engines do something; `then` is called once the door shows it. From any thread."""
        self._backend.do(work, then)

    def _adopt(self, section: DoorSection, callers: Callers) -> None:
        self._section, self._callers = section, callers
        if self._door is not None:
            self._door.adopt(section, callers)
        if self._server is not None:
            self._server.config.timeout_graceful_shutdown = section.shutdown_s

    async def run(self, on_ready: Callable[[Door], None]) -> None:
        """Serve until `stop`. `on_ready` is called once it answers. Raises BackendLostError, also while it serves."""
        backend, self._loop = self._backend, asyncio.get_running_loop()
        try:
            await backend.start()
            door = self._door = Door(backend, self._section, self._callers)
            config = uvicorn.Config(
                door.app(),
                http=Connection,
                ws="none",
                lifespan="off",
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=self._section.shutdown_s,
                backlog=_BACKLOG,
            )
            server = self._server = _Server(config, lambda: on_ready(door))
            server.should_exit = self._is_stopped
            await server.serve(sockets=[self._socket])
            if backend.state().lost:
                raise BackendLostError(backend.state().lost)
        finally:
            self._socket.close()
            await backend.close()

    def serve(self, on_ready: Callable[[Door], None]) -> None:
        """`run`, in a loop of its own."""
        asyncio.run(self.run(on_ready))


class _Server(uvicorn.Server):
    """Says when it is ready. Signals are the caller's: they end with `stop`."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()


def _callers(section: DoorSection) -> Callers:
    entries = read_token_file(Path(section.token_file)) if section.token_file else None
    if entries is None and not section.is_loopback:
        raise DoorClosedError(f"{section.host} can be reached from elsewhere: door.token_file is needed")
    return Callers(entries, under_way=section.under_way)


def _bound(host: str, port: int) -> socket.socket:
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise DoorClosedError(f"door.host {host!r} is no address of this machine: {error.strerror}") from None
    bound = socket.socket(family, kind, proto)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
        bound.listen(_BACKLOG)
    except OSError as error:
        bound.close()
        raise DoorClosedError(f"{host}:{port} cannot be listened on: {error.strerror}") from None
    return bound
