"""The hub's process: `python -m brokers.hub --live RUN/.live --port 8080`."""

from __future__ import annotations

import argparse
import os
import resource
import signal
import socket
import sys
from enum import IntEnum
from pathlib import Path

import zmq

from brokers.hub.core import HubCore
from brokers.hub.live import LiveError, listen_on, read_live_run
from brokers.hub.metrics_page import MetricsPage
from brokers.hub.server import HubServer, stop_pipe
from brokers.processes import die_with_parent


class ExitCode(IntEnum):
    """How the hub's process ends."""

    OK = 0
    BAD_INPUT = 2
    ADDRESS_TAKEN = 4


def main(argv: list[str] | None = None) -> int:
    """Serve outsiders until SIGTERM or SIGINT, or until the parent dies."""
    args = _parse_arguments(argv)
    die_with_parent(args.parent)
    if args.memory_mib:  # a sender can make libzmq buffer an endless multipart: then the hub ends and is restarted
        limit = args.memory_mib * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    try:
        run = read_live_run(args.live)
    except LiveError as error:
        print(f"hub: {error}", file=sys.stderr)
        return ExitCode.BAD_INPUT
    stop_fd, wake_fd = stop_pipe()
    signal.set_wakeup_fd(wake_fd)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # the wake-up pipe says it
    core = HubCore(run.token, hub_id=os.urandom(8))
    try:
        server = HubServer(core, run.endpoints, stop_fd=stop_fd)
        listening = socket.socket(fileno=args.http_fd) if args.http_fd is not None else listen_on(args.port)
    except (zmq.ZMQError, OSError) as error:
        print(f"hub: cannot listen: {error}", file=sys.stderr)
        return ExitCode.ADDRESS_TAKEN
    page = MetricsPage(core, listening)
    print(f"hub: ready, metrics on port {page.port}", flush=True)
    server.run()
    page.close()
    return ExitCode.OK


def _parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m brokers.hub", description=__doc__)
    parser.add_argument("--live", type=Path, required=True, help="the run's folder `.live`, with run.json in it")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--port", type=int, default=8080, help="for /metrics and /health; another where it is taken")
    where.add_argument("--http-fd", type=int, help="a listening socket inherited from the launcher, instead of a port")
    parser.add_argument("--parent", type=int, help="pid of the process to die with")
    parser.add_argument("--memory-mib", type=int, default=1024, help="the most memory to take; 0 for no limit")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
