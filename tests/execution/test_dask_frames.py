"""Sets as lazy Dask DataFrames: the same cells and types, read where they are computed with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import replicant as rp


@pytest.fixture(scope="module")
def syn() -> rp.Synthesis:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "x": rng.normal(size=150).round(2),
            "count": pd.array(np.where(rng.random(150) < 0.2, None, rng.integers(0, 9, 150)), "Int64"),
            "stage": pd.Categorical(rng.choice(["low", "high"], 150), ["low", "mid", "high"], ordered=True),
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 99, 150), "D"),
            "region": rng.choice(["north", "south"], 150),
        }
    )
    return rp.synthesize(frame, m=3, seed=1, strata="region", min_stratum=20)


@pytest.fixture(scope="module", params=["synthesis", "release"])
def sets(request: pytest.FixtureRequest, syn: rp.Synthesis, tmp_path_factory: pytest.TempPathFactory) -> object:
    if request.param == "synthesis":
        return syn
    folder = tmp_path_factory.mktemp("sets") / "release"
    syn.to_parquet(folder)
    return rp.read_release(folder)


def test_all_sets_are_stacked_with_the_number_of_the_imputation(sets: rp.Synthesis) -> None:
    lazy = sets.to_dask()
    assert_frame_equal(lazy.compute(scheduler="sync").reset_index(drop=True), sets.stack())


def test_one_set_is_that_set(sets: rp.Synthesis) -> None:
    assert_frame_equal(sets.to_dask(1).compute(scheduler="sync").reset_index(drop=True), sets[1])


def test_the_types_are_known_before_anything_is_read(sets: rp.Synthesis) -> None:
    lazy, whole = sets.to_dask(), sets.stack()
    assert dict(lazy.dtypes) == dict(whole.dtypes)
    assert list(lazy._meta["stage"].cat.categories) == ["low", "mid", "high"]
    assert lazy["x"].mean().compute(scheduler="sync") == pytest.approx(whole["x"].mean())


def test_files_are_read_by_tasks_only(syn: rp.Synthesis, tmp_path: Path) -> None:
    syn.to_parquet(tmp_path / "release")
    lazy = rp.read_release(tmp_path / "release").to_dask()
    assert lazy.npartitions == 3 * 2
    for file in (tmp_path / "release").rglob("*.parquet"):
        file.unlink()
    with pytest.raises(rp.ReleaseError):
        lazy.compute(scheduler="sync")


@pytest.mark.parametrize("number", [3, -4, "1"])
def test_a_set_that_is_not_there(sets: rp.Synthesis, number: int) -> None:
    with pytest.raises((rp.SpecError, IndexError, TypeError)):
        sets.to_dask(number)
