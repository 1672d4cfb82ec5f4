"""Joint tests: in one dimension the squared t, invariance, Wald against likelihood ratio, and the level."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import replicant as rp
from replicant.pool import likelihood_ratio, wald
from replicant.pool.tests_multivariate import RULES_OF_TESTS

SINGLE = [rule for rule in RULES_OF_TESTS if rule != "reiter2004"]


def sets(seed: int, m: int = 4, q: int = 3, r: int | None = None, spread: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    shape = (m,) if r is None else (m, r)
    root = rng.normal(size=(*shape, q, q)) * 0.2 + np.eye(q)
    estimates = rng.normal(size=(*shape, q)) * spread + 0.5
    if r is not None:
        estimates += rng.normal(size=(m, 1, q)) * spread
    return estimates, root @ np.swapaxes(root, -1, -2)


@given(st.integers(0, 10_000), st.sampled_from(RULES_OF_TESTS), st.integers(2, 5))
def test_in_one_dimension_it_is_the_squared_t(seed: int, rule: str, m: int) -> None:
    estimates, covariances = sets(seed, m=m, q=1, r=3 if rule == "reiter2004" else None, spread=2.0)
    joint, pooled = wald(estimates, covariances, rule, null=0.2), rp.pool(estimates - 0.2, covariances, rule)
    if pooled.messages and "negative" in pooled.messages[0]:
        assert np.isnan(joint.statistic)
        return
    assert joint.statistic == pytest.approx(pooled.statistic[0] ** 2, rel=1e-9)
    # t = m - 1 is at most 4 here: the same df, but that Rubin's scalar rule lets them be 1e8 (m - 1) at most.
    assert 1 / joint.df2 == pytest.approx(1 / pooled.df[0], rel=1e-6, abs=1.1e-8)
    assert joint.p_value == pytest.approx(pooled.p_value[0], rel=1e-6, abs=1e-7)


@given(st.integers(0, 10_000), st.sampled_from(RULES_OF_TESTS))
def test_a_linear_change_of_parameters_changes_nothing(seed: int, rule: str) -> None:
    estimates, covariances = sets(seed, r=3 if rule == "reiter2004" else None)
    turn = np.random.default_rng(seed + 1).normal(size=(3, 3)) + 3 * np.eye(3)
    one = wald(estimates, covariances, rule)
    other = wald(estimates @ turn.T, turn @ covariances @ turn.T, rule)
    by_contrast = wald(estimates, covariances, rule, contrast=turn)
    for again in (other, by_contrast):
        np.testing.assert_allclose(
            [again.statistic, again.df2, again.p_value, again.r],
            [one.statistic, one.df2, one.p_value, one.r],
            rtol=1e-6,
        )


@given(st.integers(0, 10_000), st.sampled_from(RULES_OF_TESTS))
def test_with_quadratic_log_likelihoods_both_tests_agree(seed: int, rule: str) -> None:
    """Deviances of a normal mean with known covariance are quadratic forms, so the two tests are one."""
    r = 3 if rule == "reiter2004" else None
    estimates, _ = sets(seed, r=r)
    covariance = np.diag([0.5, 1.0, 2.0]) + 0.2
    inverse = np.linalg.inv(covariance)

    def form(x: np.ndarray) -> np.ndarray:
        return np.einsum("...i,ij,...j", x, inverse, x)

    centre = estimates.reshape(-1, 3).mean(axis=0)
    own, pooled = form(estimates), form(estimates) - form(estimates - centre)
    nests = None if r is None else form(estimates) - form(estimates - estimates.mean(axis=1, keepdims=True))
    one = wald(estimates, np.broadcast_to(covariance, (*estimates.shape, 3)), rule)
    other = likelihood_ratio(own, pooled, 3, rule, nests=nests)
    np.testing.assert_allclose(
        [other.statistic, other.df2, other.p_value, other.r], [one.statistic, one.df2, one.p_value, one.r], rtol=1e-6
    )


def test_the_formulas_of_mices_d1_and_d3() -> None:
    """Written out: r = (1 + 1/m) tr(B U^-1)/p and Li, Raghunathan & Rubin's df; Meng & Rubin's r from deviances."""
    estimates, covariances = sets(7, m=5, q=3)
    between = np.cov(estimates.T)
    ubar = covariances.mean(axis=0)
    r = 1.2 * np.trace(between @ np.linalg.inv(ubar)) / 3
    mean = estimates.mean(axis=0)
    joint = wald(estimates, covariances, "rubin1987")
    assert joint.r == pytest.approx(r)
    assert joint.statistic == pytest.approx(mean @ np.linalg.inv(ubar) @ mean / 3 / (1 + r))
    assert joint.df2 == pytest.approx(4 + 8 * (1 + (1 - 2 / 12) / r) ** 2)

    d3 = likelihood_ratio([10.0, 14.0, 12.0], [8.0, 12.0, 10.0], 2, "rubin1987")
    r = 4 / (2 * 2) * 2
    assert (d3.r, d3.statistic) == (pytest.approx(r), pytest.approx(10 / (2 * (1 + r))))


def _partial(rng: np.random.Generator, real: np.ndarray, m: int, r: int) -> np.ndarray:
    return real + rng.normal(size=(m, 3)) * 0.7


def _proper(rng: np.random.Generator, real: np.ndarray, m: int, r: int) -> np.ndarray:
    return real + rng.normal(size=(m, 3)) * np.sqrt(2)


def _fitted(rng: np.random.Generator, real: np.ndarray, m: int, r: int) -> np.ndarray:
    return real + rng.normal(size=(m, 3))


def _nested(rng: np.random.Generator, real: np.ndarray, m: int, r: int) -> np.ndarray:
    # The incomplete data's estimate is off the complete data's by V_mis = 0.8, and so is each imputation.
    start = real + rng.normal(size=3) * np.sqrt(0.8)
    return start + rng.normal(size=(m, 1, 3)) * np.sqrt(0.8) + rng.normal(size=(m, r, 3))


def _imputed(rng: np.random.Generator, real: np.ndarray, m: int, r: int) -> np.ndarray:
    return real + rng.normal(size=3) * np.sqrt(0.8) + rng.normal(size=(m, 3)) * np.sqrt(0.8)


@pytest.mark.parametrize(
    ("rule", "made", "m", "r"),
    [
        ("reiter2003", _partial, 3, 1),
        ("reiter2003", _fitted, 5, 1),
        ("raab2016_simple", _fitted, 1, 1),
        ("raab2016_proper", _proper, 4, 1),
        ("raghunathan2003", _proper, 100, 1),
        ("rubin1987", _imputed, 5, 1),
        ("reiter2004", _nested, 5, 4),
        ("reiter2004", _nested, 10, 2),
    ],
)
def test_the_level_is_five_percent(
    rule: str, made: Callable[[np.random.Generator, np.ndarray, int, int], np.ndarray], m: int, r: int
) -> None:
    """Estimates of a true null vector, unit variances: 5 % of tests reject, within four Monte-Carlo errors."""
    rng = np.random.default_rng(11)
    repeats, rejected = 1500, 0
    for _ in range(repeats):
        estimates = made(rng, rng.normal(size=3), m, r)
        rejected += wald(estimates, np.broadcast_to(np.eye(3), (*estimates.shape, 3)), rule).p_value < 0.05
    error = np.sqrt(0.05 * 0.95 / repeats)
    assert rejected / repeats < 0.05 + 4 * error
    assert rejected / repeats > 0.05 - 4 * error


def test_what_is_refused_says_why() -> None:
    estimates, covariances = sets(1)
    with pytest.raises(rp.SpecError, match="conservative bound"):
        wald(estimates, covariances, "one_step")
    with pytest.raises(rp.SpecError, match="singular"):
        wald(estimates, np.ones((4, 3, 3)))
    with pytest.raises(rp.SpecError, match="two sets"):
        wald(estimates[:1], covariances[:1])
    with pytest.raises(rp.SpecError, match="shape"):
        wald(estimates, covariances, "reiter2004")
    with pytest.raises(rp.SpecError, match="contrast"):
        wald(estimates, covariances, contrast=[[1, 0]])
    with pytest.raises(rp.SpecError, match="nests"):
        likelihood_ratio(np.ones((2, 2)), np.ones((2, 2)), 1, "reiter2004")
    few = wald(np.ones((3, 2)) + np.eye(3, 2) * 0.01, np.broadcast_to(np.eye(2), (3, 2, 2)), "raghunathan2003")
    assert np.isnan(few.p_value)
    assert few.messages
