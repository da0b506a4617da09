"""From the engines that there are to those that are wanted, one small step after another: no request is dropped.

An engine whose model nobody will serve any more stays until nothing waits for that model. Of each tier one engine at a
time is changed, and the next one only when its successor takes requests: a change that does not work stops there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from inference.pool.crew import Crew, Running
from inference.pool.dispatcher import PoolDispatcher
from inference.pool.errors import UnknownEngineError
from inference.pool.plan import PlannedEngine
from inference.pool.state import Serves


class Steering:
    """What is wanted of the engines of one pool. Owned by the thread that owns the pool."""

    def __init__(self, crew: Crew, host: str) -> None:
        """`host`: where the crew is; engines that are wanted elsewhere come by themselves."""
        self._crew, self._host = crew, host
        self._wanted: dict[str, PlannedEngine] = {}

    @property
    def wanted(self) -> tuple[PlannedEngine, ...]:
        """The engines that there are to be."""
        return tuple(self._wanted.values())

    @property
    def models(self) -> list[str]:
        """What they are to serve."""
        return sorted({model for each in self.wanted for model in each.serves.models or ()})

    # -- wishes --------------------------------------------------------------------------------------------------------

    def want(self, engines: Iterable[PlannedEngine]) -> list[str]:
        """These and no others. Returns the engines of other hosts that are wanted no longer."""
        before, self._wanted = self._wanted, {each.name: each for each in engines}
        return [name for name, each in before.items() if each.host != self._host and name not in self._wanted]

    def want_too(self, planned: PlannedEngine) -> None:
        """One more. Raises ValueError if its name is taken."""
        if planned.name in self._wanted or planned.name in self._crew:
            raise ValueError(f"the pool has an engine {planned.name!r}")
        self._wanted[planned.name] = planned

    def want_instead(self, planned: PlannedEngine) -> None:
        """Another one under the same name. Raises UnknownEngineError."""
        if planned.name not in self._wanted:
            raise UnknownEngineError(planned.name)
        self._wanted[planned.name] = planned

    def want_no_more(self, engine: str) -> PlannedEngine:
        """One less; returns it. Raises UnknownEngineError."""
        if engine not in self._wanted:
            raise UnknownEngineError(engine)
        return self._wanted.pop(engine)

    # -- steps ---------------------------------------------------------------------------------------------------------

    def expected(self) -> dict[str, Serves]:
        """Who belongs to the pool, also while away: those that are wanted, and what is still served until they come."""
        coming = {name: each.serves for name, each in self._wanted.items()}
        for running in self._crew:
            name, now = running.planned.name, running.planned.serves
            if not running.is_leaving and coming.get(name) != now:
                coming[name] = _both(now, coming.get(name))
        return coming

    def leave(self, dispatcher: PoolDispatcher) -> None:
        """Let engines go that may go now."""
        for running in self._crew:
            if not self._may_go(running, dispatcher):
                continue
            running.is_leaving = True  # which the next one is judged by
            if not dispatcher.drain_engine(running.planned.name) and not running.has_ended:
                running.child.process.terminate()  # it has not announced itself: there is nothing to finish

    def come(self) -> list[PlannedEngine]:
        """Engines that are missing here and may start now."""
        missing = [each for each in self.wanted if each.host == self._host and each.name not in self._crew]
        return [each for each in missing if self._crew.has_room_for(each)]

    def _may_go(self, running: Running, dispatcher: PoolDispatcher) -> bool:
        wish = self._wanted.get(running.planned.name)
        if running.is_leaving or wish == running.planned:
            return False
        ready = {each.name for each in dispatcher.core.members.views() if each.status == "ready"}
        left_alone = set(running.planned.serves.models or ()) - set(self.models)
        if left_alone & dispatcher.core.waiting_models and not running.is_hopeless:
            return False
        return wish is None or running.planned.name not in ready or self._is_settled(running.planned, ready)

    def _is_settled(self, changing: PlannedEngine, ready: Collection[str]) -> bool:
        """Whether no other engine of a tier is in the middle of a change."""
        for each in self.wanted:
            if each.tier != changing.tier or each.name == changing.name or each.host != self._host:
                continue
            running = self._crew.get(each.name)
            if running is None or running.is_leaving or (running.planned == each and each.name not in ready):
                return False
        return True


def _both(now: Serves, then: Serves | None) -> Serves:
    if then is None or now.models is None or then.models is None:
        return now
    return now._replace(models=tuple(dict.fromkeys((*now.models, *then.models))))
