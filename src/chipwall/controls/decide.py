"""The one door of the law: ``decide(item, journey, on=date)``.

The answer is public text run on public numbers; it is not legal advice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from chipwall.controls.cn import china_gate
from chipwall.controls.conditions import conditions
from chipwall.controls.context import NO_PHRASE, Context, LegalOutcome, World
from chipwall.controls.item import OPERAND_NAMES, item_of_chip, operands, taken_at_its_word
from chipwall.controls.jurisdiction import jurisdiction
from chipwall.controls.law import Law
from chipwall.controls.logic import any_of, clause_met, comparisons
from chipwall.controls.measured import denied
from chipwall.controls.records import (
    ACTIVITIES,
    Book,
    Branch,
    ChinaGate,
    Comparison,
    Decision,
    Duty,
    Item,
    Journey,
    Leaning,
    Licence,
    RevenueShare,
)
from chipwall.controls.strength import decisive_operands, strength
from chipwall.controls.us import in_headings, letter_reaches, outcome
from chipwall.controls.worlds import merged_outcome, worlds
from chipwall.errors import InputError
from chipwall.text import Text, listed, text

if TYPE_CHECKING:
    from chipwall.catalog.records import Chip

__all__ = ["decide"]

# operands that are facts about the item; certifications are claims and never missing
_FACTS = frozenset(OPERAND_NAMES) - {"aggregate_tpp_share", "us_available"}


def decide(item: Item | Chip, journey: Journey, *, on: date, law: Law) -> Decision:
    """What the law says about one item on one journey on one day.

    Parameters
    ----------
    item : Item or Chip
        A catalogue chip, or an :class:`~chipwall.controls.records.Item` of plain numbers.
    journey : Journey
        Activity, exporter country, destination, party, end use.
    on : date
        Day of the export, transfer or customs entry.
    law : Law
        The law it is asked of; a draft applied to it makes another one.

    Returns
    -------
    Decision
        Class, licence on the books and as enforced, exceptions, review policy, duty, revenue share, China's own gate,
        flags, the trace with margins, and what is unknown.

    Raises
    ------
    InputError
        An unknown country, activity or party phrase.

    Limits
    ------
    Text read to 2026-07-23 and audited to 2026-09-25; agrees with all 146 cases of ``tests/controls/cases``. What is not
    modelled stands in ``law.coverage.not_modelled``.

    Examples
    --------
    >>> from chipwall.controls.item import item_of_numbers
    >>> from chipwall.controls.load import law
    >>> part = item_of_numbers("a part", law=law(), datacenter=True, tpp=Decimal(5000))
    >>> decide(part, Journey(destination="CN", headquarters="CN"), on=date(2024, 6, 1)).licence.as_enforced
    'required'
    """
    found_item = item if isinstance(item, Item) else item_of_chip(item, law=law)
    context = _context(found_item, _resolved(journey, law), on, law)
    open_worlds = tuple(dict.fromkeys(worlds(context)))
    outcomes = [outcome(context, world) for world in open_worlds]
    found = merged_outcome(outcomes)
    gate = china_gate(found_item, context.journey, context=context, law=law)
    if gate.status == "blocked":
        found.flags.add("cn_blocked")
    trace = _trace(context, open_worlds)
    unknowns = _unknowns(context, trace, open_worlds, outcomes, found)
    if law.horizon(on) == "after_horizon":
        found.flags.add("after_horizon")
    return _decision(context, found, gate, trace=trace, unknowns=unknowns)


def _context(item: Item, journey: Journey, on: date, law: Law) -> Context:
    """The question with the end user looked up, and its owners added up."""
    phrase = law.phrases.get(journey.party, NO_PHRASE)
    party = None if phrase.phrase or not journey.party else law.parties.find(journey.party)
    owners = list(journey.owners)
    if party is not None:
        owners += [(stake.owner, stake.percent) for stake in party.stakes]
    held = law.parties.owned(owners, on, screened=journey.screened)
    names = [journey.party] if journey.party and party is None and not phrase.phrase else []
    unmatched = () if journey.screened else tuple(names)
    return Context(item, journey, on, law, law.on(on), phrase, party, held, unmatched)


def _resolved(journey: Journey, law: Law) -> Journey:
    """The journey with every country as its code and every word checked."""
    if journey.activity not in ACTIVITIES:
        raise InputError(
            text("unknown activity '{activity}'", activity=journey.activity),
            fix=text("One of: {all}", all=", ".join(ACTIVITIES)),
        )
    for name, percent in journey.owners:
        if not name.strip() or not Decimal(0) < percent <= Decimal(100):
            raise InputError(
                text("'{name}={percent}' is no share of an owner", name=name, percent=percent),
                fix=text("Give a name and a percentage over 0 and up to 100"),
            )
    total = sum((percent for _, percent in journey.owners), Decimal(0))
    if total > Decimal(100):
        raise InputError(
            text("the owners hold {total} percent together", total=total), fix=text("Shares add up to at most 100")
        )

    def code(name: str) -> str:
        return law.countries.resolve(name) if name else ""

    if not journey.destination:
        raise InputError(text("no destination"), fix=text("Name a country, for example CN"))
    return replace(
        journey,
        exporter=code(journey.exporter),
        destination=code(journey.destination),
        headquarters=code(journey.headquarters),
        parent=code(journey.parent),
        packaged_in=code(journey.packaged_in),
    )


def _trace(context: Context, open_worlds: Sequence[World]) -> tuple[Comparison, ...]:
    """Every threshold test that belongs to this item and journey, with numbers and margins.

    A letter that does not reach this journey, and limits of reviews and duties that it does not meet, are left out.
    """
    item, view, journey = context.item, context.view, context.journey
    seats = {world.seats for world in open_worlds}
    families = ["memory", "hbm-exception"] if item.kind == "memory" else ["processor-excluded", "processor"]
    if item.kind == "processor":
        reaching = [
            letter.rule
            for letter in context.law.letters
            if letter.vendor == item.vendor and any(letter_reaches(letter, context, one) for one in seats)
        ]
        families += [family for rule in reaching for family in (rule, f"{rule}.rim")] if context.abroad else []
        if journey.activity == "us_import":
            families.append("duty")
        elif context.destination in ("CN", "MO") and journey.activity == "export" and journey.exporter == "US":
            families += ["review2026", "review2026-certified", "duty"]
        if journey.exporter_role:
            families.append("foundry-rebuttal")
    numbers = operands(item, journey, dram_bandwidth=item.dram_bandwidth, datacenter=item.datacenter)
    return tuple(
        comparison
        for family in families
        for clause in view.family(family)
        for comparison in comparisons(clause, numbers, limits=view.limits, provenance=item.provenance)
    )


def _answers(found: LegalOutcome) -> dict[str, bool]:
    """Per answer, whether it is unknown because worlds differ."""
    return {
        text("classification"): found.eccn == "unknown",
        text("licence"): found.licence == "unknown",
        text("licence on the books"): found.on_books == "unknown",
        text("duty"): found.duty_pct.is_nan(),
        text("review policy"): found.review_policy == "unknown" and found.licence != "conditional",
    }


def _slot_assumed(context: Context, trace: Sequence[Comparison]) -> bool:
    """Whether a letter was read with the slot's rate in place of one that is not known; see ``worlds``."""
    item = context.item
    asked = any(test.operand in ("io_rate", "dram_plus_io") and test.result is None for test in trace)
    return item.datacenter is False and item.io_rate is None and asked


