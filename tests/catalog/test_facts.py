"""The catalogue: oracle numbers, the rule of choice, names, and what the loader refuses."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from chipwall import catalog as door
from chipwall.catalog.check import problems_in
from chipwall.catalog.choose import chosen_fact
from chipwall.catalog.files import DATA
from chipwall.catalog.load import Catalog, parse_catalog, read_catalog
from chipwall.catalog.quantities import QUANTITIES
from chipwall.controls.measures import performance_density, total_processing_performance
from chipwall.errors import DataError, InputError
from chipwall.sources import Fact


@pytest.mark.parametrize(
    ("chip", "quantity", "value"),
    [
        ("h200", "memory_capacity", 141e9),
        ("h200", "memory_bandwidth", 4.8e12),
        ("h100 sxm", "memory_capacity", 80e9),
        ("h100 sxm", "memory_bandwidth", 3.35e12),
        ("h20", "memory_bandwidth", 4.0e12),
        ("h200", "link_bandwidth", 450e9),
        ("b200", "link_bandwidth", 900e9),
        ("910c", "link_bandwidth", 392e9),
        ("mi300x", "bf16_rate", 1307.4e12),
    ],
)
def test_published_numbers(chip: str, quantity: str, value: float) -> None:
    assert door.chip(chip).value(quantity) == pytest.approx(value, rel=1e-3)


@pytest.mark.parametrize(
    ("chip", "tpp"),
    [("h200", "15832"), ("h20", "2368"), ("a100", "4992"), ("910b3", "5008"), ("mi355x", "60398")],
)
def test_total_processing_performance(chip: str, tpp: str) -> None:
    found = total_processing_performance(door.chip(chip)).value
    assert found is not None
    assert abs(found - Decimal(tpp)) < 4  # data sheets print rates to four digits


def test_mi355x_counts_fp6_at_the_fp4_rate() -> None:
    assert total_processing_performance(door.chip("mi355x")).number_format == "fp6"


def test_density_of_h200_and_unknown_density() -> None:
    density = performance_density(door.chip("h200")).value
    assert density is not None
    assert Decimal("19.4") <= density <= Decimal("19.5")
    unknown = performance_density(door.chip("mlu590"))
    assert unknown.value is None
    assert "die area" in unknown.unknown


def test_trainium_shows_the_other_reading() -> None:
    assert total_processing_performance(door.chip("trainium2")).alternative == Decimal("21344")


def test_two_dates(catalog: Catalog) -> None:
    h200 = catalog.chips["nvidia-h200-sxm"]
    assert h200.word("announced") == "2023-11-13"
    assert h200.word("available").startswith("2024")


@pytest.mark.parametrize(
    ("spelling", "chip"),
    [
        ("H200", "nvidia-h200-sxm"),
        ("h200-sxm", "nvidia-h200-sxm"),
        ("NVIDIA H200", "nvidia-h200-sxm"),
        ("昇腾910C", "huawei-ascend-910c"),
        ("Ascend 910C", "huawei-ascend-910c"),
        ("寒武纪590", "cambricon-mlu590"),
        ("mi300x", "amd-mi300x"),
        ("H20 141GB", "nvidia-h20-141gb"),
    ],
)
def test_spellings(spelling: str, chip: str) -> None:
    assert door.chip(spelling).id == chip


def test_every_alias_of_the_tables_resolves(catalog: Catalog) -> None:
    for alias in catalog.chip_aliases:
        if alias.match in ("exact", "assumed") and alias.kind == "chip":
            assert door.chip(alias.name).id == alias.id, alias
    for alias in catalog.model_aliases:
        if alias.match in ("exact", "assumed"):
            assert catalog.names.model_of_table(alias.name).id == alias.id, alias


@pytest.mark.parametrize(
    ("asked", "chip"),
    [
        ("3090", "nvidia-rtx-3090"),
        ("GeForce RTX 4090", "nvidia-rtx-4090"),
        ("rtx pro 6000 blackwell", "nvidia-rtx-pro-6000-server"),
        ("A6000", "nvidia-rtx-a6000"),
        ("GB10", "nvidia-gb10"),
        ("V100-16GB", "nvidia-v100-sxm2-16gb"),
        ("7900 XTX", "amd-rx-7900-xtx"),
        ("dgx-h200", "nvidia-h200-sxm"),
        ("gb200 nvl72", "nvidia-gb200"),
        ("cloudmatrix384", "huawei-ascend-910c"),
    ],
)
def test_spellings_of_what_people_own(asked: str, chip: str) -> None:
    assert door.chip(asked).id == chip


@pytest.mark.parametrize(
    ("printed", "chip"),
    [
        ("NVIDIA A100-SXM4-80GB", "nvidia-a100-80gb-sxm"),
        ("NVIDIA H100 80GB HBM3", "nvidia-h100-sxm"),
        ("Tesla V100-SXM2-32GB", "nvidia-v100-sxm2-32gb"),
        ("NVIDIA GeForce RTX 3090 Ti", "nvidia-rtx-3090-ti"),
        ("NVIDIA RTX 6000 Ada Generation", "nvidia-rtx-6000-ada"),
        ("RTX 4090 24GB", "nvidia-rtx-4090"),
    ],
)
def test_names_as_device_tools_print_them(printed: str, chip: str) -> None:
    assert door.chip(printed).id == chip


def test_a_memory_that_the_card_does_not_have_is_not_taken_off() -> None:
    with pytest.raises(InputError, match="unknown chip"):
        door.chip("RTX 4090 32GB")


def test_a_system_brings_its_count() -> None:
    assert door.machine("dgx-h200")[1] == 8
    assert door.machine("GB200 NVL72")[1] == 72
    assert door.machine("h200")[1] == 1


def test_a_slice_is_a_chip_with_its_share() -> None:
    whole, part = door.chip("h100"), door.chip("h100 1g.10gb")
    assert part.value("bf16_rate") == pytest.approx(whole.require("bf16_rate") * 16 / 132)
    assert part.value("memory_bandwidth") == pytest.approx(whole.require("memory_bandwidth") / 8)
    assert part.require("memory_capacity") == pytest.approx(10e9)
    assert part.value("link_bandwidth") == 0
    for asked in ("h100 1g.17gb", "h100 5g.40gb", "l40s 1g.10gb"):
        with pytest.raises(InputError):
            door.chip(asked)


def test_a_name_of_several_generations_asks() -> None:
    with pytest.raises(InputError) as refused:
        door.model("llama-70b")
    assert "llama-3.3-70b" in str(refused.value)


def test_near_numbers_come_before_near_letters() -> None:
    with pytest.raises(InputError) as refused:
        door.chip("rtx 4095")
    assert "nvidia-rtx-4090" in str(refused.value)


def test_a_family_of_bins_asks() -> None:
    with pytest.raises(InputError) as asked:
        door.chip("910b")
    assert "huawei-ascend-910b3" in str(asked.value)


def test_an_unknown_name_gets_the_nearest_and_the_list() -> None:
    with pytest.raises(InputError) as refused:
        door.chip("H2O")
    said = str(refused.value)
    assert "unknown chip 'H2O'" in said
    assert "'h20'" in said
    assert "chipwall chips" in said


def fact(**changes: object) -> Fact:
    values = {"quantity": "tdp", "value": 700.0, "published": "700", "unit": "W", "status": "reported", "source": "x"}
    return Fact(**{**values, **changes})  # type: ignore[arg-type]


def test_the_rule_of_choice() -> None:
    first, second = fact(), fact(value=600.0, second=True, status="official")
    derived, wanted = fact(derived=True), fact(value=650.0, second=True, prefer="the data sheet was revised")
    assert chosen_fact([derived, second, first]) is first
    assert chosen_fact([derived, second]) is second
    assert chosen_fact([fact(second=True), second]) is second
    assert chosen_fact([first, wanted]) is wanted
    assert chosen_fact([derived]) is derived
    unknown = fact(value=None, published="")
    assert chosen_fact([unknown, second]) is unknown


def test_every_quantity_has_facts(catalog: Catalog) -> None:
    used = {f.quantity for c in catalog.chips.values() for f in c.facts}
    used |= {q for s in catalog.systems.values() for q in s.facts}
    assert used == set(QUANTITIES)


def test_no_problem_in_the_package() -> None:
    problems, counts = problems_in()
    assert problems == []
    assert counts["chips"] >= 120
    assert counts["models"] == 267


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DATA, tmp_path / "data"))


BROKEN = {
    "no such source": ('source = "nvidia-h200-datasheet"', 'source = "nowhere"', "no source 'nowhere'"),
    "half unsourced": (
        'source = "nvidia-h200-datasheet"',
        'source = "unsourced"',
        "status and source are both 'unsourced'",
    ),
    "no formula": ('formula = "dense bf16_rate', 'note = "dense bf16_rate', "needs its formula"),
    "no web address": (
        'source = "nvidia-h200-datasheet",',
        'source = "nvidia-h200-datasheet", url = "h200",',
        "'h200' is not a web",
    ),
    "bits": ('value = 4800, unit = "GB/s"', 'value = 4800, unit = "Gb/s"', "bit/s, not byte/s"),
    "unit": ('value = 4800, unit = "GB/s"', 'value = 4800, unit = "GB per s"', "unknown unit"),
    "future": ('accessed = "2024/2026"', 'accessed = "2093-01-01"', "in the future"),
    "negative": ("value = 4800,", "value = -4800,", "not positive"),
    "range": ("value = 4800,", "value = 4800, low = 5000, high = 6000,", "does not bracket"),
    "quantity": ('quantity = "memory_bandwidth"', 'quantity = "memory_speed"', "unknown quantity"),
    "field": ("value = 4800,", "valeu = 4800,", "valeu"),
    "newer": ("schema = 1", "schema = 2", "update chipwall"),
    "syntax": ("facts = [", "facts = [[", "not valid TOML"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_data_is_told_with_file_and_line(copy: Path, name: str) -> None:
    path = copy / "chips" / "nvidia" / "h200-sxm.toml"
    before, after, what = BROKEN[name]
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))
    problems, _ = problems_in(copy)
    told = [str(p) for p in problems if what in p.what]
    assert told, problems
    assert told[0].startswith("chips/nvidia/h200-sxm.toml:")
    if name in ("bits", "negative", "range"):
        assert '"memory_bandwidth"' in text.splitlines()[int(told[0].split(":")[1]) - 1]
    with pytest.raises(DataError) as refused:
        read_catalog(copy)
    assert len(refused.value.lines()) == 3


def test_a_source_without_an_address_a_date_to_come_and_a_fact_told_twice_are_told_at_once(copy: Path) -> None:
    path = copy / "sources.toml"
    path.write_text(
        path.read_text().replace("https://epoch.ai/data/machine-learning-hardware", "", 1)
        + '[[source]]\nid = "epoch-ml-hardware"\ntitle = "again"\nurl = "https://x.org/a"\nkind = "press"\npublished = "2093"\n'
    )
    chip = copy / "chips" / "nvidia" / "h200-sxm.toml"
    line = next(x for x in chip.read_text().splitlines() if '"tdp"' in x)
    chip.write_text(chip.read_text().replace(line, f"{line}\n{line}", 1))
    told = [p.what for p in problems_in(copy)[0]]
    for words in ("has no address", "is defined twice", "published 2093 is in the future", "told twice"):
        assert any(words in what for what in told), told


def test_what_has_no_source_is_shown_and_counts_as_unknown(catalog: Catalog) -> None:
    loose = [(c, f) for c in catalog.chips.values() for f in c.facts if not f.sourced]
    assert loose
    for chip, fact in loose:
        if chip.claim(fact.quantity) is fact:
            assert chip.fact(fact.quantity) is None
            assert chip.value(fact.quantity) is None
            assert chip.word(fact.quantity) == ""


def test_a_sourced_second_fact_goes_before_an_unsourced_first() -> None:
    loose, second = fact(status="unsourced", source="unsourced"), fact(value=600.0, second=True)
    assert chosen_fact([loose, second]) is second
    assert chosen_fact([loose]) is loose


def test_all_problems_at_once(copy: Path) -> None:
    for name in ("h200-sxm", "h100-sxm"):
        path = copy / "chips" / "nvidia" / f"{name}.toml"
        path.write_text(path.read_text().replace('quantity = "tdp"', 'quantity = "heat"'))
    assert {p.file for p in problems_in(copy)[0]} >= {"chips/nvidia/h200-sxm.toml", "chips/nvidia/h100-sxm.toml"}


def test_a_model_whose_count_does_not_follow(copy: Path) -> None:
    path = next(p for p in copy.glob("models/*.toml") if 'id = "llama-2-70b"' in p.read_text())
    path.write_text(
        path.read_text().replace('id = "llama-2-70b"', 'id = "llama-2-70b"\nnote_ = ""').replace('\nnote_ = ""', "")
    )
    head, tail = path.read_text().split('id = "llama-2-70b"', 1)
    path.write_text(head + 'id = "llama-2-70b"' + tail.replace("count = 80", "count = 60", 1))
    assert any("published" in p.what and "Llama 2 70B" in p.what for p in problems_in(copy)[0])


def test_round_trip_through_the_cache(copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    parsed, cached = read_catalog(copy), read_catalog(copy)
    assert (tmp_path / "cache" / "chipwall").is_dir()
    assert parsed.chips == cached.chips
    assert parsed.models == cached.models
    assert parsed.systems == cached.systems
    assert parsed.sources == cached.sources
    assert parsed.version == cached.version


def test_a_home_that_cannot_be_written_is_no_reason_to_fail(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null/nowhere")
    assert len(read_catalog(copy).chips) >= 120


def test_parse_collects_instead_of_raising(tmp_path: Path) -> None:
    problems: list = []
    parse_catalog(tmp_path, problems)
    assert problems
