"""`python -m inference serve`: opens the door in front of a pool and keeps it open until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

from config.errors import ConfigError, Problem
from config.loader import LoadedConfig, load_config
from config.yaml_tree import Loc
from inference.adapters.configured import contents, load_of
from inference.engines.vllm.checks import vllm_problems
from inference.http.backend import ServedModel
from inference.http.errors import BackendLostError
from inference.http.pooled import Configured, PoolDriver
from inference.http.serving import DoorClosedError, DoorServer
from inference.pool.devices import DeviceError
from inference.pool.plan import PlacementPlan
from inference.pool.plan_command import planned
from inference.pool.running import EnginePool
from inference.text import name_and_version

OK, LOST, BAD_INPUT = 0, 1, 2  # exit statuses, as the other commands have them
_EXAMPLE = """example:
  python -m inference serve --config team.yaml --port 8080 --token-file tokens.yaml
  python -m inference serve --config team.yaml door.deadline_s=60

Engines are those of the configuration's `pool`. Prints its address once it answers; requests wait while engines load.
`make serve` installs what is needed first.
SIGHUP reads configuration and tokens again. SIGTERM and Ctrl-C finish what is under way (door.shutdown_s) and end with
status 0; 1: no model has an engine that works; 2: the configuration, the token file or the address cannot be used.
"""


def main(argv: Sequence[str]) -> int:
    """Serve until the end is asked for."""
    args = _parse(argv)
    try:
        serving = _Serving(args)
    except (ConfigError, DeviceError) as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    except DoorClosedError as error:
        _say(str(error))
        return BAD_INPUT
    handlers = {signal.SIGTERM: serving.stop, signal.SIGINT: serving.stop, signal.SIGHUP: serving.read_again}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        serving.server.serve(lambda _: print(serving.server.url, flush=True))
    except BackendLostError as error:
        _say(str(error))
        return LOST
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return OK


class _Serving:
    """The door and its pool, as the configuration has them now."""

    def __init__(self, args: argparse.Namespace) -> None:
        """Raises ConfigError, DeviceError, DoorClosedError."""
        self._args, self._lock = args, threading.Lock()
        loaded, self._plan, adapters = self._read(None)
        section = loaded.config.door
        self._retry_s = section.retry_s
        self._pool: EnginePool | None = None  # of the thread of the engines
        self._driver = PoolDriver(
            self._started, _models(self._plan), adapters=adapters, retry_s=section.retry_s, say=_say
        )
        self.server = DoorServer(self._driver, section)

    def stop(self, _: int, __: FrameType | None) -> None:
        """On SIGTERM and SIGINT."""
        self.server.stop()

    def read_again(self, _: int, __: FrameType | None) -> None:
        """On SIGHUP; whoever is being answered waits for none of it."""
        threading.Thread(target=self._read_again, name="door-configuration", daemon=True).start()

    def _read_again(self) -> None:
        with self._lock:
            try:
                loaded, plan, adapters = self._read(self._plan)
                self.server.adopt(loaded.config.door)
            except (ConfigError, DeviceError, DoorClosedError) as error:
                _say(f"the configuration stays as it was: {error}")
                return
            self._plan = plan
            models = _models(plan)
            self.server.do(
                lambda: self._change_to(plan, adapters, loaded.config.door.retry_s),
                lambda: _say(f"the configuration was read again; engines: {len(plan.engines)}, of {', '.join(models)}"),
            )

    def _read(self, before: PlacementPlan | None) -> tuple[LoadedConfig, PlacementPlan, Configured]:
        args = self._args
        given = {"host": args.host, "port": args.port, "token_file": args.token_file}
        own = [f"door.{key}={_quoted(value)}" for key, value in given.items() if value is not None]
        loaded = load_config(args.config, overrides=[*args.overrides, *own])
        plan = planned(loaded, file=str(args.config or "command line"), before=before)
        pool = loaded.config.pool
        content, wrong = contents(pool, pool.adapters, loaded.problem_at)
        if problems := [*_unready(loaded), *wrong]:
            raise ConfigError(tuple(dict.fromkeys(problems)))
        adapters = {
            ServedModel(each.model, *name_and_version(name)): load_of(name, each, content[name]) if each.path else None
            for name, each in pool.adapters.items()
        }
        return loaded, plan, adapters

    # -- in the thread of the engines ----------------------------------------------------------------------------------

    def _started(self) -> EnginePool:
        folder = self._args.folder or Path(f"outputs/pool-{self.server.port}")
        pool = EnginePool(self._plan, folder, retry_s=self._retry_s)
        try:
            pool.start()
        except BaseException:
            pool.close()
            raise
        self._pool = pool
        return pool

    def _change_to(self, plan: PlacementPlan, adapters: Configured, retry_s: float) -> None:
        assert self._pool is not None, "it was started before"
        self._pool.retry_s = retry_s
        self._pool.change_to(plan)
        self._driver.serve(_models(plan), adapters, retry_s)


def _unready(loaded: LoadedConfig) -> Iterator[Problem]:
    """What keeps engines of vLLM from starting, told before they try. Servers may come later than the door."""
    for name, tier in loaded.config.pool.tiers.items():
        if tier.engine == "vllm":
            at: Loc = ("pool", "tiers", name)
            yield from vllm_problems((*at, "engine"), tier.path, (*at, "path"), loaded.problem_at)


def _say(line: str) -> None:
    print(f"serve: {line}", file=sys.stderr, flush=True)


def _quoted(value: str) -> str:
    """As YAML reads it: text stays text."""
    return value if value.isdecimal() else json.dumps(value)


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
