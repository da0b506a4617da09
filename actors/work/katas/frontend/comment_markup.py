"""Comments with a little markup: safe text, bold words, links, and whole comments."""

from __future__ import annotations

from actors.work.katas.kata import Alternative, Chance, Criterion, Example, Kata, OpenPoint, Told, Variant
from actors.work.sandbox.plain import Plain

SOURCE = '''"""Turns what people write into HTML that shows it and can do no harm."""

import re

SAFE = ("https://", "http://", "/OWN/")
LINK = re.compile(r"\\[([^\\[\\]]+)\\]\\(([^()\\s\\"]+)\\)")


def escape(text):
    """The text as HTML that shows exactly these characters."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    <<quotes>>


def render_bold(text):
    """A line as HTML, with what stands between two ** in bold."""
    parts = escape(text).split("**")
    if len(parts) % 2 == 0:
        <<unclosed>>
    return "".join(f"<b>{part}</b>" if place % 2 else part for place, part in enumerate(parts))


def render_links(html):
    """A line of HTML with [label](address) turned into links."""
    return LINK.sub(_anchor, html)


def render(text):
    """A whole comment: paragraphs between blank lines; one whose lines all begin with "- " is a list."""
    blocks = re.split(r"\\n\\s*\\n", text.strip())
    return "".join(_block(block.split("\\n")) for block in blocks if block)


def _anchor(link):
    label, address = link.groups()
    if address.startswith(SAFE):
        return f'<a href="{address}">{label}</a>'
    <<unsafe>>


def _block(lines):
    if all(line.startswith("- ") for line in lines):
        items = [f"<li>{render_links(render_bold(line[2:]))}</li>" for line in lines]
        return f"<ul>{''.join(items)}</ul>"
    return f"<p>{'<br>'.join(render_links(render_bold(line)) for line in lines)}</p>"
'''


def _quotes() -> OpenPoint:
    def quoted(name: str, answer: str, code: str, result: str) -> Alternative:
        example = Example(function="escape", arguments=('"it\'s"',), result=result)
        return Alternative(name=name, answer=answer, code={"quotes": code}, examples=(example,))

    return OpenPoint(
        criterion=1,
        topic="security",
        question="What becomes of quotation marks, double and single?",
        alternatives=(
            quoted("stay", "They stay as they are.", "return text", '"it\'s"'),
            quoted(
                "double",
                "Double ones are escaped as &quot;, single ones do no harm to us.",
                """return text.replace('"', "&quot;")""",
                "&quot;it's&quot;",
            ),
            quoted(
                "both",
                "Both are escaped, as &quot; and &#39;.",
                """return text.replace('"', "&quot;").replace("'", "&#39;")""",
                "&quot;it&#39;s&quot;",
            ),
            quoted(
                "double_goes",
                "Double ones are taken out, single ones stay: they are apostrophes.",
                """return text.replace('"', "")""",
                "it's",
            ),
        ),
    )


def _unclosed() -> OpenPoint:
    def rendered(name: str, answer: str, code: str, result: Plain = None, error: str = "") -> Alternative:
        example = Example(function="render_bold", arguments=("a **b** c **d",), result=result, error=error)
        return Alternative(name=name, answer=answer, code={"unclosed": code}, examples=(example,))

    return OpenPoint(
        criterion=2,
        topic="edge_case",
        question="What if the last ** in a line has no partner?",
        alternatives=(
            rendered(
                "literal",
                "Then it is shown as two stars.",
                'parts[-2:] = ["**".join(parts[-2:])]',
                "a <b>b</b> c **d",
            ),
            rendered("closes", "It holds to the end of the line.", 'parts.append("")', "a <b>b</b> c <b>d</b>"),
            rendered("dropped", "It is left out.", 'parts[-2:] = ["".join(parts[-2:])]', "a <b>b</b> c d"),
            rendered(
                "plain",
                "Then nothing in that line is bold, all stars are shown.",
                'parts = ["**".join(parts)]',
                "a **b** c **d",
            ),
        ),
    )


def _unsafe() -> OpenPoint:
    def linked(name: str, answer: str, code: str, result: str) -> Alternative:
        example = Example(function="render_links", arguments=("see [this](ftp:evil) now",), result=result)
        return Alternative(name=name, answer=answer, code={"unsafe": code}, examples=(example,))

    return OpenPoint(
        criterion=3,
        topic="security",
        question="What is shown for a link to an address that we do not allow?",
        alternatives=(
            linked("as_typed", "What was typed, as it was typed.", "return link.group()", "see [this](ftp:evil) now"),
            linked("label", "Only its label, without a link.", "return label", "see this now"),
            linked("removed", 'The words "[link removed]".', 'return "[link removed]"', "see [link removed] now"),
            linked(
                "address",
                "Its label and the address in round brackets, so that people see where it would have led.",
                'return f"{label} ({address})"',
                "see this (ftp:evil) now",
            ),
        ),
    )


