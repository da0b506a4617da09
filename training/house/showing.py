"""The table of judgements on a screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from training.house.examples import EXAMPLES
from training.house.intervals import Interval
from training.house.scoring import ENOUGH, Line

LEGEND = """\
legal: the first answer is possible in the observed state. agrees: share of the behavioural policy's answers to the same
observation that decide the same; random: of random play; itself: of the policy, which throws dice, so that nobody who
decides as it does agrees more. above: agrees less random, decision by decision. In brackets: 95 % intervals."""


def lines_of(lines: Sequence[Line], title: str) -> Iterator[str]:
    """Legality and agreement for each kind of decision that the model learned, met or not, and for all."""
    yield title
    heads = (f"{'decision':18}", f"{'n':>5}", f"{'legal %':>13}", f"{'agrees %':>13}", f"{'random %':>13}")
    yield " ".join((*heads, f"{'itself %':>8}", f"{'above random':>15}"))
    met = {line.kind: line for line in lines}
    for kind in (*sorted({*EXAMPLES, *met} - {"all"}), "all"):
        yield _row(met[kind]) if kind in met else f"{_name(kind)} {0:5} {'none':>13}"


def _row(line: Line) -> str:
    cells = (_name(line.kind), f"{line.decisions:5}", _shown(line.legal_share))
    figures = (_shown(line.agreement), _shown(line.random_agreement), f"{100 * line.self_agreement:8.0f}")
    return " ".join((*cells, *figures, _verdict(line)))


def _name(kind: str) -> str:
    return f"{kind.replace('_', ' '):18}"


def _shown(interval: Interval) -> str:
    return f"{f'{100 * interval.value:.0f} [{100 * interval.low:.0f} {100 * interval.high:.0f}]':>13}"


def _verdict(line: Line) -> str:
    if line.decisions < ENOUGH:
        return f"{'too few':>15}"
    above = f"{100 * line.advantage.value:+.0f} [{100 * line.advantage.low:+.0f} {100 * line.advantage.high:+.0f}]"
    return f"{above:>15} {'yes' if line.is_above_random else 'no'}"
