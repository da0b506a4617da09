"""A driver of GPUs that is not there: the functions of `pynvml` that are used, over devices that a test describes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace


@dataclass(frozen=True)
class Card:
    """One GPU as its driver sees it."""

    uuid: str
    bus: str
    board: int = 0
    total: int = 80 * 1024**3
    free: int = 80 * 1024**3


class FakeNvml:
    """Stands in for the module."""

    NVML_TOPOLOGY_MULTIPLE = 20

    class NVMLError(Exception):
        pass

    class NVMLError_LibraryNotFound(NVMLError):  # noqa: N801, N818 - the module's names
        pass

    class NVMLError_DriverNotLoaded(NVMLError):  # noqa: N801, N818
        pass

    class NVMLError_NotSupported(NVMLError):  # noqa: N801, N818
        pass

    def __init__(self, cards: Sequence[Card], *, fails: Exception | None = None, hides_wiring: bool = False) -> None:
        self.cards, self.fails, self.hides_wiring = cards, fails, hides_wiring
        self.is_open = False

    def nvmlInit(self) -> None:  # noqa: N802
        if self.fails is not None:
            raise self.fails
        self.is_open = True

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.is_open = False

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        assert self.is_open
        return len(self.cards)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Card:  # noqa: N802
        return self.cards[index]

    def nvmlDeviceGetPciInfo(self, card: Card) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(busId=card.bus.encode())

    def nvmlDeviceGetUUID(self, card: Card) -> str:  # noqa: N802
        return card.uuid

    def nvmlDeviceGetName(self, card: Card) -> bytes:  # noqa: N802
        return b"NVIDIA H100 80GB HBM3"

    def nvmlDeviceGetMemoryInfo(self, card: Card) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(total=card.total, free=card.free, used=card.total - card.free)

    def nvmlDeviceGetTopologyCommonAncestor(self, one: Card, other: Card) -> int:  # noqa: N802
        if self.hides_wiring:
            raise self.NVMLError_NotSupported
        return 10 if one.board == other.board else 50


def cards(host: str, count: int, *, boards: int = 2) -> list[Card]:
    """Cards of one host, spread evenly over boards; the driver names them against the order of the bus."""
    per_board = max(1, count // boards)
    found = [Card(f"GPU-{host}-{n}", f"0000:{16 + n:02x}:00.0", board=n // per_board) for n in range(count)]
    return found[::-1]
