"""What a report must know about a run besides its events, and how virtual time becomes dates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from inference.ledger.prices import NO_PRICES, PriceList

US_PER_SECOND = 1_000_000
UNMEASURED_CODE = "code_generation.mode is modelled: no code was written or run"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """Facts of the configuration that appear in artifacts; nothing here depends on where or when a run happens."""

    experiment: str  # the label `experiment.name`; may be empty
    seed: int
    start_date: date  # virtual time 0 is midnight UTC of this day
    teams: tuple[str, ...]
    executes: bool  # code is written and tested; otherwise work is modelled, and says so where it has no number
    judgement: str = "behavioural"  # or model: who decides
    hands: str = "behavioural"  # or llm: who writes the code
    prices: PriceList = NO_PRICES  # of models

    @property
    def start_epoch_s(self) -> int:
        """Unix time of the run's virtual beginning."""
        return int(self._start.timestamp())

    @property
    def is_single_team(self) -> bool:
        """Whether sprint folders lie directly in the run folder."""
        return len(self.teams) == 1

    def sprint_folder(self, team: str, sprint: int) -> str:
        """Path of a sprint's artifacts inside the run folder."""
        name = f"sprint-{sprint:02d}"
        return name if self.is_single_team else f"{team}/{name}"

    def timestamp(self, time_us: int) -> str:
        """A virtual time as ISO 8601 in UTC with milliseconds, rounded down."""
        moment = self._start + timedelta(microseconds=time_us)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"

    @property
    def _start(self) -> datetime:
        return datetime(self.start_date.year, self.start_date.month, self.start_date.day, tzinfo=UTC)
