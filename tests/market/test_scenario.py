from pathlib import Path

import numpy as np
import pytest

from chipwall.errors import InputError
from chipwall.market.model.gates import CHAIN
from chipwall.market.model.load import load_products
from chipwall.market.model.quarters import quarter_index
from chipwall.market.model.timeline import LEVERS, laid_levers
from chipwall.market.policy.load import load_scenario, parse_scenario, proposals, shipped_scenarios
from chipwall.market.policy.scenario import as_known
from chipwall.market.simulate import simulate

NAMES = {
    "record", "as-it-stands", "no-sales", "h20-only", "h200-share-cap", "h200-unrestricted", "b30a", "all-chips",
    "beijing-refuses", "dependence-is-strength", "containment",
}  # fmt: skip


def problems(words: str) -> list[str]:
    """Every problem of a scenario, its file and line first, with what to do."""
    with pytest.raises(InputError) as caught:
        parse_scenario(words, file="mine.toml")
    error = caught.value
    assert len(error.lines()) <= 3
    if " problems in " in error.what:
        return error.where.split(" | ")
    return [f"{error.where.replace(', line ', ':')}: {error.what}. {error.fix}"]


def lever(**keys: object) -> str:
    def shown(value: object) -> str:
        return f'"{value}"' if isinstance(value, str) else str(value)

    return "[[lever]]\n" + "".join(f"{k.rstrip('_')} = {shown(v)}\n" for k, v in keys.items())


def gate(state: str, begin: str, **to: str) -> str:
    return lever(name="washington", state=state, from_=begin, **to)


def test_all_promised_scenarios_are_shipped_and_load() -> None:
    assert set(shipped_scenarios()) >= NAMES
    for name in shipped_scenarios():
        found = load_scenario(name)
        assert found.title
        assert found.summary


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_scenario_runs(name: str) -> None:
    paths = simulate(name, draws=20, until="2027Q2")
    assert (paths.quantity("spending_total") > 0).all()


def test_later_levers_lie_over_earlier_ones() -> None:
    lines = laid_levers(load_scenario("h200-share-cap").levers, products=load_products(), quarters=40)
    assert lines.washington[quarter_index("2025Q2")] == 0
    decided = quarter_index("2027Q1")
    assert (lines.beijing[decided:] == 3).all()
    row = [p.id for p in load_products()].index("h200")
    assert lines.share[decided, row] == 0.25
    assert lines.cap_fraction[decided, row] == 0.5
    assert lines.permitted[quarter_index("2025Q4"), row] == 0
    assert lines.permitted[decided:, [p.id for p in load_products()].index("h20")].max() == 0


def test_a_day_of_knowledge_drops_what_was_decided_later() -> None:
    scenario = as_known(load_scenario("record"), last=quarter_index("2025Q2"))
    lines = laid_levers(scenario.levers, products=scenario.products, quarters=24)
    after = quarter_index("2025Q3")
    assert (lines.washington[after:] == CHAIN).all()
    assert (lines.beijing[after:] == CHAIN).all()
    assert all(lever.begin <= after for lever in scenario.levers)
    assert lines.share.max() == 0


def test_a_product_off_the_market_is_not_sold() -> None:
    products = load_products()
    lines = laid_levers(load_scenario("record").levers, products=products, quarters=40)
    row = [p.id for p in products].index("h20")
    assert lines.on_market[quarter_index("2025Q4"), row] == 1
    assert lines.on_market[quarter_index("2026Q1"), row] == 0
    again = laid_levers(load_scenario("h20-only").levers, products=products, quarters=40)
    assert again.on_market[quarter_index("2027Q1"), row] == 1


def test_every_shipped_proposal_is_a_clean_pair() -> None:
    """It names one other scenario that exists, says its decision and what cannot be said, in both languages, and shares all levers
    but its own with that scenario."""
    assert len(proposals()) >= 15
    for name in proposals():
        scenario = load_scenario(name)
        other = load_scenario(scenario.versus)
        assert scenario.cannot
        assert all(scenario.chinese[word] for word in ("title", "summary", "decision", "cannot")), name
        shared = len(other.levers)
        if name != "all-chips":
            assert [*scenario.levers[:shared]] == [*other.levers], name
        assert not scenario.parameters


