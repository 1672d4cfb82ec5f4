"""`pmm`: donors are those that a search by hand finds, ties are broken at random, and the rule covers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.methods import Response
from replicant.methods.matching import MatchingModel
from replicant.methods.pmm import Pmm

RNG = np.random.default_rng(0)
Floats = npt.NDArray[np.float64]


def line(x: Floats, y: Floats | None = None) -> tuple[Response, Floats]:
    """A table with one predictor, whose codes are positions of rows."""
    numbers = x if y is None else y
    return Response(np.arange(len(x), dtype=np.int32), numbers=numbers), np.column_stack([np.ones(len(x)), x])


def donors(model: MatchingModel, x: float, size: int = 4000, seed: int = 1) -> npt.NDArray[np.intp]:
    """How often each row donates to one."""
    drawn = model.draw(np.tile([1.0, x], (size, 1)), np.random.default_rng(seed))
    return np.bincount(drawn, minlength=len(model.donors.codes))


@given(
    known=st.lists(st.integers(-50, 50), min_size=2, max_size=30, unique=True),
    d=st.integers(1, 8),
    at=st.integers(-60, 60),
)
def test_donors_are_the_nearest_ones(known: list[int], d: int, at: int) -> None:
    """Compared with a sort by distance. A point that is a quarter off a whole number is never in the middle of two."""
    x = np.array(known, dtype=float)
    y, design = line(x, 2 * x + 1)
    model = Pmm(donors=d).fit(y, design, None, RNG)
    point = at + 0.25
    # The prediction may be by a ridge, if there are two rows: distances keep their order.
    nearest = set(np.argsort(np.abs(x - point), kind="stable")[:d].tolist())
    found = set(np.flatnonzero(donors(model, point, 400)).tolist())
    assert found <= nearest
    assert len(found) == len(nearest)
    assert ("few_donors" in model.notes) == (d > len(x))


def test_each_of_the_nearest_donates_equally_often() -> None:
    y, x = line(np.arange(100.0))
    counts = donors(Pmm(donors=5).fit(y, x, None, RNG), 50.0, 20_000)
    assert np.flatnonzero(counts).tolist() == [48, 49, 50, 51, 52]
    assert (np.abs(counts[48:53] - 4000) < 4 * np.sqrt(20_000 * 0.2 * 0.8)).all()


def test_of_donors_that_are_equally_near_any_one_is_taken() -> None:
    y, x = line(np.arange(100.0))
    two = donors(Pmm(donors=2).fit(y, x, None, RNG), 50.0, 20_000)  # the row itself, and one of its two neighbours
    assert two[50] == pytest.approx(10_000, abs=4 * np.sqrt(5000))
    assert two[49] == pytest.approx(5000, abs=4 * np.sqrt(3750))
    assert two[51] == pytest.approx(5000, abs=4 * np.sqrt(3750))
    # Twenty rows with the same predictor are all as near, though only five of them are the nearest.
    groups = np.repeat(np.arange(5.0), 20)
    y, x = line(groups, groups + np.random.default_rng(2).normal(size=100))
    counts = donors(Pmm(donors=5).fit(y, x, None, RNG), 3.0, 20_000)
    assert np.flatnonzero(counts).tolist() == [*range(60, 80)]
    assert (np.abs(counts[60:80] - 1000) < 4.5 * np.sqrt(950)).all()


def test_without_predictors_every_row_donates() -> None:
    y = Response(np.arange(50, dtype=np.int32), numbers=np.random.default_rng(3).normal(size=50))
    model = Pmm(proper=True).fit(y, np.ones((50, 1)), None, RNG)
    counts = np.bincount(model.draw(np.ones((20_000, 1)), np.random.default_rng(4)), minlength=50)
    assert (np.abs(counts - 400) < 4.5 * np.sqrt(400)).all()


def test_repetitions_donate_as_often_as_they_count() -> None:
    y, x = line(np.arange(6.0))
    weights = np.array([1, 1, 4, 1, 1, 1], dtype=np.int32)
    counts = donors(Pmm(donors=5).fit(y, x, weights, RNG), 2.25, 20_000)
    assert np.flatnonzero(counts).tolist() == [2, 3]
    assert counts[2] == pytest.approx(16_000, abs=4 * np.sqrt(3200))


def test_drawn_coefficients_move_the_rows_that_are_drawn_and_not_the_donors() -> None:
    """The predictions of donors are the same for all draws; those of a row vary as its posterior does."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=400)
    y, design = line(x, x + rng.normal(size=400))
    model = Pmm(donors=1, proper=True).fit(y, design, None, RNG)
    assert (np.diff(model.donors.predictions) >= 0).all()
    point = np.array([[1.0, 0.5]])
    taken = np.array([x[model.draw(point, rng)[0]] for _ in range(4000)])
    error = np.sqrt((1 + (0.5 - x.mean()) ** 2 / x.var()) / 400)  # of a prediction; the slope is 1
    assert taken.std() == pytest.approx(error, rel=0.1)
    plain = Pmm(donors=1).fit(y, design, None, RNG)
    assert len({int(plain.draw(point, rng)[0]) for _ in range(50)}) == 1


def test_levels_in_order_are_matched_by_their_position() -> None:
    rng = np.random.default_rng(6)
    x = rng.normal(size=3000)
    classes = np.clip(np.round(x + 0.5 * rng.normal(size=3000) + 2), 0, 4).astype(np.int32)
    design = np.column_stack([np.ones(3000), x])
    drawn = Pmm().fit(Response(classes, classes=classes, n_classes=5), design, None, RNG).draw(design, rng)
    assert drawn.dtype == np.int32
    np.testing.assert_allclose(np.bincount(drawn, minlength=5) / 3000, np.bincount(classes) / 3000, atol=0.04)
    assert np.corrcoef(drawn, x)[0, 1] == pytest.approx(np.corrcoef(classes, x)[0, 1], abs=0.04)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["norm", "norm.boot", "pmm"])
def test_the_mean_of_an_incomplete_column_is_covered(method: str) -> None:
    """Ten imputations, pooled by Rubin's rules, of 1000 samples: 95 % intervals cover 93 to 97 %.

    Where more is missing the larger the predictor is, matching lacks donors at that end, and covers 90 %.
    """
    from replicant.methods import registered
    from replicant.pool import pool

    rng = np.random.default_rng(7)
    made = registered()[method].made_proper(True).method
    covered = 0
    for _ in range(1000):
        x = rng.normal(size=200)
        y = 1 + x + rng.normal(size=200)
        missing = rng.random(200) < (0.5 if method == "pmm" else 1 / (1 + np.exp(-x)))
        design = np.column_stack([np.ones(200), x])
        seen = Response(np.arange((~missing).sum(), dtype=np.int32), numbers=y[~missing])
        estimates, variances = [], []
        for _ in range(10):
            drawn = made.fit(seen, design[~missing], None, rng).draw(design[missing], rng)
            full = y.copy()
            full[missing] = drawn if drawn.dtype.kind == "f" else seen.numbers[drawn]
            estimates.append([full.mean()])
            variances.append([[full.var(ddof=1) / 200]])
        frame = pool(np.array(estimates), np.array(variances), rule="rubin1987").frame
        covered += bool(frame["conf_low"].iloc[0] < 1 < frame["conf_high"].iloc[0])
    assert 930 <= covered <= 970
