"""Asking and answering: what to ask about a story, and whether a question gets an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from actors.policy.arithmetic import between, clamp, pick_weighted, scaled
from actors.policy.calibration import Calibration
from actors.policy.calibration_sections import TopicPriors
from actors.policy.decisions import AnswerChoice, ChooseAnswer, ChooseQuestion, QuestionChoice, TopicExperience
from actors.policy.dice import Dice

TOPICS: tuple[str, ...] = TopicPriors.__slots__
CATEGORIES: Mapping[str, tuple[str, ...]] = {
    "limits": ("edge_case", "assumption_challenge"),
    "errors": ("edge_case", "documentation_gap"),
    "permissions": ("assumption_challenge", "documentation_gap"),
    "format": ("documentation_gap", "modern_alternative"),
    "performance": ("assumption_challenge", "complexity_reduction"),
    "edge_case": ("edge_case", "assumption_challenge"),
    "compatibility": ("modern_alternative", "assumption_challenge"),
    "data": ("assumption_challenge", "documentation_gap"),
    "workflow": ("complexity_reduction", "assumption_challenge"),
    "security": ("fresh_knowledge", "assumption_challenge"),
}
# Words of a criterion that make people think of a topic, those who know the module more than others.
HINTS: Mapping[str, tuple[str, ...]] = {
    "limits": ("at most", "up to", "more than", "largest", "maximum", "limit"),
    "errors": ("refused", "error", "fails", "cannot", "invalid", "reason"),
    "permissions": ("member", "administrator", "owner", "allowed", "see", "guest"),
    "format": ("file", "export", "download", "column", "printed"),
    "performance": ("seconds", "within", "minute", "at once", "thousand"),
    "edge_case": ("empty", "no ", "last", "twice", "same", "exactly", "while"),
    "compatibility": ("browser", "version", "import", "client", "older"),
    "data": ("deleted", "kept", "stored", "moved", "history", "existing"),
    "workflow": ("notif", "told", "mail", "remind", "approv", "assign"),
    "security": ("password", "token", "secret", "sign", "link", "session", "key"),
}
PHRASES: Mapping[str, tuple[str, str]] = {
    "limits": ("where exactly is the limit, and what happens just beyond it?", "is there an upper bound we must hold?"),
    "errors": ("what should people see when this goes wrong?", "does one failure stop the rest?"),
    "permissions": ("who may do this, and who may see the result?", "what do people without the right to it get?"),
    "format": ("what exactly should the result look like?", "which form do the readers of it expect?"),
    "performance": ("how quick must this be with a lot of data?", "may the work be finished later?"),
    "edge_case": ("what about the empty, the last and the repeated case?", "what if the same thing happens twice?"),
    "compatibility": ("which older clients must go on working?", "does this have to fit what is already deployed?"),
    "data": ("what happens to the data that is already there?", "what is kept, and for how long?"),
    "workflow": ("who is told, and what comes next for them?", "is this step needed at all in their day?"),
    "security": ("how could somebody misuse this?", "what here must never be shown or stored?"),
}


def choose_question(observation: ChooseQuestion, calibration: Calibration, dice: Dice) -> QuestionChoice:
    """Ask about one criterion and topic that nobody has asked about yet, or say nothing."""
    story = observation.story
    open_topics = _open_topics(story.criteria, story.answered)
    if not open_topics or not dice.throw().chance(_urge_permille(observation, calibration)):
        return QuestionChoice(ask=False, criterion=0, topic="", category="", text="")
    if dice.throw().chance(calibration.asking.guessing.of(observation.person.seniority)):
        criterion, topic = dice.throw().pick(open_topics)
    else:
        weights = _worth(observation, calibration, open_topics)
        criterion, topic = open_topics[pick_weighted(dice.throw(), weights)]
    wording = dice.throw().pick(PHRASES[topic])
    return QuestionChoice(
        ask=True,
        criterion=criterion,
        topic=topic,
        category=dice.throw().pick(CATEGORIES[topic]),
        text=f"“{story.criteria[criterion - 1]}”: {wording}",
    )


def choose_answer(observation: ChooseAnswer, calibration: Calibration, dice: Dice) -> AnswerChoice:
    """Pause and answer, or wave the question away when there were many and the asker is a stranger."""
    numbers = calibration.answering
    chance = numbers.dismissal.of(observation.person.seniority)
    chance += numbers.dismissal_per_question * max(0, observation.questions_today)
    relief = scaled(numbers.familiarity_relief, clamp(observation.familiarity_permille, 0, 1000))
    chance = scaled(chance, 1000 - relief)
    chance = scaled(chance, clamp(1000 - numbers.relief_per_lesson * max(0, observation.lessons), 0, 1000))
    chance = clamp(chance, 0, numbers.dismissal_maximum)
    if dice.throw().chance(chance):
        return AnswerChoice(dismiss=True, pause_ms=0)
    pause = numbers.pause_low_ms + dice.throw().below(numbers.pause_high_ms - numbers.pause_low_ms + 1)
    return AnswerChoice(dismiss=False, pause_ms=pause)


def _urge_permille(observation: ChooseQuestion, calibration: Calibration) -> int:
    numbers = calibration.asking
    by_seniority = numbers.refinement_chance if observation.phase == "refinement" else numbers.pairing_chance
    ignorance = 1000 - clamp(observation.knowledge_permille, 0, 1000)
    urge = scaled(
        by_seniority.of(observation.person.seniority), 1000 + scaled(numbers.ignorance_weight, ignorance - 500)
    )
    for _ in range(observation.asked_before):
        urge = scaled(urge, numbers.again_factor)
    return clamp(urge, 0, 1000)


def _open_topics(criteria: Sequence[str], answered: Sequence[str]) -> list[tuple[int, str]]:
    known = frozenset(answered)
    numbers = range(1, len(criteria) + 1)
    return [(number, topic) for number in numbers for topic in TOPICS if f"{number}:{topic}" not in known]


def _worth(observation: ChooseQuestion, calibration: Calibration, choices: Sequence[tuple[int, str]]) -> list[int]:
    """How promising each choice looks: a general prior, what was learned in the module, the criterion's words."""
    seen = {part.topic: part for part in observation.experience}
    promise = {topic: _promise(topic, seen.get(topic), calibration) for topic in TOPICS}
    known = clamp(observation.knowledge_permille, 0, 1000)
    hint = between(calibration.asking.hint_weight // 2, calibration.asking.hint_weight, known)
    texts = [criterion.lower() for criterion in observation.story.criteria]
    weights = []
    for number, topic in choices:
        hinted = any(word in texts[number - 1] for word in HINTS[topic])
        weights.append(max(1, promise[topic] + (scaled(promise[topic], hint) if hinted else 0)))
    return weights


def _promise(topic: str, seen: TopicExperience | None, calibration: Calibration) -> int:
    prior: int = getattr(calibration.topic_priors, topic)
    if seen is None:
        return prior
    counts_as = calibration.asking.experience_weight
    return (prior * counts_as + 1000 * seen.changed) // (counts_as + max(0, seen.asked))
