"""Bad claims are refused with the place and the fix, all at once; good ones are resolved."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from chipwall.claims.library import Library
from chipwall.claims.load import packaged_library
from chipwall.claims.parse import claims_of_file, claims_of_text
from chipwall.errors import InputError

GOOD = """\
[[claim]]
id = "a-claim"
statement = "The H200 has 141 GB."
quantity = "fact"
subject = "H200"
relation = "about"
value = 141
unit = "GB"
[claim.fixed]
measure = "memory_capacity"
"""


@pytest.fixture(scope="module")
def world() -> Library:
    return packaged_library()


def refused(words: str, world: Library) -> str:
    with pytest.raises(InputError) as caught:
        claims_of_text(words, world, file="mine.toml")
    assert len(caught.value.lines()) <= 3
    return str(caught.value)


def test_a_good_claim(world: Library) -> None:
    (found,) = claims_of_text(GOOD, world, file="mine.toml")
    assert (found.subject, found.value, found.tolerance, found.line) == ("nvidia-h200-sxm", 141e9, 0.1, 1)


def test_defaults_are_filled_in(world: Library) -> None:
    words = GOOD.replace('"fact"', '"decision"').replace('"about"', '"is"').replace("value = 141", 'value = "3A090.a"')
    words = words.replace('unit = "GB"\n', "").replace(
        'measure = "memory_capacity"', 'answer = "eccn"\non = 2026-02-01'
    )
    (found,) = claims_of_text(words, world, file="mine.toml")
    assert found.fixed["on"] == date(2026, 2, 1)
    assert (found.fixed["destination"], found.fixed["activity"], found.fixed["party"]) == ("CN", "export", "none")


@pytest.mark.parametrize(
    ("change", "to", "told", "line"),
    [
        ('quantity = "fact"', 'quantity = "fakt"', "unknown quantity 'fakt'", 4),
        ('quantity = "fact"', 'quantity = "fact"\nbaseline = "h100"', "fact takes no baseline", 5),
        ('quantity = "fact"', 'quantity = "fact_ratio"', "fact_ratio has no baseline", 4),
        ('"H200"', '"H2OO"', "unknown chip 'H2OO'", 5),
        ('unit = "GB"', 'unit = "W"', "unit 'W' does not fit fact, which is in byte", 8),
        ('unit = "GB"', 'unit = "GX"', "unknown unit 'GX'", 8),
        ('unit = "GB"\n', "", "unit '1' does not fit fact, which is in byte", 7),
        ('"about"', '"roughly"', "unknown relation 'roughly'", 6),
        ('"about"', '"is true"', "'is true' does not suit fact, which is a number", 6),
        ('"about"', '"grows by"', "'grows by' does not suit fact, which is a number", 6),
        ('"about"', '"between"', "value 141 does not suit 'between'", 7),
        ("value = 141", 'value = "141"', "value 141 does not suit 'about'", 7),
        ("value = 141", "value = 141\ntolerance = 2", "tolerance 2 is not a share below one", 8),
        ('"memory_capacity"', '"memory_capcity"', "measure: unknown value 'memory_capcity'", 10),
        ("measure =", "measur =", "fact has no condition 'measur'", 10),
        ('[claim.fixed]\nmeasure = "memory_capacity"', "", "no condition is fixed or free", 1),
        ("[claim.fixed]\nmeasure =", "[claim.free]\nmeasure =", "free condition 'measure' is not a list", 10),
        ('"a-claim"', '"A claim"', "id 'A claim' is not lower case", 2),
        ('statement = "The H200 has 141 GB."\n', "", "the claim has no statement", 1),
        ("statement =", "statment =", "unknown field 'statment'", 3),
    ],
)
def test_refused_with_place_and_fix(change: str, to: str, told: str, line: int, world: Library) -> None:
    assert change in GOOD
    message = refused(GOOD.replace(change, to), world)
    assert told in message
    assert f"line {line}" in message or f"mine.toml:{line}:" in message
    assert len(message.splitlines()) >= 2  # never a bare complaint


def test_the_nearest_names_are_told(world: Library) -> None:
    assert "'fact_ratio'" in refused(GOOD.replace('"fact"', '"fact_rati"'), world)
    assert "memory_capacity" in refused(GOOD.replace('"memory_capacity"', '"memory_capcity"'), world)


def test_every_problem_of_a_file_at_once(world: Library) -> None:
    second = GOOD.replace("H200", "Hxyz200").replace('"GB"', '"W"')
    message = refused(GOOD.replace('"about"', '"bout"') + second, world)
    assert message.startswith("2 problems in mine.toml") or message.startswith("3 problems in mine.toml")
    assert "mine.toml:6:" in message
    assert "mine.toml:15:" in message


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("", "no claim in the file"),
        ("[[claims]]\nid = 'x'", "unknown table 'claims'"),
        ("[[claim]\nid", "not valid TOML"),
        (GOOD + GOOD, "'a-claim' is used twice"),
    ],
)
def test_files_without_claims(words: str, told: str, world: Library) -> None:
    assert told in refused(words, world)


def test_a_word_the_law_never_answers(world: Library) -> None:
    words = GOOD.replace('"fact"', '"decision"').replace('"about"', '"is"').replace("value = 141", 'value = "3A090.d"')
    words = words.replace('unit = "GB"\n', "").replace(
        'measure = "memory_capacity"', 'answer = "eccn"\non = 2026-02-01'
    )
    assert "the law never answers '3A090.d' to eccn" in refused(words, world)


def test_a_date_in_quotes_is_no_date(world: Library) -> None:
    words = GOOD.replace('"fact"', '"measure_over_limit"').replace('unit = "GB"\n', "")
    words = words.replace('measure = "memory_capacity"', 'limit = "a1-tpp"\non = "2026-02-01"')
    assert "'2026-02-01' is not a date" in refused(words, world)


def test_free_conditions_that_mix_units(world: Library) -> None:
    words = GOOD.replace(
        '[claim.fixed]\nmeasure = "memory_capacity"', '[claim.free]\nmeasure = ["memory_capacity", "tdp"]'
    )
    assert "does not fit" in refused(words, world)


def test_too_many_combinations(world: Library) -> None:
    counts = ", ".join(str(n) for n in range(1, 80))
    words = GOOD.replace('"fact"', '"memory_share"').replace('unit = "GB"', 'unit = "1"').replace("141\n", "1\n")
    words = words.replace(
        '[claim.fixed]\nmeasure = "memory_capacity"',
        '[claim.fixed]\nmodel = "gpt-3-175b"\ntask = "serve"\nweights = "fp8"\n'
        f"[claim.free]\nsequences = [{counts}]\ncontext = [{counts}]",
    )
    assert "6241 combinations of free conditions" in refused(words, world)


def test_nothing_in_a_claim_is_run(world: Library) -> None:
    assert "is not a count" in refused(
        GOOD.replace('"fact"', '"memory_share"').replace(
            'measure = "memory_capacity"',
            'model = "gpt-3-175b"\ntask = "serve"\nweights = "fp8"\nchips = "__import__(\'os\').getpid()"',
        ),
        world,
    )


def test_a_file_that_is_not_there(world: Library, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read"):
        claims_of_file(tmp_path / "none.toml", world)