def _unknowns(
    context: Context,
    trace: Sequence[Comparison],
    open_worlds: Sequence[World],
    outcomes: Sequence[LegalOutcome],
    found: LegalOutcome,
) -> tuple[str, ...]:
    """What is missing and changes an answer, and what is not verified; raises the flags that say so."""
    lines: list[str] = []
    differing = [name for name, unknown in _answers(found).items() if unknown]
    spread = [name for name in differing if _spread(name, outcomes)]
    missing = _missing(trace) if spread else []
    if spread and "datacenter" not in missing and _differs(open_worlds, outcomes, "datacenter"):
        missing.append("datacenter")
    if context.unmatched and "unknown" in (found.licence, found.on_books):
        lines.append(_look_up(context))
    if missing:
        answers = listed(Text.of(name) for name in spread)
        lines += [
            text("{what} is not known; it decides: {answers}", what=_missing_name(name), answers=answers)
            for name in missing
        ]
        found.flags.add("spec_unknown")
    if _differs(open_worlds, outcomes, "cpu_dram_counts"):
        found.flags.add("indeterminate_dram_sum")
        lines.append(
            text("whether memory on the package's CPU counts as DRAM bandwidth is not settled, and it decides")
        )
    if spread and context.item.die_area == 0 and context.item.density is None:
        found.flags.add("pd_undefined_planar")
        lines.append(
            text("no die counts as non-planar, so density is undefined; how the rule reads that was not found")
        )
    if len({world.seats for world in open_worlds}) > 1 and len({outcome.licence for outcome in outcomes}) > 1:
        lines.append(
            text("where the end user is headquartered is not given; a seat in Macau or D:5 changes the answer")
        )
    if _slot_assumed(context, trace):
        lines.append(
            text("I/O rate is not known: a part that is not for data centres is taken to have no more than its slot")
        )
    if found.licence == "conditional":
        lines.append(text("the state of a rule on this date is not verified; see the findings"))
    if found.review_policy == "unknown" and "review policy" not in spread:
        lines.append(text("the review policy for this class and date was not read"))
    if context.law.horizon(context.on) == "after_horizon":
        lines.append(
            text(
                "after {day} nothing was audited: rules keep their last known state",
                day=context.law.coverage.audited_to,
            )
        )
        lines += [
            text(
                "not verified on this date: {title} ({citation})",
                title=context.law.rules[rule].title,
                citation=record.citation,
            )
            for rule, record in context.view.records.items()
            if record.state == "scheduled_unverified" and _concerns(rule, context)
        ]
    decisive = decisive_operands(trace)
    if any(context.item.statuses.get(operand) == "estimated" for operand in decisive):
        found.flags.add("spec_estimate")
    lines += [note for operand, note in context.item.notes if operand in decisive]
    return tuple(dict.fromkeys(lines))


