"""The claims that come with the package."""

from __future__ import annotations

from importlib.resources import files

from chipwall.claims.parse import claims_of_text
from chipwall.claims.records import Claim
from chipwall.claims.world import World

__all__ = ["shipped_claims"]


def shipped_claims(world: World) -> tuple[Claim, ...]:
    """Every shipped claim, by file and then in the order of the file; ids are unique over all files."""
    folder = files("chipwall.claims") / "data"
    names = sorted(f.name for f in folder.iterdir() if f.name.endswith(".toml"))
    return tuple(
        c for name in names for c in claims_of_text((folder / name).read_text(encoding="utf-8"), world, file=name)
    )
