"""One total order: random little programs of actors give one log, whatever the turns and wherever windows are cut."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.node.actor import Actor
from brokers.node.cell import Cell
from brokers.node.errors import AskTimeoutError, EffectFailedError, RefusedError
from brokers.node.letters import Letter, LetterCodec, tie_breaker
from brokers.node.partition import Partition, Supervision, Turns, in_order
from brokers.node.rows import Group, Row, merge
from brokers.wire.packing import unpack
from config.streams import draw
from tests.support.world import registry_of

DELAY_US = 50
NAMES = tuple(f"actor/{letter}" for letter in "abcd")
SEED = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Run a line of the receiver's program; `fuel` says how far this may still go."""

    KIND: ClassVar[str] = "order.step/1"
    line: int
    fuel: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A line was run."""

    KIND: ClassVar[str] = "order.ran/1"
    by: str
    line: int
    op: str
    result: str


REGISTRY = registry_of(sys.modules[__name__])


class NoError(Exception):
    """The programs' own rule."""


@dataclass(frozen=True)
class Line:
    """One line of a program."""

    op: str
    to: str
    wait_us: int
    goto: int


class Interpreter(Actor):
    """Runs its program, one line for each message."""

    refusals = (NoError,)

    def __init__(self, program: tuple[Line, ...]) -> None:
        super().__init__()
        self._program, self._runs = program, 0

    def on_start(self) -> None:
        if self.context.incarnation < 3:  # or a program that crashes would never end
            self.context.after(1 + self.context.draw("start", self.context.name, 0).below(200), Step(line=0, fuel=6))

    async def on_receive(self, message: Any) -> Any:
        if not isinstance(message, Step):
            self._ran(-1, message.KIND, "heard")
            return None
        self._runs += 1
        line = self._program[message.line % len(self._program)]
        following = Step(line=line.goto, fuel=message.fuel - 1)
        if message.fuel > 0:
            await self._do(line, following)
        self._ran(message.line, line.op, f"{self._runs} runs, incarnation {self.context.incarnation}")
        return following

    async def _do(self, line: Line, following: Step) -> None:
        context = self.context
        match line.op:
            case "tell":
                context.tell(line.to, following, delay_us=line.wait_us)
            case "after":
                context.after(1 + line.wait_us, following)
            case "sleep":
                await context.sleep(1 + line.wait_us)
                context.tell(line.to, following)
            case "ask" | "ask in time" | "effect":
                await self._wait_for_answer(line, following)
            case "ask two":
                pending = [context.ask(to, following) for to in (line.to, NAMES[0])]
                for answer in pending:
                    await self._hear(answer)
            case "spawn":
                context.spawn(self._beside(line, following))
            case "watch":
                context.watch(line.to)
            case "refuse":
                raise NoError("not now")
            case "crash":
                raise RuntimeError(f"line {line.goto}")
            case "self":
                context.tell(context.name, following)

    async def _wait_for_answer(self, line: Line, following: Step) -> None:
        if line.op == "effect":
            await self._hear(self.context.effect(following, duration_us=DELAY_US + line.wait_us))
        elif line.op == "ask":
            await self._hear(self.context.ask(line.to, following))
        else:
            await self._hear(self.context.ask(line.to, following, timeout_us=1 + line.wait_us))

    async def _beside(self, line: Line, following: Step) -> None:
        await self.context.sleep(1 + line.wait_us)
        self._ran(line.goto, "beside", self.context.name)
        if line.wait_us % 7 == 0:
            raise RuntimeError("beside")
        self.context.tell(line.to, following)

    async def _hear(self, answer: Any) -> None:
        try:
            heard = await answer
        except (RefusedError, AskTimeoutError, EffectFailedError) as error:
            self._ran(-2, "refused", type(error).__name__)
        else:
            self._ran(heard.line, "heard", str(heard.fuel))

    def _ran(self, line: int, op: str, result: str) -> None:
        self.context.publish(Ran(by=self.context.name, line=line, op=op, result=result))


