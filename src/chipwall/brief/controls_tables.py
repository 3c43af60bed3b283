"""The answers of the law as tables and plain records, for the command line, pages and the brief."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from chipwall.brief.tables import Column, Table
from chipwall.controls.draft import Crossing
from chipwall.controls.law import Coverage, Event
from chipwall.controls.measures import plain
from chipwall.controls.records import Comparison, Decision
from chipwall.controls.views import LawChange, Region, Turn, WallPoint
from chipwall.text import Text, text

__all__ = [
    "compare_table",
    "coverage_lines",
    "crossings_table",
    "decision_answer",
    "decision_tables",
    "differences_tables",
    "timeline_table",
    "wall_tables",
    "words",
]

_WORDS: Mapping[str, Text] = {
    "not_3A090": text("not in 3A090"),
    "unknown": text("unknown"),
    "n/a": text("not applicable"),
    "conditional": text("conditional on a rule that is not verified"),
    "required": text("required"),
    "exception_available": text("required, but an exception covers it"),
    "required_by_letter": text("required by a letter to the vendor"),
    "not_required": text("not required"),
    "presumption_of_denial": text("presumption of denial"),
    "case_by_case": text("case by case"),
    "presumption_of_approval": text("presumption of approval"),
    "not_stated": text("not stated"),
    "licences_being_issued": text("licences are being issued"),
    "": text("none"),
    "nothing_reported": text("nothing reported"),
    "not_asked": text("not asked"),
    "blocked": text("blocked"),
    "discouraged": text("discouraged"),
    "conditional_import": text("conditional"),
    "domestic": text("domestic part"),
    "barred_in_state_funded": text("barred in state-funded data centres"),
    "export": text("export"),
    "reexport": text("reexport"),
    "in_country": text("transfer inside the country"),
    "us_import": text("import into the United States"),
}
_OPERANDS: Mapping[str, Text] = {
    "tpp": text("TPP"),
    "performance_density": text("performance density"),
    "memory_density": text("memory bandwidth density"),
    "dram_bandwidth": text("DRAM bandwidth"),
    "io_rate": text("I/O rate"),
    "dram_plus_io": text("DRAM bandwidth plus I/O rate"),
    "datacenter": text("for data centres"),
    "transistors": text("transistors"),
    "hbm": text("high-bandwidth memory"),
    "aggregate_tpp_share": text("TPP shipped to China over TPP shipped to US customers"),
    "us_available": text("commercially available in the US"),
}


def words(token: str) -> Text:
    """A word of the answer vocabulary as people say it; a class stays as the law writes it."""
    return _WORDS.get(token, Text.of(token))


def _truth(result: bool | None) -> Text:
    return text("cannot tell") if result is None else text("yes") if result else text("no")


def _number(value: Decimal | bool | None) -> str:
    if value is None:
        return text("unknown")
    return plain(value) if isinstance(value, Decimal) else _truth(value)


def decision_tables(decision: Decision) -> tuple[Table, Table, Table]:
    """The answer in one table, then the tests with numbers, then the tests without."""
    journey = decision.journey
    title = text(
        "{item}: {activity}, {exporter} to {destination}, {day}",
        item=decision.item.name,
        activity=words(journey.activity),
        exporter=journey.exporter or "?",
        destination=journey.destination,
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
        tuple((Text.of(f.topic), _truth(f.result), f.says, f.citation) for f in decision.findings),
    )
    return answer, tests, findings


def _answer_rows(decision: Decision) -> list[tuple[object, ...]]:
    duty, share, gate = decision.duty, decision.revenue_share, decision.cn_import
    also = ", ".join(decision.also)
    eccn = words(decision.eccn) if not also else text("{eccn}, hence {also}", eccn=decision.eccn, also=also)
    named = [
        text("{name}: {state}, {why}", name=name, state=_availability(available), why=why)
        for name, available, why in _grouped_exceptions(decision)
    ]
    rows: list[tuple[object, ...]] = [
        (text("Classification"), eccn),
        (text("Licence, as enforced"), words(decision.licence.as_enforced)),
        (text("Licence, on the books"), words(decision.licence.on_books)),
    ]
    rows += [(text("Exception") if i == 0 else "", line) for i, line in enumerate(named)]
    rows += [
        (text("Review policy"), words(decision.review_policy)),
        (text("Duty"), _duty_line(decision)),
        (
            text("Revenue share"),
            text("{pct} percent, paid by {payer}: {why}", pct=share.pct, payer=share.payer, why=share.why)
            if share.pct
            else text("none"),
        ),
        (
            text("China's own gate"),
            text("{status} ({evidence}): {says}", status=_gate(gate.status), evidence=gate.evidence, says=gate.says)
            if gate.evidence
            else gate.says,
        ),
        (text("Flags"), ", ".join(decision.flags) or text("none")),
    ]
    return rows


def _gate(status: str) -> Text:
    return words("conditional_import" if status == "conditional" else status)


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


def _duty_line(decision: Decision) -> Text:
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


def _clause_row(tests: Sequence[Comparison]) -> tuple[object, ...]:
    """One clause: every test with its numbers, whether all hold, and the margin that decides."""
    compared = [
        text(
            "{operand} {value} {operator} {limit}",
            operand=_OPERANDS.get(test.operand, Text.of(test.operand)),
            value=_number(test.value),
            operator=test.operator,
            limit=_number(test.limit),
        )
        for test in tests
    ]
    joined: Text = compared[0]
    for more in compared[1:]:
        joined = text("{first}, {second}", first=joined, second=more)
    results = [test.result for test in tests]
    met = False if False in results else None if None in results else True
    ratios = [test for test in tests if test.margin_ratio is not None and (met or test.result is False)]
    # a clause that holds is as safe as its closest test; one that fails is as far off as its worst
    pick = min if met else max
    closest = pick(ratios, key=lambda test: abs(test.margin_ratio or Decimal(0)), default=None)
    return tests[0].paragraph, joined, _truth(met), _margin(closest), tests[-1].citation


def _margin(test: Comparison | None) -> str:
    """Operand minus limit, with the same in percent of the limit."""
    if test is None or test.margin is None or test.margin_ratio is None:
        return "-"
    sign = "+" if test.margin >= 0 else ""
    return f"{sign}{plain(round(test.margin, 4))} ({sign}{test.margin_ratio.scaleb(2):.1f} %)"


def coverage_lines(coverage: Coverage) -> tuple[Text, ...]:
    """The box: not advice, how far the text was read, what is modelled and what is not."""
    return (
        text(
            "{not_advice} Text read to {verified}, audited to {audited}.",
            not_advice=Text.of(coverage.not_advice),
            verified=coverage.verified_to.isoformat(),
            audited=coverage.audited_to.isoformat(),
        ),
        text("Modelled: {list}.", list="; ".join(coverage.modelled)),
        text("Not modelled: {list}.", list="; ".join(coverage.not_modelled)),
    )


def decision_answer(decision: Decision, coverage: Coverage) -> dict[str, object]:
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
        "unknowns": decision.unknowns,
        "trace": decision.trace,
        "findings": decision.findings,
        "citations": decision.citations,
        "rule_states": decision.states,
        "horizon": decision.horizon,
        "coverage": coverage,
    }


def timeline_table(turns: Sequence[Turn], *, name: str, destination: str) -> Table:
    """One row per change of the answer."""
    rows: list[tuple[object, ...]] = []
    for turn in turns:
        shown = turn.changed or (
            ("classification", "", turn.decision.eccn),
            ("licence as enforced", "", turn.decision.licence.as_enforced),
        )
        for i, (what, before, after) in enumerate(shown):
            change = text("{before} → {after}", before=words(before), after=words(after)) if before else words(after)
            why = "; ".join(turn.why) if i == 0 else ""
            rows.append((turn.on.isoformat() if i == 0 else "", Text.of(what), change, why))
    return Table(
        text("{item} to {destination}: days on which the answer changes", item=name, destination=destination),
        (
            Column("on", text("Day")),
            Column("what", text("What changes")),
            Column("change", text("From and to")),
            Column("why", text("What the law did")),
        ),
        tuple(rows),
    )


def compare_table(decisions: Sequence[Sequence[Decision]], *, on: date) -> Table:
    """Chips down, destinations across; each cell is the licence answer as enforced, with policy where one is needed."""
    columns = [Column("chip", text("Chip")), Column("eccn", text("Class"))]
    columns += [Column(d.journey.destination, d.journey.destination) for d in decisions[0]]
    rows = []
    for line in decisions:
        cells: list[object] = [line[0].item.name, words(line[0].eccn)]
        for decision in line:
            licence, policy = words(decision.licence.as_enforced), decision.review_policy
            names = ", ".join(decision.exception_names)
            if decision.licence.as_enforced == "exception_available":
                cells.append(text("exception {names}", names=names))
            else:
                cells.append(text("{licence}; {policy}", licence=licence, policy=words(policy)) if policy else licence)
        rows.append(tuple(cells))
    note = text("Each end user is taken as headquartered at the destination. Licence as enforced; then review policy.")
    return Table(
        text("Licence by chip and destination, {day}", day=on.isoformat()), tuple(columns), tuple(rows), (note,)
    )


def differences_tables(changes: Sequence[LawChange], events: Sequence[Event]) -> tuple[Table, Table]:
    """What reads differently, and what happened in between."""
    change_table = Table(
        text("What changed in law"),
        (
            Column("on", text("Day")),
            Column("kind", text("Kind")),
            Column("title", text("Rule or limit")),
            Column("before", text("Before")),
            Column("after", text("After")),
            Column("citation", text("Citation")),
        ),
        tuple((c.on.isoformat(), Text.of(c.kind), c.title, c.before, c.after, c.citation) for c in changes),
    )
    event_table = Table(
        text("Events in between"),
        (
            Column("on", text("Day")),
            Column("actor", text("Who")),
            Column("event", text("What")),
            Column("citation", text("Citation")),
        ),
        tuple((e.on.isoformat(), e.actor, e.title, e.citation) for e in events),
    )
    return change_table, event_table


def crossings_table(crossings: Sequence[Crossing], *, title: str, asked: int) -> Table:
    """Chips that a draft moves, with the test that decides."""
    rows = []
    for crossing in crossings:
        test, before, after = crossing.decisive, crossing.before, crossing.after
        row: tuple[object, ...] = ("-",) * 5
        if test:
            operand = _OPERANDS.get(test.operand, Text.of(test.operand))
            limit = f"{test.operator} {_number(test.limit)} {test.unit}".strip()
            row = (test.paragraph, operand, _number(test.value), limit, _margin(test))
        rows.append(
            (
                crossing.name,
                text("tighter") if crossing.caught else text("looser"),
                text("{eccn}, {licence}", eccn=words(before.eccn), licence=words(before.licence.as_enforced)),
                text("{eccn}, {licence}", eccn=words(after.eccn), licence=words(after.licence.as_enforced)),
                *row,
            )
        )
    return Table(
        title,
        (
            Column("chip", text("Chip")),
            Column("direction", text("Direction")),
            Column("before", text("Law")),
            Column("after", text("Draft")),
            Column("clause", text("Clause")),
            Column("operand", text("Measured")),
            Column("value", text("Value"), right=True),
            Column("limit", text("Limit"), right=True),
            Column("margin", text("Margin"), right=True),
        ),
        tuple(rows),
        (text("{crossed} of {asked} chips cross.", crossed=len(crossings), asked=asked),),
    )


def wall_tables(points: Sequence[WallPoint], areas: Sequence[Region], *, x: str, y: str) -> tuple[Table, Table]:
    """The numbers behind one wall chart: chips, then regions."""
    across, up = _OPERANDS[x], _OPERANDS[y]
    chips = Table(
        text("Chips: {x} against {y}", x=across, y=up),
        (
            Column("chip", text("Chip")),
            Column(x, across, right=True),
            Column(y, up, right=True),
            Column("eccn", text("Class")),
            Column("status", text("Status")),
        ),
        tuple((p.name, _number(p.x), _number(p.y), words(p.eccn), Text.of(p.status)) for p in points),
    )
    regions = Table(
        text("Regions"),
        (
            Column("clause", text("Clause")),
            Column("x_from", text("{x} from", x=across), right=True),
            Column("x_to", text("to"), right=True),
            Column("y_from", text("{y} from", y=up), right=True),
            Column("y_to", text("to"), right=True),
            Column("citation", text("Citation")),
        ),
        tuple((r.clause, _edge(r.x_from), _edge(r.x_to), _edge(r.y_from), _edge(r.y_to), r.citation) for r in areas),
    )
    return chips, regions


def _edge(value: Decimal | None) -> str:
    return "-" if value is None else plain(value)
