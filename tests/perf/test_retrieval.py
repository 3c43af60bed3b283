"""Retrieval: index sizes by hand, search that follows bytes and FLOPs, a pipeline that adds up and refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chipwall import catalog
from chipwall.errors import InputError
from chipwall.perf.device import hardware
from chipwall.perf.retrieval import (
    EMBEDDERS,
    Index,
    Pipeline,
    embedding_time,
    index_bytes,
    pipeline_estimate,
    search_time,
)
from chipwall.perf.shipped import shipped

SHIPPED = shipped()

H200 = hardware(catalog.chip("h200"), SHIPPED.kernels)
FLAT = Index("flat", 10e6, 1024)
ASKED = Pipeline(EMBEDDERS["large"], replace(FLAT, kind="ivf"), catalog.model("llama-3.1-8b"))


def test_index_sizes_by_hand() -> None:
    assert index_bytes(FLAT) == 10e6 * 1024 * 2
    assert index_bytes(Index("graph", 1e6, 768, degree=64)) == 1e6 * (768 * 2 + 64 * 4)
    assert index_bytes(Index("ivf", 1e6, 768, 0.125, lists=1000)) == 1e6 * (96 + 8) + 4 * 1000 * 768


def test_a_flat_scan_of_one_query_reads_every_vector_once() -> None:
    time = float(search_time(H200, FLAT, queries=1))
    assert time == pytest.approx(20.48e9 / 4.8e12, rel=0.4)
    # more queries ride along until arithmetic binds
    assert float(search_time(H200, FLAT, queries=8)) < 2 * time


def test_probing_lists_is_cheaper_than_reading_all() -> None:
    assert search_time(H200, replace(FLAT, kind="ivf"), queries=1) < 0.2 * search_time(H200, FLAT, queries=1)


def test_narrow_codes_search_faster() -> None:
    wide, narrow = (search_time(H200, replace(FLAT, bytes_per_value=b), queries=1) for b in (2.0, 0.125))
    assert narrow < 0.3 * wide


def test_a_graph_search_is_bound_by_its_hops_for_few_queries() -> None:
    graph = Index("graph", 10e6, 1024)
    assert search_time(H200, graph, queries=1) == search_time(H200, graph, queries=4)
    assert search_time(H200, graph, queries=4096) > search_time(H200, graph, queries=4)


def test_embedding_grows_with_the_text() -> None:
    short, long = (embedding_time(H200, EMBEDDERS["large"], texts=64, length=n) for n in (128, 512))
    assert 2 < long / short < 6


def test_the_pipeline_adds_up() -> None:
    found = pipeline_estimate(hardware(catalog.chip("h200"), SHIPPED.kernels), ASKED, SHIPPED)
    assert sum(p.value for p in found.breakdown) == pytest.approx(found.value)
    assert found.low < found.value < found.high
    assert found.basis == "extrapolated"
    assert found.inputs["questions_per_s"] == pytest.approx(1 / found.value)


def test_a_node_answers_faster_than_one_chip() -> None:
    one, eight = (
        pipeline_estimate(hardware(catalog.chip("h200"), SHIPPED.kernels), ASKED, SHIPPED, chips=n) for n in (1, 8)
    )
    assert eight.value < one.value
    assert any("gather" in str(p.name) for p in eight.breakdown)


def test_what_does_not_fit_says_by_how_much() -> None:
    big = replace(ASKED, model=catalog.model("llama-3.1-70b"))
    with pytest.raises(InputError, match=r"GiB more than 1") as problem:
        pipeline_estimate(hardware(catalog.chip("h200"), SHIPPED.kernels), big, SHIPPED)
    assert "Use 2 chips" in problem.value.fix


@pytest.mark.parametrize(
    ("asked", "chips"),
    [(replace(ASKED, answer=0.0), 1), (replace(ASKED, batch=-1.0), 1), (ASKED, 0), (ASKED, 5)],
)
def test_nonsense_is_refused(asked: Pipeline, chips: int) -> None:
    with pytest.raises(InputError):
        pipeline_estimate(hardware(catalog.chip("h200"), SHIPPED.kernels), asked, SHIPPED, chips=chips)


def test_a_format_the_chip_lacks_is_stored_and_widened() -> None:
    narrow, wide = (
        pipeline_estimate(hardware(catalog.chip("a100"), SHIPPED.kernels), replace(ASKED, precision=p), SHIPPED)
        for p in ("fp8", "bf16")
    )
    assert narrow.value < wide.value


def test_an_empty_index_is_refused() -> None:
    with pytest.raises(InputError):
        Index("flat", 0, 1024)
