"""What a bill can ask beside classes and limits: deny, certify, notify, hold, cap, for places, parties, acts and items.

A measure holds where all of its tests hold. A test whose number nobody gave is open, and so is the measure: an unknown never
turns into a no.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from chipwall.controls.context import Context, LegalOutcome
from chipwall.controls.item import operands
from chipwall.controls.logic import Clause, Truth, all_of, any_of, clause_met
from chipwall.controls.records import Measured
from chipwall.text import Text, text

__all__ = ["OUTCOMES", "DraftMeasure", "denied"]

OUTCOMES = ("deny", "certify", "notify", "hold", "cap")


@dataclass(frozen=True, slots=True)
class DraftMeasure:
    """One measure of a draft.

    Attributes
    ----------
    outcome : str
        A word of :data:`OUTCOMES`.
    clauses : tuple of Clause
        Tests on the item; one of them must hold. None: every item.
    classes : tuple of str
        Classes reached (``3A090.a``); empty for any.
    destinations, groups : tuple of str
        Countries, and country groups, reached; both empty for any.
    headquarters : bool
        Reaches parties seated there as well, wherever the item goes.
    parties, acts : tuple of str
        Parties by name, and acts (activities of a journey); empty for any.
    days : int or None
        Length of a hold or notice.
    cap, quantity : Decimal or None, str
        The most that may go, and in what (``tpp``, ``units``, ``share``).
    """

    id: str
    outcome: str
    title: str
    citation: str
    clauses: tuple[Clause, ...] = ()
    classes: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    headquarters: bool = False
    parties: tuple[str, ...] = ()
    acts: tuple[str, ...] = ()
    days: int | None = None
    cap: Decimal | None = None
    quantity: str = ""

    def __call__(self, context: Context, found: LegalOutcome) -> Measured:
        """What the measure does to one journey."""
        runs = context.view.runs("draft")
        tests = (
            self._item(context),
            self._class(found),
            self._place(context),
            self._party(context),
            self._act(context),
        )
        applies: Truth = all_of(tests) if runs and context.abroad else False
        return Measured(self.id, self.outcome, applies, self._says(applies), self.citation)

    def _item(self, context: Context) -> Truth:
        if not self.clauses:
            return True
        item = context.item
        numbers = operands(item, context.journey, dram_bandwidth=item.dram_bandwidth, datacenter=item.datacenter)
        return any_of(clause_met(clause, numbers, context.view.limits) for clause in self.clauses)

    def _class(self, found: LegalOutcome) -> Truth:
        if not self.classes or found.eccn in self.classes:
            return True
        return None if found.eccn == "unknown" else False

    def _place(self, context: Context) -> Truth:
        if not (self.destinations or self.groups):
            return True
        seats = (context.journey.headquarters, context.journey.parent) if self.headquarters else ()
        known = context.law.parties.seats(context.party) if context.party and self.headquarters else ()
        places = [context.journey.destination, *(seat for seat in (*seats, *known) if seat)]
        day = context.on
        return any(
            place in self.destinations or any(context.countries.member(place, group, on=day) for group in self.groups)
            for place in places
        )

    def _party(self, context: Context) -> Truth:
        if not self.parties:
            return True
        if not context.journey.party:
            return None
        asked = {party.id for name in self.parties if (party := context.law.parties.find(name))}
        return context.party.id in asked if context.party else None

    def _act(self, context: Context) -> Truth:
        return not self.acts or context.journey.activity in self.acts

    def _says(self, applies: Truth) -> Text:
        says: Text = Text.of(self.title)
        if self.days is not None:
            says = text("{says}, {days} days", says=says, days=self.days)
        if self.cap is not None:
            says = text("{says}, at most {cap} {quantity}", says=says, cap=self.cap, quantity=self.quantity)
        return text("{says} (cannot tell: a number is missing)", says=says) if applies is None else says


def denied(found: LegalOutcome, measures: tuple[Measured, ...]) -> None:
    """Let a denial of the draft decide the answer: surely where it applies, openly where it may."""
    denials = [measure.applies for measure in measures if measure.outcome == "deny"]
    if True in denials:
        found.licence, found.on_books, found.review_policy = "required", "required", "denied_by_draft"
        found.published_licence, found.published_policy = "required", "denied_by_draft"
    elif None in denials and found.licence in ("not_required", "exception_available"):
        found.licence = found.on_books = found.published_licence = "unknown"
