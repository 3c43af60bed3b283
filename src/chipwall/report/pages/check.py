"""A checked text: the article with its verdicts, as sentences, Markdown, JSON, typed claims, and one page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from chipwall.claims.check import Checked, CheckedText
from chipwall.claims.quantities import CLAIM_QUANTITIES
from chipwall.claims.records import CODES, Claim, Verdict
from chipwall.report.forms.table import Table
from chipwall.report.language.lookup import translated
from chipwall.report.pages.claims import number_words, points_table, shown_value, value_words, where_words
from chipwall.sources import Source
from chipwall.text import Text, text

__all__ = [
    "Note",
    "as_markdown",
    "as_terminal",
    "as_toml",
    "checked_record",
    "notes_of",
    "summary_words",
    "verdict_sentence",
]

CODE_WORDS: Mapping[str, Text] = {
    "supported": text("holds"),
    "contradicted": text("does not hold"),
    "depends": text("depends"),
    "cannot_tell": text("cannot be told"),
    "stale_evidence": text("evidence too old"),
    "no_mechanism": text("no mechanism in the model"),
    "claimant_only": text("only the claimant says so"),
    "not_computable": text("not computable"),
}
SIGNS: Mapping[str, str] = {
    "supported": "✓",
    "contradicted": "✗",
    "depends": "◐",
    "cannot_tell": "?",
    "stale_evidence": "†",
    "no_mechanism": "∅",
    "claimant_only": "‡",
    "not_computable": "–",
}
# Words of the law that a decision answers with.
ANSWER_LABELS: Mapping[str, Text] = {
    "required": text("a licence is required"),
    "required_by_letter": text("a licence is required by letter"),
    "not_required": text("no licence is required"),
    "exception_available": text("a licence exception is open, on notice"),
    "presumption_of_denial": text("licences are presumed to be denied"),
    "case_by_case": text("licences are reviewed case by case"),
    "presumption_of_approval": text("licences are presumed to be granted"),
    "licences_being_issued": text("licences are being issued"),
    "not_stated": text("no review policy is stated"),
    "none": text("nothing applies"),
    "Not law": text("a bill that is not law"),
    "in force": text("law in force"),
    "True": text("yes"),
    "False": text("no"),
}


@dataclass(frozen=True, slots=True)
class Note:
    """What stands beside one statement: number, code, the sentence in words, and what it rests on."""

    number: int
    code: str
    said: str
    sentence: Text
    conditions: Text | str
    assumed: tuple[Text, ...]
    table: Table | None
    sources: tuple[Source, ...]
    independent: int


def notes_of(checked: CheckedText, known: Mapping[str, Source]) -> tuple[Note, ...]:
    """A note per statement, in the order of the text."""
    return tuple(_note(n, c, known) for n, c in enumerate(checked.statements, 1))


def _note(number: int, one: Checked, known: Mapping[str, Source]) -> Note:
    candidate = one.statement.candidate
    main = one.main
    cited = tuple(dict.fromkeys(s for v in one.verdicts for s in v.sources))
    return Note(
        number,
        one.code,
        one.statement.sentence.text[candidate.start : candidate.end].strip() or one.statement.sentence.text,
        verdict_sentence(one),
        where_words(main) if main and one.code in ("depends", "cannot_tell") else "",
        candidate.assumed,
        points_table(main) if main is not None and len(main.points) > 1 else None,
        tuple(known[s] for s in cited if s in known),
        one.independent,
    )


def verdict_sentence(one: Checked) -> Text:
    """One readable sentence: the verdict, what was found, and what the text says."""
    main = one.main
    if main is None:
        return text(
            "{verdict}: {finding}",
            verdict=CODE_WORDS[one.code],
            finding=one.why or text("nothing in it can be computed"),
        )
    if main.value is None:
        why = main.points[0].reading.unknown or text("no data")
        return text("{verdict}: {finding}", verdict=CODE_WORDS[one.code], finding=why)
    return text(
        "{verdict}: {finding}; {said}",
        verdict=CODE_WORDS[one.code],
        finding=_finding(main),
        said=_said_words(main.claim, one),
    )


def _said_words(claim: Claim, one: Checked) -> Text:
    candidate = one.statement.candidate
    if (
        candidate.one_suffices
        or isinstance(claim.value, (str, bool))
        or claim.quantity in ("earlier_relaxations", "position")
    ):
        words = one.statement.sentence.text[candidate.start : candidate.end].strip()
        return text("the text says “{words}”", words=words if len(words) <= 60 else words[:59] + "…")
    return text("the text says {said}", said=plain_relation(claim))


def plain_relation(claim: Claim) -> Text | str:
    """The number that is claimed, without the slack that it is given."""
    exact = claim.relation in ("about", "grows by") and claim.tolerance < 0.06
    value = number_words(claim, claim.value)
    if claim.relation == "between":
        return text(
            "{low} to {high}", low=number_words(claim, claim.value, bare=True), high=number_words(claim, claim.upper)
        )
    if exact:
        return value
    words = {"about": text("about {value}", value=value), "grows by": text("about {value}", value=value)}
    return words.get(claim.relation) or (
        text("at least {value}", value=value) if claim.relation == "at least" else text("at most {value}", value=value)
    )


def _finding(verdict: Verdict) -> Text | str:
    """What was computed, as a clause."""
    claim = verdict.claim
    told = _FINDINGS.get(claim.quantity)
    if told is None:
        return text("{title}: {value}", title=CLAIM_QUANTITIES[claim.quantity].title, value=_computed(verdict))
    return told(verdict, claim)


def _computed(verdict: Verdict) -> Text | str:
    if isinstance(verdict.value, (str, bool)):
        return ANSWER_LABELS.get(str(verdict.value), Text.of(str(verdict.value)))
    low, high = verdict.low, verdict.high
    if low is None or high is None or low == high:
        return value_words(verdict)
    # an interval is not known to four digits
    claim = verdict.claim
    ends = number_words(claim, low, bare=True, digits=3), number_words(claim, high, bare=True, digits=3)
    unit = "" if claim.unit in ("1", "times") else f" {claim.unit}"
    return text("{low} to {high}{unit}", low=ends[0], high=ends[1], unit=unit)


def _measure(claim: Claim) -> Text | str:
    found = claim.fixed.get("measure")
    if found is None:
        return text("number on the data sheet")
    return shown_value("measure", found)


def _fact(v: Verdict, c: Claim) -> Text:
    return text("{measure} of {chip}: {value}", measure=_measure(c), chip=_chip(c.subject), value=_computed(v))


def _ratio(v: Verdict, c: Claim) -> Text:
    return text(
        "{one} over {other}, {measure}: {value} times",
        one=_chip(c.subject),
        other=_chip(c.baseline),
        measure=_measure(c),
        value=_computed(v),
    )


def _work(v: Verdict, c: Claim) -> Text:
    return text(
        "by the performance model {one} reaches {value} times {other} ({what})",
        one=_chip(c.subject),
        other=_chip(c.baseline),
        value=_computed(v),
        what=_CONCERN.get(c.quantity, CLAIM_QUANTITIES[c.quantity].title),
    )


_CONCERN: Mapping[str, Text] = {
    "throughput_ratio": text("serving"),
    "training_ratio": text("training"),
    "work_ratio": text("training and serving"),
    "hpc_ratio": text("scientific computing"),
    "energy_ratio": text("tokens per joule"),
    "measured_ratio": text("published measurements"),
}


def _limit(v: Verdict, c: Claim) -> Text:
    return text(
        "{chip} is at {value} times the limits in force on {day}",
        chip=_chip(c.subject),
        value=_computed(v),
        day=c.fixed.get("on", ""),
    )


def _decided(v: Verdict, c: Claim) -> Text:
    on = v.points[-1].conditions.get("on", c.fixed.get("on", ""))
    if c.fixed.get("answer") in ("duty", "revenue_share"):
        what = (
            text("duty on entry to the United States")
            if c.fixed["answer"] == "duty"
            else text("share of revenue in law")
        )
        return text("{what}, {chip}, {day}: {value}", what=what, chip=_chip(c.subject), day=on, value=_computed(v))
    return text(
        "{chip} to {place}, {day}: {value}",
        chip=_chip(c.subject),
        place=str(c.fixed.get("destination", "")),
        day=on,
        value=_computed(v),
    )


def _relaxed(v: Verdict, c: Claim) -> Text:
    count = int(v.value) if isinstance(v.value, float) else 0
    return text("the record holds {count} earlier acts that loosened the rules", count=count)


def _told(v: Verdict, c: Claim) -> Text | str:
    return v.points[0].reading.calculation


def _best(v: Verdict, c: Claim) -> Text:
    return text(
        "{chip} over the best chip of that group on sale on {day}: {value} times",
        chip=_chip(c.subject),
        day=c.fixed.get("on", ""),
        value=_computed(v),
    )


def _memory(v: Verdict, c: Claim) -> Text:
    return text(
        "it needs {value} times the memory of {chips} x {chip}",
        value=_computed(v),
        chips=f"{c.fixed.get('chips', 1):.0f}",
        chip=_chip(c.subject),
    )


def _series(v: Verdict, c: Claim) -> Text:
    count = len(v.points)
    return (
        text("published: {value} ({count} series)", value=_computed(v), count=count)
        if count > 1
        else text("published: {value}", value=_computed(v))
    )


def _market(v: Verdict, c: Claim) -> Text:
    quarter = str(c.fixed.get("quarter", ""))
    if c.quantity == "scenario_ratio":
        return text(
            "in the market model, with direct sales over without, {quarter}: {value} times",
            quarter=quarter,
            value=_computed(v),
        )
    return text("in the market model, {quarter}: {value}", quarter=quarter, value=_computed(v))


def _quote(v: Verdict, c: Claim) -> Text:
    return text("newest quote by {day}: {value}", day=c.fixed.get("on", ""), value=_computed(v))


def _place(v: Verdict, c: Claim) -> Text:
    return text(
        "{chip} lies {value} of the way from {low} to {high}",
        chip=_chip(c.subject),
        value=_computed(v),
        low=_chip(c.baseline),
        high=_chip(str(c.fixed["upper"])),
    )


_FINDINGS: Mapping[str, Callable[[Verdict, Claim], Text | str]] = {
    "fact": _fact,
    "legal_measure": _fact,
    "fact_ratio": _ratio,
    "price_ratio": _ratio,
    "position": _place,
    "throughput_ratio": _work,
    "training_ratio": _work,
    "work_ratio": _work,
    "hpc_ratio": _work,
    "energy_ratio": _work,
    "measured_ratio": _work,
    "measure_over_limit": _limit,
    "decision": _decided,
    "earlier_relaxations": _relaxed,
    "belongs_to": _told,
    "came_out": _told,
    "model_parameters": _told,
    "system_ratio": _told,
    "event_effect": _told,
    "ratio_to_best": _best,
    "memory_share": _memory,
    "series": _series,
    "series_ratio": _series,
    "series_growth": _series,
    "stock_share": _series,
    "scenario_value": _market,
    "scenario_ratio": _market,
    "price": _quote,
    "rent": _quote,
}


def _chip(chip_id: str) -> str:
    from chipwall import catalog

    return catalog.load().chips[chip_id].name


def summary_words(checked: CheckedText) -> Text:
    """How many statements hold, fail, depend, cannot be told and cannot be computed."""
    return text(
        "{total} statements: {held} hold, {failed} do not, {depend} depend, {unknown} cannot be told, {rest} are not computable",
        total=len(checked.statements),
        held=checked.count("supported"),
        failed=checked.count("contradicted"),
        depend=checked.count("depends"),
        unknown=checked.count("cannot_tell", "stale_evidence", "no_mechanism", "claimant_only"),
        rest=checked.count("not_computable"),
    )


def clock_words(checked: CheckedText) -> Text:
    """When it was said, by whom, and up to which day evidence counts."""
    if checked.by:
        return text(
            "Said on {day} by {by}; evidence up to {until}.", day=checked.said, by=checked.by, until=checked.as_of
        )
    return text("Said on {day}; evidence up to {until}.", day=checked.said, until=checked.as_of)


def as_terminal(checked: CheckedText, notes: tuple[Note, ...], lang: str) -> str:
    """The summary, then every statement that was computed with its verdict; what is not computable is counted."""
    lines = [translated(summary_words(checked), lang), translated(clock_words(checked), lang), ""]
    for note in notes:
        if note.code == "not_computable":
            continue
        lines.append(f"{SIGNS[note.code]} “{_short(note.said)}”")
        lines.append(f"    {translated(note.sentence, lang)}")
        if note.conditions:
            lines.append(f"    {translated(note.conditions, lang)}")
    if checked.reader_failed:
        lines += ["", translated(_fallen_back(checked), lang)]
    if checked.left_out:
        lines += ["", translated(_left_out(checked), lang)]
    return "\n".join(lines)


def _fallen_back(checked: CheckedText) -> Text:
    return text("Read by chipwall's own reader: {why}.", why=checked.reader_failed)


def _left_out(checked: CheckedText) -> Text:
    return text(
        "{count} sentences at the end were not read: the text is longer than is checked.", count=checked.left_out
    )


def _short(words: str, most: int = 90) -> str:
    return words if len(words) <= most else words[: most - 1] + "…"


def as_markdown(checked: CheckedText, notes: tuple[Note, ...], lang: str) -> str:
    """The same as a document, with sources linked."""
    lines = [
        f"# {translated(text('The text, checked'), lang)}",
        "",
        translated(summary_words(checked), lang),
        "",
        translated(clock_words(checked), lang),
        "",
    ]
    for note in notes:
        lines += [
            f"{note.number}. {SIGNS[note.code]} “{note.said.replace(chr(10), ' ')}”",
            f"   {translated(note.sentence, lang)}",
        ]
        if note.conditions:
            lines.append(f"   {translated(note.conditions, lang)}")
        lines += [f"   *{translated(a, lang)}*" for a in note.assumed]
        if note.sources:
            lines.append("   " + "; ".join(_link(s) for s in note.sources))
    return "\n".join(lines)


def _link(source: Source) -> str:
    address = source_address(source)
    return f"[{source.title}]({address})" if address else source.title


def source_address(source: Source) -> str:
    """Web address of a source; empty where none is known."""
    found = str(getattr(source, "url", "") or "")
    return found if found.startswith(("https://", "http://")) else ""


def checked_record(checked: CheckedText, lang: str) -> dict[str, Any]:
    """The statements for programs: numbers in SI, ``unit`` as the text's claim is written."""
    return {
        "name": checked.document.name,
        "said": checked.said.isoformat(),
        "as_of": checked.as_of.isoformat(),
        "by": checked.by,
        "counts": {code: checked.count(code) for code in CODES},
        "statements": [_statement_json(c, lang) for c in checked.statements],
        "left_out": checked.left_out,
        "reader_failed": translated(checked.reader_failed, lang),
    }


