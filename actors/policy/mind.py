"""What one person is and has learned: skill, knowledge of modules, familiarity with colleagues, lessons.

A mind belongs to one agent and survives its restarts. Learning is stored as practised time, so the result does not
depend on how the time was cut into pieces: what is known approaches a ceiling exponentially with time practised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from actors.policy.arithmetic import clamp, exp_millionths
from actors.policy.calibration import Calibration
from actors.policy.decisions import Person, TopicExperience
from actors.policy.pacing import STANDARD_PERMILLE, PaceExperience
from actors.work.effort import Fit, Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class Mechanisms:
    """Which ways of getting better are at work; a mechanism that is off neither grows nor has an effect."""

    familiarity: bool = True
    knowledge: bool = True
    estimation_learning: bool = True
    asking: bool = True  # questions about what stories leave open


@dataclass(slots=True)
class _Practice:
    """Time spent with one module or one colleague, in thousandths of a minute."""

    start_permille: int
    milliminutes: int = 0
    idle: bool = True  # nothing was practised since the last sprint ended


class Mind:
    """One person's skills, knowledge and memories. All state is integers and text; all orders are fixed."""

    def __init__(
        self,
        person: Person,
        *,
        modules: Mapping[str, Sequence[str]],
        partners: Sequence[str],
        calibration: Calibration,
        mechanisms: Mechanisms | None = None,
    ) -> None:
        """Begin with what such a person brings along.

        Args:
            person: Who it is.
            modules: Modules of the product, each with the specializations that its stories want.
            partners: Agent ids of the colleagues.
            calibration: How fast things are learned.
            mechanisms: Which of them are at work; by default all.
        """
        self.person = person
        self.mechanisms = mechanisms or Mechanisms()
        self._calibration = calibration
        self._modules = {name: _Practice(self._initial(wanted)) for name, wanted in sorted(modules.items())}
        start = calibration.familiarity.start
        self._partners = {name: _Practice(start) for name in sorted(partners) if name != person.agent}
        self._topics: dict[tuple[str, str], TopicExperience] = {}
        self._lessons: dict[str, int] = {}
        self._estimates_seen = 0
        self._pace = PaceExperience()

    @property
    def skill_permille(self) -> int:
        """Productivity by seniority; 1000 is that of a mid-level person."""
        return self._calibration.skill.productivity.of(self.person.seniority)

    @property
    def estimates_seen(self) -> int:
        """Stories this person has estimated and seen finished; a constant while estimation learning is off."""
        if not self.mechanisms.estimation_learning:
            return self._calibration.estimating.neutral_seen
        return self._estimates_seen

    @property
    def planned_pace_permille(self) -> int:
        """What one minute of sizing is planned as, in thousandths; sizing itself while estimation learning is off.

        It follows what finished tasks took, as far as the person dares to say so; a lesson about overruns helps.
        """
        if not self.mechanisms.estimation_learning:
            return STANDARD_PERMILLE
        return self._pace.planned_permille(self._calibration.planning, lessons=self.lesson_strength("overrun_tasks"))

    @property
    def mean_familiarity_permille(self) -> int:
        """Familiarity with all colleagues on average; 0 for somebody who has none."""
        if not self._partners:
            return 0
        return sum(self.familiarity_permille(name) for name in self._partners) // len(self._partners)

    @property
    def lessons(self) -> tuple[str, ...]:
        """Topics learned in retrospectives that are still alive, in alphabetical order."""
        return tuple(sorted(self._lessons))

    def fit_for(self, specialization: str) -> Fit:
        """How well the person's training fits work that wants this specialization."""
        if specialization in ("", self.person.specialization):
            return "primary"
        return "auxiliary" if specialization in self.person.auxiliaries else "none"

    def knowledge_permille(self, module: str) -> int:
        """How well the module is known, 0 to 1000; of a module never heard of: what any newcomer knows."""
        numbers = self._calibration.knowledge
        if not self.mechanisms.knowledge:
            return numbers.neutral
        practice = self._modules.get(module) or _Practice(self._initial(()))
        return _reached(practice, ceiling=numbers.ceiling, learning_minutes=numbers.learning_minutes)

    def knowledge(self) -> tuple[tuple[str, int], ...]:
        """Every module with its knowledge, sorted by name."""
        return tuple((name, self.knowledge_permille(name)) for name in sorted(self._modules))

    def familiarity_permille(self, partner: str) -> int:
        """How used this person is to working with a colleague, 0 to 1000."""
        numbers = self._calibration.familiarity
        if not self.mechanisms.familiarity:
            return numbers.neutral
        practice = self._partners.get(partner) or _Practice(numbers.start)
        return _reached(practice, ceiling=numbers.ceiling, learning_minutes=numbers.learning_minutes)

    def at_work(self, module: str, specialization: str) -> Worker:
        """This person as the model of work sees them: skill, knowledge of the module, fit."""
        return Worker(
            seniority=self.person.seniority,
            knowledge_permille=self.knowledge_permille(module),
            fit=self.fit_for(specialization),
        )

    def worked(self, module: str, minutes: int, *, navigating: bool = False) -> None:
        """Working minutes were spent in a module; a navigator learns a little less than a driver."""
        if not self.mechanisms.knowledge:
            return
        share = self._calibration.knowledge.navigator_learning if navigating else 1000
        practice = self._modules.setdefault(module, _Practice(self._initial(())))
        practice.milliminutes += max(0, minutes) * share
        practice.idle = practice.idle and minutes <= 0

    def paired(self, partner: str, minutes: int) -> None:
        """Working minutes were spent in a pair with a colleague."""
        if not self.mechanisms.familiarity:
            return
        practice = self._partners.setdefault(partner, _Practice(self._calibration.familiarity.start))
        practice.milliminutes += max(0, minutes) * 1000
        practice.idle = practice.idle and minutes <= 0

    def end_sprint(self) -> None:
        """What was not used during the sprint fades a little. To be called once at the end of each sprint."""
        _fade(self._modules, self._calibration.knowledge.idle_forgetting)
        _fade(self._partners, self._calibration.familiarity.idle_forgetting)

    def saw_estimate_finish(self) -> None:
        """A story that this person estimated was finished, and its true size seen."""
        self._estimates_seen += 1

    def saw_task_finish(self, *, sized_minutes: int, spent_minutes: int) -> None:
        """A task was finished whose size was so many minutes at standard pace."""
        self._pace.observe(sized_minutes, spent_minutes, self._calibration.planning)

    def experience(self, module: str) -> tuple[TopicExperience, ...]:
        """What questions about a module led to; nothing while knowledge is off. Sorted by topic."""
        if not self.mechanisms.knowledge:
            return ()
        return tuple(seen for (of, _), seen in sorted(self._topics.items()) if of == module)

    def asked(self, module: str, topic: str, *, changed: bool) -> None:
        """A question about a topic was answered in this person's presence."""
        key = (module, topic)
        seen = self._topics.get(key) or TopicExperience(topic=topic, asked=0, changed=0)
        self._topics[key] = replace(seen, asked=seen.asked + 1, changed=seen.changed + int(changed))

    def lesson_strength(self, topic: str) -> int:
        """How firmly a lesson sits: 0 (not learned) to 3."""
        return self._lessons.get(topic, 0)

    def take_to_heart(self, topic: str, strength: int) -> None:
        """A lesson sits so firmly from now on, up to a limit; 0 forgets it. Nobody learns while knowledge is off."""
        self._lessons.pop(topic, None)
        if strength > 0 and self.mechanisms.knowledge:
            self._lessons[topic] = min(strength, self._calibration.lessons.maximum_strength)

    def _initial(self, wanted: Sequence[str]) -> int:
        numbers = self._calibration.knowledge
        fits = [self.fit_for(specialization) for specialization in wanted]
        bonus = numbers.primary_bonus if "primary" in fits else numbers.auxiliary_bonus if "auxiliary" in fits else 0
        start = numbers.start + numbers.start_bonus.of(self.person.seniority) + bonus
        return clamp(start, 0, numbers.ceiling)


def _reached(practice: _Practice, *, ceiling: int, learning_minutes: int) -> int:
    """An exponential approach to the ceiling: after `learning_minutes` of practice 63 % of the way is done."""
    missing = exp_millionths(-min(practice.milliminutes // learning_minutes, 16_000))
    return ceiling - (ceiling - practice.start_permille) * missing // 1_000_000


def _fade(practices: Mapping[str, _Practice], idle_forgetting: int) -> None:
    for practice in practices.values():
        if practice.idle:
            practice.milliminutes -= practice.milliminutes * idle_forgetting // 1000
        practice.idle = True