def _concerns(rule: str, context: Context) -> bool:
    """Whether a rule that is not verified has anything to do with this question."""
    journey = context.journey
    if rule == "affiliates":
        return bool(journey.owners or journey.party)
    if rule == "supplement-8":
        return context.destination == "AE"
    return rule == "authorised-designers" and bool(journey.exporter_role)


def _look_up(context: Context) -> Text:
    """What to check about a name that no table holds."""
    name = context.unmatched[0]
    near = context.law.parties.near(name)
    also = text(" (near: {names})", names=listed(near)) if near else Text("")
    return text(
        "'{name}' is in no table{near}: check the Consolidated Screening List and its owners, then give it with --screened "
        "or in --parties FILE",
        name=name,
        near=also,
    )


def _spread(name: str, outcomes: Sequence[LegalOutcome]) -> bool:
    """Whether an answer is unknown because worlds differ, not because nobody read the rule."""
    attribute = {
        "classification": "eccn",
        "licence": "licence",
        "licence on the books": "on_books",
        "duty": "duty_pct",
        "review policy": "review_policy",
    }[name]
    return len({getattr(outcome, attribute) for outcome in outcomes}) > 1


def _missing(trace: Sequence[Comparison]) -> list[str]:
    """Operands without a number that some undecided clause of this question asks for."""
    failed = {comparison.clause for comparison in trace if comparison.result is False}
    undecided = {c.operand for c in trace if c.result is None and c.clause not in failed}
    return sorted(undecided & _FACTS)


def _missing_name(operand: str) -> Text:
    """What has to be found out: a density is missing because its area is."""
    if operand == "performance_density":
        return text("performance density (applicable die area)")
    return OPERAND_NAMES[operand]


