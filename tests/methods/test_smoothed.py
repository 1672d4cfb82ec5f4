"""Smoothed donors: no real number comes back but by chance, and shapes, bounds, spikes, decimals and rules are kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import replicant as rp
from replicant.errors import SpecError


def people(n: int = 2000) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    age = rng.integers(18, 90, n)
    income = np.round(rng.lognormal(7 + age / 60, 0.5, n), 2)
    income[rng.random(n) < 0.2] = 0.0
    income[rng.random(n) < 0.1] = np.nan
    return pd.DataFrame(
        {"age": age, "income": income, "sex": rng.choice(["f", "m"], n), "hours": rng.gamma(9, 4, n).round(3)}
    )


@pytest.fixture(scope="module")
def made() -> tuple[pd.DataFrame, rp.Synthesis]:
    real = people()
    options = {"age": {"smoothing": "none"}}
    columns = {"income": {"spike": [0]}}
    return real, rp.synthesize(real, m=4, seed=1, smoothing="kernel", options=options, columns=columns)


def test_no_real_number_comes_back_beyond_chance(made: tuple[pd.DataFrame, rp.Synthesis]) -> None:
    real, syn = made
    for name, digits in (("income", 2), ("hours", 3)):
        known = np.unique(real[name].dropna())
        known = known[known != 0]
        again, expected, cells = 0, 0.0, 0
        for one in syn:
            values = one[name].dropna().to_numpy()
            values = values[values != 0]
            again += np.isin(values, known).sum()
            # Numbers that were moved by a little hit one with the density of real ones there.
            moved = values + np.random.default_rng(2).uniform(-0.2, 0.2, len(values)) * values.std() / 10
            expected += np.isin(moved.round(digits), known).sum()
            cells += len(values)
        assert again <= expected + 5 * np.sqrt(expected + 1), (name, again, expected, cells)
        assert again < 0.06 * cells
    assert np.isin(syn[0]["age"], real["age"]).all()  # its own option: values are real ones


def test_shapes_bounds_spikes_and_decimals_are_kept(made: tuple[pd.DataFrame, rp.Synthesis]) -> None:
    real, syn = made
    n = len(real)
    stacked = pd.concat(list(syn))
    zeros = (real.income == 0).mean()
    assert abs((stacked.income == 0).mean() - zeros) < 4 * np.sqrt(zeros / n)
    assert abs(stacked.income.isna().mean() - real.income.isna().mean()) < 4 * np.sqrt(0.1 / n)
    for name, digits in (("income", 2), ("hours", 3)):
        a, b = (one[name][one[name] != 0].dropna() for one in (real, stacked))
        assert b.min() >= a.min()
        assert b.max() <= a.max()
        np.testing.assert_allclose(b, b.round(digits))
        # The synthetic sets are of one sample: their distance from it is that of two samples at most.
        assert stats.ks_2samp(a, b).statistic < 1.95 * np.sqrt(2 / len(a))
        assert abs(b.mean() - a.mean()) < 4 * a.std() * np.sqrt(2 / len(a))
        assert 0.93 < b.std() / a.std() < 1.07
    keep = stacked.income.fillna(0) > 0
    real_keep = real.income.fillna(0) > 0
    drawn, known = (
        np.corrcoef(one.age[rows], np.log(one.income[rows]))[0, 1] for one, rows in ((stacked, keep), (real, real_keep))
    )
    assert abs(drawn - known) < 4 / np.sqrt(n)


SHARES = np.array([0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95])


def goods(n: int = 2000) -> pd.DataFrame:
    """Skewed whole numbers as prices are, a share with much mass at its bounds, an income with zeros and a top code."""
    rng = np.random.default_rng(5)
    carat = np.round(rng.gamma(2, 0.4, n) + 0.2, 2)
    income = np.where(rng.random(n) < 0.2, 0, np.round(rng.lognormal(7, 0.8, n), -1))
    return pd.DataFrame(
        {
            "carat": carat,
            "price": np.round(np.exp(7.3 + 1.7 * np.log(carat + 0.3) + rng.normal(0, 0.35, n))).astype(int),
            "share": np.round(100 * rng.beta(0.7, 1.5, n), 1),
            "income": np.minimum(income, 4000.0),
            "cut": rng.choice(list("abc"), n),
        }
    )


def survey(shared_data: Path) -> pd.DataFrame:
    """Columns of Social Diagnosis 2011, incomes at round numbers among them."""
    real = pd.read_csv(shared_data / "sd2011.csv")[["age", "sex", "edu", "weight", "income"]]
    return real[real.income.notna() & (real.income >= 0) & real.weight.notna()].reset_index(drop=True)


@pytest.mark.parametrize(("source", "name"), [("goods", "price"), ("survey", "income")])
def test_quantiles_are_kept_and_no_number_comes_back(source: str, name: str, request: pytest.FixtureRequest) -> None:
    real = goods() if source == "goods" else survey(request.getfixturevalue("shared_data"))
    heaps = real.income.value_counts(normalize=True)
    columns = {"income": {"spike": [0, 4000] if source == "goods" else heaps.index[heaps > 0.02].tolist()}}
    numbers = [column for column in real if real[column].dtype.kind in "if"]
    ranks: dict[str, list[list[np.ndarray]]] = {column: [] for column in numbers}
    again, expected = 0, 0.0
    known = np.unique(real[name])
    for seed in range(10):
        syn = rp.synthesize(real, m=1, seed=seed, smoothing="kernel", columns=columns)[0]
        for column in numbers:
            assert syn[column].dtype == real[column].dtype
            assert syn[column].between(real[column].min(), real[column].max()).all()
            cuts, ordered = real[column].quantile(SHARES), np.sort(syn[column])
            ranks[column].append([np.searchsorted(ordered, cuts, side) / len(syn) for side in ("left", "right")])
        values = syn[name][~syn[name].isin(columns["income"]["spike"])].to_numpy()
        again += int(np.isin(values, known).sum())
        # Numbers that are a few units away, of what each is rounded to, are real ones as often.
        unit = 10.0 ** np.array([len(text) - len(text.rstrip("0")) for text in values.astype(int).astype(str)])
        moved = values + unit * np.rint(np.random.default_rng(seed).uniform(-4, 4, len(values)))
        expected += float(np.isin(moved, known).sum())
    assert again <= expected + 5 * np.sqrt(expected)
    for column in numbers:
        # Each set differs from the real rows as a sample of them does; of numbers in a heap any may be at its edges.
        error = 4 * np.sqrt(SHARES * (1 - SHARES) / len(real) / 10)
        ordered = np.sort(real[column])
        below, upto = (np.searchsorted(ordered, real[column].quantile(SHARES), side) for side in ("left", "right"))
        left, right = np.mean(ranks[column], axis=0)
        assert (left < upto / len(real) + error).all(), column
        assert (right > below / len(real) - error).all(), column
    for unit in (10, 100):  # habits of rounding
        shares = [(one.income % unit == 0).mean() for one in (real, syn)]
        assert abs(shares[0] - shares[1]) < 4 * np.sqrt(0.25 / len(real))
    if source == "goods":
        for spike in (0, 4000):
            share = (real.income == spike).mean()
            assert abs((syn.income == spike).mean() - share) < 4 * np.sqrt(share / len(real))


def test_rules_hold_for_smoothed_numbers() -> None:
    real = people(600)
    real["limit"] = (real.income.fillna(10) * np.random.default_rng(1).uniform(1, 1.5, 600)).round(2)
    syn = rp.synthesize(real, m=2, seed=1, smoothing="kernel", rules=["income <= limit", "age >= 18"])
    for one in syn:
        assert not (one.income > one.limit).any()
        assert one.age.dtype == real.age.dtype
        assert not np.isin(one.hours, real.hours).all()


def test_levels_are_not_smoothed() -> None:
    with pytest.raises(SpecError, match="smoothing is 'kernel', and the column is"):
        rp.synthesize(people(100), m=1, seed=1, options={"sex": {"smoothing": "kernel"}})
    with pytest.raises(SpecError, match="smoothing"):
        rp.synthesize(people(100), m=1, seed=1, smoothing="spline")  # type: ignore[arg-type]
