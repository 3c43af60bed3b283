"""The section on what is said about a chip: which sentences hold, which do not, and where."""

from __future__ import annotations

from collections.abc import Sequence

from chipwall.catalog.records import Chip
from chipwall.claims.evaluate import evaluated
from chipwall.claims.library import Library
from chipwall.claims.load import claims_about, shipped_claims
from chipwall.claims.records import Verdict
from chipwall.report.forms.document import Section
from chipwall.report.pages.claims import claim_table
from chipwall.text import Text, text

__all__ = ["claims_section"]

# Simulations take seconds and have their own section; a page about one chip leaves claims about the future to it.
_SIMULATED = ("scenario_value", "scenario_difference", "scenario_ratio", "scenario_growth")


def claims_section(chip: Chip, known: Library, *, lang: str) -> tuple[Text, Section]:
    """The sentence for the first page, and the section: every shipped claim that names the chip, checked."""
    asked = [c for c in claims_about(chip.id, shipped_claims(known), known) if c.quantity not in _SIMULATED]
    verdicts = evaluated(asked, known)
    title = text("What is said about it, checked")
    if not verdicts:
        nothing = text("No claim about {chip} is among those that come with the package.", chip=chip.name)
        return nothing, Section("claims", title, (nothing,))
    table = claim_table(verdicts, lang=lang)
    sentences = (
        text("A claim holds only where the whole interval of the computed number says so."),
        text("Check your own: chipwall claim check FILE.toml"),
    )
    return _sentence(verdicts), Section("claims", title, sentences, (table,))


def _sentence(verdicts: Sequence[Verdict]) -> Text:
    counted = {
        answer: sum(v.answer == answer for v in verdicts)
        for answer in ("supported", "contradicted", "depends", "cannot tell")
    }
    return text(
        "Of {count} claims about it {supported} hold, {contradicted} are false, {depends} depend on conditions and "
        "{unknown} cannot be told.",
        count=len(verdicts),
        supported=counted["supported"],
        contradicted=counted["contradicted"],
        depends=counted["depends"],
        unknown=counted["cannot tell"],
    )
