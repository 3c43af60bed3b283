"""Every page in every form and language; what is wrong is told; nothing that a stranger writes runs or reads a file."""

from __future__ import annotations

import csv
import io
import re
from html import unescape

import pytest

from chipwall.web.rooms.home import destination

PATHS = [
    "/", "/check", "/check?text=The+H200+has+141+GB.", "/chips", "/chips/nvidia-h200-sxm", "/compare", "/models",
    "/models/llama-3.1-70b", "/own", "/law/nvidia-h200-sxm?to=CN&on=2026-02-01", "/search?q=H200",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_page_in_both_languages(client, path, lang):
    got = client.get(f"{path}{'&' if '?' in path else '?'}lang={lang}")
    assert got.status == 200
    assert f'<html lang="{"en" if lang == "en" else "zh-CN"}"' in got.text
    assert "<h1" in got.text or lang == "zh"
    csp = got.head["content-security-policy"]
    assert "script-src 'self'" in csp
    assert "unsafe" not in csp
    assert "http" not in csp
    assert "set-cookie" not in got.head
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|style=", got.text)


def test_chinese_pages_have_chinese_labels(client):
    page = client.get("/check", lang="zh").text
    labels = re.findall(r"<(?:button|span|h1|summary|a)[^>]*>([^<{]+)<", page)
    english = [
        w
        for w in labels
        if re.search(r"[A-Za-z]{4,}", unescape(w)) and w not in ("chipwall", "English", "Python", "BibTeX")
    ]
    assert not [w for w in english if not re.search(r"[\u4e00-\u9fff]", w)]


def test_forms_of_a_page(client):
    found = client.get("/chips/nvidia-h200-sxm.json").json
    row = next(r for r in found["tables"][0]["rows"] if r["quantity"] == "memory_bandwidth")
    assert row["value"] == 4.8e12
    assert found["command"] == "chipwall chip nvidia-h200-sxm"
    assert {s["id"] for s in found["sources"]} >= {"nvidia-h200-datasheet"}
    rows = list(csv.DictReader(io.StringIO(client.get("/chips.csv", vendor="huawei").text)))
    assert rows
    assert all(r["id"].startswith("huawei") for r in rows)
    assert "| " in client.get("/chips.md", vendor="huawei").text
    second = client.get("/chips/nvidia-h200-sxm.csv", table="2")
    assert second.status == 200
    assert second.text.splitlines()[0].count(",") >= 2


def test_figures_of_a_page(client):
    assert client.get("/compare.ratios.svg").text.startswith("<svg")
    assert client.get("/compare.ratios.png").body[:4] == b"\x89PNG"
    assert "vega-lite" in client.get("/compare.ratios.vl.json").json["$schema"]
    lost = client.get("/compare.nothing.svg")
    assert lost.status == 400
    assert "no figure" in lost.text


def test_unknown_parameters_are_told(client):
    page = client.get("/law/nvidia-h200-sxm", to="CN", destnation="AE")
    assert page.status == 200
    assert "no parameter &#39;destnation&#39;" in page.text
    assert client.get("/chips.json", vendro="nvidia").json["notices"] == [
        "This page has no parameter 'vendro'; did you mean vendor?"
    ]
    assert client.get("/chips", lang="de").status == 400
    assert client.get("/chips?vendor=nvidia&vendor=amd").status == 400


def test_a_link_remembers_its_data(client):
    assert "made with data 2020.01.01" in unescape(client.get("/chips", data="2020.01.01").text)


def test_wrong_names_say_the_nearest(client):
    got = client.get("/chips/h2OO")
    assert got.status == 400
    assert "Did you mean" in got.text
    assert client.get("/nowhere").status == 404
    assert client.ask("DELETE", "/chips").status == 405


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ("h200", "/chips/nvidia-h200-sxm"),
        ("昇腾910C", "/chips/huawei-ascend-910c"),
        ("llama-3.1-70b", "/models/llama-3.1-70b"),
        ("Can the H200 be sold to China?", "/law/nvidia-h200-sxm"),
        ("H20 能卖到中国吗？", "/law/nvidia-h20-96gb"),
        ("h200 vs h20", "/compare"),
        ("H200 和 910C 哪个快", "/compare"),
        ("How fast does Llama-3.1-70B run on an H200?", "/perform"),
        ("How many H200 for 50 requests per second of Llama-3.3-70B?", "/plan"),
        ("What happens if Beijing refuses the H200?", "/market"),
        ("The H200 has 141 GB of memory and is six times as fast as the H20.", "/check"),
        ("英伟达称H200的算力是H20的六倍以上，显存为141GB，将于明年出货。", "/check"),
        ("3A090", "/search"),
        ("Can I run DeepSeek-V3 on 8xH20?", "/perform"),
        ("Is the RTX 5090 D legal in China?", "/law/nvidia-rtx-5090d"),
        ("What is the effect of the GAIN AI Act?", "/market"),
    ],
)
def test_a_question_goes_to_its_page(words, path):
    assert destination(words)[0] == path


