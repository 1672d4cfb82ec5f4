"""R-hat beside R's posterior package, autocorrelation beside NumPy, and what is said of chains of known behaviour."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from replicant.errors import SpecError
from replicant.missing import Convergence, convergence
from replicant.missing.convergence import autocorrelation, split_rhat

# posterior 1.4: .rhat(z_scale(.split_chains(x))) of the chains below
POSTERIOR = {4: 1.2727898406055, 7: 1.3071048819583, 10: 1.29020267815687, 20: 1.20416166502126}


@pytest.mark.parametrize(("iterations", "expected"), POSTERIOR.items())
def test_rhat_is_that_of_posterior(iterations: int, expected: float) -> None:
    t, c = np.arange(1, iterations + 1)[None, :], np.arange(1, 6)[:, None]
    chains = np.sin(1.7 * t * c) + 0.3 * c + t / iterations * np.cos(c)
    assert split_rhat(chains) == pytest.approx(expected, rel=1e-12)
    assert split_rhat(-7.5 * chains + 1e3) == pytest.approx(expected, rel=1e-9)


def test_rhat_of_ties_is_that_of_posterior() -> None:
    t, c = np.arange(1, 11)[None, :], np.arange(1, 4)[:, None]
    assert split_rhat(np.round(np.sin(1.7 * t * c))) == pytest.approx(0.931830480307059, rel=1e-12)


def made(chains: Any, spreads: Any = None) -> Convergence:
    """Of one column."""
    chains = np.asarray(chains, dtype=float)
    return convergence(["a"], chains[None], (np.ones_like(chains) if spreads is None else spreads)[None])


def test_chains_that_never_move() -> None:
    """Equal ones agree, others do not; what differs by rounding only is equal."""
    found = made(np.full((5, 10), 3.7))
    assert found.frame["rhat"].tolist() == [1.0, 1.0]
    assert found.frame["autocorrelation"].tolist() == [0.0, 0.0]
    assert found.poor() == ()
    apart = np.repeat(np.arange(5.0)[:, None], 10, axis=1)
    assert split_rhat(apart) == np.inf
    assert made(apart).poor() == ("a",)
    noise = 3.7 * (1 + 1e-15 * np.arange(50).reshape(5, 10))
    assert split_rhat(noise) == 1.0


def test_independent_draws_look_poor_once_in_a_thousand() -> None:
    """The limit, by simulation: R-hat of independent normal draws."""
    rng = np.random.default_rng(8)
    for m, iterations in ((5, 5), (5, 10), (10, 7), (3, 40)):
        limit = made(rng.normal(size=(m, iterations))).limit
        rhats = [split_rhat(rng.normal(size=(m, iterations))) for _ in range(1000)]
        assert np.mean(np.array(rhats) > limit) <= 0.001 + 4 * np.sqrt(0.001 / 1000)
    assert made(rng.normal(size=(5, 400))).limit == 1.1


def test_a_trend_and_chains_apart_look_poor() -> None:
    rng = np.random.default_rng(2)
    noise = rng.normal(size=(5, 20))
    assert made(noise).poor() == ()
    assert made(noise + np.arange(20)).poor() == ("a",)
    assert made(noise + 5 * np.arange(5)[:, None]).poor() == ("a",)
    assert made(noise, np.abs(noise) + np.arange(20)).poor() == ("a",)
    assert made(noise).poor(threshold=0.5) == ("a",)
    assert "The chains of a do not agree" in str(made(noise + np.arange(20)))
    assert "All chains agree" in str(made(noise))


def test_autocorrelation_of_one_chain_is_that_of_the_textbook() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=2000)
    for i in range(1, 2000):
        x[i] += 0.6 * x[i - 1]
    c = x - x.mean()
    expected = np.correlate(c[:-1], c[1:])[0] / (c @ c)
    assert autocorrelation(x[None]) == pytest.approx(expected, abs=1e-9)
    assert expected == pytest.approx(0.6, abs=4 * np.sqrt((1 - 0.36) / 2000))
    assert autocorrelation(np.stack([x, x + 40])) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("iterations", [1, 2, 3])
def test_of_few_iterations_nothing_is_said(iterations: int) -> None:
    found = made(np.arange(5.0)[:, None] * np.ones(iterations))
    assert found.poor() == ()
    assert found.frame["rhat"].isna().all()
    assert "nothing can be said" in str(found)
    assert "nothing can be said" in found._repr_html_()


@given(arrays(float, st.tuples(st.integers(1, 4), st.integers(4, 9)), elements=st.floats(-1e308, 1e308)))
def test_whatever_the_chains_the_figures_are_numbers(chains: Any) -> None:
    found = made(chains)
    assert not found.frame.isna().any().any()
    assert (found.frame["rhat"] >= 0).all()
    assert found.frame["autocorrelation"].abs().max() <= 1 + 1e-9
    assert np.isfinite(found.frame[["first", "last"]]).all().all()


def test_frames() -> None:
    means = np.arange(24.0).reshape(3, 2, 4)
    means[1] = np.nan  # nothing was imputed
    spreads = np.full((3, 2, 4), np.nan)  # one cell each
    found = convergence(["a", "b", "c"], means, spreads)
    assert found.columns == ("a", "c")
    assert (found.m, found.iterations) == (2, 4)
    frame = found.frame
    assert list(frame.columns) == ["column", "statistic", "rhat", "autocorrelation", "first", "last"]
    assert frame[["column", "statistic"]].to_numpy().tolist() == [
        *(["a", "mean"], ["a", "sd"], ["c", "mean"], ["c", "sd"])
    ]
    assert frame["first"].tolist() == [2.0, 0.0, 18.0, 0.0]
    assert frame["last"].tolist() == [5.0, 0.0, 21.0, 0.0]
    assert len(found.traces) == 16
    row = found.traces.query("column == 'c' and imputation == 2 and iteration == 3").iloc[0]
    assert (row["mean"], row["sd"]) == (means[2, 1, 2], 0.0)
    assert repr(found) == "<Convergence: 2 columns, 2 chains of 4 iterations>"


def test_nothing_imputed_and_shapes_that_do_not_fit() -> None:
    empty = convergence(["a"], np.full((1, 2, 5), np.nan), np.full((1, 2, 5), np.nan))
    assert empty.columns == ()
    assert empty.poor() == ()
    assert "no chains" in str(empty)
    assert len(empty.traces) == 0
    with pytest.raises(SpecError, match="1 columns"):
        convergence(["a"], np.zeros((2, 3, 4)), np.zeros((2, 3, 4)))
