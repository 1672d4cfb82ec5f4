"""Figures of others beside ours: z by hand, other names for terms, and files that are not what was said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from replicant.errors import DataError, SpecError
from replicant.spec.study import PublishedSpec
from replicant.studies.published import compare

ROWS = [
    {"term": "age", "arm": "made", "estimate": 2.0, "estimate_error": 0.3, "bias": 0.5, "bias_error": 0.0},
    {"term": "age", "arm": "sample", "estimate": 9.0, "estimate_error": 0.3},
    {"term": "a, b", "arm": "made", "estimate": None, "estimate_error": None, "bias": 0.25, "bias_error": 0.0},
]


def compared(folder: Path, text: str, **said: Any) -> dict[str, Any]:
    (folder / "file.csv").write_text(text, encoding="utf-8")
    spec = {"source": "R", "arm": "made", "file": "file.csv", "fields": {"estimate": ["est", "se"]}, **said}
    return compare(PublishedSpec.model_validate(spec), folder, ROWS)


def test_z_is_the_difference_in_its_standard_errors(tmp_path: Path) -> None:
    found = compared(tmp_path, "term,est,se\nage,1.5,0.4\nunknown,7,1\n")
    assert (found["source"], found["arm"]) == ("R", "made")
    assert found["values"] == {"age": {"estimate": {"value": 1.5, "error": 0.4, "z": pytest.approx(0.5 / 0.5)}}}


def test_without_an_error_of_theirs_it_is_taken_as_ours(tmp_path: Path) -> None:
    found = compared(tmp_path, "term,est\nage,1.5\n", fields={"estimate": "est"})
    cell = found["values"]["age"]["estimate"]
    assert (cell["value"], cell["error"]) == (1.5, None)
    assert cell["z"] == pytest.approx(0.5 / (0.3 * 2**0.5))
    with_a_gap = compared(tmp_path, "term,est,se\nage,1.5,NA\n")
    assert with_a_gap["values"]["age"]["estimate"] == cell


def test_figures_that_cannot_differ(tmp_path: Path) -> None:
    """Without any error equal figures differ by nothing, others by what cannot be said."""
    same = compared(tmp_path, "term,est\nage,0.5\n", fields={"bias": "est"})
    assert same["values"]["age"]["bias"]["z"] == 0
    other = compared(tmp_path, "term,est\nage,0.6\n", fields={"bias": "est"})
    assert other["values"]["age"]["bias"]["z"] is None


def test_terms_from_columns_and_by_other_names(tmp_path: Path) -> None:
    text = "one,two,est,se\na,b,0.1,0.1\nx,,1.7,0.4\n"
    found = compared(tmp_path, text, term="{one}, {two}", terms={"x, ": "age"})
    assert list(found["values"]) == ["a, b", "age"]
    assert found["values"]["a, b"]["estimate"] == {"value": 0.1, "error": 0.1, "z": None}
    assert found["values"]["age"]["estimate"]["z"] == pytest.approx(0.6)


def test_gaps_and_what_is_no_number_are_left_out(tmp_path: Path) -> None:
    for cell in ("", "NA", "nan", "inf", "text"):
        assert compared(tmp_path, f"term,est,se\nage,{cell},0.4\n")["values"] == {}
    assert compared(tmp_path, "term,est,se\n")["values"] == {}


def test_a_file_saved_by_a_spreadsheet(tmp_path: Path) -> None:
    """A byte order mark before the header, a cell too many and one too few behind it."""
    found = compared(tmp_path, "\ufeffterm,est,se\nage,1.5,0.4,\nage,1.5\n")
    assert found["values"]["age"]["estimate"]["value"] == 1.5


def test_missing_columns_have_nearest_names(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"'file\.csv' has no column 'est', did you mean 'ests'"):
        compared(tmp_path, "term,ests,se\nage,1.5,0.4\n")
    with pytest.raises(SpecError, match=r"'file\.csv' has no column 'varible', did you mean 'variable'"):
        compared(tmp_path, "variable,est,se\nage,1.5,0.4\n", term="{varible}")
    with pytest.raises(SpecError, match=r"'file\.csv' has no column 'none'"):
        compared(tmp_path, "variable,est,se\nage,1.5,0.4,too,many\n", term="{none}")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'none\.csv' cannot be read") as raised:
        compared(tmp_path, "", file="none.csv")
    assert "study.reference" in str(raised.value)
    (tmp_path / "latin.csv").write_bytes(b"term,est\nage\xff,1\n")
    with pytest.raises(DataError, match=r"'latin\.csv' cannot be read"):
        compared(tmp_path, "", file="latin.csv")
