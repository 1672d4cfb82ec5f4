"""Whatever form the tables have, the same rows come in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import replicant as rp
from replicant.errors import DataError, SpecError
from replicant.evaluation.inputs import in_memory, inputs


@pytest.fixture(scope="module")
def real() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    g = pd.Categorical(rng.choice(["a", "b", "c"], 200), ordered=True)
    return pd.DataFrame({"x": rng.normal(size=200).round(2), "n": rng.integers(0, 9, 200), "g": g})


@pytest.fixture(scope="module")
def synthesis(real: pd.DataFrame) -> rp.Synthesis:
    return rp.synthesize(real, m=2, seed=3)


FORMS = ["synthesis", "release", "list", "stacked", "csv", "parquet", "polars", "arrow", "dask"]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_the_sets_is_the_same(
    form: str, real: pd.DataFrame, synthesis: rp.Synthesis, tmp_path: Path
) -> None:
    frames = list(synthesis)
    syn: Any = {"synthesis": synthesis, "list": frames, "stacked": synthesis.stack()}.get(form)
    if form == "release":
        synthesis.to_parquet(tmp_path / "release")
        syn = tmp_path / "release"
    elif form in {"csv", "parquet"}:
        syn = [tmp_path / f"{i}.{form}" for i in range(2)]
        for path, frame in zip(syn, frames, strict=True):
            frame.to_csv(path, index=False) if form == "csv" else frame.to_parquet(path)
    elif form == "polars":
        syn = [pl.from_pandas(frame) for frame in frames]
    elif form == "arrow":
        syn = [pa.Table.from_pandas(frame) for frame in frames]
    elif form == "dask":
        dd = pytest.importorskip("dask.dataframe")
        syn = [dd.from_pandas(frame, npartitions=3) for frame in frames]
    given = inputs(real, syn)
    assert (given.schema.n, given.schema.k) == (200, (200, 200))
    assert not given.findings
    expected = [given.coding.rows(frame) for frame in frames]
    for data, rows in zip(given.sets, expected, strict=True):
        assert (in_memory(data, given.coding).cells == rows.cells).all()


@pytest.mark.parametrize("form", ["csv", "parquet", "polars"])
def test_every_form_of_the_real_table_is_the_same(form: str, real: pd.DataFrame, tmp_path: Path) -> None:
    given: Any = tmp_path / f"real.{form}"
    if form == "csv":
        real.to_csv(given, index=False)
    elif form == "parquet":
        real.to_parquet(given)
    else:
        given = pl.from_pandas(real)
    found = inputs(given, real)
    assert not found.findings
    rows = (in_memory(one, found.coding) for one in (found.real, *found.sets))
    assert len({one.cells.tobytes() for one in rows}) == 1


def test_of_many_rows_evenly_chosen_ones_are_taken(real: pd.DataFrame) -> None:
    given = inputs(real, real)
    rows = in_memory(given.real, given.coding, most=50)
    assert (rows.cells == given.coding.rows(real.iloc[::4]).cells).all()


@pytest.mark.parametrize(
    ("syn", "holdout", "error", "says"),
    [
        ([], None, DataError, "no synthetic set"),
        (pd.DataFrame({"y": [1]}), None, DataError, "no column"),
        (pd.DataFrame({"x": []}), None, DataError, "no row"),
        ({"x": [1]}, None, SpecError, "mapping"),
        (pd.DataFrame({"x": [1.0, 2.0]}), pd.DataFrame({"n": [1]}), DataError, "holdout lacks"),
        (3, None, SpecError, "cannot read a table"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    syn: Any, holdout: Any, error: type[Exception], says: str, real: pd.DataFrame
) -> None:
    with pytest.raises(error, match=says):
        inputs(real, syn, holdout)


def test_weights_are_no_column_to_compare(real: pd.DataFrame) -> None:
    given = inputs(real.assign(w=2.0), real, weights="w")
    assert given.coding.names == ("x", "n", "g")
    assert not given.findings
    weights = in_memory(given.real, given.coding).weights
    assert weights is not None
    assert (weights == 2).all()
    with pytest.raises(SpecError, match="neither"):
        inputs(real, real, weights="v")
