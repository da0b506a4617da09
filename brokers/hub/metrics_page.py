"""`/metrics` and `/health` over HTTP: the hub's own counts, and the last sample that the simulation sent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from brokers.hub.core import HubCore

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_AT_ONCE = 16
_CLIENT_TIMEOUT_S = 5.0

_COUNTERS = {
    "answered": "Replies to clients.",
    "repeated": "Commands that were answered from memory.",
    "expired": "Requests that the simulation did not answer in time.",
    "undelivered": "Messages whose receiver had left or did not read.",
    "events": "Events received from the simulation.",
    "missing_events": "Events that the simulation dropped before the hub.",
    "syncs": "Subscribers that joined with a sync token.",
    "hellos": "Times a simulation introduced itself.",
    "unasked_replies": "Replies of the simulation that nobody waits for.",
    "malformed_feed": "Messages of the simulation that could not be read.",
}


class HubCollector(Collector):
    """The counts of a hub as metric families, all named `hub_…`."""

    def __init__(self, core: HubCore) -> None:
        self._core = core

    def collect(self) -> Iterator[Metric]:
        """Read the counts as they are now."""
        refused = CounterMetricFamily("hub_refused", "Requests that were refused, by reason.", labels=["reason"])
        for reason, count in sorted(self._core.refused.copy().items()):
            refused.add_metric([reason], count)
        received = CounterMetricFamily("hub_requests", "Well-formed requests, by command.", labels=["command"])
        for command, count in sorted(self._core.received.copy().items()):
            received.add_metric([command], count)
        yield from (refused, received)
        for name, text in _COUNTERS.items():
            yield CounterMetricFamily(f"hub_{name}", text, value=self._core.counts[name])
        yield GaugeMetricFamily("hub_waiting", "Requests that wait for the simulation.", value=self._core.waiting)
        connected = int(self._core.is_connected)
        yield GaugeMetricFamily("hub_feed_connected", "Whether a simulation is connected.", value=connected)


class MetricsPage:
    """Serves on a listening socket, in threads of its own, until closed."""

    def __init__(self, core: HubCore, listening: socket.socket) -> None:
        registry = CollectorRegistry()
        registry.register(HubCollector(core))
        ProcessCollector(namespace="hub", registry=registry)
        self._server = _Server(listening, core, registry)
        self.port: int = listening.getsockname()[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving; requests under way are cut off."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=1)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, listening: socket.socket, core: HubCore, registry: CollectorRegistry) -> None:
        super().__init__(listening.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        self.core, self.registry = core, registry
        self._free = threading.BoundedSemaphore(_AT_ONCE)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for a request, or close it when too many are being served."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one request in its thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is nobody's fault."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _CLIENT_TIMEOUT_S
    server_version, sys_version = "hub", ""

    def do_GET(self) -> None:
        """Answer with the page."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """Answer with the headers of the page."""
        self._answer(with_body=False)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that the base class gave it
        """Scrapes are not worth a line each."""

    def _answer(self, *, with_body: bool) -> None:
        core = self.server.core
        match self.path.partition("?")[0]:
            case "/metrics":
                status, kind, page = 200, CONTENT_TYPE, generate_latest(self.server.registry) + core.sample
            case "/health":
                simulation = b"connected" if core.is_connected else b"absent"
                status, kind, page = 200, "application/json", b'{"hub":"ok","simulation":"%s"}\n' % simulation
            case _:
                status, kind, page = 404, "text/plain; charset=utf-8", b"here are /metrics and /health\n"
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        if with_body:
            self.wfile.write(page)
