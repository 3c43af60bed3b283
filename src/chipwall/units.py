"""Units: the only file that may hold 1e9, 1024 or "/ 8".

Inside, every number is SI without prefix: byte, byte/s, flop/s, W, m2, s, USD. Data files keep a number as published
with its unit beside it; it is converted once, here. Binary and decimal prefixes are different units (``GB``,
``GiB``), bits and bytes are different units (``Tb/s``, ``TB/s``), and a link figure says its direction
(``GB/s``, ``GB/s bidirectional``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from chipwall.errors import InputError
from chipwall.text import text

__all__ = ["GIB", "UNITS", "Unit", "format_quantity", "parse_quantity", "scaled", "to_si", "unit"]

KILO, MEGA, GIGA, TERA, PETA, EXA = 1e3, 1e6, 1e9, 1e12, 1e15, 1e18
KIB, MIB, GIB, TIB = 1024.0, 1024.0**2, 1024.0**3, 1024.0**4
BITS_PER_BYTE = 8
HOUR, DAY, YEAR = 3600.0, 86400.0, 365.25 * 86400.0


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as data files and people write it: its dimension, and how many SI units it is."""

    symbol: str
    dimension: str
    factor: float


def _table() -> dict[str, Unit]:
    """Every accepted spelling, one entry each."""
    prefixes = {"": 1.0, "k": KILO, "M": MEGA, "G": GIGA, "T": TERA, "P": PETA, "E": EXA}
    found: dict[str, tuple[str, float]] = {}
    for prefix, factor in prefixes.items():
        found[f"{prefix}B"] = ("byte", factor)
        found[f"{prefix}B/s"] = ("byte/s", factor)
        found[f"{prefix}B/s bidirectional"] = ("byte/s", factor / 2)
        found[f"{prefix}b"] = found[f"{prefix}bit"] = ("bit", factor)
        found[f"{prefix}b/s"] = found[f"{prefix}bit/s"] = ("bit/s", factor)
        for name in ("FLOP/s", "FLOPS", "OP/s", "OPS"):
            found[f"{prefix}{name}"] = ("flop/s", factor)
        found[f"{prefix}FLOP"] = ("flop", factor)
        found[f"{prefix}W"] = ("W", factor)
        found[f"{prefix}J"] = ("J", factor)
        found[f"{prefix}Hz"] = ("1/s", factor)
        found[f"{prefix}Wh"] = ("J", factor * HOUR)
    for prefix, factor in {"Ki": KIB, "Mi": MIB, "Gi": GIB, "Ti": TIB}.items():
        found[f"{prefix}B"] = ("byte", factor)
        found[f"{prefix}B/s"] = ("byte/s", factor)
    found |= {
        "Gbit/s link": ("byte/s", GIGA / BITS_PER_BYTE),
        "mm2": ("m2", 1e-6),
        "m2": ("m2", 1.0),
        "s": ("s", 1.0),
        "ms": ("s", 1e-3),
        "us": ("s", 1e-6),
        "h": ("s", HOUR),
        "USD": ("USD", 1.0),
        "CNY": ("CNY", 1.0),
        "USD/h": ("USD/s", 1 / HOUR),
        "TPP": ("TPP", 1.0),
        "TPP/mm2": ("TPP/mm2", 1.0),
        "count": ("1", 1.0),
        "1e9": ("1", GIGA),
        "1": ("1", 1.0),
        "token": ("token", 1.0),
        "gen": ("generation", 1.0),
    }
    return {symbol: Unit(symbol, dimension, factor) for symbol, (dimension, factor) in found.items()}


UNITS = _table()
_QUANTITY = re.compile(r"^\s*([+-]?\d[\d,_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*(.*?)\s*$")
_PEOPLE = {"TFLOPs": "TFLOP/s", "PFLOPs": "PFLOP/s", "GFLOPs": "GFLOP/s", "mm^2": "mm2", "mm²": "mm2", "µs": "us"}


def unit(symbol: str, *, where: str = "") -> Unit:
    """The unit of that spelling; raises :class:`InputError` if there is none, naming the nearest."""
    from difflib import get_close_matches

    spelled = _PEOPLE.get(symbol, symbol)
    if spelled in UNITS:
        return UNITS[spelled]
    near = get_close_matches(spelled, UNITS, n=3, cutoff=0.5)
    fix = (
        text("Nearest units: {units}", units=", ".join(near))
        if near
        else text("Units look like GB, GiB, TB/s, TFLOP/s, W")
    )
    raise InputError(text("unknown unit '{unit}'", unit=symbol), where=where, fix=fix)


def to_si(value: float | Decimal, symbol: str, *, where: str = "") -> float:
    """A published value in SI.

    Parameters
    ----------
    value : float or Decimal
        The number as published.
    symbol : str
        Its unit as published; ``GB/s bidirectional`` is the sum of both directions and is halved.

    Returns
    -------
    float
        The same quantity in SI without prefix.

    Examples
    --------
    >>> to_si(4.8, "TB/s")
    4800000000000.0
    >>> to_si(900, "GB/s bidirectional")
    450000000000.0
    """
    found = unit(symbol, where=where)
    # Decimal on the way in: 4.8 TB/s is exactly 4.8e12, not 4.8 * 1e12 rounded twice.
    return float(Decimal(str(value)) * Decimal(repr(found.factor)))


