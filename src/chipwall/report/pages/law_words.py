"""The words of the law room as people say them: answers, states, and a sentence for every flag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chipwall.controls.load import law as packaged_law
from chipwall.controls.records import state_text
from chipwall.text import Text, text

__all__ = ["FLAG_LABELS", "flag_lines", "legal_words", "place_name"]

_WORDS: Mapping[str, Text] = {
    "not_3A090": text("not in 3A090"),
    "unknown": text("unknown"),
    "n/a": text("not applicable"),
    "conditional": text("conditional on a rule that is not verified"),
    "required": text("required"),
    "exception_available": text("required, unless an exception that is not automatic is used"),
    "required_by_letter": text("required by a letter to the vendor"),
    "not_required": text("not required"),
    "presumption_of_denial": text("presumption of denial"),
    "case_by_case": text("case by case"),
    "presumption_of_approval": text("presumption of approval"),
    "not_stated": text("not stated"),
    "licences_being_issued": text("licences are being issued"),
    "approval_within_allocation": text("approval until the country's allocation is used, then denial"),
    "denied_by_draft": text("denied by the draft"),
    "": text("none"),
    "none": text("none"),
    "nothing_reported": text("nothing reported"),
    "not_asked": text("not asked"),
    "blocked": text("blocked"),
    "customs_checks": text("checked at the border"),
    "discouraged": text("discouraged"),
    "approved_with_conditions": text("approved with conditions"),
    "domestic": text("domestic part"),
    "barred_in_state_funded": text("barred in state-funded data centres"),
    "export": text("export"),
    "reexport": text("reexport"),
    "in_country": text("transfer inside the country"),
    "us_import": text("import into the United States"),
    "sure": text("sure"),
    "likely": text("likely"),
    "deny": text("denied"),
    "certify": text("to be certified"),
    "notify": text("to be notified"),
    "hold": text("held"),
    "cap": text("capped"),
}
FLAG_LABELS: Mapping[str, Text] = {
    "vendor_letter": text("A private letter to the maker reaches, or may reach, this part."),
    "hq_rule": text(
        "Needed because of where the party or its parent is headquartered, not because of the destination."
    ),
    "uae_named": text("The United Arab Emirates is named in the licence requirement, and the party is not exempt."),
    "supp8_740": text("The party is exempt under Supplement 8 to part 740."),
    "on_books_worldwide_not_enforced": text(
        "The printed text asks for a licence to every country; BIS does not enforce that."
    ),
    "compliance_date_2024-12-31": text("The rule is in effect; exporters must comply from 2024-12-31."),
    "compliance_date_2025-05-15": text("The rule is in effect; exporters were to comply from 2025-05-15."),
    "needs_certifications": text(
        "The policy holds only with the certifications of January 2026; otherwise denial is presumed."
    ),
    "announcement_pending": text("An announcement without legal effect concerned this part on that day."),
    "affiliates_rule": text("The affiliates rule treats the owned party as listed."),
    "affiliates_stayed": text("The affiliates rule is stayed; the ownership stays a red flag."),
    "affiliates_status_unverified": text(
        "Whether the affiliates rule is back is not verified; treat it as in force until you hold an extension."
    ),
    "scheduled_lapse_unverified": text("An authorisation was to lapse; whether it was renewed is not verified."),
    "gp10_named": text("BIS guidance names this part: dealing in it anywhere is a General Prohibition 10 risk."),
    "gp10_class": text("A Chinese design in 3A090: presumed made in violation, a General Prohibition 10 risk."),
    "gp10_analysis_carveout": text("Buying for technical analysis only is carved out of that guidance."),
    "revenue_share_unpublished": text("A share of revenue is reported, with no published instrument."),
    "cn_blocked": text("China is reported to stop this part at its own border."),
    "indeterminate_dram_sum": text("Whether memory on the package's CPU counts is not settled, and it decides."),
    "pd_undefined_planar": text("No die counts for density, so density is undefined."),
    "spec_unknown": text("A number that is not known decides."),
    "spec_estimate": text("A deciding number is an estimate."),
    "part746": text("Part 746 (embargoes) and OFAC apply besides."),
    "entity_listed": text("The end user is on the Entity List: every item subject to the regulations needs a licence."),
    "entity_footnote_1": text("Footnote 1: foreign-made direct products of listed US technology are reached too."),
    "entity_footnote_4": text("Footnote 4: foreign-made direct products for computing are reached too."),
    "entity_footnote_5": text(
        "Footnote 5: foreign-made direct products of chip making are reached too, whatever their US content."
    ),
    "meu_listed": text("A party is on the Military End User List; part 744.21 is to be checked."),
    "sdn_listed": text("A party is blocked by OFAC."),
    "cmic_listed": text(
        "A party is on the list of Chinese military-industrial companies: a red flag, no licence rule."
    ),
    "uvl_listed": text("A party is on the Unverified List: no exceptions, and a statement is needed."),
    "party_unmatched": text("The party is in no table: nothing about it was checked."),
    "ownership_red_flag": text("Listed parties own less than half: a red flag that must be resolved."),
    "ownership_open": text("Who owns the party is not known well enough."),
    "assurance_only": text("Companies were assured of licences; that is no licence."),
    "after_horizon": text("The day lies after the last audit: rules keep their last known state."),
}


def legal_words(token: str) -> Text:
    """A word of the answer vocabulary as people say it; a class stays as the law writes it."""
    return _WORDS.get(token) or state_text(token)


def flag_lines(flags: Sequence[str]) -> tuple[Text, ...]:
    """Every flag as a sentence; a reader never meets the raw id."""
    return tuple(FLAG_LABELS[flag] for flag in flags)


def place_name(code: str) -> Text:
    """A country as people say it, from its ISO code; what is no code stays as it is."""
    said = {"CN": text("China"), "HK": text("Hong Kong"), "AE": text("the United Arab Emirates")}
    said |= {"US": text("the United States"), "KR": text("South Korea"), "GB": text("the United Kingdom")}
    known = packaged_law().countries.table.get(code)
    return said.get(code) or Text.of(known.name if known else code)
