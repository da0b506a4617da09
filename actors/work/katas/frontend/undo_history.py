"""An editor that can take things back: edits, undo, redo, and what typing counts as one step."""

from __future__ import annotations

from actors.work.katas.kata import Alternative, Chance, Criterion, Example, Kata, OpenPoint, Told, Variant
from actors.work.sandbox.plain import Plain

SOURCE = '''"""The history of an editor: {"past": older texts, "now": the text, "future": texts that were undone}."""

BACKSPACE = "<"


def edit(history, text, most=MOST):
    """The history after the text was changed; the past holds at most `most` texts."""
    if text == history["now"]:
        return history
    past, future = [*history["past"], history["now"]], history["future"]
    <<branch>>
    if len(past) > most:
        <<full>>
    return {"past": past, "now": text, "future": future}


def undo(history, steps=1):
    """The history after some steps back. Raises ValueError for less than one."""
    past, future = history["past"], history["future"]
    if steps < 1:
        raise ValueError(f"cannot take back {steps} steps")
    if steps > len(past):
        <<too_far>>
    texts = [*past, history["now"]]
    place = len(past) - steps
    return {"past": texts[:place], "now": texts[place], "future": texts[place + 1 :] + future}


def redo(history):
    """The history after a step forward again; the same if nothing was undone."""
    if not history["future"]:
        return history
    following, *future = history["future"]
    return {"past": [*history["past"], history["now"]], "now": following, "future": future}


def typed(keys, text=""):
    """The texts that typing leaves behind, one for each step that can be undone."""
    steps, before = [], text
    for key in keys:
        text = text[:-1] if key == BACKSPACE else text + key
        <<step_ends>>
            steps.append(text)
            before = text
    return steps if text == before else [*steps, text]
'''


def _texts_of(past: str, now: str, future: str) -> Plain:
    """A history whose texts are single letters."""
    return {"past": list(past), "now": now, "future": list(future)}


def _full() -> OpenPoint:
    def full(name: str, answer: str, code: str, result: Plain = None, error: str = "") -> Alternative:
        arguments: tuple[Plain, ...] = (_texts_of("abc", "d", ""), "e", 3)
        example = Example(function="edit", arguments=arguments, result=result, error=error)
        return Alternative(name=name, answer=answer, code={"full": code}, examples=(example,))

    return OpenPoint(
        criterion=1,
        topic="limits",
        question="The past is full and somebody goes on writing. What becomes of it?",
        alternatives=(
            full(
                "oldest_goes",
                "The oldest text is forgotten.",
                "past = past[len(past) - most :]",
                _texts_of("bcd", "e", ""),
            ),
            full(
                "start_stays",
                "The oldest text stays, it is the original; the one after it is forgotten.",
                "past = [past[0], *past[len(past) - most + 1 :]]",
                _texts_of("acd", "e", ""),
            ),
            full(
                "newest_goes",
                "What is there stays there, and the text before this change is not kept.",
                "past = past[:most]",
                _texts_of("abc", "e", ""),
            ),
            full(
                "refuse",
                "No more changes then: ValueError, people have to save first.",
                'raise ValueError(f"the past holds {most} texts already")',
                error="ValueError",
            ),
        ),
    )


def _branch() -> OpenPoint:
    def branched(name: str, answer: str, code: str, past: str, future: str) -> Alternative:
        example = Example(
            function="edit",
            arguments=(_texts_of("a", "b", "cd"), "e", 9),
            result=_texts_of(past, "e", future),
        )
        return Alternative(name=name, answer=answer, code={"branch": code}, examples=(example,))

    return OpenPoint(
        criterion=1,
        topic="workflow",
        question="Somebody undoes a few steps and then writes something new. What becomes of what was undone?",
        alternatives=(
            branched("forgotten", "It is gone.", "future = []", "ab", ""),
            branched("kept", "It stays, redo leads to it from the new text as well.", "future = [*future]", "ab", "cd"),
            branched(
                "past",
                "It goes into the past, the text that was undone first coming last, so that nothing is ever lost.",
                "past, future = past + future, []",
                "abcd",
                "",
            ),
            branched(
                "one", "Only the step that redo would have come to first is kept.", "future = future[:1]", "ab", "c"
            ),
        ),
    )


