"""Influx and outflux beside R's: mice 3.15, flux(nhanes2) and flux(boys)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from replicant.missing import flux
from replicant.table import encode_table

# pobs, influx, outflux, ainb, aout, fico
NHANES2 = {
    "age": [1.00, 0.000000000000000, 1.000000000000000, 0.000000000000000, 0.3600000000000000, 0.480000000000000],
    "bmi": [0.64, 0.164383561643836, 0.111111111111111, 0.444444444444444, 0.0625000000000000, 0.187500000000000],
    "hyp": [0.68, 0.123287671232877, 0.148148148148148, 0.375000000000000, 0.0784313725490196, 0.235294117647059],
    "chl": [0.60, 0.219178082191781, 0.111111111111111, 0.533333333333333, 0.0666666666666667, 0.133333333333333],
}
BOYS = {
    "hgt": [0.973262032085562, 0.01565557729941291, 0.93834771886559798, 0.5, 0.26133241758241760, 0.6936813186813187],
    "tv": [0.302139037433155, 0.603522504892367, 0.0049321824908, 0.738505747126437, 0.0044247787611, 0.013274336283],
    "reg": [0.995989304812834, 0.0029354207436399, 0.992601726263872, 0.625, 0.270134228187919, 0.700671140939597],
}


def test_the_patterns_of_nhanes2() -> None:
    """13 rows complete, 3 without chl, 1 without bmi, 1 without bmi and hyp, 7 without all three."""
    patterns = [()] * 13 + [("chl",)] * 3 + [("bmi",)] + [("bmi", "hyp")] + [("bmi", "hyp", "chl")] * 7
    frame = pd.DataFrame({name: [np.nan if name in one else i for i, one in enumerate(patterns)] for name in NHANES2})
    found = flux(encode_table(frame.astype(float), {name: {"kind": "continuous"} for name in frame})).frame
    for _, row in found.iterrows():
        np.testing.assert_allclose(row.iloc[1:].astype(float), NHANES2[row["column"]], rtol=0, atol=1e-12)


def test_boys(boys_incomplete: pd.DataFrame) -> None:
    found = flux(encode_table(boys_incomplete)).frame.set_index("column")
    for name, expected in BOYS.items():
        np.testing.assert_allclose(found.loc[name].astype(float), expected, rtol=0, atol=1e-12)


def test_a_complete_column_a_missing_one_and_one_column() -> None:
    """Influx of a column that is missing everywhere is 1, outflux of a complete one is 1; nothing is not a number."""
    frame = pd.DataFrame({"a": np.arange(9) / 7, "b": [np.nan] * 9, "c": np.arange(9) * 1.5})
    found = flux(encode_table(frame, {"b": {"kind": "continuous"}}))
    by_name = found.frame.set_index("column")
    assert by_name.loc["b", "influx"] == 1
    assert (by_name.loc[["a", "c"], "outflux"] == 1).all()
    for some in (frame, frame[["a"]], frame[["a", "c"]]):
        declared = {"b": {"kind": "continuous"}} if "b" in some else {}
        assert np.isfinite(flux(encode_table(some, declared)).figures).all()


def test_cells_that_are_not_applicable_count_in_neither_way() -> None:
    frame = pd.DataFrame({"a": np.arange(8) / 7, "b": [np.nan] * 4 + [1.5, 2.5, 3.5, 4.5]})
    table = encode_table(frame)
    design = np.zeros((8, 2), dtype=bool)
    design[:3, 1] = True
    found = flux(table, design).frame.set_index("column")
    assert found.loc["b", "pobs"] == 4 / 5
    assert found.loc["b", "influx"] == 1 / 12
    assert found.loc["a", "aout"] == 1 / 5


def test_how_it_reads() -> None:
    frame = pd.DataFrame({"a": np.arange(8) / 7, "b": [np.nan] * 4 + [1.5, 2.5, 3.5, 4.5]})
    found = flux(encode_table(frame))
    assert str(found).splitlines()[0] == "2 columns, 1 of them with missing cells"
    assert repr(found) == "<Flux: 2 columns, 1 of them with missing cells>"
    assert "Influx and outflux" in found._repr_html_()