def _differs(open_worlds: Sequence[World], outcomes: Sequence[LegalOutcome], question: str) -> bool:
    """Whether some answer turns on one yes-or-no question that the worlds settle both ways."""
    answers: dict[object, set[tuple[object, ...]]] = {}
    for world, found in zip(open_worlds, outcomes, strict=True):
        answer = (found.eccn, found.licence, found.on_books, found.review_policy, found.duty_pct)
        answers.setdefault(getattr(world, question), set()).add(answer)
    return len(answers) > 1 and len(set(map(frozenset, answers.values()))) > 1


def _duty(context: Context, found: LegalOutcome) -> Duty:
    """The duty with its event and payer; for an export, what an entry for the required test would cost."""
    record = context.view.records.get("duty232")
    citation = record.citation if record else ""
    if context.journey.activity != "us_import":
        return Duty(
            Decimal(0),
            text("none: nothing enters the United States"),
            text("nobody"),
            _test_entry(context, found),
            citation,
        )
    event, payer = text("entry into the United States"), text("the importer of record")
    if found.duty_pct.is_nan():
        return Duty(None, event, payer, text("a missing number or an open reading decides"), citation)
    if record is None:
        return Duty(Decimal(0), event, payer, text("the duty starts on 2026-01-15"), citation)
    if found.duty_pct:
        why = text("inside a band, and no exempt end use (9903.79.03 to .09) claimed")
        if not context.journey.heading:
            why = text("{why}; assumed: entered under 8471.50, 8471.80 or 8473.30 (set with heading)", why=why)
    elif not in_headings(context):
        why = text("entered under {heading}, which the duty does not name", heading=context.journey.heading)
    else:
        why = text("outside both bands, or an exempt end use (HTSUS 9903.79.02 to .09)")
    if context.law.horizon(context.on) == "after_horizon":
        why = text("{why}; {note}", why=why, note=Text.of(record.note))
    return Duty(found.duty_pct, event, payer, why, citation)


def _test_entry(context: Context, found: LegalOutcome) -> str:
    """What an export costs in duty: nothing, but the test that the 2026 track requires is an entry of its own."""
    if "needs_certifications" not in found.flags or not context.view.binds("duty232"):
        return text("none: an export is no entry into the United States")
    item, view = context.item, context.view
    numbers = operands(item, context.journey, dram_bandwidth=item.dram_bandwidth, datacenter=item.datacenter)
    inside = any_of(clause_met(clause, numbers, view.limits) for clause in view.family("duty"))
    if inside is None:
        return text("none on the export; whether the entry for the required US test is dutiable is unknown")
    if not inside:
        return text("none on the export; the entry for the required US test is outside both bands")
    pct = context.limit("duty-pct").value
    return text(
        "none on the export; {pct} percent on the entry for the required US test, paid by the importer", pct=pct
    )


def _share(context: Context, found: LegalOutcome) -> RevenueShare:
    if not found.revenue_share_pct:
        return RevenueShare(Decimal(0), text("nobody"), text("no share applies"))
    record = context.view.records["revenue-share"]
    return RevenueShare(
        found.revenue_share_pct, text("the vendor"), text("of China revenue (no published instrument)"), record.citation
    )


def _also(item: Item, eccn: str) -> tuple[str, ...]:
    """4A090 for a computer, the .z paragraph for an item classified elsewhere; memory never makes anything .z."""
    if eccn not in ("3A090.a", "3A090.b"):
        return ()
    letter = eccn[-1]
    found = (f"4A090.{letter}",) if item.computer else ()
    return (*found, f"{item.other_eccn.split('.')[0]}.z") if item.other_eccn else found


