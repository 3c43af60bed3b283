"""The page of predicted against measured: what a user may expect, by software and its year, chip, model, layout and load.

Written in English, as the documentation is. Every score is of rows whose whole model was left out of the fit (serving) or
whose source, model and chip were (training, kernels), with bands made on other models; nothing here knows who published
a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import exp, log
from typing import Any

from chipwall.perf.calibrated import Calibrated
from chipwall.perf.fitting.scores import Outcome, Score, by, score, serving_outcomes, training_outcomes
from chipwall.report.forms.vega import PALETTE, Spec, layered

__all__ = ["Peer", "pictures", "scoreboard_page"]

# Rows of another tool: its name, and its answer by row id in the unit of the row.
Peer = tuple[str, Mapping[str, float]]
HEADS = ("rows", "median error %", "within 20 %", "bias", "inside the 80 % band", "band high/low")
WORST_ROWS = 15
# Dots of a picture: every so many rows, so that it stays light.
DOTS = 700
# Chips with a section of their own, and the ids that belong to each.
CHIPS: dict[str, tuple[str, ...]] = {
    "H20": ("nvidia-h20-96gb", "nvidia-h20-141gb"), "MI300X": ("amd-mi300x",), "MI325X": ("amd-mi325x",),
    "MI355X": ("amd-mi355x", "amd-mi350x"), "B300": ("nvidia-b300",), "GB300": ("nvidia-gb300",),
    "Ascend 910B": tuple("huawei-ascend-910b" + bin_ for bin_ in ("", "1", "2", "3", "4")),
    "Ascend 910C": ("huawei-ascend-910c",), "Ascend 950": ("huawei-ascend-950dt", "huawei-ascend-950pr"),
}  # fmt: skip
# What a chip should have been measured at, to say what is missing.
WANTED = {
    "asked": ("token", "rate", "first"), "tensor": ("1", "2", "4", "8"), "precision": ("bf16", "fp8", "fp4"),
    "load": ("1", "2 to 4", "5 to 16", "17 to 64", "65 to 256", "above 256"), "kind": ("dense", "experts", "experts latent"),
}  # fmt: skip
ASKED = {"token": "time per token", "rate": "throughput", "first": "first token"}


def _line(name: str, s: Score) -> str:
    shares = f"{100 * s.median:.1f} | {100 * s.within_20:.0f} | {s.bias:.2f} | {100 * s.coverage:.0f} | {s.width:.2f}"
    return f"| {name} | {s.rows} | {shares} |"


def _table(first: str, scores: Mapping[str, Score]) -> Iterator[str]:
    if not scores:
        return
    yield f"| {first} | " + " | ".join(HEADS) + " |"
    yield "|---|" + "---:|" * len(HEADS)
    yield from (_line(name, s) for name, s in scores.items())
    yield ""


def scoreboard_page(
    calibrated: Calibrated,
    *,
    kernels: Callable[[Calibrated], Sequence[Outcome]] | None = None,
    peer: Peer | None = None,
    pictures_at: str = "",
    say: Callable[[str], None] = lambda _: None,
) -> str:
    """The whole page as Markdown.

    Parameters
    ----------
    calibrated : Calibrated
        What is fitted.
    kernels : callable, optional
        Outcomes of kernels and collectives, from a fit that takes minutes; without it the page says so.
    peer : tuple, optional
        Answers of another tool to some rows, to stand beside.
    pictures_at : str
        Where the pictures of :func:`pictures` lie, relative to the page; empty for none.
    say : callable
        Told what is being done.
    """
    say("serving")
    serving = serving_outcomes(calibrated)
    say("training and fine-tuning")
    trained = {kind: training_outcomes(kind, calibrated) for kind in ("training", "finetune")}
    lines = [*_head(), *_summary(serving, trained)]
    lines += _serving(serving, pictures_at)
    say("chips left out whole")
    lines += _chips(serving, serving_outcomes(calibrated, "chip"))
    lines += _worst(serving)
    for kind, outcomes in trained.items():
        title = "Training" if kind == "training" else "Fine-tuning"
        lines += _other(title, outcomes, ("class", "software", "chip", "source"))
    if kernels is not None:
        say("kernels and collectives: fitted again without each group, some minutes")
        lines += _other("Kernels and collectives", kernels(calibrated), ("class", "chip", "source"))
    else:
        lines += ["## Kernels and collectives", "", "Not on the quick page: their fit takes a minute.", ""]
    if peer is not None:
        lines += _beside(serving, peer)
    return "\n".join(lines).rstrip() + "\n"


HEAD = (
    "Written by `chipwall scoreboard`. What a user may expect of a model that was never fitted: each serving row is predicted by "
    "constants that saw no row of its model, each training row by constants that saw nothing of its source, model and chip "
    "together. No prediction knows who published a row. Errors are |predicted / measured - 1| of the time (a rate counts as the "
    "time behind it); a bias above 1 means too slow. Bands are 80 % intervals, scaled on other models than those they are scored "
    "on; beside their coverage stands how wide they are (upper over lower end), since a band wider than needed is a fault too. "
    "Where rows, bands and labels come from: [evidence](method/evidence.md)."
)


def _head() -> list[str]:
    return ["# Scoreboard: predicted against measured", "", HEAD, ""]


def _summary(serving: Sequence[Outcome], trained: Mapping[str, Sequence[Outcome]]) -> Iterator[str]:
    yield from ("## In one table", "")
    rows: dict[str, Score] = {}
    for name, wanted in (("software since mid-2025", "True"), ("earlier software", "False")):
        for asked, words in ASKED.items():
            part = [o for o in serving if o.facts["modern"] == wanted and o.facts["asked"] == asked]
            if len(part) >= 10:
                rows[f"serving, {words}, {name}"] = score(part)
    rows |= {"training": score(trained["training"]), "fine-tuning": score(trained["finetune"])}
    yield from _table("question", rows)


def _serving(serving: Sequence[Outcome], pictures_at: str) -> Iterator[str]:
    yield from ("## Serving", "")
    if pictures_at:
        for asked, words in ASKED.items():
            yield from (f"![Predicted against measured: {words}]({pictures_at}{asked}.svg)", "")
    yield from ("### By distance from the measurements", "")
    yield from _table("distance", by(serving, lambda o: o.where))
    keys = {
        "engine-year": "engine-year", "chip": "chip", "model": "model", "kind": "kind", "tensor degree": "tensor",
        "in flight per replica": "load", "precision": "precision", "source": "source",
    }  # fmt: skip
    for title, key in keys.items():
        yield from (f"### By {title}", "")
        yield from _table(title, by(serving, outcome_fact(key)))
    yield from _of_modern(serving)


def _of_modern(serving: Sequence[Outcome]) -> Iterator[str]:
    """Every kind of answer on this year's software, by layout, load, chip and model."""
    keys = {"tensor degree": "tensor", "in flight per replica": "load", "chip": "chip", "model": "model"}
    for asked, words in ASKED.items():
        modern = [o for o in serving if o.facts["modern"] == "True" and o.facts["asked"] == asked]
        yield from (f"### {words.capitalize()} on software since mid-2025", "")
        for title, key in keys.items():
            yield from _table(title, by(modern, outcome_fact(key)))


