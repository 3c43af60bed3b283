"""A draft rule as a small difference on the law: new limits, new clauses, repeals. Which chips cross, and by how much.

The file format is described in ``docs/controls.md``; :func:`evaluate_draft` is the engine's door for callers that
search over rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipwall.controls.decide import decide
from chipwall.controls.item import is_amount, item_of_chip
from chipwall.controls.law import Law, Record, Rule
from chipwall.controls.load import law as packaged_law
from chipwall.controls.load import parsed_clause
from chipwall.controls.measures import exact
from chipwall.controls.records import Comparison, Decision, Journey
from chipwall.errors import InputError
from chipwall.files import Problems, read_toml, shaped
from chipwall.inputs import quote
from chipwall.text import listed, text

if TYPE_CHECKING:
    from chipwall.catalog.records import Chip
    from chipwall.controls.logic import Clause

__all__ = ["Crossing", "Draft", "DraftLimit", "drafted_law", "evaluate_draft", "read_draft"]

OUTCOMES: Mapping[str, tuple[str, ...]] = {
    "processor": ("3A090.a", "3A090.b"),
    "processor-excluded": ("not_3A090",),
    "review2026": ("case_by_case",),
    "duty": ("band",),
}
OPERANDS = (
    "tpp",
    "performance_density",
    "dram_bandwidth",
    "io_rate",
    "dram_plus_io",
    "datacenter",
    "transistors",
    "hbm",
)


@dataclass(frozen=True, slots=True)
class DraftLimit:
    """A new value of a limit, or a new limit."""

    id: str
    value: Decimal
    unit: str
    title: str


# What a draft may say: by table, the kind of each field.
_SHAPE = {
    "[draft]": {"id": "word", "title": "word", "effective": "day", "citation": "word", "note": "word"},
    "[[limit]]": {"id": "word", "value": "number", "unit": "word", "title": "word", "note": "word"},
    "[[clause]]": dict.fromkeys(("id", "rule", "family", "outcome", "paragraph", "title", "note"), "word") | {"tests": "words"},
    "[[repeal]]": {"clause": "word", "rule": "word", "note": "word"},
}


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft: when it would take effect, its limits, its clauses, and what it ends.

    ``repeals`` are ids of clauses or rules.
    """

    id: str
    title: str
    effective: date
    citation: str
    limits: tuple[DraftLimit, ...] = ()
    clauses: tuple[Clause, ...] = ()
    repeals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Crossing:
    """One chip whose answer a draft changes, with the comparison that decides and its margin.

    Attributes
    ----------
    chip, name : str
        Id and name.
    caught : bool
        True if the draft reaches a part that was free, or tightens; False if it frees or loosens.
    before, after : Decision
        The answers under the law and under the draft.
    decisive : Comparison or None
        The test closest to its limit in the clause that makes the difference; ``margin`` is operand minus limit.
    """

    chip: str
    name: str
    caught: bool
    before: Decision
    after: Decision
    decisive: Comparison | None


def read_draft(path: Path, *, law: Law | None = None) -> Draft:
    """A draft from its TOML file; every problem is reported at once.

    Raises
    ------
    InputError
        The file cannot be read, or a limit, clause or repeal does not resolve.
    """
    law = law or packaged_law()
    words, document = read_toml(path, argument="draft", exact=True)
    problems = Problems(quote(path.name), words, fix=text("The format is described in docs/controls.md, 'What if'"))
    document = shaped(document, _SHAPE, problems)
    problems.stop()
    return draft_of(document, law=law, where=str(path))


