"""What a stranger's program may send: made from the description itself, bounded; nothing ends in an error of ours."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chipwall.api.described import OFFERED, openapi_bytes
from chipwall.background import Busy
from chipwall.web import app

schemathesis = pytest.importorskip("schemathesis")
SCHEMA = schemathesis.openapi.from_dict(json.loads(openapi_bytes()))
FEW = settings(
    max_examples=3, deadline=None, phases=[Phase.generate], derandomize=True,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@SCHEMA.parametrize()
@FEW
def test_no_question_ends_in_an_error_of_ours(case, client) -> None:
    got = case.call(base_url=client.base, timeout=100)
    assert got.status_code < 500, got.text
    assert got.status_code in (200, 400, 405, 422)
    if got.status_code != 405:
        assert ("error" in got.json()) == (got.status_code != 200)


WORDS = st.text(alphabet=st.characters(blacklist_categories=("Cs",)), max_size=60)


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(path=WORDS, name=WORDS, value=WORDS)
def test_no_address_ends_in_an_error_of_ours(path, name, value, client) -> None:
    from urllib.parse import quote, urlencode

    got = client.get("/" + quote(path, safe="/") + "?" + urlencode({name: value}))
    assert got.status < 500


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/perform", ("chips", "prompt", "users")), ("/plan", ("rate", "ttft", "rent")), ("/wall", ("on", "draft")),
        ("/law/nvidia-h200-sxm", ("to", "on", "party")), ("/compare", ("chips",)), ("/chips", ("memory", "sort")),
        ("/market/h200-share-cap", ("draws", "until", "lever")), ("/check", ("said",)),
    ],
)  # fmt: skip
def test_wrong_values_of_pages_are_told(client, path, names) -> None:
    for name in names:
        for value in ("-1", "1e999", "nan", "99999999999999999999", "[]", "h200,h200", "‮"):
            more = {"chips": "h200"} if path == "/plan" else {"text": "The H200 has 141 GB."} if path == "/check" else {}
            got = client.get(path, **{**more, name: value})
            assert got.status < 500, (path, name, value, got.text[:300])


def test_every_door_is_in_the_description() -> None:
    assert len(list(SCHEMA.get_all_operations())) == len(OFFERED)


def test_a_full_line_says_when_to_come_back(client, monkeypatch) -> None:
    async def busy(self, work):
        raise Busy(7)

    monkeypatch.setattr(app.Desk, "compute", busy)
    answer = client.get("/compare", chips="nvidia-h20-96gb,nvidia-l4")
    assert answer.status == 429
    assert answer.head["retry-after"] == "7"
    monkeypatch.undo()
    assert client.get("/compare", chips="nvidia-h20-96gb,nvidia-l4").status == 200
