"""Estimands without an interval, against frames: pandas and NumPy on the decoded sets, and copies cell by cell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from replicant.estimate import describe
from replicant.studies.arm import Arm
from replicant.studies.description import STATISTICS
from replicant.studies.estimand import Estimand
from replicant.table import encode_table

Arms = dict[str, Arm]
ALL = ["x", "y", "count", "word", "stage", "twice", "same"]
DRAWN = ["x", "y", "count", "word", "stage"]

CASES = {
    "synthetic": {},
    "observed": {"conditioning": "observed"},
    "strata": {"strata": "word", "min_stratum": 10},
    "some cells": {"conditioning": "observed", "where": ["y > p50"]},
    "shared": {"fits": "shared"},
}


@pytest.fixture(scope="module", params=list(CASES))
def arms(request: pytest.FixtureRequest, arms_of: Callable[..., Arms]) -> Arms:
    return arms_of(**CASES[request.param])


def measured(estimand: Estimand, arm: Arm) -> pd.Series[float]:
    """The estimates by term."""
    found = estimand.measure(arm)[estimand.heads[0].name]
    assert found.shape == (1, len(estimand.heads[0].terms))
    return pd.Series(found[0], index=list(estimand.heads[0].terms))


def mean_of(arm: Arm, compute: Callable[[pd.DataFrame], Any]) -> np.ndarray:
    return np.mean([np.asarray(compute(frame), dtype=float) for frame in arm.frames], axis=0)


def cells(frame: pd.DataFrame) -> pd.DataFrame:
    """Every cell as a text, so that missing ones are equal, and numbers that differ by rounding."""
    plain = frame.astype(object).map(lambda cell: round(cell, 9) if isinstance(cell, float) else cell)
    return plain.map(lambda cell: "missing" if pd.isna(cell) else repr(cell))


def test_the_arms_are_what_they_say(arms: Arms, frame: pd.DataFrame) -> None:
    """Sets of n rows, whose rows are those of the sample; the sample's are the table's, as often as drawn."""
    sample, made = arms["sample"], arms["made"]
    pd.testing.assert_frame_equal(
        cells(sample.frames[0]), cells(frame.iloc[sample.sets[0].rows].reset_index(drop=True))
    )
    assert len(made.frames) == 2
    for one, synthetic in zip(made.sets, made.frames, strict=True):
        assert len(synthetic) == len(frame)
        np.testing.assert_array_equal(np.sort(one.rows), np.sort(sample.sets[0].rows))
        np.testing.assert_allclose(synthetic["twice"], synthetic["x"] * 2 + synthetic["y"], rtol=1e-15)


@pytest.mark.parametrize("arm", ["original", "sample", "made"])
def test_descriptions_are_those_of_describe(arm: str, arms: Arms, estimand_of: Callable[..., Estimand]) -> None:
    estimand = estimand_of(arms, describe=ALL)
    found = measured(estimand, arms[arm])
    expected = mean_of(arms[arm], lambda frame: describe(frame[ALL])[list(STATISTICS)].to_numpy().ravel())
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    starred = [f"{name}*" if name in {"word", "stage"} else name for name in ALL]
    assert list(found.index) == [f"{name} {statistic}" for name in starred for statistic in STATISTICS]


def test_descriptions_are_those_of_pandas(arms: Arms, estimand_of: Callable[..., Estimand]) -> None:
    found = measured(estimand_of(arms, describe=["x", "count"]), arms["made"])
    for name in ("mean", "std", "median", "min", "max"):
        expected = mean_of(arms["made"], lambda frame, of=name: frame[["x", "count"]].agg(of))
        mine = found[[f"x {'sd' if name == 'std' else name}", f"count {'sd' if name == 'std' else name}"]]
        np.testing.assert_allclose(mine, expected, rtol=1e-12)


def test_a_constant_column_has_no_shape(arms: Arms, estimand_of: Callable[..., Estimand]) -> None:
    found = measured(estimand_of(arms, describe=["same"]), arms["made"])
    assert found["same mean"] == 5
    assert found["same sd"] == 0
    assert found[["same skew", "same kurtosis"]].isna().all()


@pytest.mark.parametrize("arm", ["original", "sample", "made"])
def test_means_and_counts(arm: str, arms: Arms, estimand_of: Callable[..., Estimand]) -> None:
    """Missing cells aside; levels that do not occur count zero."""
    means = estimand_of(arms, means=["x", "count", "twice"])
    expected = mean_of(arms[arm], lambda frame: frame[["x", "count", "twice"]].mean())
    np.testing.assert_allclose(measured(means, arms[arm]), expected, rtol=1e-13)
    counts = estimand_of(arms, counts=["word", "stage"])
    levels = {"word": ["north", "south", "west"], "stage": ["I", "II", "III", "IV"]}
    expected = mean_of(
        arms[arm],
        lambda frame: [(frame[name] == level).sum() for name, known in levels.items() for level in known],
    )
    found = measured(counts, arms[arm])
    np.testing.assert_array_equal(found, expected)
    assert list(found.index) == [f"{name} {level}" for name, known in levels.items() for level in known]
    assert means.heads[0].draws
    assert counts.heads[0].draws


@pytest.mark.parametrize("arm", ["original", "sample", "made"])
def test_densities(arm: str, arms: Arms, estimand_of: Callable[..., Estimand]) -> None:
    estimand = estimand_of(arms, densities=ALL)
    found = measured(estimand, arms[arm])
    keys = pd.DataFrame(estimand.heads[0].keys)
    for name in ALL:
        of = (keys["column"] == name).to_numpy()
        assert found[of].sum() == pytest.approx(1, abs=1e-12)
        if name in {"word", "stage"}:
            levels = keys.loc[of, "level"]
            expected = mean_of(
                arms[arm], lambda frame, of=name, known=levels: [(frame[of].dropna() == v).mean() for v in known]
            )
        else:
            edges = [*keys.loc[of, "low"], keys.loc[of, "high"].iloc[-1]]
            np.testing.assert_array_equal(keys.loc[of, "low"].iloc[1:], keys.loc[of, "high"].iloc[:-1])
            expected = mean_of(
                arms[arm],
                lambda frame, of=name, cut=edges: (
                    np.histogram(frame[of].dropna().clip(cut[0], cut[-1]), cut)[0] / frame[of].notna().sum()
                ),
            )
        np.testing.assert_allclose(found[of], expected, rtol=1e-12, atol=1e-15)


def test_bins_hold_all_of_the_real_column(arms: Arms, estimand_of: Callable[..., Estimand], frame: Any) -> None:
    """Whole numbers have a bin each; forty bins reach from the least to the greatest."""
    keys = pd.DataFrame(estimand_of(arms, densities=["x", "count", "same"]).heads[0].keys)
    x, count, same = (keys[keys["column"] == name] for name in ("x", "count", "same"))
    assert len(x) == 40
    assert (x["low"].min(), x["high"].max()) == (frame["x"].min(), frame["x"].max())
    np.testing.assert_array_equal((count["low"] + count["high"]) / 2, np.arange(frame["count"].max() + 1))
    assert len(same) == 1
    assert same["low"].item() < 5 < same["high"].item()


def test_copies_cell_by_cell(arms: Arms, estimand_of: Callable[..., Estimand]) -> None:
    estimand = estimand_of(arms, copies=True)
    found = measured(estimand, arms["made"])
    real = cells(arms["original"].frames[0])
    expected = []
    for one, synthetic in zip(arms["made"].sets, arms["made"].frames, strict=True):
        mine, own = cells(synthetic), real.iloc[one.rows].reset_index(drop=True)
        equal = mine == own
        anywhere = mine[DRAWN].merge(real[DRAWN].drop_duplicates(), on=DRAWN, how="left", indicator=True)["_merge"]
        expected.append([*equal[ALL].mean(), equal[DRAWN].all(axis=1).mean(), (anywhere == "both").mean()])
    np.testing.assert_allclose(found, np.mean(expected, axis=0), rtol=1e-14)
    assert list(found.index) == [*ALL, "whole row", "whole row, any"]
    assert found["same"] == 1
    assert found["whole row, any"] >= found["whole row"]
    assert estimand.measure(arms["sample"]) == {}


def test_copies_of_some_columns(arms: Arms, estimand_of: Callable[..., Estimand]) -> None:
    whole = measured(estimand_of(arms, copies=True), arms["made"])
    some = measured(estimand_of(arms, copies=["stage", "x"]), arms["made"])
    assert list(some.index) == ["stage", "x", "whole row", "whole row, any"]
    pd.testing.assert_series_equal(some, whole[some.index])


def test_whole_copies_are_found(arms_of: Callable[..., Arms], estimand_of: Callable[..., Estimand]) -> None:
    """Cells that stay are copies of their own row; of shuffled columns hardly a row is left."""
    kept = arms_of(conditioning="observed", where=["y > p50"])
    found = measured(estimand_of(kept, copies=True), kept["made"])
    assert (found[["x", "count", "word", "stage", "same"]] == 1).all()
    assert found["y"] == found["twice"] == found["whole row"] < 1
    shuffled = arms_of(method="sample")
    found = measured(estimand_of(shuffled, copies=True), shuffled["made"])
    assert found["whole row, any"] < 0.05
    # Two draws of one column are equal as often as its shares say, squared and summed.
    shares = shuffled["original"].frames[0]["stage"].value_counts(normalize=True)
    assert found["stage"] == pytest.approx((shares**2).sum(), abs=0.15)


def test_a_column_of_missing_cells(arms_of: Callable[..., Arms], estimand_of: Callable[..., Estimand]) -> None:
    """A bootstrap sample may lack every known cell of a column: no figure, and no warning."""
    rare = np.full(30, np.nan)
    rare[4] = 2.5
    table = encode_table(pd.DataFrame({"x": np.arange(30.0), "rare": rare}))
    of = [arms_of(of=table, replicate=i) for i in range(8)]
    without = [arms for arms in of if 4 not in arms["sample"].sets[0].rows]
    assert without, "take another seed"
    arms = without[0]
    found = measured(estimand_of(arms, describe=["rare"]), arms["sample"])
    assert found.isna().all()
    assert measured(estimand_of(arms, means=["rare"]), arms["sample"]).isna().all()
    assert measured(estimand_of(arms, densities=["rare"]), arms["sample"]).isna().all()
