"""Amputation: the share, and how missing cells depend on what they should, estimated by statsmodels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from replicant.errors import DataError, SpecError
from replicant.missing import amputation, missing_cells
from replicant.missing.amputation import _probabilities
from replicant.table import Table, encode_table

N = 20_000


@pytest.fixture(scope="module")
def table() -> Table:
    rng = np.random.default_rng(3)
    x = rng.normal(size=N).round(3)
    frame = pd.DataFrame(
        {
            "x": x,
            "y": (x + rng.normal(size=N)).round(3),
            "z": rng.exponential(size=N).round(3),
            "g": pd.Categorical(rng.choice(["a", "b", "c"], N)),
        }
    )
    return encode_table(frame, {"g": {"kind": "ordered", "levels": ["a", "b", "c"]}})


def lost(table: Table, share: float = 0.5, mechanism: Any = "MAR", seed: int = 1, **asked: Any) -> Any:
    return missing_cells(table, amputation(table, share, mechanism, **asked), np.random.default_rng(seed))


def standardized(table: Table, name: str) -> Any:
    x = table[name].numbers() if table[name].is_numeric else table[name].codes.astype(float)
    return (x - x.mean()) / x.std()


def slope(gone: Any, score: Any) -> tuple[float, float]:
    """Of a logistic regression, with its standard error."""
    fit = sm.Logit(gone.astype(float), sm.add_constant(score)).fit(disp=False)
    return float(fit.params[1]), float(fit.bse[1])


@pytest.mark.parametrize(
    ("mechanism", "tail", "by", "expected"),
    [
        ("MAR", "right", "x", 1.0),
        ("MAR", "left", "x", -1.0),
        ("MNAR", "right", "y", 1.0),
        ("MCAR", "right", "x", 0.0),
        ("MCAR", "right", "y", 0.0),
        ("MAR", "right", "g", 1.0),
        ("MAR", "right", "z", 1.0),
    ],
)
def test_the_odds_depend_on_the_score_as_they_should(
    table: Table, mechanism: Any, tail: Any, by: str, expected: float
) -> None:
    """The logit is linear in the standardized score, with slope 1: within four standard errors."""
    weights = {} if mechanism == "MCAR" else {"weights": {by: 2.0}}
    mask = lost(table, 0.3, mechanism, columns=["y"], tail=tail, **weights)
    assert not mask[:, [0, 2, 3]].any()
    found, error = slope(mask[:, 1], standardized(table, by))
    assert abs(found - expected) < 4 * error
    assert abs(mask[:, 1].mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / N)


def test_missing_at_random_depends_on_nothing_else(table: Table) -> None:
    """Given x, on which it depends, the value itself tells nothing."""
    mask = lost(table, 0.4, weights={"x": 1.0}, columns=["y"])
    design = sm.add_constant(np.column_stack([standardized(table, "x"), standardized(table, "y")]))
    fit = sm.Logit(mask[:, 1].astype(float), design).fit(disp=False)
    assert abs(fit.params[2]) < 4 * fit.bse[2]
    assert fit.params[1] > 10 * fit.bse[1]


@pytest.mark.parametrize(("tail", "sign"), [("mid", -1.0), ("tail", 1.0)])
def test_the_middle_and_the_ends(table: Table, tail: Any, sign: float) -> None:
    mask = lost(table, 0.25, weights={"x": 1.0}, columns=["y"], tail=tail)
    found, error = slope(mask[:, 1], np.abs(standardized(table, "x")))
    assert abs(found - sign) < 4 * error
    assert abs(mask[:, 1].mean() - 0.25) < 4 * np.sqrt(0.25 * 0.75 / N)


@given(
    share=st.floats(0.001, 0.999),
    tail=st.sampled_from(["right", "left", "mid", "tail"]),
    score=st.lists(st.floats(-1e150, 1e150), min_size=1, max_size=30),
)
def test_the_mean_probability_is_the_share(share: float, tail: Any, score: list[float]) -> None:
    probabilities = _probabilities(np.array(score), share, tail)
    assert probabilities.mean() == pytest.approx(share, abs=1e-8)
    assert ((probabilities >= 0) & (probabilities <= 1)).all()


def test_patterns_have_their_frequencies_and_never_overlap(table: Table) -> None:
    mask = lost(table, 0.4, pattern=[["x", "y"], ["z"]], frequency=[3, 1])
    assert (mask[:, 0] == mask[:, 1]).all()
    assert not (mask[:, 0] & mask[:, 2]).any()
    assert not mask[:, 3].any()
    for j, expected in ((0, 0.3), (2, 0.1)):
        assert abs(mask[:, j].mean() - expected) < 4 * np.sqrt(expected * (1 - expected) / N)


def test_by_default_each_column_goes_missing_by_itself(table: Table) -> None:
    mask = lost(table, 0.5)
    assert mask.sum(axis=1).max() == 1
    error = 4 * np.sqrt(0.125 * 0.875 / N)
    np.testing.assert_allclose(mask.mean(axis=0), 0.125, atol=error)


def test_rows_of_a_sample_lose_cells_each_by_itself(table: Table) -> None:
    rows = np.repeat(np.arange(50), 200)
    wanted = amputation(table, 0.3, weights={"x": 1.0}, columns=["y"])
    mask = missing_cells(table, wanted, np.random.default_rng(2), rows)
    assert mask.shape == (10_000, 4)
    within = mask[:, 1].reshape(50, 200).mean(axis=1)
    assert ((within > 0) & (within < 1)).all()
    x = table["x"].numbers()[:50]
    expected = _probabilities(x, 0.3, "right")
    assert (np.abs(within - expected) < 4.5 * np.sqrt(expected * (1 - expected) / 200)).all()


def test_nothing_all_and_a_constant(table: Table) -> None:
    assert not lost(table, 0).any()
    assert lost(table, 1, columns=["x"])[:, 0].all()
    flat = encode_table(pd.DataFrame({"a": [1.0] * 400, "b": np.arange(400) / 7}))
    mask = lost(flat, 0.5, columns=["b"])
    assert abs(mask[:, 1].mean() - 0.5) < 4 * np.sqrt(0.25 / 400)


def test_a_seed_is_a_seed(table: Table) -> None:
    one, again, other = (lost(table, 0.2, seed=seed) for seed in (5, 5, 6))
    assert (one == again).all()
    assert (one != other).any()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"share": 1.5}, "not a share"),
        ({"share": float("nan")}, "not a share"),
        ({"mechanism": "mar"}, "unknown value"),
        ({"tail": "rihgt"}, "did you mean 'right'"),
        ({"columns": ["xx"]}, "no column 'xx'"),
        ({"columns": []}, "no column may go missing"),
        ({"pattern": [["x", "x"]]}, "twice"),
        ({"pattern": [["x"]], "columns": ["x"]}, "both given"),
        ({"pattern": [["x"], ["y"]], "frequency": [1]}, "1 entries for 2 patterns"),
        ({"pattern": [["x"], ["y"]], "frequency": [0, 0]}, "frequency"),
        ({"mechanism": "MCAR", "weights": {"x": 1}}, "looks at no column"),
        ({"weights": {"x": float("inf")}}, "not finite"),
        ({"pattern": [["x"]], "weights": {"x": 1}}, "no weight is left for the pattern of x"),
        ({"pattern": [["x"]], "weights": {"y": 1}, "mechanism": "MNAR"}, "a column that goes missing"),
        ({"pattern": [["x", "y", "z", "g"]]}, "stays observed"),
    ],
)
def test_what_is_impossible_is_refused(table: Table, asked: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError) as caught:
        amputation(table, **{"share": 0.5, **asked})
    assert words in str(caught.value)


def test_a_table_that_is_incomplete_is_refused_where_it_matters() -> None:
    frame = pd.DataFrame({"a": np.arange(40) / 3, "b": np.arange(40) ** 2.0, "c": [None, *range(39)]})
    table = encode_table(frame)
    with pytest.raises(DataError, match="c have missing cells already"):
        amputation(table)
    wanted = amputation(table, columns=["a"])
    assert dict(wanted.patterns[0].weights) == {"b": 1.0}
