from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chipwall.catalog.periods import parse_period
from chipwall.catalog.series import SeriesBook, load_series
from chipwall.errors import InputError
from chipwall.market.forecast.backtest import Row, read_backtest, scored_table
from chipwall.market.forecast.baseline import FLOOR, normal_crps, ruler
from chipwall.market.forecast.knowledge import Knowledge
from chipwall.market.forecast.load import shipped_knowledge
from chipwall.market.forecast.predictive import predictive
from chipwall.market.forecast.scoring import continuous_ranked_probability_score, covered, forecast_band, rank_of
from chipwall.market.model.continuation import quarter_of
from chipwall.market.model.load import load_record
from chipwall.market.model.quarters import quarter_index
from chipwall.market.simulate import simulate
from chipwall.market.vintage import cut_before, first_public

HEAD = "series,period,value,unit,low,high,source,source_date,confidence,note\n"


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return shipped_knowledge(draws=400, until="2027Q4")


# ---- scores


def test_crps_of_one_draw_is_the_absolute_error() -> None:
    assert continuous_ranked_probability_score(np.array([3.0]), value=5.0) == 2.0


def test_crps_of_a_normal_distribution_matches_the_closed_form() -> None:
    from scipy.stats import norm

    draws = 2.0 + 3.0 * norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    for value in (-4.0, 2.0, 3.5, 11.0):
        z = (value - 2.0) / 3.0
        exact = 3.0 * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi))
        assert continuous_ranked_probability_score(draws, value=value) == pytest.approx(exact, abs=2e-3)


def test_crps_equals_its_definition() -> None:
    rng = np.random.default_rng(1)
    draws = rng.normal(size=200)
    slow = np.mean(abs(draws - 0.3)) - np.mean(abs(draws[:, None] - draws[None, :])) / 2
    assert continuous_ranked_probability_score(draws, value=0.3) == pytest.approx(slow)


def test_an_honest_forecast_has_the_best_crps() -> None:
    rng = np.random.default_rng(2)
    happened = rng.normal(size=500)
    means = {}
    for width in (0.3, 1.0, 3.0):
        draws = width * np.random.default_rng(3).normal(size=2000)
        means[width] = np.mean([continuous_ranked_probability_score(draws, value=float(v)) for v in happened])
    assert min(means, key=lambda w: means[w]) == 1.0


def test_bands_cover_nine_in_ten() -> None:
    rng = np.random.default_rng(4)
    hits = [covered(rng.normal(size=2000), value=float(rng.normal())) for _ in range(400)]
    assert 0.86 < np.mean(hits) < 0.94


def test_a_value_on_an_atom_is_inside() -> None:
    draws = np.concatenate([np.zeros(60), np.linspace(1, 2, 40)])
    assert covered(draws, value=0.0)
    assert rank_of(draws, value=0.0) == 0.3


# ---- tables


def write(tmp_path: Path, rows: str, head: str = HEAD) -> Path:
    place = tmp_path / "table.csv"
    place.write_text(head + rows, encoding="utf-8")
    return place


def test_a_table_with_a_mark_quotes_and_any_case(tmp_path: Path) -> None:
    place = write(tmp_path, 'nvidia_datacenter_revenue,FY26Q4,"62.3",USD bn\n\n', "\ufeffSeries,Period,Value,Unit\n")
    assert read_backtest(place) == (Row("nvidia_datacenter_revenue", "FY26Q4", "62.3", "USD bn", 2),)


@pytest.mark.parametrize(
    ("content", "said"),
    [("", "is missing"), ("series,value\na,1\n", "period"), (HEAD, "no rows"), ("\udcff", "not UTF-8")],
)
def test_bad_tables_are_refused(tmp_path: Path, content: str, said: str) -> None:
    place = tmp_path / "bad.csv"
    place.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError) as caught:
        read_backtest(place)
    assert said in str(caught.value)
    assert len(caught.value.lines()) <= 3


def test_a_missing_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read"):
        read_backtest(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (Row("nvidia_datacentre_revenue", "FY26Q4", "60", "USD bn", 2), "nearest: nvidia_datacenter_revenue"),
        (Row("nvidia_datacenter_revenue", "FY26Q4", "much", "USD bn", 2), "not a number"),
        (Row("nvidia_datacenter_revenue", "FY26Q4", "nan", "USD bn", 2), "not a number"),
        (Row("nvidia_datacenter_revenue", "FY26Q4", "60", "CNY bn", 2), "the unit 'CNY bn'"),
        (Row("nvidia_datacenter_revenue", "later", "60", "USD bn", 2), "names no time"),
        (Row("trendforce_import_share", "2026 forecast", "0.3", "fraction", 2), "forecast"),
        (Row("ascend_950PR_status", "2026-03-27", "1", "text", 2), "words"),
        (Row("alibaba_3y_plan", "2025-2027", "480", "CNY bn", 2), "plan"),
        (Row("epoch_nvidia_china_legal_units_A100", "2025Q3", "0", "units", 2), "A800"),
        (Row("domestic_vendors_over_10k_units", "2026-01", "9", "vendors", 2), "no value known"),
        (Row("ascend_950PR_shipped", "2050Q1", "1", "", 2), "outside the simulated"),
    ],
)
def test_what_is_skipped_has_a_reason(row: Row, said: str, knowledge: Knowledge) -> None:
    done = scored_table([row], knowledge=knowledge)
    assert not done.points
    assert (done.coverage, done.crps, done.share_better_than_last_value) == (None, None, None)
    assert said in done.skipped[0].reason