def parse_quantity(words: str, *, dimension: str, where: str = "") -> float:
    """A quantity as a person writes it, in SI.

    Parameters
    ----------
    words : str
        ``96 GB``, ``4.8TB/s``, ``700 W``.
    dimension : str
        What must come out: ``byte``, ``byte/s``, ``flop/s``, ``W``, ``s``, ``USD``.
    where : str
        The option or field, for the message.

    Raises
    ------
    InputError
        No number, no unit, an unknown unit, bits where bytes are asked, or a negative amount.

    Examples
    --------
    >>> parse_quantity("96 GB", dimension="byte")
    96000000000.0
    """
    match = _QUANTITY.match(words)
    if not match:
        raise InputError(
            text("'{words}' is not a number with a unit", words=words), where=where, fix=_example(dimension)
        )
    number, symbol = Decimal(match[1].replace(",", "").replace("_", "")), match[2]
    if not symbol:
        raise InputError(text("'{words}' has no unit", words=words), where=where, fix=_example(dimension))
    found = unit(symbol, where=where)
    if found.dimension.replace("bit", "byte") == dimension and found.dimension != dimension:
        raise InputError(
            text("'{words}' is in bits; {dimension} is asked", words=words, dimension=dimension),
            where=where,
            fix=text("Write bytes with a capital B: {unit}", unit=symbol.replace("bit", "B").replace("b", "B")),
        )
    if found.dimension != dimension:
        raise InputError(
            text("'{words}' is in {got}; {dimension} is asked", words=words, got=found.dimension, dimension=dimension),
            where=where,
            fix=_example(dimension),
        )
    if number < 0:
        raise InputError(
            text("'{words}' is negative", words=words), where=where, fix=text("Give an amount of zero or more")
        )
    return to_si(number, found.symbol)


def _example(dimension: str) -> str:
    examples = {
        "byte": "96 GB",
        "byte/s": "4.8 TB/s",
        "flop/s": "989 TFLOP/s",
        "W": "700 W",
        "s": "20 ms",
        "USD": "25000 USD",
    }
    return text("Write for example '{example}'", example=examples.get(dimension, "1 " + dimension))


_PREFIXES = ((EXA, "E"), (PETA, "P"), (TERA, "T"), (GIGA, "G"), (MEGA, "M"), (KILO, "k"))
_SHOWN = {"byte": "B", "byte/s": "B/s", "flop/s": "FLOP/s", "flop": "FLOP", "W": "W", "J": "J", "1/s": "Hz"}


def scaled(value: float, symbol: str) -> float:
    """An SI value expressed in the given unit; the inverse of :func:`to_si`."""
    return value / unit(symbol).factor


def format_quantity(value: float | None, dimension: str, *, digits: int = 4) -> str:
    """An SI value for people: one prefix, at most ``digits`` significant digits.

    The one formatter of the house. Years of practice say memory in GB and time in ms, so those choose their own scale.

    Examples
    --------
    >>> format_quantity(4.8e12, "byte/s")
    '4.8 TB/s'
    >>> format_quantity(0.0213, "s")
    '21.3 ms'
    """
    if value is None:
        return "-"
    if dimension == "s":
        return _format_time(value, digits)
    if dimension == "m2":
        return f"{value / 1e-6:.{digits}g} mm2"
    if dimension not in _SHOWN:
        shown = f"{value:,.{max(digits - len(str(int(abs(value)))), 0)}f}" if abs(value) >= 1 else f"{value:.{digits}g}"
        if "." in shown:
            shown = shown.rstrip("0").rstrip(".")
        return shown if dimension in ("1", "generation") else f"{shown} {dimension}"
    for factor, prefix in _PREFIXES:
        # rates are told in TFLOP/s up to a hundred PFLOP/s, memory in GB, as on every data sheet
        if dimension == "flop/s" and factor > TERA and abs(value) < 100 * PETA:
            continue
        if dimension == "byte" and not (
            (prefix == "G" and value >= 0.1 * GIGA) or (prefix in "Mk" and value < 0.1 * GIGA)
        ):
            continue
        if abs(value) >= factor * (0.1 if dimension == "byte" else 1):
            return f"{_trim(value / factor, digits)} {prefix}{_SHOWN[dimension]}"
    return f"{_trim(value, digits)} {_SHOWN[dimension]}"


def _trim(value: float, digits: int) -> str:
    whole = len(str(int(abs(value))))
    shown = f"{value:,.{max(digits - whole, 0)}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _format_time(value: float, digits: int) -> str:
    for factor, symbol in ((DAY, "d"), (HOUR, "h"), (1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if abs(value) >= factor * (2 if factor > 1 else 1):
            return f"{_trim(value / factor, digits)} {symbol}"
    return f"{value / 1e-6:.{digits}g} us"
