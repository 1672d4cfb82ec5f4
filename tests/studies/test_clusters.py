"""Rows in clusters: samples hold whole ones, and no partition cuts one."""

from __future__ import annotations

import numpy as np
import pandas as pd

import replicant as rp


def pupils(groups: int = 20, size: int = 15) -> pd.DataFrame:
    rng = np.random.default_rng(6)
    school = np.repeat(np.arange(groups), size)
    x = rng.normal(size=len(school)).round(3)
    level = rng.normal(size=groups).round(3)
    y = (x + rng.normal(size=groups)[school] + rng.normal(size=len(school))).round(3)
    frame = pd.DataFrame({"school": [f"s{one:02d}" for one in school], "x": x, "level": level[school], "y": y})
    frame["y"] = frame["y"].mask(rng.random(len(frame)) < 0.2)
    frame["level"] = frame["level"].mask(np.isin(school, [2, 11]))
    return frame


def test_methods_for_clusters_are_the_default() -> None:
    imp = rp.impute(pupils(), m=2, maxit=2, seed=1, cluster="school")
    assert imp.plan.imputation is not None
    assert {one.name: one.declaration.name for one in imp.plan.imputation.columns} == {
        "level": "2lonly.norm",
        "y": "2l.pmm",
    }
    assert (imp[0].groupby("school")["level"].nunique() == 1).all()
    # That rows are in clusters is what was said: nobody has to be warned of it.
    assert "repeated_key" not in {event.code for event in imp.events}
    assert "repeated_key" in {event.code for event in rp.encode_table(pupils()).events}


def test_a_study_of_clusters_ends() -> None:
    fit = {"name": "fit", "model": "ols", "formula": "y ~ x"}
    frame = pupils().drop(columns="level").dropna().reset_index(drop=True)
    settings = {"missing": "impute", "imputation": {"maxit": 1, "cluster": "school"}, "progress": False, "m": 2}
    found = rp.study(frame, 3, estimands=[fit], seed=1, ampute={"columns": ["y"], "share": 0.3}, **settings)
    assert (found.tables["fit"]["replicates"] == 3).all()


def test_a_cluster_of_one_row_is_one() -> None:
    frame = pd.concat([pupils(), pd.DataFrame({"school": ["alone"], "x": [0.1], "level": [np.nan], "y": [np.nan]})])
    imp = rp.impute(frame.reset_index(drop=True), m=1, maxit=2, seed=1, cluster="school")
    assert not imp[0].isna().any().any()


def test_standard_errors_by_cluster_are_those_of_whole_clusters() -> None:
    """A cluster that was drawn twice counts as two: as one of twice the rows it would count four times."""
    frame = pupils(60, 8).drop(columns=["x", "level"]).dropna().reset_index(drop=True)
    fit = {"name": "fit", "model": "ols", "formula": "y ~ 1", "cluster": "school"}
    settings = {"m": 2, "method": {"y": "2l.norm", "school": "keep"}, "cluster": "school", "progress": False}
    found = rp.study(frame, 120, estimands=[fit], seed=1, **settings).tables["fit"].set_index("arm")
    width = 2 * 1.96 * frame.groupby("school")["y"].mean().std() / np.sqrt(60)
    assert 0.9 < found.loc["sample", "width"] / width < 1.1
    assert 0.88 <= found.loc["sample", "coverage"] <= 1.0
    synthetic = found.drop(index="sample").iloc[0]
    assert 0.9 < synthetic["width"] / width < 2.0
