"""Frames that compare: *X is N times Y in Z*, *N percent faster than Y*, *ten times the limit*, *far above any Chinese chip*."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from chipwall.claims.reader.frames import Candidate, Stretch, Table, apart, nearest, relation_of, table_of_claim
from chipwall.claims.reader.lexicon import Name
from chipwall.claims.reader.numbers import WrittenAmount
from chipwall.text import text

__all__ = ["above_group", "below_top", "better", "between", "compared", "over_limit"]

_PAPER = ("memory_capacity", "memory_bandwidth", "bf16_rate", "fp8_rate")
_COMPUTE = ("bf16_rate", "fp8_rate", "int8_rate")
_LOOSE = 0.1
_MORE = re.compile(
    r"more|faster|higher|greater|better|larger|bigger|above|over|提升|提高|高出|快|多|增加|超出|领先|高|强|大",
    re.IGNORECASE,
)
_LESS = re.compile(r"less|slower|lower|smaller|fewer|below|behind|weaker|低|慢|少|弱|落后|下降|减", re.IGNORECASE)
_OF = re.compile(
    r"^\s*(?:of|as (?:much|fast|many|powerful|good)|that of)|^\s*(?:的|水平)|(?:相当于|只有|仅为|仅有|达到?|约为)[^,，。]{0,24}$",
    re.IGNORECASE,
)
_BATCH = re.compile(r"batch(?: size)?(?: of)? (\d+)|批(?:次|量)?(?:大小)?(?:为)?\s?(\d+)|BS ?(\d+)", re.IGNORECASE)


def over_limit(stretch: Stretch, amount: WrittenAmount) -> Iterator[Candidate]:
    """*Its TPP is ten times the control limit*."""
    for within in apart(stretch, amount.start):
        if not stretch.marks.has("law", "limit", within=within) or len(stretch.chips(within)) > 1:
            continue
        subject = stretch.subject(amount.start)
        if not subject:
            return
        bandwidth = stretch.marks.has("measure", "memory_bandwidth", within=within)
        limits: tuple[str, ...] = ("review2026-dram",) if bandwidth else ("a1-tpp", "a2-tpp", "b1-tpp")
        limits = tuple(n for n in limits if n in stretch.world.law.parameters)
        if not limits:
            return
        if not bandwidth and not stretch.marks.has("measure", "tpp", within=within):
            stretch.assume(text("the limit is read as one of total processing performance"))
        made = table_of_claim(
            "measure_over_limit",
            relation_of(amount, loose=_LOOSE),
            unit="times",
            subject=subject[0],
            fixed={"on": stretch.day(amount.start)},
            free={"limit": limits},
        )
        yield stretch.candidate("limit", amount.start, amount.end, made)
        return


def compared(stretch: Stretch, amount: WrittenAmount) -> Iterator[Candidate]:
    """*X is N times Y in Z*, *N percent faster than Y*, *60 percent of Y*."""
    if re.match(r"\s*(?:of |的)?(?:GPU |CUDA |AI )?(?:cores?\b|核心|SMs?\b|streaming)", stretch.text[amount.end :]):
        return
    pair = _pair(stretch, amount)
    if pair is None:
        return
    one, other, within = pair
    ratio = _as_ratio(stretch, amount)
    if ratio is None:
        return
    if stretch.marks.kind("system", within):
        yield _systems(stretch, ratio, within)
        return
    found = tuple(_readings(stretch, ratio, one, other, within))
    if found:
        yield stretch.candidate("ratio", amount.start, amount.end, *found, sure=0.9 if not stretch.notes else 0.8)


def _pair(stretch: Stretch, amount: WrittenAmount) -> tuple[str, str, tuple[int, int]] | None:
    """Subject and baseline of a comparison, and the stretch in which both stand."""
    for within in apart(stretch, amount.start):
        chips = [*stretch.chips(within), *_of_systems(stretch, within)]
        chips.sort(key=lambda n: n.start)
        if not chips:
            continue
        marked = [n for n in chips if stretch.baseline(n)]
        after = [n for n in chips if n.start >= amount.end]
        before = [n for n in chips if n.end <= amount.start]
        owner = [
            n
            for n in before
            if re.fullmatch(r"\s*(?:的|'s|’s)\s*(?:约|近|将近|大约)?", stretch.text[n.end : amount.start])
        ]
        base = owner[-1] if owner and len(chips) > 1 else None
        base = (
            base
            or next((n for n in after if n in marked or stretch.owned_by(n)), None)
            or next((n for n in reversed(before) if n in marked), None)
        )
        if base is None and len(chips) >= 2 and after and before:
            base = after[0]
        if base is None and len(chips) >= 2 and not after:
            base = before[-1]
        if base is None:
            continue
        others = [n for n in chips if n.ids != base.ids]
        if others:
            free = [n for n in others if n not in marked] or others
            one = max(
                (n for n in free if n.start < max(base.start, amount.start)), key=lambda n: n.start, default=free[0]
            )
            return one.ids[0], base.ids[0], within
        if within != (0, len(stretch.text)):
            outside = [n for n in stretch.chips() if n.ids != base.ids and n.end <= within[0]]
            if outside:
                return outside[-1].ids[0], base.ids[0], within
        if stretch.context.chip and stretch.context.chip != base.ids[0]:
            stretch.assume(
                text(
                    "the subject is the chip spoken of before: {chip}",
                    chip=stretch.world.chip(stretch.context.chip).name,
                )
            )
            return stretch.context.chip, base.ids[0], within
    chips = stretch.chips()
    grown = stretch.marks.has("work", "inference", "training", within=stretch.marks.clause(amount.start))
    if len(chips) == 1 and amount.per == "growth" and grown:
        before_it = _PREDECESSOR.get(chips[0].ids[0])
        if before_it:
            stretch.assume(text("compared with the chip it follows: {chip}", chip=stretch.world.chip(before_it).name))
            return chips[0].ids[0], before_it, stretch.marks.clause(amount.start)
    return None


# What a part is measured against when its makers say that it doubles something and name nothing.
_PREDECESSOR = {
    "nvidia-h200-sxm": "nvidia-h100-sxm",
    "nvidia-h100-sxm": "nvidia-a100-80gb-sxm",
    "nvidia-b200": "nvidia-h200-sxm",
    "nvidia-b300": "nvidia-b200",
    "amd-mi325x": "amd-mi300x",
    "amd-mi355x": "amd-mi325x",
    "huawei-ascend-910c": "huawei-ascend-910b",
    "huawei-ascend-950pr": "huawei-ascend-910c",
}


def _of_systems(stretch: Stretch, within: tuple[int, int]) -> list[Name]:
    return stretch.marks.kind("system", within)


def _as_ratio(stretch: Stretch, amount: WrittenAmount) -> WrittenAmount | None:
    """The amount as a multiple: 30 percent more is 1.3 times, 60 percent of is 0.6 times, two times faster is twice."""
    after = stretch.text[amount.end : amount.end + 22]
    before = stretch.text[max(amount.start - 22, 0) : amount.start]
    if amount.hedge == "exact":
        # the hedge may stand before the chip compared with: almost the H100's double, 几乎是H100的两倍
        leading = stretch.text[max(stretch.marks.clause(amount.start)[0], amount.start - 20) : amount.start]
        if re.search(r"nearly|almost|close to|几乎|接近|将近|近乎", leading, re.IGNORECASE):
            amount = replace(amount, hedge="nearly")
        elif re.search(r"about|roughly|around|约|大概", leading, re.IGNORECASE):
            amount = replace(amount, hedge="about")
    if amount.kind == "times":
        return amount
    if amount.kind != "share":
        return None
    value, upper = amount.value / 100, amount.upper / 100
    if _OF.search(after) or _OF.search(before):
        pass
    elif _LESS.search(after) or _LESS.search(before[-8:]):
        value, upper = 1 - upper, 1 - value
    elif _MORE.search(after) or _MORE.search(before[-8:]):
        value, upper = 1 + value, 1 + upper
    else:
        return None
    hedge = (
        {"at least": "at most", "at most": "at least"}.get(amount.hedge, amount.hedge)
        if value < amount.value / 100 and _LESS.search(after + before[-8:])
        else amount.hedge
    )
    return replace(amount, value=round(value, 6), upper=round(upper, 6), hedge=hedge)


def _readings(
    stretch: Stretch, amount: WrittenAmount, one: str, other: str, within: tuple[int, int]
) -> Iterator[Table]:
    """Tables that a comparison of two chips may mean: the work it names, else the measure it names, else the data sheet."""
    relation = relation_of(amount, loose=_LOOSE)
    chips: dict[str, Any] = {"unit": "times", "subject": one, "baseline": other}
    before = (0, amount.end)
    works = {w.name for w in stretch.marks.of("work", within)} or {w.name for w in stretch.marks.of("work", before)}
    measure = _measure(stretch, amount, within)
    if "hpc" in works and not works & {"training", "inference"}:
        yield table_of_claim(
            "hpc_ratio", relation, **chips, free={"kernel": ["stream", "stencil", "hpcg", "fft", "dgemm", "hpl"]}
        )
        return
    if "cost" in works or re.search(r"expensive|cheaper|dearer|\bcosts?\b|贵|便宜|成本", stretch.text, re.IGNORECASE):
        yield table_of_claim(
            "price_ratio", relation, **chips, fixed={"on": stretch.day(amount.start)}, free={"offer": ["buy", "rent"]}
        )
        return
    if "energy" in works:
        yield table_of_claim("energy_ratio", relation, **chips, fixed={}, free=_serving_conditions(stretch))
        return
    if works & {"training", "inference", "prefill", "decode", "finetune"}:
        yield from _work_tables(stretch, relation, chips, works)
        return
    form = next(
        (f for w in apart(stretch, amount.start) if (f := nearest(stretch.marks, "format", amount.start, w))), ""
    )
    if measure in ("tpp", "performance_density"):
        yield table_of_claim(
            "fact_ratio", relation, **chips, fixed={"measure": "derived_tpp" if measure == "tpp" else "derived_density"}
        )
    elif form:
        yield table_of_claim("fact_ratio", relation, **chips, fixed={"measure": f"{form}_rate"})
    elif measure in (
        "memory_capacity",
        "memory_bandwidth",
        "link_bandwidth",
        "tdp",
        "transistors",
        "compute_die_area",
        "l2_cache",
        "memory_stacks",
    ):
        named = [
            w.name
            for w in stretch.marks.of("measure", (within[0], amount.end))
            or stretch.marks.of("measure", (0, amount.end))
        ]
        both = [m for m in ("memory_capacity", "memory_bandwidth") if m in named]
        yield table_of_claim("fact_ratio", relation, **chips, free={"measure": both if len(both) == 2 else [measure]})
    elif measure == "compute":
        if _big_models(stretch):
            yield from _work_tables(stretch, relation, chips, {"training", "inference"})
            return
        stretch.assume(text("performance is read as dense peak rates; what work gains may differ"))
        yield table_of_claim("fact_ratio", relation, **chips, free={"measure": list(_COMPUTE)})
    else:
        stretch.assume(text("no measure is named; read as memory, bandwidth and peak rates"))
        yield table_of_claim("fact_ratio", relation, **chips, free={"measure": list(_PAPER)})


def _measure(stretch: Stretch, amount: WrittenAmount, within: tuple[int, int]) -> str:
    """The measure a multiple is of: before it in its clause, then just behind it, then earlier in the sentence."""
    behind = (amount.end, min(within[1], amount.end + 40))
    for stretch_of in ((within[0], amount.end), behind, (0, amount.end)):
        words = [w for w in stretch.marks.of("measure", stretch_of) if w.name not in ("fab_node", "memory_type")]
        if words:
            return min(words, key=lambda w: min(abs(w.start - amount.start), abs(w.end - amount.start))).name
    return ""


def _big_models(stretch: Stretch) -> bool:
    return any(a.kind == "parameters" for a in stretch.marks.amounts)


def models_of(stretch: Stretch, default: tuple[str, ...] = ("llama-3.1-70b",)) -> tuple[str, ...]:
    """Models that a sentence names, or that have about as many parameters as it says, at most three."""
    named = tuple(n.ids[0] for n in stretch.marks.kind("model"))
    if named:
        return named[:3]
    sizes = [a for a in stretch.marks.amounts if a.kind == "parameters" and a.value >= 1e8]
    if not sizes:
        stretch.assume(text("no model is named; tried on {models}", models=", ".join(default)))
        return default
    size = sizes[0]
    low, high = (0.98, 2.4) if size.hedge == "at least" else (0.93, 1.07)
    known = [
        m
        for m in stretch.world.catalog.models.values()
        if m.parameters and low * size.value <= m.parameters <= high * size.value
    ]
    known.sort(key=lambda m: (m.is_moe, abs((m.parameters or 0.0) / size.value - 1), m.id))
    found = tuple(m.id for m in known[:2])
    if size.hedge == "at least" and (
        larger := [m.id for m in known if (m.parameters or 0) > 2 * size.value and not m.is_moe]
    ):
        found = (*found, larger[0])
    if found:
        stretch.assume(text("models of that size: {models}", models=", ".join(found)))
        return found
    stretch.assume(text("no model of that size is held; tried on {models}", models=", ".join(default)))
    return default


def _serving_conditions(stretch: Stretch) -> dict[str, Any]:
    models = models_of(stretch)
    return {
        "model": list(models),
        "precision": _precisions(stretch),
        "batch": [1, 8, 32] if not _batches(stretch) else [_batches(stretch)[0]],
    }


def _precisions(stretch: Stretch) -> list[str]:
    named = [w.name for w in stretch.marks.of("format") if w.name in ("bf16", "fp16", "fp8", "fp4", "int8", "int4")]
    return list(dict.fromkeys(named)) or ["bf16", "fp8"]


def _batches(stretch: Stretch) -> list[int]:
    return [int(next(g for g in m.groups() if g)) for m in _BATCH.finditer(stretch.text)]


def _work_tables(
    stretch: Stretch, relation: tuple[str, object, float], chips: dict[str, Any], works: set[str]
) -> Iterator[Table]:
    models = models_of(stretch)
    batches = _batches(stretch)
    if "training" in works and works & {"inference", "decode", "prefill"}:
        yield table_of_claim(
            "work_ratio",
            relation,
            **chips,
            free={
                "model": models,
                "work": ["training", "adapters", "prompts", "1 answer", "8 answers", "32 answers"],
                "precision": ["bf16", "fp8"],
            },
        )
    elif works & {"training", "finetune"}:
        task = "lora" if "finetune" in works and "training" not in works else "pretrain"
        yield table_of_claim(
            "training_ratio",
            relation,
            **chips,
            fixed={"chips": 128 if task == "pretrain" else 16, "task": task},
            free={"model": models, "precision": ["bf16", "fp8"] if task == "pretrain" else ["bf16"]},
        )
    elif len(batches) >= 2:
        # each side runs in the batch that the claimant gives it
        yield table_of_claim(
            "throughput_ratio",
            relation,
            **chips,
            fixed={"batch": batches[0], "baseline_batch": batches[1], "output": 128},
            free={"model": models, "precision": _precisions(stretch)},
        )
    else:
        phase = (
            ["prefill"]
            if "prefill" in works and "decode" not in works
            else ["decode"]
            if "decode" in works
            else ["mixed", "full"]
        )
        yield table_of_claim(
            "throughput_ratio",
            relation,
            **chips,
            fixed={"output": 128} | ({"batch": batches[0]} if batches else {}),
            free={
                "model": models,
                "precision": _precisions(stretch),
                "phase": phase,
                "chips": [1, 2, 8] if not _counted(stretch) else [_counted(stretch)],
            }
            | ({"batch": [1, 8, 32]} if phase != ["mixed", "full"] and not batches else {}),
        )


def _counted(stretch: Stretch) -> int:
    """How many chips the sentence says: one H200, a single GPU, 8 GPUs; 0 where it says nothing."""
    found = re.search(
        r"(\d+|one|single|a single|eight|four|two) ?[x×]? ?(?:H\d|B\d|A\d|MI\d|GPU|chip|card|Ascend)|(单)(?:卡|颗|张|芯片)",
        stretch.text,
        re.IGNORECASE,
    )
    if not found:
        return 0
    if found[2]:
        return 1
    words = {"one": 1, "single": 1, "a single": 1, "two": 2, "four": 4, "eight": 8}
    count = words.get(found[1].lower()) or int(found[1]) if found[1] else 0
    return count if count in (1, 2, 4, 8, 16, 32, 64) else 0


def _systems(stretch: Stretch, amount: WrittenAmount, within: tuple[int, int]) -> Candidate:
    """*CloudMatrix384 has 1.7 times the compute of NVL72*."""
    systems = stretch.marks.kind("system", within)
    if len(systems) < 2:
        return stretch.refused(
            "system", amount.start, amount.end, text("a system is compared with something that is none")
        )
    measure = (
        "tdp"
        if re.match(
            r"\s*(?:the |as much |more )*(?:power|energy|electricity)|的?(?:功耗|功率|电)", stretch.text[amount.end :]
        )
        else nearest(stretch.marks, "measure", amount.start, within)
    )
    measures = {"compute": ["bf16_rate"], "tdp": ["power"]}.get(
        measure,
        [measure]
        if measure in ("memory_capacity", "memory_bandwidth")
        else ["bf16_rate", "memory_capacity", "memory_bandwidth"],
    )
    made = table_of_claim(
        "system_ratio",
        relation_of(amount, loose=_LOOSE),
        unit="times",
        fixed={"system": systems[0].ids[0], "over": systems[1].ids[0]},
        free={"measure": measures},
    )
    return stretch.candidate("system", amount.start, amount.end, made)


_BETTER = re.compile(
    r"upgrade|successor|improv|more (?:energy-|power-)?efficient|faster|better|higher|升级|后继|更(?:加)?(?:高效|快|强|高)|提升|高于|优于",
    re.IGNORECASE,
)


def better(stretch: Stretch) -> Iterator[Candidate]:
    """*The H200 is an upgrade of the H100 for training and inference*, *makes HPC more efficient*: better by no stated number."""
    marks = stretch.marks
    for found in _BETTER.finditer(stretch.text):
        clause = marks.clause(found.start())
        works = {w.name for w in marks.of("work", clause)} or (
            {w.name for w in marks.of("work")} if "upgrade" in found[0].lower() or found[0] == "升级" else set()
        )
        works &= {"training", "inference", "hpc", "finetune", "energy"}
        if not works or any(clause[0] <= a.start < clause[1] and a.kind in ("times", "share") for a in marks.amounts):
            continue
        one, other = _better_pair(stretch)
        if not one or not other:
            return
        relation = ("at least", 1.05, 0.0)
        stretch.assume(text("better is read as five percent or more"))
        chips: dict[str, Any] = {"unit": "times", "subject": one, "baseline": other}
        if "hpc" in works:
            yield stretch.candidate(
                "better",
                found.start(),
                found.end(),
                table_of_claim(
                    "hpc_ratio",
                    relation,
                    **chips,
                    free={"kernel": ["stream", "stencil", "hpcg", "fft", "dgemm", "hpl"]},
                ),
                sure=0.7,
            )
        if "energy" in works:
            made = table_of_claim("energy_ratio", relation, **chips, free=_serving_conditions(stretch))
            yield stretch.candidate("better", found.start(), found.end(), made, sure=0.7)
        elif works - {"hpc"}:
            yield stretch.candidate(
                "better", found.start(), found.end(), *_work_tables(stretch, relation, chips, works - {"hpc"}), sure=0.7
            )
        return


def _better_pair(stretch: Stretch) -> tuple[str, str]:
    """Which chip is better, and than which: named, spoken of before, or the one it follows."""
    chips = list(dict.fromkeys(n.ids[0] for n in stretch.chips()))
    marked = [n.ids[0] for n in stretch.chips() if stretch.baseline(n)]
    if len(chips) >= 2:
        other = marked[0] if marked else chips[1]
        return next(c for c in chips if c != other), other
    if len(chips) == 1 and (marked or chips[0] != stretch.context.chip) and stretch.context.chip and marked:
        stretch.assume(
            text("the subject is the chip spoken of before: {chip}", chip=stretch.world.chip(stretch.context.chip).name)
        )
        return stretch.context.chip, chips[0]
    one = chips[0] if chips else stretch.context.chip
    other = _PREDECESSOR.get(one, "")
    if other:
        stretch.assume(text("compared with the chip it follows: {chip}", chip=stretch.world.chip(other).name))
    return one, other


_TOP = re.compile(
    r"most (?:sensitive|advanced|powerful|capable)|cutting[- ]edge|top[- ]of[- ]the[- ]line|最(?:敏感|先进|尖端|强|顶级)|顶尖",
    re.IGNORECASE,
)
_SHORT = re.compile(
    r"\bnot\b|n.t\b|below|behind|short of|less than|inferior|weaker|未|没有|不及|低于|落后|弱于", re.IGNORECASE
)


def below_top(stretch: Stretch) -> Iterator[Candidate]:
    """*Short of the most advanced US technology*."""
    for found in _TOP.finditer(stretch.text):
        clause = stretch.marks.clause(found.start())
        said = stretch.text[clause[0] : found.start()]
        american = stretch.marks.has("country", "US", within=clause) or re.search(
            r"Nvidia|英伟达|American|美国", stretch.text[slice(*clause)]
        )
        named = stretch.chips(clause)
        subject = named[0].ids[0] if named else stretch.context.chip
        if not _SHORT.search(said) or not american or not subject:
            continue
        if not named:
            stretch.assume(
                text("the subject is the chip spoken of before: {chip}", chip=stretch.world.chip(subject).name)
            )
        made = table_of_claim(
            "ratio_to_best",
            ("at most", 0.95, 0.0),
            unit="times",
            subject=subject,
            fixed={"group": "american", "on": stretch.day(found.start())},
            free={"measure": ["tpp", "memory_bandwidth", "memory_capacity"]},
        )
        yield stretch.candidate("top", *clause, made, sure=0.8)
        return


_FAR = re.compile(
    r"far (?:above|beyond|ahead|exceed|outperform|more powerful)|远(?:远)?(?:超|高于|强于|优于|胜)|well (?:above|ahead|beyond)|大幅(?:超|领先)",
    re.IGNORECASE,
)
_ABOVE = re.compile(
    r"better than|superior|exceed|outperform|ahead of|more (?:powerful|capable|advanced) than|beats?|surpass|超过|优于|强于|领先|胜过|高于|超越",
    re.IGNORECASE,
)


def above_group(stretch: Stretch) -> Iterator[Candidate]:
    """*Far above any Chinese chip*, *no Chinese chip matches the H20*."""
    for word in stretch.marks.of("group"):
        if word.name not in ("chinese",):
            continue
        clause = stretch.marks.clause(word.start)
        said = stretch.text[slice(*clause)]
        far, above = _FAR.search(said), _ABOVE.search(said)
        refused = re.search(
            r"(?:no|none of the|没有)\s?[^,，。]{0,30}(?:match|equal|rival|compare|come close|beat|赶上|比得上|达到|媲美|匹敌)",
            said,
            re.IGNORECASE,
        )
        if not (far or above or refused) or any(
            clause[0] <= a.start < clause[1] and a.kind in ("times", "share", "count") for a in stretch.marks.amounts
        ):
            continue
        named = stretch.chips(clause)
        subject = named[0].ids[0] if named else stretch.context.chip
        if not subject:
            continue
        if not named:
            stretch.assume(
                text("the subject is the chip spoken of before: {chip}", chip=stretch.world.chip(subject).name)
            )
        least = 2.0 if far else 1.0
        if far:
            stretch.assume(text("far above is read as twice the best Chinese chip on sale that day, or more"))
        made = table_of_claim(
            "ratio_to_best",
            ("at least", least, 0.0),
            unit="times",
            subject=subject,
            fixed={"group": "chinese", "on": stretch.day(word.start)},
            free={"measure": ["tpp", "memory_bandwidth", "memory_capacity"]},
        )
        yield stretch.candidate("group", clause[0], clause[1], made, sure=0.85)
        return


def between(stretch: Stretch) -> Iterator[Candidate]:
    """*The H200 stands between the H20 and Blackwell*, *narrows the gap between the two*."""
    marks = stretch.marks
    if not (
        re.search(r"between|之间|介于", stretch.text, re.IGNORECASE) and marks.has("group", "blackwell")
    ) and not re.search(r"介于", stretch.text):
        return
    lower = [n for n in stretch.chips() if "h20-" in n.ids[0] or n.ids[0].startswith("nvidia-h20")]
    subject = [n for n in stretch.chips() if n not in lower and n.ids[0] != "nvidia-b200"]
    chip = subject[0].ids[0] if subject else stretch.context.chip
    if not lower or not chip or chip == lower[0].ids[0]:
        return
    if not subject:
        stretch.assume(text("the subject is the chip spoken of before: {chip}", chip=stretch.world.chip(chip).name))
    stretch.assume(text("Blackwell is read as the B200"))
    made = table_of_claim(
        "position",
        ("between", [0.01, 0.99], 0.0),
        subject=chip,
        baseline=lower[0].ids[0],
        fixed={"upper": "nvidia-b200"},
        free={"measure": ["memory_capacity", "memory_bandwidth", "bf16_rate", "fp8_rate"]},
    )
    yield stretch.candidate("between", 0, len(stretch.text), made, sure=0.85)
