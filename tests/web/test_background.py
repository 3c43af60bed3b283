"""Runs in the background: found again by their question, told how far they are, cancelled, refused when too many wait."""

from __future__ import annotations

import asyncio
import os
import time

import pytest

from chipwall import background
from chipwall.background import AnswerStore, Busy, Sent, asked_run, cancel_run

SLOW = "tests_web_work:slow"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "tests_web_work.py").write_text(
        "import time\n"
        "from chipwall.errors import InputError\n"
        "def slow(question, progress):\n"
        "    for n in range(question['steps']):\n"
        "        progress(n, question['steps'])\n"
        "        time.sleep(0.05)\n"
        "    if question.get('bad'):\n"
        "        raise InputError('no', fix='yes')\n"
        "    return question['steps'] * 2\n"
    )
    (tmp_path / "runs").mkdir()
    monkeypatch.setenv("CHIPWALL_WEB_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}")
    yield
    for key, child in list(background._children.items()):
        cancel_run(key)
        child.wait(10)
    background._children.clear()


def waited(question, seconds=60.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        state = asked_run(SLOW, question)
        if state.done:
            return state
        time.sleep(0.05)
    raise AssertionError("the run did not end")


def test_a_run_is_found_again_by_its_question():
    first = asked_run(SLOW, {"steps": 3})
    assert not first.done
    done = waited({"steps": 3})
    assert (done.key, done.result) == (first.key, 6)
    assert asked_run(SLOW, {"steps": 3}).result == 6
    assert asked_run(SLOW, {"steps": 99}, start=False) is None


def test_what_goes_wrong_is_told():
    assert waited({"steps": 1, "bad": True}).problem.lines() == ("no", "yes")


def test_a_run_can_be_cancelled_and_asked_again():
    key = asked_run(SLOW, {"steps": 2000}).key
    assert cancel_run(key)
    assert not cancel_run(key)
    assert not cancel_run("../../x")
    assert asked_run(SLOW, {"steps": 2000}, start=False) is None


def test_too_many_runs_are_refused():
    keys = [asked_run(SLOW, {"steps": 2000, "n": n}).key for n in range(background.MOST_RUNS)]
    with pytest.raises(Busy) as busy:
        asked_run(SLOW, {"steps": 2000, "n": "one more"})
    assert busy.value.seconds > 0
    assert all(cancel_run(key) for key in keys)


def test_answers_are_kept_within_a_bound_and_made_once():
    kept = AnswerStore(10_000)
    for n in range(40):
        kept.put(str(n), Sent(b"x" * 600, b"", "text/plain", 200, str(n)))
    assert kept.get("39") is not None
    assert kept.get("0") is None
    kept.put("large", Sent(b"x" * 5000, b"", "text/plain", 200, "large"))
    assert kept.get("large") is None
    made = []

    async def make():
        made.append(1)
        await asyncio.sleep(0.01)
        return Sent(b"", b"", "", 200, "")

    async def ask():
        await asyncio.gather(*(kept.one("a", make) for _ in range(5)))

    asyncio.run(ask())
    assert len(made) == 1
