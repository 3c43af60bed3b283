"""The claims that come with the package."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from chipwall.claims.library import Library
from chipwall.claims.parse import claims_of_text
from chipwall.claims.readings.series import SEPARATOR
from chipwall.claims.records import Claim

__all__ = ["claims_about", "shipped_claims"]


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
