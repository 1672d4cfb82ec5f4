"""Times of day (case 13): measured in hours, and in the files of a release what they were in the input."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import replicant as rp
from replicant.errors import ReplicantError, SpecError
from replicant.release.copies import FORMATS
from replicant.table import encode_table, read_table
from replicant.table.times import hours_of

N = 240


def times(micro: bool) -> tuple[list[dt.time | None], np.ndarray]:
    """Bedtimes with midnight and missing cells, and sleep that depends on them."""
    rng = np.random.default_rng(5)
    seconds = rng.integers(0, 86_400, N)
    seconds[:6] = 0
    fraction = rng.integers(0, 1_000_000, N) * micro
    cells: list[dt.time | None] = [
        (dt.datetime(2000, 1, 1) + dt.timedelta(seconds=int(s), microseconds=int(f))).time()
        for s, f in zip(seconds, fraction, strict=True)
    ]
    cells[10:30] = [None] * 20
    return cells, 2 + 0.5 * seconds / 3600 + rng.normal(size=N)


def _frame(micro: bool = False) -> pd.DataFrame:
    cells, y = times(micro)
    return pd.DataFrame({"t": pd.Series(cells, dtype=object), "y": y, "g": np.where(y > 8, "late", "early")})


def _parquet(kind: Any) -> Callable[[Path], Any]:
    def make(folder: Path) -> Any:
        frame = _frame(micro=pa.types.is_time64(kind))
        arrays = [pa.array(frame["t"], kind), pa.array(frame["y"]), pa.array(frame["g"].astype(object))]
        pq.write_table(pa.Table.from_arrays(arrays, names=["t", "y", "g"]), folder / "in.parquet")
        return folder / "in.parquet"

    return make


def _polars(folder: Path) -> Any:
    return pytest.importorskip("polars").from_pandas(_frame(True).astype({"g": object}))


INPUTS: dict[str, tuple[Callable[[Path], Any], Any]] = {
    "Parquet time32[s]": (_parquet(pa.time32("s")), pa.types.is_time32),
    "Parquet time32[ms]": (_parquet(pa.time32("ms")), pa.types.is_time32),
    "Parquet time64[us]": (_parquet(pa.time64("us")), lambda kind: kind == pa.time64("us")),
    "Parquet time64[ns]": (_parquet(pa.time64("ns")), lambda kind: kind == pa.time64("ns")),
    "pandas objects": (lambda folder: _frame(True), lambda kind: kind == pa.time64("us")),
    "pandas of Arrow": (
        lambda folder: _frame().astype({"t": pd.ArrowDtype(pa.time32("s"))}),
        pa.types.is_time32,
    ),
    "Polars": (_polars, lambda kind: kind == pa.time64("ns")),
}


@pytest.mark.parametrize("name", INPUTS)
def test_times_stay_times(name: str, tmp_path: Path) -> None:
    """Case 13."""
    make, right = INPUTS[name]
    given = make(tmp_path)
    real = encode_table(read_table(given).frame)["t"]
    sets = rp.synthesize(given, m=2, seed=1)
    sets.to_parquet(tmp_path / "rel")
    for one in [*sets, *rp.read_release(tmp_path / "rel")]:
        assert set(hours_of(one["t"])[one["t"].notna()]) <= set(real.values)
        assert one["t"].isna().any()
    files = sorted((tmp_path / "rel").rglob("*.parquet"))
    kinds = {pq.read_schema(file).field("t").type for file in files}
    assert (len(files), len(kinds)) == (2, 1)
    assert right(kinds.pop())
    assert isinstance(pd.read_parquet(tmp_path / "rel")["t"].dropna().iloc[0], dt.time)
    ours = rp.read_release(tmp_path / "rel")
    frame = ours.analyse("ols", "y ~ t").pool().frame
    assert frame.set_index("term")["estimate"]["t"] == pytest.approx(0.5, abs=0.1)
    assert ours.summary() is not None
    assert len(ours.correlation(["t", "y"])) > 0
    assert len(ours.describe(["t", "g"])) > 0


def test_partitions_and_missing_codes(tmp_path: Path) -> None:
    given = _parquet(pa.time32("s"))(tmp_path)
    cells = read_table(given).frame
    book = {"t": {"missing_codes": ["00:00"]}}
    sets = rp.synthesize(cells, m=2, seed=1, strata="g", columns=book)
    coded = [(one["t"] == dt.time(0)).sum() for one in sets]
    assert min(coded) > 0
    sets.to_parquet(tmp_path / "rel")
    said = rp.read_release(tmp_path / "rel").analyse("ols", "y ~ t").pool().frame
    assert said.set_index("term")["estimate"]["t"] == pytest.approx(0.5, abs=0.1)


def test_a_csv_says_so() -> None:
    assert encode_table(pd.DataFrame({"t": ["08:30", "09:00", "09:30"] * 9}))["t"].is_categorical


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["08:30", "", "0:00"], [8.5, np.nan, 0]),
        (["08:30:30", "23:59:59", "12:00"], [8.5 + 30 / 3600, 24 - 1 / 3600, 12]),
        (["00:00:00.000001", "12:00:00.5", "NA"], [1e-6 / 3600, 12 + 0.5 / 3600, np.nan]),
    ],
)
def test_declared_texts_are_times(rows: list[str], expected: list[float], tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("t,x\n" + "".join(f"{row},{i}\n" for i, row in enumerate(rows)))
    made = read_table(path, reading={"types": {"t": "time"}}).frame["t"]
    np.testing.assert_allclose(hours_of(made), expected, rtol=1e-15)


@pytest.mark.parametrize("row", ["25:00", "8", "noon", "08:30 pm"])
def test_what_is_no_time_is_refused(row: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"t,x\n08:30,1\n{row},2\n")
    with pytest.raises(ReplicantError, match="HH:MM") as error:
        read_table(path, reading={"types": {"t": "time"}})
    assert row not in str(error.value)


@pytest.mark.parametrize("form", ["csv", "sav", "dta", "xlsx"])
def test_copies(form: str, tmp_path: Path) -> None:
    table = encode_table(_frame(True))
    path = tmp_path / f"a.{form}"
    made = None if form == "csv" else FORMATS[form]
    if made is None:
        from replicant.release.csv import csv_bytes, sheet_of

        path.write_bytes(csv_bytes(table.observed(), sheet_of(table)).to_pybytes())
    else:
        facts = made.prepare(table, table.n)
        path.write_bytes(made.write(table.observed(), facts))
        if form != "xlsx":
            assert f"{form}_times" in {one.code for one in facts.events}
    again = encode_table(read_table(path, reading={"types": {"t": "time"}} if form == "csv" else None).frame)["t"]
    # Durations of the two statistical packages are in days.
    hours = again.numbers() * (24 if form in {"sav", "dta"} else 1)
    error = {"csv": 0, "sav": 1e-6, "dta": 0.6e-3, "xlsx": 0.6e-3}[form]
    np.testing.assert_allclose(hours * 3600, table["t"].numbers() * 3600, rtol=0, atol=error + 1e-9)
    if form in {"csv", "xlsx"}:
        assert again.why == "times of day, in hours"


@pytest.mark.parametrize("form", ["sav", "dta", "xlsx"])
def test_the_last_moments_of_a_day_stay_in_it(form: str, tmp_path: Path) -> None:
    cells = [dt.time(23, 59, 59, micro) for micro in (999_000, 999_400, 999_500, 999_600, 999_999)]
    table = encode_table(pd.DataFrame({"t": [*cells, dt.time(0)]}))
    path = tmp_path / f"a.{form}"
    path.write_bytes(FORMATS[form].write(table.observed(), FORMATS[form].prepare(table, table.n)))
    again = encode_table(read_table(path).frame)["t"].numbers() * (1 if form == "xlsx" else 24)
    np.testing.assert_allclose(again * 3600, table["t"].numbers() * 3600, rtol=0, atol=1.0e-3 + 1e-9)
    assert again[-1] == 0


def test_rules_and_computed_times(tmp_path: Path) -> None:
    frame = _frame().dropna(ignore_index=True)
    frame["half"] = [
        (
            dt.datetime.combine(dt.date(2000, 1, 1), dt.time(0))
            + (dt.datetime.combine(dt.date(2000, 1, 1), t) - dt.datetime(2000, 1, 1)) / 2
        ).time()
        for t in frame["t"]
    ]
    sets = rp.synthesize(frame, m=1, seed=1, passive={"half": "t / 2"})
    one = sets[0]
    np.testing.assert_allclose(hours_of(one["half"]), hours_of(one["t"]) / 2, atol=1e-9)
    assert isinstance(one["half"].iloc[0], dt.time)
    late = rp.synthesize(frame, m=1, seed=1, passive={"half": "t + 20"})
    assert late[0]["half"].dtype == np.float64
    assert any(event.column == "half" and "time of a day" in event.message for event in late.events)
    where = rp.synthesize(frame, m=1, seed=1, shuffle=False, where={"y": "t > '12:00'"})
    kept = hours_of(frame["t"]) <= 12
    assert (where[0]["y"][kept] == frame["y"][kept]).all()
    with pytest.raises(SpecError, match="time"):
        rp.synthesize(frame, m=1, where={"y": "t > 'noon'"})


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_the_script_for_r_sees_hours(tmp_path: Path) -> None:
    sets = rp.synthesize(_frame(True), m=2, seed=1)
    sets.to_parquet(tmp_path / "rel", copies=["csv"], helpers=["r", "stata"])
    code = 'source("_scripts/analyse.R"); for (s in sets) cat(format(c(mean(s$t, na.rm = TRUE), sum(is.na(s$t))),'
    code += ' digits = 15), "")'
    out = subprocess.run(
        ["Rscript", "-e", code], cwd=tmp_path / "rel", capture_output=True, text=True, check=True
    ).stdout
    expected = [figure for one in sets for figure in (np.nanmean(hours_of(one["t"])), one["t"].isna().sum())]
    np.testing.assert_allclose([float(text) for text in out.split()], expected, rtol=1e-12)
    assert "substr(" in (tmp_path / "rel" / "_scripts" / "analyse.do").read_text()