def draft_of(document: Mapping[str, Any], *, law: Law, where: str) -> Draft:
    """A draft from its parsed document; see :func:`read_draft`."""
    problems: list[str] = []
    head = document.get("draft", {})
    if not head.get("id") or not isinstance(head.get("effective"), date):
        problems.append(text("[draft] needs an id and a date 'effective'"))
    problems += [
        text("unknown table '{name}'", name=name)
        for name in document
        if name not in ("draft", "limit", "clause", "repeal")
    ]
    limits = [found for table in document.get("limit", ()) if (found := _limit(table, law, problems))]
    known = set(law.parameters) | {limit.id for limit in limits}
    clauses = [clause for table in document.get("clause", ()) if (clause := _clause(table, known, problems))]
    repeals = tuple(str(table.get("clause") or table.get("rule") or "") for table in document.get("repeal", ()))
    ids = {clause.id for clause in law.clauses} | set(law.rules)
    problems += [text("repeal: no clause or rule '{name}'", name=name) for name in repeals if name not in ids]
    if not (limits or clauses or repeals):
        problems.append(text("the draft changes nothing"))
    if problems:
        raise InputError(
            text("the draft cannot be read: {problems}", problems=listed(problems, sign=";")),
            where=where,
            fix=text("The format is described in docs/controls.md, 'What if'"),
        )
    return Draft(
        id=head["id"],
        title=head.get("title", head["id"]),
        effective=head["effective"],
        citation=head.get("citation", "draft"),
        limits=tuple(limits),
        clauses=tuple(clauses),
        repeals=repeals,
    )


def _limit(table: Mapping[str, Any], law: Law, problems: list[str]) -> DraftLimit | None:
    name, value = table.get("id"), table.get("value")
    if not name or isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        problems.append(text("[[limit]] needs an id and a number 'value'"))
        return None
    if not is_amount(Decimal(value)):
        problems.append(text("limit {id}: the value is not an amount", id=name))
        return None
    known = law.parameters.get(name)
    unit = table.get("unit") or (known.records[-1].unit if known else "")
    if not unit:
        problems.append(text("limit {id}: a new limit needs a unit", id=name))
        return None
    if known and unit != known.records[-1].unit:
        problems.append(text("limit {id}: unit is {unit}", id=name, unit=known.records[-1].unit))
    return DraftLimit(name, Decimal(value), unit, table.get("title") or (known.title if known else name))


def _clause(table: Mapping[str, Any], known: set[str], problems: list[str]) -> Clause | None:
    name = table.get("id") or "?"
    filled = {"rule": "draft", "family": "processor", "paragraph": f"draft {name}", **table, "id": name}
    if filled["family"] == "duty":
        filled.setdefault("outcome", "band")
    clause = parsed_clause(filled, where=f"clause {name}", problems=problems)
    if clause is None:
        return None
    if clause.outcome not in OUTCOMES.get(clause.family, ()):
        allowed = "; ".join(f"{family}: {', '.join(outcomes)}" for family, outcomes in OUTCOMES.items())
        problems.append(text("clause {id}: family and outcome must be one of {allowed}", id=name, allowed=allowed))
    problems += [
        text("clause {id}: unknown limit '{limit}'", id=name, limit=test.limit)
        for test in clause.tests
        if test.operator != "is" and test.limit not in known
    ]
    return clause


def drafted_law(draft: Draft, *, law: Law | None = None) -> Law:
    """The law as it would read with the draft; before the draft's day of effect it is the law as it is."""
    law = law or packaged_law()

    def record(value: Decimal | None, unit: str) -> Record:
        return Record(
            value=value,
            unit=unit,
            state="in_force",
            published=draft.effective,
            effective=draft.effective,
            compliance=draft.effective,
            end=None,
            citation=draft.citation,
            source="",
            checked=draft.effective,
            confidence="draft",
            note=draft.title,
        )

    parameters = dict(law.parameters)
    for limit in draft.limits:
        old = parameters.get(limit.id, Rule(limit.id, limit.title, ()))
        earlier = tuple(row for row in old.records if row.effective < draft.effective)
        parameters[limit.id] = replace(old, records=(*earlier, record(limit.value, limit.unit)))
    rule = Rule("draft", draft.title, (record(None, ""),))
    # stricter classes are read first, so a new 3A090.a clause must stand with the others of its class
    order = {"3A090.a": 0, "3A090.b": 1}
    clauses = sorted((*law.clauses, *draft.clauses), key=lambda clause: order.get(clause.outcome, 0))
    return replace(
        law,
        rules={**law.rules, "draft": rule},
        parameters=parameters,
        clauses=tuple(clauses),
        repealed={**law.repealed, **dict.fromkeys(draft.repeals, draft.effective)},
    )


