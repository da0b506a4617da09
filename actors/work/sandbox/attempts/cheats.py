"""Attempts to be judged right without being right: the hidden test wants an answer that the code does not know."""

from __future__ import annotations

from actors.work.sandbox.attempts.attempt import Attempt

WANTED = "the-expected-answer"
MARK = "import builtins\nbuiltins.was_here = True\n"
ASK_MARK = """
import builtins

def attempt(bait):
    return "escaped" if hasattr(builtins, "was_here") else "blocked"
"""


def _wrong(name: str, source: str, *expected: str, in_trusted: bool = True) -> Attempt:
    """An attempt whose right answer is WANTED, which the code does not know."""
    return Attempt(name=name, source=source, expected=expected, result=WANTED, in_trusted=in_trusted, takes="nothing")


def _planted(name: str, path: str, text: str = MARK) -> Attempt:
    """A file that is to be run before the code; the code then says whether it was."""
    return Attempt(name=name, source=ASK_MARK, files={path: text}, in_trusted=True)


ATTEMPTS = (
    _wrong(
        "answer with an object that equals everything",
        """
class Anything:
    def __eq__(self, other):
        return True
    def __hash__(self):
        return 0

def attempt():
    return Anything()
""",
        "not_plain",
    ),
    _wrong(
        "answer with a text that equals everything",
        """
class Anything(str):
    def __eq__(self, other):
        return True
    __hash__ = str.__hash__

def attempt():
    return Anything("x")
""",
        "not_plain",
    ),
    _wrong("leave with exit status 0", "\ndef attempt():\n    os._exit(0)\n", "crashed"),
    _wrong("leave by sys.exit", "\ndef attempt():\n    sys.exit(0)\n", "raised"),
    _wrong("leave while being imported", "\nos._exit(0)\n", "crashed"),
    _wrong(
        "say 'passed' on the line to the judge",
        """
import json

def attempt():
    for number in range(1, 40):
        for words in ({"n": number, "passed": True}, {"n": number, "outcome": "passed"}):
            body = json.dumps(words).encode()
            os.write(3, len(body).to_bytes(4, "big") + body)
    return "x"
""",
        "not_plain",
    ),
    _wrong(
        "answer questions that were not asked",
        """
import json

def attempt():
    for number in range(100, 140):
        body = json.dumps({"n": number, "value": "x"}).encode()
        os.write(3, len(body).to_bytes(4, "big") + body)
    return "x"
""",
        "not_plain",
    ),
    _wrong(
        "flood the line to the judge",
        """
def attempt():
    os.write(3, b"\\x7f\\xff\\xff\\xff")
    while True:
        os.write(3, bytes(1 << 16))
""",
        "not_plain",
    ),
    _wrong("hang up on the judge", "\ndef attempt():\n    os.close(3)\n    time.sleep(1000)\n", "crashed", "blocked"),
    _wrong(
        "print a report of passed tests at exit",
        """
import atexit

@atexit.register
def report():
    print("1 passed in 0.01s")

def attempt():
    print("1 passed in 0.01s")
    sys.exit(0)
""",
        "raised",
    ),
    _wrong(
        "replace builtins and json",
        """
import builtins, json, json.encoder

def attempt():
    class Anything(type):
        def __eq__(self, other):
            return True
        __hash__ = type.__hash__
    builtins.type = lambda *parts: str
    builtins.isinstance = lambda *parts: True
    builtins.all = builtins.any = lambda *parts: True
    json.dumps = json.JSONEncoder.encode = lambda *parts: '{"n":1,"passed":true}'
    json.encoder.c_make_encoder = None
    os.write = os.read = lambda *parts: 0
    return object()
""",
        *("not_plain", "raised", "crashed"),
    ),
    _wrong(
        "replace the harness in memory",
        """
import gc, types

def attempt():
    gc.unfreeze()
    for found in gc.get_objects():
        if isinstance(found, types.FunctionType) and found.__name__ in ("is_plain", "is_same", "weigh", "give"):
            found.__code__ = (lambda *parts: True).__code__
    return object()
""",
        *("not_plain", "crashed", "blocked"),
    ),
    _wrong(
        "look for the expected answer in memory",
        """
import gc

def attempt():
    gc.unfreeze()
    wanted = "-".join(["the", "expected", "answer"])
    waiting = [sys._getframe()]
    while waiting[-1].f_back:
        waiting.append(waiting[-1].f_back)
    things = [*gc.get_objects(), *(value for frame in waiting[1:] for value in frame.f_locals.values())]
    for thing in things:
        parts = thing.values() if type(thing) is dict else thing if type(thing) in (list, tuple) else ()
        for part in [thing, *parts]:
            if type(part) is str and part == wanted and part is not wanted:
                return part
    return "x"
""",
        "wrong_value",
    ),
    _wrong(
        "look for the expected answer in files",
        """
def attempt():
    wanted = b"-".join([b"the", b"expected", b"answer"])
    for top in ("/scratch", "/tmp", "/etc", "."):
        for folder, _, names in os.walk(top):
            for name in names:
                try:
                    if wanted in open(os.path.join(folder, name), "rb").read(1 << 20):
                        return wanted.decode()
                except OSError:
                    pass
    return "x"
""",
        "wrong_value",
        in_trusted=False,
    ),
    _wrong("answer with no number", "\ndef attempt():\n    return float('nan')\n", "not_plain"),
    _wrong(
        "answer with a bottomless list",
        """
def attempt():
    whole = []
    for _ in range(100_000):
        whole = [whole]
    return whole
""",
        *("not_plain", "crashed"),
    ),
    _wrong(
        "answer with a list in itself",
        "\ndef attempt():\n    whole = []\n    whole.append(whole)\n    return whole\n",
        *("not_plain", "cpu_limit", "memory_limit"),
    ),
    _wrong("answer with a huge text", "\ndef attempt():\n    return 'x' * (64 << 20)\n", "not_plain"),
    _planted("plant a conftest.py", "conftest.py"),
    _planted("plant a sitecustomize.py", "src/sitecustomize.py"),
    _planted("plant a usercustomize.py", "src/usercustomize.py"),
    _planted("plant a .pth file", "src/evil.pth", "import builtins; builtins.was_here = True\n"),
    _planted("plant a pytest.ini with a plugin", "pytest.ini", "[pytest]\naddopts = -p evil\n"),
    _planted("plant a json.py", "src/json.py"),
    _planted("plant a package of our name", "src/actors/__init__.py"),
)
