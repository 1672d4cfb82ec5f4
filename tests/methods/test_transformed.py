"""`lognorm`, `sqrtnorm`, `cubertnorm`, `normrank` and `mean`: `norm` on another scale, and the way back."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import ks_2samp, norm, rankdata

from replicant.methods import Response
from replicant.methods.cubertnorm import Cubertnorm
from replicant.methods.lognorm import Lognorm
from replicant.methods.mean import Mean
from replicant.methods.norm import Norm
from replicant.methods.normrank import Normrank
from replicant.methods.sqrtnorm import Sqrtnorm

RNG = np.random.default_rng(0)
Floats = npt.NDArray[np.float64]


def table(n: int = 200, seed: int = 1) -> tuple[Floats, Floats]:
    """Normal numbers and their predictors."""
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), rng.normal(size=n), rng.integers(0, 2, n)])
    return 3 + x @ [0.0, 0.5, -0.4] + 0.3 * rng.normal(size=n), x


def response(numbers: Floats) -> Response:
    values, codes = np.unique(numbers, return_inverse=True)
    return Response(codes.astype(np.int32), numbers=values[codes])


@pytest.mark.parametrize("proper", [False, True])
@pytest.mark.parametrize(("method", "back"), [(Lognorm, np.exp), (Sqrtnorm, np.square), (Cubertnorm, lambda z: z**3)])
def test_draws_are_those_of_norm_carried_back(method: Any, back: Any, proper: bool) -> None:
    z, x = table()
    ours = method(proper=proper).fit(response(back(z)), x, None, RNG)
    theirs = Norm(proper=proper).fit(response(z), x, None, RNG)
    assert ours.notes == ()
    drawn, expected = (model.draw(x, np.random.default_rng(2)) for model in (ours, theirs))
    np.testing.assert_allclose(drawn, back(expected), rtol=1e-9)


def test_what_has_no_logarithm_is_shifted() -> None:
    z, x = table()
    counts = np.floor(np.exp(z) / 4)
    assert (counts == 0).any()
    model = Lognorm().fit(response(counts), x, None, RNG)
    assert model.notes == ("shifted",)
    assert model.shift == 0.5  # 0 becomes half of the gap to 1
    drawn = model.draw(x, np.random.default_rng(3))
    assert (drawn > -0.5).all()
    assert np.median(drawn) == pytest.approx(np.median(counts), rel=0.15)
    below = Lognorm().fit(response(counts - 7), x, None, RNG)
    np.testing.assert_allclose(below.draw(x, np.random.default_rng(3)), drawn - 7)
    for same in (0.0, -1e90):
        drawn = Lognorm().fit(response(np.full(200, same)), x, None, RNG).draw(x, RNG)
        np.testing.assert_allclose(drawn, same, rtol=1e-12)


def test_what_has_no_root_is_shifted_and_no_root_is_negative() -> None:
    z, x = table()
    model = Sqrtnorm().fit(response(z**2 - 20), x, None, RNG)
    assert model.notes == ("shifted",)
    drawn = model.draw(x, np.random.default_rng(4))
    assert drawn.min() >= (z**2 - 20).min()
    near = (
        Sqrtnorm().fit(response(np.abs(z - 3)), x, None, RNG).draw(np.repeat(x, 20, axis=0), np.random.default_rng(5))
    )
    assert near.min() == 0.0


def test_normal_scores_are_those_of_van_der_waerden() -> None:
    """By scipy's ranks, of which equal numbers share the mean; a draw of a score is the number of that rank."""
    z, x = table()
    numbers = np.round(np.exp(z))
    y = response(numbers)
    ours = Normrank().fit(y, x, None, RNG)
    scores = norm.ppf(rankdata(numbers) / 201)
    theirs = Norm().fit(response(scores), x, None, RNG)
    drawn = ours.draw(x, np.random.default_rng(6))
    assert drawn.dtype == np.int32
    ranks = np.clip(np.rint(norm.cdf(theirs.draw(x, np.random.default_rng(6))) * 201), 1, 200).astype(int)
    np.testing.assert_array_equal(np.unique(numbers)[drawn], np.sort(numbers)[ranks - 1])
    weights = np.random.default_rng(7).integers(1, 4, 200).astype(np.int32)
    rows = np.repeat(np.arange(200), weights)
    one = Normrank().fit(y, x, weights, RNG).draw(x, np.random.default_rng(8))
    two = Normrank().fit(response(numbers[rows]), x[rows], None, RNG).draw(x, np.random.default_rng(8))
    np.testing.assert_array_equal(one, two)


def test_the_distribution_of_a_column_is_kept_whatever_it_is() -> None:
    rng = np.random.default_rng(9)
    x = np.column_stack([np.ones(4000), rng.normal(size=4000)])
    numbers = np.where(rng.random(4000) < 0.3, rng.gamma(0.5, size=4000), 20 + x[:, 1])
    values = np.sort(numbers)
    drawn = values[Normrank(proper=True).fit(response(numbers), x, None, RNG).draw(x, rng)]
    assert ks_2samp(drawn, numbers).pvalue > 1e-3


def test_the_mean_is_weighted() -> None:
    y = response(np.array([1.0, 2.0, 6.0]))
    x = np.ones((3, 1))
    assert Mean().fit(y, x, None, RNG).draw(x, RNG).tolist() == [3.0] * 3
    assert Mean().fit(y, x, np.array([4, 1, 1], dtype=np.int32), RNG).draw(x, RNG).tolist() == [2.0] * 3