def _decision(
    context: Context,
    found: LegalOutcome,
    gate: ChinaGate,
    *,
    trace: tuple[Comparison, ...],
    unknowns: tuple[str, ...],
) -> Decision:
    measures = tuple(measure(context, found) for measure in context.law.measures)
    denied(found, measures)
    share, duty = _share(context, found), _duty(context, found)
    checklist = conditions(context, found)
    grade, because = strength(context, found, trace)
    subject = jurisdiction(context, found.eccn)
    texts = [comparison.citation for comparison in trace] + [finding.citation for finding in found.findings]
    texts += [answer.citation for answer in found.exceptions] + [duty.citation, share.citation, gate.citation]
    texts += [condition.citation for condition in checklist]
    return Decision(
        item=context.item,
        journey=context.journey,
        on=context.on,
        eccn=found.eccn,
        also=_also(context.item, found.eccn),
        licence=Licence(found.licence, found.on_books),
        exceptions=found.exceptions,
        review_policy=found.review_policy,
        duty=duty,
        revenue_share=share,
        cn_import=gate,
        flags=tuple(sorted(found.flags)),
        trace=trace,
        findings=tuple(found.findings),
        unknowns=unknowns,
        citations=tuple(dict.fromkeys(citation for citation in texts if citation)),
        states={rule: record.state for rule, record in context.view.records.items()},
        horizon=context.law.horizon(context.on),
        published=Book(found.published_licence, found.published_exceptions, found.published_policy),
        why_differ=_why_differ(context, found),
        conditions=checklist,
        jurisdiction=subject,
        strength=grade,
        because=because,
        leaning=_leaning(context, found),
        branches=_branches(context, found),
        measures=measures,
    )


def _why_differ(context: Context, found: LegalOutcome) -> str:
    """One sentence on why the published text and its enforcement part; empty where they do not."""
    same = {"exception_available": "required"}.get(found.licence, found.licence)
    if context.journey.activity == "us_import" or same == found.on_books:
        return ""
    if "on_books_worldwide_not_enforced" in found.flags:
        return text(
            "AI Diffusion (90 FR 4544) asks for a licence to every country; BIS said on 2025-05-13 that it does not enforce "
            "it, and no rescission was published"
        )
    if found.licence == "required_by_letter":
        return text("no published rule asks for a licence; a private letter to the maker does")
    if found.licence == "conditional":
        return text("the printed text returned on a date by its own terms; whether that was put off is not verified")
    return text("a fact that was not found decides one of the two")


def _leaning(context: Context, found: LegalOutcome) -> Leaning | None:
    """Which way an open answer leans when recalled values and estimates are taken at their word."""
    item = context.item
    if "unknown" not in (found.eccn, found.licence) or not (item.hints or item.bands):
        return None
    guess = replace(context, item=taken_at_its_word(item))
    likely = merged_outcome([outcome(guess, world) for world in dict.fromkeys(worlds(guess))])
    if likely.eccn == "unknown" and likely.licence == "unknown":
        return None
    return Leaning(likely.eccn, likely.licence)


def _branches(context: Context, found: LegalOutcome) -> tuple[Branch, ...]:
    """For an answer that hangs on unverified rules: the answer if they stand by their own terms, and if they do not."""
    if found.licence != "conditional":
        return ()
    branches = []
    for rule, words in _FLIPS.items():
        record = context.view.records.get(rule)
        if record is None or record.state != "scheduled_unverified":
            continue
        for state, says in words:
            records = {**context.view.records, rule: replace(record, state=state)}
            guess = replace(context, view=replace(context.view, records=records))
            answer = merged_outcome([outcome(guess, world) for world in dict.fromkeys(worlds(guess))]).licence
            if answer != "conditional":
                branches.append(Branch(rule, says, answer, record.citation))
    return tuple(branches)


# rules with a scheduled flip: the state either way, and what it means
_FLIPS: dict[str, tuple[tuple[str, str], ...]] = {
    "affiliates": (
        ("in_force", text("the rule returned by its own terms: treat it as in force until you hold an extension")),
        ("stayed", text("the stay was extended: only if you hold the document")),
    ),
    "supplement-8": (
        ("stayed", text("the authorisation lapsed")),
        ("in_force", text("the authorisation was renewed: only if you hold the document")),
    ),
}