OPS = ["tell", "after", "sleep", "ask", "ask in time", "ask two", "effect", "spawn", "watch", "refuse", "crash", "self"]
LINES = st.builds(
    Line,
    op=st.sampled_from(OPS),
    to=st.sampled_from([*NAMES, "nobody"]),
    wait_us=st.integers(0, 130),
    goto=st.integers(0, 3),
)
PROGRAMS = st.tuples(*(st.lists(LINES, min_size=1, max_size=4).map(tuple) for _ in NAMES))
CALM = Supervision(backoff_us=120, backoff_cap_us=500, max_restarts=1_000)


@dataclass
class Outcome:
    """A whole run."""

    rows: list[Row]
    groups: list[Group]


def run(programs: Any, *, turns: Turns = in_order, cuts: int | None = None, splits: int = 1) -> Outcome:
    """Run programs to their end. `cuts` seeds window lengths (None: the longest); `splits` is the number of nodes."""
    homes = {name: index % splits for index, name in enumerate(NAMES)}
    nodes = [
        Partition(
            REGISTRY,
            seed=SEED,
            link_delay_us=DELAY_US,
            supervision=CALM,
            turns=turns,
            knows=lambda name, node=node: homes.get(name, node) != node,  # type: ignore[misc]
        )
        for node in range(splits)
    ]
    for order, name in enumerate(NAMES):
        nodes[homes[name]].start(name, lambda order=order: Interpreter(programs[order]), order=order)  # type: ignore[misc]
    outcome = Outcome([], [])
    codec = LetterCodec(REGISTRY, tie_breaker(SEED))
    due: list[tuple[int, str, int, bytes]] = []
    for window in range(100_000):
        times = [time for node in nodes if (time := node.next_time()) is not None] + [effect[0] for effect in due]
        if not times:
            return outcome
        length = DELAY_US if cuts is None else 1 + draw(cuts, "cut", "", window).below(DELAY_US)
        end = min(times) + length
        for effect in [effect for effect in due if effect[0] < end]:
            due.remove(effect)
            nodes[homes[effect[1]]].deliver_effect(effect[1], effect[2], effect[0], effect[3])
        groups: list[Group] = []
        outgoing: list[Letter] = []
        for node in nodes:
            result = node.run_window(end)
            groups.extend(result.groups)
            outgoing.extend(codec.from_list(codec_list(codec, letter)) for letter in result.outgoing)
            due.extend((issued.due_us, issued.actor, issued.number, issued.request) for issued in result.effects)
        for letter in outgoing:
            nodes[homes[letter.dst]].deliver(letter)
        outcome.groups.extend(groups)
        outcome.rows.extend(merge(groups))
    raise AssertionError("the programs never end")


def codec_list(codec: LetterCodec, letter: Letter) -> Any:
    return unpack(codec.to_record(letter))


def shuffled(seed: int) -> Turns:
    """Turns in another order each window."""
    taken = iter(range(10**9))

    def turns(cells: list[Cell]) -> Iterable[Cell]:
        n = next(taken)
        return sorted(cells, key=lambda cell: draw(seed, "turn", cell.name, n).bits)

    return turns


def records(outcome: Outcome) -> list[bytes]:
    return [row.record for row in outcome.rows]


@given(PROGRAMS, st.integers(0, 1_000))
@settings(max_examples=150, deadline=None)
def test_the_log_is_the_same_in_whatever_order_actors_take_their_turns(programs: Any, shuffle: int) -> None:
    usual, unusual = run(programs), run(programs, turns=shuffled(shuffle))

    assert records(unusual) == records(usual)


@given(PROGRAMS, st.integers(0, 1_000))
@settings(max_examples=150, deadline=None)
def test_the_log_is_the_same_wherever_windows_are_cut(programs: Any, cuts: int) -> None:
    usual, cut = run(programs), run(programs, cuts=cuts)

    assert records(cut) == records(usual)


