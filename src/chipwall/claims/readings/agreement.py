"""How much of the error of an estimate is shared by two chips: what a ratio of estimates may leave out of its interval.

Pairs of published runs that differ in the chip alone (same source, round, model, scenario, format, lengths, chips and
clients) say it: one less the variance of the difference of the two logarithmic errors over the sum of their variances.
``python -m chipwall.claims.readings.agreement`` computes it again from the tables; the result is kept in ``agreement.toml``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from math import log
from statistics import median, pvariance
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chipwall.perf.evidence.validate import Prediction

__all__ = ["error_pairs", "shared_error"]

ALIKE = {
    "serving": (
        "source_name",
        "version_or_round",
        "model",
        "scenario",
        "precision_weights",
        "metric",
        "isl",
        "osl",
        "n_chips",
        "batch_or_concurrency",
    ),
    "training": ("source_name", "model", "precision"),
}


def error_pairs(
    predictions: Iterable[Prediction], rows: Mapping[str, Mapping[str, str]], *, alike: Sequence[str]
) -> list[tuple[float, float]]:
    """Logarithmic errors of two chips in runs otherwise alike; the median where a chip has several runs."""
    groups: dict[tuple[str, ...], dict[str, list[float]]] = {}
    for p in predictions:
        row = rows[p.id]
        key = tuple(row.get(name, "") for name in alike)
        groups.setdefault(key, {}).setdefault(row["chip"], []).append(log(p.predicted / p.measured))
    pairs = []
    for chips in groups.values():
        middle = {chip: median(errors) for chip, errors in chips.items()}
        pairs += [(middle[a], middle[b]) for a, b in combinations(sorted(middle), 2)]
    return pairs


def shared_error(pairs: Sequence[tuple[float, float]]) -> float:
    """One less the variance of the difference over the sum of the variances, not below zero [1].

    Examples
    --------
    >>> round(shared_error([(0.1, 0.1), (-0.1, -0.1)]), 3)
    1.0
    >>> shared_error([(0.1, -0.1), (-0.1, 0.1)])
    0.0
    """
    apart = pvariance([a - b for a, b in pairs])
    whole = pvariance([a for a, _ in pairs]) + pvariance([b for _, b in pairs])
    return max(1 - apart / whole, 0.0) if whole else 0.0


def print_agreement() -> None:
    """Print ``agreement.toml`` as the shipped tables give it."""
    from chipwall.perf.evidence import serving_rows as inference_rows
    from chipwall.perf.evidence import training_rows
    from chipwall.perf.load import measured
    from chipwall.perf.shipped import shipped

    kinds = {
        "serving": (inference_rows.predict_serving_rows, "inference", "output_tokens_per_s"),
        "training": (training_rows.predict_training_rows, "training", ""),
    }
    for name, (predict, table, metric) in kinds.items():
        rows = [r for r in measured(table) if r["use"] == "fit" and metric in ("", r["metric"])]
        known = [p for p in predict(rows, shipped()) if hasattr(p, "predicted")]
        pairs = error_pairs(known, {r["id"]: r for r in rows}, alike=ALIKE[name])  # type: ignore[arg-type]
        print(f"[{name}]\nshared = {shared_error(pairs):.2f}\npairs = {len(pairs)}\n")


if __name__ == "__main__":
    print_agreement()
