"""Published acceptance of drafted tokens: what is found, what is refused, and what an answer says of it."""

from __future__ import annotations

import pytest

import chipwall as cw
from chipwall.errors import InputError
from chipwall.perf.load import measured
from chipwall.perf.serving.drafts import acceptance_of, published_acceptance


def test_every_figure_has_an_address_and_lies_between_one_and_all_tokens() -> None:
    rows = measured("drafts")
    assert len({r["id"] for r in rows}) == len(rows)
    for row in rows:
        assert row["source_repo_or_url"].startswith("https://")
        assert 1.0 <= float(row["accepted"]) <= int(row["draft_tokens"]) + 1.0
    assert sum(row["use"] == "judge" for row in rows) * 3 >= len(rows)


def test_the_figure_of_a_model_is_that_of_its_own_heads_first() -> None:
    known = published_acceptance(measured("drafts"), ("deepseek-v4-pro",))
    assert (acceptance_of(known, 3, "V4").method, acceptance_of(known, 3, "V4").accepted) == ("MTP", 2.49)
    assert acceptance_of(known, 5, "V4").method == "DSpark"
    with pytest.raises(InputError, match="not published for 40"):
        acceptance_of(known, 40, "V4")


def test_drafts_shorten_the_time_per_token_and_say_on_what_they_rest() -> None:
    asked = {"chips": 8, "users": 4, "tensor": 8}
    plain, drafted = (cw.serve("minimax-m3", "h200", **asked, **more) for more in ({}, {"draft_tokens": 3}))
    assert float(drafted.tpot) < float(plain.tpot)
    assert any("2.83 tokens per step with 3 drafted" in note for note in drafted.notes)
    same = cw.serve("minimax-m3", "h200", **asked, accepted=2.83, drafted=4)
    assert float(same.tpot) == float(drafted.tpot)


@pytest.mark.parametrize(
    ("model", "more"),
    [("llama-2-70b", {}), ("minimax-m3", {"accepted": 2}), ("minimax-m3", {"drafted": 4}), ("minimax-m3", {"draft_tokens": 9}),
     ("minimax-m3", {"draft_tokens": 0})],
)  # fmt: skip
def test_what_is_not_published_or_said_twice_is_refused(model: str, more: dict[str, float]) -> None:
    with pytest.raises(InputError):
        cw.serve(model, "h200", chips=8, **({"draft_tokens": 3} | more))
