"""What training software keeps for each weight: named conventions (``--states``), and what a family does by default.

The bytes stand in ``data/training_states.toml`` with their sources. A convention is a fact about software, not a fit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from chipwall.errors import InputError
from chipwall.perf.load import table
from chipwall.perf.training.memory import Storage, storage_for
from chipwall.text import text

__all__ = ["Habits", "habits_of", "kept_states", "known_states", "stated_storage"]


@lru_cache(maxsize=1)
def _conventions() -> dict[str, dict[str, object]]:
    return dict(table("training_states")["states"])


@dataclass(frozen=True, slots=True)
class Habits:
    """What a family of software does when nobody says otherwise.

    Attributes
    ----------
    states : str
        Convention of full training.
    logit : float
        Bytes per value of the output under the loss [byte].
    recompute : str
        ``full`` or ``none``.
    """

    states: str
    logit: float
    recompute: str


def habits_of(software: str, *, sharded: bool = False) -> Habits:
    """Habits of a family, of Megatron where the family is not known; some keep more where they shard."""
    known = table("training_states")["software"]
    entry = known.get(software, known["megatron"])
    states = entry.get("sharded_states", entry["states"]) if sharded else entry["states"]
    return Habits(str(states), float(entry["logit"]), str(entry["recompute"]))


def known_states() -> tuple[str, ...]:
    """Names of the conventions."""
    return tuple(_conventions())


def stated_storage(precision: str, software: str, states: str, *, sharded: bool) -> Storage:
    """Storage of training all weights: the states asked for, or those of the software, beside a format of the products."""
    storage = storage_for(precision)
    name = states or (habits_of(software, sharded=sharded).states if software else "")
    return kept_states(name, storage) if name else storage


def kept_states(name: str, storage: Storage) -> Storage:
    """A storage with the bytes per weight of a convention.

    Raises
    ------
    InputError
        No convention of that name.
    """
    known = _conventions()
    if name not in known:
        raise InputError(
            text("unknown states '{name}'", name=name),
            where="states",
            fix=text("Use one of: {names}", names=", ".join(known)),
        )
    entry = known[name]
    kept = {field: float(entry.get(field, 0.0)) for field in ("weight", "gradient", "state", "step")}  # type: ignore[arg-type]
    return replace(storage, **kept)
