"""Chips that a person brings: a file that starts from a chip of the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chipwall import catalog
from chipwall.errors import ChipwallError


def chip(tmp_path: Path, content: str) -> Any:
    path = tmp_path / "mine.toml"
    path.write_text(content)
    return catalog.chip(str(path))


def test_a_chip_with_half_the_link(tmp_path: Path) -> None:
    made = chip(tmp_path, 'base = "h100"\nname = "half a link"\n[facts]\nlink_bandwidth = "225 GB/s"\n')
    base = catalog.chip("h100")
    assert (made.name, made.vendor, made.family) == ("half a link", base.vendor, base.family)
    assert made.value("link_bandwidth") == 225e9
    assert made.value("memory_bandwidth") == base.value("memory_bandwidth")


def test_a_slice_and_two_dies(tmp_path: Path) -> None:
    base = catalog.chip("h100")
    part = chip(tmp_path, 'base = "h100"\nshare = 0.5\n[facts]\nmemory_capacity = "40 GB"\n')
    assert part.value("bf16_rate") == pytest.approx(base.value("bf16_rate") / 2)
    assert part.value("memory_capacity") == part.value("memory_reported") == 40e9
    assert part.value("link_bandwidth") == base.value("link_bandwidth")
    two = chip(tmp_path, 'base = "h100"\ndies = 2\n')
    assert two.value("memory_bandwidth") == pytest.approx(2 * base.value("memory_bandwidth"))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "names no base chip"),
        ("base = ", "not valid TOML"),
        ('base = "h1000000"', "unknown chip"),
        ('base = "h100"\nspeed = 2', "unknown key"),
        ('base = "h100"\nshare = 2', "at most 1"),
        ('base = "h100"\ndies = -1', "above 0"),
        ('base = "h100"\nfacts = 3', "no table"),
        ('base = "h100"\n[facts]\nspeed = "3 GB/s"', "unknown quantity"),
        ('base = "h100"\n[facts]\nmemory_capacity = 80', "has no unit"),
        ('base = "h100"\n[facts]\nmemory_capacity = "80 GB/s"', ""),
        ('base = "h100"\n[facts]\nmemory_bandwidth = "-3 TB/s"', ""),
        ('schema = 1\nid = "x"', ""),
    ],
)
def test_bad_chip_files(content: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ChipwallError) as told:
        chip(tmp_path, content)
    assert says in str(told.value)
    assert len(told.value.lines()) <= 3


def test_own_chip_and_own_model_through_the_doors(tmp_path: Path, run: Callable[..., Any]) -> None:
    (tmp_path / "c.toml").write_text('base = "h200"\n[facts]\nmemory_bandwidth = "6 TB/s"\n')
    own = run("infer", "llama-3.1-8b", "--chip", str(tmp_path / "c.toml"))
    assert own.status == 0
    assert run("chip", str(tmp_path)).status == 2
