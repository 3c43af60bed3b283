"""Layouts: what the search returns fits, divides, and is the fastest of what it priced."""

from __future__ import annotations

import numpy as np
import pytest

from chipwall import catalog
from chipwall.errors import InputError
from chipwall.perf.device import hardware
from chipwall.perf.shipped import shipped
from chipwall.perf.training.constants import labels_of
from chipwall.perf.training.search import candidates, fastest, priced, smallest_chip_count
from chipwall.perf.training.shape import shape_of
from chipwall.perf.training.train import template_run, training

SHIPPED = shipped()


@pytest.fixture(scope="module")
def question():
    chip, model = catalog.chip("h100"), catalog.model("llama-3-70b")
    hw = hardware(chip, SHIPPED.kernels)
    return (
        hw,
        shape_of(model),
        template_run(hw, chips=64, sequence=4096, year=2025.0),
        SHIPPED.training.at(labels_of(hw, recipe="bf16")),
    )


def test_candidates_divide_everything(question) -> None:
    hw, shape, template, _ = question
    found = candidates(shape, hw, template, sequences=256)
    assert len(found) == len(set(found)) > 50
    for plan in found:
        layout = plan.layout
        assert 64 % (layout.tensor * layout.pipeline * layout.context) == 0
        assert shape.heads % layout.tensor == 0
        assert 256 % (64 // (layout.tensor * layout.pipeline * layout.context) * plan.micro_batch) == 0


def test_the_search_returns_the_fastest_that_fits(question) -> None:
    hw, shape, template, constants = question
    found = fastest(shape, hw, template, sequences=256, recipe="bf16", constants=constants)
    layouts = candidates(shape, hw, template, sequences=256)
    steps, memory = priced(layouts, shape, hw, template, sequences=256, recipe="bf16", constants=constants)
    fits = memory <= float(hw.memory)
    assert found.step == pytest.approx(steps[fits].min())
    assert found.fitting == int(fits.sum())
    assert found.low <= found.step <= found.high
    assert not np.isnan(steps).any()


def test_the_answer_says_that_the_layout_was_searched() -> None:
    found = training(
        catalog.model("llama-3-70b"),
        hardware(catalog.chip("h100"), SHIPPED.kernels),
        SHIPPED,
        chips=64,
        sequences=256,
        sequence=4096,
    )
    assert found.searched is not None
    assert "layout searched" in found.estimate.notes[0]
    assert found.estimate.high > found.searched.step


def test_more_chips_than_the_smallest_count_hold_the_model(question) -> None:
    hw, shape, template, _ = question
    count = smallest_chip_count(shape, hw, template)
    assert 8 < count <= 64


def test_a_batch_that_nothing_divides_is_refused() -> None:
    with pytest.raises(InputError, match="no layout divides"):
        training(
            catalog.model("mpt-125m"),
            hardware(catalog.chip("h100"), SHIPPED.kernels),
            SHIPPED,
            chips=7,
            sequences=3,
            sequence=2048,
        )
