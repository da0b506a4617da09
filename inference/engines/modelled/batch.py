"""Continuous batching as a calculation: which sequences share which iteration, and when each one is done. Pure.

Time is in integer nanoseconds. An iteration is planned when it begins, with everything that had arrived by then: first
the sequences under way (each its next token, or the next part of its prompt), then those that wait, most urgent
first, as far as slots, tokens and blocks go. If blocks run out, the sequence that came in last gives its own back and
waits again; what it had written is computed anew. This is vLLM's default policy, without its finer points.

Iterations in which every sequence just gets one more token are calculated together, so that long answers are cheap.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass

from inference.engines.modelled.kv_cache import Holding, KvCache
from inference.engines.modelled.profile import EngineProfile


@dataclass(slots=True, eq=False)
class Sequence:
    """One request on its way."""

    ticket: str
    urgency: int  # 0 is the most urgent
    order: int  # of submission
    arrived_us: int
    prompt_tokens: int
    planned_tokens: int  # of the answer, at least 1
    has_adapter: bool
    holding: Holding
    generated: int = 0
    cached: int = 0  # prompt tokens that were there when it was admitted first
    was_admitted: bool = False

    @property
    def known(self) -> int:
        """Tokens that there are, of prompt and answer; the next one follows once all of them are computed."""
        return self.prompt_tokens + self.generated

    @property
    def turn(self) -> tuple[int, int]:
        """Who waits with a smaller one is admitted earlier."""
        return self.urgency, self.order


@dataclass(slots=True, kw_only=True)
class LoadFigures:
    """What an engine's time and memory went into."""

    iterations: int = 0
    busy_ns: int = 0
    admitted: int = 0
    waited_us: int = 0  # from arrival to first admission, the sum over all
    preemptions: int = 0
    computed_tokens: int = 0  # of prompts, and of answers after a preemption
    peak_sequences: int = 0
    peak_blocks: int = 0


@dataclass(slots=True)
class _Run:
    """Iterations under way."""

    end_ns: int
    iterations: int
    sampling: list[Sequence]  # those that get one token in each iteration
    is_steady: bool  # nothing else happens in it; its tokens are booked when it ends or is interrupted