def test_pairs_share_their_draws_and_their_history() -> None:
    for name in proposals():
        runs = [
            simulate(s, draws=20, until="2026Q4", keep=("budget", "delivered_us"))
            for s in (name, load_scenario(name).versus)
        ]
        for quantity in ("budget", "delivered_us"):
            assert np.array_equal(runs[0].values[quantity], runs[1].values[quantity]), name


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (lever(name="alow", product="h200"), "1:2:|unknown lever 'alow'; did you mean allow?"),
        (lever(name="allow"), "needs a product"),
        (lever(name="allow", product="h201"), "unknown product 'h201'; did you mean h20"),
        (lever(name="allow", product="ascend-910c"), "unknown product"),
        (lever(name="unit_cap", product="h20", value=-5), "unit_cap = -5 is below zero"),
        (lever(name="cap_fraction", value=-0.1), "below zero"),
        (lever(name="share", value=1.5), "above its largest value"),
        (lever(name="share", value="much"), "needs a number"),
        (lever(name="share", value=0.1, segment="state"), "takes no segment"),
        (lever(name="washington", state="shut"), "not one of ban, trickle, managed, open, chain"),
        (lever(name="beijing", state="ban", from_="2099Q1"), "'2099Q1' is not a quarter from 2022Q1"),
        (lever(name="beijing", state="ban", from_="2026"), "'2026' is not a quarter"),
        (lever(name="beijing", state="ban", from_="2027Q1", to="2026Q1"), "before it begins"),
        (lever(name="stop", from_="2027Q1", value=1), "takes no value"),
        (lever(name="share", value=0.1, untl="2026Q1"), "unknown key 'untl'"),
        ("[parameters]\nbudget_groth = [1.0, 1.2]\n", "did you mean budget_growth"),
        ("[parameters]\nbudget_growth = [1.5, 1.2]\n", "low 1.5 is above high 1.2"),
        ("[parameters]\npass_through = [0.5, 1.2]\n", "inside 0 to 1"),
        ("[parameters]\nbudget_growth = 'high'\n", "must be a number or [low, high]"),
        ('[scenario]\nextends = "recrod"\n', "unknown scenario 'recrod'"),
        ("[levers]\n", "unknown table 'levers'"),
        ('[[product]]\nid = "h30"\nprice = [1, 2]\n', "names no chip"),
        ('[[product]]\nid = "h30"\nchip = "nvidia-h30"\nprice = [1, 2]\n', "no chip in the catalogue"),
        ('[[product]]\nid = "h20"\nchip = "h20"\nprice = [1, 2]\n', "id of its own"),
        (lever(name="draft", value="nowhere.toml"), "draft rule"),
    ],
)  # fmt: skip
def test_each_mistake_is_told_with_its_line(words: str, said: str) -> None:
    found = problems(words)
    assert len(found) == 1
    line, _, what = said.rpartition("|")
    assert what.lower().replace("'", "") in found[0].lower().replace("'", "")
    assert found[0].startswith("mine.toml:")
    assert found[0].split(":")[1].isdigit()
    assert not line or found[0].startswith("mine.toml:2:")


def test_all_problems_are_told_at_once_in_order() -> None:
    words = (
        lever(name="alow")
        + lever(name="share", value=-1)
        + lever(name="beijing", state="shut")
        + "[parameters]\nx = 1\n"
    )
    found = problems(words)
    assert len(found) == 4
    lines = [int(row.split(":")[1]) for row in found]
    assert lines == sorted(lines)


