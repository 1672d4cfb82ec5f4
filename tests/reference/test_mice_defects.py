"""Defects of mice and synthpop that were confirmed by running them: none of them is here.

Each test states what the peer does, then what must hold instead. SD2011's are in `test_sd2011.py`.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import pytest

import replicant as rp

Conditioning = Literal["synthetic", "observed"]
both = pytest.mark.parametrize("conditioning", get_args(Conditioning))
BMI = {"bmi": "wgt / (hgt / 100)**2"}


@both
def test_a_leaf_of_one_donor_gives_that_donor(conditioning: Conditioning) -> None:
    """mice with minbucket 1 asks R for `sample(x, 1)` of the one number x, which is any number from 1 to x.

    On the likes of this table (60 rows, mice 3.15.0) not one synthetic y had ever been observed.
    """
    rng = np.random.default_rng(5)
    n = 300
    x = rng.permutation(n)
    frame = pd.DataFrame({"x": x, "y": 1000 * (x * 37 % 307) + 7, "g": rng.choice(["a", "b", "c"], n)})
    made = rp.synthesize(
        frame, m=5, seed=1, conditioning=conditioning, minbucket=1, minsplit=2, cp=0, maxdepth=100, shuffle=False
    )
    for synthetic in made:
        assert set(synthetic["x"]) <= set(frame["x"])
        assert set(synthetic["y"]) <= set(frame["y"])
        if conditioning == "observed":  # every leaf of x and y is one record: nothing else can be drawn
            assert synthetic[["x", "y"]].equals(frame[["x", "y"]])


@both
def test_the_smallest_leaves_hold_observed_values_only(boys: pd.DataFrame, conditioning: Conditioning) -> None:
    made = rp.synthesize(boys, m=5, seed=1, conditioning=conditioning, minbucket=1, minsplit=2, passive=BMI)
    for synthetic in made:
        for name in boys.columns.drop("bmi"):
            assert set(synthetic[name]) <= set(boys[name]), name


@both
def test_passive_columns_follow_the_synthetic_columns(
    boys: pd.DataFrame, boys_spec: dict[str, Any], conditioning: Conditioning
) -> None:
    """mice with `~ I()` on complete data returns the real bmi beside synthetic inputs."""
    made = rp.synthesize(boys, **boys_spec, seed=1, conditioning=conditioning, shuffle=False)
    for synthetic in made:
        expected = synthetic["wgt"] / (synthetic["hgt"] / 100) ** 2
        np.testing.assert_allclose(synthetic["bmi"], expected, rtol=1e-15)
        moved = (synthetic["wgt"] != boys["wgt"]) | (synthetic["hgt"] != boys["hgt"])
        # The real bmi is rounded to two digits: half a unit of that apart, it is not the row's own any more.
        away = (synthetic["bmi"] - boys["bmi"]).abs() > 0.01
        assert moved.mean() > 0.5
        assert away[moved].mean() > 0.95
        assert not away[~moved].any()


@both
@pytest.mark.parametrize("minbucket", [1, 5, 50])
def test_the_relation_of_bmi_holds_in_every_row(
    boys_incomplete: pd.DataFrame, conditioning: Conditioning, minbucket: int
) -> None:
    """synthpop at its defaults breaks it in 89 % of the rows. Where an input is missing, so is bmi."""
    made = rp.synthesize(boys_incomplete, m=3, seed=1, conditioning=conditioning, minbucket=minbucket, passive=BMI)
    for synthetic in made:
        missing = synthetic["wgt"].isna() | synthetic["hgt"].isna()
        assert missing.any()
        assert (synthetic["bmi"].isna() == missing).all()
        # To the two decimals that the column has.
        exact = synthetic["wgt"] / (synthetic["hgt"] / 100) ** 2
        np.testing.assert_allclose(synthetic["bmi"], exact, rtol=0, atol=0.005 + 1e-12, equal_nan=True)
        np.testing.assert_array_equal(synthetic["bmi"], synthetic["bmi"].round(2))


@both
def test_a_collinear_column_comes_out_whole(boys: pd.DataFrame, conditioning: Conditioning) -> None:
    """In mice it comes out missing, which is told in a log only.

    Here the same length in another unit keeps its relation in every row, and a sum is drawn like any other column.
    """
    unit = dict(zip(boys["hgt"], boys["hgt"] / 2.54, strict=True))
    boys["inches"] = boys["hgt"].map(unit)
    boys["total"] = boys["hgt"] + boys["wgt"]
    made = rp.synthesize(boys, m=3, seed=1, conditioning=conditioning)
    assert made.plan.column("total").method == "cart"
    assert "inches" in " ".join(str(event) for event in made.events)
    for synthetic in made:
        assert list(synthetic) == list(boys)
        assert not synthetic.isna().any().any()
        assert synthetic["inches"].equals(synthetic["hgt"].map(unit).rename("inches"))
        assert set(synthetic["total"]) <= set(boys["total"])
        assert synthetic["total"].nunique() > boys["total"].nunique() / 2
        assert synthetic["total"].corr(synthetic["hgt"] + synthetic["wgt"]) > 0.98


@both
def test_an_equal_column_stays_equal_and_is_told(boys: pd.DataFrame, conditioning: Conditioning) -> None:
    boys["height"] = boys["hgt"]
    boys["region"] = boys["reg"]
    made = rp.synthesize(boys, m=3, seed=1, conditioning=conditioning)
    for synthetic in made:
        assert not synthetic.isna().any().any()
        assert synthetic["height"].equals(synthetic["hgt"].rename("height"))
        assert synthetic["region"].equals(synthetic["reg"].rename("region"))
    told = " ".join(str(event) for event in made.events if event.code == "equal_columns")
    assert "height" in told
    assert "region" in told


@both
def test_missing_values_come_out_as_they_went_in(boys_incomplete: pd.DataFrame, conditioning: Conditioning) -> None:
    """mice fills them all. Here each column has its share of them."""
    m = 20
    made = rp.synthesize(boys_incomplete, m=m, seed=1, conditioning=conditioning, passive=BMI)
    real = boys_incomplete.isna().mean()
    ours = pd.concat([synthetic.isna().mean() for synthetic in made], axis=1).mean(axis=1)
    names = real.index[real.gt(0)].drop("bmi")  # missing where an input is: the test above
    assert len(names) >= 7
    assert (ours[names] > 0).all()
    assert (ours - real)[names].abs().max() < 0.03
