"""The section on what is said: claims about this chip, each with its verdict and what it rests on."""

from __future__ import annotations

from chipwall.brief.claim_tables import claim_table
from chipwall.brief.report import Section
from chipwall.catalog.load import Catalog
from chipwall.catalog.records import Chip
from chipwall.text import Text, text

__all__ = ["claim_section"]

# Claims that need thousands of simulated draws take longer than a whole brief; the section on the market has their numbers.
_SLOW = "scenario"


def claim_section(chip: Chip, catalog: Catalog, lang: str) -> tuple[Text, Section]:
    """The sentence for the first page, and the section: the shipped claims about this chip."""
    from chipwall.claims.evaluate import evaluated
    from chipwall.claims.load import shipped_claims
    from chipwall.claims.records import VERDICTS
    from chipwall.claims.world import World

    world = World(catalog)
    about = [
        c for c in shipped_claims(world) if chip.id in (c.subject, c.baseline) and not c.quantity.startswith(_SLOW)
    ]
    title = text("What is said of it, and whether it holds")
    if not about:
        said = text("No claim about {chip} is shipped; write one: chipwall claim check FILE.toml", chip=chip.name)
        return said, Section("claims", title, (said,))
    verdicts = evaluated(about, world)
    counts = {answer: sum(v.answer == answer for v in verdicts) for answer in VERDICTS}
    said = text(
        "Of {count} claims about it {supported} are supported, {contradicted} contradicted, {depends} depend on a condition, "
        "{unclear} cannot be told.",
        count=len(verdicts),
        supported=counts["supported"],
        contradicted=counts["contradicted"],
        depends=counts["depends"],
        unclear=counts["cannot tell"],
    )
    return said, Section("claims", title, (said,), (claim_table(verdicts, lang=lang),))
