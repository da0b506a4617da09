"""Draws `architecture.svg`: the processes of a run and what goes between them. `python docs/draw_architecture.py`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

TARGET = Path(__file__).with_name("architecture.svg")
WIDTH, HEIGHT = 1350, 700
LINE = 17
INK, GREY, BLUE = "#1b1f24", "#4a5562", "#34506e"
FILLS = {
    "process": f'fill="#f4f7fb" stroke="{BLUE}" stroke-width="1.5"',
    "thing": 'fill="#ffffff" stroke="#8fa3b8"',
    "outside": 'fill="#fbf7ee" stroke="#94763a" stroke-width="1.5"',
    "file": 'fill="#eef6ee" stroke="#4d7a4d" stroke-width="1.5"',
}
STROKES = {
    "both": f'stroke="{BLUE}" marker-start="url(#tip)" marker-end="url(#tip)"',
    "one": f'stroke="{BLUE}" marker-end="url(#tip)"',
    "starts": 'stroke="#8fa3b8" stroke-dasharray="5 4"',
}
TITLE = f'font-family="sans-serif" font-size="13" font-weight="600" fill="{INK}"'
NOTE = f'font-family="sans-serif" font-size="12" fill="{GREY}"'
TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
    f'orient="auto-start-reverse"><path d="M0,0 L8,4 L0,8 z" fill="{BLUE}"/></marker></defs>'
)


@dataclass(frozen=True)
class Box:
    """A rectangle with a title and lines of text."""

    kind: str
    x: int
    y: int
    width: int
    height: int
    lines: tuple[str, ...]

    def draw(self) -> Iterator[str]:
        """Rectangle, title, notes."""
        x, y, width, height = self.x, self.y, self.width, self.height
        yield f'<rect {FILLS[self.kind]} x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/>'
        for number, line in enumerate(self.lines):
            yield f'<text {NOTE if number else TITLE} x="{x + 12}" y="{y + 21 + number * LINE}">{escape(line)}</text>'


@dataclass(frozen=True)
class Link:
    """A line through some points, with lines of text beside it."""

    points: tuple[tuple[int, int], ...]
    lines: tuple[str, ...] = ()
    at: tuple[int, int] = (0, 0)
    look: str = "both"

    def draw(self) -> Iterator[str]:
        """Line and label: its first line above the link, the others below."""
        path = " ".join(f"{x},{y}" for x, y in self.points)
        yield f'<polyline {STROKES[self.look]} stroke-width="1.5" fill="none" points="{path}"/>'
        for number, line in enumerate(self.lines):
            y = self.at[1] + number * LINE + (6 if number else 0)
            yield f'<text {NOTE} x="{self.at[0]}" y="{y}">{escape(line)}</text>'


BOXES = (
    Box("process", 20, 20, 1310, 40, ("launcher: starts the others, restarts hub and engines, shows progress",)),
    Box("outside", 20, 120, 160, 96, ("clients", "any language with", "ZeroMQ and msgpack")),
    Box("outside", 20, 270, 160, 66, ("Prometheus", "or a browser")),
    Box(
        "process",
        320,
        120,
        140,
        216,
        ("hub", "checks requests,", "answers repeated", "ones from memory,", "serves /metrics"),
    ),
    Box("process", 600, 100, 200, 444, ("services node",)),
    Box("thing", 614, 134, 172, 66, ("clock", "grants windows,", "writes the journal")),
    Box("thing", 614, 212, 172, 116, ("actors of each team", "facilitator/…", "board/…", "workshop/…", "disturber/…")),
    Box(
        "thing",
        614,
        340,
        172,
        84,
        ("pools of engines", "credits, urgency,", "adapter and prefix,", "asks again what is lost"),
    ),
    Box("thing", 614, 444, 172, 86, ("recorder", "a Pykka actor on a", "thread of its own")),
    Box("process", 940, 100, 170, 90, ("agents node 1", "agent/… actors,", "sharded by name")),
    Box("process", 940, 214, 170, 66, ("agents node 2, …", "with --nodes 3, 4, …")),
    Box("process", 940, 304, 170, 84, ("engines", "behavioural decisions;", "git, tests in a sandbox")),
    Box(
        "process",
        940,
        402,
        170,
        106,
        ("text engines", "one process each:", "vLLM on its GPUs or", "cores, with versions", "of LoRA adapters"),
    ),
    Box("outside", 1196, 412, 134, 84, ("model servers", "vllm serve, or", "any of OpenAI's", "form")),
    Box("file", 320, 596, 1010, 84, ("run folder",)),
    Box("thing", 440, 610, 260, 56, ("run.sqlite", "inputs, effects, commands, log")),
    Box("thing", 720, 610, 356, 56, ("results", "sprint-NN/, metrics/, final_report.json, final_report.md")),
)
LINKS = (
    Link(((390, 60), (390, 120)), look="starts"),
    Link(((700, 60), (700, 100)), look="starts"),
    Link(((1015, 60), (1015, 100)), look="starts"),
    Link(((180, 150), (320, 150)), ("DEALER – ROUTER", "requests, answers"), (192, 142)),
    Link(((320, 200), (180, 200)), ("XPUB – SUB", "events"), (192, 194), look="one"),
    Link(((180, 303), (320, 303)), ("GET /metrics",), (192, 295), look="one"),
    Link(((460, 150), (600, 150)), ("ROUTER – DEALER", "commands, answers,", "events, samples"), (472, 142)),
    Link(((800, 140), (940, 140)), ("PUSH – PULL", "letters, grants, log"), (812, 132)),
    Link(((800, 250), (940, 250))),
    Link(((1015, 190), (1015, 214))),
    Link(((786, 362), (940, 362)), ("ROUTER – DEALER", "effects"), (812, 354)),
    Link(((786, 414), (940, 414)), ("ROUTER – DEALER", "prompts, texts"), (812, 406)),
    Link(((1110, 454), (1196, 454)), ("HTTP",), (1134, 446)),
    Link(((614, 167), (576, 167), (576, 610)), ("journal",), (522, 430), look="one"),
    Link(((700, 530), (700, 572), (898, 572), (898, 610)), look="one"),
)


def drawing() -> str:
    """The whole picture as SVG."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        "<title>The processes of a run and what goes between them</title>",
        TIP,
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        *(line for box in BOXES for line in box.draw()),
        *(line for link in LINKS for line in link.draw()),
    ]
    return "\n".join(parts) + "\n</svg>\n"


if __name__ == "__main__":
    TARGET.write_text(drawing(), encoding="utf-8", newline="\n")
