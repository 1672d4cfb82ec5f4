"""`ipf` against Poisson regression by statsmodels, and margins that are all there is."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from scipy import stats

from replicant.errors import DataError, SpecError
from replicant.methods import Response
from replicant.methods.contingency import CellModel
from replicant.methods.ipf import Ipf, fit_margins

from .blocks import block, nothing, share_errors

SIZES = (2, 3, 2)


def rows(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    a = rng.integers(0, 2, n)
    b = np.minimum(a + rng.integers(0, 2, n), 2)
    return a, b, (rng.random(n) < 0.2 + 0.2 * b).astype(int)


def table_of(*columns: np.ndarray) -> np.ndarray:
    out = np.zeros(SIZES)
    np.add.at(out, columns, 1)
    return out


def fitted(method: Ipf, y: tuple[Response, ...], seed: int = 0) -> CellModel:
    n = len(y[0].codes)
    return method.fit(y, nothing(n), None, np.random.default_rng(seed))


@pytest.mark.parametrize(
    ("margins", "formula"),
    [
        (None, "(C(a) + C(b) + C(c))**2"),
        ((("a", "b"), ("c",)), "C(a) * C(b) + C(c)"),
        ((("b", "a"),), "C(a) * C(b) + C(c)"),
    ],
)
def test_the_fit_is_that_of_a_poisson_regression(margins: Any, formula: str) -> None:
    columns = rows(1000, 1)
    table = table_of(*columns) + 1.0  # no empty margin, for statsmodels' sake
    frame = pd.DataFrame([(*at, count) for at, count in np.ndenumerate(table)], columns=["a", "b", "c", "n"])
    poisson = smf.glm(f"n ~ {formula}", frame, family=sm.families.Poisson()).fit(tol=1e-12)
    model = fitted(Ipf(margins, prior=12.0), block(*columns))
    np.testing.assert_allclose(model.shares, poisson.fittedvalues / 1012, atol=1e-6)
    assert model.notes == ()


def test_margins_that_were_given_are_all_that_the_fit_knows() -> None:
    columns = rows(500, 2)
    table = table_of(*columns)
    margins = (("a", "b"), ("c", "b"))
    counts = (table.sum(axis=2).tolist(), table.sum(axis=0).T.tolist())
    given = fitted(Ipf(margins, counts), block(*columns))
    np.testing.assert_allclose(given.shares, fitted(Ipf(margins), block(*columns)).shares, atol=1e-12)
    # Other rows, none at all: the same model.
    other = block(*(np.full(7, -1) for _ in range(3)), sizes=SIZES)
    np.testing.assert_array_equal(fitted(Ipf(margins, counts), other).shares, given.shares)
    drawn = np.stack(given.draw(nothing(100_000), np.random.default_rng(3), None))
    expected = given.shares.reshape(SIZES)
    assert (np.abs(table_of(*drawn) / 100_000 - expected) <= 4.5 * share_errors(expected, 100_000)).all()


def test_counts_by_level_are_those_in_order() -> None:
    y = block([0], [0], sizes=(2, 3))
    nested = fitted(Ipf((("a", "b"),), ([[1, 0, 2], [0, 4, 0]],)), y)
    named = fitted(Ipf((("b", "a"),), ({"b0": {"a0": 1}, "b1": {"a1": 4}, "b2": {"a0": 2}},)), y)
    np.testing.assert_allclose(nested.shares, np.array([1, 0, 2, 0, 4, 0]) / 7)
    np.testing.assert_allclose(named.shares, nested.shares)


def test_noisy_margins_are_met_in_the_middle_with_a_note() -> None:
    y = block([0], [0], [0], sizes=(2, 2, 2))
    counts = ([[40.0, 10.0], [10.0, 40.0]], [[60.0, 0.0], [-3.0, 40.0]])
    model = fitted(Ipf((("a", "b"), ("a", "c")), counts), y)
    assert model.notes == ("contradicting_margins",)
    shares = model.shares.reshape(2, 2, 2)
    assert 0.5 < shares[0].sum() < 0.6  # one margin says 0.5, the other 0.6
    assert shares[0, :, 1].sum() == pytest.approx(0.0, abs=1e-9)
    assert shares.sum() == pytest.approx(1.0)


def test_structural_zeros_stay_empty() -> None:
    columns = rows(600, 4)  # a = 1 never has b = 0
    zeros = ({"a": "a1", "b": "b0"}, {"a": "a0", "b": ["b2"]})
    model = fitted(Ipf((("a",), ("b",), ("c",)), zeros=zeros, prior=1.0), block(*columns))
    shares = model.shares.reshape(SIZES)
    assert shares[1, 0].sum() == shares[0, 2].sum() == 0.0
    expected = (table_of(*columns).sum(axis=(0, 2)) + 1 / 3) / 601
    np.testing.assert_allclose(shares.sum(axis=(0, 2)), expected, atol=1e-8)
    with pytest.raises(DataError, match="zeros"):
        fitted(Ipf(zeros=({"a": "a0", "b": "b0"},)), block(*columns))
    with pytest.raises(SpecError, match="leave no cell"):
        fitted(Ipf(zeros=({"a": ["a0", "a1"]},)), block(*columns))


@pytest.mark.parametrize("given", [False, True])
def test_proper_shares_of_a_margin_have_their_posterior(given: bool) -> None:
    rng = np.random.default_rng(5)
    a, b = rng.integers(0, 2, 60), rng.integers(0, 3, 60)
    n = np.bincount(a)
    counts = (n.tolist(), np.bincount(b).tolist()) if given else None
    method = Ipf((("a",), ("b",)), counts, iterations=10, proper=True)
    shares = [fitted(method, block(a, b), seed).shares.reshape(2, 3).sum(axis=1)[0] for seed in range(500)]
    # Independence: the margins' shares have the Dirichlet posterior of their counts.
    assert stats.kstest(shares, stats.beta(n[0], n[1]).cdf).pvalue > 1e-3


@pytest.mark.parametrize("proper", [False, True])
def test_missing_cells_count_as_the_likelihood_says(proper: bool) -> None:
    rng = np.random.default_rng(6)
    a = rng.integers(0, 2, 4000)
    b = (rng.random(4000) < 0.2 + 0.5 * a).astype(int)
    seen = np.where(rng.random(4000) < 0.1 + 0.6 * a, -1, b)
    y = block(a, seen, sizes=(2, 2))
    shares = np.mean([fitted(Ipf(proper=proper), y, seed).shares for seed in range(30 if proper else 1)], axis=0)
    given_a = [np.mean(seen[(seen >= 0) & (a == k)]) for k in range(2)]
    maximum = [np.mean(a == k) * p for k in range(2) for p in (1 - given_a[k], given_a[k])]
    tolerance = 4 * 0.5 / np.sqrt(1000) / np.sqrt(30) if proper else 1e-6
    np.testing.assert_allclose(shares, maximum, atol=tolerance)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"margins": (("a", "z"),)}, "no column of the block"),
        ({"margins": (("a", "a"),)}, "twice"),
        ({"counts": ([1, 2],)}, "without `margins`"),
        ({"margins": (("a",),), "counts": ([1, 2],)}, "no margin of ipf has the column 'b'"),
        ({"margins": (("a",), ("b",)), "counts": ([1, 2],)}, "2 margins and 1 tables"),
        ({"margins": (("a",), ("b",)), "counts": ([1, 2], [1, 2])}, "do not have the 3 levels of 'b'"),
        ({"margins": (("a",), ("b",)), "counts": ([1, "x"], [1, 2, 3])}, "no number"),
        ({"margins": (("a",), ("b",)), "counts": ([1, float("inf")], [1, 2, 3])}, "not finite"),
        ({"margins": (("a",), ("b",)), "counts": ([0, -1], [1, 2, 3])}, "no count above 0"),
        ({"margins": (("a",), ("b",)), "counts": ([1, 1], {"b9": 3})}, "a level that 'b' does not have"),
    ],
)
def test_wrong_margins_are_explained(options: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        fitted(Ipf(**options), block([0], [0], sizes=(2, 3)))


def test_one_column_and_no_row_that_counts() -> None:
    model = fitted(Ipf(), block([0, 1, 1]))
    np.testing.assert_allclose(model.shares, [1 / 3, 2 / 3])
    empty = fitted(Ipf(), block([-1, -1], sizes=(2,)))
    np.testing.assert_allclose(empty.shares, [0.5, 0.5])
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.shares, model.shares)


def test_an_impossible_margin_ends() -> None:
    start = np.array([[1.0, 0.0], [0.0, 0.0]])
    table, notes = fit_margins(start, [((0,), np.array([0.0, 1.0]))], 5)
    assert notes == ("contradicting_margins",)
    assert np.isfinite(table).all()