def _chips(serving: Sequence[Outcome], whole: Sequence[Outcome]) -> Iterator[str]:
    yield from ("## Chip by chip", "")
    yield from ("Left out whole: predicted by constants that saw no serving run of the chip at all.", "")
    for name, ids in CHIPS.items():
        own = [o for o in serving if o.facts["chip"] in ids]
        yield from (f"### {name}", "")
        if not own:
            yield from ("No run that may be fitted is in the table: every answer for this chip is extrapolated.", "")
        else:
            alone = [o for o in whole if o.facts["chip"] in ids]
            yield from _table("", {"all": score(own), "left out whole": score(alone)})
            yield from _table("asked", by(own, lambda o: ASKED[o.facts["asked"]], fewest=3))
            yield from _table("tensor degree", by(own, lambda o: o.facts["tensor"], fewest=3))
            yield from _table("in flight per replica", by(own, lambda o: o.facts["load"], fewest=3))
        yield from (f"Missing: {_missing(own)}.", "")


def _missing(own: Sequence[Outcome]) -> str:
    """What a chip has not been measured at."""
    found = []
    names = {"asked": "", "tensor": "tensor degree ", "precision": "", "load": "load ", "kind": "models: "}
    for fact, wanted in WANTED.items():
        lacking = [ASKED.get(w, w) for w in wanted if not any(o.facts[fact] == w for o in own)]
        if lacking:
            found.append(names[fact] + ", ".join(lacking))
    latest = max((o.facts["engine-year"].rsplit(" ", 1)[-1] for o in own), default="")
    if latest and latest < "2026":
        found.append("software of 2026")
    return "; ".join(found) or "nothing of the usual grid"


def outcome_fact(name: str) -> Callable[[Outcome], str]:
    """What an outcome is in one respect; empty where it is not told."""

    def told(one: Outcome) -> str:
        return one.facts.get(name, "")

    return told