def _statement_json(one: Checked, lang: str) -> dict[str, Any]:
    candidate, main = one.statement.candidate, one.main
    return {
        "text": one.statement.sentence.text,
        "states": one.statement.sentence.text[candidate.start : candidate.end].strip(),
        "start": one.statement.sentence.start,
        "readings": [
            {**t, "sure": candidate.sure, "verdict": v.answer.replace(" ", "_")}
            for t, v in zip(candidate.tables, one.verdicts, strict=False)
        ],
        "assumed": [translated(a, lang) for a in candidate.assumed],
        "verdict": one.code,
        "sentence": translated(verdict_sentence(one), lang),
        "value": main.value if main else None,
        "low": main.low if main else None,
        "high": main.high if main else None,
        "unit": main.claim.unit if main else None,
        "sources": list(dict.fromkeys(s for v in one.verdicts for s in v.sources)),
        "independent_sources": one.independent,
        "speaker": one.speaker,
        "why": translated(one.why, lang),
    }


def as_toml(checked: CheckedText) -> str:
    """Every reading as a typed claim, so that a person can correct it and check it again."""
    lines = ["# Readings of a text; correct one and check the file again."]
    for number, one in enumerate(checked.statements, 1):
        for nth, found in enumerate(one.statement.candidate.tables, 1):
            lines += [
                "",
                "[[claim]]",
                f'id = "s{number}-{nth}"',
                f"statement = {_toml(one.statement.sentence.text)}",
                f"said = {checked.said.isoformat()}",
            ]
            lines += [f"{k} = {_toml(v)}" for k, v in found.items() if k not in ("fixed", "free")]
            for name in ("fixed", "free"):
                if found.get(name):
                    lines += [f"[claim.{name}]", *(f"{k} = {_toml(v)}" for k, v in found[name].items())]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        import json

        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    return repr(value)


