"""The gate: whatever a person gives, a word or a value, becomes one checked value here and nowhere else.

Python arguments and options of the command line pass the same functions, so that ``chips="8"`` and ``--chips 8`` mean the
same and are refused alike. Each takes the value, the name of the argument, and what it must be; each refuses what is
empty, not finite, out of range, of another type or full of control characters, and names the argument and the fix.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable
from datetime import date, datetime
from decimal import Decimal

from chipwall.errors import InputError, unknown_name
from chipwall.text import Text, text
from chipwall.units import BITS_PER_BYTE, parse_quantity

__all__ = [
    "LONGEST",
    "amount",
    "choice",
    "choices",
    "count",
    "data_rate",
    "day",
    "flag",
    "hidden_characters",
    "known_name",
    "known_or_nearest",
    "nearest_names",
    "number",
    "optional_count",
    "printable",
    "quarter",
    "quote",
    "seconds",
    "sent_fields",
    "share",
    "term",
]

# Longest word that names something [1]; longer ones are a file that slipped in.
LONGEST = 300
# Characters that steer a terminal or turn a line around; nothing that a person means to write.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_LINK = re.compile("(\x1b]8;;(?:https?://[!-~]*)?\x1b\\\\)")
_QUARTER = re.compile(r"^([0-9]{4})Q([1-4])$")
_NUMBER = re.compile(r"^[+-]?(?:[0-9][0-9,_]*(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?$")


def quote(value: object) -> str:
    """A value as messages show it: short, on one line, steering characters spelled out."""
    words = value if isinstance(value, str) else repr(value) if isinstance(value, bytes) else str(value)
    shown = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in words[:80])
    return shown if len(words) <= 80 else shown[:60] + "..."


def hidden_characters(words: str) -> str:
    """The first character that steers a terminal, spelled out; empty where there is none."""
    found = _STEERING.search(words)
    return f"\\u{ord(found[0]):04x}" if found else ""


def nearest_names(word: str, known: Iterable[str], *, most: int = 3, cutoff: float = 0.5) -> list[str]:
    """The known names nearest to a word, best first: the one did-you-mean of the house."""
    from difflib import get_close_matches

    folded = {k.casefold(): k for k in known}
    return [folded[k] for k in get_close_matches(word[:LONGEST].casefold(), folded, most, cutoff)]


def known_or_nearest(name: str, known: Iterable[str], *, most: int = 12) -> Text:
    """A hint: the nearest known names, or the first of all."""
    names = list(known)
    near = nearest_names(name, names)
    if near:
        return text("Did you mean {names}?", names=", ".join(f"'{n}'" for n in near))
    return text("Known: {names}", names=", ".join(names[:most]) + (", ..." if len(names) > most else ""))


def _refuse(value: object, argument: str, *, must: str, example: str = "") -> InputError:
    fix = text("{argument} must be {must}", argument=argument, must=must)
    if example:
        fix = text("{argument} must be {must}, for example {example}", argument=argument, must=must, example=example)
    if value == "":
        return InputError(text("an empty {argument} is no answer", argument=argument), where=argument, fix=fix)
    return InputError(
        text("{argument} cannot be '{value}'", argument=argument, value=quote(value)), where=argument, fix=fix
    )


def term(value: object, argument: str, *, example: str = "") -> str:
    """A word that names something: not empty, at most :data:`LONGEST` characters, nothing that steers a terminal."""
    if isinstance(value, str):
        words = value.strip()
        if words and len(words) <= LONGEST and not hidden_characters(words):
            return words
    raise _refuse(value, argument, must=text("a word"), example=example)


def choice(value: object, argument: str, known: Collection[str]) -> str:
    """One of a closed list of words, in any case of letters."""
    word = term(value, argument, example=next(iter(known)))
    folded = {k.casefold(): k for k in known}
    if word.casefold() in folded:
        return folded[word.casefold()]
    near = nearest_names(word, known)
    fix = text("Use one of: {names}", names=", ".join(known))
    what = text("unknown {kind} '{name}'", kind=Text.of(argument.replace("_", " ")), name=quote(word))
    if near:
        fix = text("Did you mean '{near}'? Use one of: {names}", near=near[0], names=", ".join(known))
    raise InputError(what, where=argument, fix=fix)


def choices(value: object, argument: str, known: Collection[str] | None = None) -> tuple[str, ...]:
    """Several words, as a list or with commas between them; none twice."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple)) or not parts:
        raise _refuse(value, argument, must=text("words with commas between"))
    stripped = (w.strip() if isinstance(w, str) else w for w in parts)
    found = tuple(choice(w, argument, known) if known else term(w, argument) for w in stripped)
    if len(set(found)) < len(found):
        twice = next(w for w in found if found.count(w) > 1)
        raise InputError(
            text("{argument} names '{word}' twice", argument=argument, word=quote(twice)),
            where=argument,
            fix=text("Name it once"),
        )
    return found


