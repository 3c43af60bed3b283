"""Score any table of measurements in the shared column formats: the engine behind ``chipwall validate``.

Each kind of table has a module that turns its rows into predictions; this one decides which rows count, checks the
file's columns, and sums up. ``measured`` and ``predicted`` are in the row's own metric and unit, for the whole setup.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

from chipwall.errors import InputError
from chipwall.files import read_rows as read_rows_of_file
from chipwall.perf.calibrated import Calibrated
from chipwall.text import text

__all__ = [
    "PREDICTORS",
    "FitOrFail",
    "Prediction",
    "Skip",
    "Validation",
    "class_scores",
    "read_measurements",
    "scored",
    "validated_table",
]

# Which function predicts the rows of a kind: (module, attribute); it takes rows of strings and returns one
# Prediction or Skip for each.
PREDICTORS: dict[str, tuple[str, str]] = {
    "inference": ("chipwall.perf.evidence.serving_rows", "predict_serving_rows"),
    "training": ("chipwall.perf.evidence.training_rows", "predict_training_rows"),
    "finetune": ("chipwall.perf.evidence.training_rows", "predict_training_rows"),
    "startup": ("chipwall.perf.evidence.startup", "predict_startups"),
    "kernels": ("chipwall.perf.evidence.kernel_predictions", "predict_kernels"),
    "collectives": ("chipwall.perf.evidence.kernel_predictions", "predict_collectives"),
}
_COMMON = (
    "id source_name source_repo_or_url source_file version_or_round date chip class arch moe use use_reason notes outcome "
    "read_where"
)
_LAYOUT = (
    "model params_b active_params_b seq_len global_batch_sequences micro_batch precision tp pp dp cp ep vp etp recompute "
    "sharding dp_shard nic_per_node nic_gbps layout_source"
)
_COLUMNS = {
    "inference": "n_chips model params_b precision_weights precision_kv engine engine_version scenario isl osl "
    "batch_or_concurrency tp pp ep dp metric value per_chip_value length_note",
    "training": f"n_chips {_LAYOUT} metric value case layers hidden heads kv_heads ffn vocab sp",
    "finetune": f"n_chips {_LAYOUT} method lora_rank quant metric value target_modules optimizer grad_accum",
    "startup": "source_url engine version n_chips memory_gb model hf_id weights_format kv_format tp pp dp ep attention_dp "
    "memory_utilization max_model_len max_batched_tokens max_sequences draft metric value unit",
    "kernels": "op impl dtype m n k groups batch heads kv_heads head_dim seq causal metric value tflops_equiv",
    "collectives": "n n_nodes op dtype bytes algbw_gbps busbw_gbps latency_us",
}
_REQUIRED = {
    "inference": "id chip n_chips model metric value",
    "training": "id chip n_chips model metric value",
    "finetune": "id chip n_chips model method metric value",
    "startup": "id engine chip n_chips model metric value",
    "kernels": "id chip op dtype metric value",
    "collectives": "id chip n op",
}

# Rows that errors are told of: those the fit may see, and those kept from every fit to judge it.
COUNTED = ("fit", "judge", "")


@dataclass(frozen=True, slots=True)
class Prediction:
    """One row, measured and predicted, in the row's metric and unit."""

    id: str
    measured: float
    predicted: float
    low: float
    high: float
    basis: str
    class_: str

    @property
    def error(self) -> float:
        """Predicted over measured, less one [1]."""
        return self.predicted / self.measured - 1.0


@dataclass(frozen=True, slots=True)
class FitOrFail:
    """One row whose value is a word, ``fits`` or ``fails``; ``low`` and ``high`` are the words at the ends of the interval."""

    id: str
    measured: str
    predicted: str
    low: str
    high: str
    basis: str = "calculated"
    class_: str = "outcome"