@pytest.mark.parametrize(
    ("one", "other", "contradict"),
    [
        (lever(name="allow", product="h200", from_="2026Q1", to="2027Q4"), lever(name="ban", product="h200", from_="2027Q1"), True),
        (lever(name="allow", product="h200", from_="2026Q1"), lever(name="ban", product="h200", from_="2026Q1"), True),
        (lever(name="allow", product="h200", from_="2026Q1"), lever(name="ban", product="h200", from_="2027Q1"), False),
        (lever(name="allow", product="h200", from_="2026Q1"), lever(name="ban", product="b30a", from_="2026Q1"), False),
        (gate("ban", "2026Q1", to="2026Q4"), gate("open", "2026Q4", to="2027Q1"), True),
        (gate("ban", "2026Q1", to="2026Q3"), gate("open", "2026Q4"), False),
        (lever(name="stop", from_="2027Q1"), lever(name="stop", from_="2027Q1"), True),
    ],
)  # fmt: skip
def test_contradictions(one: str, other: str, contradict: bool) -> None:
    if contradict:
        assert "contradicts" in problems(one + other)[0]
    else:
        parse_scenario(one + other, file="mine.toml")


def test_not_toml_is_told_without_a_traceback() -> None:
    with pytest.raises(InputError, match="not valid TOML"):
        parse_scenario("[scenario\n", file="mine.toml")


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(InputError, match="cannot read"):
        load_scenario("nowhere.toml")


def test_a_file_may_extend_a_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text(
        '[scenario]\ntitle = "One"\nextends = "record"\n' + lever(name="enforcement", value=0.5, from_="2026Q1")
    )
    (tmp_path / "two.toml").write_text(
        '[scenario]\ntitle = "Two"\nextends = "one.toml"\n' + lever(name="leasing", value=0.0, from_="2027Q1")
    )
    found = load_scenario(str(tmp_path / "two.toml"))
    assert [x.name for x in found.levers[-2:]] == ["enforcement", "leasing"]


def test_files_that_extend_each_other_are_told(tmp_path: Path) -> None:
    for one, other in (("one", "two"), ("two", "one")):
        (tmp_path / f"{one}.toml").write_text(f'[scenario]\ntitle = "x"\nextends = "{other}.toml"\n')
    with pytest.raises(InputError, match="leads back to itself") as found:
        load_scenario(str(tmp_path / "one.toml"))
    assert "leads back to itself" in found.value.what


def test_a_new_product_is_sold(tmp_path: Path) -> None:
    words = (
        '[scenario]\ntitle = "New"\nextends = "h200-unrestricted"\n'
        '[[product]]\nid = "b30b"\nchip = "b30a"\nprice = [20000, 25000]\nallocation = 50000\n'
        + lever(name="allow", product="b30b", from_="2027Q2")
    )
    (tmp_path / "new.toml").write_text(words)
    paths = simulate(str(tmp_path / "new.toml"), draws=50, until="2027Q3")
    sold = paths.quantity("delivered_b30b")
    assert sold[:, -1].max() > 0
    assert sold[:, : quarter_index("2027Q2")].max() == 0
    # an extra product leaves the history of the others alone
    base = simulate("h200-unrestricted", draws=50, until="2027Q3")
    assert (paths.quantity("budget")[:, :16] == base.quantity("budget")[:, :16]).all()


def test_a_draft_rule_takes_out_what_it_tightens(tmp_path: Path) -> None:
    (tmp_path / "draft.toml").write_text(
        '[draft]\nid = "d"\neffective = 2027-07-01\n[[limit]]\nid = "review2026-tpp"\nvalue = 10000\n'
    )
    words = '[scenario]\ntitle = "Draft"\nextends = "h200-unrestricted"\n' + lever(
        name="draft", value="draft.toml", from_="2027Q3"
    )
    (tmp_path / "mine.toml").write_text(words)
    paths = simulate(str(tmp_path / "mine.toml"), draws=50, until="2027Q4")
    assert paths.quantity("delivered_h200")[:, -3].max() > 0
    assert paths.quantity("delivered_h200")[:, -2:].max() == 0


def test_every_lever_is_explained() -> None:
    assert all(kind.help for kind in LEVERS.values())
