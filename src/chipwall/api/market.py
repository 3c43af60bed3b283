"""What a policy changes, and whether a sentence is true."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from chipwall.answer import Answer, Figure, Line
from chipwall.api.doors import calibrated_in_use, door, source_of
from chipwall.errors import InputError
from chipwall.inputs import choices, count, quarter, term
from chipwall.sources import Source
from chipwall.text import text

__all__ = ["MOST_DRAWS", "MOST_VALUES", "check", "simulate"]

MOST_DRAWS = 1_000_000
# Values that the runs of one call may hold in memory: 1 GiB of them [1].
MOST_VALUES = 128 * 2**20


@door
def simulate(
    scenario: str,
    *,
    against: str | None = None,
    draws: int = 10_000,
    until: str = "2031Q4",
    seed: int = 1,
    assume: str | None = None,
    quantities: str | Sequence[str] | None = None,
    known_on: str | None = None,
    parts: str | Path | None = None,
    executor: Any = None,
    progress: Any = None,
) -> Answer:
    """What a policy changes in China: compute, shares, revenue, rents; with 5, 50 and 95 percent bands.

    Parameters
    ----------
    scenario, against : str
        Shipped names, or TOML files; the second on the same draws.
    draws, seed : int
        Number of draws [1] and their seed; the same seed, the same draws.
    until : str
        Last quarter.
    assume : str
        Take the parameter ranges of this scenario for all runs.
    quantities : str or list of str
        Quantities to keep beside the headline ones.
    known_on : str
        Use only what was in print on this day, ``"2025-06-30"``.
    parts : str
        Folder for Parquet parts of the draws; a run that was stopped goes on.
    executor : concurrent.futures.Executor
        What runs the blocks; this process by default.

    Returns
    -------
    Answer
        Figures of the last quarter by quantity; ``to_frame()`` has columns ``draw``, ``quarter`` and one per quantity with
        its unit; ``paths`` holds the :class:`~chipwall.market.model.paths.Paths` by scenario.
    """
    from chipwall.market.forecast.knowledge import known_day
    from chipwall.market.model.quantities import HEADLINE
    from chipwall.market.model.quarters import quarters
    from chipwall.market.policy.load import load_scenario
    from chipwall.market.simulate import simulate as run

    names = [term(scenario, "scenario"), *([] if against is None else [term(against, "against")])]
    found = [load_scenario(name) for name in names]
    if assume is not None:
        ranges = load_scenario(term(assume, "assume")).parameters
        found = [s.with_parameters(ranges) for s in found]
    last, size = quarter(until, "until"), count(draws, "draws", most=MOST_DRAWS)
    keep = tuple(dict.fromkeys([*([] if quantities is None else choices(quantities, "quantities")), *HEADLINE]))
    refuse_too_many_draws(size, len(quarters(last)), len(keep), runs=len(found))
    day = None if known_on is None else known_day(term(known_on, "known_on"))
    chosen = count(seed, "seed", least=0, most=2**63 - 1)
    runs = [
        run(
            s,
            draws=size,
            seed=chosen,
            until=last,
            keep=keep,
            known_on=day,
            executor=executor,
            progress=progress,
            parts=None if parts is None else Path(parts) / s.id,
        )
        for s in found
    ]
    return paths_answer(runs, keep)


def refuse_too_many_draws(draws: int, quarters: int, quantities: int, *, runs: int = 1) -> None:
    """Refuse, before anything runs, what would not fit in 1 GiB; says how many draws do."""
    values = draws * quarters * quantities * runs
    if values > MOST_VALUES:
        most = MOST_VALUES // (quarters * quantities * runs)
        raise InputError(
            text(
                "{draws} draws of {count} quantities need {gib:.1f} GiB of memory",
                draws=f"{draws:,}",
                count=quantities * runs,
                gib=values * 8 / 2**30,
            ),
            where="draws",
            fix=text("Give at most {most} draws, fewer quantities or an earlier last quarter", most=f"{most:,}"),
        )


def paths_answer(runs: Sequence[Any], keep: tuple[str, ...], extra: Mapping[str, Any] | None = None) -> Answer:
    """Paths of one or two runs as an answer."""
    from chipwall.market.model.paths import CAVEATS
    from chipwall.market.model.quantities import unit_of
    from chipwall.report.pages.market import paths_record as as_json

    first = runs[0]
    keep = tuple(name for name in keep if name in first.values)  # parameters of the draws are kept apart
    figures = {}
    for name in keep:
        band = first.band(name, first.quarters[-1])
        figures[name] = Figure(band.mid, band.low, band.high, unit_of(name), "simulated")
    title = text(
        "{scenario} to {last}, {draws} draws", scenario=first.title, last=first.quarters[-1], draws=first.draws
    )

    def table() -> dict[str, Any]:
        import numpy as np

        whole: dict[str, Any] = {
            "draw": np.tile(np.repeat(np.arange(first.draws), len(first.quarters)), len(runs)),
            "quarter": np.tile(np.array(first.quarters), first.draws * len(runs)),
        }
        if len(runs) > 1:
            whole["scenario"] = np.repeat([r.scenario for r in runs], first.draws * len(first.quarters))
        for name in keep:
            unit = unit_of(name)
            whole[name if unit == "1" else f"{name}_{unit}"] = np.concatenate(
                [r.quantity(name).reshape(-1) for r in runs]
            )
        return whole

    return Answer(
        "simulate",
        title,
        figures,
        record={
            "paths": {r.scenario: r for r in runs},
            "quarters": first.quarters,
            "draws": first.draws,
            "seed": first.seed,
        },
        notes=CAVEATS,
        sources=first.sources,
        data=lambda: as_json(runs, keep, dict(extra or {})),
        source_of=lambda s: Source(s, s),
        table=table,
    )


@door
def check(
    claims: str | Path | None = None,
    *,
    said: object = None,
    as_of: object = None,
    by: str = "",
    reader: Sequence[str] = (),
) -> Answer:
    """Are these sentences true? A text, a file of text, typed claims, or one shipped claim by its id; all shipped ones by default.

    Parameters
    ----------
    claims : str or Path
        ``"The H200 is six times the H20."``, ``"article.txt"`` (plain text, Markdown, HTML, PDF with text),
        ``"my-claims.toml"``, TOML with ``[[claim]]`` tables, or an id such as ``"h200-capacity"``.
    said : date or str
        The day a text was said; today by default. *This year* and the law count from there.
    as_of : date or str
        Up to which day evidence counts; the day it was said by default.
    by : str
        Who says it; a speaker's own numbers support nothing.
    reader : sequence of str
        A program of your own that proposes readings, as its list of arguments; see docs/claims.md.

    Returns
    -------
    Answer
        For typed claims one :class:`~chipwall.claims.records.Verdict` each; for a text one
        :class:`~chipwall.claims.check.Checked` per statement.
    """
    from chipwall.claims.evaluate import evaluated
    from chipwall.claims.load import packaged_library, shipped_claims
    from chipwall.claims.parse import claims_of_file, claims_of_text

    typed = claims is None or (isinstance(claims, str) and "[[claim]]" in claims) or str(claims).endswith(".toml")
    world = packaged_library(calibrated=calibrated_in_use())
    known = {c.id: c for c in shipped_claims(world)} if isinstance(claims, str) and " " not in claims else {}
    if not typed and claims not in known:
        return _text(claims, said=said, as_of=as_of, by=by, reader=reader)
    if (said, as_of, by, tuple(reader)) != (None, None, "", ()):
        raise InputError(
            text("said, as_of, by and reader belong to a text, not to typed claims"),
            fix=text("Write the day and the speaker into the claims themselves"),
        )
    if claims is None:
        return verdicts_answer(evaluated(shipped_claims(world), world), world)
    if isinstance(claims, str) and "[[claim]]" in claims:
        return verdicts_answer(evaluated(claims_of_text(claims, world, file="claims"), world), world)
    if claims in known:
        return verdicts_answer(evaluated([known[str(claims)]], world), world)
    return verdicts_answer(evaluated(claims_of_file(Path(claims), world), world), world)


def _text(source: Any, *, said: object, as_of: object, by: str, reader: Sequence[str]) -> Answer:
    """A text, checked; a single word that is neither a file nor an id is a misspelt id."""
    from chipwall.api.texts import checked_document, document_named, text_answer
    from chipwall.claims.load import packaged_library, shipped_claims
    from chipwall.errors import unknown_name
    from chipwall.inputs import nearest_names, quote

    name = source if isinstance(source, Path) else term(source, "claims", example="'The H200 has 141 GB.'")
    if isinstance(name, str) and re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", name) and not Path(name).exists():
        ids = [c.id for c in shipped_claims(packaged_library(calibrated=calibrated_in_use()))]
        raise unknown_name(
            "claim", quote(name), nearest=nearest_names(name, ids, cutoff=0.4), listing="chipwall claims"
        )
    return text_answer(*checked_document(document_named(name), said=said, as_of=as_of, by=by, reader=reader))


def verdicts_answer(found: Sequence[Any], world: Any) -> Answer:
    """Verdicts as an answer."""
    from chipwall.report.pages.claims import verdict_json

    rows = tuple(
        {
            "id": v.claim.id,
            "verdict": v.answer,
            "value": v.value,
            "low": v.low,
            "high": v.high,
            "unit": v.claim.unit,
            "statement": str(v.claim.statement),
            "by": str(v.claim.by),
            "share_holding": v.share_holding,
        }
        for v in found
    )
    lines = tuple(
        Line(f"{v.claim.id}: {v.answer}", float(v.value), "", "", str(v.points[0].reading.calculation or ""))
        for v in found
        if isinstance(v.value, float) and v.points
    )
    counts = {word: sum(v.answer == word for v in found) for word in dict.fromkeys(v.answer for v in found)}
    title = ", ".join(f"{n} {word}" for word, n in counts.items())
    return Answer(
        "check",
        title,
        record={"verdicts": tuple(found)},
        items=tuple(found),
        rows=rows,
        lines=lines,
        sources=tuple(dict.fromkeys(s for v in found for s in v.sources)),
        data=lambda: [verdict_json(v) for v in found],
        source_of=lambda s: world.sources.get(s) or source_of(s),
    )
