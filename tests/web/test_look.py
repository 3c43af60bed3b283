"""What a reader needs to see: contrast of words, marks told apart without colour, names for who does not see them."""

from __future__ import annotations

import re

import pytest

from chipwall.web.app import static_bytes


def luminance(colour: str) -> float:
    value = colour.lstrip("#")
    value = "".join(c * 2 for c in value) if len(value) == 3 else value
    parts = [int(value[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    a, b = sorted((luminance(one), luminance(other)), reverse=True)
    return (a + 0.05) / (b + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_keep_the_contrast_of_aa(theme):
    style = static_bytes("app.css").decode()
    block = re.search(rf':root\[data-theme="{theme}"\] \{{(.*?)\}}', style, re.DOTALL)[1]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})", block))
    for words in ("ink", "soft", "accent", "yes", "no", "dep", "unk"):
        for paper in ("paper", "tint"):
            assert contrast(colours[words], colours[paper]) >= 4.5, (theme, words, paper)


@pytest.mark.parametrize("path", ["/compare", "/wall?on=2026-02-01", "/perform", "/law/nvidia-h200-sxm?to=CN"])
def test_figures_have_names_and_numbers(client, path):
    page = client.get(path).text
    figures = re.findall(r"<figure.*?</figure>", page, re.DOTALL)
    assert figures
    for figure in figures:
        assert re.search(r"<figcaption[^>]*>[^<]{8,}", figure)
        assert figure.count('role="img"') == 2  # for a wide and for a narrow screen
        assert len(re.search(r"<desc[^>]*>([^<]+)", figure)[1]) > 40


def test_every_control_has_a_label(client):
    for path in ("/", "/perform", "/plan", "/wall", "/check", "/own", "/market/h200-share-cap"):
        page = client.get(path).text
        controls = re.findall(r"<(?:input|select|textarea)(?![^>]*type=\"hidden\")[^>]*>", page)
        labelled = page.count("<label") + len(re.findall(r"<input[^>]*aria-label=", page))
        assert controls
        assert labelled >= len(controls), path


def test_the_script_is_small():
    from gzip import compress

    size = sum(len(compress(static_bytes(name))) for name in ("app.js", "htmx.min.js"))
    assert size < 20_000
    assert b"eval(" not in static_bytes("app.js")
