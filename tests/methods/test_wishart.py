"""Inverse Wishart draws against SciPy's."""

from __future__ import annotations

import numpy as np
from scipy import stats

from replicant.methods.wishart import draw_inverse_wishart

SCALE = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, 0.3], [0.0, 0.3, 3.0]])


def test_draws_have_the_distribution_of_scipys() -> None:
    rng = np.random.default_rng(1)
    ours = np.array([draw_inverse_wishart(9.0, SCALE, rng) for _ in range(4000)])
    theirs = stats.invwishart(9, SCALE).rvs(4000, random_state=2)
    np.testing.assert_allclose(ours.mean(axis=0), SCALE / 5, atol=4 * theirs.std(axis=0).max() / np.sqrt(4000))
    for i, j in [(0, 0), (0, 1), (2, 1)]:
        assert stats.ks_2samp(ours[:, i, j], theirs[:, i, j]).pvalue > 1e-4
    assert stats.ks_2samp(np.linalg.det(ours), np.linalg.det(theirs)).pvalue > 1e-4
