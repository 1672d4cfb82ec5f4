"""`nested`: a detail comes with its own broader code only, in the shares that it has there."""

from __future__ import annotations

import numpy as np
import pytest

from replicant.methods.nested import Nested

from .coded import classes, new_rows, predictors, rows_of

BROAD = np.array([0] * 30 + [1] * 60 + [2] * 10)
DETAIL = np.concatenate([np.arange(30) % 2, 2 + np.arange(60) % 3, [5] * 10])


def test_details_have_their_shares_within_the_broader_code() -> None:
    x = predictors(BROAD, nominal=(0,))
    model = Nested("broad").fit(classes(DETAIL), x, None, np.random.default_rng(1))
    assert model.notes == ()
    drawn = model.draw(new_rows(x, np.repeat([0, 40, 95], 20_000)), np.random.default_rng(2)).reshape(3, -1)
    for row, (held, share) in enumerate([({0, 1}, 1 / 2), ({2, 3, 4}, 1 / 3), ({5}, 1)]):
        assert set(drawn[row]) == held
        assert np.mean(drawn[row] == min(held)) == pytest.approx(share, abs=4 * np.sqrt(0.25 / 20_000))


def test_a_broader_code_without_donors_draws_from_the_whole_column() -> None:
    x = predictors(BROAD, nominal=(0,))
    model = Nested("broad").fit(classes(DETAIL), x, (BROAD != 2).astype(np.int32), np.random.default_rng(3))
    assert model.notes == ("unseen_code",)
    assert set(model.draw(rows_of(x, np.full(500, 99)), np.random.default_rng(4))) == {0, 1, 2, 3, 4}


def test_proper_donors_vary_between_fits() -> None:
    x = predictors(BROAD, nominal=(0,))
    rows = new_rows(x, np.zeros(2000))
    shares = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        shares.append(np.mean(Nested("broad", proper=True).fit(classes(DETAIL), x, None, rng).draw(rows, rng)))
    # The variance of a share of 30 rows, and of the 2,000 draws.
    expected = 0.25 / 30 + 0.25 / 2000
    assert np.var(shares) == pytest.approx(expected, rel=4 * np.sqrt(2 / 200))
