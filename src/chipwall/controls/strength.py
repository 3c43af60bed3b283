"""How strongly an answer is backed: from the status of the facts and rules that decide it, and their margins."""

from __future__ import annotations

from collections.abc import Sequence

from chipwall.controls.context import Context, LegalOutcome
from chipwall.controls.item import OPERAND_NAMES
from chipwall.controls.records import Comparison
from chipwall.text import Text, text

__all__ = ["decisive_operands", "strength"]

_WEAK = ("reported", "estimated", "unverified", "inferred")


def decisive_operands(trace: Sequence[Comparison]) -> frozenset[str]:
    """Operands of the clauses that are met; where none is, of every clause tried."""
    failed = {comparison.clause for comparison in trace if comparison.result is not True}
    met = frozenset(comparison.operand for comparison in trace if comparison.clause not in failed)
    return met or frozenset(comparison.operand for comparison in trace)


def strength(context: Context, found: LegalOutcome, trace: Sequence[Comparison]) -> tuple[str, tuple[str, ...]]:
    """``sure``, ``likely`` or ``unknown``, and what stands in the way.

    Likely is an answer that rests on a reported or estimated fact (whose band clears every limit), on a mark inferred
    from other facts, on a letter nobody published, on a party that is merely on no list of ours, or on a day after the last
    audit. A number that the caller gave counts as given.
    """
    reasons: list[str] = []
    for operand in sorted(decisive_operands(trace)):
        status = context.item.statuses.get(operand, "")
        if status in _WEAK:
            name = OPERAND_NAMES.get(operand, Text.of(operand))
            reasons.append(text("{quantity} is {status}", quantity=name, status=Text.of(status)))
    if found.licence == "required_by_letter":
        reasons.append(text("the letter is not public; its scope is what a filing or the press says"))
    if context.party is not None and context.listed is False and not context.journey.screened:
        says = text(
            "{name} has no entry in this table of public cases: look into the current lists", name=context.party.name
        )
        reasons.append(says)
    if context.on > context.law.coverage.audited_to:
        reasons.append(text("nothing was audited after {day}", day=context.law.coverage.audited_to))
    if "unknown" in (found.licence, found.eccn) or found.licence == "conditional":
        return "unknown", tuple(reasons)
    return ("likely" if reasons else "sure"), tuple(reasons)
