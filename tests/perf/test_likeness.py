"""Basis and bands by the distance to the measurements: order, honesty, coverage on whole models that made no band."""

from __future__ import annotations

import numpy as np
import pytest

from chipwall import catalog
from chipwall.perf.device import hardware
from chipwall.perf.evidence.basis import CLASSES, basis_at, class_at, local
from chipwall.perf.evidence.index import LEFT_OUT
from chipwall.perf.evidence.likeness import Traits, distances, stacked_traits, traits
from chipwall.perf.fitting.evidence_file import bands_toml
from chipwall.perf.fitting.scores import serving_outcomes
from chipwall.perf.fitting.serving import fitted_rows
from chipwall.perf.load import data_text, measured
from chipwall.perf.serving.serve import Question, serving
from chipwall.perf.serving.setup import serving_hardware
from chipwall.perf.shipped import shipped

SHIPPED = shipped()
KNOWN = SHIPPED.evidence


def asked(chip: str = "h200", model: str = "llama-3.3-70b", **changes: object) -> Traits:
    given = {
        "hw": hardware(catalog.chip(chip), SHIPPED.kernels), "engine": "vllm", "model": catalog.model(model), "precision": "fp8",
        "regime": "clients", "tensor": 4.0, "load": 16.0, "context": 1500.0, "year": 2026.0,
    } | changes  # fmt: skip
    return traits(**given)  # type: ignore[arg-type]


def apart(a: Traits, b: Traits) -> float:
    return float(distances(stacked_traits([a]), stacked_traits([b]))[0, 0])


def test_a_question_is_no_distance_from_itself_and_distance_is_symmetric() -> None:
    one, other = asked(), asked("b200", "deepseek-r1", engine="sglang", year=2025.2)
    assert apart(one, one) == 0.0
    assert apart(one, other) == pytest.approx(apart(other, one))


@pytest.mark.parametrize(
    ("nearer", "farther"),
    [
        ({"chip": "h100"}, {"chip": "b200"}),
        ({"chip": "b200"}, {"chip": "mi300x"}),
        ({"model": "llama-3.1-8b"}, {"model": "deepseek-r1"}),
        ({"year": 2025.8}, {"year": 2024.5}),
        ({"tensor": 8.0}, {"tensor": 1.0}),
        ({"load": 32.0}, {"load": 512.0}),
        ({"context": 2000.0}, {"context": 100_000.0}),
    ],
)
def test_what_differs_more_is_farther(nearer: dict[str, object], farther: dict[str, object]) -> None:
    assert apart(asked(), asked(**nearer)) < apart(asked(), asked(**farther))  # type: ignore[arg-type]


def test_first_tokens_teach_nothing_about_the_rest() -> None:
    assert np.isinf(apart(asked(), asked().about("first")))


def test_one_odd_row_is_no_evidence() -> None:
    away = np.array([[0.0, 3.0, 3.0, 3.0]], dtype=np.float32)
    assert local(away, np.zeros(4)).distance[0] == pytest.approx(2.0)


def test_nearer_rows_count_more_and_rows_out_of_reach_not_at_all() -> None:
    errors = np.array([0.1] * 10 + [-0.5] * 10 + [9.0] * 10)
    away = np.array([[0.0] * 10 + [6.0] * 10 + [np.inf] * 10], dtype=np.float32)
    found = local(away, errors)
    assert found.low[0] == found.high[0] == pytest.approx(0.1)


def test_labels_follow_the_distance() -> None:
    assert [class_at(d) for d in (0.0, 0.9, 1.7, 50.0)] == [name for name, *_ in CLASSES]
    assert basis_at(0.1) == "calibrated"
    assert basis_at(float("inf")) == "extrapolated"


def test_a_band_holds_its_estimate_and_widens_where_nothing_like_it_is_known() -> None:
    known = KNOWN.standing_of(asked("h100", "llama-3.1-8b", tensor=1.0))
    far = KNOWN.standing_of(asked("gaudi-3", "kimi-k2", engine="lmdeploy", year=2023.5))
    for metric in ("output", "tpot", "ttft"):
        for one in (known, far):
            low, high = one.band(metric)
            assert 0 < low < 1 < high
    assert far.distance["token"] > known.distance["token"]
    assert far.band("tpot")[1] / far.band("tpot")[0] > known.band("tpot")[1] / known.band("tpot")[0]


@pytest.mark.parametrize(
    ("chip", "model"), [("gaudi-3", "llama-3.1-8b"), ("ascend-950dt", "deepseek-v3"), ("mi300x", "kimi-k2")]
)
def test_nothing_is_calibrated_where_nothing_like_it_was_fitted(chip: str, model: str) -> None:
    record = catalog.chip(chip)
    found = serving(
        catalog.model(model),
        serving_hardware(record, SHIPPED),
        Question(chips=16, precision="fp8" if chip != "gaudi-3" else "bf16"),
        SHIPPED,
    )
    assert found.throughput.basis == "extrapolated"
    assert found.tpot.basis == "extrapolated"


def test_a_measured_setup_says_so() -> None:
    at = next(
        i for i, r in enumerate(KNOWN.index.rows) if r["metric"] == "tpot_ms" and r["load"] and r["regime"] == "clients"
    )
    row = KNOWN.index.rows[at]
    own = traits(
        hw=hardware(catalog.chip(row["chip"]), SHIPPED.kernels, engine=row["engine"]), engine=row["engine"],
        model=catalog.model(row["model"]), precision=row["precision"], regime=row["regime"],
        tensor=float(row["tensor"]), load=float(row["load"]),
        context=float(row["context"]), year=float(row["year"]),
    )  # fmt: skip
    found = KNOWN.standing_of(own)
    assert found.basis("tpot", chips=float(row["chips"])) == "measured"
    assert found.basis("tpot", chips=2 * float(row["chips"])) != "measured"
    assert row["id"] in {r["id"] for r in found.nearest(5)}


def test_the_index_holds_every_row_that_may_be_fitted() -> None:
    ids = {r["id"] for r in KNOWN.index.rows}
    fit = {r["id"] for r in fitted_rows(measured("inference"))}
    assert ids <= fit
    assert len(ids) > 0.99 * len(fit)
    # of rows that are only reported, first tokens under load alone: the queue is fitted on them
    assert {i.rpartition("-")[2] for i in ids - {r["id"] for r in measured("inference") if r["use"] == "fit"}} == {"ttft"}
    for by in LEFT_OUT:
        assert np.isfinite(KNOWN.index.errors[f"by_{by}"]).all()


def test_shipped_bands_are_those_of_the_shipped_index() -> None:
    assert data_text("bands_serving.toml") == bands_toml(KNOWN.index)


def test_bands_made_on_other_models_cover_what_they_say() -> None:
    outcomes = serving_outcomes(SHIPPED)
    for modern in ("True", "False"):
        part = [o for o in outcomes if o.facts["modern"] == modern]
        assert len(part) > 1000
        assert 0.72 < np.mean([o.inside for o in part]) < 0.88
