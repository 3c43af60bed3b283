"""The door: answers, refusals, bases, and measured rows."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from chipwall import catalog
from chipwall.errors import InputError
from chipwall.perf.device import hardware
from chipwall.perf.evidence.serving_rows import predict_serving_rows
from chipwall.perf.evidence.validate import Prediction, Skip
from chipwall.perf.fitting.regression import Fit
from chipwall.perf.fitting.serving import ServingFit, group_of, prepared, terms, without_publishers
from chipwall.perf.serving.engines import (
    ENGINES,
    asked_year,
    engine_family,
    engine_on,
    year_of,
)
from chipwall.perf.serving.precision import precision_of
from chipwall.perf.serving.serve import Question, serving
from chipwall.perf.serving.setup import serving_hardware
from chipwall.perf.shipped import shipped

SHIPPED = shipped()

ROW = {
    "id": "x-1",
    "source_name": "NVIDIA TensorRT-LLM perf docs",
    "version_or_round": "TensorRT-LLM 0.17",
    "chip": "H100-SXM-80GB",
    "n_chips": "2",
    "model": "Llama-3.1-70B",
    "params_b": "70",
    "precision_weights": "fp8",
    "precision_kv": "fp8",
    "engine": "TensorRT-LLM 0.17",
    "scenario": "in-flight",
    "isl": "1000",
    "osl": "1000",
    "batch_or_concurrency": "max",
    "tp": "2",
    "pp": "1",
    "ep": "",
    "dp": "1",
    "metric": "output_tokens_per_s",
    "value": "3000",
    "notes": "",
    "class": "tuned",
    "arch": "hopper",
    "moe": "0",
    "use": "fit",
}


def test_an_answer_is_whole() -> None:
    got = serving(
        catalog.model("llama-3.3-70b"),
        serving_hardware(catalog.chip("h200"), SHIPPED),
        Question(chips=8, precision="fp8"),
        SHIPPED,
    )
    for e in (got.throughput, got.ttft, got.tpot, got.energy):
        assert 0 < e.low < e.value < e.high
        assert e.basis in ("measured", "calibrated", "extrapolated")
    assert got.tpot.basis == "calibrated"
    assert got.throughput.nearest
    assert got.throughput.breakdown_total == pytest.approx(sum(p.value for p in got.throughput.breakdown))
    assert got.weights + got.cache_room < float(hardware(catalog.chip("h200"), SHIPPED.kernels).memory)
    json.dumps(got.as_json())


def test_an_unfitted_chip_says_so_and_gets_a_wider_band() -> None:
    model = catalog.model("llama-3.1-8b")
    seen = serving(model, serving_hardware(catalog.chip("h100"), SHIPPED), Question(), SHIPPED).throughput
    unseen = serving(model, serving_hardware(catalog.chip("gaudi-3"), SHIPPED), Question(), SHIPPED).throughput
    assert unseen.basis == "extrapolated"
    assert unseen.high / unseen.low > seen.high / seen.low
    assert any("was fitted" in str(n) for n in unseen.notes)


def test_it_refuses_what_does_not_fit() -> None:
    with pytest.raises(InputError) as problem:
        serving(
            catalog.model("llama-3.1-405b"),
            serving_hardware(catalog.chip("h20"), SHIPPED),
            Question(chips=4, precision="bf16"),
            SHIPPED,
        )
    assert "GiB short" in problem.value.what
    assert "at least 16 x" in problem.value.fix


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (Question(prompt=0), "not a length"),
        (Question(output=-3), "not a length"),
        (Question(chips=3, tensor=3), "does not divide 32 heads"),
        (Question(chips=6, tensor=4), "not a multiple of 4"),
        (Question(engine="abacus"), "unknown engine"),
        (Question(precision="fp2"), "unknown weight format"),
        (Question(cache="int1"), "unknown cache format"),
        (Question(tpot_limit=1e-6), "no layout meets the latency limits"),
        (Question(reused=1.5), "prefix reuse"),
        (Question(prefillers=4), "cannot all prefill"),
    ],
)
def test_it_refuses_bad_questions(question: Question, words: str) -> None:
    with pytest.raises(InputError) as problem:
        serving(catalog.model("llama-3.1-8b"), serving_hardware(catalog.chip("h100"), SHIPPED), question, SHIPPED)
    assert words in str(problem.value)


def test_a_format_the_chip_lacks_is_widened_and_said() -> None:
    got = serving(
        catalog.model("llama-3.1-8b"),
        serving_hardware(catalog.chip("a100"), SHIPPED),
        Question(precision="fp8"),
        SHIPPED,
    )
    assert got.precision.widened
    assert any("widened" in str(n) for n in got.throughput.notes)


def test_precisions_of_parts() -> None:
    h100, b200 = hardware(catalog.chip("h100"), SHIPPED.kernels), hardware(catalog.chip("b200"), SHIPPED.kernels)
    oss, deep, llama = (catalog.model(n) for n in ("gpt-oss-120b", "deepseek-r1", "llama-3.1-8b"))
    assert precision_of("", model=oss, hw=h100).experts == "fp4_weights"
    assert precision_of("mxfp4", model=oss, hw=b200).attention == "bf16"
    assert precision_of("fp4", model=deep, hw=b200).attention == "bf16"
    assert precision_of("", model=deep, hw=h100).experts == "fp8"
    assert precision_of("awq-int4", model=llama, hw=h100).dense == "int4_weights"
    assert precision_of("w8a8 int8", model=llama, hw=h100).dense == "int8"


def test_engine_families() -> None:
    assert engine_family("TensorRT-LLM 0.11.0") == "trtllm"
    assert engine_family("TensorRT-LLM 1.2 (PyTorch backend)") == "trtllm-pytorch"
    assert engine_family("trtllm pytorch 1.1.0rc2") == "trtllm-pytorch"
    assert engine_family("NVIDIA NIM 1.8.0 (TensorRT-LLM)") == "trtllm"
    assert engine_family("vLLM 0.8.3 (ROCm)") == "vllm"
    assert engine_family("atom (ROCm) 7.1.1") == "atom"
    assert engine_family("MindIE") == "mindie"
    assert engine_family("TensorRT 10.11, CUDA 12.9") == "tuned"
    assert engine_family("") == ""


def test_the_usual_engine_follows_the_chip_and_impossible_pairs_are_refused() -> None:
    assert engine_on("nvidia") == "trtllm-pytorch"
    assert engine_on("amd") == "vllm"
    assert engine_on("huawei") == engine_on("huawei", "vllm") == "vllm-ascend"
    for vendor, name in (("amd", "trtllm"), ("huawei", "atom"), ("nvidia", "mindie"), ("google", "lmdeploy")):
        with pytest.raises(InputError, match="does not run"):
            engine_on(vendor, name)
    with pytest.raises(InputError, match="unknown engine"):
        engine_on("nvidia", "vlm")


def test_the_date_of_an_engine_is_read_and_kept_within_its_runs() -> None:
    assert year_of("2026-01-31") == pytest.approx(2026 + 1 / 12)
    assert year_of("2026") == 2026.5
    assert year_of("May") is None
    first, last = SHIPPED.serving.dates["vllm"]
    assert SHIPPED.serving.year("vllm") == last
    assert SHIPPED.serving.year("vllm", 1999.0) == first
    with pytest.raises(InputError, match="not a date"):
        asked_year("0.8.3")


def test_newer_software_is_not_slower() -> None:
    chip, model = catalog.chip("h200"), catalog.model("qwen3-235b-a22b")
    asked = Question(chips=8, tensor=8, concurrency=4, engine="vllm", precision="fp8")
    old, new = (
        serving(model, serving_hardware(chip, SHIPPED), replace(asked, engine_year=y), SHIPPED).tpot.value
        for y in (2024.0, None)
    )
    assert new < old


def test_constants_stay_between_their_bounds() -> None:
    bounds = {t.name: (t.low, t.high) for t in terms()}
    for arch in ("hopper", "ascend", "unheard-of"):
        for engine in ENGINES:
            for year in (2023.0, None):
                found = SHIPPED.serving.at(arch, engine, year)
                assert set(found) == set(bounds)
                assert all(bounds[name][0] <= value <= bounds[name][1] for name, value in found.items())


def test_a_row_is_predicted_in_its_own_metric() -> None:
    base = predict_serving_rows([ROW], SHIPPED)[0]
    assert isinstance(base, Prediction)
    assert base.low < base.predicted < base.high
    assert base.class_ == "tuned dense"
    total = predict_serving_rows([{**ROW, "metric": "tokens_per_s_total"}], SHIPPED)[0]
    each = predict_serving_rows([{**ROW, "metric": "samples_per_s"}], SHIPPED)[0]
    assert isinstance(total, Prediction)
    assert isinstance(each, Prediction)
    assert total.predicted == pytest.approx(2 * base.predicted)
    assert each.predicted == pytest.approx(base.predicted / 1000)


def test_open_columns_are_searched_and_unknown_names_get_a_stand_in() -> None:
    rows = [
        {**ROW, "tp": "", "pp": ""},
        {**ROW, "model": "InternLM-20B", "params_b": "20"},
        {**ROW, "precision_weights": "", "precision_kv": ""},
        {
            **ROW,
            "source_name": "MLPerf Inference v5.1",
            "scenario": "server",
            "model": "Llama-2-70B",
            "isl": "",
            "osl": "",
            "batch_or_concurrency": "",
            "tp": "",
        },
        {**ROW, "metric": "ttft_ms", "scenario": "static-batch", "batch_or_concurrency": "1", "osl": ""},
        {
            **ROW,
            "chip": "Ascend-910B",
            "engine": "vllm-ascend",
            "precision_weights": "bf16",
            "batch_or_concurrency": "8",
            "scenario": "server",
        },
    ]
    assert all(isinstance(p, Prediction) for p in predict_serving_rows(rows, SHIPPED))


def test_inexpressible_rows_say_why() -> None:
    rows = [
        {**ROW, "isl": ""},
        {**ROW, "metric": "smiles_per_s"},
        {**ROW, "model": "nothing-like-it", "params_b": ""},
        {**ROW, "precision_weights": "fp3"},
    ]
    found = predict_serving_rows(rows, SHIPPED)
    assert all(isinstance(p, Skip) and p.reason for p in found)


def test_two_chips_that_differ_in_name_only_are_equal() -> None:
    chip = catalog.chip("h100")
    other = replace(chip, name="Another name", aliases=())
    a = serving(catalog.model("llama-3.1-8b"), serving_hardware(chip, SHIPPED), Question(), SHIPPED)
    b = serving(catalog.model("llama-3.1-8b"), serving_hardware(other, SHIPPED), Question(), SHIPPED)
    assert a.throughput.value == b.throughput.value


def test_what_is_peculiar_to_a_publisher_is_fitted_and_never_predicted() -> None:
    rows = [ROW, {**ROW, "source_name": "Qwen speed benchmark", "id": "x-2"}]
    problem = ServingFit.over(*prepared(rows, SHIPPED))
    names = [name for each in problem.design.names for name in each]
    assert "setup=qwen-speed" in names
    moved = problem.design.prior + np.array([0.5 * name.startswith("setup=") for name in names])
    plain = problem.predicted(Fit(problem.design, problem.design.prior))
    assert plain == pytest.approx(problem.predicted(Fit(problem.design, moved)))
    assert plain[0] == pytest.approx(plain[1])
    assert np.exp(Fit(problem.design, moved).predicted(problem.values, np.arange(2)))[1] < plain[1]
    assert np.all(without_publishers(problem.design, moved) == problem.design.prior)
    assert group_of(ROW) == ("NVIDIA TensorRT-LLM perf docs", "H100-SXM-80GB", "Llama-3.1-70B")
