"""Whatever numbers a model is given, the end is a fit that tells of what is no number, or an error that names a fix."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from replicant.errors import DataError, SpecError
from replicant.estimate import fit

from .test_fuzz import HUNG, Hung, fuzzed

pytestmark = pytest.mark.fuzz

NUMBERS: list[Callable[[np.random.Generator, int], np.ndarray]] = [
    lambda rng, n: rng.normal(size=n),
    lambda rng, n: rng.normal(size=n) * 10 ** rng.uniform(-9, 9),
    lambda rng, n: rng.normal(size=n) + 10 ** rng.uniform(0, 9),
    lambda rng, n: rng.lognormal(0, 3, n),
    lambda rng, n: rng.gamma(0.3, size=n),
    lambda rng, n: rng.poisson(3, n).astype(float),
    lambda rng, n: rng.integers(0, 2, n).astype(float),
    lambda rng, n: np.full(n, float(rng.integers(-2, 3))),
]


def number(rng: np.random.Generator, n: int) -> np.ndarray:
    """A column of numbers, at times with one far off and with missing cells."""
    x = NUMBERS[rng.integers(len(NUMBERS))](rng, n)
    if rng.random() < 0.3:
        x[rng.integers(n)] = 10 ** rng.uniform(0, rng.choice([9, 60, 140]))
    if rng.random() < 0.2:
        x[rng.random(n) < 0.3] = np.nan
    return x


def levels(rng: np.random.Generator, n: int) -> pd.Categorical:
    """A column of up to five levels, some of them empty."""
    return pd.Categorical.from_codes(
        rng.integers(0, rng.integers(1, 6), n), list("vwxyz"), ordered=bool(rng.integers(2))
    )


def some(rng: np.random.Generator, n: int) -> np.ndarray:
    """Numbers of 0 or more, none missing."""
    return np.nan_to_num(np.abs(number(rng, n)))


RESPONSES: dict[str, Callable[[np.random.Generator, int], Any]] = {
    "ols": number,
    "logit": lambda rng, n: rng.integers(0, 2, n),
    "probit": lambda rng, n: rng.integers(0, 2, n),
    "poisson": lambda rng, n: np.round(some(rng, n)),
    "gamma": lambda rng, n: some(rng, n) + 1e-3,
    "polr": levels,
    "multinomial": levels,
}


@pytest.fixture
def bounded() -> Iterator[None]:
    """An example ends, by far."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Hung(f"still at it after {HUNG:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@fuzzed(0.2)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.sampled_from([100, 30, 10, 5, 3, 2, 1]),
    model=st.sampled_from(sorted(RESPONSES)),
    terms=st.lists(st.sampled_from("abcgh"), min_size=1, max_size=3, unique=True),
    weights=st.sampled_from([None, None, "frequency", "survey"]),
    link=st.booleans(),
    parts=st.booleans(),
)
def test_a_fit_ends_or_is_refused(
    bounded: None, seed: int, n: int, model: str, terms: list[str], weights: str | None, link: bool, parts: bool
) -> None:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({name: number(rng, n) for name in "abc"} | {name: levels(rng, n) for name in "gh"})
    frame["y"] = RESPONSES[model](rng, n)
    options: dict[str, Any] = {"link": "log"} if model == "gamma" and link else {}
    if weights is not None:
        frame["w"] = some(rng, n)
        options |= {"weights": "w", "weight_kind": weights}
    data = [frame.iloc[: n // 3], frame.iloc[n // 3 :]] if parts else frame
    signal.setitimer(signal.ITIMER_REAL, HUNG)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = fit(model, f"y ~ {' + '.join(terms)}", data, **options)
        except (SpecError, DataError):
            event("refused")
            return
    variances = np.diag(found.covariance)
    known = np.isfinite(found.estimates) & np.isfinite(variances) & (variances >= 0)
    assert known.all() or found.messages, "what is no number is told of"
    event("fitted")
