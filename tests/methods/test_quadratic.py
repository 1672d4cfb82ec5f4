"""`quadratic`: a model with a square is recovered where matching alone misses it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from replicant.methods import Response
from replicant.methods.matching import MatchingModel
from replicant.methods.pmm import Pmm
from replicant.methods.quadratic import Quadratic, QuadraticModel

RNG = np.random.default_rng(0)
TRUTH = np.array([1.0, 1.0, 1.0, 0.0])


def completed(method: Any, seed: int) -> npt.NDArray[np.float64]:
    """Coefficients of 1, x, x^2 and w. The outcome is 1 + x + x^2 + e; half of x is missing, and w is related to it."""
    rng = np.random.default_rng(seed)
    w = rng.normal(size=2000)
    x = 0.5 * w + np.sqrt(0.75) * rng.normal(size=2000)
    y = 1 + x + x**2 + rng.normal(size=2000)
    missing = rng.random(2000) < 0.5
    design = np.column_stack([np.ones(2000), w, y])
    seen = Response(np.arange((~missing).sum(), dtype=np.int32), numbers=x[~missing])
    drawn = method.fit(seen, design[~missing], None, rng).draw(design[missing], rng)
    full = x.copy()
    full[missing] = drawn if drawn.dtype.kind == "f" else x[~missing][drawn]
    return np.asarray(np.linalg.lstsq(np.column_stack([np.ones(2000), full, full**2, w]), y)[0])


def test_the_coefficients_of_x_and_its_square_are_recovered() -> None:
    """Within the Monte-Carlo error of 12 sets, in which a coefficient has a standard error of 0.03 or less."""
    ours = np.mean([completed(Quadratic(proper=True), seed) for seed in range(12)], axis=0)
    matched = np.mean([completed(Pmm(proper=True), seed) for seed in range(12)], axis=0)
    assert np.abs(ours - TRUTH).max() < 4 * 0.03 / np.sqrt(12)
    assert np.abs(matched - TRUTH).max() > 0.15


def test_a_draw_is_an_observed_number_or_its_mirror_image() -> None:
    rng = np.random.default_rng(1)
    x = np.round(rng.normal(5, 1, 400), 2)
    y = (x - 5) ** 2 + rng.normal(0, 0.1, 400)
    design = np.column_stack([np.ones(400), y])
    model = Quadratic().fit(Response(np.arange(400, dtype=np.int32), numbers=x), design, None, RNG)
    assert isinstance(model, QuadraticModel)
    vertex = model.vertex * model.scale
    assert vertex == pytest.approx(5.0, abs=0.05)
    drawn = model.draw(design, rng)
    distance = np.abs(drawn - vertex)
    assert np.abs(distance[:, None] - np.abs(x - vertex)).min(axis=1).max() < 1e-9
    assert 0.35 < (drawn > vertex).mean() < 0.65


def test_without_a_square_it_is_matching() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=300)
    design = np.column_stack([np.ones(300), x + rng.normal(size=300)])
    y = Response(np.arange(300, dtype=np.int32), numbers=x)
    model = Quadratic().fit(y, design, None, RNG)
    assert isinstance(model, MatchingModel)
    np.testing.assert_array_equal(
        model.draw(design, np.random.default_rng(3)),
        Pmm().fit(y, design, None, RNG).draw(design, np.random.default_rng(3)),
    )
