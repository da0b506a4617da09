"""One judgement by a model: at most one repair, then the cautious choice; what it remembers, what it counts."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import pytest

from actors.policy.calibration import shipped_calibration
from actors.policy.decisions import PointsChoice
from actors.policy.estimating import POINTS
from actors.policy.mind import Mechanisms, Mind
from actors.policy.prompting.prompts import load_prompts
from actors.roles.judging import Judgement, NoJudgement, Question
from actors.roles.model_judge import ModelJudge, ModelUse
from actors.roles.person_state import PersonState
from actors.roles.purse import Purse
from actors.roles.wearing import NO_ADAPTERS, Version, Wardrobe
from actors.scrum.calendar import DAY_US, SprintCalendar
from actors.scrum.messages import ModelAsked, TokensSpent
from brokers.node.errors import EffectFailedError
from inference.ledger.budgets import Budget, Spent
from inference.messages import Failed
from inference.text import GenerateText, TextGenerated
from tests.actors.policy.people import estimate, person

GOOD = json.dumps({"points": 5})
PROMPTS = load_prompts()


@dataclass
class World:
    """The part of a context that a judge uses; replies come from a list."""

    replies: deque[Any]
    now_us: int = 0
    asked: list[tuple[GenerateText, int]] = field(default_factory=list)
    published: list[Any] = field(default_factory=list)

    @property
    def effects_issued(self) -> int:
        return 40 + len(self.asked)  # it issued others before

    async def effect(self, request: GenerateText, *, duration_us: int) -> Any:
        self.asked.append((request, duration_us))
        reply = self.replies.popleft()
        if isinstance(reply, Exception):
            raise reply
        return reply

    def publish(self, event: Any) -> None:
        self.published.append(event)


def written(text: str, **changes: Any) -> TextGenerated:
    fields: dict[str, Any] = {
        "text": text,
        "finish": "stop",
        "model": "tiny",
        "adapter": "",
        "adapter_version": 0,
        "cached_tokens": None,
        "prompt_tokens": 100,
        "completion_tokens": 7,
    }
    return TextGenerated(**(fields | changes))


def state() -> PersonState:
    who = person("mid")
    mind = Mind(who, modules={}, partners=[], calibration=shipped_calibration(), mechanisms=Mechanisms())
    return PersonState(person=who, mind=mind)


def judged(
    *replies: Any,
    of: PersonState | None = None,
    memory_chars: int = 8000,
    purse: Purse | None = None,
    wardrobe: Wardrobe = NO_ADAPTERS,
    now_us: int = 0,
) -> tuple[Judgement | NoJudgement, World]:
    """Run one judgement to its end; nothing in it waits for anything but effects."""
    world = World(deque(replies), now_us)
    use = ModelUse(model="tiny", max_tokens=64, temperature_permille=700, memory_chars=memory_chars, wardrobe=wardrobe)
    question = Question(
        context=world,  # type: ignore[arg-type]
        agent="ada",
        keeper=of or state(),
        team="team-1",
        key=("estimate", "S-1", 0),
        observation=estimate("mid"),
        duration_us=3_000_000,
        purse=purse or Purse(),
    )
    talk = ModelJudge(PROMPTS, use).judge(question)
    with pytest.raises(StopIteration) as ended:
        talk.send(None)
    assert not world.replies, "every reply was asked for"
    return ended.value.value, world


def told(world: World) -> ModelAsked:
    (event,) = [each for each in world.published if isinstance(each, ModelAsked)]
    return event


def test_a_good_answer_settles_the_matter() -> None:
    found, world = judged(written(GOOD, cached_tokens=60))

    assert found == Judgement(
        answer=PointsChoice(points=5), duration_us=3_000_000, prompt_tokens=100, completion_tokens=7
    )
    ((request, duration_us),) = world.asked
    assert (request.model, request.max_tokens, request.temperature_permille) == ("tiny", 64, 700)
    assert duration_us == 3_000_000
    assert set(json.loads(request.schema)["properties"]["points"]["enum"]) == set(POINTS)
    assert (told(world).outcome, told(world).attempts) == ("settled", 1)


@pytest.mark.parametrize("wrong", [written("five"), written("{}"), written('{"po', finish="length")])
def test_a_wrong_answer_is_repaired_once_at_the_cost_of_both(wrong: TextGenerated) -> None:
    found, world = judged(wrong, written(GOOD))

    assert isinstance(found, Judgement)
    assert (found.duration_us, found.prompt_tokens, found.completion_tokens) == (6_000_000, 200, 14)
    assert [message.role for message in world.asked[1][0].messages][-2:] == ["assistant", "user"]
    assert told(world).outcome == "repaired"


def test_a_second_wrong_answer_is_a_typed_failure_whose_tokens_are_told() -> None:
    found, world = judged(written("five"), written("six"))

    assert isinstance(found, NoJudgement)
    assert found.reason.startswith("malformed answer: ")
    assert (told(world).outcome, told(world).attempts, told(world).prompt_tokens) == ("malformed", 2, 200)


def test_an_answer_that_the_engine_did_not_keep_is_repaired_without_being_quoted() -> None:
    refused = Failed(reason="schema_not_honoured", detail="points: 4 is not one of these")
    found, world = judged(refused, written(GOOD))
    first, second = (request.messages for request, _ in world.asked)

    assert isinstance(found, Judgement)
    assert found.prompt_tokens == 100
    assert [message.role for message in second] == [message.role for message in first]
    assert second[-1].content.startswith(first[-1].content)
    assert "points: 4 is not one of these" in second[-1].content
    assert (told(world).outcome, told(world).unmetered) == ("repaired", 1)


def test_two_answers_that_were_not_kept_are_a_failure_without_tokens() -> None:
    refused = Failed(reason="schema_not_honoured", detail="no JSON")
    found, world = judged(refused, refused)

    assert found == NoJudgement("malformed answer: no JSON")
    assert (told(world).outcome, told(world).unmetered, told(world).prompt_tokens) == ("malformed", 2, 0)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Failed(reason="prompt_too_long", detail="9000 tokens"), "prompt_too_long: 9000 tokens"),
        (Failed(reason="unknown_model", detail="tiny"), "unknown_model: tiny"),
        (EffectFailedError("lost"), "lost"),
        (PointsChoice(points=5), f"an answer of another kind: {PointsChoice.KIND}"),
    ],
)
def test_what_no_repair_would_help_is_not_asked_again(reply: Any, reason: str) -> None:
    found, world = judged(reply)

    assert found == NoJudgement(reason)
    assert told(world).outcome == "refused"


def test_a_person_remembers_what_was_settled_and_nothing_else() -> None:
    somebody = state()
    judged(written("five"), written("six"), of=somebody)
    assert somebody.memory is None

    judged(written(GOOD), of=somebody)
    _, world = judged(written(GOOD), of=somebody)
    assert somebody.memory is not None
    assert len(somebody.memory.turns) == 2
    assert [message.role for message in world.asked[0][0].messages] == ["system", "user", "assistant", "user"]


def test_a_memory_without_room_stays_empty() -> None:
    somebody = state()
    judged(written(GOOD), of=somebody, memory_chars=0)
    _, world = judged(written(GOOD), of=somebody, memory_chars=0)

    assert [message.role for message in world.asked[0][0].messages] == ["system", "user"]


def test_what_was_paid_says_which_effects_have_the_answers() -> None:
    _, world = judged(Failed(reason="schema_not_honoured", detail="no"), written(GOOD))
    _, unanswered = judged(written("five"), EffectFailedError("lost"))

    (spent,) = [each for each in world.published if isinstance(each, TokensSpent)]
    (half,) = [each for each in unanswered.published if isinstance(each, TokensSpent)]
    assert (spent.answers, spent.effects, spent.unmetered) == (2, (40, 41), 1)
    assert (half.answers, half.effects) == (1, (40,))


@pytest.mark.parametrize("cached", [None, 0, 60])
def test_what_a_prefix_cache_had_of_a_prompt_shows_nowhere_in_a_run(cached: int | None) -> None:
    found, world = judged(written(GOOD, cached_tokens=None))
    again, other_world = judged(written(GOOD, cached_tokens=cached))

    assert (again, other_world.published) == (found, world.published)


# -- budgets -----------------------------------------------------------------------------------------------------------


def test_what_an_answer_took_is_published_with_its_story_and_paid_from_the_purse() -> None:
    purse = Purse(budget=Budget(tokens=500))
    _, world = judged(written(GOOD, cached_tokens=60, adapter="lead", adapter_version=2), purse=purse)

    (spent,) = [each for each in world.published if isinstance(each, TokensSpent)]
    assert (spent.story_id, spent.model, spent.adapter, spent.adapter_version) == ("S-7", "tiny", "lead", 2)
    assert (spent.answers, spent.prompt_tokens, spent.completion_tokens) == (1, 100, 7)
    assert purse.spent.tokens == 107
    assert purse.allows()


def test_with_an_empty_purse_nobody_is_asked_and_nothing_is_published() -> None:
    found, world = judged(purse=Purse(budget=Budget(tokens=107), spent=Spent(tokens=107)))

    assert found == NoJudgement("budget_exhausted")
    assert (world.asked, world.published) == ([], [])


def test_a_repair_is_not_asked_for_with_what_is_not_there() -> None:
    found, world = judged(written("this is no JSON"), purse=Purse(budget=Budget(tokens=107)))

    assert found == NoJudgement("budget_exhausted")
    assert told(world).attempts == 1
    assert len(world.asked) == 1


def test_a_shared_budget_that_is_spent_stops_a_full_purse() -> None:
    found, world = judged(purse=Purse(is_stopped=True))

    assert found == NoJudgement("budget_exhausted")
    assert not world.asked


COACHED = Wardrobe(SprintCalendar(days_per_sprint=1), ((2, Version("coach", 1)), (3, Version("coach", 2))))


@pytest.mark.parametrize(
    ("now_us", "version"), [(0, ("", 0)), (DAY_US - 1, ("", 0)), (DAY_US, ("coach", 1)), (9 * DAY_US, ("coach", 2))]
)
def test_which_version_is_named_follows_from_the_sprint(now_us: int, version: tuple[str, int]) -> None:
    _, world = judged(written(GOOD), wardrobe=COACHED, now_us=now_us)

    ((request, _),) = world.asked
    assert (request.adapter, request.adapter_version) == version


def test_a_decision_keeps_its_version_through_its_repair_and_tells_what_answered() -> None:
    worn = {"adapter": "coach", "adapter_version": 1}
    _, world = judged(written("five", **worn), written(GOOD, **worn), wardrobe=COACHED, now_us=DAY_US)

    assert [(request.adapter, request.adapter_version) for request, _ in world.asked] == [("coach", 1)] * 2
    (spent,) = [each for each in world.published if isinstance(each, TokensSpent)]
    assert [(each.adapter, each.adapter_version) for each in (spent, told(world))] == [("coach", 1)] * 2


def test_an_answer_without_tokens_is_booked_under_the_version_that_was_asked() -> None:
    lost = Failed(reason="schema_not_honoured", detail="no JSON")
    _, world = judged(lost, lost, wardrobe=COACHED, now_us=2 * DAY_US)

    (spent,) = [each for each in world.published if isinstance(each, TokensSpent)]
    assert (spent.adapter, spent.adapter_version, spent.unmetered) == ("coach", 2, 2)
