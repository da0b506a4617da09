"""`python -m inference serve`: opens the door in front of a pool and keeps it open until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from config.errors import ConfigError
from config.loader import load_config
from inference.http.door import Door
from inference.http.errors import BackendLostError
from inference.http.pooled import PoolDriver
from inference.http.serving import DoorClosedError, DoorServer
from inference.pool.devices import DeviceError
from inference.pool.plan import PlacementPlan
from inference.pool.plan_command import planned
from inference.pool.running import EnginePool

OK, LOST, BAD_INPUT = 0, 1, 2  # exit statuses, as the other commands have them
_EXAMPLE = """example:
  python -m inference serve --config team.yaml --port 8080 --token-file tokens.yaml
  python -m inference serve --config team.yaml door.deadline_s=60

Engines are those of the configuration's `pool`. Prints its address once it answers; requests wait while engines load.
SIGTERM and Ctrl-C finish what is under way (door.shutdown_s) and end with status 0; 1: the engines are gone for good;
2: the configuration, the token file or the address cannot be used.
"""


def main(argv: Sequence[str]) -> int:
    """Serve until the end is asked for."""
    args = _parse(argv)
    try:
        server = _server(args)
    except (ConfigError, DeviceError) as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    except DoorClosedError as error:
        print(f"serve: {error}", file=sys.stderr)
        return BAD_INPUT

    def stop(_: int, __: FrameType | None) -> None:
        server.stop()

    def ready(_: Door) -> None:
        print(server.url, flush=True)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        server.serve(ready)
    except BackendLostError as error:
        print(f"serve: {error}", file=sys.stderr)
        return LOST
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return OK


def _server(args: argparse.Namespace) -> DoorServer:
    given = {"host": args.host, "port": args.port, "token_file": args.token_file}
    own = [f"door.{key}={_quoted(value)}" for key, value in given.items() if value is not None]
    loaded = load_config(args.config, overrides=[*args.overrides, *own])
    plan = planned(loaded, file=str(args.config or "command line"))
    driver = PoolDriver(lambda: _started(plan, args.folder or Path(f"outputs/pool-{server.port}")), _models(plan))
    server = DoorServer(driver, loaded.config.door)
    return server


def _quoted(value: str) -> str:
    """As YAML reads it: text stays text."""
    return value if value.isdecimal() else json.dumps(value)


def _started(plan: PlacementPlan, folder: Path) -> EnginePool:
    pool = EnginePool(plan, folder)
    try:
        pool.start()
    except BaseException:
        pool.close()
        raise
    return pool


def _models(plan: PlacementPlan) -> list[str]:
    return sorted({model for engine in plan.engines for model in engine.serves.models or ()})


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m inference serve",
        description="Serve a pool of engines over HTTP as OpenAI does.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, help="configuration with a pool section, and perhaps a door section")
    parser.add_argument("--host", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", help="port to listen on; 0: any free one")
    parser.add_argument("--token-file", help="file with the tokens of those who may ask")
    parser.add_argument("--folder", type=Path, help="for plans and logs of the engines (default: outputs/pool-PORT)")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings laid over the configuration")
    return parser.parse_args(argv)
