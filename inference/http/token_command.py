"""`python -m inference token`: draws a token, shows it once, and prints what the token file gets."""

from __future__ import annotations

import argparse
from typing import get_args

import yaml
from pydantic import TypeAdapter, ValidationError

from config.section import Identifier, Words
from config.yaml_tree import shown
from inference.http.tokens import SCOPES, new_token

_EXAMPLE = """example:
  python -m inference token --name ada --scope generate >> tokens.yaml   # under `tokens:`; then chmod 600 tokens.yaml
"""


def main(argv: list[str]) -> int:
    """Print the entry on standard output and the token on standard error, so that files get hashes only."""
    parser = argparse.ArgumentParser(
        prog="python -m inference token",
        description="Draw a bearer token.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--name", required=True, type=_name, help="whose it is")
    parser.add_argument("--scope", action="append", choices=SCOPES, help="what it may do (default: generate)")
    args = parser.parse_args(argv)
    token, digest = new_token()
    entry = [{"name": args.name, "sha256": digest, "scopes": args.scope or ["generate"]}]
    indented = "".join(f"  {line}\n" for line in yaml.safe_dump(entry, sort_keys=False).splitlines())
    print(indented, end="")
    parser.exit(0, f"token of {args.name}, shown this once: {token}\n")


def _name(text: str) -> str:
    """The name of an entry; one that the door would refuse is refused before a token is drawn."""
    try:
        return TypeAdapter(Identifier).validate_python(text)
    except ValidationError:
        allowed = next(each.text for each in get_args(Identifier)[1:] if isinstance(each, Words))
        raise argparse.ArgumentTypeError(f"{shown(text)} is not allowed; expected {allowed}") from None
