"""A site's calibration as a file, and as what the engines take in place of the shipped constants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipwall.errors import InputError
from chipwall.files import Problems, read_toml, shaped
from chipwall.inputs import quote
from chipwall.perf.calibrated import Calibrated, Evidence, ServingConstants, Standing
from chipwall.perf.constants import offset_key
from chipwall.perf.estimate import Basis
from chipwall.perf.fitting.own import ASKED, MOVED, MovedConstant
from chipwall.text import text

if TYPE_CHECKING:
    from chipwall.catalog.records import LanguageModel
    from chipwall.perf.device import Hardware

__all__ = ["RunRow", "SiteCalibration", "read_site", "site_toml", "with_site"]

# How far beyond the loads and lengths that were measured a calibration is still one: a factor [1].
REACH = 2.0
# Odds and factors that a file may hold; what lies beyond was not written by a fit.
MOST_OFFSET, MOST_FACTOR = 12.0, 20.0
# What a run's figures are called in the file; ``output`` is a length there.
FIGURES = {"tpot": "tpot", "output": "output_rate", "ttft": "ttft"}
# What the metrics of an answer are called in a calibration.
OF_METRIC = {"tpot": "tpot", "ttft": "ttft", "output": "output", "energy": "output"}


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run behind a calibration: where it is, what was asked, and by figure what was measured and predicted [s, token/s]."""

    place: str
    users: float
    rate: float
    prompt: float
    output: float
    measured: Mapping[str, float]
    predicted: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class SiteCalibration:
    """What a site measured and what follows from it.

    Attributes
    ----------
    chip, engine, model, precision : str
        The setup that was measured, by the ids of the catalogue.
    chips : int
        How many chips it had [1].
    year : float
        Date of the engine's release [year].
    tool : str
        The tool that wrote the files.
    made : date
        When it was fitted.
    kept : bool
        Whether the shipped constants stay, because runs left out did not come out better.
    changes : tuple of MovedConstant
        The constants that moved.
    before, after : mapping of str to float
        Median error of left-out runs, shipped and fitted, by figure [1].
    bands : mapping of str to tuple of float
        80 % bands: factors on a time [1].
    runs : tuple of RunRow
        The runs.
    """

    chip: str
    engine: str
    model: str
    precision: str
    chips: int
    year: float
    tool: str
    made: date
    kept: bool
    changes: tuple[MovedConstant, ...]
    before: Mapping[str, float]
    after: Mapping[str, float]
    bands: Mapping[str, tuple[float, float]]
    runs: tuple[RunRow, ...]

    def loads(self) -> tuple[float, float]:
        """Fewest and most users of the runs that had users [1]; nothing where all arrive at a rate."""
        users = [r.users for r in self.runs if r.users > 0]
        return (min(users), max(users)) if users else (0.0, float("inf"))

    def lengths(self) -> tuple[float, float]:
        """Shortest and longest mean context of the runs [token]."""
        contexts = [r.prompt + r.output / 2.0 for r in self.runs]
        return min(contexts), max(contexts)


def _number(value: float) -> str:
    return f"{value:.6g}" if isfinite(value) else '"unknown"'


