"""Frames of the law: *needs a licence for China*, *may be sold*, *25 percent of the sales*, *the first relaxation*, *classified 3A090.b*."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from chipwall.claims.reader.frames import Candidate, Stretch, Table, table_of_claim
from chipwall.claims.reader.marks import Word
from chipwall.claims.reader.numbers import WrittenAmount
from chipwall.text import text

__all__ = ["classified", "cloud", "first_relaxation", "permitted", "states_cut"]

_SPEAKS = re.compile(r"export|sell|sale|sold|ship|licen|China|Chinese|出口|销售|许可|对华|输华|卖", re.IGNORECASE)
_ALLOWED = ("case_by_case", "presumption_of_approval", "licences_being_issued")
_BLACKWELL = ("nvidia-b30a", "nvidia-b200")


def states_cut(stretch: Stretch, amount: WrittenAmount) -> Iterator[Candidate]:
    """*25 percent of the sales go to Washington*, *a 25 percent tariff*."""
    marks = stretch.marks
    near = (max(amount.start - 40, 0), min(amount.end + 40, len(stretch.text)))
    duty, share = (
        marks.has("law", "duty", within=near),
        marks.has("law", "share", within=near) or _of_sales(stretch, amount),
    )
    if not duty and re.search(
        r"市场(?:的)?份额|在华份额|占有率|market share|account|占", stretch.text[near[0] : near[1]], re.IGNORECASE
    ):
        return
    if not (duty or share) or not amount.value <= 100:
        return
    american = marks.has("country", "US") or re.search(
        r"government|Trump|Treasury|政府|特朗普|上缴|财政", stretch.text, re.IGNORECASE
    )
    if not duty and not (american and (_SPEAKS.search(stretch.text) or stretch.context.chip)):
        return
    subject = stretch.subject(amount.start)
    if not subject:
        return
    relation = ("about", amount.value, 0.02)
    days = {"on": stretch.days(amount.start)}
    # a rule that was announced is asked on the day the evidence of the text ends; the duty is owed on entry to the United States
    tables: list[Table] = []
    if share or not duty:
        tables.append(
            table_of_claim(
                "decision", relation, unit="%", subject=subject[0], fixed={"answer": "revenue_share"}, free=days
            )
        )
    tables.append(
        table_of_claim(
            "decision",
            relation,
            unit="%",
            subject=subject[0],
            fixed={"answer": "duty", "activity": "us_import", "destination": "US", "headquarters": "CN"},
            free=days,
        )
    )
    yield stretch.candidate("share", amount.start, amount.end, *(reversed(tables) if duty and not share else tables))


def _of_sales(stretch: Stretch, amount: WrittenAmount) -> bool:
    """*15% of revenue from sales*, said of a government: a share that is taken."""
    after = stretch.text[amount.end : amount.end + 40]
    government = re.search(r"government|Trump|Washington|Treasury|政府|特朗普|财政|美方", stretch.text, re.IGNORECASE)
    return bool(
        government
        and re.match(
            r"\s*(?:of (?:the |its |their |all |those )*(?:\w+ )?(?:sales|revenues?|proceeds|profits?)|的?(?:销售额?|收入|利润|营收))",
            after,
        )
    )


def permitted(stretch: Stretch) -> Iterator[Candidate]:
    """*X needs a licence for China*, *X may be sold to China*, *X is banned*."""
    marks = stretch.marks
    destination = next((w.name for w in marks.of("country") if w.name != "US"), "")
    if not destination:
        return
    for mark in marks.of("law"):
        if mark.name not in ("needs_licence", "no_licence", "banned", "allowed", "case_by_case", "denial"):
            continue
        word = _with_polarity(marks.text, mark)
        if word is None:
            continue
        clause = marks.clause(word.start)
        chips = [n.ids[0] for n in stretch.chips(clause)]
        if not chips and marks.has("group", "blackwell", within=clause):
            chips = list(_BLACKWELL)
        whole = [n.ids[0] for n in stretch.chips()]
        chips = chips or (whole if len(set(whole)) == 1 else [])
        if (
            not chips
            or not _SPEAKS.search(stretch.text)
            or _is_chinese_act(stretch, word.start)
            or _is_uncertain(stretch, clause)
        ):
            continue
        tables = tuple(_permission(stretch, word.name, chips[0], destination))
        if tables:
            made = stretch.candidate("licence", word.start, word.end, *tables, sure=0.8)
            yield replace(made, one_suffices=word.name in ("allowed", "banned", "needs_licence"))
            return


_NOT = re.compile(
    r"(?:\b(?:no|not|never|nor|neither|cannot|no longer|nothing)|n['’]t)\s+(?:\w+\s+){0,2}$|(?:不|未|没有?|无|非|毋|免)(?:再|会|必|被|是|曾)?$", re.IGNORECASE
)
_REFUSED = re.compile(r"cannot|can not|can['’]t|\bnot be\b|never|illegal|unlawful|bann|prohibit|barred|forbid", re.IGNORECASE)


def _with_polarity(said: str, word: Word) -> Word | None:
    """The word as its negation has it: *no licence is needed* needs none; None where a negated word says nothing sure."""
    if said[word.start : word.end].lower().startswith("without"):
        return word if _REFUSED.search(said[: word.start]) else replace(word, name="no_licence")
    negation = _NOT.search(said, max(word.start - 30, 0), word.start)
    if negation is None or word.name == "no_licence":
        return word
    return replace(word, name="no_licence", start=negation.start()) if word.name == "needs_licence" else None


def _is_uncertain(stretch: Stretch, clause: tuple[int, int]) -> bool:
    """Whether the clause says what somebody will, may or wants to do: no state of the law."""
    said = stretch.text[slice(*clause)]
    return bool(
        re.search(
            r"would|could|should|might|consider|propos|bill|urg|want|hope|ask|whether|if |将会|拟|提案|法案|呼吁|考虑|是否|希望|如果",
            said,
            re.IGNORECASE,
        )
    )


def _is_chinese_act(stretch: Stretch, at: int) -> bool:
    """Whether it is China that allows or bans: named as the one who acts, not as where something goes."""
    before = stretch.text[max(at - 40, 0) : at]
    acts = r"(?:Beijing|(?<!to )(?<!in )(?<!for )(?<!with )China(?:'s|’s)?|Chinese (?:customs|regulators?|authorities|government))"
    zh = r"(?:北京|(?<![对向在到往输])中国(?:政府|海关|监管|方面)?|海关|网信办|发改委)"
    return bool(re.search(rf"{acts}[^,，。]*$|{zh}[^,，。]*$", before))


def _permission(stretch: Stretch, word: str, chip: str, destination: str) -> Iterator[Table]:
    fixed = {"destination": destination, "headquarters": destination}
    ruled: dict[str, Any] = {"fixed": {**fixed, "answer": "licence_as_enforced"}, "free": {"on": stretch.days()}}
    policy: dict[str, Any] = {"fixed": {**fixed, "answer": "review_policy"}, "free": {"on": stretch.days()}}
    if word == "needs_licence":
        for licence in ("required", "required_by_letter"):
            yield table_of_claim("decision", ("is", licence, 0.0), subject=chip, **ruled)
    elif word == "no_licence":
        yield table_of_claim("decision", ("is", "not_required", 0.0), subject=chip, **ruled)
    elif word == "case_by_case":
        yield table_of_claim("decision", ("is", "case_by_case", 0.0), subject=chip, **policy)
    elif word in ("denial", "banned"):
        if word == "banned":
            stretch.assume(text("banned is read as a licence that is needed and presumed to be denied, or not issued"))
        yield table_of_claim("decision", ("is", "presumption_of_denial", 0.0), subject=chip, **policy)
        if word == "banned":
            for licence in ("required", "required_by_letter"):
                yield table_of_claim("decision", ("is", licence, 0.0), subject=chip, **ruled)
    else:
        stretch.assume(text("allowed is read as no licence needed, or a licence that is granted case by case"))
        yield table_of_claim("decision", ("is", "not_required", 0.0), subject=chip, **ruled)
        for answer in _ALLOWED:
            yield table_of_claim("decision", ("is", answer, 0.0), subject=chip, **policy)


def classified(stretch: Stretch) -> Iterator[Candidate]:
    """*The H20 is classified under 3A090.b*."""
    found = re.search(r"3A090\.[ab]\b", stretch.text)
    chips = stretch.chips()
    if found and chips and re.search(r"classif|falls under|ECCN|归类|分类|属于|编号", stretch.text, re.IGNORECASE):
        made = table_of_claim(
            "decision", ("is", found[0], 0.0), subject=chips[0].ids[0], fixed={"answer": "eccn", "on": stretch.day()}
        )
        yield stretch.candidate("class", found.start(), found.end(), made)


def first_relaxation(stretch: Stretch) -> Iterator[Candidate]:
    """*The first relaxation of the controls*."""
    marks = stretch.marks
    if (
        marks.has("event", "first")
        and marks.has("event", "relaxation")
        and re.search(
            r"control|curb|restrict|policy|export|contain|管制|遏制|限制|政策|出口", stretch.text, re.IGNORECASE
        )
    ):
        stretch.assume(text("a relaxation is an act of the record that loosened the rules for chips to China"))
        made = table_of_claim("earlier_relaxations", ("at most", 0, 0.0), fixed={"on": stretch.day()})
        yield stretch.candidate("first", 0, len(stretch.text), made, sure=0.85)


def cloud(stretch: Stretch) -> Iterator[Candidate]:
    """*Chips sold to Chinese clouds stay lawful, since the cloud owns them*; *renting abroad is a valve*."""
    marks = stretch.marks
    if not marks.has("law", "domestic_cloud", "remote"):
        return
    lawful = re.search(
        r"(?:not|n.t|without) (?:technically )?(?:violat|breach|break)|legal loophole|lawful|within the law|不违反|并不违反|不违法|合规|钻.{0,4}空子",
        stretch.text,
        re.IGNORECASE,
    )
    if lawful:
        chip = (stretch.chips() or [None])[0]  # type: ignore[list-item]
        subject = chip.ids[0] if chip else stretch.context.chip or "nvidia-h100-sxm"
        stretch.assume(text("read as the sale of {chip} to a cloud in China", chip=stretch.world.chip(subject).name))
        made = table_of_claim(
            "decision",
            ("is", "not_required", 0.0),
            subject=subject,
            fixed={"answer": "licence_as_enforced", "on": stretch.day(), "destination": "CN", "headquarters": "CN"},
        )
        yield stretch.candidate("cloud", lawful.start(), lawful.end(), made, sure=0.8)
    elif marks.has("event", "valve"):
        made = table_of_claim("event_effect", ("is", "Not law", 0.0), fixed={"event": "T050"})
        stretch.assume(text("a valve on the cloud is read as a rule on remote access that is in force"))
        yield stretch.candidate("valve", 0, len(stretch.text), _negated(made), sure=0.7)


def _negated(made: Table) -> Table:
    """The claim that the bill is law: contradicted while the record says that it is not."""
    return {**made, "value": "in force"}
