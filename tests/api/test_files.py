"""Files from outside and files that are written: bounded, finite, whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from chipwall.errors import InputError
from chipwall.files import (
    Problems,
    read_rows,
    read_toml,
    require_place,
    shaped,
    text_of_file,
    toml_of_text,
    write_whole,
)

BAD_TOML = {
    "nan": "a = nan",
    "inf": "a = -inf",
    "huge float": "a = 1e999",
    "endless integer": "a = " + "9" * 5000,
    "long integer": "a = 99999999999999999999",
    "deep": "a = " + "[" * 3000 + "]" * 3000,
    "deep, but parsed": "a = " + "[" * 20 + "]" * 20,
    "escape": 'a = "\\u001b[31m"',
    "raw control": 'a = "\x07"',
    "not toml": "a = = 1",
    "twice": "a = 1\na = 2",
}


@pytest.mark.parametrize("words", BAD_TOML.values(), ids=BAD_TOML.keys())
def test_bad_toml_is_refused_with_its_line(tmp_path: Path, words: str) -> None:
    path = tmp_path / "f.toml"
    path.write_text("b = 1\n" + words, encoding="utf-8")
    for exact in (False, True):
        with pytest.raises(InputError) as caught:
            read_toml(path, exact=exact)
        assert len(caught.value.lines()) <= 3
        assert all(len(line) < 600 and line.isprintable() for line in caught.value.lines())


def test_a_mark_at_the_start_is_read_over(tmp_path: Path) -> None:
    path = tmp_path / "f.toml"
    path.write_bytes("\ufeffa = 1\r\nb = 2\r\n".encode())
    assert read_toml(path)[1] == {"a": 1, "b": 2}


def test_what_is_no_plain_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "latin").write_bytes("é".encode("latin-1"))
    (tmp_path / "big").write_bytes(b"a" * (3 * 2**20))
    for name in ("pipe", "latin", "big", "missing", "", "x" * 300, "a\x00b"):
        with pytest.raises(InputError):
            text_of_file(tmp_path / name)
    with pytest.raises(InputError, match="plain file"):
        text_of_file(Path("/dev/zero"))


def test_tables_are_read_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('\ufeffa,b\n1,"x\ny"\n\n3\n4,5,6\n', encoding="utf-8")
    found = read_rows(path, needed=("a", "b"))
    assert [row["a"] for row in found] == ["1", "3", "4"]
    assert found.lines == (3, 5, 6)
    assert found.ragged == {5, 6}
    for words, said in (
        ("a,a\n1,2\n", "twice"),
        ("c\n1\n", "missing"),
        ('a,b\n"1,2\n', "CSV"),
        ("a,b\n" + "x" * 30000 + ",1\n", "longer"),
    ):
        path.write_text(words, encoding="utf-8")
        with pytest.raises(InputError, match=said):
            read_rows(path, needed=("a", "b"))
    path.write_text("a,b\n" + "1,2\n" * 20, encoding="utf-8")
    with pytest.raises(InputError, match="more than 10 rows"):
        read_rows(path, most=10)


def test_all_problems_are_told_at_once() -> None:
    words = '[draft]\nid = 3\neffective = "x"\n[[limit]]\nvalue = "many"\nunti = "GB"\n[nosuch]\n'
    problems = Problems("d.toml", words, fix="read the page")
    shape = {"[draft]": {"id": "word", "effective": "day"}, "[[limit]]": {"value": "number", "unit": "word"}}
    shaped(toml_of_text(words, file="d.toml"), shape, problems)
    with pytest.raises(InputError) as caught:
        problems.stop()
    assert len(caught.value.lines()) == 3
    for said in ("5 problems", "d.toml:2:", "d.toml:3:", "d.toml:5:", "d.toml:6:", "d.toml:7:", "Did you mean unit"):
        assert said in str(caught.value)


def test_a_file_is_written_whole_and_keeps_its_permissions(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        write_whole(tmp_path / "new", "a")
        assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600
        (tmp_path / "open").write_text("b")
        (tmp_path / "open").chmod(0o640)
        write_whole(tmp_path / "open", "c")
        assert stat.S_IMODE((tmp_path / "open").stat().st_mode) == 0o640
        (tmp_path / "link").symlink_to(tmp_path / "open")
        write_whole(tmp_path / "link", "d")
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "open").read_text() == "d"
    finally:
        os.umask(old)
    with pytest.raises(RuntimeError):
        write_whole(tmp_path / "open", _fails)
    assert (tmp_path / "open").read_text() == "d"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link", "new", "open"]


def _fails(_path: Path) -> None:
    raise RuntimeError("killed half way")


def test_a_device_is_written_to_and_never_replaced(tmp_path: Path) -> None:
    write_whole(Path("/dev/null"), "gone")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_whole(tmp_path / "pipe", "through")
    assert os.read(reader, 20) == b"through"
    os.close(reader)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_place_is_checked_before_the_work(tmp_path: Path) -> None:
    assert require_place(tmp_path / "a.html") == tmp_path / "a.html"
    for name in ("", ".", "-", "nosuch/a.html", "x" * 300, "a\x1bb"):
        with pytest.raises(InputError):
            require_place(Path(name) if name in ("", ".", "-") else tmp_path / name)
    with pytest.raises(InputError, match="folder"):
        require_place(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="folder"):
        require_place(tmp_path / "file", folder=True)
