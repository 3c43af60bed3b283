"""The style guide of the Chinese, as tests: what the review of the first release asked for, and its kind."""

from __future__ import annotations

import re
from datetime import date

import pytest

from chipwall.cli.languages import environment_language, language_of
from chipwall.controls.load import law
from chipwall.report.language.collect import collected, merged
from chipwall.report.language.lookup import spaced, translated
from chipwall.report.language.numbers import (
    billions,
    count_words,
    day_words,
    money_words,
    month_words,
    points_words,
    share_words,
    times_words,
)
from chipwall.text import text

# One term for one thing: what is written, and what is not.
TERMS = {
    "延迟": ("时延",),
    "投机解码": ("推测解码", "推测采样"),
    "超节点": ("纵向扩展域",),
    "告知函": ("厂商函件",),
    "指标": ("度量",),
    "法规文本": ("成文规定",),
    "token": ("词元",),
}


@pytest.fixture(scope="module")
def sentences() -> list[str]:
    return [
        s for e in merged(collected(), "zh") if e.id for s in ([e.string] if isinstance(e.string, str) else e.string)
    ]


@pytest.mark.parametrize("term", TERMS)
def test_one_term_for_one_thing(sentences: list[str], term: str) -> None:
    assert any(term in s for s in sentences)
    for other in TERMS[term]:
        assert [s for s in sentences if other in s] == []


@pytest.mark.parametrize(
    "words", [r"\d 十亿", r"十亿 ?USD", r"年[一二三四五六七八九十]+月", "自 US 出口", r"\} USD\b(?!/)", r"\bwan\b"]
)
def test_no_sentence_counts_or_dates_as_english_does(sentences: list[str], words: str) -> None:
    assert [s for s in sentences if re.search(words, s)] in ([], ["{amount:.2f} USD/小时"])


@pytest.mark.parametrize(
    ("said", "chinese"),
    [
        (count_words(22_936), "2.29 万"),
        (count_words(11.6e6, short=True), "1,160 万"),
        (count_words(173.946e9, digits=5), "1,739.5 亿"),
        (count_words(3_630_000), "363 万"),
        (count_words(203), "203"),
        (times_words(6.69), "6.7 倍"),
        (money_words(27_000), "2.7 万美元"),
        (money_words(237_500, "CNY", digits=5), "23.75 万元"),
        (money_words(47e9), "470 亿美元"),
        (billions(13.1e9), "131 亿"),
        (share_words(0.173), "17%"),
        (points_words(-0.038), "-4 个百分点"),
        (day_words(date(2026, 11, 28)), "2026 年 11 月 28 日"),
        (month_words("2026-11"), "2026 年 11 月"),
        (month_words("2026 mid"), "2026 年中"),
        (month_words("2023 launch"), "2023 年上市时"),
        (month_words("2025-Q4"), "2025 年四季度"),
        ("Huawei Ascend 910C", "华为昇腾 910C"),
        ("Ascend 910C", "昇腾 910C"),
        ("Cambricon MLU590", "寒武纪思元 590"),
        ("NVIDIA H200 SXM", "英伟达 H200 SXM"),
        ("NVIDIA H200 data sheet", "NVIDIA H200 data sheet"),
        (text("cannot tell"), "无法判断"),
        (text("supported"), "属实"),
        (text("contradicted"), "不实"),
    ],
)
def test_words_of_the_review(said: str, chinese: str) -> None:
    assert translated(said, "zh") == chinese


def test_numbers_round_alike_in_both_languages() -> None:
    assert str(count_words(22_936)) == "22,900"
    assert str(count_words(173.946e9, digits=4)) == "173.9 billion"
    assert str(times_words(1.085)) == "1.1x"
    assert str(points_words(0.0004)) == "0 points"
    assert [str(count_words(v, signed=True)) for v in (-1500, 0, 1500)] == ["-1,500", "0", "+1,500"]


def test_spaces_stand_between_letters_of_two_scripts_only() -> None:
    assert spaced("H200配有141 GB显存") == "H200 配有 141 GB 显存"
    assert spaced("约 2.3 万 个，征 25 % 关税") == "约 2.3 万个，征 25% 关税"
    assert spaced("-15.7 万至+62.5 万") == "-15.7 万至 +62.5 万"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ("中国", "CN"),
        ("阿联酋", "AE"),
        ("马来西亚", "MY"),
        ("美国", "US"),
        ("韩国", "KR"),
        ("香港", "HK"),
        ("沙特阿拉伯", "SA"),
    ],
)
def test_countries_are_understood_in_chinese(asked: str, code: str) -> None:
    assert law().countries.resolve(asked) == code


def test_names_are_understood_in_chinese(run) -> None:
    assert run("chips", "--vendor", "华为").out == run("chips", "--vendor", "huawei").out
    assert run("model", "千问3-32b").out == run("model", "qwen3-32b").out
    assert run("chip", "昇腾 910C").out == run("chip", "910c").out
    assert run("controls", "h200", "--to", "中国").out == run("controls", "h200", "--to", "CN").out
    assert (
        run("simulate", "完全禁售", "--draws", "40", "--until", "2027Q4").out
        == run("simulate", "no-sales", "--draws", "40", "--until", "2027Q4").out
    )


@pytest.mark.parametrize(
    ("told", "lang"),
    [
        ("zh", "zh"),
        ("zh-CN", "zh"),
        ("zh_CN.UTF-8", "zh"),
        ("中文", "zh"),
        ("en_US.UTF-8", "en"),
        ("C", "en"),
        ("fr", ""),
    ],
)
def test_languages_as_people_and_systems_write_them(told: str, lang: str) -> None:
    assert language_of(told) == lang


def test_the_environment_says_the_language(run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CHIPWALL_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    assert environment_language() == "en"
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert environment_language() == "zh"
    assert "参数量" in run("model", "llama-2-70b").out
    monkeypatch.setenv("CHIPWALL_LANG", "en")
    assert environment_language() == "en"
    assert "Parameters" not in run("model", "llama-2-70b", "--lang", "zh").out


def test_a_list_of_languages_is_for_pages_only(run, tmp_path) -> None:
    assert run("chips", "--lang", "en,zh").status == 2
    assert run("brief", "h200", "--lang", "en,fr").status == 2
    answer = run("brief", "tpu-v5e", "--lang", "en,zh", "--out", str(tmp_path / "x.html"))
    assert answer.status == 0
    english, chinese = (tmp_path / name for name in ("x.html", "x.zh.html"))
    assert '<html lang="en">' in english.read_text()
    assert 'href="x.zh.html"' in english.read_text()
    assert '<html lang="zh-CN">' in chinese.read_text()
    assert 'href="x.html"' in chinese.read_text()
    assert run("brief", "h200", "--json", "--lang", "en,zh").status == 2
