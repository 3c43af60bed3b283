"""A draft rule as a small difference on the law: new limits, new clauses, repeals. Which chips cross, and by how much.

The file format is described in ``docs/controls.md``; :func:`evaluate_draft` is the engine's door for callers that
search over rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from chipwall.controls.decide import decide
from chipwall.controls.item import is_amount, item_of_chip
from chipwall.controls.law import DatedRecord, Law, Rule
from chipwall.controls.load import parsed_clause
from chipwall.controls.measured import OUTCOMES as OUTCOMES_OF_MEASURES
from chipwall.controls.measured import DraftMeasure
from chipwall.controls.measures import exact_number
from chipwall.controls.records import ACTIVITIES, Comparison, Decision, Journey
from chipwall.errors import InputError
from chipwall.text import Text, listed, text

if TYPE_CHECKING:
    from chipwall.catalog.records import Chip
    from chipwall.controls.logic import Clause

__all__ = ["DRAFT_SHAPE", "Crossing", "Draft", "DraftLimit", "draft_of_document", "drafted_law", "evaluate_draft"]

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
_WORDS = dict.fromkeys(("id", "rule", "family", "outcome", "paragraph", "title", "note"), "word")
DRAFT_SHAPE = {
    "[draft]": {
        **dict.fromkeys(("id", "title", "citation", "source", "note"), "word"),
        "effective": "day",
        "cannot": "words",
    },
    "[[limit]]": {"id": "word", "value": "number", "unit": "word", "title": "word", "note": "word"},
    "[[clause]]": {**_WORDS, "tests": "words"},
    "[[repeal]]": {"clause": "word", "rule": "word", "note": "word"},
    "[[measure]]": {
        **dict.fromkeys(("id", "outcome", "title", "quantity", "paragraph", "note"), "word"),
        **dict.fromkeys(("tests", "classes", "destinations", "groups", "parties", "acts"), "words"),
        "any": "any",
        "headquarters": "flag",
        "days": "number",
        "cap": "number",
    },
}


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft: when it would take effect, its limits, its clauses, and what it ends.

    ``repeals`` are ids of clauses or rules, ``measures`` what the draft asks beside classes and limits, ``source`` where its
    text was read and ``cannot`` what of it this format cannot say.
    """

    id: str
    title: str
    effective: date
    citation: str
    limits: tuple[DraftLimit, ...] = ()
    clauses: tuple[Clause, ...] = ()
    repeals: tuple[str, ...] = ()
    measures: tuple[DraftMeasure, ...] = ()
    source: str = ""
    cannot: tuple[str, ...] = ()


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


def draft_of_document(document: Mapping[str, Any], *, law: Law, where: str) -> Draft:
    """A draft from its parsed document; see :func:`~chipwall.controls.draft_files.read_draft`."""
    problems: list[str] = []
    head = document.get("draft", {})
    if not head.get("id") or not isinstance(head.get("effective"), date):
        problems.append(text("[draft] needs an id and a date 'effective'"))
    problems += [
        text("unknown table '{name}'", name=name)
        for name in document
        if name not in ("draft", "limit", "clause", "repeal", "measure")
    ]
    limits = [limit for table in document.get("limit", ()) if (limit := _limit(table, law, problems))]
    known = set(law.parameters) | {limit.id for limit in limits}
    clauses = [clause for table in document.get("clause", ()) if (clause := _clause(table, known, problems))]
    repeals = tuple(str(table.get("clause") or table.get("rule") or "") for table in document.get("repeal", ()))
    ids = {clause.id for clause in law.clauses} | set(law.rules)
    problems += [text("repeal: no clause or rule '{name}'", name=name) for name in repeals if name not in ids]
    measures = [measure for table in document.get("measure", ()) if (measure := _measure(table, known, law, problems))]
    if not (limits or clauses or repeals or measures) and not head.get("cannot"):
        problems.append(text("the draft changes nothing"))
    if problems:
        raise InputError(
            text("the draft cannot be read: {problems}", problems=listed(problems, sign=";")),
            where=where,
            fix=text("The format is described in docs/controls.md, 'What if'"),
        )
    return Draft(
        id=head["id"],
        title=Text.of(head.get("title", head["id"])),
        effective=head["effective"],
        citation=head.get("citation", "draft"),
        limits=tuple(limits),
        clauses=tuple(clauses),
        repeals=repeals,
        measures=tuple(measures),
        source=head.get("source", ""),
        cannot=tuple(Text.of(words) for words in head.get("cannot", ())),
    )


