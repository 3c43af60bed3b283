"""Draws as Parquet, one part per block, so that a run that was killed goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chipwall.errors import InputError
from chipwall.market.model.draws import BLOCK
from chipwall.text import text

__all__ = ["PartFolder"]

Array = NDArray[np.float64]


class PartFolder:
    """A folder of parts with a manifest that says which run they belong to.

    Each part is written under another name and then renamed, so a part that exists is complete.
    """

    def __init__(self, folder: Path, *, identity: dict[str, object]) -> None:
        self.folder, self.identity = folder, identity
        folder.mkdir(parents=True, exist_ok=True)
        manifest = folder / "run.json"
        words = json.dumps(identity, indent=1, sort_keys=True)
        if manifest.is_file() and json.loads(manifest.read_text(encoding="utf-8")) != json.loads(words):
            raise InputError(
                text("folder '{folder}' holds the draws of another run", folder=str(folder)),
                where=str(manifest),
                fix=text("Give an empty folder, or the same scenario, seed, draws and last quarter to go on"),
            )
        if not manifest.is_file():
            _replace(manifest, words.encode())

    @staticmethod
    def fingerprint(*things: object) -> str:
        """A short digest of what a run depends on."""
        return hashlib.sha256(repr(things).encode()).hexdigest()[:16]

    def path(self, block: int) -> Path:
        """Where the part of a block lies."""
        return self.folder / f"part-{block:06d}.parquet"

    def has(self, block: int) -> bool:
        """Whether the part is complete."""
        return self.path(block).is_file()

    def write(self, block: int, values: dict[str, Array], quarters: tuple[str, ...]) -> None:
        """One row per draw and quarter, one column per quantity."""
        import polars

        draws = next(iter(values.values())).shape[1]
        frame = polars.DataFrame(
            {
                "draw": np.repeat(np.arange(block * BLOCK, block * BLOCK + draws, dtype=np.int64), len(quarters)),
                "quarter": np.tile(np.array(quarters), draws),
                **{name: rows.T.reshape(-1) for name, rows in sorted(values.items()) if rows.shape[0] == len(quarters)},
            }
        )
        half = self.path(block).with_suffix(".half")
        frame.write_parquet(half)
        half.replace(self.path(block))

    def read(self, block: int, names: tuple[str, ...], quarters: int) -> dict[str, Array]:
        """The part of a block as the engine gives it."""
        import polars

        frame = polars.read_parquet(self.path(block), columns=list(names))
        return {name: frame[name].to_numpy().reshape(-1, quarters).T.copy() for name in names}


def _replace(path: Path, content: bytes) -> None:
    half = path.with_suffix(".half")
    half.write_bytes(content)
    half.replace(path)
