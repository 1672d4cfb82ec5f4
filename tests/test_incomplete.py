"""`rp.ampute`, `rp.missing_patterns` and `rp.flux`: what a user brings, and gets back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

import replicant as rp
from replicant.errors import SpecError


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    n = 300
    return pd.DataFrame(
        {
            "age": rng.integers(18, 90, n),
            "income": rng.lognormal(10, 1, n).round(2),
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), unit="D"),
            "group": pd.Categorical(rng.choice(["a", "b"], n), categories=["b", "a", "unused"]),
            "text": rng.choice(["x", "y", "z"], n),
            "flag": rng.random(n) < 0.4,
        },
        index=pd.RangeIndex(5, 5 + 2 * n, 2),
    )


def test_nothing_but_missing_cells_changes(frame: pd.DataFrame) -> None:
    before = frame.copy(deep=True)
    holes = rp.ampute(frame, share=0.6, seed=1)
    pd.testing.assert_frame_equal(frame, before)
    gone = holes.isna()
    assert gone.any().all()
    assert (gone.sum(axis=1) <= 1).all()
    assert holes.index.equals(frame.index)
    assert list(holes.columns) == list(frame.columns)
    for name in frame:
        kept = ~gone[name]
        assert holes.loc[kept, name].tolist() == frame.loc[kept, name].tolist()
    for name in ("income", "day", "group", "text"):
        assert holes[name].dtype == frame[name].dtype


def test_the_same_from_polars_a_file_and_a_table(frame: pd.DataFrame, tmp_path: Path) -> None:
    plain = frame[["age", "income", "text"]].reset_index(drop=True)
    plain.to_parquet(tmp_path / "data.parquet")
    expected = rp.ampute(plain, share=0.3, seed=4).isna()
    for data in (pl.from_pandas(plain), tmp_path / "data.parquet", rp.encode_table(plain)):
        pd.testing.assert_frame_equal(rp.ampute(data, share=0.3, seed=4).isna(), expected)
    assert rp.missing_patterns(tmp_path / "data.parquet").complete == len(plain)


def test_a_seed_and_none(frame: pd.DataFrame) -> None:
    one, again = (rp.ampute(frame, columns=["income"], seed=9) for _ in range(2))
    pd.testing.assert_frame_equal(one, again)
    assert not rp.ampute(frame, columns=["income"]).isna().equals(rp.ampute(frame, columns=["income"]).isna())
    with pytest.raises(SpecError, match="not a seed"):
        rp.ampute(frame, seed=-1)


def test_what_went_missing_is_described(frame: pd.DataFrame) -> None:
    holes = rp.ampute(frame, 0.5, "MNAR", pattern=[["age", "income"], ["flag"]], seed=3)
    found = rp.missing_patterns(holes)
    assert set(found.frame["missing"]) == {(), ("age", "income"), ("flag",)}
    assert found.complete == len(holes.dropna())
    assert rp.flux(holes).frame.set_index("column").loc["day", "pobs"] == 1
