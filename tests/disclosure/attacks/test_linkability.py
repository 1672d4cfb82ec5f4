"""Records are linked through their own synthetic copy, and by chance where the sources are independent."""

from __future__ import annotations

import numpy as np
import pytest

from replicant.disclosure.attacks.linkability import linkability, links
from replicant.disclosure.attacks.pool import pool

from .samples import population, rows_of

FIRST, SECOND = ["age", "region", "score"], ["income", "height", "work"]


def test_links_go_through_a_copy() -> None:
    rng = np.random.default_rng(1)
    real, other = rows_of(population(200, rng), population(200, rng))
    assert links(real, real, FIRST, SECOND).mean() > 0.95
    assert links(other, real, FIRST, SECOND).mean() < 0.1


def test_sources_that_are_independent_link_by_chance() -> None:
    """80 records in 20 releases: the share is 1 / 80 but for three times the error of 1,600 trials."""
    rng = np.random.default_rng(2)
    shares = []
    for _ in range(20):
        real, other = rows_of(population(80, rng), population(200, rng))
        shares.append(links(other, real, ["height"], ["sex", "region"]).mean())
    assert abs(np.mean(shares) - 1 / 80) < 3 * np.sqrt(1 / 80 / 1600)


def test_equal_records_share_a_link() -> None:
    rng = np.random.default_rng(3)
    frame = population(40, rng)
    real, _ = rows_of(frame.iloc[np.zeros(40, int)].reset_index(drop=True), frame)
    figure = linkability([real], pool(real, 20, rng), pool(real, 10, rng), FIRST, SECOND)[0]
    assert (figure.value, figure.baseline) == pytest.approx((1 / 20, 1 / 10))
