"""`python -m inference`: what can be done with the pool from a command line. Each command is a module of its own."""

from __future__ import annotations

import sys
from importlib import import_module

from config.installed import lacking

COMMANDS = {
    "serve": ("inference.http.serve_command", "open the door: OpenAI's HTTP interface in front of a pool"),
    "token": ("inference.http.token_command", "draw a bearer token and print its entry for the token file"),
    "plan": ("inference.pool.plan_command", "print which engine goes onto which devices"),
    "state": ("inference.pool.state_command", "print how a running pool stands"),
}
_NEEDED = {"serve": ("fastapi", "uvicorn", "httpx", "jsonschema")}  # besides the base installation
_REMEDY = "pip install -r requirements/serve.txt"


def main(argv: list[str] | None = None) -> int:
    """Carry out one command: `main(arguments)` of its module. 2: there is no such command."""
    arguments = sys.argv[1:] if argv is None else argv
    name = arguments[0] if arguments else "--help"
    if problem := lacking(name, _NEEDED.get(name, ()), _REMEDY):
        print(f"inference: {problem}", file=sys.stderr)
        return 2
    if name in COMMANDS:
        status: int = import_module(COMMANDS[name][0]).main(arguments[1:])
        return status
    is_help = name in ("-h", "--help")
    out = sys.stdout if is_help else sys.stderr
    if not is_help:
        print(f"inference: no command {name!r}", file=out)
    print("usage: python -m inference COMMAND ...\n", file=out)
    for each, (_, what) in COMMANDS.items():
        print(f"  {each:<8} {what}", file=out)
    return 0 if is_help else 2


if __name__ == "__main__":
    sys.exit(main())