INJECTED = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}{% for x in y %}", "=cmd|' /C calc'!A0",
    "../../../../etc/passwd", "..\\..\\windows\\win.ini", "/etc/passwd", "~/.ssh/id_rsa", "config.json", "h200\u202e",
    "%00", "' OR 1=1 --", "\" OR \"\"=\"", "a" * 7000, "javascript:alert(1)",
]  # fmt: skip


@pytest.mark.parametrize("words", INJECTED, ids=range(len(INJECTED)))
def test_nothing_that_is_written_runs(client, words):
    from urllib.parse import quote

    for path in ("/", "/search", "/check", "/chips", "/compare", "/api/v1/chip"):
        name = {
            "/": "q",
            "/search": "q",
            "/check": "text",
            "/chips": "vendor",
            "/compare": "chips",
            "/api/v1/chip": "name",
        }[path]
        got = client.get(path, **{name: words})
        assert got.status < 500
        assert "root:" not in got.text
        if got.head.get("content-type") == "application/json":
            continue  # words in a string, under nosniff
        assert "<script>alert" not in got.text
        assert "<img src=x" not in got.text
        assert "root:" not in got.text
        assert "49" not in got.text or "7*7" in got.text or path in ("/chips", "/compare")
    for room in ("/chips/", "/models/", "/law/"):
        got = client.get(room + quote(words[:500], safe=""))
        assert got.status in (303, 400, 404)
        assert "<script>alert" not in got.text
        assert "root:" not in got.text
        assert "\n" not in got.head.get("location", "")


def test_heads_cannot_be_split_and_hosts_are_known(client):
    got = client.get("/?q=h200%0d%0aset-cookie:%20a=b")
    assert "set-cookie" not in got.head
    assert client.get("/", head={"host": "evil.example"}).status == 421
    assert client.get("/static/../app.py").status == 404
    assert client.get("/static/app.py").status == 404


def test_formulas_stay_words_in_csv(client):
    found = client.get("/check.csv", text="=1+1 The H200 has 141 GB. @SUM(A1) The H20 has 96 GB.").text
    assert not any(cell[:1] in "=+@" for row in csv.reader(io.StringIO(found)) for cell in row if cell)


def test_uploads_are_bounded(client):
    from chipwall.web.app import LARGEST_UPLOAD

    got = client.post("/check", {"text": "x" * (LARGEST_UPLOAD + 10)})
    assert got.status == 413
    assert "larger than" in got.text
    assert client.post("/chips", {"text": "x"}).status == 404
    assert client.post("/check", {"text": ""}).status == 400


def test_short_texts_are_links_and_long_ones_files(client):
    got = client.post("/check", {"text": "The H200 has 141 GB."})
    assert got.status == 303
    assert got.head["location"].startswith("/check?text=")
    long = "The H200 has 141 GB of memory. " * 60
    page = client.post("/check", {"text": long})
    assert page.status == 200
    assert "too long for a link" in page.text
    saved = client.post("/check", {"text": long, "save": "1"})
    assert saved.text.startswith("<!doctype html>")
    assert "<script" not in saved.text


def test_your_own_chip_travels_in_its_link(client):
    got = client.post("/own", {"text": 'base = "h100"\nname = "Half link"\n[facts]\nlink_bandwidth = "225 GB/s"\n'})
    assert got.status == 303
    assert got.head["location"].startswith("/chips/own.")
    page = client.get(got.head["location"])
    assert page.status == 200
    assert "Half link" in page.text
    assert client.get("/chips/own.AAAA").status == 400
    assert client.post("/own", {"text": "not a file"}).status == 400


def test_a_question_finds_what_it_names():
    from chipwall.api.search import found_for

    assert found_for("what is 3A090")
    assert found_for("昇腾")[0].path.startswith("/chips/huawei")
    assert destination("Can I run DeepSeek-V3 on 8xH20?")[1] == {"model": "deepseek-v3", "chips": "nvidia-h20-96gb"}