def _too_far() -> OpenPoint:
    def undone(name: str, answer: str, code: str, result: Plain = None, error: str = "") -> Alternative:
        arguments: tuple[Plain, ...] = (_texts_of("ab", "c", "d"), 3)
        example = Example(function="undo", arguments=arguments, result=result, error=error)
        return Alternative(name=name, answer=answer, code={"too_far": code}, examples=(example,))

    return OpenPoint(
        criterion=2,
        topic="errors",
        question="What if more steps are to be taken back than there are?",
        alternatives=(
            undone(
                "as_far",
                "It goes back as far as it can.",
                "steps = len(past)",
                _texts_of("", "a", "bcd"),
            ),
            undone("nothing", "Nothing happens.", "return history", _texts_of("ab", "c", "d")),
            undone(
                "one",
                "A single step is taken back, if there is one: the number was a slip of the hand.",
                "steps = min(1, len(past))",
                _texts_of("a", "b", "cd"),
            ),
            undone(
                "refuse",
                "It is refused with an IndexError.",
                'raise IndexError(f"there are only {len(past)} steps")',
                error="IndexError",
            ),
        ),
    )


def _step_ends() -> OpenPoint:
    def steps(name: str, answer: str, code: str, result: list[Plain]) -> Alternative:
        example = Example(function="typed", arguments=(list("no, I am"),), result=result)
        return Alternative(name=name, answer=answer, code={"step_ends": code}, examples=(example,))

    return OpenPoint(
        criterion=4,
        topic="data",
        question="How much of what is typed does one undo take back?",
        alternatives=(
            steps("word", "A word: a step ends with a space.", 'if key == " ":', ["no, ", "no, I ", "no, I am"]),
            steps(
                "key",
                "A single key, whether it adds or deletes.",
                "if key:",
                ["n", "no", "no,", "no, ", "no, I", "no, I ", "no, I a", "no, I am"],
            ),
            steps("phrase", "A phrase: a step ends with . , ; ! or ?", 'if key in ".,;!?":', ["no,", "no, I am"]),
            steps(
                "length",
                "Five characters: a step ends when the text is five longer or shorter than at its beginning.",
                "if abs(len(text) - len(before)) == 5:",
                ["no, I", "no, I am"],
            ),
        ),
    )


_TEXTS = ("draft", "a", "ab", "final", "", "title")


def _texts(chance: Chance, most: int) -> list[Plain]:
    return [f"{chance.pick(_TEXTS)}{number}" for number in range(chance.between(0, most))]


def _history(chance: Chance) -> dict[str, Plain]:
    return {"past": _texts(chance, 4), "now": chance.pick(_TEXTS), "future": _texts(chance, 2)}


def _edit(chance: Chance, most: int) -> tuple[Plain, ...]:
    """Either the past is (almost) full, or something was undone and the past has room for it."""
    text, now = chance.pick(_TEXTS), chance.pick(_TEXTS)
    limit = most if chance.below(3) == 0 else chance.between(3, 6)
    future = _texts(chance, 2) if chance.below(2) else []
    size = limit - 1 - len(future) if future else limit - chance.below(2)
    history: Plain = {"past": [f"v{number}" for number in range(size)], "now": now, "future": future}
    return (history, text) if limit == most else (history, text, limit)


def _undo(chance: Chance) -> tuple[Plain, ...]:
    history = _history(chance)
    return (history,) if chance.below(4) == 0 else (history, chance.pick((0, 1, 1, 2, 2, 3, 4)))


