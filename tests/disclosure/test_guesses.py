"""Guesses of a model: better on records that it has seen, as good where it has not."""

from __future__ import annotations

import numpy as np
import pandas as pd

from replicant.disclosure.guesses import confident_guesses
from replicant.evaluation import Rows, compare_schemas, judged


def sample(rng: np.random.Generator, n: int, noise: float) -> pd.DataFrame:
    x, z = rng.normal(size=(2, n)).round(2)
    return pd.DataFrame({"x": x, "z": z, "y": np.where(x * z + noise * rng.normal(size=n) > 0, "a", "b")})


def rows(*frames: pd.DataFrame) -> list[Rows]:
    coding = compare_schemas(pd.concat(frames), [frames[0]]).coding
    return [coding.rows(one) for one in frames]


def test_what_is_known_of_a_released_record_exceeds_the_holdout() -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        real, fresh, holdout = rows(*(sample(rng, 600, 2.0) for _ in range(3)))
        copied = confident_guesses(real, [real], ["x", "z"], "y", rng, holdout=holdout)
        new = confident_guesses(real, [fresh], ["x", "z"], "y", rng, holdout=holdout)
        assert [one.flag for one in judged([copied, new])] == [True, False]
        assert copied.baseline_kind == "holdout"


def test_a_law_of_the_population_is_no_disclosure() -> None:
    rng = np.random.default_rng(1)
    real, fresh = rows(*(sample(rng, 800, 0.1) for _ in range(2)))
    figure = confident_guesses(real, [fresh, fresh], ["x", "z"], "y", rng)
    assert figure.baseline is not None
    assert figure.value > 0.5
    assert abs(figure.value - figure.baseline) < 0.05
    assert figure.p_value is None


def test_a_level_that_all_have_is_not_guessed() -> None:
    rng = np.random.default_rng(1)
    real, fresh = rows(*(sample(rng, 50, 1.0).assign(y="a") for _ in range(2)))
    assert confident_guesses(real, [fresh], ["x", "z"], "y", rng).value == 0
