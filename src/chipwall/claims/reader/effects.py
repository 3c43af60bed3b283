"""Frames of what sales would change: each effect of ``words.toml`` is one typed claim of the market model, or has none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from chipwall.claims.reader.frames import Candidate, Stretch, table_of_claim
from chipwall.text import Text, text

__all__ = ["changed", "held"]

SALES, NONE = "h200-share-cap", "no-sales"
_RUNS = re.compile(
    r"\bruns?\b|\bfits?\b|handle|\bhold|load|serve|host|accommodat|support|装|放得?下|跑|运行|处理|承载|容纳|支持|胜任|部署",
    re.IGNORECASE,
)


def changed(stretch: Stretch) -> Iterator[Candidate]:
    """*Eases the bottleneck*, *rocket fuel*, *narrows the gap in two years*, *dependence cannot be reversed*."""
    for effect in stretch.lexicon.tables["effect"]:
        if _said(stretch, effect):
            stretch.assume(Text.of(effect["note"]))
            yield _effect(stretch, effect)
            return


def _said(stretch: Stretch, effect: Mapping[str, Any]) -> bool:
    marks = stretch.marks
    if not all(marks.has("event", name) for name in effect["all"]):
        return False
    if effect.get("words") and not any(re.search(p, stretch.text, re.IGNORECASE) for p in effect["words"]):
        return False
    wanted = effect.get("any", ())
    return not wanted or any(_mark(stretch, name) for name in wanted)


def _mark(stretch: Stretch, name: str) -> bool:
    kind, _, word = name.rpartition(":")
    return stretch.marks.has(kind or "event", word)


def _effect(stretch: Stretch, effect: Mapping[str, Any]) -> Candidate:
    whole = (0, len(stretch.text))
    if not effect.get("mechanism", True):
        return Candidate("no mechanism", *whole, why=Text.of(effect["note"]))
    quarter = _quarter(stretch)
    free: dict[str, Any] = {
        "path": [p for p in effect["paths"] if p in stretch.world.path_names],
        "assumptions": ["shipped", "containment", "dependence-is-strength"],
    }
    fixed: dict[str, Any] = {"quarter": quarter}
    if effect["quantity"] == "scenario_value":
        free["scenario"] = [SALES, NONE]
    else:
        fixed |= {"scenario": SALES, "against": NONE}
    if not free["path"]:
        return Candidate("effect", *whole, why=text("the market model has no such quantity"))
    made = table_of_claim(
        effect["quantity"],
        (effect["relation"], effect["value"], 0.0),
        unit=effect.get("unit", "times"),
        fixed=fixed,
        free=free,
    )
    return stretch.candidate("effect", *whole, made, sure=0.75)


def _quarter(stretch: Stretch) -> str:
    """The quarter the sentence speaks of: two years on, unless it names another time."""
    said = stretch.context.said
    for amount in stretch.marks.amounts:
        if (
            amount.kind == "time"
            and amount.value <= 6
            and re.search(
                r"within|in|over|next|内|之内|未来",
                stretch.text[max(amount.start - 10, 0) : amount.end + 4],
                re.IGNORECASE,
            )
        ):
            years = amount.value * {"years": 1.0, "months": 1 / 12, "quarters": 0.25}.get(amount.unit, 1.0)
            return _named(said.year + int(years), said)
    times = [t for t in stretch.marks.times if t.last > said]
    return _named(times[0].last.year, times[0].last) if times else _named(said.year + 2, said)


def _named(year: int, day: date) -> str:
    return f"{min(max(year, 2026), 2030)}Q{(day.month - 1) // 3 + 1}"


def held(stretch: Stretch) -> Iterator[Candidate]:
    """*Its 141 GB easily hold retrieval and LoRA on models above 175B*, *runs a 70B model on one chip*."""
    marks = stretch.marks
    sizes = [a for a in marks.amounts if a.kind == "parameters" and a.value >= 1e8]
    models = marks.kind("model")
    works = {w.name for w in marks.of("work")}
    fits = _RUNS.search(stretch.text)
    if not fits or not (sizes or models) or any(a.kind in ("times", "token/s", "ms") for a in marks.amounts):
        return
    subject = stretch.subject(fits.start())
    if not subject:
        return
    from chipwall.claims.reader.compare import models_of

    tasks = [
        t
        for t, names in (("lora", {"finetune"}), ("serve", {"rag", "inference", "decode", "prefill"}))
        if works & names
    ] or ["serve"]
    weights = [w.name for w in marks.of("format") if w.name in ("bf16", "fp16", "fp8", "int8", "int4", "fp4")] or [
        "bf16",
        "fp8",
        "int4",
    ]
    refused = re.search(
        r"(?:can ?not|can't|n.t|unable|too (?:large|big)|无法|不能|装不下|放不下|跑不了)", stretch.text, re.IGNORECASE
    )
    for task in tasks:
        made = table_of_claim(
            "memory_share",
            ("at least" if refused else "at most", 1, 0.0),
            unit="1",
            subject=subject[0],
            fixed={"task": task, "chips": _chips(stretch)},
            free={
                "model": models_of(stretch),
                "weights": [
                    w for w in dict.fromkeys(weights) if task == "serve" or w in ("bf16", "int8", "int4", "fp8")
                ],
            },
        )
        yield stretch.candidate("memory", fits.start(), fits.end(), made, sure=0.8)


def _chips(stretch: Stretch) -> int:
    counts = [
        a
        for a in stretch.marks.amounts
        if a.kind == "count" and a.value in (1, 2, 4, 8, 16, 32, 64) and a.upper == a.value
    ]
    return int(counts[0].value) if counts else 1
