"""How a file is written, of files written so."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.storage.location import Location
from replicant.table.reading import Reading
from replicant.table.text.detect import detect, encoding_of
from replicant.table.text.read import dialect_of

words = st.text("abc 1", min_size=1, max_size=5).filter(str.strip)
numbers = st.floats(-1e4, 1e4).map(lambda value: f"{value:.2f}".replace(".", ","))


@given(
    st.lists(words.map("n{}".format), min_size=2, max_size=5),
    st.lists(st.lists(numbers | words, min_size=5, max_size=5), min_size=1, max_size=8),
    st.sampled_from(";\t|"),
)
def test_a_sign_between_cells_is_found_among_decimal_commas(names: list[str], rows: list[list[str]], sign: str) -> None:
    out = io.StringIO()
    csv.writer(out, delimiter=sign).writerows([names, *(row[: len(names)] for row in rows)])
    found = detect(Location("a.csv", "a.csv"), out.getvalue().encode(), Reading(), "utf-8", whole=True)
    assert found.delimiter == sign
    assert list(found.names) == names
    assert out.getvalue().encode()[found.skip :].startswith(rows[0][0].encode()) or rows[0][0].startswith(" ")


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16-le", "utf-16-be"])
@given(text=st.text("aäöüß€ é\n,;", min_size=20, max_size=60))
def test_text_in_an_encoding_is_text(encoding: str, text: str) -> None:
    content = f"name,street\n{text}".encode(encoding)
    found = encoding_of(Location("a.csv", "a.csv"), content, Reading(), whole=True)
    # A few letters of cp1252 can be a letter of UTF-8; then they are text in both.
    assert content.decode(found) == content.decode(encoding) or encoding == "cp1252"


@pytest.mark.parametrize(("header", "names"), [(None, ("x", "y")), (3, ("a", "b c")), (0, ("c1", "c2"))])
def test_header(tmp_path: Path, header: int | None, names: tuple[str, ...]) -> None:
    path = tmp_path / "a.csv"
    path.write_text('x,y\n\n"a","b c"\n1,2\n')
    found = dialect_of(Location.of(path), Reading(header=header))
    assert found.names == names
    assert found.skip == {None: 4, 3: 15, 0: 0}[header]


def test_a_header_beyond_the_first_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a remark that is long\n" * 9_000 + "a;b\n1;2\n" * 50_000)
    found = dialect_of(Location.of(path), Reading(header=9_001))
    assert (found.names, found.delimiter) == (("a", "b"), ";")


@pytest.mark.parametrize("name", [";", "a;b", "|", "a\tb"])
def test_a_sign_within_quotes_is_none_between_cells(name: str, tmp_path: Path) -> None:
    """A quote that closes a cell stands before the delimiter: the sign that would break this is none."""
    path = tmp_path / "a.csv"
    path.write_text(f'"0","{name}"\n,\n,\n')
    found = dialect_of(Location.of(path), Reading())
    assert (found.delimiter, found.names) == (",", ("0", name))
