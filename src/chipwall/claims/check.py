"""A text in, verdicts out: every statement of a document read, computed and judged.

Each reading becomes a typed claim and is evaluated like any other. What is said of the evidence's clock and of who speaks is
settled here: numbers published after the day the text was said do not count unless asked for, and a speaker's own number never
supports what that speaker says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from typing import Any

from chipwall.claims.evaluate import evaluated
from chipwall.claims.library import Library
from chipwall.claims.parse import claim_of_table
from chipwall.claims.reader.document import Document
from chipwall.claims.reader.frames import Candidate
from chipwall.claims.reader.lexicon import Lexicon
from chipwall.claims.reader.outside import outside_statements
from chipwall.claims.reader.read import Statement, statements
from chipwall.claims.records import Claim, Code, Verdict
from chipwall.errors import ChipwallError
from chipwall.text import Text

__all__ = ["MOST_STATEMENTS", "Checked", "CheckedText", "checked_text"]

# A text is read up to this many statements, and says how many sentences are left.
MOST_STATEMENTS = 1_000
_COUNTED = ("series", "series_ratio", "series_growth", "stock_share")


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """One statement with its verdict.

    Attributes
    ----------
    statement : Statement
        Where it stands and how it was read.
    verdicts : tuple of Verdict
        One per reading, the likeliest first; empty where nothing can be computed.
    code : str
        One of :data:`chipwall.claims.records.CODES`.
    why : Text or str
        Why there is no verdict, where there is none.
    speaker : str
        Who says it, as far as the sentence or the caller tells.
    independent : int
        Sources of the evidence that are not the speaker's own.
    """

    statement: Statement
    verdicts: tuple[Verdict, ...]
    code: Code
    why: Text | str = ""
    speaker: str = ""
    independent: int = 0

    @property
    def main(self) -> Verdict | None:
        """The verdict that decides: of the first reading that gives this code, else of the first."""
        words = self.code.replace("_", " ")
        return next((v for v in self.verdicts if v.answer == words), self.verdicts[0] if self.verdicts else None)


@dataclass(frozen=True, slots=True, eq=False)
class CheckedText:
    """A document with every statement judged.

    Attributes
    ----------
    document : Document
        The text.
    said, as_of : date
        When it was said, and up to which day evidence counts.
    by : str
        Who says it.
    statements : tuple of Checked
        In the order of the text.
    left_out : int
        Sentences after the last of :data:`MOST_STATEMENTS`, not read.
    reader_failed : Text or str
        Why the reader that was plugged in was left aside, where it was.
    """

    document: Document
    said: date
    as_of: date
    by: str
    statements: tuple[Checked, ...]
    left_out: int = 0
    reader_failed: Text | str = ""

    def count(self, *codes: str) -> int:
        """How many statements came out so."""
        return sum(s.code in codes for s in self.statements)


def checked_text(
    document: Document,
    world: Library,
    *,
    said: date,
    as_of: date | None = None,
    by: str = "",
    reader: tuple[str, ...] = (),
) -> CheckedText:
    """Every statement of a document with its verdict.

    Parameters
    ----------
    document : Document
        The text.
    world : Library
        Facts, law, series and engines; its evidence is cut at ``as_of``.
    said : date
        The day the text was said; *this year* and the law count from there.
    as_of : date or None
        Evidence published after this day does not count; the day it was said unless given.
    by : str
        Who says it, where the sentence names nobody.
    reader : tuple of str
        A program whose readings replace ours where it has any; ours stand where it fails.
    """
    cut = as_of or said
    world = world.known_by(cut)
    lexicon = Lexicon(world.catalog, world.words)
    failed: Text | str = ""
    kept = list(islice(statements(document, world, said=said, as_of=cut, by=by, lexicon=lexicon), MOST_STATEMENTS))
    if reader:
        theirs, failed = outside_statements(reader, document, said=said, by=by)
        kept = _with_theirs(kept, theirs)
    last = kept[-1].sentence.start if len(kept) == MOST_STATEMENTS else len(document.text)
    unread = sum(s.start > last for s in document.sentences)
    speakers = [_speaker(s, by, lexicon) for s in kept]
    without_own = [
        _without_own(s.candidate, speaker, world, lexicon) for s, speaker in zip(kept, speakers, strict=True)
    ]
    claims = [_claims(c, s, n, said, world) for n, (s, c) in enumerate(zip(kept, without_own, strict=True))]
    verdicts = _evaluated([c for group in claims for c in group if isinstance(c, Claim)], world)
    judged = []
    for statement, candidate, group, speaker in zip(kept, without_own, claims, speakers, strict=True):
        judged.append(_judged(replace(statement, candidate=candidate), group, verdicts, speaker))
    return CheckedText(document, said, cut, by, tuple(judged), unread, failed)


def _with_theirs(ours: list[Statement], theirs: list[Statement]) -> list[Statement]:
    """Our readings, but for the sentences that the other reader has readings of."""
    read = {s.sentence.start for s in theirs}
    kept = [s for s in ours if s.sentence.start not in read]
    return sorted([*kept, *theirs], key=lambda s: s.sentence.start)[:MOST_STATEMENTS]


def _evaluated(claims: list[Claim], world: Library) -> dict[str, Verdict]:
    """Verdicts by claim; statements that say the same thing are computed once."""
    same: dict[str, Claim] = {}
    for claim in claims:
        same.setdefault(_mark(claim), claim)
    done = dict(zip(same, evaluated(same.values(), world), strict=True))
    return {c.id: replace(done[_mark(c)], claim=c) for c in claims}


def _mark(claim: Claim) -> str:
    return repr(replace(claim, id="", statement="", statement_zh="", by="", line=0))


def _claims(
    candidate: Candidate, statement: Statement, number: int, said: date, world: Library
) -> list[Claim | Text | str]:
    """A claim per reading; where a reading is none, why."""
    found: list[Claim | Text | str] = []
    for nth, table in enumerate(candidate.tables):
        fields: Mapping[str, Any] = {
            "id": f"s{number + 1}-{nth + 1}",
            "statement": statement.sentence.text,
            "said": said.isoformat(),
            **table,
        }
        try:
            found.append(claim_of_table(fields, world, file="text"))
        except ChipwallError as problem:
            found.append(problem.what)
    return found


def _judged(
    statement: Statement, group: list[Claim | Text | str], verdicts: Mapping[str, Verdict], speaker: str
) -> Checked:
    candidate = statement.candidate
    found = tuple(verdicts[c.id] for c in group if isinstance(c, Claim))
    if not found:
        if candidate.frame == "no mechanism":
            return Checked(statement, (), "no_mechanism", candidate.why, speaker)
        why = candidate.why or next((c for c in group if not isinstance(c, Claim)), "")
        understood = candidate.frame not in ("none", "long") and not candidate.tables
        return Checked(
            statement,
            (),
            "cannot_tell" if understood and candidate.frame in ("series", "share", "growth") else "not_computable",
            why,
            speaker,
        )
    code = _combined([v.answer for v in found], one_suffices=candidate.one_suffices)
    independent = len({s for v in found for s in v.sources})
    if candidate.own:
        code, independent = "claimant_only", 0
    return Checked(statement, found, code, speaker=speaker, independent=independent)


def _combined(answers: list[str], *, one_suffices: bool) -> Code:
    """One code from the answers of several readings."""
    kinds = set(answers)
    if len(kinds) == 1:
        return _code(answers[0])
    if one_suffices:
        for answer in ("supported", "depends", "cannot tell", "stale evidence"):
            if answer in kinds:
                return _code(answer)
        return "contradicted"
    told = kinds - {"cannot tell", "stale evidence"}
    if len(told) == 1 and told != {"depends"}:
        return _code(answers[0]) if answers[0] in told else "cannot_tell"
    return "depends" if len(told) > 1 or told == {"depends"} else "cannot_tell"


def _code(answer: str) -> Code:
    return answer.replace(" ", "_")  # type: ignore[return-value]


def _speaker(statement: Statement, by: str, lexicon: Lexicon) -> str:
    """Who says it: named in the sentence as speaking, else the author."""
    said = statement.sentence.text
    for claimant in lexicon.tables["claimant"]:
        for pattern in claimant["words"]:
            if re.search(
                rf"(?:{pattern}).{{0,40}}?{_SAYS}|{_BY}.{{0,12}}?(?:{pattern})", said, re.IGNORECASE | re.ASCII
            ):
                return str(claimant["who"])
    for claimant in lexicon.tables["claimant"]:
        if by and any(re.search(p, by, re.IGNORECASE | re.ASCII) for p in claimant["words"]):
            return str(claimant["who"])
    return by


_SAYS = (
    r"(?:\b(?:said|says|told|estimat|calculat|expect|claim|put|report|forecast|project|calls?\b)"
    r"|表示|称|说|指出|估计|预计|认为|透露|计算|测算)"
)
_BY = r"(?:according to|as per|estimates? (?:by|from)|based on|根据|据|按照)"


def _without_own(candidate: Candidate, speaker: str, world: Library, lexicon: Lexicon) -> Candidate:
    """The candidate tested with others' numbers only; marked where there are none but the speaker's own."""
    patterns = [p for c in lexicon.tables["claimant"] if c["who"] == speaker for p in c["series"]]
    if not patterns or not candidate.tables or any(t["quantity"] not in _COUNTED for t in candidate.tables):
        return candidate
    kept = [t for table in candidate.tables for t in _others(table, patterns)]
    if kept:
        return replace(candidate, tables=tuple(kept))
    return replace(candidate, own=True)


def _others(table: Mapping[str, Any], patterns: list[str]) -> Iterator[dict[str, Any]]:
    """A table without the observations of a speaker; none where nothing is left."""
    tried = list(table.get("free", {}).get("observation", ()))
    only = table.get("fixed", {}).get("observation", "")
    if not tried:
        if only and any(re.search(p, str(only).split(" @ ")[0]) for p in patterns):
            return
        yield dict(table)
        return
    left = [o for o in tried if not any(re.search(p, o.split(" @ ")[0]) for p in patterns)]
    free = {k: v for k, v in table["free"].items() if k != "observation"}
    if len(left) == 1:
        yield {**table, "fixed": {**table.get("fixed", {}), "observation": left[0]}, "free": free}
    elif left:
        yield {**table, "free": {**free, "observation": left}}
