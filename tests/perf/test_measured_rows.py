"""The shipped measurements obey what any measurement must: queueing's first law, their own lengths, one meaning a column."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

import pytest

from chipwall.perf.evidence.serving import cases_of_row
from chipwall.perf.evidence.training_rows import predict_training_rows
from chipwall.perf.load import measured
from chipwall.perf.shipped import shipped
from chipwall.text import Text

SHIPPED = shipped()

ROWS = measured("inference")
MODERN = [r for r in ROWS if r["source_name"].startswith(("InferenceX runs", "NVIDIA gap-analysis"))]


def runs() -> dict[str, dict[str, Mapping[str, str]]]:
    found: dict[str, dict[str, Mapping[str, str]]] = defaultdict(dict)
    for row in ROWS:
        found[re.sub(r"-(ttft|tpot|total)$", "", row["id"])][row["metric"]] = row
    return found


def test_throughput_times_latency_is_the_clients_in_the_system() -> None:
    checked, off = 0, {}
    for run, by_metric in runs().items():
        if not {"output_tokens_per_s", "tpot_ms", "ttft_ms"} <= by_metric.keys():
            continue
        rate = by_metric["output_tokens_per_s"]
        if rate["use"] != "fit" or not rate["batch_or_concurrency"].replace(".", "").isdigit():
            continue
        output, clients = float(rate["osl"]), float(rate["batch_or_concurrency"])
        stay = float(by_metric["ttft_ms"]["value"]) + float(by_metric["tpot_ms"]["value"]) * (output - 1.0)
        inside = float(rate["value"]) / output * stay / 1e3 / clients
        checked += 1
        if not 0.8 <= inside <= 1.2:
            off[run] = inside
    assert checked > 600
    assert not off


def test_drawn_lengths_are_their_means() -> None:
    drawn = [r for r in ROWS if r["length_note"].startswith("uniform 0.8-1.0")]
    assert len(drawn) > 2500
    for row in drawn:
        nominal = re.search(r"x (\d+)/(\d+)", row["length_note"])
        assert nominal
        assert (float(row["isl"]), float(row["osl"])) == pytest.approx((0.9 * int(nominal[1]), 0.9 * int(nominal[2])))


def test_columns_mean_one_thing() -> None:
    ids = [r["id"] for r in ROWS]
    assert len(ids) == len(set(ids))
    for row in ROWS:
        assert row["use"] in ("fit", "report", "judge", "drop"), row["id"]
        assert row["use"] == "fit" or row["use_reason"] or row["use"] == "judge", row["id"]
        assert re.fullmatch(r"|\d{4}(-\d\d(-\d\d)?)?", row["date"]), row["id"]
        assert not re.search(r"\s", row["engine_version"]), row["id"]
        if row["per_chip_value"] and row["metric"].endswith("_per_s"):
            each = float(row["value"]) / float(row["n_chips"])
            assert float(row["per_chip_value"]) == pytest.approx(each, rel=0.01), row["id"]


def test_a_run_is_counted_once() -> None:
    for run, by_metric in runs().items():
        both = [by_metric[m]["use"] for m in ("output_tokens_per_s", "tokens_per_s_total") if m in by_metric]
        assert both != ["fit", "fit"], run


def test_modern_runs_name_their_engine_version_and_date() -> None:
    assert len(MODERN) > 3500
    assert sum(bool(r["engine_version"]) for r in MODERN) / len(MODERN) > 0.98
    assert all(r["date"] >= "2025-07" for r in MODERN)


def test_every_modern_row_is_a_case() -> None:
    token_times = [r for r in MODERN if r["metric"] == "tpot_ms" and r["use"] == "fit"][::17]
    assert not [r["id"] for r in token_times if isinstance(cases_of_row(r, SHIPPED), Text)]


def test_a_static_batch_without_a_size_is_left_out() -> None:
    row = next(r for r in ROWS if r["scenario"] == "static-batch" and r["use"] == "fit" and r["isl"])
    assert isinstance(cases_of_row({**row, "batch_or_concurrency": ""}, SHIPPED), Text)


def test_a_frozen_base_counts_four_flops_a_weight() -> None:
    rows = [r for r in measured("finetune") if r["source_name"] == "NVIDIA NeMo perf summary" and r["method"] == "lora"]
    by_metric = {p.id: p for p in predict_training_rows(rows, SHIPPED)}
    rate, flops = (
        next(r for r in rows if r["metric"] == m) for m in ("tokens_per_s_per_chip", "tflops_per_chip_model")
    )
    # the same run in both units: the error must be the same, or one of the two is counted another way
    assert by_metric[flops["id"]].predicted / float(flops["value"]) == pytest.approx(
        by_metric[rate["id"]].predicted / float(rate["value"]), rel=0.02
    )
