"""The hub inside a one-process run: the same hub, on threads of its own."""

from __future__ import annotations

import os
import socket
import threading

from brokers.hub.core import HubCore
from brokers.hub.metrics_page import MetricsPage
from brokers.hub.server import Endpoints, HubServer, stop_pipe


class HubThread:
    """Serves outsiders until `close`."""

    def __init__(self, token: str, endpoints: Endpoints, listening: socket.socket) -> None:
        self._stop_fd, self._wake_fd = stop_pipe()
        core = HubCore(token, hub_id=os.urandom(8))
        self._server = HubServer(core, endpoints, stop_fd=self._stop_fd)
        self._page = MetricsPage(core, listening)
        self._thread = threading.Thread(target=self._server.run, daemon=True, name="hub")
        self._thread.start()

    def close(self) -> None:
        """Stop serving; returns when the sockets are closed."""
        os.write(self._wake_fd, b"x")
        self._thread.join()
        self._page.close()
        os.close(self._wake_fd)
        os.close(self._stop_fd)
