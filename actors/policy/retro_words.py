"""The sentences of a retrospective: what is said about each topic, in words that follow from what happened.

A phrase has a form for once, one for several times and may have one for many. `{n}` is how often it happened, `{time}`
what it took, `{where}` the story, module or colleague that it had most to do with. A remedy is proposed the first
time, the next one when the lesson was taken before and did not suffice; some topics have other remedies for what
happened several times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from actors.policy.decisions import Experience

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_IN_HOURS = 120  # minutes from which a time is said in hours
_PAIR = 2
_MANY = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """What is said about one topic."""

    once: str
    several: str
    many: str = ""  # empty: as for several
    free: str = ""  # where it cost nothing; empty: as for once
    remedies: tuple[str, ...] = (
        "",
        "",
    )  # at first, when that did not suffice; and both for what happened several times
    wonder: str = ""


_KEEP: Mapping[str, Phrases] = {
    "pairing": Phrases(
        once="The session with {where} went well: {time} of work that neither of us would have done as well alone.",
        several="{N} sessions in a pair, most of the time with {where}; I know better now how others work.",
        many="{N} sessions in a pair, {time} in all, most with {where}; the changing partners do us good.",
    ),
    "finished_tasks": Phrases(
        once="I saw a task in {where} through to its end; tasks of that size suit us.",
        several="{N} tasks done, most of them in {where}; one after the other, none left lying.",
        many="{N} tasks done, most of them in {where}; a good rhythm, let us not break it.",
    ),
    "questions_answered": Phrases(
        once="I asked about {where} before I built it, and got an answer.",
        several="{N} of my questions were answered, most about {where}; asking first beats guessing.",
        many="{N} of my questions were answered, most about {where}; thank you for the patience.",
    ),
    "learned_from_a_junior": Phrases(
        once="Something that I had taken for granted was questioned by {where}, and rightly so.",
        several="{N} times a junior made me think again, {where} most of all; please go on asking.",
    ),
    "stories_approved": Phrases(
        once="A story from {where} was ready when it came to me: nothing to send back.",
        several="{N} stories passed my checks, most of them from {where}; handed over like that, testing is quick.",
    ),
}
_TROUBLE: Mapping[str, Phrases] = {
    "overrun_tasks": Phrases(
        once="One of my tasks took {time} longer than planned, in {where}",
        several="{N} of my tasks took {time} longer than planned, most of it in {where}",
        remedies=(
            "let us split such work before we start",
            "let us say so in the stand-up on the first day that it slips",
            "let us plan with what such tasks really take",
            "let us take less into a sprint until the plans hold",
        ),
        wonder="what did we not see in planning that we knew a day later?",
    ),
    "review_remarks": Phrases(
        once="A remark at a checkpoint of {where} cost me {time}",
        several="{N} remarks at checkpoints cost me {time}, most of it in {where}",
        free="We talked about a remark at a checkpoint of {where} and changed nothing",
        remedies=(
            "let us talk the approach through before typing",
            "let us look at such a place together earlier",
            "let us agree on names and tests before we begin",
            "let us keep a list of what we were told twice",
        ),
        wonder="could we have agreed on that before the first line?",
    ),
    "dismissed_questions": Phrases(
        once="A question of mine was waved away by {where}",
        several="{N} of my questions were waved away, most of them by {where}",
        remedies=("let us take a breath before we answer", "let us set an hour aside in which anything may be asked"),
        wonder="when is a good moment to ask?",
    ),
    "stories_sent_back": Phrases(
        once="A story from {where} had to go back from my checks",
        several="{N} stories had to go back from my checks, most of them from {where}",
        remedies=("let us run every criterion once before handing over", "let us test together with the pair first"),
        wonder="which of our checks comes too late?",
    ),
    "escalations": Phrases(
        once="The two of us could not agree on {where} and had to go to the lead",
        several="{N} times we could not agree, most often on {where}, and had to go to the lead",
        remedies=("let us try both ways for half an hour first", "let us look into the decision records first"),
        wonder="do we disagree about the code or about what is wanted?",
    ),
    "dependency_breaks": Phrases(
        once="A broken dependency cost me {time}",
        several="Broken dependencies cost me {time}, {n} times over",
        remedies=("let us pin versions and update on purpose", "let us update every Monday, with the checks running"),
        wonder="which of our dependencies do we still need?",
    ),
    "production_incident": Phrases(
        once="An incident in production cost me {time}",
        several="{N} incidents in production cost me {time}",
        remedies=("let us write the steps of the repair down", "let us rehearse the repair before we need it"),
        wonder="who could have noticed it before our users did?",
    ),
    "flaky_test": Phrases(
        once="A test that fails now and then cost me {time}",
        several="Tests that fail now and then cost me {time}, {n} times over",
        remedies=("let us mend such a test before anything new", "let us take it out of the suite until it is mended"),
        wonder="do these tests wait for time where they should wait for an event?",
    ),
    "scope_creep": Phrases(
        once="A wish that came up in the middle of the sprint cost me {time}",
        several="{N} wishes that came up in the middle of the sprint cost me {time}",
        free="A wish came up in the middle of the sprint and became a card of its own",
        remedies=("let us put new wishes into the backlog", "let us swap a wish in only against one that goes out"),
        wonder="what would we have had to ask in refinement to hear of it?",
    ),
    "junior_misunderstanding": Phrases(
        once="A misunderstanding cost me {time} of work done twice",
        several="{N} misunderstandings cost me {time} of work done twice",
        remedies=("let us say a story back in our own words", "let us draw an example before the work starts"),
        wonder="at which moment did we think of two different things?",
    ),
    "architectural_debt_surfaces": Phrases(
        once="An old shortcut in the design caught up with me and cost {time}",
        several="{N} old shortcuts in the design caught up with me and cost {time}",
        remedies=("let us pay back such a debt when we touch it", "let us keep a part of each sprint for it"),
        wonder="which shortcut will be the next one?",
    ),
    "merge_conflict": Phrases(
        once="A merge conflict cost me {time}",
        several="{N} merge conflicts cost me {time}",
        remedies=("let us merge every day", "let us say in the stand-up who changes which module"),
        wonder="why do two pairs need the same lines at once?",
    ),
}


def keep_text(experience: Experience) -> str:
    """What went well."""
    return _filled(_KEEP[experience.topic], experience)


def drop_text(experience: Experience, *, again: bool) -> str:
    """What was in the way, and what to do about it; `again`: the first remedy was tried."""
    phrases = _phrases(experience.topic)
    place = (again + 2 * (experience.count > 1)) % len(phrases.remedies)
    return f"{_filled(phrases, experience)}; {phrases.remedies[place]}."


def puzzle_text(experience: Experience) -> str:
    """What was in the way, and what nobody knows about it."""
    phrases = _phrases(experience.topic)
    return f"{_filled(phrases, experience)}: {phrases.wonder}"


def _phrases(topic: str) -> Phrases:
    """The phrases of a topic; a topic that has none is called by its name."""
    name = topic.replace("_", " ")
    plain = Phrases(
        once=f"There was this: {name}; it cost me {{time}}",
        several=f"There was this, {{n}} times: {name}; it cost me {{time}}",
        remedies=("let us look at it together", "let us look at it together, with everybody whom it concerns"),
        wonder="where does it come from?",
    )
    return _TROUBLE.get(topic, plain)


def _filled(phrases: Phrases, experience: Experience) -> str:
    number = _NUMBERS[experience.count] if experience.count < len(_NUMBERS) else str(experience.count)
    text = phrases.once
    if experience.count > 1:
        text = phrases.many if phrases.many and experience.count >= _MANY else phrases.several
        if experience.count == _PAIR:  # of two things there is no "most"
            text = text.replace("most of them", "one of them").replace("most about", "one about")
    elif experience.minutes <= 0 and phrases.free:
        text = phrases.free
    return text.format(
        n=number, N=number.capitalize(), time=_time(experience.minutes), where=experience.where or "several places"
    )


def _time(minutes: int) -> str:
    if minutes >= _IN_HOURS:
        return f"about {(minutes + 30) // 60} hours"
    return "a minute" if minutes == 1 else "next to no time" if minutes <= 0 else f"{minutes} minutes"
