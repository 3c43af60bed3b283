"""The Chinese is complete, says the same numbers, and leaves no English sentence behind."""

from __future__ import annotations

import re
from collections import Counter
from html import unescape
from pathlib import Path

import click
import pytest
from babel.messages import Catalog

from chipwall.catalog import series as series_door
from chipwall.catalog.prices import load_prices as held_prices
from chipwall.claims.load import packaged_library, shipped_claims
from chipwall.controls.load import law
from chipwall.report.language.collect import collected, compiled, fields, flaws, merged, messages_in, po_file, written
from chipwall.report.language.lookup import LANGUAGES, lookup, spaced
from chipwall.text import text

BRIEFS = [("brief", "h200", "--md"), ("brief", "910c", "--md")]
COMMANDS = [
    *BRIEFS,
    ("fit", "gpt-3-175b", "--chip", "h200"),
    ("fit", "deepseek-v3", "--chip", "910c", "--chips", "8"),
    ("compare", "h200", "910c,mlu590"),
    ("chips", "--vendor", "huawei"),
    ("chip", "mlu590"),
    ("model", "deepseek-v3"),
    ("models", "--family", "llama"),
    ("systems",),
    ("data", "check"),
    ("controls", "h200", "--to", "CN", "--on", "2026-02-01"),
    ("controls", "b200", "--to", "AE", "--on", "2025-05-20", "--party", "G42"),
    ("controls", "910c", "--to", "SG", "--on", "2026-12-01", "--hq", "CN"),
    ("controls", "timeline", "h20", "--to", "CN"),
    ("controls", "compare", "h20,h200,b200", "--to", "CN,AE"),
    ("controls", "diff", "2022-10-01", "2026-06-01"),
    ("controls", "wall", "--on", "2026-02-01"),
    ("infer", "llama-2-70b", "--chip", "h200", "--chips", "8", "--tensor", "8", "--explain"),
    ("ratio", "h200", "h20", "--model", "llama-2-70b", "--chips", "2", "--precision", "fp8"),
    (
        "train",
        "llama-2-70b",
        "--chip",
        "h100",
        "--chips",
        "64",
        "--tensor",
        "8",
        "--pipeline",
        "4",
        "--tokens",
        "1e12",
        "--explain",
    ),
    ("finetune", "llama-3-8b", "--chip", "910c", "--chips", "1", "--explain"),
    ("hpc", "h200", "910c"),
    ("rag", "llama-2-70b", "--chip", "h200", "--chips", "4"),
    ("simulate", "h200-managed", "--against", "no-sales", "--draws", "20", "--until", "2029Q4"),
    ("market", "levers"),
    ("market", "quantities"),
    ("claim", "show", "h200-memory-nearly-double"),
    ("claim", "show", "h200-direct-sale-lawful"),
    ("claim", "vocabulary"),
]
MISTAKES = [
    ("chip", "H2O"),
    ("chip", "910b"),
    ("model", "lama-2-70b-x"),
    ("chips", "--min-memory", "96"),
    ("chips", "--min-bandwidth", "4.8 Tb/s"),
    ("chips", "--vendor", "nvida"),
    ("chips", "--sort", "beauty"),
    ("chips", "--status", "lost"),
    ("chips", "--colour"),
    ("compare",),
    ("compare", "h200"),
    ("chip", "h200", "h100"),
    ("fit", "gpt-3-175b"),
    ("fit", "gpt-3-175b", "--chip", "h200", "--chips", "two"),
    ("fit", "gpt-3-175b", "--chip", "h200", "--reserve", "1.5"),
    ("breif", "h200"),
    ("brief", "h200", "--against", "h200"),
    ("data", "check", "--root", "/nowhere"),
    ("infer", "gpt-3-175b", "--chip", "h200"),
    ("infer", "gpt-3-175b", "--chip", "h200", "--chips", "7"),
    ("infer", "gpt-3-175b", "--chip", "h200", "--chips", "8", "--precision", "fp3"),
    ("train", "llama-2-70b", "--chip", "h100", "--chips", "1"),
    ("simulate", "nothing-like-it"),
    ("simulate", "record", "--since", "1999Q1"),
    ("market", "series", "nothing-like-it"),
    ("validate", "kernels", "/nowhere"),
    ("claim", "show", "nothing-like-it"),
    ("claim", "check", "/nowhere"),
    ("controls", "h200", "--to", "Atlantis"),
    ("controls", "h200", "--to", "CN", "--on", "soon"),
    ("controls", "--tpp", "many", "--to", "CN"),
    ("controls", "h200", "--to", "CN", "--vendor", "nvida"),
    (),
]
NUMBER = re.compile(r"(?<![\d.])(\d(?:[\d,.]*\d)?)( ?(?:万|亿| million\b| billion\b| × 10⁹| bn\b|[kM]\b))?")
UNIT = re.compile(r"\d ?(?:[kMGTPE]i?B(?:/s)?|[TP]FLOP/s|TOPS|k?W|mm2|TPP)(?![a-z])")
SCALE = {"万": 1e4, "亿": 1e8, "million": 1e6, "bn": 1e9, "billion": 1e9, "× 10⁹": 1e9, "k": 1e3, "M": 1e6}
MONTHS = "January February March April May June July August September October November December".split()
SEASONS = dict(zip("一二三四", "1234", strict=True))
# Roundings of one number in millions and in 万 differ by this much at most [1].
ROUNDED = 0.011
# four words in a row make a sentence, not a name; commas make a list of names
SENTENCE = re.compile(r"(?:\b[A-Za-z][a-z]*\b +){3,}[a-z]+")


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal in which nothing wraps."""
    monkeypatch.setenv("COLUMNS", "9999")


@pytest.fixture(scope="session")
def facts(catalog) -> list[str]:
    """Words of sources, which stay as they were published, longest first."""
    said: set[str] = set()
    for source in [*catalog.sources.values(), *law().sources.values()]:
        said |= {source.title, source.publisher, source.note, source.place, source.licence}
    for chip in catalog.chips.values():
        for fact in chip.facts:
            said |= {fact.note, fact.locator, fact.accessed, fact.prefer, fact.published, str(fact.value)}
            said |= {fact.formula, fact.quote}
    for record in [*catalog.models.values(), *catalog.systems.values()]:
        said |= {record.note, record.name, getattr(record, "attention", ""), getattr(record, "count_exception", "")}
    for system in catalog.systems.values():
        said |= {words for fact in system.facts.values() for words in (fact.note, fact.formula)}
    for _, _, record in law().records():
        said.add(record.citation)
    for event in law().events:
        said |= {event.title, event.citation, event.actor}
    for series in series_door.load_series().observations.values():
        said |= {seen.note for seen in series}
    said |= {price.note for price in held_prices()}
    said |= {claim.by for claim in shipped_claims(packaged_library())}
    for clause in law().clauses:
        said.add(clause.paragraph)
    return sorted((s for s in said if " " in s), key=len, reverse=True)


@pytest.fixture(scope="session")
def quoted() -> list[str]:
    """Sentences of claims, which people say in their own numbers: 175 billion is 1750亿."""
    claims = shipped_claims(packaged_library())
    said = [s for c in claims for s in (c.statement, c.statement_zh, c.note, c.note_zh) if s]
    return sorted(said, key=len, reverse=True)


def sentences(said: str, facts: list[str]) -> list[str]:
    """English sentences in an answer, commands and the words of sources taken out."""
    said = re.sub(r"chipwall(?: [a-z-]+)+", "·", said)
    for fact in facts:
        said = said.replace(fact, "·")
    return [m[0] for m in SENTENCE.finditer(said)]


@pytest.fixture(scope="module", params=LANGUAGES[1:])
def messages(request: pytest.FixtureRequest) -> tuple[str, Catalog]:
    """A language and its messages, as ``make messages`` would write them now."""
    return request.param, merged(collected(), request.param)


def strings(catalog: Catalog) -> list[str]:
    return [s for e in catalog if e.id for s in ([e.string] if isinstance(e.string, str) else e.string)]


def test_the_file_holds_exactly_the_messages_of_the_source_each_translated(messages) -> None:
    lang, catalog = messages
    assert po_file(lang).read_bytes() == written(catalog), "run: make messages"
    assert flaws(catalog) == []
    assert not any(entry.fuzzy for entry in catalog)


def test_the_file_is_compiled(messages) -> None:
    lang, catalog = messages
    assert po_file(lang).with_suffix(".mo").read_bytes() == compiled(catalog)


def test_translations_hold_no_english_sentence(messages) -> None:
    assert [s for s in strings(messages[1]) if sentences(s, [])] == []


def test_chinese_is_written_with_chinese_punctuation(messages) -> None:
    assert [s for s in strings(messages[1]) if re.search(r"[\u4e00-\u9fff][,;?!]|[,;?!][\u4e00-\u9fff]", s)] == []


def test_an_empty_message_stays_empty() -> None:
    assert lookup("zh")("") == ""


def test_what_counts_as_a_message() -> None:
    source = '''
text("one " "two {n}", n=text("inner"))
text("a" if x else "b")
Text.of("word"), Text.of(value), unknown_name("kind", name), plural("one", "many")
@click.command()
@click.option("--x", help="Option.")
def f():
    """Help
    of f."""
def g():
    """No command."""
'''
    found = {"one two {n}", "inner", "a", "b", "word", "kind", ("one", "many"), "Option.", "Help\nof f."}
    assert set(messages_in(source, file="x.py")) == found
    with pytest.raises(SystemExit, match=r"x.py:1"):
        list(messages_in("text(template)", file="x.py"))


def test_fields_keep_their_format() -> None:
    assert fields("{b:.1f} of {a!r}, {a}") == ["{a!r}", "{a}", "{b:.1f}"]


_SAID: dict[tuple[str, ...], str] = {}


def in_chinese(run, command: tuple[str, ...]) -> str:
    """What a command says in Chinese; asked once."""
    if command not in _SAID:
        answer = run(*command, "--lang", "zh")
        assert answer.status == 0
        _SAID[command] = answer.out
    return _SAID[command]


def numbers_in(said: str) -> list[float]:
    """The numbers of an answer, whatever they are written in: 22,900 and 2.29 万, 28 November and 11 月 28 日."""
    for i, month in enumerate(MONTHS, 1):
        said = re.sub(rf"\b{month}(?= \d{{4}})", str(i), said)
    said = re.sub(r"([一二三四])季度", lambda m: SEASONS[m[1]], said)
    found = []
    for digits, scale in NUMBER.findall(said):
        try:
            found.append(float(digits.replace(",", "")) * SCALE.get(scale.strip(), 1.0))
        except ValueError:  # a version or a paragraph
            found += [float(part) for part in re.findall(r"\d+", digits)]
    return sorted(found)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_both_languages_say_the_same_numbers(run, command: tuple[str, ...], quoted: list[str]) -> None:
    english = run(*command)
    assert english.status == 0
    said = [english.out, in_chinese(run, command)]
    for words in quoted:
        said = [one.replace(words, "").replace(spaced(words), "") for one in said]
    numbers = [numbers_in(one) for one in said]
    assert len(numbers[0]) == len(numbers[1])
    assert all(abs(a - b) <= ROUNDED * max(abs(a), abs(b)) for a, b in zip(*numbers, strict=True))
    assert Counter(UNIT.findall(said[0])) == Counter(UNIT.findall(said[1]))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_chinese_leaves_no_english_sentence(run, command: tuple[str, ...], facts: list[str]) -> None:
    said = in_chinese(run, command)
    assert re.search(r"[\u4e00-\u9fff]", said)
    assert sentences(said, facts) == []


@pytest.mark.parametrize("command", MISTAKES, ids=" ".join)
def test_mistakes_are_told_in_chinese(run, command: tuple[str, ...]) -> None:
    answer = run("--lang", "zh", *command)
    assert answer.status == 2
    lines = answer.err.strip().splitlines()
    assert 1 <= len(lines) <= 3
    for line in lines:
        assert re.search(r"[\u4e00-\u9fff]", line) or re.fullmatch(r"--[a-z-]+", line), line


def commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every command that can be run, by its words."""
    from importlib.util import find_spec

    from chipwall.cli import COMMANDS as ROOMS

    context = click.Context(group)
    found = [path]
    for name in group.list_commands(context):
        if not path and find_spec(ROOMS[name][0]) is None:
            continue  # its room is not built yet
        command = group.get_command(context, name)
        found += commands(command, (*path, name)) if isinstance(command, click.Group) else [(*path, name)]
    return found


