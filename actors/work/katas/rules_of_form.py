"""What a kata must look like: counts, names, texts, and that its parts fit together. Nothing is run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from actors.scrum.stories import TOPICS
from actors.work.katas.anatomy import Anatomy
from actors.work.katas.bank import FAMILIES
from actors.work.katas.exercise import Exercise
from actors.work.katas.kata import DOMAINS, LEAST_ALTERNATIVES, OpenPoint
from actors.work.katas.oracle import placeholders

SPECIALIZATIONS = (
    "backend",
    "database",
    "frontend",
    "security",
    "ui_ux",
    "networking",
    "devops",
    "api_design",
    "test_automation",
)
TELLING = 25  # characters from which an answer gives itself away by its words
CRITERIA_OF_POINTS = {1: 2, 2: 2, 3: 3, 5: 4, 8: 4}


def place(anatomy: Anatomy) -> Iterator[str]:
    """The family is a module of its domain's folder, with known tags and a known specialization."""
    kata, family = anatomy.exercise.kata, anatomy.exercise.family
    if kata.domain not in DOMAINS:
        yield f"there is no domain {kata.domain}"
    if (found := FAMILIES[family].__module__) != (due := f"actors.work.katas.{kata.domain}.{family}"):
        yield f"its module is {found}, not {due}"
    if kata.specialization not in SPECIALIZATIONS:
        yield f"there is no specialization {kata.specialization}"
    if kata.domain not in kata.tags or not 2 <= len(kata.tags) <= 3:
        yield f"tags are the domain and one or two more, got {', '.join(kata.tags)}"


def counts(anatomy: Anatomy) -> Iterator[str]:
    """Points fit the number of criteria; there are open points enough, at different criteria and topics."""
    kata = anatomy.exercise.kata
    if CRITERIA_OF_POINTS.get(kata.points) != len(kata.criteria):
        yield f"{kata.points} points do not go with {len(kata.criteria)} criteria"
    if not 2 <= len(kata.open_points) <= 4:
        yield f"2 to 4 open points, got {len(kata.open_points)}"
    if len({point.criterion for point in kata.open_points}) < 2:
        yield "all open points are in one criterion"
    keys = [(point.criterion, point.topic) for point in kata.open_points]
    for criterion, topic in sorted({key for key in keys if keys.count(key) > 1}):
        yield f"criterion {criterion} leaves {topic} open twice"
    for criterion, topic in keys:
        if topic not in TOPICS:
            yield f"there is no topic {topic}"
        if not 1 <= criterion <= len(kata.criteria):
            yield f"there is no criterion {criterion}"


def alternatives(anatomy: Anatomy) -> Iterator[str]:
    """Every open point has alternatives enough, which differ and replace the same placeholders."""
    exercise = anatomy.exercise
    for point in exercise.kata.open_points:
        if len(point.alternatives) < LEAST_ALTERNATIVES:
            yield f"{_name(point)}: {LEAST_ALTERNATIVES} alternatives, got {len(point.alternatives)}"
        for what, values in (
            ("name", [one.name for one in point.alternatives]),
            ("answer", [one.answer for one in point.alternatives]),
            ("code", [repr(sorted(one.code.items())) for one in point.alternatives]),
        ):
            if len(set(values)) < len(values) or not all(values):
                yield f"{_name(point)}: two alternatives have the same {what}, or one has none"
        if len({tuple(sorted(one.code)) for one in point.alternatives}) > 1:
            yield f"{_name(point)}: its alternatives replace different placeholders"
    given = [key for point in exercise.kata.open_points for key in point.alternatives[0].code] + list(
        exercise.kata.needs
    )
    needed = placeholders(exercise.kata.source)
    if sorted(given) != sorted(needed):
        yield f"the source has the placeholders {', '.join(needed)}; there is code for {', '.join(given)}"


def examples(anatomy: Anatomy) -> Iterator[str]:
    """Examples are few and call the function of their criterion."""
    kata = anatomy.exercise.kata
    names = [criterion.function for criterion in kata.criteria]
    if len(set(names)) < len(names):
        yield "two criteria share a function"
    for number, criterion in enumerate(kata.criteria, start=1):
        if not 1 <= len(criterion.examples) <= 4:
            yield f"criterion {number}: 1 to 4 examples, got {len(criterion.examples)}"
        if any(one.function != criterion.function for one in criterion.examples):
            yield f"criterion {number}: an example calls something else than {criterion.function}"
    for point in kata.open_points:
        function = kata.criteria[point.criterion - 1].function
        for one in point.alternatives:
            if not 1 <= len(one.examples) <= 3:
                yield f"{_name(point)}: {one.name} has {len(one.examples)} examples, 1 to 3 are due"
            if any(example.function != function for example in one.examples):
                yield f"{_name(point)}: an example of {one.name} calls something else than {function}"
    if sorted(kata.inputs) != sorted(names):
        yield f"inputs are generated for {', '.join(kata.inputs)}, not for {', '.join(names)}"


def needs(anatomy: Anatomy) -> Iterator[str]:
    """What is needed exists, is of the same domain, and needs nothing itself: no circles."""
    kata = anatomy.exercise.kata
    for family in kata.needs:
        if family not in FAMILIES:
            yield f"it needs {family}, which does not exist"
            continue
        needed = Exercise(family, anatomy.exercise.number).kata
        if needed.domain != kata.domain:
            yield f"it needs {family}, which is of the domain {needed.domain}"
        if needed.needs:
            yield f"it needs {family}, which needs {', '.join(needed.needs)} itself"
        if f"from <<{family}>> import " not in kata.source:
            yield f"it needs {family} and imports nothing from it"


def texts(anatomy: Anatomy) -> Iterator[str]:
    """There is a description in three degrees, and it gives away no answer."""
    kata = anatomy.exercise.kata
    told = (kata.told.vague, kata.told.plain, kata.told.exact)
    if not all(told) or not kata.title or len(set(told)) < len(told):
        yield "the title or a description is empty, or two are the same"
    text = "\n".join(visible(anatomy.exercise)).lower()
    for point in kata.open_points:
        if not point.question.rstrip().endswith("?"):
            yield f"{_name(point)}: the question is none"
        long = [one.answer.lower().rstrip(".") for one in point.alternatives if len(one.answer) >= TELLING]
        if any(answer in text for answer in long):
            yield f"{_name(point)}: the visible text gives an answer away"


def sameness(anatomy: Anatomy) -> Iterator[str]:
    """Visible text and starter tests are the same bytes whatever is wanted."""
    exercise = anatomy.exercise
    seen = "\n".join([*visible(exercise), exercise.starter_tests()])
    for choices in anatomy.single:
        other = wanting(exercise, choices)
        if "\n".join([*visible(other), other.starter_tests()]).encode() != seen.encode():
            yield f"what is visible depends on what is wanted ({choices})"


def wanting(exercise: Exercise, choices: Sequence[int]) -> Exercise:
    """The same exercise made anew, with another wish of the product owner."""
    other = Exercise(exercise.family, exercise.number)
    other.__dict__["wanted"] = tuple(choices)  # where a cached property keeps its value
    return other


def visible(exercise: Exercise) -> list[str]:
    """All that a team can read before it asks."""
    kata = exercise.kata
    return [
        exercise.module,
        exercise.path,
        exercise.test_path,
        kata.title,
        kata.told.vague,
        kata.told.plain,
        kata.told.exact,
        *(criterion.text for criterion in kata.criteria),
    ]


def _name(point: OpenPoint) -> str:
    return f"{point.topic} of criterion {point.criterion}"