class Batch:
    """All sequences of one engine."""

    def __init__(self, profile: EngineProfile) -> None:
        self.figures = LoadFigures()
        self.cache = KvCache(profile.kv_blocks, profile.block_tokens)
        self._profile = profile
        self._now_ns = 0
        self._waiting: list[Sequence] = []  # sorted by turn
        self._running: list[Sequence] = []  # in the order of admission
        self._run: _Run | None = None

    @property
    def now_us(self) -> int:
        """Up to when it is calculated."""
        return -(-self._now_ns // 1000)

    @property
    def next_change_us(self) -> int | None:
        """When there may be something new; None when there is nothing to do."""
        if self._run is not None:
            return -(-self._run.end_ns // 1000)
        return self._next_start_ns() // 1000 + 1 if self._running or self._waiting else None

    def submit(self, sequence: Sequence) -> None:
        """Take a sequence on at its time of arrival; `advance` has been called up to then."""
        self._interrupt(sequence.arrived_us * 1000)
        insort(self._waiting, sequence, key=lambda each: each.turn)

    def cancel(self, ticket: str, at_us: int) -> Sequence:
        """Forget a sequence; its slot and blocks are free at once. `advance` has been called up to then."""
        self._interrupt(at_us * 1000)
        for group in (self._running, self._waiting):
            for sequence in group:
                if sequence.ticket == ticket:
                    group.remove(sequence)
                    self.cache.release(sequence.holding)
                    return sequence
        raise KeyError(ticket)

    def advance(self, until_us: int) -> list[Sequence]:
        """Calculate on, up to the first iteration that completes something; that is what comes back, and `now_us` then.

        An iteration begins with what arrived by its beginning, so none is begun at `until_us` itself.
        """
        until_ns = until_us * 1000
        while True:
            if self._run is None and not self._begin(until_ns):
                return []
            run = self._run
            assert run is not None
            if run.end_ns > until_ns:
                return []
            self.figures.busy_ns += run.end_ns - self._now_ns
            self._now_ns, self._run = run.end_ns, None
            finished = self._book(run, run.iterations)
            if finished:
                return finished

    # -- iterations ----------------------------------------------------------------------------------------------------

    def _next_start_ns(self) -> int:
        if self._running:
            return self._now_ns
        return max(self._now_ns, min(each.arrived_us for each in self._waiting) * 1000)

    def _begin(self, before_ns: int, *, only_one: bool = False) -> bool:
        """Begin the next iteration, or a steady run of them, if that is earlier than a time."""
        if not (self._running or self._waiting) or self._next_start_ns() >= before_ns:
            return False
        self._now_ns = self._next_start_ns()
        steady = self._steady_iterations()
        if steady:
            iterations = 1 if only_one else steady
            end_ns = self._now_ns + self._steady_ns(iterations)
            self._run = _Run(end_ns, iterations, list(self._running), is_steady=True)
        else:
            self._run = self._mixed_iteration()
        return True

    def _steady_iterations(self) -> int:
        """For how many iterations the same sequences get one token each; 0 if other things are to be done."""
        nobody_can_join = not self._waiting or len(self._running) >= self._profile.slots
        if not nobody_can_join or any(each.known - each.holding.tokens != 1 for each in self._running):
            return 0
        iterations = min(each.planned_tokens - each.generated for each in self._running)
        needed = sum(self.cache.needed(each.holding, each.holding.tokens + iterations) for each in self._running)
        if needed <= self.cache.free - self.cache.kept:
            return iterations
        # What is kept has to go for new blocks, and when it goes decides what a later prompt still finds; sequences
        # that write the same share full blocks, so the sum at the end says too little. Within its block none needs any.
        return min(iterations, *(self.cache.room(each.holding) for each in self._running))

    def _steady_ns(self, iterations: int) -> int:
        """The time of so many iterations from now on, in which every context grows by one each time."""
        profile, count = self._profile, len(self._running)
        looked_back = sum(each.holding.tokens for each in self._running)
        growing = iterations * looked_back + count * (iterations * (iterations - 1) // 2)
        return iterations * self._iteration_ns(self._running) + growing * profile.context_token_ns

    def _mixed_iteration(self) -> _Run:
        """Plan one iteration; blocks are taken now, tokens come when it ends."""
        profile = self._profile
        budget, preemptions = profile.batch_tokens, self.figures.preemptions
        sampling: list[Sequence] = []
        looked_back = computed = 0
        for sequence in list(self._running):
            tokens = min(sequence.known - sequence.holding.tokens, budget)
            if not tokens or not self._make_room(sequence, sequence.holding.tokens + tokens):
                continue
            if tokens == 1:
                looked_back += sequence.holding.tokens
            else:
                computed += tokens
            budget -= self._compute(sequence, tokens, sampling)
        while budget and self.figures.preemptions == preemptions:
            admitted = self._admit(budget)
            if admitted is None:
                break
            tokens = min(admitted.known - admitted.holding.tokens, budget)
            computed += tokens
            budget -= self._compute(admitted, tokens, sampling)
        self.figures.computed_tokens += computed
        duration_ns = (
            self._iteration_ns(sampling) + computed * profile.prompt_token_ns + looked_back * profile.context_token_ns
        )
        return _Run(self._now_ns + duration_ns, 1, sampling, is_steady=False)

    def _iteration_ns(self, sampling: list[Sequence]) -> int:
        adapted = sum(each.has_adapter for each in sampling)
        return (
            self._profile.iteration_ns + len(sampling) * self._profile.sequence_ns + adapted * self._profile.adapter_ns
        )

    def _compute(self, sequence: Sequence, tokens: int, sampling: list[Sequence]) -> int:
        self.cache.grow(sequence.holding, sequence.holding.tokens + tokens)
        if sequence.holding.tokens == sequence.known:
            sampling.append(sequence)
        return tokens

    def _make_room(self, sequence: Sequence, tokens: int) -> bool:
        """Let a sequence grow, if need be by sending others back to wait. False if it was the last one and went."""
        while sequence in self._running and self.cache.needed(sequence.holding, tokens) > self.cache.free:
            last = self._running.pop()
            self.cache.release(last.holding)
            insort(self._waiting, last, key=lambda each: each.turn)
            self.figures.preemptions += 1
        return sequence in self._running

    def _admit(self, budget: int) -> Sequence | None:
        """The next sequence that waits, if a slot and blocks for its first part are there."""
        arrived = (each for each in self._waiting if each.arrived_us * 1000 <= self._now_ns)
        sequence = next(arrived, None)
        if sequence is None or len(self._running) >= self._profile.slots:
            return None
        saved = self.cache.adopt(sequence.holding, at_most=sequence.known - 1)
        if self.cache.needed(sequence.holding, min(sequence.known, saved + budget)) > self.cache.free:
            self.cache.release(sequence.holding)
            return None
        self._waiting.remove(sequence)
        self._running.append(sequence)
        if not sequence.was_admitted:
            sequence.was_admitted, sequence.cached = True, min(saved, sequence.prompt_tokens)
            self.figures.admitted += 1
            self.figures.waited_us += self._now_ns // 1000 - sequence.arrived_us
        return sequence

    def _book(self, run: _Run, iterations: int) -> list[Sequence]:
        """Give out the tokens of iterations that are over. Returns the sequences that are complete."""
        figures = self.figures
        figures.iterations += iterations
        figures.peak_sequences = max(figures.peak_sequences, len(self._running))
        finished: list[Sequence] = []
        for sequence in run.sampling:
            if sequence not in self._running:  # it was cancelled meanwhile
                continue
            if run.is_steady:
                self.cache.grow(sequence.holding, sequence.holding.tokens + iterations)
            sequence.generated += iterations
            if sequence.generated >= sequence.planned_tokens:
                finished.append(sequence)
        figures.peak_blocks = max(figures.peak_blocks, self.cache.used)
        for sequence in finished:
            self._running.remove(sequence)
            self.cache.release(sequence.holding)
        return finished

    def _interrupt(self, at_ns: int) -> None:
        """Book what is over of a steady run; only the iteration under way goes on to its end."""
        run = self._run
        if run is None or not run.is_steady or run.iterations == 1:
            return
        done = self._iterations_within(at_ns - self._now_ns, run.iterations)
        passed_ns = self._steady_ns(done)
        finished = self._book(run, done)
        assert not finished, "advance was called up to then, so nothing can have been completed before"
        self.figures.busy_ns += passed_ns
        self._now_ns += passed_ns
        self._run = None
        self._begin(at_ns, only_one=True)

    def _iterations_within(self, duration_ns: int, at_most: int) -> int:
        low, high = 0, at_most
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self._steady_ns(middle) <= duration_ns else (low, middle - 1)
        return low