@dataclass(frozen=True, slots=True)
class Skip:
    """One row that was not predicted, and why."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Validation:
    """Everything ``chipwall validate`` says about a file."""

    kind: str
    results: tuple[Prediction | FitOrFail, ...]
    skipped: tuple[Skip, ...]
    summary: Mapping[str, Any]

    @property
    def numbers(self) -> tuple[Prediction, ...]:
        """The rows whose value is a number."""
        return tuple(p for p in self.results if isinstance(p, Prediction))

    def as_json(self) -> dict[str, Any]:
        """The answer as plain values, in the published schema."""
        results = [
            {"id": p.id, "measured": p.measured, "predicted": p.predicted, "low": p.low, "high": p.high,
             "basis": p.basis, "class": p.class_}
            for p in self.results
        ]  # fmt: skip
        skipped = [{"id": s.id, "reason": str(s.reason)} for s in self.skipped]
        return {"results": results, "skipped": skipped, "summary": dict(self.summary)}


def _kind(kind: str) -> str:
    if kind not in PREDICTORS:
        raise InputError(
            text("unknown kind of table '{kind}'", kind=kind), fix=text("Use one of: {kinds}", kinds=", ".join(PREDICTORS))
        )
    return kind


def read_measurements(kind: str, place: Path) -> list[dict[str, str]]:
    """Rows of a CSV file as strings, its columns checked.

    Raises
    ------
    InputError
        No such file, not a CSV file, a required column missing, or a column that the format does not have.
    """
    _kind(kind)
    found = read_rows_of_file(place, fix=text("Give a text file in UTF-8, with commas and one line of column names"))
    _check_columns(kind, found.columns, place)
    return list(found.rows)


def _check_columns(kind: str, columns: Sequence[str], place: Path) -> None:
    known = set(f"{_COMMON} {_COLUMNS[kind]}".split())
    missing = [name for name in _REQUIRED[kind].split() if name not in columns]
    if missing:
        raise InputError(
            text("column '{column}' is missing", column=missing[0]),
            where=str(place),
            fix=text("A table of kind {kind} needs: {columns}", kind=kind, columns=_REQUIRED[kind].replace(" ", ", ")),
        )
    unknown = [name for name in columns if name not in known]
    if unknown:
        near = get_close_matches(unknown[0], sorted(known), n=2, cutoff=0.5)
        raise InputError(
            text("unknown column '{column}'", column=unknown[0]),
            where=str(place),
            fix=text("Did you mean {names}?", names=", ".join(f"'{n}'" for n in near))
            if near
            else text("Columns of this kind: {columns}", columns=", ".join(sorted(known))),
        )


def _predictor(kind: str) -> Callable[[Sequence[Mapping[str, str]], Calibrated], Iterable[Prediction | FitOrFail | Skip]]:
    module, attribute = PREDICTORS[_kind(kind)]
    found: Callable[[Sequence[Mapping[str, str]], Calibrated], Iterable[Prediction | FitOrFail | Skip]] = getattr(
        import_module(module), attribute
    )
    return found


def _outcome(kind: str, row: Mapping[str, str]) -> Skip | None:
    """Why a row does not count, whatever the model can do; None when it does."""
    name = row.get("id", "")
    if row.get("use", "").strip() == "drop":
        return Skip(name, text("marked drop: {reason}", reason=row.get("use_reason", "") or "-"))
    if row.get("outcome", "").strip() not in ("", "ok"):
        return Skip(name, text("outcome is '{outcome}', not a number", outcome=row["outcome"]))
    if kind == "startup":  # a room may be negative, and an outcome is a word
        words, value = ("fits", "fails"), row.get("value", "").strip()
        good = value in words if row.get("metric", "").startswith("outcome") else _is_number(value)
        return None if good else Skip(name, text("'{value}' is neither a number nor fits or fails", value=value))
    columns = ("busbw_gbps", "latency_us") if kind == "collectives" else ("value",)
    for column in columns:
        try:
            if float(row.get(column, "")) > 0:
                return None
        except ValueError:
            continue
    return Skip(name, text("'{value}' is not a number above zero", value=row.get(columns[0], "")))


def _is_number(words: str) -> bool:
    try:
        return math.isfinite(float(words))
    except ValueError:
        return False


def validated_table(kind: str, rows: Sequence[Mapping[str, str]], calibrated: Calibrated) -> Validation:
    """Predict the rows of a table and sum up.

    Parameters
    ----------
    kind : str
        A key of :data:`PREDICTORS`.
    rows : sequence of mapping
        Rows as strings, shared column format of the kind.
    calibrated : Calibrated
        What is fitted.

    Returns
    -------
    Validation
        Every row is either a result or skipped with its reason. The summary counts rows marked ``fit`` or ``judge``, or
        all rows where the column is absent.
    """
    predict = _predictor(kind)
    out = {id(row): _outcome(kind, row) for row in rows}
    wanted = [row for row in rows if out[id(row)] is None]
    answers = list(predict(wanted, calibrated))
    if wanted and rows and not any(isinstance(a, Prediction | FitOrFail) for a in answers):
        first = next(a for a in answers if isinstance(a, Skip))
        raise InputError(
            text("no row can be predicted; the first: {reason}", reason=first.reason),
            where=text("row {id}", id=first.id),
            fix=text("Compare the columns and units with docs/performance-kernels.md"),
        )
    skipped = [skip for row in rows if (skip := out[id(row)]) is not None]
    skipped += [answer for answer in answers if isinstance(answer, Skip)]
    results = tuple(answer for answer in answers if isinstance(answer, Prediction | FitOrFail))
    counted = {row.get("id", "") for row in rows if row.get("use", "fit").strip() in COUNTED}
    return Validation(kind, results, tuple(skipped), _summary(results, skipped, counted))


def covered_share(measured: Sequence[float], low: Sequence[float], high: Sequence[float]) -> float:
    """Share of measurements inside their intervals [1]."""
    inside = [a <= m <= b for m, a, b in zip(measured, low, high, strict=True)]
    return sum(inside) / len(inside) if inside else math.nan


def scored(results: Sequence[Prediction]) -> dict[str, Any]:
    """Errors of some rows: count, median, mean and 90th percentile of |error|, shares within 15 and 20 %, bias [1]."""
    if not results:
        return {"rows": 0}
    errors = sorted(abs(p.error) for p in results)
    signed = sorted(p.error for p in results)
    n = len(errors)

    def middle(values: list[float]) -> float:
        return (values[(n - 1) // 2] + values[n // 2]) / 2.0

    return {
        "rows": n,
        "median_error": middle(errors),
        "mean_error": sum(errors) / n,
        "p90_error": errors[min(int(0.9 * n), n - 1)],
        "within_15": sum(e <= 0.15 for e in errors) / n,
        "within_20": sum(e <= 0.20 for e in errors) / n,
        "bias": middle(signed),
        "interval_coverage": covered_share(
            [p.measured for p in results], [p.low for p in results], [p.high for p in results]
        ),
    }


def class_scores(results: Sequence[Prediction]) -> dict[str, dict[str, Any]]:
    """:func:`scored` for each class."""
    names = sorted({p.class_ for p in results})
    return {name: scored([p for p in results if p.class_ == name]) for name in names}


def _summary(results: Sequence[Prediction | FitOrFail], skipped: Sequence[Skip], counted: set[str]) -> dict[str, Any]:
    fit = [p for p in results if p.id in counted and isinstance(p, Prediction)]
    words = [p for p in results if p.id in counted and isinstance(p, FitOrFail)]
    whole: dict[str, Any] = {"predicted": len(results), "skipped": len(skipped), "counted": len(fit) + len(words)}
    if words:
        whole["outcomes"] = len(words)
        whole["outcomes_right"] = sum(p.measured == p.predicted for p in words) / len(words)
    return {**whole, **scored(fit), "by_class": class_scores(fit)}
