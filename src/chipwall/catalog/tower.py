"""A vision tower: the transformer over the patches of an image, and how its patches become tokens of the prompt.

References
----------
.. [1] Qwen2.5-VL technical report, arXiv:2502.13923, section 2.1 (patches joined two by two; windows).
.. [2] InternVL3, arXiv:2504.10479, section 2.1 (tiles of 448 pixels beside a thumbnail, 256 tokens each).
.. [3] Gemma 3 technical report, arXiv:2503.19786, section 2.1 (a fixed square, 256 tokens).
.. [4] Pixtral 12B, arXiv:2410.07073, section 2 (own size, a token at the end of each row).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["ImageCost", "Tower"]


@dataclass(frozen=True, slots=True)
class ImageCost:
    """What one image costs: ``tokens`` of the prompt, ``patches`` of one pass of the tower, and ``passes`` of it [1]."""

    tokens: int
    patches: int
    passes: int


@dataclass(frozen=True, slots=True)
class Tower:
    """A record ``[model.tower]`` of a model file. Numbers are [1] unless said; zero where there is no such thing.

    Attributes
    ----------
    layers, hidden, ffn, heads : int
        Of the transformer over patches.
    gated : bool
        Whether its feed-forward blocks have a gate.
    patch, merge : int
        Side of a patch [pixel], and patches per side that become one token.
    side : int
        Square to which every image is resized [pixel]; 0: it keeps its shape.
    tile, most_tiles : int
        Side of the tiles into which an image is cut [pixel], and the most of them.
    thumbnail : bool
        Whether the whole image goes beside its tiles, where there are two or more.
    least, most : int
        Area to which images are scaled up and down [pixel²].
    longest : int
        Longest side to which images are scaled down [pixel].
    tokens : int
        Tokens of one image or tile where a resampler fixes them.
    window, whole : int
        Patches that a layer with windows sees, and layers that see all nevertheless.
    row_tokens : bool
        Whether each row of tokens ends with one more.
    """

    layers: int
    hidden: int
    ffn: int
    heads: int
    patch: int
    gated: bool = False
    merge: int = 1
    side: int = 0
    tile: int = 0
    most_tiles: int = 1
    thumbnail: bool = False
    least: int = 0
    most: int = 0
    longest: int = 0
    tokens: int = 0
    window: int = 0
    whole: int = 0
    row_tokens: bool = False

    @property
    def layer_weights(self) -> float:
        """Weights of the layers [1], patches and projection left out."""
        return float(self.layers * (4 * self.hidden**2 + (3 if self.gated else 2) * self.hidden * self.ffn))

    def image(self, width: int, height: int) -> ImageCost:
        """What an image of ``width`` x ``height`` pixels costs.

        Limits
        ------
        Marks around an image (one or two tokens) are left out.
        """
        if self.tile:
            return self._tiled(width, height)
        cell = self.patch * self.merge
        if self.side:
            across = down = self.side // self.patch
            return ImageCost(self.tokens or (across // self.merge) ** 2, across * down, 1)
        wide, high = self._resized(width, height)
        columns, rows = (max(round(side / cell), 1) for side in (wide, high))
        if self.most and columns * rows * cell**2 > self.most:
            columns, rows = (max(math.floor(side / cell), 1) for side in (wide, high))
        tokens = self.tokens or columns * rows + (rows if self.row_tokens else 0)
        return ImageCost(tokens, columns * rows * self.merge**2, 1)

    def _tiled(self, width: int, height: int) -> ImageCost:
        across, down = self._grid(width, height)
        tiles = across * down
        passes = tiles + (1 if self.thumbnail and tiles > 1 else 0)
        patches = (self.tile // self.patch) ** 2
        return ImageCost(passes * (self.tokens or patches // self.merge**2), patches, passes)

    def _grid(self, width: int, height: int) -> tuple[int, int]:
        """Tiles across and down: of all grids the one nearest in shape, and of those the largest that half fills [2]."""
        shape, area = width / height, width * height
        best, nearest = (1, 1), math.inf
        for count in range(1, self.most_tiles + 1):
            for across in range(1, count + 1):
                if count % across:
                    continue
                off = abs(shape - across / (count // across))
                if off < nearest or (off == nearest and area > 0.5 * self.tile**2 * count):
                    best, nearest = (across, count // across), off
        return best

    def _resized(self, width: int, height: int) -> tuple[float, float]:
        """The size after scaling to the bounds, the shape kept [pixel]."""
        scale = 1.0
        if self.longest and max(width, height) > self.longest:
            scale = self.longest / max(width, height)
        area = width * height * scale**2
        if self.most and area > self.most:
            scale *= math.sqrt(self.most / area)
        elif self.least and area < self.least:
            scale *= math.sqrt(self.least / area)
        return width * scale, height * scale
