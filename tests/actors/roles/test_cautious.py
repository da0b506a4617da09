"""A decision that fails is seen in the log, and the cautious choice is taken; nothing is invented."""

from __future__ import annotations

from typing import Any

from actors.policy.decisions import Decide, Decided, PointsChoice
from actors.roles.cautious import cautious_choice
from actors.scrum.messages import DecisionFailed, DecisionTaken, QuestionAsked, RunEnded, StoryEstimated
from brokers.node.messages import EffectFailed
from tests.actors.simulation.scenes import config_with, world_of

CALM = "disturbances.enabled=false"


class FailingEngine:
    """Fails, or answers everything with an estimate, which is the wrong class for most questions."""

    def __init__(self, reply: Any) -> None:
        self._reply = reply

    def answer(self, request: Decide, seed: int) -> Any:
        return self._reply


def test_a_team_whose_decisions_all_fail_still_reaches_the_end_of_the_sprint() -> None:
    world = world_of(config_with(CALM), sprints=1)
    world.engine = FailingEngine(EffectFailed(reason="no JSON"))
    world.run_until_quiet()

    assert world.events(RunEnded)[0].reason == "completed"
    assert world.events(DecisionTaken) == []
    failed = world.events(DecisionFailed)
    assert {event.reason for event in failed} == {"no JSON"}
    assert {"product_owners_size", "two_equal_tasks", "ask_nothing", "say_nothing"} <= {
        event.cautious_choice for event in failed
    }
    assert world.events(QuestionAsked) == []
    assert all(event.rounds == 1 for event in world.events(StoryEstimated))


def test_an_answer_of_the_wrong_class_is_no_answer() -> None:
    world = world_of(config_with(CALM), sprints=1)
    estimate = Decided(answer=PointsChoice(points=3), engine="broken", prompt_tokens=None, completion_tokens=None)
    world.engine = FailingEngine(estimate)
    world.run_until_quiet()

    assert {event.decision for event in world.events(DecisionTaken)} == {"decision.estimate_points/1"}
    assert all("another kind" in event.reason for event in world.events(DecisionFailed))


def test_every_observation_has_a_cautious_choice_of_its_own_answer_class() -> None:
    world = world_of(config_with(), sprints=2)
    world.run_until_quiet()

    seen = {type(request.observation): request.observation for request in world.effects}
    assert len(seen) >= 12
    for kind, observation in seen.items():
        assert isinstance(cautious_choice(observation)[1], kind.ANSWER)
