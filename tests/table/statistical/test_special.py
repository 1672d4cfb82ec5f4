"""Special missing values as numbers and back."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyreadstat
from hypothesis import given
from hypothesis import strategies as st

from replicant.table import read_table
from replicant.table.statistical.special import LETTERS, date_codes, letter_of, number_codes, spoken


def test_the_scheme() -> None:
    assert number_codes("az_", {}, ()) == {"a": -901, "z": -926, "_": -927}
    assert number_codes("ab", {}, {-902.0}) == {"a": -9001, "b": -9002}
    assert number_codes("ab", {"a": "-8: refused", "b": "not known"}, ()) == {"a": -8, "b": -902}
    assert number_codes("ab", {"a": "-8: refused"}, {-8}) == {"a": -901, "b": -902}
    assert number_codes("ab", {"a": "1", "b": "1"}, ()) == {"a": 1, "b": -902}
    assert date_codes("ab", {}, {"9999-01-01"}) == {"a": "9998-01-01", "b": "9999-01-02"}
    assert date_codes("a", {"a": "1900-01-01: unknown"}, ()) == {"a": "1900-01-01"}


@given(
    st.sets(st.sampled_from(LETTERS), min_size=1),
    st.dictionaries(st.sampled_from(LETTERS), st.text(max_size=12)),
    st.sets(st.integers(-9100, 9100) | st.sampled_from([-8, -901, -9001]), max_size=30),
)
def test_codes_are_apart(letters: set[str], labels: dict[str, str], taken: set[int]) -> None:
    ordered = sorted(letters)
    codes = number_codes(ordered, labels, taken)
    assert list(codes) == ordered or set(codes) == letters
    assert len(set(codes.values())) == len(letters)
    assert not set(codes.values()) & taken
    for letter, code in codes.items():
        said = spoken(letter, code, labels.get(letter))
        back = letter_of(said)
        own = str(code) == labels.get(letter, "").partition(":")[0]
        assert own or back == (letter, labels.get(letter, ""))


def test_labels_of_special_missing_values_are_codes_whether_or_not_one_occurs(tmp_path: Path) -> None:
    """Else two files of one survey would differ in their codebooks."""
    books = []
    for cells in ([1.0, 2.0, "a"], [1.0, 2.0, 3.0]):
        pyreadstat.write_dta(
            pd.DataFrame({"x": pd.Series(cells, dtype=object)}),
            str(tmp_path / "a.dta"),
            variable_value_labels={"x": {"a": "-8: refused"}},
            missing_user_values={"x": ["a"]},
        )
        books.append(read_table(tmp_path / "a.dta").codebook["x"])
    assert books[0] == books[1]
    assert books[0].missing_codes == {-8: "refused"}
