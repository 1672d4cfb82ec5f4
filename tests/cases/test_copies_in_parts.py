"""Copies and surrogates of a table in parts: what one made in memory says, wherever and however it was made."""

from __future__ import annotations

import datetime as dt
import hashlib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat
import pytest
import yaml

import replicant as rp
from replicant.errors import DataError
from replicant.execution.backend import Backend
from replicant.execution.progress import Progress
from replicant.run import chunks
from replicant.run.job import run_job
from replicant.run.resume import resume
from replicant.spec.load import parse_job
from replicant.table import read_table

N = 900
FORMATS = ["csv", "sav", "dta", "xlsx"]

BOOK: dict[str, Any] = {
    "income": {"missing_codes": {-8: "refused", -9: "not known"}, "label": "Net income, in €"},
    "spent": {"kind": "continuous", "missing_codes": {"none": "none at all"}},
    "grade": {"missing_codes": [-9, -8, -7, -6, 99]},
    "sex": {"kind": "nominal", "labels": {1: "male", 2: "female"}, "missing_codes": {9: "refused"}},
    "agree": {"kind": "ordered", "levels": ["no", "rather", "yes", "never said"]},
}
"""Where an income is a code, `spent` has a word for it; a grade has more kinds of missing than SPSS tells apart."""


def survey() -> pd.DataFrame:
    """What most parts would not show: one date has a time of day, one is early, one number is a far one."""
    rng = np.random.default_rng(6)
    income = rng.normal(2000, 300, N).round(2)
    income[[3, 400, 700]] = [-8, -9, np.nan]
    spent = rng.integers(0, 99, N).astype(str).astype(object)
    spent[17], spent[18] = "none", "-901"
    when = pd.Series(np.datetime64("2001-02-03", "us") + rng.integers(0, 900, N) * np.timedelta64(86_400_000_000, "us"))
    when[5] += pd.Timedelta("10h 20min 30.0405s")
    early = when.dt.normalize()
    early[6] = pd.Timestamp("1850-01-02")
    spans = pd.Series(rng.integers(0, 30, N)).mul(np.timedelta64(1, "D")).astype("m8[us]")
    spans[7] = np.timedelta64(100, "us")
    return pd.DataFrame(
        {
            "pid": [f"P-{number:05d}" for number in rng.choice(10**5, N, replace=False)],
            "income": income,
            "spent": spent,
            "grade": rng.choice([-9, -8, -7, -6, 1, 2, 3, 4, 5, 99], N),
            "sex": rng.choice([1, 2, 9], N),
            "agree": rng.choice(["no", "rather", "yes"], N),
            "when": when,
            "early": early,
            "span": spans,
            "bed": [dt.time(22, int(minute)) for minute in rng.integers(0, 60, N)],
        }
    )


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 120)
    survey().to_parquet(tmp_path / "data.parquet", index=False, row_group_size=100)
    return tmp_path / "data.parquet"


def made(
    data: Path, name: str, rows: int | None = 250, *, synthesis: Any = None, run: Any = run_job, **columns: Any
) -> Path:
    target = data.parent / name
    settings = {"m": 2, "seed": 4, "method": {"pid": "surrogate"}} if synthesis is None else synthesis
    document = {
        "input": {"path": str(data)},
        "columns": BOOK | columns,
        "synthesis": {"partition_rows": rows, **settings},
        "output": {"path": str(target), "copies": FORMATS, "helpers": ["r", "stata"]},
    }
    run(parse_job(yaml.safe_dump(document)), Backend(threads=1))
    return target


def copies(release: Path, form: str, imputation: int = 1) -> list[Path]:
    return sorted((release / "_copies" / form / f"imputation={imputation:02d}").glob(f"*.{form}"))


def said(path: Path) -> dict[str, Any]:
    """All that a copy says of its columns, and their types."""
    loaded = read_table(path)
    types = {name: str(dtype) for name, dtype in loaded.frame.dtypes.items()}
    book = {name: spec.model_dump() for name, spec in loaded.codebook.items()}
    extra: Any = None
    if path.suffix == ".sav":
        _, metadata = pyreadstat.read_sav(str(path), user_missing=True)
        extra = metadata.missing_ranges, metadata.original_variable_types, metadata.variable_value_labels
    return {"types": types, "book": book, "extra": extra}


