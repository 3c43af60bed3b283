"""Properties: a quantity survives printing and reading; every spelling of every chip resolves to itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chipwall import catalog
from chipwall.catalog.names import key
from chipwall.units import UNITS, parse_quantity, to_si

PLAIN = sorted(s for s, u in UNITS.items() if u.dimension in ("byte", "byte/s", "flop/s", "W", "s") and " " not in s)


@given(st.decimals(min_value=0, max_value=10**6, places=3), st.sampled_from(PLAIN), st.sampled_from(["", " ", "  "]))
def test_written_quantities_are_read_back(value, symbol, gap) -> None:
    assert parse_quantity(f"{value}{gap}{symbol}", dimension=UNITS[symbol].dimension) == to_si(value, symbol)


@given(
    st.sampled_from(sorted(catalog.load().chips)),
    st.sampled_from([str.upper, str.lower, str.title]),
    st.sampled_from(["-", " ", "_", ""]),
)
def test_a_chip_answers_to_every_spelling_of_its_id_and_name(chip_id, case, gap) -> None:
    chip = catalog.load().chips[chip_id]
    for name in (chip.id, chip.name):
        assert catalog.chip(case(name.replace("-", gap).replace(" ", gap))) is chip


@given(st.text(max_size=30))
def test_key_is_idempotent(name) -> None:
    assert key(key(name)) == key(name)