def test_a_unit_of_another_size_is_converted(knowledge: Knowledge) -> None:
    rows = [Row("chip_price_H100", "2027", v, u, 2) for v, u in (("23", "k USD"), ("23000", "USD"), ("23", ""))]
    assert {p.value for p in scored_table(rows, knowledge=knowledge).points} == {23.0}


def test_scores_add_up(knowledge: Knowledge) -> None:
    rows = [
        Row("nvidia_datacenter_revenue", "FY27Q2", "85", "USD bn", 2),
        Row("nvidia_datacenter_revenue", "FY27Q3", "900", "USD bn", 3),
        Row("rental_gix_H100", "2026-03-01 to 2026-03-15", "2", "USD/GPU-h", 4),
        Row("nobody", "2026", "2", "", 5),
    ]
    done = scored_table(rows, knowledge=knowledge)
    told: dict[str, Any] = json.loads(json.dumps(done.record()))
    assert told["points"] == 3
    assert told["coverage_90"] == pytest.approx(2 / 3)
    assert 0 <= told["coverage_50"] <= told["coverage_80"] <= told["coverage_90"]
    assert [s["series"] for s in told["by_series"]] == ["nvidia_datacenter_revenue", "rental_gix_H100"]
    # the last quarter in print before each period began
    assert told["by_series"][0]["crps_last_value"] == pytest.approx(((85 - 62.1) + (900 - 75.2)) / 2)
    assert told["by_series"][1]["better_than_last_value"] is None
    assert told["share_better_than_last_value"] == 1.0
    assert set(told["by_class"]) == {"large-company", "rent"}
    assert told["by_class"]["large-company"]["points"] == 2
    assert told["share_better_than_trend"] in (0.0, 1.0)
    assert told["constants_fitted_on_later_rows"]
    assert set(told["skipped"][0]) == {"series", "period", "reason"}
    made = predictive("nvidia_datacenter_revenue", parse_period("FY27Q2"), knowledge=knowledge)
    point = told["by_series"][0]["by_period"][0]
    assert (point["low"], point["median"], point["high"]) == pytest.approx(forecast_band(made.draws))
    assert point["crps"] == pytest.approx(continuous_ranked_probability_score(made.draws, value=85.0))
    assert point["known_on"] == "2026-04-26"


# ---- the strict cut


def hidden(book: SeriesBook, series: str, period: str) -> SeriesBook:
    """A record without the row of a period, and without everything later of its series."""
    start = parse_period(period).start
    kept = tuple(
        o for o in book.observations[series] if o.period.end is not None and start is not None and o.period.end < start
    )
    return replace(book, observations={**book.observations, series: kept})


@pytest.mark.parametrize(
    ("series", "period"),
    [
        ("nvidia_datacenter_revenue", "FY26Q3"), ("epoch_global_h100e_cum_Google", "2025Q4"), ("cambricon_revenue", "2025Q3"),
        ("epoch_china_smuggled_units_cum", "2025Q3"), ("rental_us_H100_1yr", "2025-10"), ("idc_cards_huawei", "2025"),
        ("tencent_capex", "2025Q3"), ("domestic_share_idc", "2025"),
    ],
)  # fmt: skip
def test_a_value_is_forecast_the_same_with_and_without_its_row(series: str, period: str) -> None:
    """What the record holds by now about a period, or after it, moves nothing in the forecast of it."""
    book = load_series()
    bands = [
        forecast_band(
            predictive(series, parse_period(period), knowledge=shipped_knowledge(book=b, draws=300, model="idc" in series)).draws
        )
        for b in (book, hidden(book, series, period))
    ]
    assert bands[0] == bands[1]


def test_a_changed_later_row_changes_no_forecast_of_the_simulation() -> None:
    """The same through the simulation: deliveries counted after the cut are not seen by it."""
    then = load_record(date(2025, 6, 30))
    assert max(then.counts["grey"]) == quarter_index("2024Q4")
    assert max(then.counts["h20"]) == quarter_index("2025Q1")
    assert then.revenue[-1].time < quarter_of(date(2025, 6, 30))
    assert max(t for t, _ in then.totals["Nvidia"]) < quarter_of(date(2025, 6, 30))


