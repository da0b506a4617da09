"""Blocks of keys and values: who holds how many, and which are kept for prompts that begin alike. Pure.

A full block is known by a hash of everything up to its end and of what computed it (model, adapter, version), so equal
beginnings share blocks and different versions never do. A block that nobody holds stays until its room is needed; the
one that was not used for longest goes first, of one sequence its end before its beginning. As vLLM does it.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Sequence
from hashlib import blake2b


def block_hashes(owner: str, tokens: Sequence[str], block_tokens: int) -> tuple[bytes, ...]:
    """A hash for each full block of a text, given as tokens; `owner` is what computes it."""
    found: list[bytes] = []
    chain = blake2b(owner.encode(), digest_size=16).digest()
    for end in range(block_tokens, len(tokens) + 1, block_tokens):
        block = "\0".join(tokens[end - block_tokens : end])
        chain = blake2b(chain + block.encode(), digest_size=16).digest()
        found.append(chain)
    return tuple(found)


class Holding:
    """What one sequence has in the cache."""

    __slots__ = ("hashes", "tokens")

    def __init__(self, hashes: tuple[bytes, ...]) -> None:
        self.hashes = hashes  # of all full blocks it will ever have
        self.tokens = 0  # that are computed


class KvCache:
    """A fixed number of blocks."""

    def __init__(self, blocks: int, block_tokens: int) -> None:
        self.blocks = blocks
        self._size = block_tokens
        self._held: Counter[bytes] = Counter()  # full blocks in use: by how many sequences
        self._idle: OrderedDict[bytes, None] = OrderedDict()  # full blocks nobody holds; the next to go first
        self._partial = 0  # blocks that are not full; each belongs to one sequence

    @property
    def used(self) -> int:
        """Blocks that sequences hold."""
        return len(self._held) + self._partial

    @property
    def free(self) -> int:
        """Blocks that can be had, with those that are only kept."""
        return self.blocks - self.used

    @property
    def kept(self) -> int:
        """Blocks that nobody holds and a prompt could still use."""
        return len(self._idle)

    def adopt(self, holding: Holding, *, at_most: int) -> int:
        """Begin a sequence with the blocks that are there already. Returns how many of its tokens that saves.

        Args:
            at_most: Tokens; the last one of a prompt is always computed, as its result is the next token.
        """
        for place in range(at_most // self._size):
            known = holding.hashes[place]
            if known not in self._held and known not in self._idle:
                break
            self._hold(known)
            holding.tokens += self._size
        return holding.tokens

    def needed(self, holding: Holding, tokens: int) -> int:
        """Blocks that a sequence needs besides those it has, to grow to so many tokens; fewer if some can be shared."""
        return -(-tokens // self._size) - -(-holding.tokens // self._size)

    def room(self, holding: Holding) -> int:
        """By how many tokens a sequence can grow within the blocks that it has."""
        return -holding.tokens % self._size

    def grow(self, holding: Holding, tokens: int) -> None:
        """More tokens of a sequence are computed. Whoever calls it asked `needed` and `free` before."""
        before, after = holding.tokens // self._size, tokens // self._size
        self._partial += (tokens % self._size > 0) - (holding.tokens % self._size > 0)
        holding.tokens = tokens
        for known in holding.hashes[before:after]:
            self._hold(known)
        while self.used + len(self._idle) > self.blocks:
            self._idle.popitem(last=False)

    def release(self, holding: Holding) -> None:
        """A sequence ends, or must make room."""
        self._partial -= holding.tokens % self._size > 0
        for known in reversed(holding.hashes[: holding.tokens // self._size]):
            self._held[known] -= 1
            if not self._held[known]:
                del self._held[known]
                self._idle[known] = None
        holding.tokens = 0

    def _hold(self, known: bytes) -> None:
        self._idle.pop(known, None)
        self._held[known] += 1
