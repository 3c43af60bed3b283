"""``chipwall controls``: one screen, every sub-command, and bad input said plainly."""

import json
from pathlib import Path

import pytest

from chipwall.cli import main


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(["controls", *words])
    out, err = capsys.readouterr()
    return int(caught.value.code or 0), out, err


def test_one_decision_on_one_screen(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "h200", "--to", "CN", "--on", "2026-02-01")
    assert code == 0
    for words in (
        "3A090.a",
        "required",
        "case by case",
        "25 percent",
        "not legal advice",
        "Modelled",
        "Not modelled",
        "88 FR 73458",
    ):
        assert words in out
    assert "over by 11,032" in out


def test_decision_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "h200", "--to", "CN", "--on", "2026-02-01", "--json")
    answer = json.loads(out)
    assert code == 0
    assert answer["licence"] == {"as_enforced": "required", "on_books": "required"}
    assert answer["cn_import"]["evidence"] == "reported"
    assert {"clause", "value", "operator", "limit", "margin", "citation", "provenance"} <= set(answer["trace"][0])
    assert answer["coverage"]["not_modelled"]


def test_plain_numbers_and_overrides(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--tpp", "4,800", "--datacenter", "yes", "--to", "Vietnam", "--on", "2024-06-01")
    assert code == 0
    assert "presumption of approval" in out
    code, out, _ = run(capsys, "h20", "--tpp", "2400", "--dram", "4 TB/s", "--to", "CN", "--on", "2024-06-01", "--json")
    answer = json.loads(out)
    assert answer["eccn"] == "3A090.b"
    assert answer["item"]["dram_bandwidth_gb_per_s"] == 4000
    code, out, _ = run(capsys, "--bare", "--density", "2.5", "--to", "CN", "--on", "2025-06-01", "--json")
    assert json.loads(out)["exceptions"][2] == {
        "name": "HBM", "available": True, "why": "packaging chain under US control assumed open, not met",
        "citation": "89 FR 96790; 740.25",
    }  # fmt: skip


def test_import_party_and_assumption(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(
        capsys, "h200", "--activity", "us_import", "--from", "TW", "--end-use", "us-data-centre", "--on", "2026-02-15"
    )
    assert "0 percent of customs value" in out
    _, out, _ = run(capsys, "b200", "--to", "AE", "--party", "G42", "--on", "2026-08-01")
    assert "exempt under Supplement 8" in out
    assert "headquartered in the United Arab Emirates" in out


def test_transfer_and_import_inside_the_united_states(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "h200", "--to", "US", "--activity", "in_country", "--on", "2026-02-01", "--json")
    assert (code, json.loads(out)["licence"]["on_books"]) == (0, "not_required")
    code, out, _ = run(capsys, "h200", "--to", "US", "--activity", "us_import", "--on", "2026-02-15", "--json")
    assert (code, json.loads(out)["licence"]["as_enforced"]) == (0, "n/a")


def test_timeline_compare_diff_countries(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "timeline", "h200", "--to", "CN")
    assert "2026-01-15" in out
    _, out, _ = run(capsys, "compare", "h20,h200,b200,910c", "--to", "CN,AE,SA", "--on", "2026-02-01", "--json")
    assert len(json.loads(out)) == 12
    _, out, _ = run(capsys, "diff", "2023-11-16", "2023-11-17")
    assert "3A090.a.1: TPP" in out
    _, out, _ = run(capsys, "countries", "--on", "2025-11-06", "--csv")
    assert "NA,Namibia" in out


def test_wall_writes_charts_whole(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pytest.importorskip("vl_convert")
    code, out, _ = run(capsys, "wall", "--on", "2026-02-01", "--chips", "h20,h200,l4", "--out", str(tmp_path))
    assert code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "wall-bandwidth.svg", "wall-bandwidth.vl.json", "wall-density.svg", "wall-density.vl.json",
    ]  # fmt: skip
    _, out, _ = run(capsys, "wall", "--on", "2023-01-01", "--chips", "a100,a800")
    assert "I/O rate" in out


def test_what_if(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    draft = tmp_path / "draft.toml"
    draft.write_text('[draft]\nid = "x"\neffective = 2026-12-01\n[[limit]]\nid = "a1-tpp"\nvalue = 2300\n')
    code, out, _ = run(capsys, "what-if", str(draft), "--chips", "h20,h200,l20")
    assert code == 0
    assert "over by 68" in out
    assert "1 of 3 chips cross" in out


def test_what_if_with_performance_figures(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    draft, figures = tmp_path / "draft.toml", tmp_path / "figures.csv"
    draft.write_text(
        '[draft]\nid = "x"\neffective = 2026-12-01\n[[limit]]\nid = "speed"\nvalue = 1000\nunit = "token"\n'
        '[[clause]]\nid = "3A090.a.9"\noutcome = "3A090.a"\ntests = ["decode_rate >= speed"]\n'
    )
    figures.write_text("chip,operand,value\nh20,decode_rate,1500\nl20,decode_rate,400\n")
    code, out, _ = run(capsys, "what-if", str(draft), "--chips", "h20,l20", "--figures", str(figures), "--json")
    assert code == 0
    assert [(row["name"], row["decisive"]["margin"]) for row in json.loads(out)] == [("NVIDIA H20 96GB", 500)]
    figures.write_text("chip,operand,value\nh20,decode_rate,\n")
    code, _, err = run(capsys, "what-if", str(draft), "--figures", str(figures))
    assert code == 2
    assert "needs chip, operand and value" in err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("h200",), "no destination"),
        (("h200", "--to", "Chinaa"), "CN"),
        (("h200", "--to", "CN", "--on", "2026-02-30"), "not a date"),
        (("h200", "--to", "CN", "--tpp", "lots"), "not a number"),
        (("h200", "--to", "CN", "--dram", "5 GB"), "not in GB/s"),
        (("h200", "--to", "CN", "--tpp", "-4"), "not an amount"),
        (("h200", "--to", "CN", "--tpp", "1e99999"), "not an amount"),
        (("h200", "--to", "US"), "goes to the United States"),
        (("compare", "h200", "--to", "CN,usa"), "goes to the United States"),
        (("h200", "--to", "CN", "--activity", "us_import"), "enters the United States"),
        (("h200", "--to", "CN", "--from", "US", "--activity", "reexport"), "another country"),
        (("--to", "CN"), "no chip and no numbers"),
        (("h200", "--to", "CN", "--vendor", "nvida"), "unknown vendor"),
        (("h200", "--to", "CN", "--owned-by", "Huawei"), "no share"),
        (("h200", "--to", "CN", "--owned-by", "Huawei=130"), "no share"),
        (("h200", "--to", "CN", "--owned-by", "A=60", "--owned-by", "B=60"), "together"),
        (("h200", "--to", "CN", "--parties", "/nowhere.csv"), "cannot read"),
        (("h200", "--to", "CN", "--overlay", "/nowhere.toml"), "cannot read"),
        (("h200", "--activity", "us_import", "--heading", "chips"), "HTSUS"),
        (("h200", "--to", "CN", "--activity", "reexport"), "--from"),
        (("--tpp", "1000", "--die-area", "100", "--density", "30", "--to", "CN"), "contradicts"),
        (("timelin", "h200", "--to", "CN"), "timeline"),
        (("test", "/nowhere.csv"), "cannot read"),
        (("what-if", "/nowhere.toml"), "cannot read"),
        (("compare", ",", "--to", "CN"), "empty"),
        (("wall", "--out", "/nowhere/deep"), "no folder"),
        (("diff", "2024-01-01", "soon"), "not a date"),
        (("timeline", "h200", "--to", "CN", "--since", "2026-01-01", "--until", "2025-01-01"), "empty"),
    ],
)
def test_bad_input_exits_two_in_three_lines(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], says: str
) -> None:
    code, _, err = run(capsys, *words)
    assert code == 2
    assert says in err
    assert len(err.strip().splitlines()) <= 3


def test_cases_from_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "test", str(Path(__file__).parent / "cases" / "boundaries.csv"))
    assert code == 0
    assert "cases agree" in out
