"""Units: spellings, bits against bytes, directions, and the one formatter."""

from __future__ import annotations

import pytest

from chipwall.errors import InputError
from chipwall.units import GIB, UNITS, format_quantity, parse_quantity, scaled, to_si


@pytest.mark.parametrize(
    ("value", "symbol", "si"),
    [
        (4.8, "TB/s", 4.8e12),
        (141, "GB", 141e9),
        (140.4, "GiB", 140.4 * GIB),
        (900, "GB/s bidirectional", 450e9),
        (400, "Gbit/s link", 50e9),
        (989.5, "TFLOP/s", 989.5e12),
        (1979, "TOPS", 1979e12),
        (814, "mm2", 814e-6),
        (80, "1e9", 80e9),
        (2.99, "USD/h", 2.99 / 3600),
    ],
)
def test_to_si(value: float, symbol: str, si: float) -> None:
    assert to_si(value, symbol) == pytest.approx(si, rel=1e-15)


@pytest.mark.parametrize(
    ("words", "dimension", "what"),
    [
        ("4.8 Tb/s", "byte/s", "bits"),
        ("4.8", "byte/s", "no unit"),
        ("fast", "byte/s", "not a number"),
        ("96 GB", "byte/s", "byte/s is asked"),
        ("-3 GB", "byte", "negative"),
        ("3 GX", "byte", "unknown unit"),
    ],
)
def test_refusals_say_what_and_what_to_do(words: str, dimension: str, what: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_quantity(words, dimension=dimension, where="--min-memory")
    assert what in refused.value.what
    assert refused.value.fix
    assert len(refused.value.lines()) <= 3


@pytest.mark.parametrize(
    ("value", "dimension", "shown"),
    [
        (4.8e12, "byte/s", "4.8 TB/s"),
        (3.35e12, "byte/s", "3.35 TB/s"),
        (141e9, "byte", "141 GB"),
        (1979e12, "flop/s", "1,979 TFLOP/s"),
        (814e-6, "m2", "814 mm2"),
        (0.0213, "s", "21.3 ms"),
        (1.4e-5, "s", "14 us"),
        (None, "W", "-"),
        (15832, "TPP", "15,832 TPP"),
        (8, "1", "8"),
    ],
)
def test_format(value: float | None, dimension: str, shown: str) -> None:
    assert format_quantity(value, dimension) == shown


def test_scaled_is_the_inverse() -> None:
    for symbol in UNITS:
        assert scaled(to_si(7, symbol), symbol) == pytest.approx(7)
