"""What is said about a chip, and whether it is true: counts, a square a sentence, and each sentence with its verdict."""

from __future__ import annotations

from collections.abc import Sequence

from chipwall.catalog.records import Chip
from chipwall.claims.evaluate import evaluated
from chipwall.claims.library import Library
from chipwall.claims.load import claims_about, shipped_claims
from chipwall.claims.records import Verdict
from chipwall.report.forms.charts.chart import Chart, VerdictTally
from chipwall.report.forms.document import Section
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.report.language.numbers import month_words
from chipwall.report.pages.claims import ANSWERS, value_words, where_words
from chipwall.report.pages.claims_charts import said_words
from chipwall.text import Text, text

__all__ = ["claims_section"]

# Simulations take seconds and have their own section; a page about one chip leaves claims about the future to it.
_SIMULATED = ("scenario_value", "scenario_difference", "scenario_ratio", "scenario_growth")
_GROUPS: tuple[tuple[Text, str, tuple[str, ...]], ...] = (
    (text("true"), "supported", ("supported",)),
    (text("true only under conditions"), "depends", ("depends",)),
    (text("false"), "contradicted", ("contradicted",)),
    (text("undecidable"), "open", ("cannot tell", "stale evidence")),
)
_SHORT = 7


def claims_section(chip: Chip, known: Library) -> Section:
    """Every shipped claim that names the chip, checked; seven of them in the short table, all in the details."""
    asked = [c for c in claims_about(chip.id, shipped_claims(known), known) if c.quantity not in _SIMULATED]
    title = text("What is said about it, and is it true?")
    if not asked:
        nothing = text("None of the statements that come with the package is about the {chip}.", chip=chip.name)
        return Section(
            "claims", title, (text("Check an article of your own: chipwall check ARTICLE.txt"),), finding=nothing
        )
    verdicts = evaluated(asked, known)
    finding = _finding(verdicts)
    return Section(
        "claims",
        title,
        (
            text(
                "True: the whole interval of the computed number says so; a sentence inside the interval of its estimate is "
                "undecidable."
            ),
            text("Check an article of your own: chipwall check ARTICLE.txt"),
        ),
        (_table(_telling(verdicts)),),
        (_chart(verdicts, finding),),
        finding=finding,
        details=(_table(verdicts, computed=True),),
    )


def _grouped(verdicts: Sequence[Verdict]) -> list[tuple[Text, str, list[Verdict]]]:
    return [(title, kind, [v for v in verdicts if v.answer in answers]) for title, kind, answers in _GROUPS]


def _finding(verdicts: Sequence[Verdict]) -> Text:
    true, depends, false, open_ = (len(found) for _, _, found in _grouped(verdicts))
    if len(verdicts) == 1:
        verdict = next(title for title, _, found in _grouped(verdicts) if found)
        return text("We checked one public statement about it: {verdict}", verdict=verdict)
    return text(
        "We checked {count} public statements about it: {true} true, {false} false, {depends} true only under conditions, "
        "{open} undecidable",
        count=len(verdicts),
        true=true,
        false=false,
        depends=depends,
        open=open_,
    )


def _telling(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """False ones first, then those that hang on conditions, then the open, then the true, taken in turns."""
    groups = {kind: list(found) for _, kind, found in _grouped(verdicts)}
    kept: list[Verdict] = []
    while len(kept) < _SHORT and any(groups.values()):
        for kind in ("contradicted", "depends", "supported", "open"):
            if groups[kind] and len(kept) < _SHORT:
                kept.append(groups[kind].pop(0))
    return kept


def _chart(verdicts: Sequence[Verdict], finding: Text) -> Chart:
    groups = tuple(
        (title, kind, tuple(said_words(v.claim) for v in found)) for title, kind, found in _grouped(verdicts)
    )
    newest = max((v.claim.said for v in verdicts), default="")
    return Chart(
        "claims",
        finding,
        text("One square a statement; point at it to read it"),
        text(
            "Source: statements of articles and officials, newest {day}; computed by chipwall",
            day=month_words(newest) if newest else "-",
        ),
        VerdictTally(groups),
        _table(verdicts),
    )


def _table(verdicts: Sequence[Verdict], *, computed: bool = False) -> Table:
    rows = []
    for v in verdicts:
        row: list[object] = [
            Cell(said_words(v.claim), v.claim.id),
            Cell(ANSWERS[v.answer], v.answer),
            Cell(
                value_words(v),
                None if len(v.points) > 1 else v.value,
                v.sources,
                calculation=_worked(v),
                low=v.low,
                high=v.high,
            ),
        ]
        rows.append((*row, where_words(v) or (v.claim.by if computed else "")))
    columns = [
        Column("statement", text("What was said")),
        Column("verdict", text("Verdict")),
        Column("value_si", text("Computed"), right=True),
    ]
    columns.append(Column("where", text("Where, or who said it")))
    return Table("", tuple(columns), tuple(rows))


def _worked(v: Verdict) -> str:
    if len(v.points) > 1:
        return text("{count} combinations: chipwall claim show {id}", count=len(v.points), id=v.claim.id)
    reading = v.points[0].reading
    return reading.unknown or reading.calculation
