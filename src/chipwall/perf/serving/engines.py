"""Serving software: which engines there are, which chips they run on, and the date that one stands for.

What an engine costs a step (launches, host work, kernels for experts) is fitted by family with a trend in the date of the
software. Without a date an engine is what it is today: the newest release that was measured.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from chipwall.errors import InputError
from chipwall.perf.load import table
from chipwall.text import text

__all__ = [
    "ENGINES",
    "Engine",
    "asked_year",
    "engine_family",
    "engine_on",
    "year_of",
]


@dataclass(frozen=True, slots=True)
class Engine:
    """One family of serving software.

    Attributes
    ----------
    id, title : str
        Its name on the command line, and in words.
    vendors : tuple of str
        Makers of the chips that it runs on; ``*`` for any.
    words : tuple of str
        What names it in a table of measurements, lower case.
    default : tuple of str
        Makers for whose chips it is taken when nothing is said; ``*`` for all others.
    """

    id: str
    title: str
    vendors: tuple[str, ...]
    words: tuple[str, ...]
    default: tuple[str, ...] = ()

    def runs_on(self, vendor: str) -> bool:
        """Whether it runs on chips of a maker."""
        return "*" in self.vendors or vendor in self.vendors


def _engines() -> dict[str, Engine]:
    found = {}
    for name, entry in table("engines")["engine"].items():
        lists = {key: tuple(entry.get(key, ())) for key in ("vendors", "words", "default")}
        found[name] = Engine(name, entry["title"], **lists)
    return found


ENGINES: Mapping[str, Engine] = _engines()


def engine_on(vendor: str, name: str = "") -> str:
    """The engine that a question means on a maker's chips.

    Parameters
    ----------
    vendor : str
        Maker of the chip, lower case.
    name : str
        What was asked for; empty for the usual one of that maker.

    Raises
    ------
    InputError
        There is no such engine, or it does not run on that maker's chips; the message names those that do.
    """
    asked = name.lower()
    able = ", ".join(e for e, engine in ENGINES.items() if engine.runs_on(vendor))
    if not asked:
        usual = [e for e, engine in ENGINES.items() if vendor in engine.default]
        return (usual or [e for e, engine in ENGINES.items() if "*" in engine.default])[0]
    if asked == "vllm" and vendor == "huawei":
        return "vllm-ascend"  # what vLLM is on such a chip
    if asked not in ENGINES:
        raise InputError(
            text("unknown engine '{name}'", name=name), where="engine", fix=text("Use one of: {names}", names=able)
        )
    if not ENGINES[asked].runs_on(vendor):
        raise InputError(
            text("{engine} does not run on chips of {vendor}", engine=asked, vendor=vendor.upper()),
            where="engine", fix=text("Use one of: {names}", names=able),
        )  # fmt: skip
    return asked


def engine_family(name: str) -> str:
    """Family of a serving engine from what people write; ``vllm`` for an unknown one, empty for nothing.

    Examples
    --------
    >>> engine_family("TensorRT-LLM 1.2 (PyTorch backend)"), engine_family("TensorRT-LLM 0.11.0")
    ('trtllm-pytorch', 'trtllm')
    """
    words = name.lower()
    found = next((e for e, engine in ENGINES.items() if any(w in words for w in engine.words)), "vllm" if words else "")
    if found == "trtllm" and ("pytorch" in words or re.search(r"\b1\.\d", words)) and "nim" not in words:
        return "trtllm-pytorch"
    return found


def year_of(date: str) -> float | None:
    """A date such as ``2026-05-17``, ``2026-05`` or ``2026`` as a year with its fraction; None for anything else.

    Examples
    --------
    >>> round(year_of("2026-05"), 2)
    2026.38
    """
    found = re.match(r"(20\d\d)(?:-(\d\d))?(?:-(\d\d))?$", date.strip())
    if not found:
        return None
    if not found[2]:
        return float(found[1]) + 0.5
    return float(found[1]) + (int(found[2]) - 1.0 + (int(found[3]) / 31.0 if found[3] else 0.5)) / 12.0


def asked_year(date: str) -> float | None:
    """The year that a person gave for an engine; None for nothing, refused for what is not a date."""
    found = year_of(date)
    if date and found is None:
        raise InputError(
            text("'{date}' is not a date of an engine", date=date), where="engine_date",
            fix=text("Give a year and a month, for example 2026-05"),
        )  # fmt: skip
    return found