def _measure(table: Mapping[str, Any], known: set[str], law: Law, problems: list[str]) -> DraftMeasure | None:
    """A measure: an outcome, and for which items, places, parties and acts; ``any`` holds alternatives of tests."""
    name, before = table.get("id") or "?", len(problems)
    where = f"measure {name}"
    problems += [
        text("{where}: unknown field '{field}'", where=where, field=field)
        for field in table
        if field not in DRAFT_SHAPE["[[measure]]"]
    ]
    if table.get("outcome") not in OUTCOMES_OF_MEASURES:
        problems.append(text("{where}: outcome is one of {all}", where=where, all=", ".join(OUTCOMES_OF_MEASURES)))
    problems += [
        text("{where}: unknown country '{code}'", where=where, code=code)
        for code in table.get("destinations", ())
        if code not in law.countries.table
    ]
    problems += [
        text("{where}: unknown party '{name}'", where=where, name=party)
        for party in table.get("parties", ())
        if law.parties.find(party) is None
    ]
    problems += [
        text("{where}: unknown act '{name}'", where=where, name=act)
        for act in table.get("acts", ())
        if act not in ACTIVITIES
    ]
    alternatives = [*([table["tests"]] if table.get("tests") else []), *table.get("any", ())]
    if not all(isinstance(tests, list) and all(isinstance(test, str) for test in tests) for tests in alternatives):
        problems.append(text("{where}: any is a list of lists of tests", where=where))
        return None
    clauses = []
    for index, tests in enumerate(alternatives):
        filled = {"id": f"{name}.{index + 1}", "rule": "draft", "family": where, "outcome": str(table.get("outcome"))}
        clause = parsed_clause({**filled, "paragraph": where, "tests": tests}, where=where, problems=problems)
        if clause is not None:
            clauses.append(clause)
            problems += _unknown_limits(clause, known)
    if len(problems) > before:
        return None
    cap = table.get("cap")
    return DraftMeasure(
        id=name,
        outcome=table["outcome"],
        title=table.get("title", name),
        citation=table.get("paragraph", where),
        clauses=tuple(clauses),
        classes=tuple(table.get("classes", ())),
        destinations=tuple(table.get("destinations", ())),
        groups=tuple(table.get("groups", ())),
        headquarters=bool(table.get("headquarters", False)),
        parties=tuple(table.get("parties", ())),
        acts=tuple(table.get("acts", ())),
        days=table.get("days"),
        cap=None if cap is None else Decimal(cap),
        quantity=table.get("quantity", ""),
    )


def _unknown_limits(clause: Clause, known: set[str]) -> list[str]:
    return [
        text("clause {id}: unknown limit '{limit}'", id=clause.id, limit=test.limit)
        for test in clause.tests
        if test.operator != "is" and test.limit not in known
    ]


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
    problems += _unknown_limits(clause, known)
    return clause


def drafted_law(draft: Draft, *, law: Law) -> Law:
    """The law as it would read with the draft; before the draft's day of effect it is the law as it is."""

    def record(value: Decimal | None, unit: str) -> DatedRecord:
        return DatedRecord(
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
        measures=(*law.measures, *draft.measures),
    )


def evaluate_draft(
    draft: Draft,
    chips: Iterable[Chip],
    on: date,
    *,
    journey: Journey | None = None,
    figures: Mapping[str, Mapping[str, Decimal]] | None = None,
    law: Law,
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
    asked = (*draft.clauses, *(clause for measure in draft.measures for clause in measure.clauses))
    for clause in asked:
        for test in clause.tests:
            if test.operand == "hbm_capacity" and not chip.is_hbm and chip.word("memory_type"):
                found[test.operand] = Decimal(0)  # a part without such memory has none of it
                continue
            fact = chip.fact("memory_capacity" if test.operand == "hbm_capacity" else test.operand)
            if test.operand in OPERANDS or fact is None or test.limit not in law.parameters:
                continue
            value = exact_number(fact, law.parameters[test.limit].records[-1].unit)
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
    "approval_within_allocation",
    "presumption_of_denial",
    "denied_by_draft",
)
_CLASSES = ("not_3A090", "unknown", "3A090.c", "3A090.b", "3A090(2022)", "3A090.a")


def _severity(decision: Decision) -> tuple[int, int, int, Decimal, int]:
    """An order of answers from free to closed, to tell whether a draft tightens."""
    return (
        _LICENCES.index(decision.licence.as_enforced),
        _POLICIES.index(decision.review_policy),
        _CLASSES.index(decision.eccn),
        decision.duty.pct or Decimal(0),
        sum(measure.applies is not False for measure in decision.measures),
    )


def _decisive(before: Decision, after: Decision) -> Comparison | None:
    """The comparison that makes the difference: the one whose truth the draft changed, never merely the nearest.

    A clause that the draft makes true comes first; else one that it makes false, shown with the draft's limit where the
    draft still has it. Of several that turned together, the one with the least margin.
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
    turned = [test for clause in (gained or lost) for test in _turned(old.get(clause, []), new.get(clause, []))]
    if not turned:
        # no clause turned: the draft's own measure did, or a requirement moved without a threshold
        return None
    # a yes-or-no test has no margin: a number comes before it
    return min(turned, key=lambda test: _size(test.margin_ratio))


def _turned(old: list[Comparison], new: list[Comparison]) -> list[Comparison]:
    """The tests of one clause whose truth the draft changed; of a clause that came or went, all of them."""
    if not old or not new:
        return new or old
    before = {(test.operand, test.operator): test.result for test in old}
    return [test for test in new if before.get((test.operand, test.operator)) != test.result] or new


def _distance(crossing: Crossing) -> Decimal:
    return _size(crossing.decisive.margin_ratio if crossing.decisive else None)


def _size(ratio: Decimal | None) -> Decimal:
    return Decimal("Infinity") if ratio is None else abs(ratio)