def told(release: Path) -> set[tuple[str, str, str]]:
    events = rp.read_release(release).events
    return {(one.code, one.column, one.message) for one in events if one.code.partition("_")[0] in FORMATS}


def test_copies_say_of_the_whole_table_what_one_in_memory_says(data: Path) -> None:
    whole, cut = made(data, "whole", None), made(data, "cut")
    assert told(cut) == told(whole)
    assert {code for code, _, _ in told(cut)} >= {"dta_moments", "xlsx_dates", "xlsx_moments", "sav_times", "dta_days"}
    for form in FORMATS:
        (one,), parts = copies(whole, form), copies(cut, form)
        assert len(parts) == 4
        if form == "csv":
            continue
        found = [said(path) for path in parts]
        expected = said(one)
        for one in found:
            assert one["book"] == expected["book"]
            assert one["extra"] == expected["extra"]
        if form != "xlsx":
            book = expected["book"]
            assert book["income"]["missing_codes"] == {-8: "refused", -9: "not known"} or form == "dta"
            assert book["spent"]["missing_codes"] != {-901: "none: none at all"}


@pytest.mark.parametrize("form", FORMATS)
def test_the_rows_of_copies_are_those_of_the_release(form: str, data: Path) -> None:
    release = made(data, "cut")
    real = set(survey()["pid"])
    for number, frame in enumerate(rp.read_release(release), start=1):
        loaded = [read_table(path) for path in copies(release, form, number)]
        found = pd.concat([one.frame for one in loaded], ignore_index=True)
        # Surrogates are unique over the whole table, and none is a real one.
        assert found["pid"].is_unique
        assert found["pid"].str.fullmatch(r"P-\d{5}").all()
        assert not set(found["pid"]) & real
        assert found["pid"].tolist() == frame["pid"].tolist()
        labels = loaded[0].codebook["agree"].labels if form in {"sav", "dta"} else None
        agree = found["agree"] if labels is None else found["agree"].map(labels)
        assert agree.tolist() == frame["agree"].astype("str").tolist()
        fine = 1e-3 if form in {"dta", "xlsx"} else 2e-5
        seconds = (pd.to_datetime(found["when"]) - frame["when"]).dt.total_seconds()
        assert seconds.abs().max() <= fine
        assert (pd.to_datetime(found["early"]) == frame["early"]).all()
        assert (frame["when"] != frame["when"].dt.normalize()).any() or number == 2


def test_an_identifier_that_is_dropped_is_in_no_copy(data: Path) -> None:
    release = made(data, "cut", synthesis={"m": 1, "seed": 4, "drop": ["pid"]})
    for form in FORMATS:
        for path in copies(release, form):
            assert "pid" not in read_table(path).frame


def digests(release: Path) -> dict[str, str]:
    files = (path for path in release.rglob("*") if path.is_file())
    return {str(path.relative_to(release)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.cluster
def test_workers_make_the_same_copies(data: Path) -> None:
    expected = digests(made(data, "one"))
    assert digests(made(data, "two", run=lambda job, _: run_job(job, Backend(workers=2)))) == expected


class Stops(Progress):
    """Ctrl-C after so many tasks."""

    def __init__(self, after: int) -> None:
        self.left = after

    def advance(self, units: int) -> None:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("after", [12, 20, 26])
def test_a_run_taken_up_makes_the_same_copies(after: int, data: Path) -> None:
    expected = digests(made(data, "whole"))
    with pytest.raises(KeyboardInterrupt):
        made(data, "release", run=partial(run_job, progress=Stops(after)))
    assert not (data.parent / "release").exists()
    resume(str(data.parent / "release"), Backend(threads=1))
    assert digests(data.parent / "release") == expected


def test_surrogates_need_room_for_the_whole_table(data: Path) -> None:
    """Each part would have enough."""
    survey().assign(pid=[f"{number:03d}" for number in range(N)]).to_parquet(data, index=False, row_group_size=100)
    frame = pd.read_parquet(data)
    release = made(data, "cut", pid={"kind": "identifier"})
    for one in rp.read_release(release):
        assert one["pid"].is_unique
        assert not set(one["pid"]) & set(frame["pid"])
    with pytest.raises(DataError, match="'pid'"):
        made(
            data,
            "refused",
            synthesis={"m": 1, "seed": 4, "k": 10**7, "method": {"pid": "surrogate"}},
            pid={"kind": "identifier"},
        )
