"""`rp.pool`: the table that comes out, transformations, how many sets, and what is refused."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import replicant as rp
from replicant.pool import m_needed, mc_error

RNG = np.random.default_rng(3)
Q = RNG.normal([1.0, -2.0, 0.5], 0.1, (5, 3))
U = RNG.uniform(0.01, 0.02, (5, 3))
COLUMNS = ["term", "estimate", "std_error", "statistic", "df", "p_value", "conf_low", "conf_high", "ubar", "b", "total"]


def test_the_frame_is_tidy_and_its_parts_agree() -> None:
    pooled = rp.pool(Q, U, terms=["a", "b", "c"], level=0.9)
    frame = pooled.frame
    assert list(frame.columns) == COLUMNS
    assert list(frame.term) == ["a", "b", "c"]
    np.testing.assert_allclose(frame.statistic, frame.estimate / frame.std_error)
    np.testing.assert_allclose(frame.std_error**2, frame.total)
    np.testing.assert_allclose(frame.p_value, 2 * stats.t.sf(np.abs(frame.statistic), frame.df), rtol=1e-9)
    np.testing.assert_allclose(frame.conf_high, frame.estimate + stats.t.ppf(0.95, frame.df) * frame.std_error)
    np.testing.assert_allclose(frame.conf_low + frame.conf_high, 2 * frame.estimate)


def test_names_come_from_a_frame() -> None:
    pooled = rp.pool(pd.DataFrame(Q, columns=["x", "y", "z"]), pd.DataFrame(U))
    assert pooled.terms == ("x", "y", "z")
    assert rp.pool(Q[:, 0], U[:, 0], terms="x").terms == ("x",)
    assert rp.pool(Q, U).terms == ("1", "2", "3")


def test_views_hold_every_term_and_escape() -> None:
    pooled = rp.pool(Q, U, terms=["<b>", "phb^4", "G1|G2"])
    page, text, latex = pooled._repr_html_(), pooled.summary(), pooled.to_latex()
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    assert "reiter2003, m = 5" in text
    assert "phb^4" in text
    assert r"phb\textasciicircum{}4" in latex
    assert latex.count(r"\\") == 4
    back = pd.read_csv(io.StringIO(pooled.to_csv() or ""))
    pd.testing.assert_frame_equal(back, pooled.frame, check_dtype=False, rtol=1e-14)


@pytest.mark.program
@pytest.mark.parametrize("first", ["replicant.pool.rules", "replicant.pool", "replicant"])
def test_the_function_is_there_whatever_was_imported_first(first: str) -> None:
    shown = "rp.pool([1., 2.], [1., 1.]).total[0], *inspect.signature(rp.pool).parameters"
    script = f"import inspect, {first}, replicant as rp; print({shown})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    total, *parameters = done.stdout.split()
    assert float(total) == pytest.approx(1.25)
    assert parameters[:3] == ["estimates", "variances", "rule"]


@pytest.mark.program
def test_scipy_is_loaded_when_needed_only() -> None:
    script = "import sys, replicant.pool; print('scipy' in sys.modules, 'pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


@pytest.mark.parametrize("df", [0.5, 1.0, 3.7, 60.0, 1e6, 1e12, np.inf])
def test_tails_are_those_of_scipy_stats(df: float) -> None:
    from replicant.pool.distributions import f_tail, t_quantile, t_tails

    at = np.array([0.0, 0.3, 2.0, 8.0])
    exact = stats.norm if df > 1e9 else stats.t(df)
    np.testing.assert_allclose(t_tails(at, df), 2 * exact.sf(at), rtol=1e-7)
    np.testing.assert_allclose(t_quantile(0.975, df), exact.ppf(0.975), rtol=1e-7)
    np.testing.assert_allclose(
        f_tail(at, 3, df), (stats.chi2(3).sf(3 * at) if df > 1e9 else stats.f(3, df).sf(at)), rtol=1e-6
    )


def test_fisher_z_by_hand() -> None:
    r = np.array([0.80, 0.84, 0.82])
    pooled = rp.pool(r, None, transform="fisher_z", k=103)
    z = np.arctanh(r)
    total = 1 / 100 + z.var(ddof=1) / 3
    assert pooled.estimate[0] == pytest.approx(np.tanh(z.mean()))
    assert pooled.total[0] == pytest.approx(total)
    reach = stats.t.ppf(0.975, pooled.df[0]) * np.sqrt(total)
    assert pooled.conf_high[0] == pytest.approx(np.tanh(z.mean() + reach))
    assert pooled.conf_high[0] < 1
    assert pooled.std_error[0] == pytest.approx(np.sqrt(total) * (1 - pooled.estimate[0] ** 2))


@pytest.mark.parametrize(
    ("transform", "values", "mean"),
    [
        ("logit", [0.01, 0.02, 0.03], stats.logistic.cdf(np.mean(stats.logistic.ppf([0.01, 0.02, 0.03])))),
        ("log", [1.0, 2.0, 4.0], 2.0),
    ],
)
def test_intervals_stay_in_range(transform: str, values: list[float], mean: float) -> None:
    pooled = rp.pool(values, [1e-4] * 3, transform=transform)
    assert pooled.estimate[0] == pytest.approx(mean)
    assert 0 < pooled.conf_low[0] < mean < pooled.conf_high[0]
    with pytest.raises(rp.SpecError, match="range"):
        rp.pool([0.0, 0.5], [0.1, 0.1], transform=transform)


def test_monte_carlo_error_and_the_m_that_reaches_a_target() -> None:
    pooled = rp.pool(Q, U)
    np.testing.assert_allclose(mc_error(pooled), Q.std(axis=0, ddof=1) / np.sqrt(5))
    for target in (0.3, 0.1, 0.03):
        m = m_needed(pooled, target)

        def worst(sets: int) -> float:
            return float(np.sqrt(pooled.b / sets / (pooled.ubar + pooled.b / sets)).max())

        assert worst(m) <= target * (1 + 1e-9)
        assert m == 1 or worst(m - 1) > target
    m = m_needed(pooled, 0.01, relative=False)
    assert np.sqrt(pooled.b.max() / m) <= 0.01 < np.sqrt(pooled.b.max() / (m - 1))
    one = rp.pool(Q[:1], U[:1], "raab2016_simple")
    np.testing.assert_allclose(mc_error(one, relative=True), np.sqrt(0.5))
    assert m_needed(one, 0.1) == 99  # (1/m) / (1 + 1/m) = 0.01
    assert m_needed(rp.pool(Q * 0 + 1, U), 0.1) == 1
    with pytest.raises(rp.SpecError, match="nothing but"):
        m_needed(rp.pool(Q, rule="census"), 0.1)


@pytest.mark.parametrize(
    ("arguments", "options", "says"),
    [
        ((Q, U, "auto"), {}, "choose"),
        ((Q, U, "reiter203"), {}, "did you mean 'reiter2003'"),
        ((Q, U, "reiter2004"), {}, "(m, r, q)"),
        ((Q[None], U[None]), {}, "(m, q)"),
        ((Q[:1], U[:1]), {}, "raab2016_simple"),
        ((Q, U[:3]), {}, "shape"),
        ((Q, -U), {}, "negative"),
        ((Q * np.array([1, np.nan, 1]), U), {}, "terms number 2"),
        ((Q, U), {"terms": ["a"]}, "1 terms are named"),
        ((Q, U), {"n": 100, "k": 50}, "raab2016_partial"),
        ((Q, U), {"v_mis": 1.0}, "one_step"),
        ((Q, U), {"population": 100}, "census"),
        ((Q, U, "census"), {"population": 100}, "give n"),
        ((Q, U, "census"), {"population": 100, "n": 200}, "population at least"),
        ((Q, U, "one_step"), {"v_mis": [1.0, 2.0]}, "v_mis"),
        ((Q, None), {}, "needs the variances"),
        ((Q, U), {"level": 95}, "between 0 and 1"),
        ((Q, U), {"transform": "fisher"}, "fisher_z"),
        (([[1.0], [1.0, 2.0]], [[1.0], [1.0, 2.0]]), {}, "rectangular"),
        ((Q[None, :1], U[None, :1], "reiter2004"), {}, "one_step"),
    ],
)
def test_what_is_refused_says_why(arguments: tuple[Any, ...], options: dict[str, Any], says: str) -> None:
    with pytest.raises(rp.SpecError) as caught:
        rp.pool(*arguments, **options)
    assert says in str(caught.value)


def test_census_and_messages() -> None:
    pooled = rp.pool(Q, rule="census")
    np.testing.assert_allclose(pooled.total, Q.var(axis=0, ddof=1) / 5)
    assert (pooled.df == 4).all()
    assert np.isfinite(pooled.conf_low).all()
    part = rp.pool(Q, U, "census", n=50, population=200)
    np.testing.assert_allclose(part.total, 0.75 * U.mean(axis=0) + Q.var(axis=0, ddof=1) / 5)
    assert "upper bound" in rp.pool(Q, U, "one_step", complete=False).summary()
