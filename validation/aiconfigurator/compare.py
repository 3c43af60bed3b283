"""Print chipwall beside AIConfigurator on the runs that both answer: median error and bias by model, layout, chip, load.

Twice: as shipped (AIConfigurator's tables hold kernels of these very models, as chipwall's constants saw runs of them), and
by constants that saw no row of the model.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chipwall.perf.evidence.serving_rows import predict_serving_rows
from chipwall.perf.evidence.validate import Prediction
from chipwall.perf.fitting.scores import serving_outcomes
from chipwall.perf.load import measured
from chipwall.perf.shipped import shipped

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Pair:
    """One run: predictions over what was measured (as shipped, without the model, the peer's), and the row."""

    own: float
    unseen: float
    peer: float
    row: Mapping[str, str]


def load_class(row: Mapping[str, str]) -> str:
    """Clients in flight, in four classes."""
    clients = float(row["batch_or_concurrency"])
    return next(name for name, most in (("1-4", 4), ("5-16", 16), ("17-64", 64), ("65+", np.inf)) if clients <= most)


GROUPINGS: dict[str, Callable[[Mapping[str, str]], str]] = {
    "all": lambda r: "",
    "model": lambda r: r["model"],
    "tensor parallel": lambda r: r["tp"],
    "chip": lambda r: r["chip"],
    "clients": load_class,
    "engine": lambda r: r["engine"].split()[0],
}


def pairs() -> list[Pair]:
    """Every run with both answers."""
    rows = {r["id"]: r for r in measured("inference")}
    left_out = {o.id: float(np.exp(o.error)) for o in serving_outcomes(shipped())}
    with (HERE / "answers.csv").open(encoding="utf-8", newline="") as handle:
        answers = {a["id"]: float(a["tpot_ms"]) for a in csv.DictReader(handle) if a["tpot_ms"]}
    found = predict_serving_rows([rows[n] for n in answers], shipped())
    own = {p.id: p.predicted / p.measured for p in found if isinstance(p, Prediction)}
    return [
        Pair(own[name], left_out[name], value / float(rows[name]["value"]), rows[name])
        for name, value in answers.items()
        if name in left_out and name in own
    ]


def median_error(ratios: list[float]) -> float:
    """Median of |predicted / measured - 1| [1]."""
    return float(np.median(np.abs(np.array(ratios) - 1.0)))


def table(found: list[Pair]) -> Iterator[str]:
    """Lines of the comparison."""
    yield f"{'':28}{'runs':>6}{'chipwall %':>12}{'bias':>7}{'AIConf. %':>12}{'bias':>7}{'unseen %':>12}{'bias':>7}"
    for title, key in GROUPINGS.items():
        for name in sorted({key(p.row) for p in found}):
            mine = [p.own for p in found if key(p.row) == name]
            theirs = [p.peer for p in found if key(p.row) == name]
            unseen = [p.unseen for p in found if key(p.row) == name]
            told = (f"{100 * median_error(each):>12.1f}{np.median(each):>7.2f}" for each in (mine, theirs, unseen))
            yield f"{title + ' ' + name:28}{len(mine):>6}{''.join(told)}"


if __name__ == "__main__":
    print("\n".join(table(pairs())))
