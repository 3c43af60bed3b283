"""Result files of load tests: every tool's schema, definitions, and what is not believed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chipwall.errors import InputError
from chipwall.perf.evidence.load_files.reading import believed, read_runs
from chipwall.perf.evidence.load_files.records import DEFINITIONS, LoadRun, Times, doubt
from tests.perf.load_tests import writers

TABLE = writers.table()
ONE = next(r for r in TABLE if r["tool"] == "vllm bench")


def same(run: LoadRun, row: dict[str, str]) -> None:
    """The run says what the row does."""
    assert run.prompt == pytest.approx(float(row["prompt"]), rel=1e-3)
    assert run.output == pytest.approx(float(row["output"]), rel=1e-3)
    assert run.output_rate == pytest.approx(float(row["output_rate"]), rel=1e-3)
    assert run.first.usual == pytest.approx(float(row["ttft_s"]), rel=1e-3)
    load = run.users if row["users"] else run.rate
    assert load == pytest.approx(float(row["users"] or row["rate"]))


@pytest.mark.parametrize("tool", sorted(writers.BY_TOOL))
def test_public_runs_are_read_as_their_tool_means_them(tool: str, tmp_path: Path) -> None:
    rows = [r for r in TABLE if r["tool"] == tool]
    runs = read_runs(writers.written(tmp_path, rows))
    assert [r.tool for r in runs] == [tool] * len(rows)
    for run, row in zip(runs, rows, strict=True):
        same(run, row)
        if tool != "inference-perf":  # there the file counts pieces of the stream, and the latencies say it right
            assert run.each.usual == pytest.approx(float(row["tpot_s"]), rel=1e-3)
        else:
            assert run.token_time == pytest.approx(float(row["tpot_s"]), rel=1e-3)


@pytest.mark.parametrize("name", ["guidellm", "genai_bench", "loadgen", "printed"])
def test_other_tools_say_the_same_of_the_same_run(name: str, tmp_path: Path) -> None:
    place = tmp_path / "result"
    made: Any = getattr(writers, name)([ONE] if name == "guidellm" else ONE)
    place.write_text(made if isinstance(made, str) else json.dumps(made), encoding="utf-8")
    runs = read_runs([place])
    good, refused = believed(runs, prompt=float(ONE["prompt"]))
    assert not refused
    (run,) = good
    assert run.token_time == pytest.approx(float(ONE["tpot_s"]), rel=1e-3)
    assert run.first.usual == pytest.approx(float(ONE["ttft_s"]), rel=1e-3)
    assert run.output == pytest.approx(float(ONE["output"]), rel=1e-3)


def test_every_tool_says_what_it_calls_the_time_between_tokens() -> None:
    assert set(DEFINITIONS) >= {r["tool"] for r in TABLE} | {"guidellm", "genai-perf", "genai-bench", "loadgen"}


def test_a_third_of_the_public_runs_is_never_fitted_by_whole_source_or_chip() -> None:
    judged = [r for r in TABLE if r["use"] == "judge"]
    assert len(judged) >= len(TABLE) / 3
    setups = {(r["tool"], r["chip"], r["model"], r["precision"], r["engine"]): set() for r in TABLE}  # type: ignore[var-annotated]
    for r in TABLE:
        setups[r["tool"], r["chip"], r["model"], r["precision"], r["engine"]].add(r["use"])
    assert all(len(uses) == 1 for uses in setups.values())
    assert all(r["repository"] and r["path"] and r["row"] for r in TABLE)


def run_like(**changed: Any) -> LoadRun:
    given: dict[str, Any] = {
        "tool": "vllm bench", "place": "x", "users": 8.0, "prompt": 1000.0, "output": 101.0, "completed": 80.0,
        "output_rate": 808.0 / 1.1, "request_rate": 8.0 / 1.1, "first": Times(mean=0.1), "each": Times(mean=0.01),
        "whole": Times(mean=1.1),
    }  # fmt: skip
    return LoadRun(**(given | changed))


def test_a_run_whose_numbers_agree_is_believed() -> None:
    assert doubt(run_like()) is None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"completed": 0.0}, "no request was answered"),
        ({"failed": 40.0}, "failed"),
        ({"prompt": None}, "how long"),
        ({"each": Times(), "output_rate": None}, "streamed"),
        ({"output_rate": 400.0}, "are not"),
        ({"request_rate": 16.0, "output_rate": 1616.0}, "in flight"),
        ({"each": Times(mean=10.0), "first": Times(mean=100.0)}, "seconds stand for milliseconds"),
        (
            {"each": Times(mean=10.0), "first": Times(mean=100.0), "whole": Times(mean=1100.0)},
            "milliseconds read as seconds",
        ),
    ],
)
def test_a_run_whose_numbers_disagree_is_refused_with_the_reason(changed: dict[str, Any], said: str) -> None:
    assert said in str(doubt(run_like(**changed)))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"backend": "vllm", "total_output_tok', "cut short"),
        ('{"a": 1}', "no run of a load test"),
        ("hello", "no run of a load test"),
        ("", "no run of a load test"),
        ("[" * 100_000, "nested too deeply"),
        ('{"version": 2, "per_combination_metrics": [1, 2]}', "no run of a load test"),
    ],
)
def test_a_file_that_is_none_is_refused_in_three_lines(content: str, said: str, tmp_path: Path) -> None:
    place = tmp_path / "x.json"
    place.write_text(content)
    with pytest.raises(InputError) as found:
        read_runs([place])
    assert said in str(found.value)
    assert len(str(found.value).splitlines()) <= 3


def test_files_of_two_tools_are_refused(tmp_path: Path) -> None:
    other = next(r for r in TABLE if r["tool"] == "aiperf")
    with pytest.raises(InputError, match="two tools"):
        read_runs(writers.written(tmp_path, [ONE, other]))