_WORDS = ("cats & dogs", "x < y", "**now**", "2 > 1", "**a** or **b**", "fine", "so **what", "it's", 'a "b"', "*")
_ADDRESSES = (
    "https://x.io/a",
    "http://x.io",
    "/OWN/7",
    "/other",
    "javascript:go",
    "xhttps://x.io",
    "HTTP://x",
)

_NO_LINKS = ("", ' [a](/x"y)', " [](http://x.io)", " [a] (http://x.io)", " [a](b c)")


def _line(chance: Chance) -> str:
    return " ".join(chance.pick(_WORDS) for _ in range(chance.between(1, 3)))


def _link(chance: Chance, own: str) -> str:
    address = chance.pick(_ADDRESSES).replace("OWN", own)
    return chance.pick(("see ", "", "[no] ")) + f"[{chance.pick(('here', 'my page', '1'))}]({address})"


def _comment(chance: Chance, own: str) -> str:
    blocks = list[str]()
    for _ in range(chance.between(1, 3)):
        lines = [chance.pick((_line(chance), _link(chance, own))) for _ in range(chance.between(1, 3))]
        if chance.below(2):
            lines = [f"- {line}" for line in lines]
        if chance.below(4) == 0:
            lines.append("-x")
        blocks.append("\n".join(lines))
    return chance.pick(("", "\n")) + chance.pick(("\n\n", "\n \n", "\n\n\n")).join(blocks) + chance.pick(("", "\n"))


def _criteria(own: str) -> tuple[Criterion, ...]:
    return (
        Criterion(
            text="Whatever people type is shown as typed and never taken for HTML",
            function="escape",
            examples=(
                Example(function="escape", arguments=("a < b > c",), result="a &lt; b &gt; c"),
                Example(function="escape", arguments=("R&D &lt;",), result="R&amp;D &amp;lt;"),
                Example(function="escape", arguments=("",), result=""),
            ),
        ),
        Criterion(
            text="What stands between two ** is bold",
            function="render_bold",
            examples=(
                Example(function="render_bold", arguments=("a **b** c",), result="a <b>b</b> c"),
                Example(function="render_bold", arguments=("**x<y**, **z**",), result="<b>x&lt;y</b>, <b>z</b>"),
            ),
        ),
        Criterion(
            text=f"[label](address) is a link if the address begins with https://, http:// or /{own}/",
            function="render_links",
            examples=(
                Example(
                    function="render_links",
                    arguments=(f"a [b c](/{own}/7) d [e](http://x.io)",),
                    result=f'a <a href="/{own}/7">b c</a> d <a href="http://x.io">e</a>',
                ),
                Example(
                    function="render_links",
                    arguments=("[e](https://x.io) [f] (g)",),
                    result='<a href="https://x.io">e</a> [f] (g)',
                ),
            ),
        ),
        Criterion(
            text='Blank lines separate paragraphs; one whose lines all begin with "- " is a list',
            function="render",
            examples=(
                Example(function="render", arguments=("a\nb\n\nc",), result="<p>a<br>b</p><p>c</p>"),
                Example(function="render", arguments=("- **a**\n- b",), result="<ul><li><b>a</b></li><li>b</li></ul>"),
                Example(function="render", arguments=("\n- a\nb\n \n\n",), result="<p>- a<br>b</p>"),
                Example(function="render", arguments=("  ",), result=""),
            ),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `comment_markup`."""
    many = v.theme.many
    return Kata(
        domain="frontend",
        title=f"Comments on {many} with bold text, links and lists",
        told=Told(
            vague=f"Comments on {many} are one grey block, and somebody's comment broke the whole page yesterday.",
            plain=(
                f"People write comments on {many} with bold words, links and lists. Nothing that they write may break "
                "the page."
            ),
            exact=(
                f"Comments on {many} become HTML. The characters &, < and > are shown as typed: &amp; &lt; &gt;. Text "
                "between two ** of a line becomes <b>. [label](address) becomes <a href> if the address begins with "
                f"https://, http:// or /{many}/; a label has no square brackets, an address no round brackets, spaces "
                "or double quotation marks. Blank lines, which may hold spaces, separate paragraphs <p>; their lines "
                'are joined by <br>. If all lines of one begin with "- " it is a list: <ul> with an <li> for each line '
                'without the "- ". Bold and links work in both. Empty comments become an empty text.'
            ),
        ),
        criteria=_criteria(many),
        open_points=(_quotes(), _unclosed(), _unsafe()),
        source=SOURCE.replace("OWN", many),
        inputs={
            "escape": lambda chance: (_line(chance),),
            "render_bold": lambda chance: (_line(chance),),
            "render_links": lambda chance: (f"{_link(chance, many)}, {_link(chance, many)}{chance.pick(_NO_LINKS)}",),
            "render": lambda chance: (_comment(chance, many),),
        },
        points=5,
        specialization="security",
        tags=("frontend", "html"),
    )