def _words(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def site_toml(site: SiteCalibration) -> str:
    """The file of a calibration."""
    lines = [
        "# A site's own calibration: apply it with chipwall infer --calibration FILE, or cw.use(FILE).",
        "[calibration]",
        *(f"{n} = {_words(getattr(site, n))}" for n in ("chip", "engine", "model", "precision", "tool")),
        f"chips = {site.chips}",
        f"year = {_number(site.year)}",
        f"made = {site.made.isoformat()}",
        f"shipped_constants_kept = {str(site.kept).lower()}",
        "",
    ]
    for name in site.before:
        lines += [
            "[[error]]",
            f'figure = "{name}"',
            f"before = {_number(site.before[name])}",
            f"after = {_number(site.after[name])}",
        ]
        if name in site.bands:
            lines.append(f"band = [{', '.join(_number(v) for v in site.bands[name])}]")
        lines.append("")
    for c in site.changes:
        lines += [
            "[[constant]]",
            f'name = "{c.name}"',
            f'unit = "{c.unit}"',
            f'scope = "{c.scope}"',
            f"offset = {_number(c.offset)}",
        ]
        lines += [f"{n} = {_number(getattr(c, n))}" for n in ("before", "after", "low", "high")] + [""]
    for r in site.runs:
        lines += ["[[run]]", f"place = {_words(r.place)}"]
        lines += [f"{n} = {_number(getattr(r, n))}" for n in ("users", "rate", "prompt", "output")]
        lines += [f"{FIGURES[n]} = {_number(v)}" for n, v in r.measured.items()]
        lines += [f"predicted_{FIGURES[n]} = {_number(v)}" for n, v in r.predicted.items()] + [""]
    return "\n".join(lines)


SHAPE = {
    "[calibration]": {
        "chip": "word", "engine": "word", "model": "word", "precision": "word", "tool": "word", "chips": "number",
        "year": "number", "made": "day", "shipped_constants_kept": "flag",
    },
    "[[error]]": {"figure": "word", "before": "number", "after": "number", "band": "pair"},
    "[[constant]]": {
        "name": "word", "unit": "word", "scope": "word", "offset": "number", "before": "number", "after": "number",
        "low": "number", "high": "number",
    },
    "[[run]]": {
        "place": "word", "users": "number", "rate": "number", "prompt": "number", "output": "number",
        **{name: "number" for n in FIGURES.values() for name in (n, f"predicted_{n}")},
    },
}  # fmt: skip
FIX = text("Write it again with chipwall calibrate --from, or leave the calibration out")


def read_site(path: Path) -> SiteCalibration:
    """The calibration in a file.

    Raises
    ------
    InputError
        Not such a file, a constant that chipwall does not have, or numbers that no fit writes: all problems at once.
    """
    words, document = read_toml(path, argument="calibration", fix=FIX)
    problems = Problems(quote(str(path)), words, fix=FIX)
    read = shaped(document, SHAPE, problems)
    head = read["calibration"]
    lacking = [n for n in SHAPE["[calibration]"] if n not in head]
    if lacking:
        problems.add(1, text("[calibration] lacks {names}", names=", ".join(lacking)), FIX)
    for nth, c in enumerate(read["constant"]):
        _check_constant(c, nth, problems)
    for nth, e in enumerate(read["error"]):
        _check_error(e, nth, problems)
    problems.stop()
    if not read["run"]:
        raise InputError(text("the calibration has no run behind it"), where=quote(str(path)), fix=FIX)
    return SiteCalibration(
        **{n: str(head[n]) for n in ("chip", "engine", "model", "precision", "tool")},
        chips=int(head["chips"]), year=float(head["year"]), made=head["made"], kept=bool(head["shipped_constants_kept"]),
        changes=tuple(MovedConstant(**c) for c in read["constant"]),
        before={e["figure"]: float(e["before"]) for e in read["error"]},
        after={e["figure"]: float(e["after"]) for e in read["error"]},
        bands={e["figure"]: (float(e["band"][0]), float(e["band"][1])) for e in read["error"] if "band" in e},
        runs=tuple(_run_of(r) for r in read["run"]),
    )  # fmt: skip


def _check_constant(c: Mapping[str, Any], nth: int, problems: Problems) -> None:
    line = problems.line_of("[[constant]]", nth)
    lacking = [n for n in SHAPE["[[constant]]"] if n not in c]
    if lacking:
        problems.add(line, text("[[constant]] lacks {names}", names=", ".join(lacking)), FIX)
    elif c["name"] not in MOVED or c["scope"] != MOVED[c["name"]][1]:
        problems.add(
            line, text("no constant '{name}' of scope '{scope}'", name=quote(c["name"]), scope=quote(c["scope"])), FIX
        )
    elif not abs(c["offset"]) <= MOST_OFFSET:
        problems.add(line, text("an offset of {value:.3g} is none that a fit gives", value=float(c["offset"])), FIX)


def _check_error(e: Mapping[str, Any], nth: int, problems: Problems) -> None:
    line = problems.line_of("[[error]]", nth)
    if e.get("figure") not in ASKED or "before" not in e or "after" not in e:
        problems.add(line, text("[[error]] needs a figure ({names}), before and after", names=", ".join(ASKED)), FIX)
    elif "band" in e and not 1.0 / MOST_FACTOR <= e["band"][0] <= 1.0 <= e["band"][1] <= MOST_FACTOR:
        problems.add(line, text("a band holds 1 and two factors about it"), FIX)


def _run_of(row: Mapping[str, Any]) -> RunRow:
    asked = {n: float(row.get(n, 0.0)) for n in ("users", "rate", "prompt", "output")}
    return RunRow(
        str(row.get("place", "")),
        **asked,
        measured={n: float(row[k]) for n, k in FIGURES.items() if k in row},
        predicted={n: float(row[f"predicted_{k}"]) for n, k in FIGURES.items() if f"predicted_{k}" in row},
    )


def with_site(site: SiteCalibration, base: Calibrated) -> Calibrated:
    """The shipped constants with a site's in their place.

    Constants of the software hold for that engine on any chip, those of the chip for it under that engine: a question about
    another chip starts from the site's baseline. Bands and nearest runs are the site's where it measured this model on this
    chip, within twice the loads and lengths of its runs, and the shipped ones elsewhere.
    """
    scopes = {"software": {"engine": site.engine}, "chip": {"chip": site.chip, "engine": site.engine}}
    constants = dict(base.serving.constants)
    for change in site.changes:
        constant, key = constants[change.name], offset_key(scopes[change.scope])
        offsets = {**constant.offsets, key: constant.offsets.get(key, 0.0) + change.offset}
        constants[change.name] = replace(constant, offsets=offsets)
    return base.with_(
        serving=ServingConstants(constants, base.serving.dates), evidence=SiteEvidence(site, base.evidence)
    )


@dataclass(frozen=True, slots=True)
class SiteEvidence:
    """The runs of a site beside the shipped ones."""

    site: SiteCalibration
    shipped: Evidence

    def standing(self, **asked: Any) -> Standing:
        """As :meth:`chipwall.perf.calibrated.Evidence.standing`."""
        found = self.shipped.standing(**asked)
        hw, model, site = asked["hw"], asked["model"], self.site
        same = (hw.id, asked["engine"], model.id, asked["precision"]) == (
            site.chip,
            site.engine,
            site.model,
            site.precision,
        )
        return SiteStanding(site, found) if same and self._within(asked["load"], asked["context"]) else found

    def _within(self, load: float | None, context: float) -> bool:
        fewest, most = self.site.loads()
        shortest, longest = self.site.lengths()
        crowd = load is None or fewest / REACH <= load <= most * REACH
        return crowd and shortest / REACH <= context <= longest * REACH

    def trained_alike(
        self, model: LanguageModel, hw: Hardware, *, weights: float, recipe: str, count: int = 3
    ) -> tuple[Mapping[str, Any], ...]:
        """As :meth:`chipwall.perf.calibrated.Evidence.trained_alike`."""
        return self.shipped.trained_alike(model, hw, weights=weights, recipe=recipe, count=count)

    def computed_alike(self, kind: str, family: str) -> tuple[Mapping[str, Any], ...]:
        """As :meth:`chipwall.perf.calibrated.Evidence.computed_alike`."""
        return self.shipped.computed_alike(kind, family)


@dataclass(frozen=True, slots=True)
class SiteStanding:
    """How a question stands to a site's own runs of the same setup."""

    site: SiteCalibration
    shipped: Standing

    def band(self, metric: str) -> tuple[float, float]:
        """As :meth:`chipwall.perf.calibrated.Standing.band`."""
        low, high = self.site.bands.get(OF_METRIC[metric], (0.0, 0.0))
        if not low:
            return self.shipped.band(metric)
        return (low, high) if metric in ("tpot", "ttft") else (1.0 / high, 1.0 / low)

    def basis(self, metric: str, *, chips: float = 0.0) -> Basis:
        """Fitted on the site's own runs."""
        return "calibrated" if OF_METRIC[metric] in self.site.bands else self.shipped.basis(metric, chips=chips)

    def nearest(self, count: int = 3) -> tuple[Mapping[str, Any], ...]:
        """The site's runs."""
        return tuple(_told_run(self.site, r) for r in self.site.runs[:count])


def _told_run(site: SiteCalibration, r: RunRow) -> dict[str, Any]:
    metric = "tpot" if "tpot" in r.measured else "output"
    return {
        "id": r.place, "model": site.model, "chip": site.chip, "chips": float(site.chips), "precision": site.precision,
        "prompt_tokens": r.prompt, "output_tokens": r.output, "load": f"{r.users or r.rate:.4g}", "engine": site.engine,
        "year": site.year, "metric": "tpot_ms" if metric == "tpot" else "output_tokens_per_s",
        "value": r.measured.get(metric, 0.0) * (1e3 if metric == "tpot" else 1.0), "source": site.tool, "distance": 0.0,
    }  # fmt: skip