def paragraphs(checked: CheckedText) -> Iterator[list[tuple[str, str, tuple[int, ...]]]]:
    """The text by paragraphs: pieces with the code that colours them and the numbers of their notes."""
    by_start: dict[int, list[tuple[int, Checked]]] = {}
    for number, one in enumerate(checked.statements, 1):
        by_start.setdefault(one.statement.sentence.start, []).append((number, one))
    current, pieces = None, []
    for sentence in checked.document.sentences:
        if current is not None and sentence.paragraph != current:
            yield pieces
            pieces = []
        current = sentence.paragraph
        found = by_start.get(sentence.start, [])
        numbers = tuple(n for n, one in found)
        code = min((one.code for _, one in found), key=_WEIGHT.index, default="")
        pieces.append((sentence.text, code, numbers))
    if pieces:
        yield pieces


# Which verdict colours a sentence that states several things: the one a reader must see first.
_WEIGHT = [
    "contradicted",
    "depends",
    "claimant_only",
    "stale_evidence",
    "no_mechanism",
    "cannot_tell",
    "supported",
    "not_computable",
]


def legend() -> tuple[tuple[str, str, Text], ...]:
    """Code, sign and words of every verdict."""
    return tuple((code, SIGNS[code], CODE_WORDS[code]) for code in CODES)