def number(
    value: object,
    argument: str,
    *,
    least: float = -math.inf,
    most: float = math.inf,
    above: float | None = None,
    example: str = "",
) -> float:
    """A finite number within bounds; ``above`` is a bound that does not count itself."""
    found = _float(value)
    low = above if above is not None else least
    inside = found is not None and least <= found <= most and (above is None or found > above)
    if found is not None and inside:
        return found
    if above is not None:
        must = (
            text("a number above {low:g}", low=low)
            if most == math.inf
            else text("above {low:g} and at most {most:g}", low=low, most=most)
        )
    elif low == -math.inf:
        must = text("a number")
    else:
        must = (
            text("a number of {low:g} or more", low=low)
            if most == math.inf
            else text("from {low:g} to {most:g}", low=low, most=most)
        )
    raise _refuse(value, argument, must=must, example=example)


def _float(value: object) -> float | None:
    """A finite float, or None; booleans and everything but plain decimal notation are none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        words = value.strip()
        if len(words) > 60 or not _NUMBER.match(words):
            return None
        value = words.replace(",", "").replace("_", "")
    elif not isinstance(value, (int, float, Decimal)) and not hasattr(value, "__float__"):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def count(value: object, argument: str, *, least: int = 1, most: int = 1_000_000) -> int:
    """A whole number within bounds [1]."""
    found = _float(value)
    if found is not None and found == int(found) and least <= found <= most:
        return int(found)
    must = text("a whole number from {least} to {most}", least=f"{least:,}", most=f"{most:,}")
    raise _refuse(value, argument, must=must, example=str(max(least, 8) if most >= 8 else most))


def optional_count(value: object, argument: str, *, word: str = "auto", most: int = 1_000_000) -> int:
    """A whole number of one or more, or 0 for the word that leaves the choice to the search."""
    if value is None or (isinstance(value, str) and value.strip().casefold() == word):
        return 0
    try:
        return count(value, argument, most=most)
    except InputError as refusal:
        fix = text("Give a whole number of one or more, or '{word}'", word=word)
        raise InputError(refusal.what, where=refusal.where, fix=fix) from None


def share(value: object, argument: str, *, whole: bool = False) -> float:
    """A share from 0 up to, but unless ``whole`` not including, 1."""
    found = _float(value)
    if found is not None and 0.0 <= found <= 1.0 and (whole or found < 1.0):
        return found
    must = text("a share from 0 to 1") if whole else text("a share of 0 or more and below 1")
    raise _refuse(value, argument, must=must, example="0.5")


def flag(value: object, argument: str) -> bool:
    """Yes or no: a bool."""
    if isinstance(value, bool):
        return value
    raise _refuse(value, argument, must=text("True or False"))


def seconds(value: object, argument: str, *, most: float = 1e6) -> float:
    """A time above zero: ``"500 ms"``, ``"2 s"``, or a bare number of seconds [s]."""
    found = _float(value)
    if found is None and isinstance(value, str):
        found = parse_quantity(term(value, argument, example="'500 ms'"), dimension="s", where=argument)
    if found is not None and 0.0 < found <= most:
        return found
    raise _refuse(value, argument, must=text("a time above zero"), example="'500 ms'")


def amount(value: object, argument: str, *, dimension: str, most: float = 1e24) -> float:
    """A quantity of zero or more: ``"96 GB"``, ``"4.8 TB/s"``, or a number that is already in SI."""
    if isinstance(value, str):
        found: float | None = parse_quantity(term(value, argument), dimension=dimension, where=argument)
    else:
        found = _float(value)
    if found is not None and 0.0 <= found <= most:
        return found
    must = text("an amount in {unit} of zero or more", unit=dimension)
    raise _refuse(value, argument, must=must, example=_EXAMPLES.get(dimension, ""))


_EXAMPLES = {"byte": "'96 GB'", "byte/s": "'4.8 TB/s'", "flop/s": "'989 TFLOP/s'", "W": "'700 W'", "s": "'20 ms'"}


def data_rate(value: object, argument: str) -> float:
    """A rate of a network above zero, in bits or bytes as people write it: ``"400 Gbit/s"``, ``"50 GB/s"`` [byte/s]."""
    if isinstance(value, str):
        words = term(value, argument, example="'400 Gbit/s'")
        if "bit" in words or words.endswith("b/s"):
            found = parse_quantity(words, dimension="bit/s", where=argument) / BITS_PER_BYTE
        else:
            found = parse_quantity(words, dimension="byte/s", where=argument)
    else:
        found = amount(value, argument, dimension="byte/s")
    return number(found, argument, above=0.0, most=1e18, example="'400 Gbit/s'")


def day(value: object, argument: str, *, first: date = date(1990, 1, 1), last: date = date(2100, 12, 31)) -> date:
    """A day as people write it, ``"2026-02-01"``, or a date."""
    found: date | None = None
    if isinstance(value, datetime):
        found = value.date()
    elif isinstance(value, date):
        found = value
    elif isinstance(value, str) and re.match(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", value.strip()):
        try:
            found = date.fromisoformat(value.strip())
        except ValueError:
            found = None
    if found is None:
        raise InputError(
            text("{argument}: '{value}' is not a date", argument=argument, value=quote(value)),
            where=argument,
            fix=text("Write year-month-day, for example 2026-02-01"),
        )
    if not first <= found <= last:
        raise _refuse(
            value, argument, must=text("a day from {first} to {last}", first=first.isoformat(), last=last.isoformat())
        )
    return found


def quarter(value: object, argument: str, *, first: str = "2022Q1", last: str = "2040Q4") -> str:
    """A calendar quarter, ``"2026Q3"``."""
    words = value.strip() if isinstance(value, str) else ""
    if not _QUARTER.match(words):
        raise InputError(
            text("{argument}: '{value}' is not a quarter", argument=argument, value=quote(value)),
            where=argument,
            fix=text("Write a quarter like 2026Q3"),
        )
    if not first <= words <= last:
        raise InputError(
            text("{argument}: quarter {value} is out of range", argument=argument, value=words),
            where=argument,
            fix=text("Choose a quarter from {first} to {last}", first=first, last=last),
        )
    return words


def known_name(value: object, argument: str, known: Collection[str], *, listing: str) -> str:
    """A name of a list that a command prints, else an error with the nearest names."""
    word = term(value, argument)
    if word in known:
        return word
    raise unknown_name(argument, quote(word), nearest=nearest_names(word, known), listing=listing)


def printable(words: str) -> str:
    """Words with every steering character spelled out as ``\\u001b``, valid inside JSON strings too; our own links stay."""
    parts = _LINK.split(words)  # odd places hold links to web addresses, which we write ourselves
    return "".join(p if i % 2 else _STEERING.sub(lambda m: f"\\u{ord(m[0]):04x}", p) for i, p in enumerate(parts))


def sent_fields(body: bytes, media: str) -> dict[str, object]:
    """The fields of a form by name: text as text, a file as its bytes under ``file`` and its name under ``file_name``."""
    from urllib.parse import parse_qs

    if media.startswith("application/x-www-form-urlencoded"):
        found = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=80)
        return {name: values[-1] for name, values in found.items()}
    if not media.startswith("multipart/form-data"):
        raise InputError(text("a form is expected, not '{media}'", media=quote(media)))
    from email.parser import BytesParser
    from email.policy import HTTP

    message = BytesParser(policy=HTTP).parsebytes(b"content-type: " + media.encode("latin-1") + b"\r\n\r\n" + body)
    sent: dict[str, object] = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        name, file = part.get_param("name", header="content-disposition"), part.get_filename()
        content = bytes(part.get_payload(decode=True) or b"")
        if file is not None and content:
            sent |= {"file": content, "file_name": str(file)[-80:]}
        elif file is None and name:
            sent[str(name)] = content.decode("utf-8", "replace")
    return sent