def test_only_what_was_in_print_before_the_period_is_used() -> None:
    knowledge = shipped_knowledge(draws=300, model=False)
    for series in knowledge.book.series:
        for row in knowledge.book.observations[series]:
            if not row.period.dated:
                continue
            cut = cut_before(row.period)
            for seen in knowledge.rows(series, cut):
                assert seen.period.end < row.period.start
                assert first_public(seen, kind=knowledge.book.series[series].kind) < row.period.start


def test_an_earlier_day_holds() -> None:
    row = Row("nvidia_datacenter_revenue", "FY27Q1", "75.2", "USD bn", 2)
    late, early = (
        scored_table([row], knowledge=shipped_knowledge(draws=300, model=False, known_on=day)).points[0]
        for day in (None, date(2025, 6, 30))
    )
    assert early.known_on == "2025-06-30"
    assert early.earlier < late.earlier
    assert early.high / early.low > late.high / late.low


def test_the_band_of_a_number_is_what_the_simulation_prints() -> None:
    """One model: revenue in the back-test is the path of ``simulate record --known-on``."""
    knowledge = shipped_knowledge(draws=300, until="2026Q4")
    made = predictive("nvidia_datacenter_revenue", parse_period("FY26Q3"), knowledge=knowledge)
    paths = simulate("record", draws=300, until="2026Q4", known_on=date(2025, 6, 30), keep=("nvidia_dc_revenue",))
    assert np.array_equal(made.draws, paths.at("nvidia_dc_revenue", "2025Q3") / 1e9)


# ---- the ruler


def test_the_ruler_goes_through_a_straight_line() -> None:
    found = ruler([0.0, 1.0, 2.0, 3.0, 4.0], [0.1 * t for t in range(5)], time=6.0)
    assert found is not None
    assert found.mean == pytest.approx(0.6)
    assert found.sd == FLOOR
    assert ruler([0.0, 1.0], [1.0, 2.0], time=3.0) is None


def test_the_spread_of_the_ruler_is_that_of_its_own_past_errors() -> None:
    values = [0.0, 0.0, 0.0, 0.4, 0.4, 0.4, 0.4]
    found = ruler(list(range(7)), values, time=7.0)
    assert found is not None
    errors = [v - f for v, f in ((0.4, 0.0), (0.4, 0.4 * 4 / 10 * 1.25), (0.4, 0.0), (0.4, 0.0))]
    assert found.sd > 0.1
    assert errors[0] == pytest.approx(0.4)


def test_closed_crps_matches_the_draws() -> None:
    from scipy.stats import norm

    draws = 1.0 + 0.5 * norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    for value in (0.2, 1.0, 2.5):
        assert normal_crps(1.0, 0.5, value=value) == pytest.approx(
            continuous_ranked_probability_score(draws, value=value), abs=1e-3
        )


def test_a_published_forecast_stands_beside(knowledge: Knowledge) -> None:
    done = scored_table([Row("idc_domestic_share", "2025", "0.415", "fraction", 2)], knowledge=knowledge)
    point = done.points[0]
    assert point.published == 0.4
    assert point.published_crps == pytest.approx(0.015)
    assert "trendforce" in point.published_by


def test_the_command_prints_the_schema_and_a_table(tmp_path: Path, run: Callable[..., Any]) -> None:
    place = write(tmp_path, "nvidia_datacenter_revenue,FY26Q4,62,USD bn\nnobody,2026,1,\n")
    told = json.loads(run("market", "backtest", str(place), "--json", "--draws", "300").out)
    assert list(told)[:4] == ["points", "coverage_90", "crps", "share_better_than_last_value"]
    assert told["points"] == 1
    assert told["skipped"] == [{"series": "nobody", "period": "2026", "reason": "unknown series"}]
    shown = run("market", "backtest", str(place), "--draws", "300")
    assert shown.status == 0
    assert "not scored: nobody 2026" in shown.out
    assert {"coverage_50", "coverage_80", "share_better_than_trend", "by_class"} <= set(told)
    again = run("market", "backtest", str(place), "--draws", "300", "--json").out
    assert json.loads(again) == told


@pytest.mark.parametrize("day", ["yesterday", "2025-13-01"])
def test_a_day_that_is_none_is_refused(tmp_path: Path, run: Callable[..., Any], day: str) -> None:
    place = write(tmp_path, "nvidia_datacenter_revenue,FY26Q4,62,USD bn\n")
    answer = run("market", "backtest", str(place), "--known-on", day)
    assert answer.status == 2
    assert "is not a day" in answer.err


def test_the_command_refuses_a_bad_table(tmp_path: Path, run: Callable[..., Any]) -> None:
    answer = run("market", "backtest", str(tmp_path / "none.csv"))
    assert answer.status == 2
    assert "Traceback" not in answer.err
    assert len(answer.err.strip().splitlines()) <= 3


def test_series_are_listed_and_shown(run: Callable[..., Any]) -> None:
    assert "idc_cards_thead" in run("market", "series", "--csv").out
    shown = json.loads(run("market", "series", "ascend_die_yield", "--json").out)
    assert shown[0]["value"] == 0.2
    assert run("market", "series", "ascend_die_yeild").status == 2