def test_help_pages_are_chinese(run) -> None:
    from chipwall.cli import root

    for path in commands(root):
        page = run("--lang", "zh", *path, "--help").out
        assert page == run(*path, "--help", "--lang", "zh").out
        assert page.startswith("用法:")
        assert "选项：" in page
        assert sentences(page, []) == [], path
        assert "Show this" not in page
        assert run(*path, "--help").out.isascii(), "English pages stay English afterwards"


def test_the_language_may_stand_before_the_command(run) -> None:
    question = ("model", "llama-2-70b")
    assert run("--lang", "zh", *question).out == run(*question, "--lang=zh").out != run(*question).out
    assert run("--lang", "zh", "models", "--lang", "en").out == run("models").out


def test_statuses_and_bounds_are_words_of_the_catalogue() -> None:
    from typing import get_args

    from chipwall.sources import Status

    say = lookup("zh")
    for word in (
        *get_args(Status),
        "shipping",
        "announced",
        "rumoured",
        "cancelled",
        "memory",
        "compute",
        "network",
        "host",
    ):
        assert say(word) != word


def test_page_and_charts_are_chinese(run, tmp_path: Path, facts: list[str]) -> None:
    path = tmp_path / "page.html"
    assert run("brief", "h200", "--out", str(path), "--lang", "zh").status == 0
    page = path.read_text()
    assert '<html lang="zh-CN">' in page
    pictures = " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", page))
    for words in ("显存带宽", "对数坐标", "单卡显存"):
        assert words in pictures
    body = unescape(re.sub(r"<(style|script)[^>]*>.*?</\1>|<[^>]*>", "\n", page, flags=re.S))
    assert sentences(body, facts) == []


def test_nested_messages_are_translated() -> None:
    inner = text("Memory bandwidth")
    assert text("{before}, {after}", before=inner, after="X").render(lookup("zh")) == "显存带宽、X"
