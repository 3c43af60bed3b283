"""Throughput per chip against speed per user, chips side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from chipwall.answer import Answer
from chipwall.api.doors import calibrated_in_use, chip_of, door, model_of, source_of
from chipwall.api.serving import question_of
from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import InputError
from chipwall.fleet.tradeoff import MeasuredPoint, TradePoint, measured_points, trade_points
from chipwall.fleet.ways import ways_to_serve
from chipwall.inputs import choices, count
from chipwall.text import Text, text

__all__ = ["Tradeoff", "frontier"]

MOST_CHIPS, MOST_TRADE_POINTS = 12, 40


@dataclass(frozen=True, slots=True)
class Tradeoff:
    """The record of :func:`frontier`: the points of each chip, measured runs beside them, chips without any and why."""

    model: LanguageModel
    prompt: float
    output: float
    points: tuple[TradePoint, ...]
    published: tuple[MeasuredPoint, ...]
    refused: dict[str, Text]
    names: dict[str, str]


@door
def frontier(
    model: str | LanguageModel,
    *,
    chips: str | Chip | Sequence[str | Chip] = ("h100", "h200", "b200", "h20", "910c"),
    prompt: float = 1000,
    output: float = 1000,
    precision: str | Sequence[str] | None = None,
    kv: str | None = None,
    engine: str | None = None,
    engine_date: str | None = None,
    prefix_reuse: float = 0.0,
    accepted: float = 1.0,
    drafted: float | None = None,
    points: int = 12,
) -> Answer:
    """Tokens per second of one chip against tokens per second of one user: the best of all layouts and loads of each chip.

    Parameters
    ----------
    model, chips : str, record or list
        ``"llama-3.3-70b"``; at most twelve chips.
    prompt, output : float
        Mean tokens of a prompt and of an answer [token].
    precision, kv : str or list
        Formats of the weights to try, and of the cache; published and 8-bit ones by default.
    points : int
        Points of each chip at most [1].
    engine, engine_date, prefix_reuse, accepted, drafted
        As in :func:`~chipwall.api.serving.serve`.

    Returns
    -------
    Answer
        A row per point, the fastest user first: ``tokens_per_s_per_user``, ``tokens_per_s_per_chip`` with their ends,
        layout, users, ``ttft_s``; published runs are rows of kind ``measured``.

    Examples
    --------
    >>> frontier("llama-3.1-8b", chips="h100", points=4).rows[0]["chip"]
    'nvidia-h100-sxm'
    """
    record = model_of(model)
    named: Any = choices(chips, "chips") if isinstance(chips, str) else [chips] if isinstance(chips, Chip) else list(chips)
    if not 1 <= len(named) <= MOST_CHIPS:
        raise InputError(
            text("{count} chips do not stand side by side", count=len(named)), where="chips",
            fix=text("Name from one to {most}", most=MOST_CHIPS),
        )  # fmt: skip
    asked = list({c.id: c for c in (chip_of(x, "chips") for x in named)}.values())
    question = question_of(
        prompt=prompt, output=output, kv=kv, engine=engine, engine_date=engine_date, prefix_reuse=prefix_reuse,
        accepted=accepted, drafted=drafted,
    )  # fmt: skip
    formats = () if precision is None else choices(precision, "precision")
    ways = ways_to_serve(record, asked, question, calibrated_in_use(), precisions=formats)
    if not len(ways):
        raise InputError(
            text("no chip can serve {model}", model=record.name), where=str(next(iter(ways.refused.values()), "")),
            fix=text("Allow other chips or a smaller precision"),
        )  # fmt: skip
    found = trade_points(record, ways, question, points=count(points, "points", least=2, most=MOST_TRADE_POINTS))
    return _answer(record, question.prompt, question.output, found, asked, dict(ways.refused))


def _answer(
    model: LanguageModel, prompt: float, output: float, found: Sequence[TradePoint], chips: Sequence[Chip],
    refused: dict[str, Text],
) -> Answer:  # fmt: skip
    rows_served = calibrated_in_use().evidence.served_rows
    measured = measured_points(rows_served, model, [c.id for c in chips], prompt=prompt, output=output)
    made = Tradeoff(model, prompt, output, tuple(found), tuple(measured), refused, {c.id: c.name for c in chips})
    rows = (*(_row(p) for p in found), *(_measured_row(m) for m in measured))
    return Answer(
        "frontier",
        text(
            "{model}, {prompt:,.0f} tokens in, {output:,.0f} out: throughput per chip against speed per user",
            model=model.name, prompt=prompt, output=output,
        ),
        record=made,
        measured=tuple(asdict(m) for m in measured),
        items=made.points,
        rows=rows,
        notes=tuple(text("{chip}: {why}", chip=c, why=w) for c, w in refused.items()),
        sources=(model.source,),
        data=lambda: {
            "model": model.id, "prompt_tokens": prompt, "output_tokens": output, "points": [asdict(p) for p in found],
            "measured": [asdict(m) for m in measured], "rejected": [{"chip": c, "reason": str(w)} for c, w in refused.items()],
        },
        source_of=source_of,
    )  # fmt: skip


def _row(p: TradePoint) -> dict[str, Any]:
    return {
        "chip": p.chip, "kind": "estimate", "precision": p.precision, "layout": p.layout, "chips": p.chips, "users": p.users,
        "tokens_per_s_per_user": p.per_user, "user_low": p.user_low, "user_high": p.user_high,
        "tokens_per_s_per_chip": p.per_chip, "chip_low": p.low, "chip_high": p.high, "ttft_s": p.ttft, "basis": p.basis,
        "source": "",
    }  # fmt: skip


def _measured_row(m: MeasuredPoint) -> dict[str, Any]:
    return {
        "chip": m.chip, "kind": "measured", "precision": m.precision, "layout": "", "chips": None, "users": None,
        "tokens_per_s_per_user": m.per_user, "user_low": m.per_user, "user_high": m.per_user,
        "tokens_per_s_per_chip": m.per_chip, "chip_low": m.per_chip, "chip_high": m.per_chip, "ttft_s": None,
        "basis": "measured", "source": m.source,
    }  # fmt: skip
