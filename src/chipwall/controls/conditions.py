"""What must hold for a policy to be the one named: the certifications of January 2026, each with what is known of it."""

from __future__ import annotations

from chipwall.controls.context import Context, LegalOutcome
from chipwall.controls.logic import Truth
from chipwall.controls.measures import plain_decimal
from chipwall.controls.records import Condition
from chipwall.text import Text, text

__all__ = ["CERTIFICATIONS", "conditions"]

_SUPPLEMENT = "91 FR 1684; 748 Supp. 2 (dd)"
NOT_ASKED = text("the exporter's own file; not known here")
# id and words of each certification, in the order of the rule as stored analyses tell it
CERTIFICATIONS: tuple[tuple[str, Text], ...] = (
    ("available", text("commercially available in the United States on 2026-01-15")),
    ("supply", text("enough supply in the United States, and no order from there delayed")),
    ("foundry", text("no foundry capacity diverted from similar or more advanced products for the United States")),
    (
        "share",
        text("TPP shipped of this product to China and Macau at most half of that to US customers for US end use"),
    ),
    ("end-use", text("no military, military-intelligence or other prohibited end use or end user")),
    ("kyc", text("the consignee screens its customers and bars unauthorised remote access")),
    (
        "remote",
        text("a provider of computing as a service lists remote users seated in the countries named by the rule"),
    ),
    ("weights", text("no transfer of model weights to users who were not disclosed")),
    ("security", text("the recipient shows security procedures at the site")),
    (
        "test",
        text("an independent laboratory seated in the United States tests every shipment inside the United States"),
    ),
    (
        "laboratory",
        text("the laboratory is not held by parties of Macau or D:5, and BIS has not withdrawn its consent"),
    ),
)


def conditions(context: Context, found: LegalOutcome) -> tuple[Condition, ...]:
    """The checklist behind the review policy of an answer; empty where the policy hangs on no condition."""
    if "needs_certifications" in found.flags:
        return tuple(Condition(id, says, *_known(id, context), _SUPPLEMENT) for id, says in CERTIFICATIONS)
    if found.licence == "exception_available":
        return tuple(
            Condition(
                f"exception {answer.name}",
                text("{name}: its own conditions", name=answer.name),
                None,
                answer.why,
                answer.citation,
            )
            for answer in found.exceptions
            if answer.available
        )
    return ()


def _known(condition: str, context: Context) -> tuple[Truth, str]:
    """Whether a certification holds as far as the question and the catalogue tell."""
    journey, item = context.journey, context.item
    if condition == "available":
        if journey.us_available is not None:
            return journey.us_available, text("as given")
        return item.us_available, item.us_available_why or text("not known")
    if condition == "share":
        share = journey.aggregate_tpp_share
        if share is None:
            return None, text("no ledger given (chipwall controls ledger FILE.csv)")
        limit = context.limit("review2026-share").value
        return share <= limit, text(
            "{share} of {limit} allowed", share=plain_decimal(share), limit=plain_decimal(limit)
        )
    if condition == "end-use" and context.party is not None and context.listed is False:
        return None, text("{name} is on no list of the table; its end use was not asked", name=context.party.name)
    return None, NOT_ASKED
