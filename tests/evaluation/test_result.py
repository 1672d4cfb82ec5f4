"""What is returned, and that it is written and shown without a number that is none."""

from __future__ import annotations

import json
import math
import tomllib
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from replicant.errors import SpecError
from replicant.evaluation import Evaluation, against_draws, against_rate, judged, plain
from replicant.events import Event
from replicant.report.measures import MEASURES, Form

DRAWS = np.linspace(0.9, 1.1, 20)


def evaluation(about: str = "utility") -> Evaluation:
    figures = judged(
        [
            against_draws("s_pmse_logit", [5.0, 6.0], DRAWS),
            against_draws("ks", [1.0], DRAWS, of="age <b>"),
            against_rate("copies", [3, 4], 100, 2, 90),
            plain("rows", [math.nan]),
        ]
    )
    events = (Event("new_levels", "sex", "the sets have 1 level in 3 cells that the real table does not have"),)
    return Evaluation(about, figures, events, ("attacks (no holdout)",), {"n": 100, "k": 90, "m": 2})


@pytest.mark.parametrize("about", ["utility", "disclosure"])
def test_every_view_says_what_is_flagged(about: str, tmp_path: Path) -> None:
    one = evaluation(about)
    assert [figure.measure for figure in one.flags] == ["s_pmse_logit"]
    assert not one.passed
    text, page = repr(one), one.to_html(tmp_path / "page.html")
    for shown in (text, page, one._repr_html_()):
        assert "1 of 3 figures" in shown
        assert "attacks (no holdout)" in shown
        assert "nan" not in shown.lower().replace("replicant", "")
    assert (tmp_path / "page.html").read_text() == page
    assert "age <b>" not in page
    HTMLParser().feed(page)
    kept = json.loads(one.to_json(tmp_path / "a.json"))
    assert kept == json.loads((tmp_path / "a.json").read_text())
    assert [figure["flag"] for figure in kept["figures"]] == [True, False, False, False]
    assert len(one.frame) == 4
    assert one["rows"].measure == "rows"


def test_an_unknown_measure_is_named() -> None:
    with pytest.raises(SpecError, match="s_pmse_logit"):
        evaluation()["s_pmse_logti"]


def test_a_file_that_cannot_be_written_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot be written"):
        evaluation().to_html(tmp_path / "no" / "page.html")


def test_records_are_written_for_their_owner_only(tmp_path: Path) -> None:
    listed = pd.DataFrame({"row": [3], "reason": ["copied"], "column": [""], "sets": [1], "class_size": [1]})
    found = Evaluation("disclosure", (), records=listed)
    found.write_records(tmp_path)
    assert (tmp_path / "records_at_risk.csv").stat().st_mode & 0o777 == 0o600
    assert pd.read_csv(tmp_path / "records_at_risk.csv", keep_default_na=False).equals(listed)
    with pytest.raises(SpecError, match="this is utility"):
        Evaluation("utility", ()).write_records(tmp_path)


def test_every_measure_is_listed_once_and_can_be_written() -> None:
    listed = tomllib.loads((files("replicant.report") / "measures.toml").read_text(encoding="utf-8"))
    names = [name for section in listed.values() for name in section]
    assert names == list(MEASURES)
    assert {one.form for one in MEASURES.values()} <= set(get_args(Form))
    assert all(one.title and one.least <= 0 for one in MEASURES.values())
