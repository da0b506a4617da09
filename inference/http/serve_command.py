"""`python -m inference serve`: opens the door and keeps it open until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType

from config.errors import ConfigError
from inference.engines.loading import EngineLoadError, load_engine
from inference.http.backend import ServedModel
from inference.http.door import Door
from inference.http.driving import Driver
from inference.http.errors import BackendLostError
from inference.http.one_engine import EngineDriver
from inference.http.serve_config import ServeConfig, read_serve_config, refused_plan
from inference.http.serving import DoorClosedError, DoorServer
from inference.http.settings import DoorSection
from inference.text import ServedText

OK, LOST, BAD_INPUT = 0, 1, 2  # exit statuses, as the other commands have them
_EXAMPLE = """example:
  python -m inference serve --config pool.yaml --port 8080 --token-file tokens.yaml

Prints its address when it answers. SIGTERM and Ctrl-C finish what is under way (door.shutdown_s) and end with status 0;
1: the engines are gone for good; 2: the configuration, the token file or the address cannot be used.
"""


def main(argv: list[str]) -> int:
    """Serve until the end is asked for."""
    args = _parse(argv)
    try:
        server = _server(args)
    except (ConfigError, DoorClosedError) as error:
        print(error if isinstance(error, ConfigError) else f"serve: {error}", file=sys.stderr)
        return BAD_INPUT

    def stop(_: int, __: FrameType | None) -> None:
        server.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)

    def ready(_: Door) -> None:
        print(server.url, flush=True)

    try:
        server.serve(ready)
    except BackendLostError as error:
        print(f"serve: {error}", file=sys.stderr)
        return LOST
    return OK


def _server(args: argparse.Namespace) -> DoorServer:
    config, tree = read_serve_config(args.config)
    changed = {"host": args.host, "port": args.port, "token_file": args.token_file}
    door = config.door.model_copy(update={key: value for key, value in changed.items() if value is not None})
    try:
        return DoorServer(_driver(config), DoorSection.model_validate(door.model_dump()))
    except EngineLoadError as error:
        raise refused_plan(tree, str(error)) from None


def _driver(config: ServeConfig) -> Driver:
    served = load_engine(config.engine.builder, config.engine.plan)
    if not isinstance(served, ServedText):
        raise EngineLoadError(f"{config.engine.builder} makes no engine that writes text")
    return EngineDriver(served, tuple(ServedModel(model) for model in config.engine.models))


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m inference serve",
        description="Serve engines over HTTP as OpenAI does.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, required=True, help="what is served, and the door's settings")
    parser.add_argument("--host", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=_port, help="port to listen on; 0: any free one")
    parser.add_argument("--token-file", help="file with the tokens of those who may ask")
    return parser.parse_args(argv)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port from 0 to 65535")
    return int(text)
