"""TPP, density and rates: exact, dense, highest format, no second factor of two."""

from decimal import Decimal

import pytest

from chipwall import catalog
from chipwall.catalog.records import Chip
from chipwall.controls import measures
from chipwall.sources import Fact
from chipwall.units import to_si


def chip(**numbers: tuple[str, str]) -> Chip:
    facts = {
        name: Fact(name, to_si(Decimal(number), unit), number, unit, "official", f"source-{name}")
        for name, (number, unit) in numbers.items()
    }
    return Chip("maker-part", "Maker Part", "maker", "part", (), tuple(facts.values()), facts)


def test_own_example_of_the_bureau_both_ways() -> None:
    assert measures.tpp_of_rates({"int8": Decimal(600)})[0] == 4800
    assert measures.tpp_of_rates({"fp16": Decimal(300)})[0] == 4800


def test_tpp_takes_highest_format_and_does_not_double() -> None:
    h100 = chip(bf16_rate=("989.5", "TFLOP/s"), fp8_rate=("1979", "TFLOP/s"), fp32_rate=("67", "TFLOP/s"))
    measure = measures.total_processing_performance(h100)
    assert measure.value == Decimal(15832)
    assert measure.number_format in ("fp8", "bf16")
    assert "15,832" in measure.formula


def test_tf32_is_an_alternative_reading_only() -> None:
    trainium2 = chip(bf16_rate=("667", "TFLOP/s"), tf32_rate=("667", "TFLOP/s"))
    measure = measures.total_processing_performance(trainium2)
    assert (measure.value, measure.alternative) == (Decimal(10672), Decimal(21344))


def test_tpp_unknown_has_a_reason_and_reported_tpp_is_a_last_resort() -> None:
    assert measures.total_processing_performance(chip()).value is None
    assert "no dense rate" in measures.total_processing_performance(chip()).unknown
    reported = measures.total_processing_performance(chip(reported_tpp=("2368", "TPP")))
    assert reported.value == 2368
    assert "reported" in reported.formula


def test_density_is_exact_and_unknown_without_area() -> None:
    part = chip(bf16_rate=("101.75", "TFLOP/s"), applicable_die_area=("275", "mm2"))
    assert measures.performance_density(part).value == Decimal("5.92")
    assert measures.performance_density(chip(bf16_rate=("100", "TFLOP/s"))).value is None
    assert (
        measures.performance_density(chip(bf16_rate=("100", "TFLOP/s"), applicable_die_area=("0", "mm2"))).value is None
    )


def test_io_rate_sums_links_and_slot_in_both_directions() -> None:
    a800 = chip(link_bandwidth=("400", "GB/s bidirectional"), pcie_generation=("4", "gen"))
    assert measures.io_rate(a800).value == 464
    assert measures.io_rate(chip(link_bandwidth=("400", "GB/s bidirectional"))).value is None


@pytest.mark.parametrize(("number", "unit"), [("4.8", "TB/s"), ("4800", "GB/s")])
def test_dram_bandwidth_in_the_unit_of_the_law(number: str, unit: str) -> None:
    assert measures.dram_bandwidth(chip(memory_bandwidth=(number, unit))).value == 4800


def test_memory_density_of_a_bare_stack() -> None:
    assert measures.memory_density_of(Decimal(242), Decimal(121)) == 2
    assert measures.memory_bandwidth_density(chip()).value is None


@pytest.mark.parametrize(
    ("name", "tpp"),
    [
        ("h100", 15832),  # 989.5 x 16: doubling would give 31,664
        ("rtx 4090", 5285),  # sparse figures would give 10,570
        ("h20", 2368),
        ("a100", 4992),
        ("b200", 36000),
    ],
)
def test_catalogue_chips_are_dense_and_not_doubled(name: str, tpp: int) -> None:
    value = measures.total_processing_performance(catalog.chip(name)).value
    assert value is not None
    assert abs(value - tpp) < 1


def test_io_dies_of_a_non_planar_process_count() -> None:
    # nobody published the area of the I/O dies, which count: the density is unknown, not that of the compute dies
    assert catalog.chip("mi300x").value("compute_die_area") == pytest.approx(880e-6)
    density = measures.performance_density(catalog.chip("mi300x"))
    assert density.value is None
    assert "die area" in density.unknown


def test_sourced_rates_below_an_unsourced_one_are_a_floor_and_no_total() -> None:
    part = catalog.chip("metax-c600")
    assert part.claim("fp8_rate") is not None
    assert part.fact("fp8_rate") is None
    found = measures.total_processing_performance(part)
    assert found.value is None
    assert "no source" in found.unknown
