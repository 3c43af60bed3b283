"""Draws as Parquet, one part per block, so that a run that was killed goes on where it stopped.

A part is named by its content: the name ends in the digest of its bytes, and a part whose bytes have another digest, or
another number of rows than its block, is not read but run again. The folder says which run it holds: scenario, seed, draws,
parameter ranges, data, and the code itself, so that draws of other code are never reused.
"""

from __future__ import annotations

import hashlib
import io
import json
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chipwall.errors import InputError
from chipwall.files import write_whole
from chipwall.inputs import quote
from chipwall.market.model.draws import BLOCK
from chipwall.text import Text, text

__all__ = ["PartFolder", "code_digest"]

Array = NDArray[np.float64]
# What a simulation runs on: the packages whose code and data decide its numbers.
_DECISIVE = ("market", "catalog", "controls", "units.py")


@cache
def code_digest() -> str:
    """Digest of the code and data that a simulation runs on [hex]."""
    root = Path(__file__).parent.parent
    digest = hashlib.blake2b(digest_size=8)
    for name in _DECISIVE:
        place = root / name
        for path in (
            [place] if place.is_file() else sorted(p for p in place.rglob("*") if p.suffix in (".py", ".toml", ".csv"))
        ):
            digest.update(str(path.relative_to(root)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


class PartFolder:
    """A folder of parts with a manifest that says which run they belong to.

    Each part is written under another name and then renamed, so a part that exists is complete; its name holds the digest
    of its content, so a part that was changed is run again.
    """

    def __init__(self, folder: Path, *, identity: dict[str, object]) -> None:
        self.folder, self.identity = folder, {**identity, "code": code_digest()}
        manifest = folder / "run.json"
        words = json.dumps(self.identity, indent=1, sort_keys=True)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            told = json.loads(manifest.read_text(encoding="utf-8")) if manifest.exists() else None
        except (OSError, ValueError, RecursionError) as error:
            why = getattr(error, "strerror", None)
            raise InputError(
                text(
                    "folder '{folder}' cannot hold the draws: {why}",
                    folder=quote(str(folder)),
                    why=Text.of(why) if why else text("run.json is damaged"),
                ),
                where="parquet",
                fix=text("Give an empty folder that may be written"),
            ) from None
        if told is not None and told != json.loads(words):
            raise InputError(
                text("folder '{folder}' holds the draws of another run", folder=quote(str(folder))),
                where=quote(str(manifest)),
                fix=text("Give an empty folder, or the same scenario, seed, draws, last quarter and version to go on"),
            )
        if told is None:
            write_whole(manifest, words, argument="parquet")

    @staticmethod
    def fingerprint(*things: object) -> str:
        """A short digest of what a run depends on."""
        return hashlib.sha256(repr(things).encode()).hexdigest()[:16]

    def path(self, block: int) -> Path | None:
        """Where the sound part of a block lies; None where there is none."""
        for path in sorted(self.folder.glob(f"part-{block:06d}-*.parquet")):
            if path.is_file() and path.stem.rpartition("-")[2] == _digest(path.read_bytes()):
                return path
        return None

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
        content = io.BytesIO()
        frame.write_parquet(content)
        whole = content.getvalue()
        write_whole(self.folder / f"part-{block:06d}-{_digest(whole)}.parquet", whole, argument="parquet")

    def read(self, block: int, names: tuple[str, ...], *, quarters: int, draws: int) -> dict[str, Array] | None:
        """The part of a block as the engine gives it; None where there is no sound part of exactly that size."""
        import polars

        path = self.path(block)
        if path is None:
            return None
        try:
            frame = polars.read_parquet(path, columns=list(names))
        except (OSError, polars.exceptions.PolarsError):
            return None
        if frame.height != quarters * draws or any(not np.isfinite(frame[n].to_numpy()).all() for n in names):
            return None
        return {name: frame[name].to_numpy().reshape(-1, quarters).T.copy() for name in names}


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=8).hexdigest()
