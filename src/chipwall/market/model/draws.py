"""Random numbers by counter: each block of draws has streams of its own, so neither workers nor order matter.

Draw 1,234 of seed 7 is the same numbers in a run of 2,000 draws and of a million, on one core and on a cluster, and in
every scenario: differences between scenarios are taken draw by draw.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.random import Generator, Philox, SeedSequence
from numpy.typing import NDArray

__all__ = ["BLOCK", "SHOCKS", "Draws", "block_draws", "block_sizes"]

Array = NDArray[np.float64]
# Draws per block: part of the identity of a draw, and small enough for a block's arrays to stay in cache.
BLOCK = 1000
# Shocks by quarter, in this order in the stream: never reorder, append only.
SHOCKS = ("budget", "supply", "rent_cn")
_LEVELS = ("record", "grey", "huawei")


@dataclass(frozen=True)
class Draws:
    """Random numbers of one block.

    ``parameters`` [draws, parameters] and ``prices`` [products, draws] standard normal; ``levels`` standard normal by
    name [draws]; ``shocks`` standard normal by name [quarters, draws]; ``gates`` uniform [quarters, 2, draws].
    """

    parameters: Array
    prices: Array
    levels: dict[str, Array]
    shocks: dict[str, Array]
    gates: Array
    seed: int = 0
    block: int = 0
    still: bool = False

    def process(self, name: str) -> Array:
        """Standard normal numbers of a path that is given from outside, a stream for each name [rows, draws]."""
        size, quarters = self.parameters.shape[0], self.gates.shape[0]
        rows = _stream(self.seed, self.block, 2000 + crc32(name.encode())).standard_normal((7 + 2 * quarters, BLOCK))
        return np.ascontiguousarray(
            np.broadcast_to(rows[:, :1], (rows.shape[0], size)) if self.still else rows[:, :size]
        )

    def stilled(self) -> Draws:
        """The same with the shocks, prices and gates of the first draw in every draw."""
        size = self.parameters.shape[0]

        def first(values: Array) -> Array:
            return np.ascontiguousarray(np.broadcast_to(values[..., :1], (*values.shape[:-1], size)))

        return Draws(
            self.parameters,
            first(self.prices),
            {name: first(v) for name, v in self.levels.items()},
            {name: first(v) for name, v in self.shocks.items()},
            first(self.gates),
            self.seed,
            self.block,
            True,
        )


def block_sizes(draws: int) -> list[int]:
    """Draws in each block; all but the last are full.

    Examples
    --------
    >>> block_sizes(2500)
    [1000, 1000, 500]
    """
    full, rest = divmod(draws, BLOCK)
    return [BLOCK] * full + ([rest] if rest else [])


def _stream(seed: int, block: int, kind: int) -> Generator:
    return Generator(Philox(SeedSequence(entropy=seed, spawn_key=(block, kind))))


@lru_cache(maxsize=16)
def block_draws(
    *, seed: int, block: int, size: int, parameters: int, products: tuple[str, ...], quarters: int
) -> Draws:
    """The numbers of one block.

    A full block is always drawn and then cut to ``size``, and each stream runs parameter by parameter or quarter by
    quarter: more draws, more quarters or a new parameter at the end of the file leave all other numbers as they are. The last
    few blocks are kept: the second scenario of a pair asks for the same numbers. Nobody writes into them.

    Parameters
    ----------
    parameters : int
        Number of parameters, in file order.
    products : tuple of str
        Ids; each has a stream of its own, so that an extra product of a scenario changes no other price.
    """
    normal = _stream(seed, block, 0).standard_normal((parameters, BLOCK))
    levels = _stream(seed, block, 1).standard_normal((len(_LEVELS), BLOCK))
    shocks = _stream(seed, block, 2).standard_normal((quarters, len(SHOCKS), BLOCK))
    gates = _stream(seed, block, 3).random((quarters, 2, BLOCK))
    prices = np.stack([_stream(seed, block, 1000 + crc32(p.encode())).standard_normal(BLOCK) for p in products])
    return Draws(
        normal[:, :size].T,
        prices[:, :size],
        {name: levels[i, :size] for i, name in enumerate(_LEVELS)},
        {name: np.ascontiguousarray(shocks[:, i, :size]) for i, name in enumerate(SHOCKS)},
        gates[:, :, :size],
        seed,
        block,
    )
