"""``fits`` as an answer: the memory of serving and of fine-tuning, part by part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chipwall.answer import Answer, Line
from chipwall.api.doors import exact, source_of
from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import Unknown
from chipwall.inputs import choice
from chipwall.perf.calibrated import Calibrated
from chipwall.perf.serving.memory import Holding
from chipwall.text import Text, text

__all__ = ["budgets"]

FORMATS = ("bf16", "fp8", "int8", "int4")


def budgets(
    model: LanguageModel, chip: Chip, *, chips: int, formats: tuple[str, ...] | None, context: int, users: int, kv: str,
    how: Holding, ways: Mapping[str, Any], beyond: bool, rank: int, modules: str, batch: int, length: int, use: str,
    calibrated: Calibrated,
) -> Answer:  # fmt: skip
    """The answer of :func:`chipwall.api.performance.fits`, its arguments checked."""
    from chipwall.perf.adapters import ADAPTED
    from chipwall.perf.formats import CACHE_BYTES, format_named
    from chipwall.perf.formats import FORMATS as STORED
    from chipwall.report.pages.memory import ServedAs, Tuning, fit_answer

    usual = (*FORMATS, *((model.default_dtype,) if model.default_dtype in STORED else ()))
    wanted = tuple(dict.fromkeys(format_named(f, where="precision").name for f in formats or usual))
    serving = ServedAs(chips, context, users, choice(kv, "kv", tuple(CACHE_BYTES)), how, tuple(ways.items()), beyond)
    tuning = Tuning(rank, choice(modules, "modules", ADAPTED), batch, length)
    whole = fit_answer(model, chip, wanted, serving, tuning, calibrated)
    asked = {"formats": wanted, "to_serve": serving, "to_tune": tuning}
    uses = {"both": ("serving", "tuning"), "serve": ("serving",), "tune": ("tuning",)}[use]
    found: list[tuple[str, str, dict[str, Any]]] = [(u, f, whole[u][f]) for u in uses for f in wanted]  # type: ignore[index]
    rows = tuple(
        {"use": u, "precision": f, "needed_byte": b.get("total_bytes"), "memory_byte": b.get("memory_bytes"),
         "free_byte": b.get("free_bytes"), "verdict": None if b["verdict"] is None else str(b["verdict"])}
        for u, f, b in found
    )  # fmt: skip
    title = text("{model} in the memory of {n} x {chip}", model=model.name, n=chips, chip=chip.name)
    only = found[0][2] if len(found) == 1 else None
    if only is not None and only["verdict"] is None:
        raise Unknown(only["refused"])
    return Answer(
        "fits",
        title,
        {}
        if only is None
        else {
            n: exact(only[f"{word}_bytes"], "byte")
            for n, word in (("needed", "total"), ("memory", "memory"), ("free", "free"))
        },
        record={**whole, **asked} if only is None else {**whole, **asked, "verdict": str(only["verdict"])},
        items=rows,
        rows=rows,
        lines=tuple(
            Line(
                text("{use} {format}: {part}", use=Text.of(u), format=f, part=p["part"]),
                p["bytes"],
                "byte",
                "",
                p["formula"],
            )
            for u, f, b in found
            for p in b["parts"]
        ),
        sources=tuple(whole["sources"]),  # type: ignore[arg-type]
        data=lambda: whole,
        source_of=source_of,
    )