def _reason(one: Outcome, outcomes: Sequence[Outcome]) -> str:
    """Why a row is far off, as far as the table can tell."""
    group = ("source", "chip", "model")
    mates = [o for o in outcomes if all(o.facts[g] == one.facts[g] for g in group)]
    typical = score(mates).bias
    if len(mates) >= 4 and abs(exp(one.error) / typical - 1.0) < 0.35:
        return f"all {len(mates)} rows of this source, chip and model are {typical:.1f} x: its software or its labels, not this row"
    if one.where in ("apart", "far"):
        return f"{one.where}: no run like it remains when its model is left out"
    fellows = [o for o in outcomes if o.facts["engine-year"] == one.facts["engine-year"]]
    if abs(score(fellows).bias - 1.0) > 0.2:
        return f"{one.facts['engine-year']} as a whole is {score(fellows).bias:.2f} x"
    return "alone among its like: a fault of the row or of the model here"


def _worst(outcomes: Sequence[Outcome]) -> Iterator[str]:
    yield from ("### Worst rows and why", "", "| row | chip | model | asked | measured | predicted | times off | why |")
    yield "|---|---|---|---|---:|---:|---:|---|"
    shown: set[tuple[str, ...]] = set()
    for one in sorted(outcomes, key=lambda o: -abs(o.error)):
        group = (one.facts["source"], one.facts["chip"], one.facts["model"], one.facts["asked"])
        if group in shown:
            continue
        shown.add(group)
        measured = float(one.row["value"])
        sign = -1.0 if one.facts["asked"] == "rate" else 1.0
        yield (
            f"| {one.id} | {one.facts['chip']} | {one.facts['model']} | {ASKED[one.facts['asked']]} | {measured:.4g} | "
            f"{measured * exp(sign * one.error):.4g} | {exp(one.error):.2f} | {_reason(one, outcomes)} |"
        )
        if len(shown) == WORST_ROWS:
            break
    yield ""


def _other(title: str, outcomes: Sequence[Outcome], keys: Sequence[str]) -> Iterator[str]:
    yield from (f"## {title}", "")
    yield from _table("", {"all": score(outcomes)})
    for key in keys:
        yield from _table(key, by(outcomes, outcome_fact(key)))


def _beside(serving: Sequence[Outcome], peer: Peer) -> Iterator[str]:
    """Another tool on the rows that both answer."""
    name, answers = peer
    both = [o for o in serving if o.id in answers and o.facts["asked"] == "token"]
    yield from (f"## Beside {name}", "")
    yield from (
        f"{len(both)} times per token that both answer; chipwall by constants that saw no row of the model.",
        "",
    )
    yield f"| | rows | chipwall median % | bias | {name} median % | bias |"
    yield "|---|---:|---:|---:|---:|---:|"
    for title, key in (("all", None), ("model", "model"), ("tensor", "tensor"), ("chip", "chip"), ("load", "load")):
        for value in sorted({o.facts[key] for o in both}) if key else [""]:
            part = [o for o in both if key is None or o.facts[key] == value]
            theirs = score([_of_peer(o, answers[o.id]) for o in part])
            mine = score(part)
            both_told = f"{100 * mine.median:.1f} | {mine.bias:.2f} | {100 * theirs.median:.1f} | {theirs.bias:.2f}"
            yield f"| {title} {value} | {mine.rows} | {both_told} |"
    yield ""


def _of_peer(one: Outcome, answer: float) -> Outcome:
    return replace(one, error=log(answer / float(one.row["value"])))


def pictures(found: Sequence[Outcome]) -> dict[str, Spec]:
    """Predicted against measured times, one picture for what is asked: dots by kind of model, the line of equality."""
    return {asked: _picture(words, [o for o in found if o.facts["asked"] == asked]) for asked, words in ASKED.items()}


def _picture(words: str, outcomes: Sequence[Outcome]) -> Spec:
    values: list[dict[str, Any]] = []
    for one in outcomes[:: len(outcomes) // DOTS + 1]:
        measured = float(one.row["value"])
        sign = -1.0 if one.facts["asked"] == "rate" else 1.0
        values.append({"x": measured, "y": round(measured * exp(sign * one.error), 6), "kind": one.facts["kind"]})
    ends = [min(v["x"] for v in values), max(v["x"] for v in values)]
    scale: Spec = {"type": "log"}
    x: Spec = {"field": "x", "type": "quantitative", "title": f"measured {words}", "scale": scale}
    y: Spec = {"field": "y", "type": "quantitative", "title": "predicted, its model left out", "scale": scale}
    colour: Spec = {"field": "kind", "type": "nominal", "title": None}
    dots: Spec = {
        "data": {"values": values}, "mark": {"type": "point", "size": 9, "opacity": 0.45},
        "encoding": {"x": x, "y": y, "color": colour, "shape": colour},
    }  # fmt: skip
    equal = [{"x": e, "y": e} for e in ends]
    line: Spec = {
        "data": {"values": equal},
        "mark": {"type": "line", "color": PALETTE[6]},
        "encoding": {"x": x, "y": y},
    }
    return layered([dots, line], title=f"Predicted against measured: {words}", lang="en", width=420, height=420)