@given(PROGRAMS, st.integers(2, 4), st.integers(0, 1_000))
@settings(max_examples=100, deadline=None)
def test_the_log_is_the_same_over_any_number_of_nodes(programs: Any, splits: int, cuts: int) -> None:
    usual, spread = run(programs), run(programs, splits=splits, cuts=cuts, turns=shuffled(cuts))

    assert records(spread) == records(usual)


@given(PROGRAMS)
@settings(max_examples=100, deadline=None)
def test_the_log_is_sorted_by_key_and_no_key_comes_twice(programs: Any) -> None:
    groups = sorted(run(programs).groups)
    outcome = run(programs)
    keys = [group.key for group in outcome.groups]

    assert len(set(keys)) == len(keys)
    assert [row for group in groups for row in group.rows] == outcome.rows
    ids = [(row.src, row.seq) for row in outcome.rows]
    assert len(set(ids)) == len(ids)


@given(PROGRAMS)
@settings(max_examples=100, deadline=None)
def test_what_follows_in_the_log_was_caused_by_what_came_before(programs: Any) -> None:
    seen = {""}
    for row in run(programs).rows:
        assert row.cause in seen
        seen.add(f"{row.src}:{row.seq}")


@given(PROGRAMS)
@settings(max_examples=100, deadline=None)
def test_letters_of_one_sender_that_take_equally_long_are_handled_in_the_order_sent(programs: Any) -> None:
    plain = tuple(tuple(Line(line.op, line.to, 0, line.goto) for line in program) for program in programs)
    last: dict[tuple[str, str], int] = {}
    for row in run(plain).rows:
        if row.kind != Step.KIND or row.src == row.dst or not row.dst:
            continue
        before = last.get((row.src, row.dst), 0)
        assert row.seq > before
        last[row.src, row.dst] = row.seq


def test_programs_do_reach_every_line_of_the_interpreter() -> None:
    """The properties above would mean little if the programs did nothing."""
    everything = tuple(Line(op, NAMES[n % 4], 60 + n, n + 1) for n, op in enumerate(OPS))
    ran = {row.message.op for row in run((everything,) * 4).rows if isinstance(row.message, Ran)}
    for first in range(len(OPS)):
        program = (*everything[first:], *everything[:first])
        ran |= {row.message.op for row in run((program,) * 4).rows if isinstance(row.message, Ran)}
    watched = ((Line("watch", NAMES[1], 0, 0),), *((Line("after", "", 130, 1), Line("crash", "", 0, 0)),) * 3)
    ran |= {row.message.op for row in run(watched).rows if isinstance(row.message, Ran)}

    assert ran >= set(OPS) - {"refuse", "crash"} | {"beside", "refused", "heard", "node.actor_restarted/1"}


@given(st.integers(0, 2**62), st.text(max_size=5), st.integers(0, 2**31), st.integers(0, 2**31))
def test_a_tie_is_63_bits_of_its_seed_time_and_sender(time_us: int, sender: str, seed: int, other: int) -> None:
    tie = tie_breaker(seed)(time_us, sender)

    assert 0 <= tie < 2**63
    assert tie == tie_breaker(seed)(time_us, sender)
    assert (tie == tie_breaker(other)(time_us, sender)) == (seed == other)


def test_no_name_wins_every_tie() -> None:
    tie = tie_breaker(SEED)
    firsts = [min(NAMES, key=lambda name: tie(time_us, name)) for time_us in range(2_000)]

    assert all(400 < firsts.count(name) < 600 for name in NAMES)


def test_a_letter_of_the_wire_is_the_letter_that_was_sent() -> None:
    codec = LetterCodec(REGISTRY, tie_breaker(SEED))
    sent = Letter(70, codec.tie(70, "a"), "a", 3, "b", "run:1", -2, 90, Step(line=1, fuel=2))

    assert codec.from_list(codec_list(codec, sent)) == sent
    assert sent.key == (70, sent.tie, "a", 3)
    assert sent.id == "a:3"


@pytest.mark.parametrize("seed", [0, 2**63])
def test_any_seed_breaks_ties(seed: int) -> None:
    assert tie_breaker(seed)(0, "a") != tie_breaker(seed)(0, "b")
