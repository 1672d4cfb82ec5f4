"""Studies of samples that lose cells first: what is imputed recovers the truth of the complete data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant.errors import DataError, SpecError


def complete(n: int = 250) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    x = rng.normal(size=n).round(3)
    return pd.DataFrame({"x": x, "y": (1 + x + rng.normal(size=n)).round(3), "g": rng.choice(["a", "b"], n)})


def study(**settings: Any) -> Any:
    given = {
        "estimands": [{"name": "fit", "model": "ols", "formula": "y ~ x"}],
        # Completely at random: where it depended on x, a line through what is left would by chance have another slope
        # than one through this very table, which is the truth here, however large the table is.
        "ampute": {"share": 0.5, "mechanism": "MCAR", "columns": ["y"]},
        "seed": 1,
        "m": 3,
        "progress": False,
        "missing": "impute",
        "imputation": {"maxit": 2, "method": "norm"},
    }
    return rp.study(complete(), settings.pop("replicates", 20), **{**given, **settings})


def test_every_way_is_pooled_by_its_rule_and_recovers_the_truth() -> None:
    found = study(
        replicates=60,
        variants={
            "imputed": {"method": "keep", "shuffle": False},
            "one": {},
            "two": {"syntheses": 2},
        },
    ).tables["fit"]
    slopes = found[found["term"] == "x"].set_index("arm")
    assert list(slopes.index) == ["sample", "imputed", "one", "two"]
    bias = slopes["bias"].abs() / slopes["bias_error"]
    # With a fixed seed: four standard errors are what chance does not reach.
    assert (bias < 4).all(), slopes
    assert (slopes["replicates"] == 60).all()
    # Half of the outcomes are lost: the intervals have to know.
    assert slopes.loc["imputed", "std_error"] > 1.15 * slopes.loc["sample", "std_error"]


def test_complete_cases_would_be_biased_where_that_depends_on_what_is_lost() -> None:
    """The amputation bites: without imputation (missing kept, and left out by the model) the mean is off."""
    ampute = {"share": 0.6, "mechanism": "MNAR", "columns": ["y"]}
    means = study(
        estimands=[{"name": "mean", "model": "ols", "formula": "y ~ 1"}],
        ampute=ampute,
        missing="keep",
        imputation=None,
    ).tables["mean"]
    row = means[means["arm"] == "synthetic"].iloc[0]
    assert row["bias"] < -4 * row["bias_error"]


def test_threads_do_not_matter() -> None:
    one, two = (study(replicates=12, threads=threads).tables["fit"] for threads in (1, 2))
    pd.testing.assert_frame_equal(one, two)


def test_strata_are_imputed_by_themselves() -> None:
    found = study(replicates=3, strata="g", min_stratum=20).tables["fit"]
    assert (found["replicates"] == 3).all()


@pytest.mark.parametrize(
    ("ampute", "error", "found"),
    [
        ({"share": 2}, SpecError, "share"),
        ({"mechanism": "MARR"}, SpecError, "mechanism"),
        ({"columns": ["yy"]}, SpecError, "yy"),
        ({"shares": 0.2}, SpecError, "share"),
    ],
)
def test_amputations_that_cannot_be_are_refused(ampute: dict[str, Any], error: type[Exception], found: str) -> None:
    with pytest.raises(error, match=found):
        study(ampute=ampute)


def test_only_complete_columns_are_amputed() -> None:
    frame = complete()
    frame.loc[::7, "y"] = np.nan
    with pytest.raises(DataError, match="missing cells already"):
        rp.study(frame, 2, ampute={"columns": ["y"]}, missing="impute", progress=False)


@pytest.mark.parametrize(
    "imputation", [{"ignore": np.zeros(250, dtype=bool)}, {"where": {"y": np.ones(250, dtype=bool)}}]
)
def test_masks_of_rows_are_refused(imputation: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match="mask"):
        study(imputation=imputation)