def _keys(chance: Chance) -> tuple[Plain, ...]:
    keys = list[Plain]()
    for _ in range(chance.between(1, 4)):
        keys += list(
            chance.pick(("we ", "go. ", "up, ", "hm! ", "on", "ok ", "ab<<", "x<", "no<t ", "longer ", "so? <"))
        )
    return (keys, chance.pick(("", "so ", "it"))) if chance.below(2) else (keys,)


def _criteria(most: int, word: str) -> tuple[Criterion, ...]:
    start: Plain = {"past": [], "now": "", "future": []}
    long_past: list[Plain] = [f"v{number}" for number in range(most - 1)]
    return (
        Criterion(
            text=f"A change is remembered, the past holds {most} texts; to write the same text again is no change",
            function="edit",
            examples=(
                Example(function="edit", arguments=(start, word), result={"past": [""], "now": word, "future": []}),
                Example(
                    function="edit",
                    arguments=({"past": ["a"], "now": word, "future": ["b"]}, word),
                    result={"past": ["a"], "now": word, "future": ["b"]},
                ),
                Example(
                    function="edit",
                    arguments=({"past": long_past, "now": "x", "future": []}, "y"),
                    result={"past": [*long_past, "x"], "now": "y", "future": []},
                ),
            ),
        ),
        Criterion(
            text="Undo takes back one step or several; it refuses to take back none",
            function="undo",
            examples=(
                Example(function="undo", arguments=(_texts_of("ab", "c", "d"),), result=_texts_of("a", "b", "cd")),
                Example(function="undo", arguments=(_texts_of("ab", "c", "d"), 2), result=_texts_of("", "a", "bcd")),
                Example(function="undo", arguments=(_texts_of("ab", "c", ""), 0), error="ValueError"),
            ),
        ),
        Criterion(
            text="Redo goes one step forward again; where nothing was undone it changes nothing",
            function="redo",
            examples=(
                Example(function="redo", arguments=(_texts_of("a", "b", "cd"),), result=_texts_of("ab", "c", "d")),
                Example(function="redo", arguments=(_texts_of("a", "b", ""),), result=_texts_of("a", "b", "")),
            ),
        ),
        Criterion(
            text='Typing becomes steps that can be undone; the key "<" deletes, and what is left at the end is a step',
            function="typed",
            examples=(
                Example(function="typed", arguments=([],), result=[]),
                Example(function="typed", arguments=(["s"], word), result=[f"{word}s"]),
                Example(function="typed", arguments=(["<"], f"{word}s"), result=[word]),
            ),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `undo_history`."""
    one, many = v.theme.one, v.theme.many
    most = v.number_between("most", 4, 30)
    return Kata(
        domain="frontend",
        title=f"Undo and redo while writing about {many}",
        told=Told(
            vague=f"I deleted half of the {one} description by accident and could not get it back. An hour's work!",
            plain=f"In the editor for {many} people can undo what they did, and redo what they have undone.",
            exact=(
                f"The history of the {one} text is its past, oldest first, the text now, and the future that redo goes "
                f"to, nearest first. A change puts the text into the past, which holds at most {most} texts or as many "
                "as asked for; writing the same text again changes nothing. Undo takes back a number of steps, one if "
                "none is named, and moves what it leaves into the future; less than one step is a ValueError. Redo "
                "goes a step forward and changes nothing without a future. Typing takes keys and the text before; "
                'the key "<" deletes the last character. It becomes the list of texts after each step, and a '
                "last step for what was typed since, if that changed the text."
            ),
        ),
        criteria=_criteria(most, one),
        open_points=(_full(), _branch(), _too_far(), _step_ends()),
        source=SOURCE.replace("MOST", str(most)),
        inputs={
            "edit": lambda chance: _edit(chance, most),
            "undo": _undo,
            "redo": lambda chance: (_history(chance),),
            "typed": _keys,
        },
        points=8,
        specialization="frontend",
        tags=("frontend", "editing"),
    )
