"""What must be in memory: a budget of terms, each with its bytes, the formula that gave them and where it lies.

Serving, training, fine-tuning and the memory table build the same :class:`Budget`: terms of the fullest chip against the
memory that a program can use. The verdict follows from the numbers printed beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from chipwall.catalog.records import Chip
from chipwall.perf.amount import number_of, words_of
from chipwall.text import Text, text
from chipwall.units import GIB, GIGA

__all__ = ["GUARD", "Budget", "FitVerdict", "Term", "budget_of", "memory_term", "usable_memory"]

FitVerdict = Literal["fits", "tight", "does not fit"]
# Published peaks of training lie within 10 % of the estimate in most cases: closer to the room than that is "tight" [1].
GUARD = 0.10


@dataclass(frozen=True, slots=True)
class Term:
    """One line of a budget.

    Attributes
    ----------
    key : str
        ``weights``, ``cache``, ``state``, ``engine`` and so on; the same in every command.
    name : Text
        What it is called.
    bytes : float
        On the fullest chip [byte]; of the whole group where ``scope`` says so.
    formula : Text
        The arithmetic, with its numbers.
    scope : str
        ``chip``, or ``group`` for what the chips of a group hold together.
    low, high : float
        80 % interval of a term that is fitted; the bytes themselves for one that is arithmetic [byte].
    where : str
        ``chip``, or ``host`` for what is kept in the memory of the host: no part of the need.
    """

    key: str
    name: Text
    bytes: float
    formula: Text
    scope: Literal["chip", "group"] = "chip"
    low: float = float("nan")
    high: float = float("nan")
    where: Literal["chip", "host"] = "chip"

    def as_json(self) -> dict[str, Any]:
        """Plain values, the unit in the field name."""
        sure = self.low != self.low
        return {
            "part": self.key, "name": self.name, "bytes": self.bytes, "formula": self.formula, "scope": self.scope,
            "where": self.where, "low_bytes": self.bytes if sure else self.low, "high_bytes": self.bytes if sure else self.high,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Budget:
    """Terms of the fullest chip against its room.

    Attributes
    ----------
    terms : tuple of Term
        What must be held, on the chip or on its host.
    room : float
        Memory of one chip that may be used [byte].
    formula : Text
        How the room is counted.
    surely, most : float
        Needs up to the first fit for sure, up to the second perhaps [byte]: how far the need or the room may be wrong.
    """

    terms: tuple[Term, ...]
    room: float
    formula: Text
    surely: float
    most: float

    @property
    def need(self) -> float:
        """What one chip must hold [byte]."""
        return sum(t.bytes for t in self.terms if t.where == "chip")

    @property
    def free(self) -> float:
        """What is left on one chip [byte]; negative where it does not fit."""
        return self.room - self.need

    @property
    def short(self) -> float:
        """What is missing on one chip [byte]; 0 where it fits."""
        return max(-self.free, 0.0)

    @property
    def on_host(self) -> float:
        """What each chip keeps in the memory of its host [byte]."""
        return sum(t.bytes for t in self.terms if t.where == "host")

    @property
    def verdict(self) -> FitVerdict:
        """``fits``, ``tight`` (less is left than need and room may be wrong by) or ``does not fit``."""
        return "does not fit" if self.need > self.room else "tight" if self.need > self.surely else "fits"

    def bytes_of(self, key: str) -> float:
        """Bytes on the chip of the terms of that key [byte]; 0 where there is none."""
        return sum(t.bytes for t in self.terms if t.key == key and t.where == "chip")

    def as_json(self) -> dict[str, Any]:
        """Plain values, bytes per chip."""
        return {
            "terms": [t.as_json() for t in self.terms], "need_bytes_per_chip": self.need, "room_bytes_per_chip": self.room,
            "free_bytes_per_chip": self.free, "host_bytes_per_chip": self.on_host, "verdict": self.verdict,
            "fits_up_to_bytes": self.surely, "perhaps_up_to_bytes": self.most, "room_formula": self.formula,
        }  # fmt: skip


def memory_term(key: str, name: Text, amount: Any, **more: Any) -> Term:
    """A term from an :class:`~chipwall.perf.amount.Amount`: its number and its words."""
    return Term(key, name, float(number_of(amount)), words_of(amount), **more)


def budget_of(
    terms: Iterable[Term], room: float, formula: Text, *, surely: float | None = None, most: float | None = None
) -> Budget:
    """A budget without the terms that hold nothing; by default the need may be wrong by :data:`GUARD` of the room."""
    kept = tuple(t for t in terms if t.bytes)
    low = room * (1.0 - GUARD) if surely is None else surely
    return Budget(kept, room, formula, low, room * (1.0 + GUARD) if most is None else most)


def usable_memory(chip: Chip) -> tuple[float, Text]:
    """Memory that the device reports [byte], and how it is known.

    What the device tool reports where that is published. Else the marketed gigabytes, read as GiB less one percent for
    HBM parts (an "80 GB" H100 reports 79.65 GiB; AMD's 288 GB leave 287.2 GiB to a program), as GiB less half a percent
    for GDDR on cards outside the data centre (a "24 GB" RTX 3090 reports 24.00 GiB, a "32 GB" RTX 5090 31.84), and as they
    stand for other memory: error correction takes a data-centre GDDR card down to about that (a "24 GB" A10: 22.49 GiB).
    """
    reported = chip.value("memory_reported")
    if reported is not None:
        return reported, text("as the device tool reports it")
    marketed = chip.require("memory_capacity")
    if chip.is_hbm and chip.vendor.lower() == "amd":
        return marketed / GIGA * GIB * 0.997, text("marketed GB read as GiB, as parts of AMD report")
    if chip.is_hbm:
        return marketed / GIGA * GIB * 0.99, text("marketed GB read as GiB less 1 %, as HBM parts report")
    kept = chip.fact("data_centre")
    if chip.word("memory_type").startswith("GDDR") and kept is not None and kept.value is False:
        return marketed / GIGA * GIB * 0.995, text("marketed GB read as GiB less 0.5 %, as GDDR cards report")
    return marketed, text("marketed capacity")
