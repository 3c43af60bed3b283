"""The answers of the law as tables and plain records, for the command line, pages and the brief."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from chipwall.controls.item import OPERAND_NAMES as OPERANDS
from chipwall.controls.law import Coverage
from chipwall.controls.measures import plain_decimal
from chipwall.controls.records import Book, Comparison, Condition, Decision
from chipwall.report.forms.table import Column, Table
from chipwall.report.pages.law_words import flag_lines, legal_words, place_name
from chipwall.text import Text, listed, text

__all__ = [
    "OPERANDS",
    "condition_table",
    "coverage_lines",
    "decision_record",
    "decision_tables",
    "duty_line",
    "legal_figure",
    "licence_words",
    "margin",
    "policy_words",
    "published_words",
    "strength_line",
    "truth_words",
]


def truth_words(result: bool | None) -> Text:
    """Yes, no, or cannot tell."""
    return text("cannot tell") if result is None else text("yes") if result else text("no")


def legal_figure(value: Decimal | bool | None) -> str:
    """A number, a yes or no, or unknown, as people read it."""
    if value is None:
        return text("unknown")
    return plain_decimal(value) if isinstance(value, Decimal) else truth_words(value)


def decision_tables(decision: Decision) -> tuple[Table, Table, Table]:
    """The answer in one table, then the tests with numbers, then the tests without."""
    journey = decision.journey
    title = text(
        "{item}: {activity}, {exporter} to {destination}, {day}",
        item=decision.item.name,
        activity=legal_words(journey.activity),
        exporter=place_name(journey.exporter or "?"),
        destination=place_name(journey.destination),
        day=decision.on.isoformat(),
    )
    answer = Table(
        title,
        (Column("question", text("Question")), Column("answer", text("Answer"))),
        tuple(_answer_rows(decision)),
        notes=decision.unknowns,
    )
    tests = Table(
        text("Clauses, with the numbers compared"),
        (
            Column("clause", text("Clause")),
            Column("tests", text("Numbers compared")),
            Column("met", text("Met")),
            Column("margin", text("Margin"), right=True),
            Column("citation", text("Citation")),
        ),
        tuple(_clause_row(tests) for tests in _by_clause(decision.trace)),
    )
    findings = Table(
        text("Tests of destination and party"),
        (
            Column("topic", text("Test")),
            Column("result", text("Met")),
            Column("says", text("What was found")),
            Column("citation", text("Citation")),
        ),
        tuple((Text.of(f.topic), truth_words(f.result), f.says, f.citation) for f in decision.findings),
    )
    return answer, tests, findings


def condition_table(decision: Decision) -> Table:
    """What must hold for the policy or exception named, as a checklist with what is known of each."""
    return Table(
        text("What must hold, else {policy}", policy=legal_words("presumption_of_denial"))
        if any(not condition.id.startswith("exception") for condition in decision.conditions)
        else text("What must hold"),
        (
            Column("condition", text("Condition")),
            Column("holds", text("Holds")),
            Column("known", text("What is known")),
            Column("citation", text("Citation")),
        ),
        tuple((c.says, truth_words(c.holds), c.known, c.citation) for c in decision.conditions),
    )


def policy_words(policy: str, conditions: Sequence[Condition]) -> Text:
    """A review policy with what it hangs on: case by case only if the certifications hold."""
    asked = [condition for condition in conditions if not condition.id.startswith("exception")]
    if policy != "case_by_case" or not asked:
        return legal_words(policy)
    return text("case by case if {count} conditions hold, else presumption of denial", count=len(asked))


def licence_words(decision: Decision) -> Text:
    """The licence answer as enforced, with the exception that may spare it."""
    licence = decision.licence.as_enforced
    if licence != "exception_available":
        return legal_words(licence)
    names = decision.exception_names
    if "NAC" in names:
        return text("required unless BIS accepts a NAC notice")
    return text("required unless {names} is used; its conditions are open", names=", ".join(names))


def published_words(decision: Decision) -> Text:
    """The published text in one line: licence, the exception it prints, and policy."""
    book: Book = decision.published
    licence = legal_words(decision.licence.on_books)
    if decision.licence.on_books != "required":
        return licence
    names = [answer.name for answer in book.exceptions if answer.available]
    if names:
        licence = text("required unless {names} is used; its conditions are open", names=", ".join(names))
    policy = policy_words(book.review_policy, decision.conditions)
    return text("{licence}; review: {policy}", licence=licence, policy=policy)


def strength_line(decision: Decision) -> Text:
    """How strongly the answer is backed, and which way an open one leans."""
    line = legal_words(decision.strength)
    if decision.because:
        line = text("{strength}: {reasons}", strength=line, reasons=listed(decision.because, sign=";"))
    lean = decision.leaning
    if lean is not None:
        line = text(
            "{line}; taken at its word, what the catalogue recalls or estimates leans to: {eccn}, licence {licence}",
            line=line,
            eccn=legal_words(lean.eccn),
            licence=legal_words(lean.licence),
        )
    return line


def _answer_rows(decision: Decision) -> list[tuple[object, ...]]:
    share, gate = decision.revenue_share, decision.cn_import
    also = ", ".join(decision.also)
    eccn = legal_words(decision.eccn) if not also else text("{eccn}, hence {also}", eccn=decision.eccn, also=also)
    named = [
        text("{name}: {state}, {why}", name=name, state=_availability(available), why=why)
        for name, available, why in _grouped_exceptions(decision)
    ]
    rows: list[tuple[object, ...]] = [
        (text("Classification"), eccn),
        (text("Licence, enforced today"), licence_words(decision)),
        (text("Licence, required by the text"), published_words(decision)),
    ]
    rows += [(text("Why they differ"), decision.why_differ)] if decision.why_differ else []
    rows += [
        (
            text("If") if i == 0 else "",
            text("{case}: {licence}", case=branch.if_so, licence=legal_words(branch.licence)),
        )
        for i, branch in enumerate(decision.branches)
    ]
    rows.append((text("Strength"), strength_line(decision)))
    rows += [(text("Exception") if i == 0 else "", line) for i, line in enumerate(named)]
    rows += [
        (text("Review policy"), policy_words(decision.review_policy, decision.conditions)),
        (text("Subject to the rules"), _subject(decision)),
        (text("Duty"), duty_line(decision)),
        (
            text("Revenue share"),
            text("{pct} percent {why}, paid by {payer}", pct=share.pct, why=share.why, payer=share.payer)
            if share.pct
            else text("none"),
        ),
        (
            text("China's own gate"),
            text(
                "{status} ({evidence}): {says}",
                status=legal_words(gate.status),
                evidence=legal_words(gate.evidence),
                says=gate.says,
            )
            if gate.evidence
            else gate.says,
        ),
    ]
    notes = flag_lines(decision.flags)
    rows += [(text("Note") if i == 0 else "", line) for i, line in enumerate(notes)]
    rows += [
        (text("Draft") if i == 0 else "", text("{outcome}: {says}", outcome=legal_words(one.outcome), says=one.says))
        for i, one in enumerate(one for one in decision.measures if one.applies is not False)
    ]
    return rows


def _subject(decision: Decision) -> Text:
    subject = decision.jurisdiction
    return text(
        "{truth}: {basis} ({citation})",
        truth=truth_words(subject.subject),
        basis=subject.basis,
        citation=subject.citation,
    )


def _availability(available: bool | None) -> Text:
    return text("not decided") if available is None else text("could apply") if available else text("no")


def _grouped_exceptions(decision: Decision) -> list[tuple[str, bool | None, str]]:
    """Exceptions with one state and one reason on one line; those of the other kind of item left out."""
    other = {"NAC", "ACA"} if decision.item.kind == "memory" else {"HBM"}
    groups: dict[tuple[bool | None, str], list[str]] = {}
    for answer in decision.exceptions:
        if answer.name not in other or answer.available:
            groups.setdefault((answer.available, answer.why), []).append(answer.name)
    return [(", ".join(names), available, why) for (available, why), names in groups.items()]


def duty_line(decision: Decision) -> Text:
    """The duty in words: how much, on which event, paid by whom."""
    duty = decision.duty
    if decision.journey.activity != "us_import":
        return Text.of(duty.why)
    if duty.pct is None:
        return text("unknown, on {event}, paid by {payer}: {why}", event=duty.event, payer=duty.payer, why=duty.why)
    return text(
        "{pct} percent of customs value, on {event}, paid by {payer}: {why}",
        pct=duty.pct,
        event=duty.event,
        payer=duty.payer,
        why=duty.why,
    )


def _by_clause(trace: Sequence[Comparison]) -> list[list[Comparison]]:
    """Comparisons grouped by clause, in order."""
    found: dict[str, list[Comparison]] = {}
    for comparison in trace:
        found.setdefault(comparison.clause, []).append(comparison)
    return list(found.values())


def _compared(test: Comparison) -> Text:
    """One test with its numbers; a question of yes or no is not written as if it were arithmetic."""
    operand = OPERANDS.get(test.operand, Text.of(test.operand))
    value, limit = legal_figure(test.value), legal_figure(test.limit)
    if test.operator == "is":
        return text("{operand}: {value} (asked: {limit})", operand=operand, value=value, limit=limit)
    return text(
        "{operand}: {value} (asked: {operator} {limit})",
        operand=operand,
        value=value,
        operator=test.operator,
        limit=limit,
    )


def _clause_row(tests: Sequence[Comparison]) -> tuple[object, ...]:
    """One clause: every test with its numbers, whether all hold, and the margin that decides."""
    compared = [_compared(test) for test in tests]
    joined: Text = compared[0]
    for more in compared[1:]:
        joined = text("{first}, {second}", first=joined, second=more)
    results = [test.result for test in tests]
    met = False if False in results else None if None in results else True
    ratios = [test for test in tests if test.margin_ratio is not None and (met or test.result is False)]
    # a clause that holds is as safe as its closest test; one that fails is as far off as its worst
    pick = min if met else max
    closest = pick(ratios, key=lambda test: abs(test.margin_ratio or Decimal(0)), default=None)
    return tests[0].paragraph, joined, truth_words(met), margin(closest), tests[-1].citation


def margin(test: Comparison | None) -> str:
    """How far the number lies over or under the limit, and the same in percent of the limit; whatever the limit asks."""
    if test is None or test.margin is None or test.margin_ratio is None:
        return "-"
    if not test.margin:
        return text("at the limit")
    amount, share = plain_decimal(abs(round(test.margin, 4))), f"{abs(test.margin_ratio.scaleb(2)):.1f}"
    if test.margin > 0:
        return text("over by {amount} ({share} %)", amount=amount, share=share)
    return text("under by {amount} ({share} %)", amount=amount, share=share)


def coverage_lines(coverage: Coverage) -> tuple[Text, ...]:
    """The box: not advice, how far the text was read, what is modelled and what is not."""
    return (
        text(
            "{not_advice} Text read to {verified}, audited to {audited}.",
            not_advice=Text.of(coverage.not_advice),
            verified=coverage.verified_to.isoformat(),
            audited=coverage.audited_to.isoformat(),
        ),
        text("Modelled: {list}.", list=listed(coverage.modelled, sign=";")),
        text("Not modelled: {list}.", list=listed(coverage.not_modelled, sign=";")),
    )


def decision_record(decision: Decision, coverage: Coverage) -> dict[str, object]:
    """The decision as a plain record for JSON; numbers stay in the units in which the law prints its limits."""
    item, journey = decision.item, decision.journey
    return {
        "item": {
            "name": item.name,
            "vendor": item.vendor,
            "tpp": item.tpp,
            "performance_density_tpp_per_mm2": item.density,
            "applicable_die_area_mm2": item.die_area,
            "dram_bandwidth_gb_per_s": item.dram_bandwidth,
            "io_rate_gb_per_s": item.io_rate,
            "data_centre": item.datacenter,
            "statuses": item.statuses,
            "provenance": item.provenance,
            "sources": item.sources,
        },
        "journey": journey,
        "on": decision.on,
        "eccn": decision.eccn,
        "also": decision.also,
        "licence": decision.licence,
        "exceptions": decision.exceptions,
        "review_policy": decision.review_policy,
        "duty": decision.duty,
        "revenue_share": decision.revenue_share,
        "cn_import": decision.cn_import,
        "flags": decision.flags,
        "notes": flag_lines(decision.flags),
        "published": decision.published,
        "why_differ": decision.why_differ,
        "conditions": decision.conditions,
        "jurisdiction": decision.jurisdiction,
        "strength": decision.strength,
        "because": decision.because,
        "leaning": decision.leaning,
        "branches": decision.branches,
        "measures": decision.measures,
        "unknowns": decision.unknowns,
        "trace": decision.trace,
        "findings": decision.findings,
        "citations": decision.citations,
        "rule_states": decision.states,
        "horizon": decision.horizon,
        "coverage": coverage,
    }
