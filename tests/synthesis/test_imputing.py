"""`rp.impute` as a user calls it: what comes back, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant.errors import SpecError


def people(n: int = 150) -> pd.DataFrame:
    rng = np.random.default_rng(11)
    frame = pd.DataFrame({"x": rng.normal(size=n), "z": rng.choice(["a", "b"], n)})
    frame["y"] = (2 + frame["x"] + (frame["z"] == "b") + rng.normal(size=n)).round(3)
    frame.loc[rng.random(n) < 0.25, "y"] = np.nan
    return frame


def test_the_sets_are_the_table_with_its_missing_cells_filled() -> None:
    frame = people()
    imp = rp.impute(frame, m=3, maxit=2, seed=1)
    assert imp.m == len(imp) == 3
    for filled in imp:
        pd.testing.assert_series_equal(filled["x"], frame["x"])
        pd.testing.assert_frame_equal(filled.dropna(), filled)
        there = frame["y"].notna()
        pd.testing.assert_series_equal(filled["y"][there], frame["y"][there])
    assert len({tuple(filled["y"]) for filled in imp}) == 3
    assert (
        repr(imp)
        == f"<Imputation m=3, 150 rows x 3 columns, {frame['y'].isna().sum()} cells in 1 column, 2 iterations>"
    )


def test_analyses_are_pooled_by_rubins_rules() -> None:
    pooled = rp.impute(people(), m=5, maxit=2, seed=1).analyse("ols", "y ~ x + z").pool()
    assert pooled.rule == "rubin1987"
    assert pooled.frame["std_error"].notna().all()


def test_a_key_stays_as_it_is() -> None:
    frame = people()
    frame.insert(0, "pid", [f"P{i:05d}" for i in range(len(frame))])
    imp = rp.impute(frame, m=1, maxit=1, seed=1, columns={"pid": {"kind": "identifier"}})
    pd.testing.assert_series_equal(imp[0]["pid"], frame["pid"], check_dtype=False)


def test_a_complete_table_comes_back() -> None:
    frame = people().dropna().reset_index(drop=True)
    imp = rp.impute(frame, m=2, seed=1)
    pd.testing.assert_frame_equal(imp[1], frame)
    assert [event.code for event in imp.events] == ["nothing_missing"]


def test_one_step_and_two() -> None:
    frame = people(300)
    one = rp.synthesize(frame, m=4, seed=1, missing="impute", imputation={"maxit": 2})
    assert one.m == 4
    assert not one[0].isna().any().any()
    assert one.analyse("ols", "y ~ x").pool().rule == "one_step"
    two = rp.synthesize(frame, m=3, seed=1, missing="impute", imputation={"maxit": 2}, syntheses=2)
    assert two.m == 6
    pooled = two.analyse("ols", "y ~ x").pool()
    assert (pooled.rule, pooled.m, pooled.r) == ("reiter2004", 3, 2)


def test_the_chains_of_a_synthesis_are_those_of_an_imputation() -> None:
    """A column that is kept shows what its chain has drawn."""
    frame = people(300)
    imp = rp.impute(frame, m=2, maxit=2, seed=5)
    syn = rp.synthesize(
        frame,
        m=2,
        seed=5,
        missing="impute",
        imputation={"maxit": 2},
        method={"y": "keep"},
        conditioning="observed",
        shuffle=False,
    )
    pd.testing.assert_series_equal(imp[1]["y"], syn[1]["y"])


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "3"])
def test_more_needs_a_number_of_iterations(wrong: object) -> None:
    imp = rp.impute(people(), m=1, maxit=1, seed=1)
    with pytest.raises(SpecError, match="maxit"):
        imp.more(wrong)


def test_rows_stay_where_they_are_in_strata_too() -> None:
    frame = people(600)
    imp = rp.impute(frame, m=2, maxit=2, seed=1, strata="z")
    there = frame["y"].notna()
    for filled in imp:
        pd.testing.assert_series_equal(filled["z"], frame["z"])
        pd.testing.assert_series_equal(filled["y"][there], frame["y"][there])
        assert filled["y"].notna().all()
    assert imp.imputed_cells("y").tolist() == (~there).tolist()


def test_a_release_in_strata_has_its_rows_stratum_by_stratum(tmp_path: Path) -> None:
    frame = people(600)
    imp = rp.impute(frame, m=1, maxit=1, seed=1, strata="z")
    imp.to_parquet(tmp_path / "release")
    [stored] = rp.read_release(tmp_path / "release")
    rows = np.concatenate([part.rows for part in imp.plan.partitions])
    assert (np.diff(rows) < 0).any()
    pd.testing.assert_frame_equal(stored, imp[0].iloc[rows].reset_index(drop=True))


def test_imputed_cells_beside_observed_ones() -> None:
    """The mean in the description is that of the cells."""
    frame = people(600)
    for settings in ({}, {"strata": "z"}, {"method": "norm"}):
        imp = rp.impute(frame, m=2, maxit=2, seed=1, **settings)
        picture = imp.plot_imputed().pictures[0]
        mask = imp.imputed_cells("y")
        mean = np.mean([filled["y"][mask].mean() for filled in imp])
        assert f"imputed {mean:.4g} (sd" in picture.description
        assert f"mean observed {frame['y'].mean():.4g} (sd" in picture.description
    assert [one.title for one in imp.plot_imputed("y").pictures] == ["y"]
    with pytest.raises(SpecError, match="no cell was imputed"):
        imp.plot_imputed("x")


def test_what_is_completed_is_not_called_synthetic() -> None:
    imp = rp.impute(people(), m=2, maxit=1, seed=1)
    for shown in (str(imp), imp._repr_html_()):
        assert "Observed beside completed" in shown
        assert "synthetic set" not in shown
    assert "Real beside synthetic" in str(rp.synthesize(people(), m=2, seed=1))