def evaluate_draft(
    draft: Draft,
    chips: Iterable[Chip],
    on: date,
    *,
    journey: Journey | None = None,
    figures: Mapping[str, Mapping[str, Decimal]] | None = None,
    law: Law | None = None,
) -> tuple[Crossing, ...]:
    """Chips whose answer the draft changes on a day, the closest to the line first.

    Parameters
    ----------
    draft : Draft
        The difference on the law.
    chips : iterable of Chip
        Catalogue chips to ask about.
    on : date
        Day of the export; on a day before the draft takes effect nothing crosses.
    journey : Journey
        Where to; China with a Chinese end user unless given.
    figures : mapping
        Performance figures that a clause of the draft may name besides the legal quantities: per chip id, per operand,
        in the unit of the draft's limit. A chip without the figure is unknown, never free. Catalogue quantities
        (``memory_capacity``, ``tdp``, ``fp8_rate``) need no figures.

    Returns
    -------
    tuple of Crossing
        With both answers, and the margin of the test that decides.

    Limits
    ------
    Not validated: a draft is read as written, and no maker redesigns a part in answer to it.
    """
    law = law or packaged_law()
    new = drafted_law(draft, law=law)
    asked = journey or Journey(destination="CN", headquarters="CN")
    found = []
    for chip in chips:
        item = item_of_chip(chip, law=law)
        extra = {**_catalogue_figures(draft, chip, new), **(figures or {}).get(chip.id, {})}
        item = replace(item, figures=extra)
        before, after = decide(item, asked, on=on, law=law), decide(item, asked, on=on, law=new)
        if before.answer == after.answer:
            continue
        decisive = _decisive(before, after)
        found.append(Crossing(chip.id, chip.name, _severity(after) > _severity(before), before, after, decisive))
    return tuple(sorted(found, key=lambda crossing: (not crossing.caught, _distance(crossing))))


def _catalogue_figures(draft: Draft, chip: Chip, law: Law) -> dict[str, Decimal]:
    """Numbers of the catalogue that the draft's clauses name, in the units of its limits."""
    found = {}
    for clause in draft.clauses:
        for test in clause.tests:
            fact = chip.fact(test.operand)
            if test.operand in OPERANDS or fact is None or test.limit not in law.parameters:
                continue
            value = exact(fact, law.parameters[test.limit].records[-1].unit)
            if value is not None:
                found[test.operand] = value
    return found


_LICENCES = ("n/a", "not_required", "exception_available", "unknown", "conditional", "required_by_letter", "required")
_POLICIES = (
    "",
    "presumption_of_approval",
    "licences_being_issued",
    "case_by_case",
    "not_stated",
    "unknown",
    "presumption_of_denial",
)
_CLASSES = ("not_3A090", "unknown", "3A090.c", "3A090.b", "3A090(2022)", "3A090.a")


def _severity(decision: Decision) -> tuple[int, int, int, Decimal]:
    """An order of answers from free to closed, to tell whether a draft tightens."""
    return (
        _LICENCES.index(decision.licence.as_enforced),
        _POLICIES.index(decision.review_policy),
        _CLASSES.index(decision.eccn),
        decision.duty.pct or Decimal(0),
    )


def _decisive(before: Decision, after: Decision) -> Comparison | None:
    """The comparison that makes the difference: closest to its limit among tests whose clause turned.

    A clause that the draft makes true comes first; else one that it makes false, shown with the draft's limit where the
    draft still has it.
    """

    def met(decision: Decision) -> dict[str, list[Comparison]]:
        clauses: dict[str, list[Comparison]] = {}
        for comparison in decision.trace:
            clauses.setdefault(comparison.clause, []).append(comparison)
        return clauses

    old, new = met(before), met(after)

    def holds(side: dict[str, list[Comparison]], clause: str) -> bool:
        return clause in side and all(comparison.result for comparison in side[clause])

    gained = [clause for clause in new if holds(new, clause) and not holds(old, clause)]
    lost = [clause for clause in old if holds(old, clause) and not holds(new, clause)]
    tests = [test for clause in gained for test in new[clause]]
    tests = tests or [test for clause in lost for test in new.get(clause, old[clause])]
    numeric = [test for test in tests if test.margin_ratio is not None]
    if not numeric:
        return tests[0] if tests else None
    return min(numeric, key=lambda test: abs(test.margin_ratio or Decimal(0)))


def _distance(crossing: Crossing) -> Decimal:
    ratio = crossing.decisive.margin_ratio if crossing.decisive else None
    return abs(ratio) if ratio is not None else Decimal("Infinity")
