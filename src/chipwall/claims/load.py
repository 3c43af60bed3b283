"""The claims that come with the package, and what they are checked against: the one place of this room that opens a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from chipwall.claims.library import Library
from chipwall.claims.measured import Published, published_of
from chipwall.claims.parse import claims_of_text
from chipwall.claims.readings.series import SEPARATOR
from chipwall.claims.records import Claim
from chipwall.files import shipped_toml

__all__ = ["claims_about", "packaged_library", "published", "reader_words", "shipped_claims"]


def packaged_library(**how: Any) -> Library:
    """What comes with the package; the arguments are fields of :class:`~chipwall.claims.library.Library` in its place."""
    from chipwall import catalog
    from chipwall.catalog.series import load_series
    from chipwall.controls.load import law
    from chipwall.market.model.load import load_priors
    from chipwall.market.policy.load import shipped_scenarios
    from chipwall.perf.shipped import shipped

    told: dict[str, Any] = {
        "catalog": catalog.load(),
        "law": law(),
        "book": load_series(),
        "published": published(),
        "ranges": tuple(p.source for p in load_priors().ranges.values()),
        "scenarios": shipped_scenarios(),
        "calibrated": shipped(),
        "words": reader_words(),
    }
    return Library(**{**told, **how})


@cache
def reader_words() -> Mapping[str, Any]:
    """The vocabulary of the reader that comes with the package."""
    return shipped_toml("chipwall.claims.reader", "words.toml")


@cache
def published() -> Published:
    """The shipped tables of measurements, as claims read them."""
    from chipwall import catalog
    from chipwall.perf.evidence.names import measured_chip
    from chipwall.perf.load import measured

    shared = {
        name: float(entry["shared"]) for name, entry in shipped_toml("chipwall.claims", "agreement.toml").items()
    }
    return published_of(
        measured("inference"), measured("hpc"), shared=shared, chip=measured_chip, model=catalog.model
    )


def shipped_claims(world: Library) -> tuple[Claim, ...]:
    """Every shipped claim, by file and then in the order of the file; ids are unique over all files."""
    folder = files("chipwall.claims") / "data"
    names = sorted(f.name for f in folder.iterdir() if f.name.endswith(".toml"))
    return tuple(
        c for name in names for c in claims_of_text((folder / name).read_text(encoding="utf-8"), world, file=name)
    )


def claims_about(chip_id: str, claims: Sequence[Claim], world: Library) -> tuple[Claim, ...]:
    """Those that name a chip: as subject, baseline or upper chip, or through a series that counts it."""

    def names(claim: Claim) -> bool:
        conditions = {**claim.free, **{k: (v,) for k, v in claim.fixed.items()}}
        chips = {claim.subject, claim.baseline, *conditions.get("upper", ())}
        told = [str(o).split(SEPARATOR)[0] for k in ("observation", "over", "from") for o in conditions.get(k, ())]
        return chip_id in chips | {world.book.series[name].chip for name in told if name in world.book.series}

    return tuple(c for c in claims if names(c))
